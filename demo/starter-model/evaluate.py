"""Scores the exported files on the held-out set: python evaluate.py MODEL_DIRECTORY [--temperature 0.7] [--dtype float16]
[--failures] [--write README.md]

The stored weights are used; sums are done in --dtype (float32 unless told). A case passes when its tool calls equal
the expected ones exactly (names, arguments, types, order), its answer holds the expected words, the think block is as
asked, and it ends with <|im_end|>.
"""

import argparse
import json
import random
import re
from collections import defaultdict
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from generator.mix import sample
from held_out_cases import cases

CALL = re.compile(r"<tool_call>\n(.*?)\n</tool_call>", re.S)


def assert_apart(all_cases, conversations=20000) -> None:
    """No last question of the set is a user turn of that many generated conversations (numbers and values counted as part of it)."""
    rng = random.Random(123)
    seen = {re.sub(r"\W+", " ", text).strip().lower() for _ in range(conversations) for role, text, _ in sample(rng).turns if role == "user"}
    questions = {[m for m in c["messages"] if m["role"] == "user"][-1]["content"] for c in all_cases}
    both = [q for q in questions if re.sub(r"\W+", " ", q).strip().lower() in seen]
    assert not both, f"in the training text too: {both}"


@torch.no_grad()
def generate(model, tokenizer, all_cases, temperature, batch=48, limit=160):
    prompts = [tokenizer.apply_chat_template(c["messages"], tools=c["tools"], tokenize=False, add_generation_prompt=True, enable_thinking=c["thinking"]) for c in all_cases]
    order = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
    outputs = [None] * len(prompts)
    tokenizer.padding_side = "left"
    torch.manual_seed(1)
    for start in range(0, len(order), batch):
        chosen = order[start : start + batch]
        inputs = tokenizer([prompts[i] for i in chosen], return_tensors="pt", padding=True, add_special_tokens=False)
        inputs.pop("token_type_ids", None)
        sampling = dict(do_sample=True, temperature=temperature, top_p=1.0, top_k=0) if temperature else dict(do_sample=False, temperature=None, top_p=None, top_k=None)
        ids = model.generate(**inputs, max_new_tokens=limit, **sampling)[:, inputs["input_ids"].shape[1] :]
        for i, row in zip(chosen, tokenizer.batch_decode(ids)):
            outputs[i] = row.replace("<|endoftext|>", "")
    return outputs


def passes(case, output) -> bool:
    if not output.endswith("<|im_end|>"):
        return False
    text = output.removesuffix("<|im_end|>")
    if case["thinking"]:
        match = re.match(r"<think>\n(.*?)\n?</think>\n\n(.*)", text, re.S)
        if not match or bool(match.group(1).strip()) != bool(case.get("thought")):
            return False
        text = match.group(2)
    elif "think>" in text:
        return False
    if case.get("calls") is not None:
        try:
            calls = [(c["name"], c["arguments"]) for c in map(json.loads, CALL.findall(text))]
        except (ValueError, KeyError, TypeError):
            return False
        same = json.dumps(calls, sort_keys=True) == json.dumps(case["calls"], sort_keys=True)
        if not same or "<tool_call>" in CALL.sub("", text):
            return False
    if "number" in case and (re.findall(r"-?\d+", text) or [None])[-1] != str(case["number"]):
        return False
    return all(w in text for w in case.get("says", [])) and ("equals" not in case or text == case["equals"])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("model_directory")
    parser.add_argument("--temperature", type=float, default=0.0)
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--failures", action="store_true")
    parser.add_argument("--write", type=Path)
    options = parser.parse_args()
    all_cases = list(cases())
    assert_apart(all_cases)
    tokenizer = AutoTokenizer.from_pretrained(options.model_directory)
    model = AutoModelForCausalLM.from_pretrained(options.model_directory, dtype=getattr(torch, options.dtype)).eval()
    temperatures = [0.0, 0.7] if options.write else [options.temperature]
    scores = defaultdict(dict)
    for temperature in temperatures:
        results = defaultdict(list)
        for case, output in zip(all_cases, generate(model, tokenizer, all_cases, temperature)):
            ok = passes(case, output)
            results[case["group"]].append(ok)
            if options.failures and not ok:
                print(f"[{case['group']}] {case['messages'][-1]['content']!r} -> {output!r} wanted {case.get('calls') or case.get('says') or case.get('equals') or case.get('number')}")
        for group, oks in results.items():
            scores[group][temperature] = f"{sum(oks)}/{len(oks)} ({100 * sum(oks) / len(oks):.0f} %)"
        every = [ok for oks in results.values() for ok in oks]
        scores["all"][temperature] = f"{sum(every)}/{len(every)} ({100 * sum(every) / len(every):.0f} %)"
    header = ["group"] + ["greedy" if t == 0 else f"temperature {t}" for t in temperatures]
    lines = ["| " + " | ".join(header) + " |", "|" + " --- |" * len(header)]
    lines += ["| " + " | ".join([group] + [row[t] for t in temperatures]) + " |" for group, row in scores.items()]
    table = "\n".join(lines)
    print(table)
    if options.write:
        text = options.write.read_text()
        options.write.write_text(re.sub(r"<!-- scores -->.*<!-- end of scores -->", lambda _: f"<!-- scores -->\n{table}\n<!-- end of scores -->", text, flags=re.S))


if __name__ == "__main__":
    main()
