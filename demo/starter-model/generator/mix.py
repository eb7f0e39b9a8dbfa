"""Draws one conversation from all skills."""

from . import chat, recall, tools
from .arithmetic import arithmetic
from .conversation import Conversation
from .quire import quire

FILLERS = (chat.any_turn, chat.any_turn, quire)
SKILLS = {"chat": 0.09, "say": 0.04, "quire": 0.15, "recall": 0.11, "arithmetic": 0.18, "tools": 0.37, "idle tools": 0.06}


def sample(rng, skills=SKILLS) -> Conversation:
    skill = rng.choices(list(skills), list(skills.values()))[0]
    c = Conversation(thinking=rng.random() < (0.9 if skill == "arithmetic" else 0.8))
    c.system = chat.system(rng)
    if skill == "chat":
        for _ in range(rng.choice((1, 1, 2, 3))):
            chat.any_turn(rng, c)
    elif skill == "say":
        for _ in range(rng.choice((1, 2, 3))):
            chat.say(rng, c)
    elif skill == "quire":
        for _ in range(rng.choice((1, 2, 2, 3))):
            rng.choice((quire, quire, quire, quire, chat.any_turn))(rng, c)
    elif skill == "recall":
        if rng.random() < 0.2:
            c.tools = [t for t, _ in tools.toolbox(rng)]
        recall.recall(rng, c, FILLERS if c.tools else FILLERS + (arithmetic,))
    elif skill == "arithmetic":
        for _ in range(rng.choice((0, 0, 0, 1))):
            rng.choice(FILLERS)(rng, c)
        if rng.random() < 0.1:
            tools.refuse(rng, c)
        for _ in range(rng.choice((1, 1, 1, 2)) if c.thinking else rng.choice((1, 2, 3))):
            arithmetic(rng, c)
    elif skill == "tools":
        box = tools.toolbox(rng)
        c.tools = [t for t, _ in box]
        if rng.random() < 0.06:
            recall.recall(rng, c, FILLERS)
        tools.tool_turns(rng, c, box, FILLERS)
    else:
        c.tools = [t for t, _ in tools.toolbox(rng)]
        for _ in range(rng.choice((1, 1, 2, 3))):
            rng.choice(FILLERS)(rng, c)
    if not any(t[0] == "assistant" for t in c.turns):
        return sample(rng, skills)
    return c
