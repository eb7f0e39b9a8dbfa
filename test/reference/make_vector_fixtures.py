"""Writes test/fixtures/vector-dtypes.json: numbers as torch rounds them to narrower types.

Run with torch 2.13: python test/reference/make_vector_fixtures.py
"""

import json
from pathlib import Path

import torch

DTYPES = {
    "float16": torch.float16,
    "bfloat16": torch.bfloat16,
    "fp8_e4m3": torch.float8_e4m3fn,
    "fp8_e5m2": torch.float8_e5m2,
}


def main() -> None:
    generator = torch.Generator().manual_seed(7)
    scales = torch.tensor([2.0**e for e in range(-30, 20, 2)]).repeat_interleave(8)
    spread = torch.randn(len(scales), generator=generator) * scales
    # Halfway between two neighbours, and the edges of what each type holds.
    edges = [0.0, -0.0, 1.0, 1 + 2**-4, 1 + 3 * 2**-4, 1 + 2**-3, 1 + 3 * 2**-3, 1 + 2**-8]
    edges += [1 + 3 * 2**-8, 1 + 2**-11, 1 + 3 * 2**-11, 2**-10, 3 * 2**-10, 2**-25, 2**-17]
    edges += [448.0, 464.0, 465.0, 480.0, 57344.0, 61439.0, 61440.0, 65504.0, 65519.0, 65520.0]
    edges += [-448.0, -65520.0, 3e38, -3e38, float("inf"), float("-inf")]
    values = torch.cat([torch.tensor(edges), spread]).to(torch.float32)
    widths = {name: torch.int16 if "16" in name else torch.uint8 for name in DTYPES}
    bits = {
        name: [int(x) & 0xFFFF for x in values.to(dtype).view(widths[name])]
        for name, dtype in DTYPES.items()
    }
    words = [int(x) & 0xFFFFFFFF for x in values.view(torch.int32)]
    path = Path(__file__).parent.parent / "fixtures" / "vector-dtypes.json"
    path.write_text(json.dumps({"f32": words, "bits": bits}) + "\n")


if __name__ == "__main__":
    main()
