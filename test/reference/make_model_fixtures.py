"""Golden tokens and logits from Hugging Face transformers, for test/gpu/golden.test.ts.

    python -m venv .venv && .venv/bin/pip install torch==2.13.0 transformers==5.23.0 \
        safetensors==0.8.0 numpy==2.4.6
    .venv/bin/python test/reference/make_model_fixtures.py            # everything
    .venv/bin/python test/reference/make_model_fixtures.py starter    # one fixture

Writes test/fixtures/models/<name>/: a tiny random model in Hugging Face layout (none for the starter
model, which lies in demo/public/starter-model) and golden.json: for each prompt its ids, 64 greedy
tokens, and the eight largest logits with their ids, both of every position of the prompt and of each
step that chose a token. Everything runs in f32 on the CPU.
"""

import copy
import json
import sys
from pathlib import Path

import torch
from golden import golden, smallest_gap
from transformers import (
    AutoModelForCausalLM,
    Exaone4Config,
    Exaone4ForCausalLM,
    Gemma2Config,
    Gemma2ForCausalLM,
    Gemma3ForCausalLM,
    Gemma3TextConfig,
    GPT2Config,
    GPT2LMHeadModel,
    GraniteConfig,
    GraniteForCausalLM,
    GraniteMoeHybridConfig,
    GraniteMoeHybridForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    Ministral3Config,
    Ministral3ForCausalLM,
    Mistral3Config,
    Mistral3ForConditionalGeneration,
    MistralConfig,
    MistralForCausalLM,
    Olmo2Config,
    Olmo2ForCausalLM,
    Olmo3Config,
    Olmo3ForCausalLM,
    Phi3Config,
    Phi3ForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
    Qwen3MoeConfig,
    Qwen3MoeForCausalLM,
    PixtralVisionConfig,
    SmolLM3Config,
    SmolLM3ForCausalLM,
    StableLmConfig,
    StableLmForCausalLM,
)

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "test" / "fixtures" / "models"
STARTER = ROOT / "demo" / "public" / "starter-model"
NUM_TOKENS = 64

SHARED = dict(
    vocab_size=331,
    hidden_size=96,
    num_hidden_layers=2,
    max_position_embeddings=512,
    initializer_range=0.15,
)

MINISTRAL3 = dict(
    **SHARED,
    intermediate_size=160,
    num_attention_heads=4,
    num_key_value_heads=2,
    head_dim=32,
    rope_parameters={
        "rope_type": "yarn",
        "rope_theta": 10_000.0,
        "factor": 16.0,
        "original_max_position_embeddings": 32,
        "beta_fast": 32.0,
        "beta_slow": 1.0,
        "mscale": 1.0,
        "mscale_all_dim": 1.0,
        "llama_4_scaling_beta": 0.4,
    },
)

TINY = {
    # Groups of three query heads, a head size that is no power of two, an untied head.
    "tiny-qwen3": (
        Qwen3ForCausalLM,
        Qwen3Config(
            **SHARED,
            intermediate_size=160,
            num_attention_heads=6,
            num_key_value_heads=2,
            head_dim=80,
            tie_word_embeddings=False,
            rope_theta=1_000_000.0,
        ),
    ),
    # Experts in all layers but one, the shares of the chosen ones brought to a sum of one.
    "tiny-qwen3-moe": (
        Qwen3MoeForCausalLM,
        Qwen3MoeConfig(
            **{**SHARED, "num_hidden_layers": 3},
            intermediate_size=128,
            num_attention_heads=4,
            num_key_value_heads=2,
            head_dim=32,
            num_experts=8,
            num_experts_per_tok=4,
            moe_intermediate_size=32,
            norm_topk_prob=True,
            mlp_only_layers=[1],
            tie_word_embeddings=True,
            rope_theta=1_000_000.0,
        ),
    ),
    # Biases on q, k and v; a tied head.
    "tiny-qwen2": (
        Qwen2ForCausalLM,
        Qwen2Config(
            **SHARED,
            intermediate_size=128,
            num_attention_heads=3,
            num_key_value_heads=1,
            tie_word_embeddings=True,
        ),
    ),
    # Llama 3's scaled rotary frequencies, groups of one.
    "tiny-llama3": (
        LlamaForCausalLM,
        LlamaConfig(
            **SHARED,
            intermediate_size=224,
            num_attention_heads=3,
            num_key_value_heads=3,
            head_dim=32,
            tie_word_embeddings=False,
            rope_theta=500_000.0,
            rope_scaling={
                "rope_type": "llama3",
                "factor": 8.0,
                "low_freq_factor": 1.0,
                "high_freq_factor": 4.0,
                "original_max_position_embeddings": 128,
            },
        ),
    ),
    # A sliding window that is no multiple of a block, in every layer.
    "tiny-mistral": (
        MistralForCausalLM,
        MistralConfig(
            **SHARED,
            intermediate_size=192,
            num_attention_heads=4,
            num_key_value_heads=2,
            head_dim=24,
            sliding_window=21,
            tie_word_embeddings=False,
        ),
    ),
    # Biases on all projections.
    "tiny-llama-bias": (
        LlamaForCausalLM,
        LlamaConfig(
            **SHARED,
            intermediate_size=160,
            num_attention_heads=4,
            num_key_value_heads=2,
            attention_bias=True,
            mlp_bias=True,
            tie_word_embeddings=True,
        ),
    ),
    # YaRN, and queries that grow with every 32 positions.
    "tiny-ministral3": (
        Ministral3ForCausalLM,
        Ministral3Config(**MINISTRAL3, tie_word_embeddings=False),
    ),
    # The same as the text model of one that sees, whose own layers are left out; a tied head.
    "tiny-mistral3": (
        Mistral3ForConditionalGeneration,
        Mistral3Config(
            text_config=Ministral3Config(**MINISTRAL3, tie_word_embeddings=True),
            vision_config=PixtralVisionConfig(
                hidden_size=16,
                intermediate_size=16,
                num_hidden_layers=1,
                num_attention_heads=2,
                head_dim=8,
                image_size=28,
                patch_size=14,
            ),
            tie_word_embeddings=True,
        ),
    ),
    # LayerNorm, RoPE over a quarter of each head, biases on q, k and v.
    "tiny-stablelm": (
        StableLmForCausalLM,
        StableLmConfig(
            **SHARED,
            intermediate_size=160,
            num_attention_heads=3,
            num_key_value_heads=1,
            partial_rotary_factor=0.25,
            use_qkv_bias=True,
            tie_word_embeddings=False,
        ),
    ),
    # Learned positions, transposed weights, biases, an MLP without a gate.
    "tiny-gpt2": (
        GPT2LMHeadModel,
        GPT2Config(
            vocab_size=331,
            n_embd=96,
            n_layer=2,
            n_head=4,
            n_positions=512,
            initializer_range=0.15,
            bos_token_id=1,
            eos_token_id=2,
        ),
    ),
    # Every other layer without positions.
    "tiny-smollm3": (
        SmolLM3ForCausalLM,
        SmolLM3Config(
            **SHARED,
            intermediate_size=128,
            num_attention_heads=6,
            num_key_value_heads=2,
            no_rope_layers=[1, 0],
            use_sliding_window=False,
            pad_token_id=0,
            tie_word_embeddings=True,
        ),
    ),
    # Four multipliers.
    "tiny-granite": (
        GraniteForCausalLM,
        GraniteConfig(
            **SHARED,
            intermediate_size=128,
            num_attention_heads=3,
            num_key_value_heads=1,
            embedding_multiplier=12.0,
            residual_multiplier=0.22,
            attention_multiplier=0.15,
            logits_scaling=8.0,
            tie_word_embeddings=True,
        ),
    ),
    # The dense members of a family of hybrids: a fused MLP, no positions.
    "tiny-granite4": (
        GraniteMoeHybridForCausalLM,
        GraniteMoeHybridConfig(
            **SHARED,
            shared_intermediate_size=128,
            num_attention_heads=3,
            num_key_value_heads=1,
            layer_types=["full_attention", "full_attention"],
            position_embedding_type="nope",
            num_local_experts=0,
            num_experts_per_tok=0,
            mamba_n_heads=8,
            embedding_multiplier=12.0,
            residual_multiplier=0.22,
            attention_multiplier=0.15,
            logits_scaling=8.0,
            tie_word_embeddings=False,
        ),
    ),
    # Norms on both sides, soft caps of scores and logits, a window in the first layer.
    "tiny-gemma2": (
        Gemma2ForCausalLM,
        Gemma2Config(
            **SHARED,
            intermediate_size=160,
            num_attention_heads=4,
            num_key_value_heads=2,
            head_dim=32,
            query_pre_attn_scalar=40,
            attn_logit_softcapping=3.0,
            final_logit_softcapping=5.0,
            sliding_window=18,
        ),
    ),
    # Norms after the blocks alone, and over all heads of q and of k.
    "tiny-olmo2": (
        Olmo2ForCausalLM,
        Olmo2Config(
            **SHARED,
            intermediate_size=128,
            num_attention_heads=4,
            num_key_value_heads=2,
            tie_word_embeddings=False,
            eos_token_id=1,
            pad_token_id=0,
        ),
    ),
    # A window and plain positions in one layer, stretched ones in the other.
    "tiny-olmo3": (
        Olmo3ForCausalLM,
        Olmo3Config(
            **SHARED,
            intermediate_size=160,
            num_attention_heads=4,
            num_key_value_heads=2,
            sliding_window=23,
            layer_types=["sliding_attention", "full_attention"],
            rope_parameters={
                "sliding_attention": {"rope_type": "default", "rope_theta": 20_000.0},
                "full_attention": {
                    "rope_type": "yarn",
                    "rope_theta": 20_000.0,
                    "factor": 4.0,
                    "original_max_position_embeddings": 128,
                    "beta_fast": 32.0,
                    "beta_slow": 1.0,
                },
            },
            tie_word_embeddings=False,
            eos_token_id=1,
            pad_token_id=0,
        ),
    ),
    # Fused projections, a part of each head rotated, frequencies divided one by one.
    "tiny-phi3": (
        Phi3ForCausalLM,
        Phi3Config(
            **SHARED,
            intermediate_size=128,
            num_attention_heads=3,
            num_key_value_heads=1,
            partial_rotary_factor=0.75,
            original_max_position_embeddings=512,
            rope_scaling={
                "type": "longrope",
                "short_factor": [1.0 + 0.1 * i for i in range(12)],
                "long_factor": [2.0 + 0.3 * i for i in range(12)],
            },
            pad_token_id=0,
            bos_token_id=1,
            eos_token_id=2,
            tie_word_embeddings=False,
        ),
    ),
    # Windows in the layers that have positions, the other one without both.
    "tiny-exaone4": (
        Exaone4ForCausalLM,
        Exaone4Config(
            **SHARED,
            intermediate_size=128,
            num_attention_heads=4,
            num_key_value_heads=2,
            sliding_window=20,
            sliding_window_pattern=2,
            tie_word_embeddings=True,
            pad_token_id=0,
        ),
    ),
    # Local and global rotary angles, norms of q and k, heads of 256.
    "tiny-gemma3": (
        Gemma3ForCausalLM,
        Gemma3TextConfig(
            **SHARED,
            intermediate_size=128,
            num_attention_heads=2,
            num_key_value_heads=1,
            head_dim=256,
            query_pre_attn_scalar=256,
            sliding_window=19,
            layer_types=["sliding_attention", "full_attention"],
        ),
    ),
}


def prompts(vocab_size: int, lengths: list[int], reserved: int) -> list[list[int]]:
    generator = torch.Generator().manual_seed(20261121)
    return [
        torch.randint(reserved, vocab_size, (length,), generator=generator).tolist()
        for length in lengths
    ]


def write(folder: Path, model, given: list[list[int]]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    cases = [golden(model, prompt, NUM_TOKENS) for prompt in given]
    (folder / "golden.json").write_text(json.dumps({"cases": cases}, separators=(",", ":")) + "\n")
    print(folder.name, len(cases), "prompts; smallest gap:", smallest_gap(cases))


def make_tiny(name: str) -> None:
    kind, config = TINY[name]
    torch.manual_seed(7)
    model = kind(config).float().eval()
    with torch.no_grad():
        for key, parameter in model.named_parameters():
            if "bias" in key:
                parameter.uniform_(-0.5, 0.5)
            elif "norm" in key or "ln_" in key:
                parameter.uniform_(0.5, 1.5)
            parameter.copy_(parameter.half())
    folder = FIXTURES / name
    # A copy, since half() would round the rotary frequencies too.
    copy.deepcopy(model).half().save_pretrained(folder)
    write(folder, model, prompts(config.get_text_config().vocab_size, [1, 2, 15, 16, 17, 40, 97], 3))


def make_starter() -> None:
    from transformers import AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(STARTER, dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(STARTER)
    texts = json.loads((FIXTURES / "starter" / "prompts.json").read_text())
    given = [
        list(
            tokenizer.apply_chat_template(
                text["messages"], tools=text.get("tools"), add_generation_prompt=True
            )["input_ids"]
        )
        for text in texts
    ]
    write(FIXTURES / "starter", model, given)


if __name__ == "__main__":
    for wanted in sys.argv[1:] or [*TINY, "starter"]:
        make_starter() if wanted == "starter" else make_tiny(wanted)
