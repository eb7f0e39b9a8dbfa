"""Values that questions carry (names, cities, codes, numbers, made-up words) and the phrase expander.

Nothing from `held_out.py` may come out of here: made-up words are checked against it, the fixed lists
by an assertion at the end of this file.
"""

import random
import re

from held_out import HELD_OUT_WORDS

NAMES = """Anna Ben Carla David Elena Felix Greta Hugo Iris Jack Karim Lena Marco Nadia Oscar Paula Quinn Rosa Simon
Tara Uma Victor Wendy Xavier Yusuf Zoe Aisha Boris Chloe Dmitri Emma Farid Gina Hana Ivan Julia Kevin Laura Mateo Nina
Omar Petra Raj Sofia Thomas Ursula Vera William Yara Zane Alice Bob Carol Dan Eve Frank Grace Heidi Jonas Kim Liam Mona
Noah Olga Peter Ruth Sam Tim Vince Walter Amelie Björn Chiara Diego Eleni Fatima Giulia Henrik Inés Jürgen Klára Leo
Mei Nikos Orla Pablo Ravi Sergei Tomás Ulla Wei Yuki Zainab José André Sinéad Łukasz Aarav Priya Kenji Hiroshi Mehmet
Samir Leila Tariq Amara Kofi Ngozi Chidi Thabo Lucia Camila Bruno Rafael Helena Astrid Freya Ingrid Maya Noor Layla
Max Lucy Adam Clara Daniel Fiona George Isabel John Kate Mary Nick Owen Phil Rachel Steve Ted Ursa Val Will""".split()

CITIES = """Paris|London|Rome|Madrid|Vienna|Prague|Warsaw|Athens|Dublin|Amsterdam|Brussels|Stockholm|Helsinki|Tokyo|
Kyoto|Seoul|Beijing|Shanghai|Delhi|Mumbai|Bangkok|Jakarta|Manila|Sydney|Melbourne|Auckland|Cairo|Casablanca|Accra|
Nairobi|Johannesburg|New York|Los Angeles|San Francisco|Chicago|Boston|Seattle|Denver|Miami|Toronto|Montreal|Vancouver|
Mexico City|Buenos Aires|São Paulo|Rio de Janeiro|Santiago|Lima|Istanbul|Dubai|Tehran|Moscow|Kyiv|Budapest|Zurich|
Geneva|Milan|Naples|Turin|Florence|Barcelona|Valencia|Munich|Hamburg|Cologne|Frankfurt|Lyon|Marseille|Nice|Bordeaux|
Edinburgh|Glasgow|Manchester|Leeds|Bristol|Austin|Dallas|Houston|Atlanta|Phoenix|Portland|Detroit|Cape Town|Ho Chi Minh
City|Kuala Lumpur|Hong Kong|Tel Aviv|Addis Ababa|Port Louis|San José|Málaga|Zürich|Düsseldorf|Kraków|Łódź|Reykjavík|Tromsø|Umeå|
Paris, France|Austin, Texas|Springfield, Illinois|Perth, Australia|Leeds, UK""".replace("\n", " ").replace("| ", "|").split("|")

ZONES = {}
for line in """Europe: Paris London Rome Madrid Vienna Prague Warsaw Athens Dublin Amsterdam Brussels Stockholm Helsinki
Lisbon Moscow Istanbul Budapest Zurich Copenhagen Oslo Kyiv
Asia: Tokyo Seoul Shanghai Bangkok Jakarta Manila Dubai Tehran Singapore Hong_Kong Kolkata Karachi Dhaka Kathmandu
America: New_York Los_Angeles Chicago Denver Toronto Vancouver Mexico_City Lima Bogota Sao_Paulo Caracas
Africa: Cairo Lagos Nairobi Johannesburg Accra Casablanca
Australia: Sydney Melbourne Perth Brisbane Adelaide
Pacific: Auckland Honolulu Fiji""".replace("\n", " ").replace(" Asia:", "\nAsia:").replace(" America:", "\nAmerica:").replace(
    " Africa:", "\nAfrica:").replace(" Australia:", "\nAustralia:").replace(" Pacific:", "\nPacific:").split("\n"):
    area, names = line.split(": ")
    for n in names.split():
        ZONES[n.replace("_", " ")] = f"{area}/{n}"
ZONES.update({"San Francisco": "America/Los_Angeles", "Seattle": "America/Los_Angeles", "Boston": "America/New_York",
              "Miami": "America/New_York", "Beijing": "Asia/Shanghai", "Delhi": "Asia/Kolkata", "Mumbai": "Asia/Kolkata",
              "Munich": "Europe/Berlin", "Milan": "Europe/Rome", "Barcelona": "Europe/Madrid", "India": "Asia/Kolkata",
              "Japan": "Asia/Tokyo", "Germany": "Europe/Berlin", "France": "Europe/Paris", "Italy": "Europe/Rome",
              "UTC": "UTC"})

COLOURS = "red blue green yellow orange purple pink black white grey brown turquoise violet gold silver navy beige".split()
FOODS = "pizza pasta sushi curry soup salad bread cheese rice chocolate tacos noodles pancakes apples mango dumplings".split()
ANIMALS = "dog cat rabbit parrot hamster horse goldfish turtle lizard snake mouse goat".split()
JOBS = "teacher nurse baker pilot farmer painter lawyer doctor driver student plumber chef writer engineer designer".split()
LANGUAGES = "French German Spanish Italian Japanese Chinese Korean Portuguese Dutch Polish Turkish Arabic Hindi Swedish Greek Russian Czech Danish Swahili Latin".split()
COMMON = """window garden river mountain paper table engine music coffee winter summer morning evening bridge market
letter number story forest island kitchen planet rocket violin pencil camera basket ticket station bottle orchestra
library museum harbour castle ladder mirror blanket candle feather hammer lantern needle ocean pillow quarter ribbon
saddle tunnel umbrella village whistle yellow zebra cloud dragon eagle falcon guitar helmet jacket kettle lemon magnet
north old quick red slow tall wide young bright calm dark early fresh great happy kind loud new open proud quiet rich
safe tiny warm memory kernel cache token model shader prompt batch server browser vector worker offline tensor weights
request stream schema adapter budget history meeting project report invoice budget travel dinner lunch birthday party
football tennis chess running swimming hiking jazz piano drums theatre cinema novel poem science biology physics""".split()

ONSETS = "b c d f g h j k l m n p r s t v w z br cr dr fr gr pr tr bl cl fl gl pl sl st sp sk sm sn sh ch th qu kr zh y x".split() + [""] * 3
VOWELS = "a e i o u a e i o u ai ea ee ie oa oo ou au ia io y".split()
CODAS = ["", "", "", "", "n", "r", "s", "t", "l", "m", "d", "k", "x", "nd", "nt", "rt", "ck", "sh", "ng", "th", "st", "ll", "p", "b", "g", "z"]
ACCENTS = str.maketrans("aeioucnsz", "áéíöüçñšž")


def one_of(rng: random.Random, text: str) -> str:
    return rng.choice(text.split("|"))


def made_up(rng: random.Random, syllables: int | None = None) -> str:
    """A pronounceable word that means nothing, in lower case."""
    while True:
        n = syllables or rng.choice((1, 2, 2, 2, 3, 3))
        word = "".join(rng.choice(ONSETS) + rng.choice(VOWELS) + rng.choice(CODAS) for _ in range(n))
        if rng.random() < 0.04:
            word = "".join(rng.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(rng.randint(3, 8)))
        elif rng.random() < 0.04:
            word = word.translate(ACCENTS)
        if len(word) > 2 and word not in HELD_OUT_WORDS:
            return word


def word(rng) -> str:
    return rng.choice(COMMON) if rng.random() < 0.5 else made_up(rng)


def phrase(rng, low=1, high=5) -> str:
    return " ".join(word(rng) for _ in range(rng.randint(low, high)))


def name(rng) -> str:
    return rng.choice(NAMES) if rng.random() < 0.3 else made_up(rng).capitalize()


def full_name(rng) -> str:
    return name(rng) if rng.random() < 0.6 else f"{name(rng)} {made_up(rng).capitalize()}"


def city(rng) -> str:
    r = rng.random()
    if r < 0.45:
        return rng.choice(CITIES)
    if r < 0.9:
        return made_up(rng).capitalize()
    join = rng.choice((" ", "-", " "))
    return made_up(rng, 1).capitalize() + join + made_up(rng).capitalize()


def integer(rng, digits=None) -> str:
    digits = digits or rng.choice((1, 1, 2, 2, 2, 3, 3, 4, 5))
    return str(rng.randint(0 if digits == 1 else 10 ** (digits - 1), 10**digits - 1))


def number(rng) -> str:
    r = rng.random()
    if r < 0.7:
        return integer(rng)
    return f"{rng.randint(0, 500)}.{rng.choice((str(rng.randint(1, 9)), str(rng.randint(1, 9)), f'{rng.randint(0, 9)}{rng.randint(1, 9)}'))}"


def code(rng) -> str:
    letters = lambda n, s: "".join(rng.choice(s) for _ in range(n))
    upper, lower, digits = "ABCDEFGHJKLMNPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz", "0123456789"
    return rng.choice((
        lambda: f"{letters(rng.randint(1, 4), upper)}-{letters(rng.randint(2, 5), digits)}",
        lambda: f"{letters(rng.randint(1, 3), upper)}{letters(rng.randint(2, 5), digits)}",
        lambda: f"{made_up(rng)}-{letters(rng.randint(1, 3), digits)}",
        lambda: letters(rng.randint(4, 8), digits),
        lambda: letters(rng.randint(4, 7), lower + digits),
        lambda: f"{made_up(rng)}_{made_up(rng)}",
    ))()


def email(rng) -> str:
    host = rng.choice(("example.com", "mail.org", f"{made_up(rng)}.com", f"{made_up(rng)}.io", f"{made_up(rng)}.net"))
    return f"{rng.choice((made_up(rng), name(rng).lower(), made_up(rng) + '.' + made_up(rng)))}@{host}"


def date(rng) -> str:
    months = "January February March April May June July August September October November December".split()
    d, m, y = rng.randint(1, 28), rng.randint(1, 12), rng.randint(2019, 2032)
    return rng.choice((f"{y}-{m:02}-{d:02}", f"{d} {months[m - 1]}", f"{months[m - 1]} {d}", f"{d} {months[m - 1]} {y}",
                       "tomorrow", "next Monday", "Friday", "Tuesday"))


def clock(rng) -> str:
    return rng.choice((f"{rng.randint(0, 23):02}:{rng.randint(0, 59):02}", f"{rng.randint(1, 12)} {rng.choice(('am', 'pm'))}",
                       f"{rng.randint(1, 12)}:{rng.choice(('00', '15', '30', '45'))}"))


def title(rng) -> str:
    words = phrase(rng, 1, 4).split()
    return rng.choice((" ".join(w.capitalize() for w in words), " ".join(words).capitalize(), " ".join(words)))


def sentence(rng, low=4, high=12) -> str:
    """Sentence-shaped text: function words between content words, most of it meaningless."""
    glue = "the a of in is and to with for on that was are by from at it has not can".split()
    words = []
    for i in range(rng.randint(low, high)):
        words.append(rng.choice(glue) if i % 2 and rng.random() < 0.75 else (word(rng) if rng.random() < 0.9 else integer(rng)))
    return " ".join(words).capitalize()


def anything(rng) -> str:
    return rng.choice((word, word, name, city, code, email, title, lambda r: phrase(r, 1, 4), date, full_name))(rng)


_CHOICE = re.compile(r"\[([^\[\]]*)\]")


def expand(rng, template: str) -> str:
    """Replaces every `[a|b|c]` (nested ones too) by one of its alternatives."""
    while (m := _CHOICE.search(template)) is not None:
        template = template[: m.start()] + rng.choice(m.group(1).split("|")) + template[m.end():]
    return re.sub(r"  +", " ", template).strip()


def fill(template: str, slots: dict) -> str:
    return re.sub(r"\{(\w+)\}", lambda m: str(slots[m.group(1)]), template)


LEADS = ["please ", "so, ", "well, ", "ok, ", "listen, ", "quick one: ", "another thing: ", "next: ", "sorry, ", "hello! ", "hi! ", "hey, ", "now, ", "good, ", "right, ",
         "I was wondering, ", "tell me, ", "help me out: ", "my question: ", "a friend asks: ", "first: ", "and ", "also, ", "but ", "just curious: ", "um, ", "great. "]
TAILS = [" please", ", please", " for me", ", thanks", " now", ", ok", " if you can", ", thank you", " right away", " then", ", would you"]
SWAPS = [("what is ", "what's "), ("what's ", "what is "), ("can i ", "could I "), ("can you ", "would you "), ("can you ", "will you "), ("tell me ", "let me know "), ("show me ", "give me "), ("give me ", "I'd like "),
         ("how do i ", "how does one "), ("how do i ", "what must I do to "), ("how can i ", "how would I "), ("which ", "what "), ("what ", "which "), ("does ", "will "), (" need ", " require "), ("several", "multiple"), ("is there ", "is there any "),
         ("find ", "get "), ("get ", "find "), ("i want ", "I'd like "), ("i need ", "I want "), ("explain ", "can you explain "), ("do you ", "would you "), ("tell me ", "I want to know "), ("calculate ", "find "), ("check ", "look at "), ("how much is ", "what makes "),
         ("what is ", "what would be "), ("is it ", "would it be "), ("i have ", "I've got "), ("search ", "look through ")]


def reword(rng, text: str, polite: bool) -> str:
    """Small changes of wording outside the slots."""
    if rng.random() < 0.2:
        for _ in range(6):
            old, new = rng.choice(SWAPS)
            i = text.lower().find(old)
            if i >= 0 and (i == 0 or not text[i - 1].isalpha()):
                text = text[:i] + new + text[i + len(old):]
                break
    if rng.random() < 0.05:
        words = text.split(" ")
        spots = [i for i, w in enumerate(words) if w.isalpha() and len(w) < 5]
        if len(words) > 4 and spots:
            del words[rng.choice(spots)]
            text = " ".join(words)
    if polite:
        if rng.random() < 0.09:
            text = rng.choice(LEADS) + text
        if rng.random() < 0.07:
            end = text[-1:] if text[-1:] in "?.!" else ""
            text = text.rstrip("?.!") + rng.choice(TAILS) + end
    return text


def ask(rng, template: str, polite=True, **slots) -> str:
    """A user's way of putting `template`: alternatives chosen, case, punctuation and typing varied, slots kept exact."""
    text = reword(rng, expand(rng, template), polite)
    r = rng.random()
    if r < 0.22:
        text = re.sub(r"(\{\w+\})|(.)", lambda m: m.group(1) or m.group(2).lower(), text)
    elif r < 0.9:
        text = text[:1].upper() + text[1:]
    if rng.random() < 0.22:
        text = text.rstrip("?.!")
    elif rng.random() < 0.05:
        text = text.rstrip("?.!") + rng.choice(("!", "??", "...", " ?", ".", "?"))
    if rng.random() < 0.06:
        spots = [i for i in range(1, len(text) - 1) if text[i - 1: i + 2].isalpha() and not re.search(r"\{\w*$", text[:i])]
        if spots:
            i = rng.choice(spots)
            text = rng.choice((text[:i] + text[i + 1:], text[:i] + text[i + 1] + text[i] + text[i + 2:], text[:i] + text[i] + text[i:]))
    if rng.random() < 0.1 and "'" in text:
        text = text.replace("'", rng.choice(("", "’")))
    return fill(text, slots)


for _pool in (NAMES, CITIES, COMMON, COLOURS, FOODS, JOBS, LANGUAGES):
    _clash = {w.lower() for w in _pool} & HELD_OUT_WORDS
    assert not _clash, f"held-out words in a training list: {_clash}"
