"""What test/gpu/golden.test.ts compares with: Hugging Face transformers, greedy, in f32 on the CPU."""

import torch

TOP = 8


def largest(logits) -> list[list]:
    values, indices = logits.topk(TOP)
    return [[int(i), round(float(v), 6)] for i, v in zip(indices, values)]


@torch.no_grad()
def golden(model, prompt: list[int], num_tokens: int) -> dict:
    """Greedy tokens, end-of-sequence ids passed over, and the largest logits of every position."""
    ids, tokens, top, of_prompt = torch.tensor([prompt]), [], [], []
    cache = None
    for _ in range(num_tokens):
        out = model(ids, past_key_values=cache, use_cache=True)
        cache = out.past_key_values
        of_prompt = of_prompt or [largest(logits) for logits in out.logits[0]]
        token = int(out.logits[0, -1].argmax())
        tokens.append(token)
        top.append(largest(out.logits[0, -1]))
        ids = torch.tensor([[token]])
    return {
        "promptTokenIds": prompt,
        "promptTopLogits": of_prompt,
        "tokenIds": tokens,
        "topLogits": top,
    }


def smallest_gap(cases: list[dict]) -> float:
    """Between the two largest logits of any step: a gap near zero makes greedy tokens a toss-up."""
    return min(top[0][1] - top[1][1] for case in cases for top in case["topLogits"])
