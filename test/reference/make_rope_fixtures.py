"""Writes test/fixtures/rope.json: rotary tables as Hugging Face transformers computes them.

Run with an environment that has torch and transformers: python test/reference/make_rope_fixtures.py
"""

import json
from pathlib import Path

import torch
import transformers
from transformers import Qwen3Config
from transformers.models.qwen3.modeling_qwen3 import Qwen3RotaryEmbedding

CASES = {
    "default": (64, 10_000.0, {"rope_type": "default"}),
    "qwen3": (128, 1_000_000.0, {"rope_type": "default"}),
    "linear": (64, 10_000.0, {"rope_type": "linear", "factor": 4.0}),
    "llama3": (
        64,
        500_000.0,
        {
            "rope_type": "llama3",
            "factor": 32.0,
            "low_freq_factor": 1.0,
            "high_freq_factor": 4.0,
            "original_max_position_embeddings": 8192,
        },
    ),
    "yarn": (
        128,
        1_000_000.0,
        {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32768},
    ),
    # The ramp runs past the last pair, and past the clamp at the head's size.
    "yarn-wide": (
        64,
        100.0,
        {"rope_type": "yarn", "factor": 2.0, "original_max_position_embeddings": 65536},
    ),
    "yarn-untruncated": (
        64,
        10_000.0,
        {
            "rope_type": "yarn",
            "factor": 8.0,
            "original_max_position_embeddings": 4096,
            "beta_fast": 16.0,
            "beta_slow": 2.0,
            "truncate": False,
            "mscale": 0.7,
            "mscale_all_dim": 1.0,
        },
    ),
}
POSITIONS = [0, 1, 7, 100]


def table(head_dim: int, theta: float, scaling: dict) -> dict:
    parameters = {"rope_theta": theta, **scaling}
    config = Qwen3Config(
        vocab_size=32,
        hidden_size=2 * head_dim,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=2,
        head_dim=head_dim,
        max_position_embeddings=131_072,
        rope_parameters=parameters,
        architectures=["Qwen3ForCausalLM"],
    )
    rotary = Qwen3RotaryEmbedding(config)
    cos, sin = rotary(torch.zeros(1), torch.tensor([POSITIONS]))
    half = head_dim // 2
    return {
        "config": json.loads(config.to_json_string(use_diff=False)),
        "inverseFrequencies": rotary.inv_freq.tolist(),
        "cos": cos[0, :, :half].tolist(),
        "sin": sin[0, :, :half].tolist(),
    }


def main() -> None:
    fixture = {
        "transformers": transformers.__version__,
        "positions": POSITIONS,
        "cases": {name: table(*case) for name, case in CASES.items()},
    }
    path = Path(__file__).parent.parent / "fixtures" / "rope.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(fixture) + "\n")
    print(f"{path}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
