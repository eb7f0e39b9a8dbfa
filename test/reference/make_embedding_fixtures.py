"""Golden vectors of models that embed, for test/gpu/embedding-golden.test.ts.

    python -m venv .venv && .venv/bin/pip install torch==2.13.0 transformers==5.23.0 \
        safetensors==0.8.0 numpy==2.4.6 tokenizers==0.23.3
    .venv/bin/python test/reference/make_embedding_fixtures.py              # everything
    .venv/bin/python test/reference/make_embedding_fixtures.py tiny-bert    # one fixture

Writes test/fixtures/embedding-models/<name>/: a tiny random model in the layout of
sentence-transformers (modules.json and a folder a module, written by hand here) and golden.json: for
each text its ids, the first numbers of each position's final hidden state, and the vector. Everything
runs in f32 on the CPU, a text at a time; pooling and the modules after it are written out below.
"""

import copy
import json
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import (
    BertConfig,
    BertForMaskedLM,
    BertModel,
    Gemma3TextConfig,
    Gemma3TextModel,
    ModernBertConfig,
    ModernBertForMaskedLM,
    ModernBertModel,
    Qwen3Config,
    Qwen3Model,
    XLMRobertaConfig,
    XLMRobertaModel,
)

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures" / "embedding-models"
COLUMNS = 8
LENGTHS = [1, 2, 15, 16, 17, 33, 61]

SHARED = dict(
    vocab_size=211,
    hidden_size=64,
    num_hidden_layers=2,
    num_attention_heads=4,
    initializer_range=0.15,
)
BERT = dict(**SHARED, intermediate_size=96, max_position_embeddings=80, layer_norm_eps=1e-12)
# Layers 0 and 3 see everything, layers 1 and 2 four positions to each side.
MODERN_BERT = dict(
    **{**SHARED, "num_hidden_layers": 4},
    intermediate_size=72,
    max_position_embeddings=80,
    global_attn_every_n_layers=3,
    local_attention=8,
    pad_token_id=0,
    bos_token_id=1,
    eos_token_id=2,
    cls_token_id=1,
    sep_token_id=2,
)

# Class, config, pooling, Dense modules (out_features, bias, activation), whether vectors get length 1.
# A pooling of None writes no modules: vLLM's defaults hold.
TINY = {
    # As all-MiniLM-L6-v2.
    "tiny-bert": (BertModel, BertConfig(**BERT), "mean", [], True),
    # A checkpoint of the masked language model, with the old names of its norms.
    "tiny-bert-mlm": (BertForMaskedLM, BertConfig(**BERT), None, [], True),
    # Positions start behind the padding token's.
    "tiny-xlm-roberta": (
        XLMRobertaModel,
        XLMRobertaConfig(**{**BERT, "layer_norm_eps": 1e-5}, pad_token_id=1, type_vocab_size=1),
        "cls",
        [(24, True, "Tanh")],
        False,
    ),
    "tiny-modernbert": (ModernBertModel, ModernBertConfig(**MODERN_BERT), "cls", [], True),
    "tiny-modernbert-mlm": (ModernBertForMaskedLM, ModernBertConfig(**MODERN_BERT), None, [], True),
    # As Qwen3-Embedding: config.json names the causal model, the tensors have no prefix.
    "tiny-qwen3-embedding": (
        Qwen3Model,
        Qwen3Config(
            **SHARED,
            intermediate_size=96,
            num_key_value_heads=2,
            head_dim=24,
            max_position_embeddings=80,
            rope_theta=1_000_000.0,
        ),
        "lasttoken",
        [],
        True,
    ),
    # As EmbeddingGemma: attention both ways, two projections after the mean.
    "tiny-embedding-gemma": (
        Gemma3TextModel,
        Gemma3TextConfig(
            **SHARED,
            intermediate_size=96,
            num_key_value_heads=1,
            head_dim=32,
            query_pre_attn_scalar=32,
            max_position_embeddings=80,
            sliding_window=12,
            layer_types=["sliding_attention", "full_attention"],
            use_bidirectional_attention=True,
        ),
        "mean",
        [(128, False, "Identity"), (64, False, "Identity")],
        True,
    ),
}

FLAGS = {"mean": "mean_tokens", "cls": "cls_token", "lasttoken": "lasttoken"}


def write_json(path: Path, value) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, separators=(",", ":")) + "\n")


def write_modules(folder: Path, pooling: str, dense: list[dict], normalize: bool) -> None:
    kinds = ["Transformer", "Pooling", *["Dense"] * len(dense), *["Normalize"] * normalize]
    paths = ["", *[f"{i}_{kind}" for i, kind in enumerate(kinds) if i > 0]]
    write_json(
        folder / "modules.json",
        [
            {"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{kind}"}
            for i, (kind, path) in enumerate(zip(kinds, paths))
        ],
    )
    flags = {f"pooling_mode_{flag}": name == pooling for name, flag in FLAGS.items()}
    write_json(
        folder / "1_Pooling" / "config.json", {"word_embedding_dimension": 64, **flags}
    )
    for i, module in enumerate(dense):
        path = folder / f"{i + 2}_Dense"
        tensors = {"linear.weight": module["weight"].half()}
        if module["bias"] is not None:
            tensors["linear.bias"] = module["bias"].half()
        write_json(
            path / "config.json",
            {
                "in_features": module["weight"].shape[1],
                "out_features": module["weight"].shape[0],
                "bias": module["bias"] is not None,
                "activation_function": f"torch.nn.modules.activation.{module['activation']}"
                if module["activation"] == "Tanh"
                else "torch.nn.modules.linear.Identity",
            },
        )
        save_file(tensors, path / "model.safetensors")


def random_dense(specs) -> list[dict]:
    width, modules = 64, []
    for out, has_bias, activation in specs:
        modules.append(
            {
                "weight": (torch.randn(out, width) / width**0.5).half().float(),
                "bias": torch.randn(out).half().float() if has_bias else None,
                "activation": activation,
            }
        )
        width = out
    return modules


def vector_of(hidden, pooling: str, dense: list[dict], normalize: bool):
    x = {"mean": hidden.mean(0), "cls": hidden[0], "lasttoken": hidden[-1]}[pooling]
    for module in dense:
        x = torch.nn.functional.linear(x, module["weight"], module["bias"])
        x = torch.tanh(x) if module["activation"] == "Tanh" else x
    return torch.nn.functional.normalize(x, dim=-1) if normalize else x


def rounded(values, digits: int = 6) -> list[float]:
    return [round(float(value), digits) for value in values]


@torch.no_grad()
def make(name: str) -> None:
    kind, config, pooling, specs, normalize = TINY[name]
    torch.manual_seed(7)
    model = kind(config).float().eval()
    for key, parameter in model.named_parameters():
        if "norm" in key.lower() and key.endswith("weight"):
            parameter.uniform_(0.5, 1.5)
        elif key.endswith("bias"):
            parameter.uniform_(-0.5, 0.5)
        elif "embeddings" in key:
            parameter.normal_(0, 0.7)
        parameter.copy_(parameter.half())
    dense = random_dense(specs)
    folder = FIXTURES / name
    # A copy, since half() would round the rotary frequencies too.
    copy.deepcopy(model).half().save_pretrained(folder)
    adapt_files(folder, name)
    if pooling is not None:
        write_modules(folder, pooling, dense, normalize)
    generator = torch.Generator().manual_seed(20261121)
    cases = []
    for length in LENGTHS:
        ids = torch.randint(3, config.vocab_size, (1, length), generator=generator)
        hidden = getattr(model, model.base_model_prefix, model)(ids).last_hidden_state[0]
        vector = vector_of(hidden, pooling or "cls", dense, normalize)
        cases.append(
            {
                "tokenIds": ids[0].tolist(),
                "hidden": [rounded(row[:COLUMNS]) for row in hidden],
                "vector": rounded(vector, 7),
            }
        )
    write_json(folder / "golden.json", {"cases": cases})
    print(name, "vectors of", len(cases[0]["vector"]))


def write_tokenizer(folder: Path, vocab_size: int) -> None:
    """A word `w7` is the token 7; a text lies between <s> and </s>."""
    specials = {"<s>": 0, "<pad>": 1, "</s>": 2}
    words = {f"w{i}": i for i in range(3, vocab_size)}
    tokenizer = Tokenizer(models.WordLevel({**specials, **words}, unk_token="<pad>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.add_special_tokens(list(specials))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)


def adapt_files(folder: Path, name: str) -> None:
    """What real repositories have that transformers does not write today."""
    config = json.loads((folder / "config.json").read_text())
    if name == "tiny-qwen3-embedding":
        config["architectures"] = ["Qwen3ForCausalLM"]
        config["is_matryoshka"] = True
    if name == "tiny-modernbert":
        config["matryoshka_dimensions"] = [32, 16]
    if name == "tiny-xlm-roberta":
        write_tokenizer(folder, config["vocab_size"])
    write_json(folder / "config.json", config)
    if name == "tiny-bert-mlm":
        file = folder / "model.safetensors"
        tensors = {
            key.replace("LayerNorm.weight", "LayerNorm.gamma").replace(
                "LayerNorm.bias", "LayerNorm.beta"
            ): tensor.clone()
            for key, tensor in load_file(file).items()
        }
        save_file(tensors, file, {"format": "pt"})


for wanted in sys.argv[1:] or TINY:
    make(wanted)
