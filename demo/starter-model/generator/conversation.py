"""A conversation under construction, and its rendering as weighted text. Must equal `chat_template.jinja` (see check_template.py)."""

import json
from dataclasses import dataclass, field

EMPTY_THINK = "<think>\n\n</think>\n\n"
PROMPT_WEIGHT = 0.08
THINK_WEIGHT = 2.0  # few tokens of a sum are hard; this makes up for their small share


@dataclass
class Tool:
    name: str
    parameters: dict  # name -> "string", "number", "boolean", "a|b"
    description: str | None = None
    optional: tuple = ()

    def render(self) -> str:
        parts = ", ".join(f'"{k}{"?" if k in self.optional else ""}": "{v}"' for k, v in self.parameters.items())
        description = "" if self.description is None else f', "description": {dumps(self.description[:120])}'
        return f'{{"name": {dumps(self.name)}{description}, "parameters": {{{parts}}}}}'


@dataclass
class Conversation:
    system: str = ""
    tools: list = field(default_factory=list)
    turns: list = field(default_factory=list)
    thinking: bool = True

    def user(self, text: str):
        self.turns.append(("user", text, None))

    def assistant(self, text: str, think: str | None = None, calls: list | None = None, answer_weight: float = 1.0):
        if calls:
            text = "\n".join(f'<tool_call>\n{dumps({"name": n, "arguments": a})}\n</tool_call>' for n, a in calls)
        self.turns.append(("assistant", text, (think, answer_weight)))

    def results(self, contents: list):
        body = "".join(f"\n<tool_response>\n{c}\n</tool_response>" for c in contents)
        self.turns.append(("results", body, None))


def dumps(value) -> str:
    return json.dumps(value, ensure_ascii=False)


def render(c: Conversation) -> list[tuple[str, float]]:
    """The conversation as (text, loss weight) pieces. In history the think block is always empty; only the
    last assistant turn carries its thoughts, as it does when that turn is generated."""
    out = []
    if c.system or c.tools:
        text = c.system
        if c.tools:
            text += ("\n\n" if text else "") + "<tools>\n" + "".join(t.render() + "\n" for t in c.tools) + "</tools>"
        out.append((f"<|im_start|>system\n{text}<|im_end|>\n", PROMPT_WEIGHT))
    last = max(i for i, t in enumerate(c.turns) if t[0] == "assistant")
    for i, (role, text, extra) in enumerate(c.turns):
        if role == "user":
            out.append((f"<|im_start|>user\n{text}<|im_end|>\n", PROMPT_WEIGHT))
        elif role == "results":
            out.append((f"<|im_start|>user{text}<|im_end|>\n", PROMPT_WEIGHT))
        else:
            think, weight = extra
            out.append(("<|im_start|>assistant\n", 0.0))
            if not c.thinking or (think and i != last):
                # Written by the template, not by the model.
                out.append((EMPTY_THINK, 0.0))
            elif think:
                out.append((f"<think>\n{think}\n</think>\n\n", THINK_WEIGHT))
            else:
                out.append((EMPTY_THINK, 1.0))
            hidden = think and (not c.thinking or i != last)
            out.append((f"{text}<|im_end|>", 0.3 * weight if hidden else weight))
            out.append(("\n", 0.0))
    return out
