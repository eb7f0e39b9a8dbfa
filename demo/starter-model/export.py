"""Writes config.json, generation_config.json and model.safetensors: python export.py CHECKPOINT OUTPUT_DIRECTORY

CHECKPOINT may be "random": fresh weights in the final shape. With --average behind, the running average of the
weights is taken, which is better while the learning rate is still high.
"""

import json
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer

from model import ModelConfig, StarterModel


def main(checkpoint: str, output: Path) -> None:
    tokenizer = Tokenizer.from_file(str(output / "tokenizer.json"))
    config = ModelConfig(vocab_size=tokenizer.get_vocab_size())
    if checkpoint == "random":
        torch.manual_seed(0)
        state = StarterModel(config).state_dict()
    else:
        state = torch.load(checkpoint, map_location="cpu")["average" if "--average" in sys.argv else "model"]
    state = {name: value.to(torch.float16).contiguous() for name, value in state.items()}
    assert all(torch.isfinite(v).all() for v in state.values())
    eos, pad = tokenizer.token_to_id("<|im_end|>"), tokenizer.token_to_id("<|endoftext|>")
    settings = config.to_hugging_face(eos, pad) | {"dtype": "float16", "torch_dtype": "float16"}
    (output / "config.json").write_text(json.dumps(settings, indent=2) + "\n")
    generation = {"do_sample": True, "temperature": 0.7, "top_p": 0.95, "eos_token_id": [eos, pad], "pad_token_id": pad, "max_new_tokens": 512}
    (output / "generation_config.json").write_text(json.dumps(generation, indent=2) + "\n")
    save_file(state, str(output / "model.safetensors"), metadata={"format": "pt"})
    (output / "model.safetensors").chmod(0o644)
    for path in sorted(output.iterdir()):
        print(f"{path.stat().st_size:>9} {path.name}")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
