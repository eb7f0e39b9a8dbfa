"""Checks that the training text equals what the chat template renders: python check_template.py MODEL_DIRECTORY"""

import json
import random
import sys

from transformers import AutoTokenizer

from generator.conversation import Conversation, Tool, render
from generator.mix import sample

KINDS = {"number": ["number", "integer", ["number", "null"]], "string": ["string", ["string", "null"]], "boolean": ["boolean"]}


def schema(rng, tool: Tool) -> dict:
    """The tool as some client might send it."""
    properties = {}
    for key, kind in tool.parameters.items():
        entry = {"enum": kind.split("|")} if "|" in kind else {"type": rng.choice(KINDS[kind])}
        if rng.random() < 0.5:
            entry["description"] = f"The {key}"
        properties[key] = entry
    parameters = {"type": "object", "properties": properties}
    if tool.optional or rng.random() < 0.5:
        parameters["required"] = [k for k in tool.parameters if k not in tool.optional]
    if rng.random() < 0.3:
        parameters["additionalProperties"] = False
    function = {"name": tool.name, "parameters": parameters}
    if tool.description is not None:
        function["description"] = tool.description
    if rng.random() < 0.3:
        function["strict"] = True
    return {"type": "function", "function": function}


def messages(c: Conversation):
    out = [{"role": "system", "content": c.system}] if c.system else []
    for role, text, _ in c.turns:
        if role == "results":
            out += [{"role": "tool", "content": part.removesuffix("\n</tool_response>")} for part in text.split("\n<tool_response>\n")[1:]]
        elif text.startswith("<tool_call>"):
            calls = [json.loads(part.removesuffix("\n").removesuffix("</tool_call>")) for part in text.split("<tool_call>")[1:]]
            out.append({"role": "assistant", "content": None, "tool_calls": [{"type": "function", "id": f"call_{i}", "function": x} for i, x in enumerate(calls)]})
        else:
            out.append({"role": role, "content": text})
    return out


def main() -> None:
    tokenizer = AutoTokenizer.from_pretrained(sys.argv[1])
    rng = random.Random(5)
    for _ in range(1500):
        c = sample(rng)
        c.thinking = False
        pieces = render(c)
        want = "".join(text for text, _ in pieces)
        tools = [schema(rng, t) for t in c.tools] or None
        got = tokenizer.apply_chat_template(messages(c), tools=tools, tokenize=False)
        assert got == want, f"\n{got!r}\n{want!r}"
        whole = tokenizer(want, add_special_tokens=False).input_ids
        parts = [i for text, _ in pieces for i in tokenizer(text, add_special_tokens=False).input_ids]
        assert whole == parts and tokenizer.decode(whole) == want
    prompt = tokenizer.apply_chat_template([{"role": "user", "content": "Hi"}], add_generation_prompt=True, tokenize=False)
    assert prompt == "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"
    prompt = tokenizer.apply_chat_template([{"role": "user", "content": [{"type": "text", "text": "Hi"}]}], add_generation_prompt=True, tokenize=False, enable_thinking=False)
    assert prompt == "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n", prompt
    print("training text and template agree on 1500 conversations")


if __name__ == "__main__":
    main()
