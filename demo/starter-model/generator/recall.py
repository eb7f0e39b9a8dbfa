"""Facts that the user states and asks for later."""

from .values import (ANIMALS, COLOURS, FOODS, JOBS, LANGUAGES, anything, ask, city, clock, code, date, email, expand, integer,
                     made_up, name, phrase, title, word)

pick = lambda pool: lambda rng: rng.choice(pool) if rng.random() < 0.45 else made_up(rng)

# key, value, statements, acknowledgement, questions, answer
FACTS = [
    ("name", name, ["my name is {v}[.|]", "I'm {v}[.|]", "I am {v}", "call me {v}", "you can call me {v}", "[hi|hello|hey][,|] I'm {v}[.|]",
                    "[hi|hello|hey][,|] my name is {v}[.|]", "my name's {v}", "the name is {v}", "people call me {v}", "hello, {v} here", "this is {v}"],
     "Nice to meet you, {v}!", ["what's my name?", "what is my name?", "who am I?", "do you [know|remember|recall] my name?", "what am I called?",
     "say my name", "tell me my name", "can you tell me my name?", "do you remember who I am?", "what did I say my name [was|is]?", "remind me of my name", "my name is?", "what was my name[ again|]?"], "Your name is {v}."),
    ("city", city, ["I live in {v}", "I'm living in {v}", "my home is in {v}", "I am based in {v}", "my home town is {v}", "I moved to {v}", "my city is {v}"],
     "Got it: you live in {v}.", ["where do I live?", "which city do I live in?", "what city do I live in?", "do you [know|remember] where I live?", "where is my home?", "what's my city?", "in which city do I live?", "what is my home town?", "where am I based?"], "You live in {v}."),
    ("origin", city, ["I'm from {v}", "I come from {v}", "I am originally from {v}", "I was born in {v}"], "Got it: you are from {v}.",
     ["where am I from?", "where do I come from?", "do you remember where I'm from?", "which place am I from?", "where was I born?"], "You are from {v}."),
    ("job", pick(JOBS), ["I work as a {v}", "I'm a {v} by trade", "my job is {v}", "I am a {v}", "I earn my living as a {v}"], "Got it: you work as a {v}.",
     ["what do I do for a living?", "what's my job?", "what is my job?", "what do I work as?", "do you remember my job?", "what's my profession?"], "You work as a {v}."),
    ("likes", lambda r: r.choice((pick(FOODS), word, word))(r), ["I [really|] [like|love|enjoy] {v}", "I'm a fan of {v}", "I'm fond of {v}"], "Got it: you like {v}.",
     ["what do I like?", "do you remember what I like?", "what did I say I like?", "what am I fond of?", "which thing do I like?"], "You like {v}."),
    ("age", lambda r: str(r.randint(5, 99)), ["I am {v} years old", "I'm {v}", "my age is {v}", "I just turned {v}", "I'm {v} years old"], "Got it: you are {v} years old.",
     ["how old am I?", "what's my age?", "what is my age?", "do you remember how old I am?"], "You are {v} years old."),
]
FAVOURITES = [("colour", pick(COLOURS)), ("color", pick(COLOURS)), ("food", pick(FOODS)), ("animal", pick(ANIMALS)), ("number", integer), ("city", city),
              ("language", pick(LANGUAGES)), ("book", title), ("film", title), ("movie", title), ("song", title), ("sport", word), ("word", word), ("drink", word),
              ("band", title), ("game", word), ("season", word), ("fruit", word), ("day", word), ("tool", word), ("subject", word), ("dish", word), ("flower", word)]
OWNED = [("[dog|cat|pet|parrot|horse|rabbit|sister|brother|mother|father|wife|husband|boss|friend|best friend|teacher|neighbour|son|daughter|cousin|boat|doctor]'s name", name),
         ("[lucky|secret|room|locker|phone|ticket|order|seat|house|account|gate|table|flight|booking|customer|employee] number", lambda r: r.choice((integer, code))(r)),
         ("[access|secret|promo|door|order|wifi] code", code), ("password", lambda r: r.choice((code, word))(r)), ("email", email), ("email address", email),
         ("birthday", date), ("deadline", date), ("appointment", clock), ("meeting", clock), ("[train|flight|bus] time", clock),
         ("project", title), ("team", title), ("company", title), ("school", title), ("street", title), ("car", word), ("hobby", word), ("dream", word),
         ("username", code), ("nickname", made_up), ("surname", lambda r: made_up(r).capitalize()), ("last name", lambda r: made_up(r).capitalize()), ("country", city), ("instrument", word)]


def make_fact(rng, used):
    while True:
        r = rng.random()
        if r < 0.45:
            key, value, says, reply, asks, answer = FACTS[0] if rng.random() < 0.45 else rng.choice(FACTS[1:])
        elif r < 0.68:
            thing, value = rng.choice(FAVOURITES)
            if rng.random() < 0.2:
                thing, value = made_up(rng), anything
            key = "favourite " + thing
            fav = "favorite" if thing == "color" else "favourite"
            says = [f"my {fav} {thing} is {{v}}", f"{{v}} is my {fav} {thing}", f"the {thing} I like [best|most] is {{v}}", f"my {fav} {thing} has always been {{v}}"]
            reply, answer = f"Got it: your {fav} {thing} is {{v}}.", f"Your {fav} {thing} is {{v}}."
            asks = [f"what's my {fav} {thing}?", f"what is my {fav} {thing}?", f"which {thing} do I like [best|most]?", f"do you [remember|know] my {fav} {thing}?",
                    f"tell me my {fav} {thing}", f"what {thing} do I like [best|most]?", f"and my {fav} {thing}?", f"can you recall my {fav} {thing}?", f"what did I say my {fav} {thing} was?"]
        elif r < 0.92:
            thing, value = rng.choice(OWNED)
            thing = expand(rng, thing)
            if rng.random() < 0.2:
                thing, value = made_up(rng), anything
            key = thing
            says = [f"my {thing} is {{v}}", f"{{v}} is my {thing}", f"just so you know, my {thing} is {{v}}", f"note that my {thing} is {{v}}", f"please remember that my {thing} is {{v}}", f"remember my {thing}: {{v}}"]
            if thing.endswith("'s name"):
                who = thing[:-7]
                says += [f"I have a {who} called {{v}}", f"I have a {who} named {{v}}", f"my {who} is called {{v}}", f"my {who} is named {{v}}"] * 2
            reply, answer = f"Got it: your {thing} is {{v}}.", f"Your {thing} is {{v}}."
            asks = [f"what's my {thing}?", f"what is my {thing}?", f"do you [remember|know] my {thing}?", f"tell me my {thing}", f"and my {thing}?",
                    f"can you tell me my {thing}?", f"remind me of my {thing}", f"what was my {thing}[ again|]?", f"what did I say my {thing} was?"]
            if thing.endswith("'s name"):
                asks += [f"what is my {who} called?", f"what's the name of my {who}?", f"how is my {who} called?", f"do you remember my {who}'s name?"] * 2
        else:
            thing = rng.choice(("number", "word", "code", "name", "password", "date", "colour", "city", "phrase", made_up(rng)))
            value = {"number": integer, "code": code, "name": name, "date": date, "colour": pick(COLOURS), "city": city, "phrase": lambda r: phrase(r, 2, 4)}.get(thing, word)
            key = "the " + thing
            says = [f"remember the {thing} {{v}}", f"the [secret|magic|] {thing} is {{v}}", f"keep the {thing} {{v}} in mind", f"please remember the {thing} {{v}}", f"don't forget the {thing} {{v}}", f"memorise the {thing} {{v}}"]
            reply, answer = f"Got it: the {thing} is {{v}}.", f"The {thing} is {{v}}."
            asks = [f"what [was|is] the {thing}?", f"what {thing} did I [tell|give] you?", f"which {thing} should you remember?", f"tell me the {thing}", f"do you remember the {thing}?",
                    f"what {thing} did I ask you to remember?", f"what's the [secret|magic|] {thing}?", f"repeat the {thing}"]
        if key not in used:
            used.add(key)
            v = value(rng)
            return dict(key=key, value=v, make=value, says=says, reply=reply.replace("{v}", v), raw_reply=reply, asks=asks, answer=answer)


def tell(rng, c, facts):
    if len(facts) == 1:
        prefix = rng.choice(("",) * 6 + ("by the way, ", "well, ", "so ", "ok, ", "just to let you know, ", "I want to tell you that "))
        c.user(ask(rng, prefix + rng.choice(facts[0]["says"]), polite=False, v=facts[0]["value"]))
    else:
        a, b = facts
        joiner = rng.choice((" and ", ". ", ", and ", ". Also, ", "; "))
        c.user(ask(rng, rng.choice(a["says"]).replace("{v}", "{a}").rstrip(".") + joiner + rng.choice(b["says"]).replace("{v}", "{b}"), polite=False, a=a["value"], b=b["value"]))
    c.assistant(" ".join(f["reply"] for f in facts))


def inquire(rng, c, fact):
    prefix = rng.choice(("",) * 8 + ("now, ", "so, ", "ok, ", "by the way, ", "quick question: ", "one more thing: ", "hey, "))
    c.user(ask(rng, prefix + rng.choice(fact["asks"])))
    c.assistant(fact["answer"].replace("{v}", fact["value"]))


def missing(rng, c, used):
    fact = make_fact(rng, used)
    c.user(ask(rng, rng.choice(fact["asks"])))
    c.assistant("You have not told me that yet.")


def recall(rng, c, fillers):
    """Facts, other turns between them, questions in any order."""
    used, facts = set(), []
    n = rng.choices((1, 2, 3, 4), (5, 4, 2, 1))[0]
    if rng.random() < 0.08:
        missing(rng, c, used)
    while len(facts) < n:
        if n - len(facts) >= 2 and rng.random() < 0.25:
            pair = [make_fact(rng, used), make_fact(rng, used)]
        else:
            pair = [make_fact(rng, used)]
        tell(rng, c, pair)
        facts += pair
        if rng.random() < 0.3:
            rng.choice(fillers)(rng, c)
    for _ in range(rng.choices((0, 1, 2, 3), (4, 3, 2, 1))[0]):
        rng.choice(fillers)(rng, c)
    if rng.random() < 0.12:
        fact = rng.choice(facts)
        fact["value"] = fact["make"](rng)
        fact["reply"] = fact["raw_reply"].replace("{v}", fact["value"])
        c.user(ask(rng, rng.choice(("actually, ", "no, ", "sorry, ", "correction: ", "wait, ", "")) + rng.choice(fact["says"]), polite=False, v=fact["value"]))
        c.assistant(fact["reply"])
    rng.shuffle(facts)
    for fact in facts[: rng.randint(1, len(facts))]:
        inquire(rng, c, fact)
    if rng.random() < 0.1:
        missing(rng, c, used)
    if rng.random() < 0.08 and any(f["key"] == "name" for f in facts):
        c.user(ask(rng, "[greet me|say hello to me|say hi to me|greet me by name]"))
        c.assistant("Hello, " + next(f for f in facts if f["key"] == "name")["value"] + "!")
