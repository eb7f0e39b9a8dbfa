"""The evaluation set: written by hand, apart from the generator. `cases()` yields dictionaries

    group, messages, tools (schemas or None), thinking, and one of
    calls (exact list of (name, arguments)), says (all of these must be in the answer), equals (the exact answer).
"""

import json
import random

from held_out import HELD_OUT_CITIES, HELD_OUT_NAMES


def tool(name, description, required=None, **properties):
    schema = {"type": "object", "properties": {k: v if isinstance(v, dict) else {"type": v} for k, v in properties.items()}}
    schema["required"] = list(properties) if required is None else required
    return {"type": "function", "function": {"name": name, "description": description, "parameters": schema}}


CALCULATOR = tool("calculator", "Evaluates an arithmetic expression.", expression={"type": "string", "description": "For example 3 * (4 + 5)"})
TIME = tool("get_current_time", "Gets the current time in a time zone.", timezone={"type": "string", "description": "IANA name"})
UNITS = tool("convert_units", "Converts a value from one unit to another.", **{"value": "number", "from": "string", "to": "string"})
DOCS = tool("search_docs", "Searches Quire's documentation.", query="string")
WEATHER = tool("get_weather", "Gets the current weather in a city.", city="string")
DEMO = [CALCULATOR, TIME, UNITS, DOCS, WEATHER]
TRANSLATE = tool("translate", "Translate text into another language", text="string", target_language="string")


def user(*turns):
    """Alternating user and assistant texts, the first by the user."""
    return [{"role": ("user", "assistant")[i % 2], "content": t} for i, t in enumerate(turns)]


def case(group, text, tools=None, thinking=True, **expect):
    return dict(group=group, messages=user(text) if isinstance(text, str) else text, tools=tools, thinking=thinking, **expect)


def demo_tools():
    rng = random.Random(11)
    ways = ["Could you look at the weather for {}, please?", "I fly to {} tonight. What is the weather there?", "How's {} weather-wise at the moment?", "Give me today's weather for {}.",
            "Is there rain in {} just now?", "weather report for {} please", "Find out how warm {} is", "what are the weather conditions in {}"]
    for i, city in enumerate(HELD_OUT_CITIES):
        yield case("demo tools", ways[i % len(ways)].format(city), DEMO if i % 3 else [WEATHER], calls=[("get_weather", {"city": city})])
    for said, e in [("What is the value of 918 * 27?", "918 * 27"), ("Help me with 5012 - 377", "5012 - 377"), ("I want to know 84 / 6.5", "84 / 6.5"), ("Please evaluate (17 + 4) * 9 for me", "(17 + 4) * 9"),
                    ("how big is 73 * 73?", "73 * 73"), ("Do the sum 6641 + 2093", "6641 + 2093"), ("result of 12 * (8 - 3)?", "12 * (8 - 3)"), ("Let the calculator do 999 / 37", "999 / 37"),
                    ("What would 31 times 62 be?", "31 * 62"), ("I need to know 450 divided by 18", "450 / 18"), ("find 7.25 * 16", "7.25 * 16"), ("quickly, 8080 - 1234?", "8080 - 1234")]:
        yield case("demo tools", said, DEMO, calls=[("calculator", {"expression": e})])
    for said, zone in [("Is it already evening in Tokyo?", "Asia/Tokyo"), ("Please look up the time in New York", "America/New_York"), ("What does the clock say in Paris?", "Europe/Paris"), ("My friend is in Sydney. What time does she have?", "Australia/Sydney"),
                       ("time for London please", "Europe/London"), ("Which time is it now in Asia/Dubai?", "Asia/Dubai"), ("Time check: Los Angeles", "America/Los_Angeles"), ("what's the hour over in Cairo", "Africa/Cairo"),
                       ("now in America/Bogota?", "America/Bogota"), ("Give me the present time in Rome", "Europe/Rome")]:
        yield case("demo tools", said, DEMO, calls=[("get_current_time", {"timezone": zone})])
    for said, v in [("Please turn 42 miles into km", (42, "miles", "km")), ("I weigh 81 kg. What is that in pounds?", (81, "kg", "pounds")), ("How much is 3.7 litres in gallons?", (3.7, "litres", "gallons")), ("what would 98 fahrenheit be in celsius", (98, "fahrenheit", "celsius")),
                    ("from 15 inches to cm please", (15, "inches", "cm")), ("The rope is 250 feet, tell me that in metres", (250, "feet", "metres")), ("Could 64 zibblo be converted to flornak?", (64, "zibblo", "flornak")), ("make 12.5 ounces into grams", (12.5, "ounces", "grams")),
                    ("How long are 360 minutes in hours?", (360, "minutes", "hours")), ("500 g in kg?", (500, "g", "kg"))]:
        yield case("demo tools", said, DEMO, calls=[("convert_units", dict(zip(("value", "from", "to"), v)))])
    for said, q in [("Please search the docs about lighthouse rotation", "lighthouse rotation"), ("Have a look in the documentation for saxophone", "saxophone"), ("Search quire's documentation: accordion settings", "accordion settings"), ("docs search for marzipan", "marzipan"),
                    ("Can the documentation be searched for telescope lenses?", "telescope lenses"), ("look in the docs for vextor limits", "vextor limits"), ("I need documentation on draskel tuning, search for it", "draskel tuning"), ("Run a docs search for \"ibex mode\"", "ibex mode")]:
        yield case("demo tools", said, DEMO, calls=[("search_docs", {"query": q})])
    for said, t, l in [("Please put \"the lighthouse is far\" in German", "the lighthouse is far", "German"), ("How would one say \"good telescope\" in Dutch?", "good telescope", "Dutch"), ("I'd like \"two marzipan pigs\" translated to Danish", "two marzipan pigs", "Danish"),
                       ("Turn \"see you at the pier\" into Greek, please", "see you at the pier", "Greek"), ("Translation of \"saxophone\" to Polish?", "saxophone", "Polish"), ("\"my iguana sleeps\" in Spanish please", "my iguana sleeps", "Spanish")]:
        yield case("demo tools", said, [TRANSLATE, WEATHER] if rng.random() < 0.5 else [TRANSLATE], calls=[("translate", {"text": t, "target_language": l})])


def unseen_tools():
    parcel = tool("dispatch_parcel", "Send a parcel with a courier", parcel="string", courier="string")
    water = tool("irrigate_greenhouse", "Water a greenhouse", trellis="string", minutes="integer")
    podcast = tool("playPodcast", "Play a podcast episode", podcast="string", episode="integer")
    ledger = tool("ledger_archive", "Archive a ledger", ledger="string")
    quan = tool("quandrix_mubbin", "Quandrix the mubbin", vextor="string")
    flor = tool("flornak", "Flornak something", trundlo="number", glimra="string")
    therm = tool("thermostat_adjust", "Adjust the thermostat", celsius_target="number")
    badge = tool("print_badge", "Print a badge for a visitor", visitor="string", company={"type": "string"}, required=["visitor"])
    ferry = tool("ferry_schedule", "Look up the ferry schedule of a pier", pier="string")
    seed = tool("plant_seedling", "Plant a seedling", ["seedling", "depth"], seedling="string", depth="number")
    drone = tool("launch-drone", "Launch the drone", altitude={"type": ["integer", "null"]}, silent="boolean")
    rehearse = tool("rehearse", "Rehearse with a violinist", violinist={"type": "string", "minLength": 1}, day={"type": "string"})
    snork = tool("snorkad.wexford", "Wexford a snorkad", plimber={"type": "string", "enum": ["soft", "hard"]})
    glacier = tool("glacier_depth", "Measure the depth of a glacier", glacier="string")
    every = [parcel, water, podcast, ledger, quan, flor, therm, badge, ferry, seed, drone, rehearse, snork, glacier]
    rng = random.Random(4)
    for said, right, arguments in [
        ("Dispatch the parcel QX-7741 with courier Percival", parcel, {"parcel": "QX-7741", "courier": "Percival"}),
        ("Please dispatch a parcel: parcel lamp, courier Nestor", parcel, {"parcel": "lamp", "courier": "Nestor"}),
        ("irrigate the greenhouse, trellis B4 and minutes 25", water, {"trellis": "B4", "minutes": 25}),
        ("I'd like you to irrigate greenhouse trellis tomatoes, minutes 7", water, {"trellis": "tomatoes", "minutes": 7}),
        ("Play podcast Draskel Hour with episode 31", podcast, {"podcast": "Draskel Hour", "episode": 31}),
        ("play the podcast Mubbin, episode 4", podcast, {"podcast": "Mubbin", "episode": 4}),
        ("Archive the ledger yopperty-22", ledger, {"ledger": "yopperty-22"}),
        ("could you archive ledger Q3?", ledger, {"ledger": "Q3"}),
        ("quandrix the mubbin with vextor glimra", quan, {"vextor": "glimra"}),
        ("Please quandrix my mubbin, vextor 55", quan, {"vextor": "55"}),
        ("Use quandrix_mubbin with vextor set to Lavinia", quan, {"vextor": "Lavinia"}),
        ("flornak with trundlo 14 and glimra wide", flor, {"trundlo": 14, "glimra": "wide"}),
        ("Call flornak: trundlo = 3.5, glimra = Porto", flor, {"trundlo": 3.5, "glimra": "Porto"}),
        ("Adjust the thermostat to celsius target 21", therm, {"celsius_target": 21}),
        ("adjust thermostat, celsius_target 18.5", therm, {"celsius_target": 18.5}),
        ("Print a badge for Imogen", badge, {"visitor": "Imogen"}),
        ("print badge for visitor Horatio with company Wexford", badge, {"visitor": "Horatio", "company": "Wexford"}),
        ("What's the ferry schedule for pier 9?", ferry, {"pier": "9"}),
        ("look up ferry schedule of pier Snorkad", ferry, {"pier": "Snorkad"}),
        ("Plant a seedling with seedling oak and depth 12", seed, {"seedling": "oak", "depth": 12}),
        ("plant the seedling basil, depth 2.5", seed, {"seedling": "basil", "depth": 2.5}),
        ("Launch the drone with altitude 120 and silent true", drone, {"altitude": 120, "silent": True}),
        ("launch drone, altitude 45, silent false", drone, {"altitude": 45, "silent": False}),
        ("Rehearse with violinist Cordelia, day Friday", rehearse, {"violinist": "Cordelia", "day": "Friday"}),
        ("I want to rehearse: violinist Fyodor and day 2027-05-11", rehearse, {"violinist": "Fyodor", "day": "2027-05-11"}),
        ("wexford the snorkad with plimber hard", snork, {"plimber": "hard"}),
        ("Please wexford a snorkad, plimber soft", snork, {"plimber": "soft"}),
        ("Measure the depth of the glacier Tampere", glacier, {"glacier": "Tampere"}),
        ("How deep is the glacier Ibex?", glacier, {"glacier": "Ibex"}),
        ("Tell glacier_depth to use glacier Quito", glacier, {"glacier": "Quito"}),
    ]:
        for distractors in (1, 4):
            tools = [right] + rng.sample([t for t in every if t is not right], distractors)
            rng.shuffle(tools)
            yield case("unseen tools", said, tools, calls=[(right["function"]["name"], arguments)])


def several_calls():
    w = lambda c: ("get_weather", {"city": c})
    t = lambda z: ("get_current_time", {"timezone": z})
    yield case("several calls", "I need the weather for both Malmo and Porto", DEMO, calls=[w("Malmo"), w("Porto")])
    yield case("several calls", "Compare the weather in Ghent and Hanoi", DEMO, calls=[w("Ghent"), w("Hanoi")])
    yield case("several calls", "weather please: Trieste, Quito and Bergen", DEMO, calls=[w("Trieste"), w("Quito"), w("Bergen")])
    yield case("several calls", "What's the weather in Braga, and what time is it in Tokyo?", DEMO, calls=[w("Braga"), t("Asia/Tokyo")])
    yield case("several calls", "Check the weather in Kigali, then compute 55 * 12", DEMO, calls=[w("Kigali"), ("calculator", {"expression": "55 * 12"})])
    yield case("several calls", "Tell me the time in London and in Tokyo", DEMO, calls=[t("Europe/London"), t("Asia/Tokyo")])
    yield case("several calls", "calculate 18 * 44 and also 902 - 87", DEMO, calls=[("calculator", {"expression": "18 * 44"}), ("calculator", {"expression": "902 - 87"})])
    yield case("several calls", "Convert 9 miles to km and tell me the weather in Mendoza", DEMO, calls=[("convert_units", {"value": 9, "from": "miles", "to": "km"}), w("Mendoza")])
    yield case("several calls", "Search the docs for telescope and convert 70 kg to pounds", DEMO, calls=[("search_docs", {"query": "telescope"}), ("convert_units", {"value": 70, "from": "kg", "to": "pounds"})])
    yield case("several calls", "How's the weather in Uppsala and Perugia today?", [WEATHER], calls=[w("Uppsala"), w("Perugia")])
    yield case("several calls", "What is 6 * 111? And what's the weather in Nantes?", DEMO, calls=[("calculator", {"expression": "6 * 111"}), w("Nantes")])
    yield case("several calls", "Get me the time in Paris, the weather in Bergen and 40 + 2", DEMO, calls=[t("Europe/Paris"), w("Bergen"), ("calculator", {"expression": "40 + 2"})])
    yield case("several calls", "Translate \"good lighthouse\" to French and \"bad pier\" to Dutch", [TRANSLATE], calls=[("translate", {"text": "good lighthouse", "target_language": "French"}), ("translate", {"text": "bad pier", "target_language": "Dutch"})])
    yield case("several calls", "Is it cold in Salzburg and in Tampere?", DEMO, calls=[w("Salzburg"), w("Tampere")])
    yield case("several calls", "first convert 5 feet to cm, then 8 ounces to grams", DEMO, calls=[("convert_units", {"value": 5, "from": "feet", "to": "cm"}), ("convert_units", {"value": 8, "from": "ounces", "to": "grams"})])
    yield case("several calls", "weather in Aarhus; time in Rome", DEMO, calls=[w("Aarhus"), t("Europe/Rome")])


def irrelevant_tools():
    for said, words in [("Hi! Nice day.", []), ("Hello, good to see you", ["Hello"]), ("Thank you kindly!", ["welcome"]), ("And who might you be?", ["Quire"]), ("Tell me what Quire is, please", ["browser"]), ("Does Quire need some server?", ["No server"]),
                        ("What licence is Quire published under?", ["Apache-2.0"]), ("Could you tell a joke?", ["token"]), ("Say lighthouse", ["lighthouse"]), ("How do I get Quire installed?", ["npm install quire-llm"]), ("A good night to you", ["Goodbye"]), ("What things can you do for me?", ["Quire"])]:
        yield case("tools not needed", said, DEMO, calls=[], says=words)
    for i, n in enumerate(HELD_OUT_NAMES[:6]):
        yield case("tools not needed", user(f"Hello, my name is {n}", f"Nice to meet you, {n}!", "Which name do I have?"), DEMO, calls=[], says=[n])
    for said in ("What's the weather in Malmo?", "Tell me the weather in Ghent"):
        yield case("tools not needed", said, [CALCULATOR, UNITS], calls=[], says=["no tool"])


def tool_results():
    def after(said, calls, results, says, tools=DEMO):
        messages = user(said) + [{"role": "assistant", "content": None, "tool_calls": [{"id": f"call_{i}", "type": "function", "function": {"name": n, "arguments": a}} for i, (n, a) in enumerate(calls)]}]
        messages += [{"role": "tool", "tool_call_id": f"call_{i}", "content": r if isinstance(r, str) else json.dumps(r, ensure_ascii=False, separators=(",", ":") if len(said) % 2 else None)} for i, r in enumerate(results)]
        return case("tool results", messages, tools, calls=[], says=says)

    for c, t, s in zip(HELD_OUT_CITIES, (18, -4, 31, 0, 22, 9, 15, -11), ("cloudy", "snowy", "sunny", "foggy", "rainy", "windy", "clear", "overcast")):
        yield after(f"Weather report for {c}, please", [("get_weather", {"city": c})], [{"city": c, "temperature": t, "unit": "C", "condition": s}], [f"{t} °C", s, c])
    yield after("What is the weather over in Malmo?", [("get_weather", {"city": "Malmo"})], [{"temp_c": 7, "description": "drizzle", "humidity": 81}], ["7 °C", "drizzle", "Malmo"])
    yield after("Weather for Porto and Hanoi, please", [("get_weather", {"city": "Porto"}), ("get_weather", {"city": "Hanoi"})], [{"city": "Porto", "temperature": 19, "condition": "sunny"}, {"city": "Hanoi", "temperature": 33, "condition": "stormy"}], ["19 °C", "sunny", "Porto", "33 °C", "stormy", "Hanoi"])
    for e, r in (("918 * 27", "24786"), ("5012 - 377", "4635"), ("84 / 6.5", "12.92"), ("73 * 73", "5329")):
        yield after(f"Find {e}", [("calculator", {"expression": e})], [r if "9" in e else {"result": float(r) if "." in r else int(r)}], [r])
    for place, zone, t in (("Tokyo", "Asia/Tokyo", "21:47"), ("Paris", "Europe/Paris", "08:05"), ("Cairo", "Africa/Cairo", "13:30")):
        yield after(f"Is it late in {place} already?", [("get_current_time", {"timezone": zone})], [{"timezone": zone, "time": t} if place != "Cairo" else t], [t, place])
    yield after("Please turn 42 miles into km", [("convert_units", {"value": 42, "from": "miles", "to": "km"})], [{"value": 67.59, "unit": "km"}], ["42 miles", "67.59 km"])
    yield after("I weigh 81 kg. What is that in pounds?", [("convert_units", {"value": 81, "from": "kg", "to": "pounds"})], ["178.57"], ["178.57"])
    yield after("make 12.5 ounces into grams", [("convert_units", {"value": 12.5, "from": "ounces", "to": "grams"})], [{"result": 354.37}], ["354.37"])
    yield after("docs search for prefix caching", [("search_docs", {"query": "prefix caching"})], [{"results": [{"title": "Prefix caching", "text": "Requests that share a beginning share its blocks.", "url": "https://quire.dev/prefix"}]}], ["share a beginning share its blocks"])
    yield after("look in the docs for tabs", [("search_docs", {"query": "tabs"})], [[{"title": "Tabs", "snippet": "One engine serves all tabs."}, {"title": "Workers", "snippet": "The engine lives in a worker."}]], ["One engine serves all tabs"])
    yield after("search the documentation about quandrix", [("search_docs", {"query": "quandrix"})], [{"results": []}], ["nothing"])
    unseen = [tool("quandrix_mubbin", "Quandrix the mubbin", vextor="string")]
    yield after("quandrix the mubbin with vextor glimra", [("quandrix_mubbin", {"vextor": "glimra"})], [{"status": "ok", "flornak": 17}], ["ok", "17"], unseen)
    yield after("quandrix the mubbin with vextor teal", [("quandrix_mubbin", {"vextor": "teal"})], [{"error": "vextor not known"}], ["vextor not known"], unseen)
    yield after("please quandrix my mubbin, vextor ramen", [("quandrix_mubbin", {"vextor": "ramen"})], ["snorkad 55"], ["snorkad 55"], unseen)


def arithmetic(thinking, count):
    rng = random.Random(77 + thinking)
    group = "arithmetic, thinking" if thinking else "arithmetic, thinking off"
    ways = ["Could you find out what {} is?", "I wonder what {} comes to", "{} equals what?", "Answer this: {}", "Help me add this up, {}" , "Work this out for me: {}", "Quick, {}!", "My homework says {}. What is it?"]
    for i in range(count):
        op = "+-*+-"[i % 5]
        a, b = (rng.randint(10, 99), rng.randint(2, 9)) if op == "*" else sorted((rng.randint(10, 99), rng.randint(10, 99)), reverse=True)
        value = {"+": a + b, "-": a - b, "*": a * b}[op]
        text = f"{a} {op if i % 3 else dict(zip('+-*', ('plus', 'minus', 'times')))[op]} {b}"
        way = ways[i % len(ways)]
        if op != "+" and "add" in way:
            way = ways[0]
        yield case(group, way.format(text), thinking=thinking, calls=[], number=value, thought=thinking)
    if thinking:
        for i in range(14):
            n, (a, b, c) = HELD_OUT_NAMES[i], (rng.randint(20, 60), rng.randint(5, 19), rng.randint(2, 18))
            text, value = [(f"{n} owns {a} telescopes, sells {b} and then buys {c}. How many telescopes now?", a - b + c), (f"{n} picked {a} pears and found {b} more. How many pears are there?", a + b),
                           (f"There were {a} ferries. {n} counts {b} more. How many ferries in total?", a + b), (f"{n} had {a} shells, lost {b} and gave away {c}. How many shells are left?", a - b - c)][i % 4]
            yield case(group + ", stories", text, thinking=True, calls=[], number=value, thought=True)


def recall():
    chat = [("How are you?", "I am doing well, thank you. How can I help you?"), ("Tell me a joke", "Why did the token wait? It was not its turn in the batch."), ("Does it work offline?", "Yes: after the first load everything is stored in the browser, and the demo is an installable app that works offline."),
            ("What is WGSL?", "WGSL is WebGPU's shader language; all of Quire's kernels are written in it."), ("Thanks", "You are welcome!"), ("Say marzipan", "marzipan")]
    facts = [("Hi there! My name is {v}, by the way.", "Nice to meet you, {v}!", ["Please tell me what my name is", "Do you still know my name?", "And what was my name?"], HELD_OUT_NAMES),
             ("My favourite colour would be {v}.", "Got it: your favourite colour is {v}.", ["Which colour is my favourite?", "Can you name my favourite colour?"], ["teal", "magenta", "crimson"]),
             ("I currently live in {v}.", "Got it: you live in {v}.", ["In what city is my home?", "Tell me where I live"], HELD_OUT_CITIES),
             ("We have a dog, and my dog's name is {v}.", "Got it: your dog's name is {v}.", ["What is the name of my dog?", "How do I call my dog?"], ["Zibblo", "Mubbin", "Trundlo"]),
             ("Just remember the number {v} for me", "Got it: the number is {v}.", ["Which number was it?", "What number did I say?"], ["7741", "93", "60518"]),
             ("My favourite food has to be {v}", "Got it: your favourite food is {v}.", ["What's the food I like most?", "Please name my favourite food"], ["lasagne", "paella", "ramen"])]
    rng = random.Random(3)
    for i in range(36):
        says, reply, asks, values = facts[i % len(facts)]
        v = values[i // len(facts) % len(values)]
        turns = [says.format(v=v), reply.format(v=v)]
        if i % 2:
            other = facts[(i + 2) % len(facts)]
            o = other[3][-1 - i // 6 % len(other[3])]
            turns += [other[0].format(v=o), other[1].format(v=o)]
        for q, a in rng.sample(chat, i % 4):
            turns += [q, a]
        yield case("recall", user(*turns, asks[i // 6 % len(asks)]), calls=[], says=[v])


def quire():
    for said, word in [("I'd like to hear what Quire is", "LLM engine"), ("So what is this Quire thing?", "LLM engine"), ("Can Quire be used without any server?", "No server"), ("Is some backend needed to run it?", "No server"), ("Does WebGPU play a role in Quire?", "WebGPU"), ("Does it run on the graphics card?", "WebGPU"),
                       ("In which language are the kernels written?", "WGSL"), ("Could you define WGSL?", "WGSL is"), ("Was Quire programmed in TypeScript?", "TypeScript"), ("Please describe how continuous batching works", "Continuous batching"), ("Are many requests served at the same time?", "Continuous batching"),
                       ("How does the paged cache for keys and values work?", "small blocks"), ("Could you explain the paged KV cache?", "small blocks"), ("How does caching of prefixes work?", "Prefix caching"), ("Do requests with a common prefix share memory?", "Prefix caching"),
                       ("Can the OpenAI SDK talk to Quire?", "engine.fetch"), ("What do I do with engine.fetch?", "engine.fetch"), ("Tell me how to install quire-llm", "npm install quire-llm"), ("Which command installs Quire?", "npm install quire-llm"), ("What must I type to install it?", "npm install quire-llm"),
                       ("Explain createEngine to me", "createEngine"), ("How does one start an engine in code?", "createEngine"), ("What is Quire's licence?", "Apache-2.0"), ("Is Quire an open source project?", "Apache-2.0"), ("What file formats can be loaded?", "safetensors and GGUF"), ("Are GGUF files supported?", "safetensors and GGUF"),
                       ("Can models call tools in Quire?", "tool calls"), ("Is function calling possible?", "tool calls"), ("How is reasoning handled by Quire?", "reasoning"), ("How can I switch off thinking?", "enable_thinking"), ("Will Quire run when I am offline?", "offline"), ("Is the demo a PWA?", "offline"),
                       ("Do my chats stay private?", "stays on your device"), ("Are my prompts uploaded to someone?", "stays on your device"), ("How are Quire and vLLM related?", "vLLM is"), ("What's vLLM, please?", "vLLM is"), ("What models can be run with it?", "Hugging Face and GGUF models"), ("Could I load a Llama model?", "Hugging Face and GGUF models"),
                       ("Is Firefox supported?", "with WebGPU"), ("What browsers can I use it in?", "with WebGPU"), ("Could it run on an Android phone?", "phones"), ("What about speed, is Quire quick?", "Speed depends"), ("Where do the model files go?", "OPFS"), ("Is the model downloaded each time?", "OPFS"),
                       ("Are streaming responses supported?", "stream"), ("Will the engine make my page freeze?", "Web Worker"), ("Can two tabs use the same engine?", "shared: true"), ("What if my GPU gets lost?", "rebuilds it"), ("Can the output be forced into JSON?", "response_format"), ("Are quantised weights supported?", "Quantised weights"),
                       ("Will LangChain work with Quire?", "LangChain"), ("What does this page show?", "demo"), ("How much memory will it need?", "KV cache and little more"), ("Can I also run Quire in Node?", "HTTP port"), ("What makes Quire better than the others?", "vLLM's batching"), ("What is the starter model good for?", "starter model"),
                       ("Could you explain what tokens are?", "A token is"), ("What is the scheduler's task?", "scheduler decides"), ("Do I have to pay for Quire?", "free"), ("What happens on a machine without WebGPU?", "fallback")]:
        yield case("questions about Quire", said, calls=[], says=[word])


def chat():
    for said, word in [("Hey hey!", "Hello"), ("Hello to you", "Hello"), ("A very good morning!", "Hello"), ("Thanks, that was nice", "welcome"), ("Thank you ever so much", "welcome"), ("So, who are you then?", "starter model"), ("Please tell me who you are", "starter model"), ("What is your name, model?", "starter model"),
                       ("How do you feel this morning?", "well"), ("See you next time", "Goodbye"), ("Goodbye, model", "Goodbye"), ("Do you know any jokes?", "token"), ("What are you able to help with?", "Quire"), ("List three planets, please", "Venus"), ("I'd like four colours", "yellow"), ("Name two animals for me", "2. cat"),
                       ("Would you count up to 6 for me?", "1, 2, 3, 4, 5, 6"), ("Are you there, model?", "I am here"), ("I feel quite sad today", "sorry"), ("You're really good at this", "Thank you"), ("How many parameters are in you?", "three million"), ("Who trained you, exactly?", "trained"), ("Write a tiny poem", "server"), ("What is the population of Tampere?", "don't know")]:
        yield case("short chat", said, calls=[], says=[word])
    for said, word in [("Say telescope.", "telescope"), ("Please say glimra", "glimra"), ("Repeat: lighthouse and pier", "lighthouse and pier"), ("Just say \"vextor 42\"", "vextor 42"), ("Say the words draskel mubbin", "draskel mubbin"), ("Reply with \"Lavinia is here\"", "Lavinia is here"), ("Echo zibblo-99", "zibblo-99"), ("Can you say quandrix?", "quandrix")]:
        yield case("say X", said, calls=[], equals=word)


def cases():
    for part in (demo_tools(), unseen_tools(), several_calls(), irrelevant_tools(), tool_results(), arithmetic(True, 40), arithmetic(False, 20), recall(), quire(), chat()):
        yield from part
