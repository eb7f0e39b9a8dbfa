"""Trains the starter model on conversations generated on the fly.

python train.py MODEL_DIRECTORY WORK_DIRECTORY --steps 3000

MODEL_DIRECTORY holds tokenizer.json. WORK_DIRECTORY gets `checkpoint.pt` (weights, their running average, optimiser
state) and `log.txt`; a run that was stopped goes on from there. Muon for the matrices, AdamW for the rest.
"""

import argparse
import multiprocessing
import os
import random
import signal
import time
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer

from generator import mix
from generator.conversation import PROMPT_WEIGHT, render
from model import ModelConfig, StarterModel

BATCH_TOKENS = int(os.environ.get("BATCH_TOKENS", "6144"))
EARLY_SKILLS = {"chat": 0.06, "say": 0.24, "quire": 0.12, "recall": 0.20, "arithmetic": 0.08, "tools": 0.28, "idle tools": 0.02}


def encode(tokenizer, conversations):
    """Token ids and loss weights of each conversation. Pieces meet at marker tokens or line ends, so encoding them one
    by one equals encoding the whole."""
    pieces = [render(c) for c in conversations]
    flat = tokenizer.encode_batch([text for p in pieces for text, _ in p], add_special_tokens=False)
    i = 0
    for p in pieces:
        ids, weights = [], []
        for _, weight in p:
            ids += flat[i].ids
            weights += [weight] * len(flat[i].ids)
            i += 1
        yield ids, weights


def produce(queue, tokenizer_path, seed, first_step, total):
    """Endless batches of conversations of similar length: (ids, weights), both [batch, length]."""
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    os.nice(2)
    tokenizer = Tokenizer.from_file(tokenizer_path)
    rng = random.Random(seed * 1_000_003 + first_step)
    step, parent = first_step, os.getppid()
    while os.getppid() == parent:
        progress = step / total
        skills = EARLY_SKILLS if progress < 0.12 else mix.SKILLS
        longest = 224 if progress < 0.15 else 448 if progress < 0.4 else 704
        rows = [r for r in encode(tokenizer, [mix.sample(rng, skills) for _ in range(700)]) if len(r[0]) <= longest]
        rows.sort(key=lambda r: len(r[0]) + rng.random())
        batches, current = [], []
        for row in rows:
            width = -(-len(row[0]) // 16) * 16
            if current and width * (len(current) + 1) > BATCH_TOKENS:
                batches.append(current)
                current = []
            current.append(row)
        rng.shuffle(batches)
        for batch in batches:
            width = -(-max(len(r[0]) for r in batch) // 16) * 16
            ids, weights = np.zeros((len(batch), width), np.int64), np.zeros((len(batch), width), np.float32)
            for i, (a, b) in enumerate(batch):
                ids[i, : len(a)], weights[i, : len(b)] = a, b
            if progress > 0.5:  # Copying has been learned: spend the rest on the assistant's words alone.
                weights[weights == np.float32(PROMPT_WEIGHT)] = 0
            queue.put((ids, weights), timeout=600)
            step += 1


def orthogonalise(g: torch.Tensor) -> torch.Tensor:
    """Newton-Schulz iteration of the Muon optimiser (Jordan et al., 2024)."""
    x = g.bfloat16()
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    flip = x.shape[-2] > x.shape[-1]
    if flip:
        x = x.mT
    for _ in range(5):
        a = x @ x.mT
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
    return (x.mT if flip else x).float()


class Muon:
    def __init__(self, parameters, momentum=0.95, decay=0.02):
        self.parameters, self.momentum, self.decay = list(parameters), momentum, decay
        self.buffers = [torch.zeros_like(p) for p in self.parameters]

    @torch.no_grad()
    def step(self, rate):
        by_shape = {}
        for p, m in zip(self.parameters, self.buffers):
            m.lerp_(p.grad, 1 - self.momentum)
            by_shape.setdefault(p.shape, []).append((p, p.grad.lerp(m, self.momentum)))
        for shape, pairs in by_shape.items():
            updates = orthogonalise(torch.stack([u for _, u in pairs]))
            scale = 0.2 * max(shape) ** 0.5
            for (p, _), u in zip(pairs, updates):
                p.mul_(1 - rate * self.decay).add_(u, alpha=-rate * scale)


def rate_at(progress: float) -> float:
    return min(1.0, (1 - progress) / 0.45) if progress > 0.55 else 1.0


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("model_directory", type=Path)
    parser.add_argument("work_directory", type=Path)
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--minutes", type=float, help="end after so many minutes at the latest; the learning rate then follows the clock")
    parser.add_argument("--rate", type=float, default=4e-3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--compile", action="store_true")
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    torch.set_num_threads(int(os.environ.get("THREADS", "2")))
    options.work_directory.mkdir(parents=True, exist_ok=True)
    tokenizer_path = str(options.model_directory / "tokenizer.json")
    model = StarterModel(ModelConfig(vocab_size=Tokenizer.from_file(tokenizer_path).get_vocab_size()))
    matrices = [p for n, p in model.named_parameters() if p.dim() == 2 and "embed" not in n]
    others = [p for n, p in model.named_parameters() if p.dim() != 2 or "embed" in n]
    muon = Muon(matrices)
    adam = torch.optim.AdamW(others, lr=options.rate, betas=(0.9, 0.97), weight_decay=0.0, fused=True)
    average = {n: p.detach().clone() for n, p in model.named_parameters()}
    step, tokens = 0, 0
    checkpoint = options.work_directory / "checkpoint.pt"
    if checkpoint.exists():
        saved = torch.load(checkpoint)
        model.load_state_dict(saved["model"])
        average = saved["average"]
        adam.load_state_dict(saved["adam"])
        for buffer, value in zip(muon.buffers, saved["muon"]):
            buffer.copy_(value)
        step, tokens = saved["step"], saved["tokens"]
    if options.compile:
        model.hidden = torch.compile(model.hidden, dynamic=True)
    queue = multiprocessing.Queue(12)
    worker = multiprocessing.Process(target=produce, args=(queue, tokenizer_path, options.seed, step, options.steps), daemon=True)
    worker.start()
    log = open(options.work_directory / "log.txt", "a", buffering=1)
    log.write(f"parameters {sum(p.numel() for p in model.parameters())}, start at step {step}\n")

    def save():
        state = dict(model={n: p.detach() for n, p in model.named_parameters()}, average=average, adam=adam.state_dict(), muon=muon.buffers, step=step, tokens=tokens)
        torch.save(state, str(checkpoint) + ".part")
        os.replace(str(checkpoint) + ".part", checkpoint)

    stop = []
    signal.signal(signal.SIGTERM, lambda *_: stop.append(True))
    started, started_tokens, losses, first = time.time(), tokens, [], step / options.steps
    progress = first
    while progress < 1 and not stop:
        ids, weights = map(torch.from_numpy, queue.get())
        with torch.autocast("cpu", torch.bfloat16):
            loss = model.loss(ids, weights)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(others, 1.0)
        rate = options.rate * min(1.0, (step + 1) / 50) * rate_at(progress)
        for group in adam.param_groups:
            group["lr"] = rate
        adam.step()
        muon.step(rate)
        model.zero_grad(set_to_none=True)
        step += 1
        tokens += ids.numel()
        with torch.no_grad():
            keep = min(0.99, step / (step + 10))
            torch._foreach_lerp_(list(average.values()), [p.detach() for _, p in model.named_parameters()], 1 - keep)
        progress = step / options.steps
        if options.minutes:
            progress = max(progress, first + (1 - first) * (time.time() - started) / (60 * options.minutes))
        losses.append(loss.item())
        if step % 20 == 0:
            speed = (tokens - started_tokens) / (time.time() - started)
            log.write(f"{time.strftime('%H:%M:%S')} step {step} tokens {tokens} loss {sum(losses) / len(losses):.4f} rate {rate:.2e} tokens/s {speed:.0f}\n")
            losses = []
        if step % 100 == 0:
            save()
    save()
    worker.kill()


if __name__ == "__main__":
    main()
