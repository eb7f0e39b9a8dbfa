"""Writes test/fixtures/gguf/: what the `gguf` package and transformers make of GGUF files.

    python -m venv .venv && .venv/bin/pip install gguf==0.19.0 numpy==2.4.6 torch==2.13.0 \
        transformers==5.23.0 tokenizers==0.23.3
    .venv/bin/python test/reference/make_gguf_fixtures.py                # everything
    .venv/bin/python test/reference/make_gguf_fixtures.py quants         # one fixture

models.json and <architecture>.gguf: tiny random models of every architecture, written as llama.cpp's
converter writes them, each with its config.json and, by Hugging Face's names, the shape of every tensor
and the SHA-256 of its f32 values once they have been stored.

mixed.gguf and mixed-golden.json: a tiny Llama with a matrix of every type, and what Hugging Face
transformers make of its dequantised weights (golden.py). types/<type>.gguf and types/<type>-golden.json:
the same for tiny Llamas whose matrices are all of one type. experts.gguf and experts-golden.json: the
same for a tiny mixture of experts.

tokenizer-<kind>.gguf and tokenizers.json: vocabularies without a model, and for each the ids and the
text that Rust tokenizers give, as the model's own tokenizer.json would have them.

quants.json: blocks of every type, the f32 bits of the first of them, and of every block the SHA-256 of
its f32 bits, cut to 16 hex digits. NaNs count as 0x7fc00000, since their payload is not arithmetic.
"""

import base64
import hashlib
import json
import sys
from pathlib import Path

import gguf
import numpy as np
import torch
import transformers
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType
from gguf.quants import dequantize, quantize
from golden import golden, smallest_gap
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers
from tokenizers import pre_tokenizers, processors, trainers
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS
from transformers.tokenization_utils_base import generate_merges

FOLDER = Path(__file__).resolve().parents[2] / "test" / "fixtures" / "gguf"

CORPUS = [
    "The engine schedules every request and the pages of its cache.",
    "What is the weather in Paris today? It is 21 degrees and sunny.",
    "def step(self):\n    return [token for token in self.running]\n",
    "naïve café façade — déjà vu, Ångström, œuvre",
    "Привет, как дела? שלום עולם 你好，世界 こんにちは",
] * 4

TEXTS = [
    "",
    " ",
    "   leading and trailing   ",
    "Hello, world! The weather in Paris",
    "don't can't I'm THEY'RE caFÉ camelCase HTTPServer",
    "12345 1,234.5 1e-7 ½ Ⅷ ²",
    "tabs\tand\r\nline breaks\n\n\n  indented\n",
    "    return [token]",
    "👩‍👩‍👧‍👦 🇫🇷 👍🏽",
    "שלום (אבג) 123 مرحبا \u200fRTL\u200e",
    "e\u0301 versus \u00e9, a\u0308\u0323",
    "nul\x00inside\x01\x7f and \ufffd",
    "x" * 100,
    " " * 30 + "end",
    "\n" * 20,
    "各国語 テスト 테스트 ไทย हिन्दी",
    "wide\u00a0no-break\u2003em\u3000x",
    "<0x41> <s> ▁▁ literal",
    "[PAD525] [PAD403]",
    "a//b /** c */ https://example.com/x?y=z#w",
]

MARKED_TEXTS = [
    "<|start|>user\nhi<|end|>\n<|start|> assistant\n",
    "text<|end|>  text",
    " <think> spaced </think> ",
    "é<|end|>😀<think>😀</s>é",
    "<|start|",
]

# Patterns of the models' own tokenizer.json.
GPT2_PATTERN = (
    r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
)


def gpt4_pattern(number: str) -> str:
    return (
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|" + number +
        r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    )


def gpt4o_pattern(suffix: str, number: str) -> str:
    return (
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+" + suffix +
        r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*" + suffix +
        "|" + number + r"| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    )


# Where the f16 scales of a block lie, in bytes.
SCALES = {
    "F32": [],
    "F16": [],
    "BF16": [],
    "Q4_0": [0],
    "Q4_1": [0, 2],
    "Q5_0": [0],
    "Q5_1": [0, 2],
    "Q8_0": [0],
    "IQ4_NL": [0],
    "Q2_K": [80, 82],
    "Q3_K": [108],
    "Q4_K": [0, 2],
    "Q5_K": [0, 2],
    "Q6_K": [208],
}

# f16 bits: zeros, the smallest and largest subnormal and normal numbers, infinities, NaN, one.
EXTREMES = [0, 0x8000, 1, 0x8001, 0x03FF, 0x0400, 0x7BFF, 0xFBFF, 0x7C00, 0xFC00, 0x7E01, 0x3C00]


def make_blocks(name: str, count: int, rng: np.random.Generator) -> np.ndarray:
    """Random blocks with ordinary scales, then with any bits, then all extremes."""
    _, size = GGML_QUANT_SIZES[GGMLQuantizationType[name]]
    blocks = rng.integers(0, 256, (count, size), dtype=np.uint8)
    scales = SCALES[name]
    for row in range(count * 3 // 4):
        for at in scales:
            scale = np.float16(rng.normal() * 0.05)
            blocks[row, at : at + 2] = np.frombuffer(scale.tobytes(), np.uint8)
    extreme = []
    for fill in (0x00, 0xFF, 0x80, 0x7F, None):
        for bits in EXTREMES if scales else [0]:
            block = rng.integers(0, 256, size, dtype=np.uint8)
            if fill is not None:
                block[:] = fill
            for at in scales:
                block[at : at + 2] = np.frombuffer(np.uint16(bits).tobytes(), np.uint8)
            extreme.append(block)
    return np.concatenate([blocks, np.stack(extreme)])


def f32_bits(blocks: np.ndarray, name: str) -> np.ndarray:
    with np.errstate(all="ignore"):
        values = dequantize(blocks, GGMLQuantizationType[name]).reshape(len(blocks), -1)
    bits = np.ascontiguousarray(values).view(np.uint32).copy()
    bits[np.isnan(values)] = 0x7FC00000
    return bits


def base64_of(array: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


def make_quants() -> None:
    rng = np.random.default_rng(20261121)
    fixture = {}
    for name in SCALES:
        blocks = make_blocks(name, 160, rng)
        bits = f32_bits(blocks, name)
        fixture[name] = {
            "id": int(GGMLQuantizationType[name]),
            "count": len(blocks),
            "blocks": base64_of(blocks),
            "first": base64_of(bits[:2]),
            "digests": [hashlib.sha256(row.tobytes()).hexdigest()[:16] for row in bits],
        }
    write("quants", fixture)


SHARED = dict(
    vocab_size=48,
    hidden_size=32,
    intermediate_size=64,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    max_position_embeddings=512,
    initializer_range=0.15,
    bos_token_id=1,
    eos_token_id=2,
    pad_token_id=0,
)

LLAMA3 = dict(
    rope_type="llama3",
    factor=8.0,
    low_freq_factor=1.0,
    high_freq_factor=4.0,
    original_max_position_embeddings=8192,
)
LONG_ROPE = dict(
    rope_type="longrope",
    short_factor=[1.0, 1.05, 1.5],
    long_factor=[1.0, 2.75, 12.5],
)

# Name of the file, llama.cpp's architecture, Hugging Face's class and fields of its config.
MODELS = {
    "llama": ("LLAMA", "Llama", dict(rope_theta=500_000.0, rope_scaling=LLAMA3, head_dim=24)),
    "mistral3": (
        "MISTRAL3",
        "Ministral3",
        dict(
            head_dim=24,
            rope_parameters=dict(
                rope_type="yarn",
                rope_theta=1_000_000.0,
                factor=4.0,
                original_max_position_embeddings=128,
                beta_fast=32.0,
                beta_slow=1.0,
                mscale=1.0,
                mscale_all_dim=1.0,
                llama_4_scaling_beta=0.1,
            ),
        ),
    ),
    "qwen2": ("QWEN2", "Qwen2", dict(tie_word_embeddings=True)),
    "qwen3": (
        "QWEN3",
        "Qwen3",
        dict(
            head_dim=24,
            max_position_embeddings=512,
            rope_scaling=dict(
                rope_type="yarn", factor=4.0, original_max_position_embeddings=128
            ),
        ),
    ),
    "qwen3moe": (
        "QWEN3MOE",
        "Qwen3Moe",
        dict(
            head_dim=24,
            num_hidden_layers=1,
            intermediate_size=64,
            moe_intermediate_size=32,
            num_experts=3,
            num_experts_per_tok=2,
            norm_topk_prob=True,
        ),
    ),
    "gemma2": ("GEMMA2", "Gemma2", dict(head_dim=24, sliding_window=64, query_pre_attn_scalar=24)),
    "gemma3": (
        "GEMMA3",
        "Gemma3",
        dict(
            head_dim=24,
            sliding_window=64,
            query_pre_attn_scalar=24,
            num_hidden_layers=6,
            intermediate_size=32,
        ),
    ),
    "phi3": (
        "PHI3",
        "Phi3",
        dict(
            sliding_window=100,
            partial_rotary_factor=0.75,
            original_max_position_embeddings=128,
            rope_scaling=LONG_ROPE,
        ),
    ),
    "smollm3": (
        "SMOLLM3",
        "SmolLM3",
        dict(num_hidden_layers=4, intermediate_size=32, tie_word_embeddings=True),
    ),
    "olmo2": ("OLMO2", "Olmo2", dict()),
    "granite": (
        "GRANITE",
        "Granite",
        dict(
            embedding_multiplier=12.0,
            residual_multiplier=0.22,
            attention_multiplier=0.015625,
            logits_scaling=8.0,
            tie_word_embeddings=True,
        ),
    ),
    "stablelm": (
        "STABLELM",
        "StableLm",
        dict(partial_rotary_factor=0.25, use_qkv_bias=True, tie_word_embeddings=False),
    ),
    "gpt2": (
        "GPT2",
        "GPT2",
        dict(n_embd=32, n_head=4, n_layer=2, n_inner=64, n_positions=512, n_ctx=512),
    ),
}

STORED = ["Q8_0", "Q4_0", "F16", "Q4_1", "BF16", "Q5_0", "F32", "Q5_1"]


def make_model(class_name: str, extra: dict):
    if class_name == "GPT2":
        kept = ("vocab_size", "bos_token_id", "eos_token_id", "pad_token_id")
        fields = {key: SHARED[key] for key in kept}
    else:
        fields = dict(SHARED)
    config_name = "Gemma3TextConfig" if class_name == "Gemma3" else f"{class_name}Config"
    config = getattr(transformers, config_name)(**{**fields, **extra})
    model_class = "GPT2LMHeadModel" if class_name == "GPT2" else f"{class_name}ForCausalLM"
    torch.manual_seed(7)
    model = getattr(transformers, model_class)(config).float().eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "norm" in name or "ln_" in name:
                parameter.uniform_(0.5, 1.5)
            elif "bias" in name:
                parameter.uniform_(-0.5, 0.5)
    return model, config


def interleave(weights: np.ndarray, heads: int) -> np.ndarray:
    """llama.cpp's order of the rows of q and k: the halves of each head in turn."""
    half = weights.shape[0] // heads // 2
    split = weights.reshape(heads, 2, half, -1)
    return np.ascontiguousarray(split.swapaxes(1, 2)).reshape(weights.shape)


def store(writer, name: str, values: np.ndarray, type_name: str, rng=None) -> np.ndarray:
    """Adds a tensor; gives back the values that a reader gets. Some types are random numbers."""
    kind = GGMLQuantizationType[type_name]
    is_random = type_name.endswith("_K") or type_name == "IQ4_NL"
    data = random_blocks(type_name, values.shape, rng) if is_random else quantize(values, kind)
    if type_name in ("F32", "F16"):
        writer.add_tensor(name, data)
    else:
        writer.add_tensor(name, data, raw_dtype=kind)
    return dequantize(data, kind).reshape(values.shape).astype(np.float32)


def add_parameters(writer, config, architecture: str) -> None:
    """Metadata as llama.cpp's converter writes them."""
    fields = config.to_dict()
    if architecture == "GPT2":
        writer.add_context_length(config.n_ctx if "n_ctx" in fields else config.n_positions)
        writer.add_embedding_length(config.n_embd)
        writer.add_feed_forward_length(config.n_inner)
        writer.add_block_count(config.n_layer)
        writer.add_head_count(config.n_head)
        writer.add_layer_norm_eps(config.layer_norm_epsilon)
        return
    head_dim = fields.get("head_dim") or config.hidden_size // config.num_attention_heads
    rope = fields.get("rope_parameters") or {}
    both = rope.get("full_attention", rope)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_rope_freq_base(both.get("rope_theta", 10_000.0))
    partial = both.get("partial_rotary_factor", fields.get("partial_rotary_factor")) or 1
    writer.add_rope_dimension_count(int(head_dim * partial))
    if architecture != "STABLELM":
        writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    else:
        writer.add_layer_norm_eps(config.layer_norm_eps)
        writer.add_parallel_residual(config.use_parallel_residual)
    if fields.get("head_dim"):
        writer.add_key_length(head_dim)
        writer.add_value_length(head_dim)
    if architecture in ("GEMMA2", "GEMMA3", "PHI3"):
        writer.add_sliding_window(config.sliding_window)
    if architecture == "GEMMA2":
        writer.add_attn_logit_softcapping(config.attn_logit_softcapping)
        writer.add_final_logit_softcapping(config.final_logit_softcapping)
    if architecture == "GRANITE":
        writer.add_attention_scale(config.attention_multiplier)
        writer.add_embedding_scale(config.embedding_multiplier)
        writer.add_residual_scale(config.residual_multiplier)
        writer.add_logit_scale(config.logits_scaling)
    if architecture == "QWEN3MOE":
        writer.add_expert_count(config.num_experts)
        writer.add_expert_used_count(config.num_experts_per_tok)
        writer.add_expert_feed_forward_length(config.moe_intermediate_size)
    if architecture == "PHI3":
        writer.add_rope_scaling_orig_ctx_len(config.original_max_position_embeddings)
    if rope.get("rope_type") == "yarn":
        writer.add_rope_scaling_type(gguf.RopeScalingType.YARN)
        writer.add_rope_scaling_factor(rope["factor"])
        writer.add_rope_scaling_orig_ctx_len(rope["original_max_position_embeddings"])
    if architecture == "MISTRAL3":
        writer.add_rope_scaling_yarn_beta_fast(rope["beta_fast"])
        writer.add_rope_scaling_yarn_beta_slow(rope["beta_slow"])
        writer.add_rope_scaling_yarn_log_mul(rope["mscale_all_dim"])
        writer.add_attn_temperature_scale(rope["llama_4_scaling_beta"])


def rope_tensors(config, architecture: str) -> dict:
    """Factors that llama.cpp keeps as tensors."""
    rope = config.to_dict().get("rope_parameters") or {}
    if architecture == "PHI3":
        return {
            "rope_factors_long.weight": np.array(rope["long_factor"], np.float32),
            "rope_factors_short.weight": np.array(rope["short_factor"], np.float32),
        }
    if rope.get("rope_type") != "llama3":
        return {}
    scaled, _ = ROPE_INIT_FUNCTIONS["llama3"](config, torch.device("cpu"))
    steps = torch.arange(0, config.head_dim, 2, dtype=torch.float32) / config.head_dim
    plain = 1.0 / rope["rope_theta"] ** steps
    return {"rope_freqs.weight": (plain / scaled).numpy().astype(np.float32)}


def add_toy_tokenizer(writer, size: int) -> None:
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    tokens = ["<pad>", "<s>", "</s>"] + [chr(ord("!") + i) for i in range(size - 3)]
    writer.add_token_list(tokens)
    writer.add_token_types([3, 3, 3] + [1] * (size - 3))
    writer.add_token_merges(["a b"])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_pad_token_id(0)


def finish(writer) -> None:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def split_experts(state: dict) -> dict:
    """Gate, up and down of all experts, as a converter finds them, in one tensor each."""
    split = {}
    for name, tensor in state.items():
        if name.endswith("experts.gate_up_proj"):
            for part, half in zip(("gate_proj", "up_proj"), tensor.chunk(2, dim=1)):
                split[name.replace("gate_up_proj", f"{part}.weight")] = half
        else:
            split[f"{name}.weight" if name.endswith("experts.down_proj") else name] = tensor
    return split


def join_experts(state: dict) -> dict:
    """The other way round."""
    joined = {}
    for name, tensor in state.items():
        if name.endswith("experts.gate_proj.weight"):
            up = state[name.replace("gate_proj", "up_proj")]
            joined[name.replace("gate_proj.weight", "gate_up_proj")] = torch.cat((tensor, up), 1)
        elif name.endswith("experts.down_proj.weight"):
            joined[name.removesuffix(".weight")] = tensor
        elif not name.endswith("experts.up_proj.weight"):
            joined[name] = tensor
    return joined


def convert(file_name: str, architecture: str, model, config, choose, rng=None) -> dict:
    """Writes a model as llama.cpp's converter does; gives back the f32 values that a reader gets."""
    kind = gguf.MODEL_ARCH[architecture]
    FOLDER.mkdir(parents=True, exist_ok=True)
    writer = gguf.GGUFWriter(FOLDER / file_name, gguf.MODEL_ARCH_NAMES[kind])
    add_parameters(writer, config, architecture)
    add_toy_tokenizer(writer, config.vocab_size)
    names = gguf.get_tensor_name_map(kind, config.num_hidden_layers)
    expected = {}
    for name, values in rope_tensors(config, architecture).items():
        store(writer, name, values, "F32")
    for at, (name, tensor) in enumerate(split_experts(model.state_dict()).items()):
        if name == "lm_head.weight" and config.tie_word_embeddings:
            continue
        if name.endswith((".attn.bias", ".attn.masked_bias")):
            continue
        values = tensor.numpy().astype(np.float32)
        stored_name = names.get_name(name, try_suffixes=(".weight", ".bias"))
        assert stored_name, name
        transpose = architecture == "GPT2" and ".c_" in name and name.endswith("weight")
        is_shifted = architecture.startswith("GEMMA") and name.endswith("norm.weight")
        heads = 0
        if architecture in ("LLAMA", "MISTRAL3", "SMOLLM3", "GRANITE"):
            if ".q_proj." in name:
                heads = config.num_attention_heads
            if ".k_proj." in name:
                heads = config.num_key_value_heads
        stored = values + 1 if is_shifted else values
        stored = np.ascontiguousarray(stored.T) if transpose else stored
        stored = interleave(stored, heads) if heads else stored
        is_matrix = stored.ndim > 1 and not name.endswith("mlp.gate.weight")
        back = store(writer, stored_name, stored, choose(name, at) if is_matrix else "F32", rng)
        if heads:
            half = back.shape[0] // heads // 2
            split = back.reshape(heads, half, 2, -1)
            back = np.ascontiguousarray(split.swapaxes(1, 2)).reshape(back.shape)
        back = np.ascontiguousarray(back.T) if transpose else back
        back = back - np.float32(1) if is_shifted else back
        expected[name] = back
    finish(writer)
    return expected


def describe(values: np.ndarray) -> dict:
    digest = hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()
    return {"shape": list(values.shape), "sha256": digest[:32]}


def make_models() -> None:
    fixture = {}
    for name, (architecture, class_name, extra) in MODELS.items():
        model, config = make_model(class_name, extra)
        expected = convert(
            f"{name}.gguf", architecture, model, config, lambda _, at: STORED[at % len(STORED)]
        )
        fields = json.loads(config.to_json_string(use_diff=False))
        fields["architectures"] = [type(model).__name__]
        fixture[name] = {
            "config": fields,
            "tensors": {key: describe(values) for key, values in expected.items()},
        }
    write("models", fixture)


# The type of every matrix of mixed.gguf. Gate and up have one, as in all of llama.cpp's mixtures.
MIXED = {
    "model.embed_tokens": "Q8_0",
    "lm_head": "Q6_K",
    "0.self_attn.q_proj": "Q4_K",
    "0.self_attn.k_proj": "Q3_K",
    "0.self_attn.v_proj": "Q2_K",
    "0.self_attn.o_proj": "Q4_0",
    "0.mlp.gate_proj": "Q5_K",
    "0.mlp.up_proj": "Q5_K",
    "0.mlp.down_proj": "Q5_0",
    "1.self_attn.q_proj": "F32",
    "1.self_attn.k_proj": "F16",
    "1.self_attn.v_proj": "BF16",
    "1.self_attn.o_proj": "Q5_1",
    "1.mlp.gate_proj": "IQ4_NL",
    "1.mlp.up_proj": "IQ4_NL",
    "1.mlp.down_proj": "Q4_1",
}


def random_blocks(name: str, shape: tuple, rng: np.random.Generator) -> np.ndarray:
    """Blocks of a type that the gguf package can't write, with weights of about 0.1."""
    elements, size = GGML_QUANT_SIZES[GGMLQuantizationType[name]]
    *matrices, columns = shape
    rows = int(np.prod(matrices))
    blocks = rng.integers(0, 256, (rows * columns // elements, size), dtype=np.uint8)
    # What the largest quantised value, times the largest scale, comes to.
    reach = {"Q2_K": 3 * 15, "Q3_K": 4 * 32, "Q4_K": 15 * 63, "Q5_K": 31 * 63, "Q6_K": 32 * 128}
    largest = reach.get(name, 127)
    for at, share in zip(SCALES[name], (1.0, 0.5)):
        scales = rng.uniform(0.3, 0.5, len(blocks)).astype(np.float32) * share / largest
        if name in ("Q4_K", "Q5_K") and at == 2:
            scales *= 15 if name == "Q4_K" else 31
        if name == "Q2_K" and at == 82:
            scales *= 3
        blocks[:, at : at + 2] = scales.astype(np.float16).view(np.uint8).reshape(-1, 2)
    return blocks.reshape(*matrices, columns // elements * size)


def make_golden(
    name: str, fields: dict, choose, seed: int, lengths: tuple, kind: tuple = ("LLAMA", "Llama")
) -> None:
    """A tiny model in one GGUF file, and what its dequantised weights make of random prompts."""
    model, config = make_model(kind[1], dict(rope_theta=10_000.0, **fields))
    rng = np.random.default_rng(seed)
    values = convert(f"{name}.gguf", kind[0], model, config, choose, rng)
    state = {key: torch.from_numpy(tensor.copy()) for key, tensor in values.items()}
    missing = model.load_state_dict(join_experts(state), strict=False)
    assert missing.missing_keys in ([], ["lm_head.weight"]) and not missing.unexpected_keys
    model.tie_weights()
    generator = torch.Generator().manual_seed(seed)
    prompts = [
        torch.randint(3, config.vocab_size, (length,), generator=generator).tolist()
        for length in lengths
    ]
    cases = [golden(model, prompt, 32) for prompt in prompts]
    print(f"{name}: smallest gap:", smallest_gap(cases))
    write(f"{name}-golden", {"cases": cases})


def make_mixed() -> None:
    fields = dict(
        vocab_size=80,
        hidden_size=256,
        intermediate_size=96,
        head_dim=32,
        num_attention_heads=4,
        num_key_value_heads=2,
    )

    def choose(name: str, _: int) -> str:
        return next(kind for part, kind in MIXED.items() if part in name)

    make_golden("mixed", fields, choose, 20261121, (1, 2, 16, 17, 40))


def make_experts() -> None:
    fields = dict(
        vocab_size=64,
        hidden_size=256,
        intermediate_size=64,
        moe_intermediate_size=64,
        head_dim=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=1,
        num_experts=4,
        num_experts_per_tok=2,
        norm_topk_prob=True,
        tie_word_embeddings=True,
    )

    def choose(name: str, _: int) -> str:
        return "Q5_0" if "experts.down" in name else "Q4_K" if "experts" in name else "Q8_0"

    make_golden("experts", fields, choose, 300, (1, 17, 40), ("QWEN3MOE", "Qwen3Moe"))


def make_types() -> None:
    (FOLDER / "types").mkdir(parents=True, exist_ok=True)
    for at, kind in enumerate(SCALES):
        size = 256 if kind.endswith("_K") else 64
        fields = dict(
            vocab_size=64,
            hidden_size=size,
            intermediate_size=size,
            head_dim=size // 2,
            num_hidden_layers=1,
            num_attention_heads=2,
            num_key_value_heads=1,
            tie_word_embeddings=True,
        )
        make_golden(f"types/{kind.lower()}", fields, lambda *_: kind, 100 + at, (1, 17, 40))


BYTE_LEVEL = {
    # Name: pattern of the model's tokenizer.json, digits on their own first, NFC, bos and whole words.
    "gpt-2": (GPT2_PATTERN, False, False, False),
    "smollm": (GPT2_PATTERN, True, False, False),
    "qwen2": (gpt4_pattern(r"\p{N}"), False, True, False),
    "llama-bpe": (gpt4_pattern(r"\p{N}{1,3}"), False, False, True),
    "gpt-4o": (gpt4o_pattern("(?i:'s|'t|'re|'ve|'m|'ll|'d)?", r"\p{N}{1,3}"), False, False, False),
    "tekken": (gpt4o_pattern("", r"\p{N}"), False, False, True),
}


def byte_level_tokenizer(pre: str) -> Tokenizer:
    """As the tokenizer.json of a model with these rules."""
    pattern, single_digits, is_composed, has_bos = BYTE_LEVEL[pre]
    tokenizer = Tokenizer(models.BPE(ignore_merges=has_bos))
    if is_composed:
        tokenizer.normalizer = normalizers.NFC()
    steps = [pre_tokenizers.Digits(individual_digits=True)] if single_digits else []
    steps.append(pre_tokenizers.Split(Regex(pattern), behavior="isolated"))
    steps.append(pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(steps)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=400, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(CORPUS, trainer)
    tokenizer.add_special_tokens(["<|start|>", "<|end|>"])
    tokenizer.add_tokens([AddedToken("<think>", normalized=False)])
    if has_bos:
        start = tokenizer.token_to_id("<|start|>")
        tokenizer.post_processor = processors.TemplateProcessing(
            single="<|start|> $A", special_tokens=[("<|start|>", start)]
        )
    return tokenizer


def metaspace_tokenizer(architecture: str) -> tuple[Tokenizer, list, list]:
    """SentencePiece's kind of BPE; its tokens as a GGUF file has them, with scores."""
    has_prefix = architecture != "gemma3"
    spaces = normalizers.Replace(" ", "▁")
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = (
        normalizers.Sequence([normalizers.Prepend("▁"), spaces]) if has_prefix else spaces
    )
    special = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    trainer = trainers.BpeTrainer(vocab_size=520, special_tokens=special, show_progress=False)
    tokenizer.train_from_iterator(CORPUS, trainer)
    tokens = sorted(tokenizer.get_vocab(), key=tokenizer.get_vocab().get)
    # A run of spaces, as Gemma has many; elsewhere an ordinary token.
    tokens += [run for run in ("▁▁", "▁▁▁▁") if run not in tokens]
    # Scores fall as ids rise, with ties; a Gemma's are of no use.
    scores = [0.0] * 259 + [-float(at // 2) for at in range(len(tokens) - 259)]
    if architecture == "gemma3":
        ranks = {token: -at for at, token in enumerate(tokens)}
        scores = [-1000.0] * len(tokens)
    else:
        ranks = dict(zip(tokens, scores))
    usable = {token: rank for token, rank in ranks.items() if token not in special}
    vocab = {token: at for at, token in enumerate(tokens)}
    merges = [pair for pair in generate_merges(vocab, usable)]
    model = models.BPE(
        vocab=vocab, merges=merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True
    )
    rebuilt = Tokenizer(model)
    rebuilt.normalizer = tokenizer.normalizer
    steps = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    rebuilt.decoder = decoders.Sequence(
        steps + ([decoders.Strip(" ", 1, 0)] if has_prefix else [])
    )
    rebuilt.add_special_tokens(["<unk>", "<s>", "</s>"])
    rebuilt.add_special_tokens(["<|start|>", "<|end|>"])
    rebuilt.add_tokens([AddedToken("<think>", normalized=False)])
    rebuilt.post_processor = processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", 1)]
    )
    return rebuilt, tokens, scores


def word_piece_tokenizer() -> Tokenizer:
    """A vocabulary of letters, word ends and words: the trainer's own depends on chance."""
    normalizer = normalizers.BertNormalizer(lowercase=True)
    splitter = pre_tokenizers.BertPreTokenizer()
    words = sorted(
        {
            word
            for line in CORPUS
            for word, _ in splitter.pre_tokenize_str(normalizer.normalize_str(line))
        }
    )
    letters = sorted({letter for word in words for letter in word})
    ends = sorted({word[-3:] for word in words if len(word) > 4})
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    pieces = [*letters, *(f"##{piece}" for piece in letters + ends), *words[::2]]
    tokens = list(dict.fromkeys(special + pieces))
    vocab = {token: at for at, token in enumerate(tokens)}
    tokenizer = Tokenizer(models.WordPiece(vocab=vocab, unk_token="[UNK]"))
    tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = splitter
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.add_special_tokens(special)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return tokenizer


def write_tokenizer(kind: str, architecture: str, model: str, tokenizer: Tokenizer, rest: dict):
    """A GGUF file with nothing but a vocabulary, padded as for a matrix of more rows."""
    writer = gguf.GGUFWriter(FOLDER / f"tokenizer-{kind}.gguf", architecture)
    writer.add_tokenizer_model(model)
    if "pre" in rest:
        writer.add_tokenizer_pre(rest["pre"])
    vocab = tokenizer.get_vocab()
    tokens = sorted(vocab, key=vocab.get)
    added = tokenizer.get_added_tokens_decoder()
    types = []
    for at, token in enumerate(tokens):
        if at in added:
            kind_of = gguf.TokenType.CONTROL if added[at].special else gguf.TokenType.USER_DEFINED
        elif model == "llama" and token.startswith("<0x"):
            kind_of = gguf.TokenType.BYTE
        else:
            kind_of = gguf.TokenType.NORMAL
        if token == "<unk>":
            kind_of = gguf.TokenType.UNKNOWN
        types.append(int(kind_of))
    padding = [f"[PAD{len(tokens) + at}]" for at in range(3)]
    types += [int(gguf.TokenType.UNUSED)] * 3
    spell = rest.get("spell", lambda token, _: token)
    writer.add_token_list([spell(token, types[at]) for at, token in enumerate(tokens)] + padding)
    writer.add_token_types(types)
    if "scores" in rest:
        scores = rest["scores"]
        writer.add_token_scores(scores + [-1000.0] * (len(types) - len(scores)))
    if "merges" in rest:
        writer.add_token_merges([" ".join(pair) for pair in rest["merges"]])
    for key, value in rest.get("ids", {}).items():
        writer.add_uint32(f"tokenizer.ggml.{key}_token_id", value)
    for key, value in rest.get("flags", {}).items():
        writer.add_bool(f"tokenizer.ggml.{key}", value)
    writer.add_chat_template("{{ bos_token }}{{ messages[0].content }}")
    finish(writer)


def token_cases(tokenizer: Tokenizer, texts: list) -> list:
    cases = []
    for text in texts:
        ids = tokenizer.encode(text, add_special_tokens=False).ids
        cases.append(
            {
                "text": text,
                "ids": ids,
                "idsWithSpecial": tokenizer.encode(text).ids,
                "decoded": tokenizer.decode(ids, skip_special_tokens=False),
            }
        )
    return cases


def make_tokenizers() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    fixture = {}
    for pre, (_, _, _, has_bos) in BYTE_LEVEL.items():
        tokenizer = byte_level_tokenizer(pre)
        state = json.loads(tokenizer.to_str())
        ids = {"bos": tokenizer.token_to_id("<|start|>"), "eos": tokenizer.token_to_id("<|end|>")}
        rest = {"pre": pre, "merges": state["model"]["merges"], "ids": ids}
        write_tokenizer(pre, "qwen2", "gpt2", tokenizer, rest)
        fixture[pre] = token_cases(tokenizer, TEXTS + MARKED_TEXTS)
    # @huggingface/tokenizers 0.2 drops byte order marks that went through byte fallback.
    without_marks = [text for text in TEXTS + MARKED_TEXTS if "\ufeff" not in text]
    for architecture in ("llama", "gemma3"):
        tokenizer, tokens, scores = metaspace_tokenizer(architecture)
        rest = {"scores": scores, "ids": {"bos": 1, "eos": 2, "unknown": 0}}
        if architecture == "gemma3":
            is_run = lambda token: len(token) > 1 and not token.strip("▁")
            rest["spell"] = lambda token, _: " " * len(token) if is_run(token) else token
            rest["flags"] = {"add_space_prefix": False}
        write_tokenizer(architecture, architecture, "llama", tokenizer, rest)
        fixture[architecture] = token_cases(tokenizer, without_marks)
    tokenizer = word_piece_tokenizer()
    rest = {
        "ids": {"cls": 2, "seperator": 3, "unknown": 1, "padding": 0, "mask": 4},
        "spell": lambda token, kind: (
            token if kind != 1 else token[2:] if token.startswith("##") else "▁" + token
        ),
    }
    write_tokenizer("bert", "bert", "bert", tokenizer, rest)
    fixture["bert"] = token_cases(tokenizer, TEXTS + ["a [MASK] b", "[CLS][SEP]"])
    write("tokenizers", fixture)


def write(name: str, fixture: dict) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    text = json.dumps(fixture, ensure_ascii=True, separators=(",", ":"))
    (FOLDER / f"{name}.json").write_text(text + "\n")


MAKERS = {
    "quants": make_quants,
    "models": make_models,
    "mixed": make_mixed,
    "experts": make_experts,
    "types": make_types,
    "tokenizers": make_tokenizers,
}

if __name__ == "__main__":
    for name in sys.argv[1:] or MAKERS:
        MAKERS[name]()
