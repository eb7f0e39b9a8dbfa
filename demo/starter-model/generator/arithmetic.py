"""Small sums: thought through digit by digit when thinking is on, answered directly when it is off."""

from .values import ask, name, word


def add(a: int, b: int) -> str:
    lines, carry, place, x, y = [], 0, 0, a, b
    while x or y or place == 0:
        p, q = x % 10, y % 10
        total = p + q + carry
        terms = f"{p} + {q}" + (f" + {carry}" if carry else "")
        x, y = x // 10, y // 10
        carry = total // 10
        lines.append(f"{terms} = {total}" + (f", carry {carry}" if carry and (x or y) else ""))
        place += 1
    return f"{a} + {b}: " + "; ".join(lines) + f"; so {a} + {b} = {a + b}"


def subtract(a: int, b: int) -> str:
    lines, borrow, x, y = [], 0, a, b
    while x or y or not lines:
        p, q = x % 10 - borrow, y % 10
        terms = f"{x % 10} - {q}" + (f" - {borrow}" if borrow else "")
        borrow = int(p < q)
        lines.append((f"borrow, 1{terms}" if borrow else terms) + f" = {p - q + 10 * borrow}")
        x, y = x // 10, y // 10
    return f"{a} - {b}: " + "; ".join(lines) + f"; so {a} - {b} = {a - b}"


def multiply(a: int, b: int) -> str:
    if b >= 10 and a < 10:
        a, b = b, a
    if a < 10 or a % 10 == 0 and a < 100:
        return f"{a} * {b} = {a * b}"
    tens, ones = a - a % 10, a % 10
    return f"{tens} * {b} = {tens * b}; {ones} * {b} = {ones * b}; {add(tens * b, ones * b)}"


WORDS = {"+": ["{a} + {b}", "{a}+{b}", "{a} plus {b}", "the sum of {a} and {b}", "{a} and {b} together"],
         "-": ["{a} - {b}", "{a}-{b}", "{a} minus {b}", "{b} less than {a}"],
         "*": ["{a} * {b}", "{a}*{b}", "{a} times {b}", "{a} x {b}", "{a} multiplied by {b}"]}
ASKS = ["what is {q}?", "what's {q}?", "{q}", "{q} = ?", "{q}?", "calculate {q}", "compute {q}", "how much is {q}?", "can you work out {q}?", "solve {q}",
        "tell me {q}", "please calculate {q}", "what does {q} give?", "work out {q}", "[hi|hey|ok], what is {q}?", "do you know {q}?", "give me {q}",
        "I have to [calculate|find|know] {q}", "what do I get from {q}?", "[can|could] you [add up|do|solve|check] {q}?", "{q} makes what?", "{q}, [what is it|how much|go|answer]?", "the [exercise|question|task|problem|sum] is {q}", "[exercise|task|sum|question|problem]: {q}", "let's do {q}", "how about {q}?", "my [teacher|son|book] asks {q}", "the result of {q}?", "{q} is how much?", "do {q}", "what will {q} be?", "now {q}", "try {q}"]


def operands(rng):
    op = rng.choice("++--*")
    if op == "*":
        return op, *(rng.choice(((rng.randint(2, 12), rng.randint(2, 9)), (rng.randint(11, 99), rng.randint(2, 9)), (rng.randint(2, 9), rng.randint(11, 99)))))
    top = rng.choices((9, 99, 999), (1, 8, 1.5))[0]
    a, b = rng.randint(1, top), rng.randint(1, rng.choice((top, top, 9)))
    return (op, max(a, b), min(a, b)) if op == "-" else (op, a, b)


STEPS = {"+": add, "-": subtract, "*": multiply}
VALUE = {"+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b}


def question(rng):
    """(question, thoughts, answer) for one operation."""
    op, a, b = operands(rng)
    q = ask(rng, rng.choice(ASKS), q=rng.choice(WORDS[op]).replace("{a}", str(a)).replace("{b}", str(b)))
    return q, STEPS[op](a, b) + ".", f"{a} {op} {b} = {VALUE[op](a, b)}"


THINGS = "apples books coins marbles stamps cards eggs pens shells cakes tickets balls cookies flowers stickers pears toys".split()
GAIN = ["gets {b} more", "buys {b} more", "finds {b} more", "receives {b} more", "is given {b} more", "buys {b}", "adds {b}", "collects {b} more", "picks {b} more", "earns {b} more", "bought {b} more", "found {b} more", "received {b}", "counts {b} more", "makes {b} more", "brings {b} more", "added {b}"]
LOSE = ["gives away {b}", "loses {b}", "eats {b}", "sells {b}", "gives {b} to a friend", "uses {b}", "drops {b}", "breaks {b}", "throws away {b}", "hands out {b}", "sold {b}", "lost {b}", "ate {b}", "gave away {b}", "gave {b} to a neighbour", "used {b}", "removes {b}"]


def story(rng):
    who, thing, total = name(rng), rng.choice(THINGS) if rng.random() < 0.6 else word(rng) + "s", rng.randint(2, 80)
    nobody = rng.random() < 0.12
    text = "there are {a} {t}" if nobody else "{w} " + rng.choice("has has has had owns got bakes collected sees keeps".split()) + " {a} {t}"
    text, thoughts = text.replace("{a}", str(total)), [f"Start with {total}"]
    n = rng.choice((1, 2, 2, 2, 3))
    for i in range(n):
        gain = total < 4 or rng.random() < 0.5
        b = rng.randint(1, 40 if gain else total - 1)
        if nobody and i == 0 or rng.random() < 0.25:
            text += ". [Then |]" + ("{w} " if nobody and i == 0 else rng.choice(("{w} ", "she ", "he ")))
        else:
            text += rng.choice((" and ", " and then ")) if i == n - 1 else ", "
        text += rng.choice(GAIN if gain else LOSE).replace("{b}", str(b))
        thoughts.append((add if gain else subtract)(total, b))
        total += b if gain else -b
    text += rng.choice((". How many {t} [are left|does {w} have now|does {w} have|are there now|remain|are there]?", ". What is the number of {t} now?", ". How many {t} now?",
                        ". How many {t} [in total|in all|altogether|does that make]?", ". How many {t}?", ". How many {t} is that?", ". How many {t} does {w} [own|hold|keep]?"))
    answer = f"There are {total} {thing}." if nobody else f"{who} has {total} {thing}."
    return ask(rng, text, w=who, t=thing), ". ".join(thoughts) + ".", answer


def compound(rng):
    """Two operations in one expression."""
    a, b, c = rng.randint(2, 60), rng.randint(2, 60), rng.randint(2, 40)
    if rng.random() < 0.4:
        b, c = rng.randint(2, 9), rng.randint(2, 9)
        q, first, total = f"{a} + {b} * {c}", multiply(b, c), a + b * c
        second = add(a, b * c)
    elif c <= a + b and rng.random() < 0.5:
        q, first, second, total = f"{a} + {b} - {c}", add(a, b), subtract(a + b, c), a + b - c
    else:
        q, first, second, total = f"{a} + {b} + {c}", add(a, b), add(a + b, c), a + b + c
    return ask(rng, rng.choice(ASKS), q=q), f"{first}. {second}.", f"{q} = {total}"


def arithmetic(rng, c):
    q, think, answer = rng.choices((question, story, compound), (6, 3.5, 1.2))[0](rng)
    c.user(q)
    c.assistant(answer if answer.endswith(".") else answer + ".", think=think)
