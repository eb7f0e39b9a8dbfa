"""Tool calls: families of tools whose names and parameter names vary, invented tools, several calls in a turn, results."""

import json
import re

from .conversation import Tool
from .values import (CITIES, LANGUAGES, ZONES, anything, ask, city, clock, code, date, email, expand, full_name, integer, made_up, name, number,
                     one_of, phrase, sentence, title, word)


def pick_name(rng, names: str) -> str:
    """One of the usual names, or the same words in another style, or (seldom) a made-up one."""
    chosen = one_of(rng, names)
    r = rng.random()
    words = chosen.split("_")
    if r < 0.12:
        return words[0] + "".join(w.capitalize() for w in words[1:])
    if r < 0.17:
        return "-".join(words)
    if r < 0.27:
        return made_up(rng) + ("_" + made_up(rng) if rng.random() < 0.5 else "")
    if r < 0.33:
        return rng.choice(("my", "api", "x", "tool", made_up(rng))) + "_" + chosen
    return chosen


def to_number(text: str):
    return float(text) if "." in text else int(text)


def typed(value: str, kind: str):
    return to_number(value) if kind == "number" else value


class Call:
    """One use of a tool: the question, the arguments, a result and the sentence that tells it."""

    def __init__(self, tool, asks, slots, arguments, result, answer, again=None):
        self.tool, self.asks, self.slots, self.arguments, self.result, self.answer, self.again = tool, asks, slots, arguments, result, answer, again


def families():
    return [weather, calculator, clock_time, convert, search, translate, weather, calculator, clock_time, convert, search] + [simple] * 6


# Each family returns (tool, make) where make(rng) returns a Call for that tool.
def weather(rng, demo=False):
    key = "city" if demo else one_of(rng, "city|city|location|place|town|city_name|where|q|loc")
    tool = Tool("get_weather" if demo else pick_name(rng, "get_weather|get_weather|weather|current_weather|get_current_weather|weather_lookup|check_weather|fetch_weather|weather_now|get_forecast|forecast"),
                {key: "string"}, one_of(rng, "Get the current weather in a city|Current weather in a city|Returns the weather for a place|Weather for a location|Get the current weather|Look up the weather|The weather in a city right now|Weather of a city."))
    unit = None
    if not demo and rng.random() < 0.25:
        unit = one_of(rng, "unit|units|scale")
        tool.parameters[unit] = rng.choice(("celsius|fahrenheit", "C|F", "string"))
        tool.optional = (unit,) if rng.random() < 0.8 else ()
    required_unit = unit and unit not in tool.optional

    def make(rng):
        v, arguments, extra = city(rng), {}, ""
        arguments[key] = v
        if unit and (required_unit or rng.random() < 0.3):
            u = rng.choice(("celsius", "fahrenheit"))
            extra = f" in {u}"
            arguments[unit] = {"celsius": "C", "fahrenheit": "F"}[u] if tool.parameters[unit] == "C|F" else u
        asks = ["[what's|what is|how is|how's] the weather[ like|][ today|][ right now|] in {v}" + extra + "?", "weather in {v}" + extra, "{v} weather" + extra, "[tell me|check|get|show me|look up|give me|find] the weather [in|for] {v}" + extra,
                "[is it|will it be] [raining|sunny|cold|hot|warm|snowing|windy|cloudy][ today|] in {v}" + extra + "?", "how [cold|hot|warm] is it in {v}" + extra + "?", "[what's|what is] the [temperature|forecast] in {v}" + extra + "?",
                "[do I need|should I take] [an umbrella|a coat] in {v}?", "I'm [going|travelling] to {v}, what's the weather" + extra + "?", "what's it like outside in {v}?", "how many degrees is it in {v}?", "[can you|could you|please] [check|tell me] [what the weather is like|the weather|the temperature] in {v}" + extra + "?"]
        t, cond = rng.randint(-15, 42), rng.choice("cloudy sunny rainy clear windy foggy overcast snowy stormy drizzle haze".split() + ["partly cloudy", "light rain", "heavy snow", "clear sky", made_up(rng)])
        f = rng.random() < 0.2
        d = {rng.choice(("temperature", "temperature", "temp", "degrees")) + rng.choice(("", "", "_f" if f else "_c")): t}
        if f or rng.random() < 0.5:
            d["unit"] = rng.choice(("F", "fahrenheit", "°F") if f else ("C", "celsius", "°C"))
        d[rng.choice(("condition", "condition", "conditions", "description", "summary", "sky", "weather"))] = cond
        if f and not any(k.endswith("_f") or k == "unit" for k in d):
            d["unit"] = "fahrenheit"
        if rng.random() < 0.5:
            d[rng.choice(("city", "location", "place"))] = v
        if rng.random() < 0.35:
            d[rng.choice(("humidity", "wind_kmh", "wind", "pressure"))] = rng.randint(1, 99)
        items = list(d.items())
        rng.shuffle(items)
        return Call(tool, asks, {"v": v}, arguments, dict(items), f"It is {t} {'°F' if f else '°C'} and {cond} in {v}.", ["and [in|] {v}?", "what about {v}?", "and [for|in] {v}?", "how about {v}?", "{v}?"])
    return tool, make


def expression(rng):
    """(as the user writes it, as a formula)."""
    a, b, c = number(rng), number(rng), integer(rng)
    r = rng.random()
    if r < 0.35:
        op = rng.choice("+-*/*+^%")
        e = rng.choice(("{a} {o} {b}", "{a} {o} {b}", "{a}{o}{b}")).format(a=a, b=b, o=op)
        return e, e
    if r < 0.6:
        o, p = rng.choice("+-*/"), rng.choice("+-*/")
        e = rng.choice(("{a} {o} {b} {p} {c}", "({a} {o} {b}) {p} {c}", "{a} {o} ({b} {p} {c})", "{a}{o}{b}{p}{c}", "({a}{o}{b}){p}{c}", "{a}{o}({b}{p}{c})")).format(a=a, b=b, c=c, o=o, p=p)
        if rng.random() < 0.15:
            e = rng.choice((f"sqrt({a})", f"{a} * sqrt({b})", f"({a} + {b}) * ({c} - {integer(rng)})", f"{a} ** 2"))
        return e, e
    said, formula = rng.choice((("{a} [times|multiplied by|x] {b}", "{a} * {b}"), ("{a} plus {b}", "{a} + {b}"), ("{a} minus {b}", "{a} - {b}"), ("{a} [divided by|over] {b}", "{a} / {b}"), ("the sum of {a} and {b}", "{a} + {b}"),
                                ("the product of {a} and {b}", "{a} * {b}"), ("{a} [percent|%] of {b}", "{a} / 100 * {b}"), ("the square root of {a}", "sqrt({a})"), ("{a} squared", "{a} ^ 2"), ("{a} to the power of {b}", "{a} ^ {b}"),
                                ("{a} plus {b} plus {c}", "{a} + {b} + {c}"), ("{a} times {b} plus {c}", "{a} * {b} + {c}"), ("the difference between {a} and {b}", "{a} - {b}")))
    return expand(rng, said).format(a=a, b=b, c=c), formula.format(a=a, b=b, c=c)


def calculator(rng, demo=False):
    key = "expression" if demo else one_of(rng, "expression|expression|expr|formula|input|equation|math")
    tool = Tool("calculator" if demo else pick_name(rng, "calculator|calculator|calculate|calc|evaluate|math|compute|evaluate_expression|do_math|math_eval"), {key: "string"},
                one_of(rng, "Evaluate an arithmetic expression|Calculates an expression|Evaluates a mathematical expression|Does arithmetic|Calculator for arithmetic|Compute the value of an expression|Work out a sum."))

    def make(rng):
        said, e = expression(rng)
        asks = ["[what is|what's|how much is] {q}?", "[calculate|compute|work out|evaluate|solve] {q}", "{q}", "{q} = ?", "[can you|could you|please] [calculate|work out|compute] {q}?", "use the calculator[ for|:] {q}", "[tell me|give me|I need] {q}", "what do you get for {q}?", "how much does {q} make?", "what's the result of {q}?"]
        out = number(rng)
        result = rng.choice((out, out, {"result": to_number(out)}, {"value": to_number(out)}, {"expression": e, "result": to_number(out)}, {"result": out}, {"answer": to_number(out)}))
        return Call(tool, asks, {"q": said}, {key: e}, result, f"{e} = {out}.", ["and {q}?", "now {q}", "what about {q}?"])
    return tool, make


def clock_time(rng, demo=False):
    key = "timezone" if demo else one_of(rng, "timezone|timezone|time_zone|tz|zone_name|city|location|place")
    iana = key not in ("city", "location", "place")
    tool = Tool("get_current_time" if demo else pick_name(rng, "get_current_time|get_time|current_time|get_current_time|time_now|world_clock|what_time|get_local_time"), {key: "string"},
                one_of(rng, "Get the current time in a time zone|Current time in an IANA time zone|Returns the time in a time zone|The time now in a time zone, such as Europe/Paris|Get the current time") if iana else one_of(rng, "Get the current time in a city|The time in a place|Local time of a city"))

    def make(rng):
        if iana:
            v = rng.choice(list(ZONES))
            arg = ZONES[v]
            if rng.random() < 0.3:
                v = arg if rng.random() < 0.6 else f"{made_up(rng).capitalize()}/{made_up(rng).capitalize()}"
                arg = v
        else:
            v = arg = city(rng)
        asks = ["what time is it[ now|][ right now|] in {v}?", "[what's|what is] the [time|current time|local time] in {v}?", "[tell me|check|get|give me|show me] the [time|current time] in {v}", "time in {v}", "current time in {v}", "how late is it in {v}?", "do you know [the time|what time it is] in {v}?",
                "is it [late|early|morning|night] in {v}[ now|]?", "[can you|could you|please] [tell me|check] [the time|what time it is] in {v}?", "{v} time", "what's the clock in {v}?", "what hour is it in {v}?"]
        t = f"{rng.randint(0, 23):02}:{rng.randint(0, 59):02}"
        day = f"20{rng.randint(24, 31)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}"
        text = f"{rng.choice('Monday Tuesday Wednesday Thursday Friday Saturday Sunday'.split())}, {rng.randint(1, 28)} {rng.choice('January February March April May June July August'.split())} 20{rng.randint(24, 31)}, {t}"
        form = rng.randrange(7)
        result = ({key: arg, "time": t}, t, {"time": t}, {"time": f"{day} {t}"}, f"{day}T{t}:00+0{rng.randint(0, 9)}:00", text, {key: arg, "time": text})[form]
        told = text if form >= 5 else t
        return Call(tool, asks, {"v": v}, {key: arg}, result, f"It is {told} in {v}.", ["and in {v}?", "what about {v}?", "and {v}?"])
    return tool, make


UNITS = ["kilometres miles", "km miles", "miles km", "km mi", "meters feet", "metres yards", "inches cm", "cm inches", "kg pounds", "kg lb", "pounds kg", "grams ounces", "celsius fahrenheit", "fahrenheit celsius", "litres gallons", "liters cups",
         "hours minutes", "minutes seconds", "days hours", "mph km/h", "feet meters", "m ft", "ft m", "lb kg", "l gal", "mb gb", "GB MB", "ounces grams", "kelvin celsius", "stone kg", "tonnes kg", "mm inches", "degrees radians", "knots mph"]
MONEY = "euros dollars pounds yen francs EUR USD GBP JPY CHF rupees pesos".split()


def convert(rng, demo=False):
    a, b, c = ("value", "from", "to") if demo else rng.choice((("value", "from", "to"), ("value", "from_unit", "to_unit"), ("amount", "from", "to"), ("amount", "source", "target"), ("number", "unit", "target_unit"), ("quantity", "from_unit", "to_unit"), ("amount", "from_currency", "to_currency")))
    money = c == "to_currency"
    kind = "number" if demo or rng.random() < 0.85 else "string"
    order = [(a, kind), (b, "string"), (c, "string")]
    if not demo and rng.random() < 0.25:
        rng.shuffle(order)
    tool = Tool("convert_units" if demo else pick_name(rng, "convert_currency|exchange|currency_converter" if money else "convert_units|convert_units|convert|unit_converter|convert_unit|unit_conversion"), dict(order),
                one_of(rng, "Convert an amount between currencies|Currency conversion") if money else one_of(rng, "Convert a value from one unit to another|Converts between units|Unit conversion|Convert units of measurement"))

    def make(rng):
        if money:
            u, w = rng.sample(MONEY, 2)
        elif rng.random() < 0.25:
            u, w = made_up(rng), made_up(rng)
        else:
            u, w = rng.choice(UNITS).split()
        n = number(rng)
        asks = ["[convert|change|turn] {n} {u} [to|into|in] {w}", "how many {w} [are|is|in|are in|make] {n} {u}?", "[what is|what's|how much is] {n} {u} in {w}?", "{n} {u} [to|in|as] {w}", "[can you|please|could you] convert {n} {u} [to|into] {w}?", "express {n} {u} in {w}", "I have {n} {u}, how many {w} is that?", "give me {n} {u} in {w}", "{n} {u} is how many {w}?"]
        values = {a: typed(n, kind), b: u, c: w}
        out = number(rng)
        result = rng.choice((out, {"result": to_number(out)}, {"result": to_number(out), "unit": w}, {"value": to_number(out), "unit": w}, {"value": to_number(n), "from": u, "to": w, "result": to_number(out)}, f"{out} {w}"))
        return Call(tool, asks, {"n": n, "u": u, "w": w}, {k: values[k] for k, _ in order}, result, f"{n} {u} is {out} {w}.", ["and {n} {u} in {w}?", "now {n} {u} to {w}"])
    return tool, make


def search(rng, demo=False):
    key = "query" if demo else one_of(rng, "query|query|q|text|term|search|keywords|question")
    docs = demo or rng.random() < 0.4
    tool = Tool("search_docs" if demo else pick_name(rng, "search_docs|docs_search|search_documentation|find_docs" if docs else "web_search|search|search_web|google|lookup|find|search_notes|search_wiki|browse"), {key: "string"},
                one_of(rng, "Search the documentation|Search Quire's documentation|Searches the docs for a query|Find pages in the documentation|Full-text search in the docs") if docs else one_of(rng, "Search the web|Searches the internet|Find web pages|Search for information|Look something up online"))

    def make(rng):
        v = rng.choice((lambda r: phrase(r, 1, 5), lambda r: phrase(r, 1, 3), lambda r: f"how to {word(r)} {rng.choice(('a', 'the'))} {word(r)}", lambda r: f"{word(r)} {rng.choice(('of', 'in', 'for', 'and', 'with'))} {word(r)}", title, word, city))(rng)
        place = rng.choice(("[the docs|the documentation|docs|documentation|the manual|quire's docs]",) if docs else ("the web", "the internet", "online", "the web", "google"))
        asks = [f"search {place} for {{v}}", f"[look up|find|search for|look for] {{v}} [in|on] {place}", "[search for|search|look up|find] {v}", "search: {v}", f"[can you|please|could you] [search|look up|search for|find] {{v}}[ in {place}|]?", f"what does {place} say about {{v}}?",
                "[find|get|show] me [information|something|pages|articles] [about|on] {v}", "search for \"{v}\"", f"search {place}: {{v}}", f"[is there|do you find] anything about {{v}} in {place}?", "do a search for {v}", f"I [want|need] to [find|read|know] [about|more about] {{v}} from {place}", f"use {place} to find {{v}}"]
        n = rng.choice((1, 2, 3))
        tkey, skey = rng.choice(("title", "title", "heading", "name")), rng.choice(("snippet", "text", "content", "excerpt", "summary"))
        hits = []
        for _ in range(n):
            h = {tkey: title(rng), skey: sentence(rng, 4, 14) + "."}
            if rng.random() < 0.3:
                h[skey] += " " + sentence(rng, 3, 8) + "."
            if rng.random() < 0.4:
                h[rng.choice(("url", "link", "path"))] = f"https://{made_up(rng)}.com/{made_up(rng)}"
            if rng.random() < 0.2:
                h["score"] = rng.randint(1, 99)
            hits.append(h)
        first = hits[0][skey].split(". ")[0].rstrip(".") + "."
        answer = f"I found \"{hits[0][tkey]}\": {first}"
        result = hits if rng.random() < 0.5 else {rng.choice(("results", "hits", "items")): hits}
        if rng.random() < 0.08:
            result, answer = rng.choice(([], {"results": []}, "No results.", {"results": [], "total": 0})), "I found nothing about that."
        return Call(tool, asks, {"v": v}, {key: v}, result, answer, None)
    return tool, make


def translate(rng):
    a, b = rng.choice((("text", "target_language"), ("text", "language"), ("text", "to"), ("phrase", "lang"), ("sentence", "target"), ("text", "target_lang"), ("content", "language")))
    order = [a, b] if rng.random() < 0.75 else [b, a]
    tool = Tool(pick_name(rng, "translate|translate|translate_text|translator|translation"), {k: "string" for k in order}, one_of(rng, "Translate text into another language|Translates a text|Translation between languages|Translate text"))

    def make(rng):
        v, lang = rng.choice((lambda r: phrase(r, 1, 5), lambda r: sentence(r, 2, 8), lambda r: rng.choice(("good morning", "thank you", "how are you", "I love you", "where is the station", "good night", "hello", "see you tomorrow", "the bill please")), word))(rng), rng.choice(LANGUAGES + [made_up(rng).capitalize()])
        asks = ["translate \"{v}\" [to|into|in] {l}", "translate {v} [to|into] {l}", "[how do you say|how do I say|how would you say|say] \"{v}\" in {l}[?|]", "what is \"{v}\" in {l}?", "what's {v} in {l}?", "[can you|please|could you] translate \"{v}\" [into|to] {l}?", "I need \"{v}\" in {l}", "put \"{v}\" into {l}", "translate to {l}: {v}", "{l} for \"{v}\"", "how do you say {v} in {l}?", "translate '{v}' into {l}", "give me the {l} [translation of|for] \"{v}\""]
        out = phrase(rng, 1, 5)
        result = rng.choice((out, {"translation": out}, {"translated_text": out}, {"text": out, "language": lang}))
        d = {a: v, b: lang}
        return Call(tool, asks, {"v": v, "l": lang}, {k: d[k] for k in order}, result, f"\"{v}\" in {lang} is \"{out}\".", None)
    return tool, make


# name choices ; description ; parameters "name alternatives:kind" ; ways of asking, {0} {1} being the values
SIMPLE = [line.split(" ; ") for line in """
set_reminder|add_reminder|create_reminder|remind ; Set a reminder ; task,text,message,title:phrase when,time,date,due:when ; remind me to {0} {1}~set a reminder [to|for] {0} {1}~{1} remind me to {0}~add a reminder for {1}: {0}
send_email|email|write_email|send_mail ; Send an email ; to,recipient,address:email subject,title:title body,text,message:sentence ; [send|write] an email to {0} [with subject|with the subject|titled|about] {1} [saying|and body|and text|and say] {2}~email {0}, subject {1}, [body|text|message] {2}
send_email|send_mail|mail ; Send an email ; to,recipient,email:email body,text,message,content:sentence ; [send an email|write] to {0} [saying|and say|with the text|:] {1}~email {0}: {1}~[mail|email] {0} [that|saying] {1}~tell {0} by email: {1}
send_message|send_sms|text_contact|message ; Send a message to a contact ; to,contact,recipient,name:name text,message,body:sentence ; [send|text|write] {0} [a message:|:|] {1}~tell {0} [that|] {1}~message {0} [saying|that] {1}~send a message to {0} [saying|:] {1}~let {0} know that {1}
set_timer|start_timer|timer ; Start a timer ; minutes,duration,duration_minutes,length:int ; [set|start] a timer for {0} minutes~[set|start] a {0} minute timer~timer {0} minutes~wake me in {0} minutes~[count down|countdown] {0} minutes
set_alarm|alarm|create_alarm ; Set an alarm ; time,at,when:clock ; [set|create] an alarm [for|at] {0}~wake me [up|] at {0}~alarm at {0}
get_stock_price|stock_price|stock_quote|quote ; Get the price of a stock ; symbol,ticker,stock:ticker ; [what's|what is] the [stock price|price|share price] of {0}[ stock|]?~how much is {0} stock?~stock price [of|for] {0}~[check|get|look up] {0} stock~how is {0} trading?
play_music|play_song|play|play_track ; Play a song ; song,title,track,query:title ; play {0}~[play|start|put on] the song {0}~I want to hear {0}~can you play {0}?~put on {0}
create_note|add_note|save_note|take_note|note ; Save a note ; text,content,note,body:sentence ; [note|write|save|take a note]: {0}~[make|create|add] a note [saying|:|that says] {0}~note that {0}~save [the|this] note {0}
define|define_word|dictionary|lookup_word ; Look up a word in a dictionary ; word,term,entry:word ; define {0}~what does {0} mean?~what is the [definition|meaning] of {0}?~look up the word {0}~[give me|find] the definition of {0}
get_user|find_user|lookup_customer|get_customer|fetch_account ; Get a user by id ; id,user_id,customer_id,account:id ; [get|find|show|look up|fetch] [user|customer|account] {0}~who is [user|customer] {0}?~show me the [account|user] with id {0}
track_package|track_order|order_status|get_order|shipping_status ; Track an order ; order_id,id,tracking_number,number,order:id ; where is [my order|order|package|my package] {0}?~track [order|package|] {0}~[what's|what is] the status of [order|package] {0}?~has order {0} [shipped|arrived]?
read_file|open_file|cat|load_file ; Read a file ; path,file,filename,file_path:path ; [read|open|show|print|cat] [the file|] {0}~what's in [the file|] {0}?~show me the contents of {0}~load {0}
delete_file|remove_file|rm ; Delete a file ; path,file,filename:path ; [delete|remove|erase] [the file|] {0}~get rid of {0}~please delete {0}
write_file|save_file|create_file ; Write text to a file ; path,file,filename:path content,text,data:sentence ; [write|save] {1} [to|in|into] [the file|] {0}~create [a file|] {0} [with|containing|with the text] {1}~put {1} in [the file|] {0}
fetch_url|open_url|http_get|visit_page|browse ; Open a web page ; url,link,address,page:url ; [open|fetch|visit|go to|load|read] {0}~what's on {0}?~get the page {0}~show me {0}
book_table|reserve_table|make_reservation ; Book a table in a restaurant ; restaurant,place,name:title people,guests,party_size:small time,when,at:clock ; book a table [at|in] {0} for {1}[ people|] at {2}~reserve a table for {1} [at|in] {0} at {2}~[I need|I want] a table for {1} at {0} at {2}
find_flights|search_flights|flights|get_flights ; Find flights between cities ; from,origin,departure,from_city:city to,destination,arrival,to_city:city ; [find|search|show me|get] flights from {0} to {1}~[I want|I need] to fly from {0} to {1}~flights [from|] {0} to {1}~fly me from {0} to {1}~is there a flight from {0} to {1}?
find_flights|search_flights|book_flight ; Find flights on a date ; origin,from,source:city destination,to:city date,day,when:date ; [find|book|search] [a flight|flights] from {0} to {1} [on|for] {2}~[I want|I need] to fly from {0} to {1} on {2}~flights to {1} from {0} on {2}
get_directions|directions|route|navigate ; Get directions ; from,start,origin:city to,end,destination:city ; [how do I get|give me directions|directions|navigate|route] from {0} to {1}~[what's|what is] the way from {0} to {1}?~how far is [it from|] {0} [from|to] {1}?
get_population|population|city_population|country_info ; Get the population of a place ; place,city,country,name:city ; [what's|what is] the population of {0}?~how many people live in {0}?~population of {0}~how big is {0}?
create_event|add_event|schedule_meeting|add_to_calendar ; Add an event to the calendar ; title,name,event,summary:title date,day,when:date ; [add|schedule|create|put] [an event|the event|] {0} [on|for] {1}~schedule {0} [on|for] {1}~put {0} [in|on] my calendar [on|for] {1}~create a [meeting|calendar event] {0} on {1}
create_event|schedule_meeting ; Schedule a meeting ; title,subject,name:title date,day:date time,start,at:clock ; schedule {0} on {1} at {2}~add {0} to my calendar on {1} at {2}~[create|set up] a meeting {0} [on|for] {1} at {2}
set_light|light|turn_light|set_lights ; Switch a light ; room,location,place:word on,state,enabled:bool ; [turn|switch] {1} the [light|lights|lamp] in the {0}~[turn|switch] {1} the {0} [light|lights|lamp]~[turn|switch] the {0} lights {1}
set_temperature|set_heating|heat ; Set the temperature of a room ; room,place,location:word temperature,degrees,value,target:small ; set the {0} to {1} degrees~[make|heat] the {0} [to|] {1} degrees~set the temperature in the {0} to {1}
add_to_cart|buy|order_item|add_item ; Add items to the cart ; item,product,name:word quantity,count,amount,qty:small ; [add|put] {1} {0} [to|in] [my|the] cart~[buy|order|get me] {1} {0}~I [want|need|would like] {1} {0}
get_recipe|find_recipe|recipe ; Find a recipe ; dish,food,name,meal:phrase ; [how do I [make|cook]|recipe for|find a recipe for|give me a recipe for|I want to cook] {0}~how is {0} made?
roll_dice|dice|roll ; Roll dice ; sides,faces,n:small ; roll a [die|dice] with {0} sides~roll a {0}-sided die~roll a d{0}
random_number|rand|get_random ; A random number between two bounds ; min,low,from:int max,high,to:int ; [give me|pick|choose|generate] a random number [between|from] {0} [and|to] {1}~random number [between|from] {0} [and|to] {1}
get_location|where_am_i|locate ; Get the user's location ;  ; where am I [now|right now|on the map]?~[find|get|show] my [location|position]~[what's|what is] my location?
list_files|ls|show_files|get_files ; List the files ;  ; [list|show|show me] [the|my|all|] files~which files are there?~what files do I have?
get_battery|battery_level|battery ; Get the battery level ;  ; how full is [the|my] battery?~[what's|check] [the|my] battery[ level|]?~battery level
run_sql|query_database|sql|db_query ; Run an SQL query ; query,sql,statement:sql ; [run|execute] {0}~[run|execute] [the|this] [query|sql]: {0}~query the database: {0}
get_news|news|latest_news|headlines ; Get news about a topic ; topic,subject,query,about:phrase ; [what's|get|show me|find] [the latest|the|] news [about|on] {0}~[any news|news|headlines] [about|on] {0}~what's new [about|with|in] {0}?
call_contact|phone|call|dial ; Call someone ; name,contact,person,who:name ; call {0}~[phone|ring|dial] {0}~[can you|please] call {0}~I want to [talk to|speak with|call] {0}
count_words|word_count|text_length ; Count the words of a text ; text,input,string:sentence ; [how many words are in|count the words in|word count of|count words:] "{0}"~how long is "{0}"?
rename|rename_file|move_file|mv ; Rename a file ; from,source,old_name,src:path to,target,new_name,dest:path ; rename {0} to {1}~move {0} to {1}~change the name of {0} to {1}
create_issue|open_ticket|create_ticket|add_task|add_todo ; Create a ticket ; title,summary,subject,name:phrase priority,level,severity:low/medium/high ; [create|open|file|add] a [ticket|task|{1} priority ticket] [called|titled|for|about] {0} with [priority|] {1}[ priority|]~[add|create] a {1} priority [task|ticket|issue]: {0}
create_task|add_todo|todo|add_task ; Add a task to the list ; task,title,text,item:phrase ; add {0} to my [list|to-do list|tasks|todo list]~[new|add a|create a] task: {0}~put {0} on my [to-do list|list]~I need to {0}, add it to my list
""".strip().splitlines()]
GENERATE = {
    "phrase": lambda r: phrase(r, 1, 4), "when": lambda r: r.choice(("at " + clock(r), "tomorrow", "on " + date(r), "at " + clock(r))), "email": email, "title": title, "sentence": lambda r: sentence(r, 2, 8),
    "name": name, "int": lambda r: integer(r, r.choice((1, 2, 2, 3))), "clock": clock, "ticker": lambda r: "".join(r.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZ") for _ in range(r.randint(2, 5))) if r.random() < 0.7 else title(r), "word": word,
    "id": lambda r: r.choice((code, integer, integer))(r), "path": lambda r: r.choice(("", "", "src/", "/tmp/", "docs/", made_up(r) + "/")) + r.choice((made_up(r), word(r), made_up(r) + "_" + word(r))) + r.choice((".txt", ".md", ".json", ".csv", ".py", ".ts", ".pdf")),
    "url": lambda r: r.choice(("https://", "http://", "https://www.")) + made_up(r) + r.choice((".com", ".org", ".io")) + r.choice(("", "", "/" + made_up(r))), "small": lambda r: str(r.randint(1, 40)), "city": city, "date": date,
    "sql": lambda r: f"SELECT {r.choice(('*', word(r), 'count(*)'))} FROM {word(r)}" + r.choice(("", f" WHERE {word(r)} = {integer(r)}", f" LIMIT {integer(r, 1)}")), "low/medium/high": lambda r: r.choice(("low", "medium", "high")), "code": code, "number": number, "anything": anything}
NUMERIC = {"int", "small", "number"}


def generic_result(rng):
    """A JSON result of no known shape, and the sentence that reads it out."""
    r = rng.random()
    if r < 0.3:
        v = rng.choice((sentence(rng, 2, 7) + ".", number(rng), phrase(rng, 1, 3), code(rng)))
        return v, f"The result is {v}" if v.endswith(".") else f"The result is {v}."
    if r < 0.38:
        v = rng.choice((sentence(rng, 2, 6), "not found", "timeout", "permission denied"))
        return {rng.choice(("error", "error", "error_message")): v}, f"The tool reported an error: {v}."
    d = {}
    for _ in range(rng.choice((1, 1, 2, 2, 3))):
        d[rng.choice(("status", "id", "message", "price", "count", "name", "time", "result", "level", "total", made_up(rng), made_up(rng)))] = rng.choice((anything(rng), to_number(number(rng)), "ok", "done", rng.randint(0, 100)))
    return d, "Result: " + ", ".join(f"{k} {v}" for k, v in d.items()) + "."


def simple(rng):
    names, description, parameters, ways = rng.choice(SIMPLE)
    params = []
    for p in parameters.split():
        keys, kind = p.split(":")
        params.append((rng.choice(keys.split(",")), kind))
    kinds = {}
    for key, kind in params:
        kinds[key] = "boolean" if kind == "bool" else "number" if kind in NUMERIC and rng.random() < 0.9 else "number" if kind == "id" and rng.random() < 0.3 else kind.replace("/", "|") if "/" in kind and rng.random() < 0.8 else "string"
    tool = Tool(pick_name(rng, names), kinds, description if rng.random() < 0.85 else None if rng.random() < 0.3 else description + rng.choice((".", " for the user", " now")))

    def make(rng):
        values, arguments = [], {}
        for key, kind in params:
            if kind == "bool":
                on = rng.random() < 0.5
                values.append("on" if on else "off")
                arguments[key] = on
                continue
            v = GENERATE[kind](rng)
            if kind == "id" and kinds[key] == "number":
                v = integer(rng)
            values.append(v)
            arguments[key] = typed(v, kinds[key])
        for key, kind in params:
            if kind == "when" and isinstance(arguments[key], str):
                arguments[key] = arguments[key].removeprefix("at ").removeprefix("on ")
        result, answer = generic_result(rng)
        asks = [w.replace("{0}", "{a0}").replace("{1}", "{a1}").replace("{2}", "{a2}") for w in ways.split("~")]
        return Call(tool, asks, {f"a{i}": v for i, v in enumerate(values)}, arguments, result, answer)
    return tool, make


VERBS = """activate adjust approve assign attach balance block brew build cancel capture check clean close collect compare compile connect copy count crop
deploy describe detect draw dry encode export fetch filter fix flush fold freeze grade grow hide import inspect invite label launch list load lock log match measure
merge mix mount notify open order pack paint park patch pause ping plan plot polish post print publish pull push queue rank rate refund register release render
repair replay reset resize restart resume rotate save scan score seal send share ship show sign sort split start stop store submit sync tag test tint track train trim
tune unlock update upload validate verify view visit wash water weigh wrap zip""".split()
NOUNS = """account album article asset backup banner battery block board book box bridge bucket bug camera campaign canvas card cargo case channel chart claim
client cluster comment contract coupon course crop customer dataset deck device disk document door draft email engine event exam farm fence field file filter flag flight
folder form frame garden gate grid group hotel house image index invoice item job journal key lamp layer lease lens lesson light link list loan lock log machine
member menu message meter mission model motor movie node object offer order oven page panel patient payment photo pipe plan plant plate player plugin pool port
post printer product profile project pump queue quote recipe record region report request robot room route sample scene score screen sensor server session sheet ship
signal site slot song sprite stage stock store stream survey switch table tank task team tenant theme token tower toy track train tree truck tunnel user valve vehicle
video volume wallet warehouse widget window wire""".split()
PARAMS = """id name title label value amount count size level mode kind type color owner status code key path region format speed depth width height weight limit
offset start end source target reason comment tag group user priority language budget score age index page port host channel topic note item message date day time
material brand model version section floor room seat row column angle power rate ratio delay batch role team email phone price""".split()


def invented(rng):
    """A tool nobody has seen: made of a verb and a noun, or of made-up words; its parameters too."""
    verb = rng.choice(VERBS) if rng.random() < 0.7 else made_up(rng)
    noun = rng.choice(NOUNS) if rng.random() < 0.65 else made_up(rng)
    style = rng.random()
    tool_name = f"{verb}_{noun}" if style < 0.6 else verb + noun.capitalize() if style < 0.75 else f"{noun}_{verb}" if style < 0.83 else f"{verb}-{noun}" if style < 0.88 else f"{noun}.{verb}" if style < 0.91 else made_up(rng)
    description = rng.choice((f"{verb.capitalize()} a {noun}", f"{verb.capitalize()} the {noun}", f"{verb.capitalize()} {noun}s", f"Use this to {verb} a {noun}", f"{verb.capitalize()}s a {noun}.", f"{verb.capitalize()} the given {noun}", sentence(rng, 3, 7)))
    if rng.random() < 0.08 and verb in tool_name:
        description = None
    n = rng.choices((0, 1, 2, 3, 4), (0.5, 5, 4, 2, 0.7))[0]
    params = {}
    while len(params) < n:
        key = rng.choice(PARAMS) if rng.random() < 0.6 else made_up(rng)
        if n == 1 and rng.random() < 0.3:
            key = noun
        if rng.random() < 0.2:
            key = rng.choice((f"{noun}_{key}", f"{key}_{rng.choice(('id', 'name', 'code', 'type'))}", f"{key}_{made_up(rng)}"))
        params[key] = rng.choices(("string", "number", "boolean"), (6, 3, 0.6))[0]
        if rng.random() < 0.06:
            params[key] = "|".join(word(rng) for _ in range(rng.choice((2, 3))))
    tool = Tool(tool_name, params, description)
    if len(params) > 1 and rng.random() < 0.25:
        tool.optional = tuple(list(params)[-rng.randint(1, len(params) - 1):])

    def make(rng):
        arguments, slots, bits = {}, {}, []
        used = [k for k in params if k not in tool.optional or rng.random() < 0.35]
        for i, key in enumerate(used):
            kind = params[key]
            said = None
            if kind == "number":
                said = number(rng)
                value = to_number(said)
            elif kind == "boolean":
                value = rng.random() < 0.5
                said = rng.choice(("true", "on", "yes") if value else ("false", "off", "no"))
            elif "|" in kind:
                said = value = rng.choice(kind.split("|"))
            else:
                said = value = anything(rng) if rng.random() < 0.85 else integer(rng)
            arguments[key] = value
            slots[f"a{i}"] = said
            bits.append((key if rng.random() < 0.3 else key.replace("_", " "), f"{{a{i}}}"))
        spoken = [verb + " " + rng.choice(("the ", "a ", "", "my ", "this ")) + noun]
        if rng.random() < 0.3:
            spoken = [rng.choice((f"use {tool_name}", f"call {tool_name}", f"run {tool_name}", f"use the {tool_name} tool", f"invoke {tool_name}", f"use the tool {tool_name}"))]
        lead = rng.choice(("", "", "", "please ", "can you ", "I need you to ", "could you ", "I want to ", "now ", "go ahead and ", "I'd like to ", "help me "))
        text = lead + spoken[0]
        if len(bits) == 1 and params[used[0]] == "string" and rng.random() < 0.6:
            text += rng.choice((" {a0}", " {a0}", " called {a0}", " for {a0}", ": {a0}", " named {a0}", " \"{a0}\"", " with {a0}", " in {a0}", " of {a0}", " from {a0}", " to {a0}", " at {a0}", " about {a0}"))
        elif bits:
            order = bits[:]
            if rng.random() < 0.3:
                rng.shuffle(order)
            link = rng.choice((" {v}", " {v}", " is {v}", " = {v}", ": {v}", " set to {v}", " of {v}", " \"{v}\"", " to {v}"))
            parts = [k + link.replace("{v}", v) for k, v in order]
            if len(order) > 1 and order[0][0] == used[0] and rng.random() < 0.3:
                parts[0] = order[0][1]
                text += " " + parts[0] + rng.choice((" with ", ", ", " and ", " using ")) + (", ".join(parts[1:-1]) + " and " if len(parts) > 2 else "") + parts[-1]
            else:
                text += rng.choice((" with ", " with ", ", ", ": ", " where ", " using ", " and set ", " for ")) + (", ".join(parts[:-1]) + rng.choice((" and ", ", ")) if len(parts) > 1 else "") + parts[-1]
        result, answer = generic_result(rng)
        return Call(tool, [text + rng.choice(("", "", "?"))], slots, arguments, result, answer)
    return tool, make


DEMO = [calculator, clock_time, convert, search, weather]
DEMO_DESCRIPTIONS = {"calculator": ["Evaluates an arithmetic expression.", "Evaluate an arithmetic expression, such as 3 * (4 + 5).", "Calculator"],
                     "get_current_time": ["Gets the current time in a time zone.", "The current date and time in an IANA time zone, such as Europe/Paris."],
                     "convert_units": ["Converts a value from one unit to another.", "Converts between units of length, mass, volume and temperature."],
                     "search_docs": ["Searches Quire's documentation.", "Search the Quire documentation."], "get_weather": ["Gets the current weather in a city.", "Current weather for a city"]}


def toolbox(rng):
    """A list of (tool, make) with distinct names."""
    if rng.random() < 0.2:
        box = [f(rng, demo=True) for f in DEMO]
        for tool, _ in box:
            if rng.random() < 0.6:
                tool.description = rng.choice(DEMO_DESCRIPTIONS[tool.name])
        if rng.random() < 0.4:
            rng.shuffle(box)
        return box if rng.random() < 0.7 else box[: rng.randint(1, 5)]
    n = rng.choices((1, 2, 3, 4, 5), (4, 4, 3, 1.5, 0.7))[0]
    box, seen = [], set()
    while len(box) < n:
        family = invented if rng.random() < 0.45 else rng.choice(families())
        if family is not invented and family is not simple and family in seen:
            continue
        tool, make = family(rng)
        if tool.name not in {t.name for t, _ in box}:
            seen.add(family)
            box.append((tool, make))
    return box


def encode(rng, result) -> str:
    if isinstance(result, str):
        return result
    return json.dumps(result, ensure_ascii=False, separators=rng.choice(((", ", ": "), (",", ":"))))


def fmt(call, rng):
    return ask(rng, rng.choice(call.asks), **call.slots)


def several(rng, box):
    """(question, calls) with two or three calls in one turn."""
    tool, make = rng.choice(box)
    if len(box) == 1 or rng.random() < 0.45:
        calls = [make(rng) for _ in range(rng.choice((2, 2, 3)))]
        if len({tuple(c.arguments) for c in calls}) == 1 and len(calls[0].slots) == 1 and not any(x in v for c in calls for v in c.slots.values() for x in (",", " and ")):
            slot = next(iter(calls[0].slots))
            values = [c.slots[slot] for c in calls]
            way = rng.choice([a for a in calls[0].asks])
            if rng.random() < 0.85 and f'"{{{slot}}}"' not in way:
                listed = ", ".join(f"{{v{i}}}" for i in range(len(values) - 1)) + rng.choice((" and ", " and ", " and also ", ", and ")) + f"{{v{len(values) - 1}}}"
                if len(values) == 2 and rng.random() < 0.1:
                    listed = "{v0} or {v1}"
                before = re.search(r"\b(in|for|of|about) \{" + slot, way)
                if before and rng.random() < 0.3:
                    listed = listed.replace("and {", f"and {before.group(1)} {{").replace("also {", f"also {before.group(1)} {{")
                elif rng.random() < 0.1 and len(values) == 2:
                    listed = "both " + listed
                return ask(rng, way.replace(f"{{{slot}}}", listed), **{f"v{i}": v for i, v in enumerate(values)}), calls
    else:
        calls = [m(rng) for _, m in rng.sample(box, min(len(box), rng.choice((2, 2, 2, 3))))]
    text = fmt(calls[0], rng).rstrip("?.!")
    for call in calls[1:]:
        nxt = fmt(call, rng)
        joiner = rng.choice((" and ", " and ", ", and ", "? And ", ". Then ", ". Also, ", " and then ", " and also ", "; ", ", then ", "? "))
        text = text.rstrip("?.!") + joiner + (nxt[:1].lower() + nxt[1:] if nxt[:2] != nxt[:2].upper() and not any(nxt.startswith(str(v)) for v in call.slots.values()) and rng.random() < 0.8 else nxt)
    return text, calls


def refuse(rng, c):
    """Asks for something that no tool at hand can do."""
    for _ in range(5):
        family = rng.choice((weather, clock_time, weather, clock_time, translate))
        marker = {weather: "weather", clock_time: "time", translate: "translat"}[family]
        listed = " ".join((t.name + " " + (t.description or "")).lower() for t in c.tools)
        if marker not in listed and not (family is weather and "forecast" in listed) and not (family is clock_time and "clock" in listed):
            _, make = family(rng)
            c.user(fmt(make(rng), rng))
            c.assistant("I have no tool for that here.")
            return


def tool_turns(rng, c, box, fillers):
    """One to three rounds of question, call, result and answer."""
    for round_ in range(rng.choices((1, 2, 3), (7, 2, 1))[0]):
        r = rng.random()
        if r < 0.22:
            text, calls = several(rng, box)
        elif r < 0.30:
            rng.choice(fillers)(rng, c)
            continue
        elif r < 0.33:
            refuse(rng, c)
            continue
        else:
            calls = [rng.choice(box)[1](rng)]
            text = fmt(calls[0], rng)
        c.user(text)
        c.assistant("", calls=[(x.tool.name, x.arguments) for x in calls])
        while True:
            if rng.random() < (0.5 if round_ == 0 else 0.3) and len(c.turns) < 3:
                return
            c.results([encode(rng, x.result) for x in calls])
            c.assistant(" ".join(x.answer for x in calls))
            if len(calls) == 1 and calls[0].again and rng.random() < 0.2:
                follow = next(m for t, m in box if t is calls[0].tool)(rng)
                c.user(ask(rng, rng.choice(follow.again), **follow.slots))
                c.assistant("", calls=[(follow.tool.name, follow.arguments)])
                calls = [follow]
                continue
            break
        if rng.random() < 0.25:
            rng.choice(fillers)(rng, c)
