"""Golden tokens and logits of checkpoints that are quantised in their files.

    python -m venv .venv && .venv/bin/pip install torch==2.13.0 transformers==5.23.0 \
        safetensors==0.8.0 numpy==2.4.6 compressed-tensors==0.20.0
    .venv/bin/python test/reference/make_quantized_fixtures.py           # everything
    .venv/bin/python test/reference/make_quantized_fixtures.py tiny-awq  # one fixture

Writes test/fixtures/models/<name>/ as make_model_fixtures.py does: a tiny random model whose matrices
are quantised, stored the way its scheme stores them, with the quantization_config of real checkpoints;
and golden.json by transformers in f32, whose weights are what the stored numbers stand for. Matrices are
rounded to the nearest code: the fixtures show that what is stored is read, not how to choose it. And
writes test/fixtures/quantized-layouts.json (`layouts`): one small matrix in every variant of the schemes,
with its values in f32.

The packing of GPTQ and AWQ follows their definitions here. What the package compressed-tensors makes of
its own checkpoints must be the golden weights; torch casts to fp8.
"""

import base64
import json
import sys

import torch
from compressed_tensors.compressors.naive_quantized import NaiveQuantizationCompressor
from compressed_tensors.compressors.pack_quantized import (
    PackedQuantizationCompressor,
    pack_to_int32,
)
from compressed_tensors.quantization import QuantizationArgs, QuantizationScheme
from make_model_fixtures import FIXTURES, prompts, write
from safetensors.torch import save_file
from transformers import LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM

AWQ_ORDER = [0, 2, 4, 6, 1, 3, 5, 7]


def pack(codes: torch.Tensor, bits: int, order=None) -> torch.Tensor:
    """Codes [rows][columns] to I32 [rows][columns * bits / 32], the first in the lowest bits."""
    per_word = 32 // bits
    words = codes.reshape(codes.shape[0], -1, per_word).to(torch.int64)
    if order:
        words = words[:, :, order]
    packed = (words << (bits * torch.arange(per_word))).sum(-1)
    return torch.where(packed >= 2**31, packed - 2**32, packed).to(torch.int32).contiguous()


def grouped(weight, group_size, bits, symmetric, scale_dtype, order=None):
    """Codes [rows][columns], scales and zero points [rows][groups], each column's group, and the values.

    order: the columns sorted as act-order quantises them; neighbours in that order share a group.
    """
    rows, columns = weight.shape
    size = columns if group_size == -1 else group_size
    order = torch.arange(columns) if order is None else order
    groups = torch.empty(columns, dtype=torch.int64)
    groups[order] = torch.arange(columns) // size
    top = 2**bits - 1
    parts = torch.nn.functional.pad(weight[:, order], (0, -columns % size)).reshape(rows, -1, size)
    if symmetric:
        scales = parts.abs().amax(-1) / ((top - 1) / 2)
        zeros = torch.full_like(scales, (top + 1) / 2)
    else:
        low, high = parts.amin(-1).clamp(max=0), parts.amax(-1).clamp(min=0)
        scales = (high - low) / top
        zeros = None
    scales = scales.to(scale_dtype).float()
    if zeros is None:
        # From 1 on: GPTQ's first layout stores a zero point less one.
        zeros = (-low / scales).round().clamp(1, top)
    wide_scales, wide_zeros = scales[:, groups], zeros[:, groups]
    codes = (weight / wide_scales + wide_zeros).round().clamp(0, top)
    values = (codes - wide_zeros) * wide_scales
    return codes.long(), scales, zeros.long(), groups, values


def gptq(weight, *, bits, group_size, symmetric, act_order=False, v2=False):
    order = torch.randperm(weight.shape[1]) if act_order else None
    codes, scales, zeros, groups, values = grouped(
        weight, group_size, bits, symmetric, torch.float16, order
    )
    stored_zeros = zeros if v2 else zeros - 1
    # Scattered groups are kept as f16 numbers.
    return values.half().float() if act_order else values, {
        "qweight": pack(codes, bits).T.contiguous(),
        "qzeros": pack(stored_zeros.T, bits),
        "scales": scales.T.half().contiguous(),
        "g_idx": groups.to(torch.int32),
    }


def awq(weight, *, group_size):
    codes, scales, zeros, _, values = grouped(weight, group_size, 4, False, torch.float16)
    return values, {
        "qweight": pack(codes.T, 4, AWQ_ORDER),
        "qzeros": pack(zeros.T, 4, AWQ_ORDER),
        "scales": scales.T.half().contiguous(),
    }


def packed(weight, *, bits, group_size, symmetric):
    """compressed-tensors, pack-quantized."""
    codes, scales, zeros, _, values = grouped(weight, group_size, bits, symmetric, torch.bfloat16)
    middle = 2 ** (bits - 1)
    signed = (codes - middle).to(torch.int8)
    tensors = {
        "weight_packed": pack_to_int32(signed, bits),
        "weight_scale": scales.bfloat16(),
        "weight_shape": torch.tensor(weight.shape),
    }
    if not symmetric:
        tensors["weight_zero_point"] = pack_to_int32(
            (zeros - middle).to(torch.int8), bits, packed_dim=0
        )
    return values, tensors


def int8(weight, *, symmetric=True, single=False):
    """compressed-tensors, int-quantized: a scale a channel, or a single one."""
    shape = weight.shape
    flat = weight.reshape(1, -1) if single else weight
    codes, scales, zeros, _, values = grouped(flat, -1, 8, symmetric, torch.float32)
    tensors = {
        "weight": (codes - 128).reshape(shape).to(torch.int8),
        "weight_scale": scales.reshape(1) if single else scales,
    }
    if not symmetric:
        tensors["weight_zero_point"] = (zeros - 128).to(torch.int8)
    return values.reshape(shape), tensors


def fp8(weight, *, block, scale_name, scale_dtype=torch.float32):
    """block: rows and columns that share a scale; None for one scale."""
    rows, columns = weight.shape
    down, across = block or (rows, columns)
    padded = torch.zeros(-(-rows // down) * down, -(-columns // across) * across)
    padded[:rows, :columns] = weight
    blocks = padded.reshape(padded.shape[0] // down, down, padded.shape[1] // across, across)
    scales = (blocks.abs().amax((1, 3)) / 448).to(scale_dtype)
    wide = scales.float().repeat_interleave(down, 0).repeat_interleave(across, 1)[:rows, :columns]
    codes = (weight / wide).clamp(-448, 448).to(torch.float8_e4m3fn)
    values = codes.float() * wide
    return values, {"weight": codes, scale_name: scales if block else scales.reshape(())}


def weights_args(bits, symmetric, strategy, group_size=None, kind="int"):
    return {
        "num_bits": bits,
        "type": kind,
        "symmetric": symmetric,
        "strategy": strategy,
        "group_size": group_size,
        "block_structure": None,
        "dynamic": False,
        "actorder": None,
        "observer": "minmax",
        "observer_kwargs": {},
    }


def compressed_config(scheme_format, weights, activations=None):
    return {
        "quant_method": "compressed-tensors",
        "format": scheme_format,
        "quantization_status": "compressed",
        "global_compression_ratio": None,
        "ignore": ["lm_head"],
        "kv_cache_scheme": None,
        "config_groups": {
            "group_0": {
                "targets": ["Linear"],
                "weights": weights,
                "input_activations": activations,
                "output_activations": None,
            }
        },
    }


SHARED = dict(
    vocab_size=163,
    hidden_size=160,
    intermediate_size=192,
    num_hidden_layers=1,
    num_attention_heads=5,
    num_key_value_heads=1,
    max_position_embeddings=256,
    initializer_range=0.12,
    tie_word_embeddings=False,
    bos_token_id=1,
    eos_token_id=2,
)
LLAMA = (LlamaForCausalLM, LlamaConfig)
# Biases of q, k and v, which no scheme touches.
QWEN = (Qwen2ForCausalLM, Qwen2Config)


def gptq_config(**changes):
    return {
        "quant_method": "gptq",
        "bits": 4,
        "group_size": 32,
        "desc_act": False,
        "sym": True,
        "lm_head": False,
        "true_sequential": True,
        "checkpoint_format": "gptq",
        "pack_dtype": "int32",
        **changes,
    }


TINY = {
    # Symmetric groups: our q4 as they are. One projection was left alone.
    "tiny-gptq": (
        QWEN,
        gptq_config(dynamic={r"-:model\.layers\.0\.self_attn\.k_proj": {}}),
        lambda weight: gptq(weight, bits=4, group_size=32, symmetric=True),
        ["layers.0.self_attn.k_proj"],
    ),
    # Zero points, stored as they are; inputs of a group that are no neighbours.
    "tiny-gptq-act-order": (
        LLAMA,
        gptq_config(desc_act=True, sym=False, checkpoint_format="gptq_v2"),
        lambda weight: gptq(
            weight, bits=4, group_size=32, symmetric=False, act_order=True, v2=True
        ),
        [],
    ),
    # Eight bits, and zero points stored less one.
    "tiny-gptq-int8": (
        LLAMA,
        gptq_config(bits=8, sym=False, group_size=-1),
        lambda weight: gptq(weight, bits=8, group_size=-1, symmetric=False),
        [],
    ),
    "tiny-awq": (
        QWEN,
        {
            "quant_method": "awq",
            "bits": 4,
            "group_size": 32,
            "zero_point": True,
            "version": "gemm",
            "modules_to_not_convert": None,
        },
        lambda weight: awq(weight, group_size=32),
        [],
    ),
    "tiny-ct-int4": (
        LLAMA,
        compressed_config("pack-quantized", weights_args(4, True, "group", 32)),
        lambda weight: packed(weight, bits=4, group_size=32, symmetric=True),
        [],
    ),
    "tiny-ct-int4-zeros": (
        LLAMA,
        compressed_config("pack-quantized", weights_args(4, False, "channel")),
        lambda weight: packed(weight, bits=4, group_size=-1, symmetric=False),
        [],
    ),
    "tiny-ct-int8": (
        LLAMA,
        compressed_config(
            "int-quantized",
            weights_args(8, True, "channel"),
            {**weights_args(8, True, "token"), "dynamic": True},
        ),
        int8,
        [],
    ),
    "tiny-ct-fp8": (
        LLAMA,
        compressed_config(
            "float-quantized",
            weights_args(8, True, "channel", kind="float"),
            {**weights_args(8, True, "token", kind="float"), "dynamic": True},
        ),
        lambda weight: fp8(
            weight,
            block=(1, weight.shape[1]),
            scale_name="weight_scale",
            scale_dtype=torch.bfloat16,
        ),
        [],
    ),
    # Blocks of 128 by 128, of which the last ones are cut off.
    "tiny-fp8": (
        LLAMA,
        {
            "quant_method": "fp8",
            "activation_scheme": "dynamic",
            "fmt": "e4m3",
            "weight_block_size": [128, 128],
        },
        lambda weight: fp8(weight, block=(128, 128), scale_name="weight_scale_inv"),
        [],
    ),
}


def check_decompressed(values, stored, config) -> None:
    """What compressed-tensors makes of the stored tensors is what the golden model computes with."""
    kind = (
        PackedQuantizationCompressor
        if config["format"] == "pack-quantized"
        else NaiveQuantizationCompressor
    )
    group = config["config_groups"]["group_0"]
    scheme = QuantizationScheme(targets=["Linear"], weights=QuantizationArgs(**group["weights"]))
    wide = {
        name: tensor.float() if tensor.dtype == torch.bfloat16 else tensor
        for name, tensor in stored.items()
    }
    assert torch.equal(kind.decompress(wide, scheme)["weight"].float(), values)


def make(name: str) -> None:
    (kind, config_kind), quantization, quantise, left_alone = TINY[name]
    torch.manual_seed(7)
    model = kind(config_kind(**SHARED)).float().eval()
    tensors = {}
    with torch.no_grad():
        for key, parameter in model.named_parameters():
            if "norm" in key:
                parameter.uniform_(0.5, 1.5)
            elif "bias" in key:
                parameter.uniform_(-0.5, 0.5)
            parameter.copy_(parameter.half())
            module = key.removesuffix(".weight")
            if module.endswith("_proj") and not any(module.endswith(m) for m in left_alone):
                values, stored = quantise(parameter.clone())
                parameter.copy_(values)
                if quantization["quant_method"] == "compressed-tensors":
                    check_decompressed(values, stored, quantization)
                tensors |= {f"{module}.{part}": tensor for part, tensor in stored.items()}
            else:
                tensors[key] = parameter.half()
    folder = FIXTURES / name
    folder.mkdir(parents=True, exist_ok=True)
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    config = model.config.to_dict() | {
        "architectures": [kind.__name__],
        "dtype": "float16",
        "quantization_config": quantization,
    }
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    write(folder, model, prompts(SHARED["vocab_size"], [1, 2, 17, 40], 3))


def layouts():
    """Name, quantization_config, what quantises a matrix so, and its columns."""
    for v2 in (False, True):
        kind = "gptq_v2" if v2 else "gptq"
        config = gptq_config(sym=False, checkpoint_format=kind)
        yield kind, config, dict(bits=4, group_size=32, symmetric=False, v2=v2), gptq, 64
    for bits, size, symmetric in [(4, 32, True), (4, -1, True), (8, 32, True), (8, 32, False)]:
        config = gptq_config(bits=bits, group_size=size, sym=symmetric)
        name = f"gptq, {bits} bits, groups of {size}, {'' if symmetric else 'not '}symmetric"
        yield name, config, dict(bits=bits, group_size=size, symmetric=symmetric), gptq, 64
    # The last group is cut off, groups are no whole blocks, the order is not that of the columns.
    arguments = dict(bits=4, group_size=64, symmetric=True)
    yield "gptq, a group cut off", gptq_config(group_size=64), arguments, gptq, 96
    arguments = dict(bits=4, group_size=16, symmetric=True)
    yield "gptq, small groups", gptq_config(group_size=16), arguments, gptq, 64
    config = gptq_config(desc_act=True)
    arguments = dict(bits=4, group_size=32, symmetric=True, act_order=True)
    yield "gptq, act-order", config, arguments, gptq, 64
    config = TINY["tiny-awq"][1]
    yield "awq", config, dict(group_size=32), awq, 96
    for bits, strategy, size, symmetric in [
        (4, "group", 32, True),
        (4, "group", 64, False),
        (4, "channel", -1, False),
        (8, "channel", -1, True),
        (8, "group", 32, False),
    ]:
        config = compressed_config("pack-quantized", weights_args(bits, symmetric, strategy, size))
        name = f"pack-quantized, {bits} bits, {strategy}, {'' if symmetric else 'not '}symmetric"
        yield name, config, dict(bits=bits, group_size=size, symmetric=symmetric), packed, 64
    yield "int-quantized", TINY["tiny-ct-int8"][1], {}, int8, 64
    config = compressed_config("int-quantized", weights_args(8, False, "channel"))
    yield "int-quantized, not symmetric", config, dict(symmetric=False), int8, 64
    config = compressed_config("int-quantized", weights_args(8, True, "tensor"))
    yield "int-quantized, one scale", config, dict(single=True), int8, 64
    for strategy, block in [("tensor", None), ("channel", (1, 160))]:
        args = weights_args(8, True, strategy, kind="float")
        arguments = dict(block=block, scale_name="weight_scale", scale_dtype=torch.bfloat16)
        config = compressed_config("float-quantized", args)
        yield f"float-quantized, {strategy}", config, arguments, fp8, 160
    config = {"quant_method": "fp8", "weight_block_size": [8, 128]}
    arguments = dict(block=(8, 128), scale_name="weight_scale_inv")
    yield "fp8, blocks", config, arguments, fp8, 160
    config = {"quant_method": "fp8", "weight_block_size": [8, 32]}
    arguments = dict(block=(8, 32), scale_name="weight_scale_inv")
    yield "fp8, narrow blocks", config, arguments, fp8, 64


DTYPES = {
    torch.int8: "I8",
    torch.int32: "I32",
    torch.int64: "I64",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.float32: "F32",
    torch.float8_e4m3fn: "F8_E4M3",
}


def encoded(tensor) -> dict:
    raw = tensor.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
    data = base64.b64encode(raw).decode()
    return {"dtype": DTYPES[tensor.dtype], "shape": list(tensor.shape), "data": data}


def make_layouts() -> None:
    torch.manual_seed(9)
    rows = []
    for name, config, arguments, quantise, columns in layouts():
        # 24 rows: three words of zero points, of which pieces cut one.
        values, stored = quantise(torch.randn(24, columns).half().float(), **arguments)
        if config["quant_method"] == "compressed-tensors":
            check_decompressed(values, stored, config)
        tensors = {part: encoded(tensor) for part, tensor in stored.items()}
        rows.append({"name": name, "config": config, "tensors": tensors, "values": encoded(values)})
    text = json.dumps(rows, separators=(",", ":"))
    (FIXTURES.parent / "quantized-layouts.json").write_text(text + "\n")
    print(len(rows), "layouts")


if __name__ == "__main__":
    for wanted in sys.argv[1:] or [*TINY, "layouts"]:
        make_layouts() if wanted == "layouts" else make(wanted)
