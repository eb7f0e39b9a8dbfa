"""Writes test/fixtures/tokenizer/*.json: what Rust tokenizers and transformers answer.

Versions that wrote the files in the repository:
    pip install tokenizers==0.23.3 transformers==5.23.0 jinja2==3.1.6

Run from the repository's root:
    python test/reference/make_tokenizer_fixtures.py
"""

import json
import pathlib

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers
from tokenizers import pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

FOLDER = pathlib.Path("test/fixtures/tokenizer")

CORPUS = [
    "The engine schedules every request and the pages of its cache.",
    "What is the weather in Paris today? It is 21 degrees and sunny.",
    '{"name": "get_weather", "arguments": {"city": "Paris", "days": 3}}',
    "def step(self):\n    return [token for token in self.running]\n",
    "naïve café façade — déjà vu, Ångström, œuvre",
    "Привет, как дела? שלום עולם مرحبا بالعالم 你好，世界 こんにちは 안녕하세요",
    "👩‍👩‍👧 🎉🎊 😀😃😄 🇫🇷 👍🏽",
] * 4

TEXTS = [
    "",
    " ",
    "   leading and trailing   ",
    "Hello, world!",
    "don't can't I'm we'll they've THEY'RE",
    "12345 1,234.5 1e-7 0x1F",
    "tabs\tand\r\nline breaks\n\n\n  indented\n",
    '{"name": "get_weather", "arguments": {"city": "Zürich"}}',
    "👩‍👩‍👧‍👦 family, 🇫🇷 flag, 👍🏽 skin, 🏴󠁧󠁢󠁥󠁮󠁧󠁿",
    "😀" * 20,
    "שלום (אבג) 123 مرحبا \u200fRTL\u200e",
    "e\u0301 versus \u00e9, a\u0308\u0323, Z\u0351\u036b\u0343\u036a\u0302",
    "nul\x00inside\x01\x02\x7f and \ufffd replacement",
    "\ufeffbyte order mark\ufeff",
    "x" * 200,
    " " * 120 + "end",
    "\n" * 40,
    "各国語 テスト 테스트 ไทย हिन्दी தமிழ்",
    "ﬁ ligature ½ ² Ⅷ \u00a0no-break\u2003em\u3000wide",
    "math: ∑∫√∞ ≠ ≤ 𝔘𝔫𝔦𝔠𝔬𝔡𝔢",
    "zero\u200bwidth\u200djoin\u00adsoft",
]

MARKED_TEXTS = [
    "<|start|>",
    "<|start|><|end|>",
    "<|start|>user\nhi<|end|>\n<|start|>assistant\n",
    "text<|end|>",
    "<|end|>text",
    "a<think>b</think>c",
    "<think>\n\n</think>\n\n",
    " <think> spaced </think> ",
    "<thin<think>k></think",
    "<|start|",
    "é<|end|>😀<think>😀</think>é",
    "left   <left>   right",
    "left   <right>   right",
    "<two words> and <two  words>",
]


def byte_level() -> Tokenizer:
    """Byte-level BPE with Qwen's kind of pre-tokenizer, NFC and added tokens of every kind."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    pattern = (
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
        r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(pattern), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=420, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    tokenizer.add_special_tokens(["<|start|>", "<|end|>"])
    tokenizer.add_tokens(
        [
            AddedToken("<think>", normalized=False),
            AddedToken("</think>", normalized=False),
            AddedToken("<left>", lstrip=True, normalized=False),
            AddedToken("<right>", rstrip=True, normalized=False),
            AddedToken("<two words>", normalized=True),
        ]
    )
    return tokenizer


def byte_fallback() -> Tokenizer:
    """SentencePiece-like BPE as in Llama 2: metaspace, byte fallback, one leading space stripped."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    )
    tokenizer.decoder = decoders.Sequence(
        [
            decoders.Replace("▁", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(" ", 1, 0),
        ]
    )
    bytes_ = [f"<0x{byte:02X}>" for byte in range(256)]
    trainer = trainers.BpeTrainer(
        vocab_size=480,
        special_tokens=["<unk>", "<s>", "</s>", *bytes_],
        limit_alphabet=60,
        show_progress=False,
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    state = json.loads(tokenizer.to_str())
    # Byte tokens belong to the model alone: as added tokens they would match in text.
    state["added_tokens"] = [t for t in state["added_tokens"] if not t["content"].startswith("<0x")]
    tokenizer = Tokenizer.from_str(json.dumps(state))
    tokenizer.add_special_tokens(["<|start|>", "<|end|>"])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", tokenizer.token_to_id("<s>"))]
    )
    return tokenizer


def tokenizer_fixture(tokenizer: Tokenizer, texts: list[str]) -> dict:
    cases = []
    for text in texts:
        ids = tokenizer.encode(text, add_special_tokens=False).ids
        cases.append(
            {
                "text": text,
                "ids": ids,
                "idsWithSpecial": tokenizer.encode(text).ids,
                "decoded": tokenizer.decode(ids, skip_special_tokens=False),
                "decodedWithoutSpecial": tokenizer.decode(ids, skip_special_tokens=True),
            }
        )
    return {"tokenizerJson": json.loads(tokenizer.to_str()), "cases": cases}


TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": 'Weather for a city: <b>"now"</b> & naïve ☀\u2028',
            "parameters": {
                "type": "object",
                "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
                "required": [],
            },
        },
    }
]

SYSTEM = {"role": "system", "content": "Be brief."}
USER = {"role": "user", "content": "  What's 12 + 30?\n"}
ANSWER = {"role": "assistant", "content": "It is 42. "}
CALL = {
    "role": "assistant",
    "content": None,
    "tool_calls": [
        {"type": "function", "function": {"name": "f", "arguments": {"é": [1, 2.5, 1e-7, None]}}}
    ],
}
RESULT = {"role": "tool", "content": '{"ok": true}'}

CHATML = (
    "{% for message in messages %}\n"
    "    {{- '<|im_start|>' + message['role'] + '\\n' + (message.content or '') }}\n"
    "    {% if message.tool_calls %}\n"
    "        {% for call in message.tool_calls %}\n"
    "{{ '<tool_call>' }}{{ call.function | tojson }}{{ '</tool_call>' }}\n"
    "        {% endfor %}\n"
    "    {% endif %}\n"
    "    {{- '<|im_end|>\\n' }}\n"
    "{% endfor %}\n"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}"
    "{% if enable_thinking is defined and enable_thinking is false %}"
    "{{ '<think>\\n\\n</think>\\n\\n' }}{% endif %}{% endif %}"
)

# Left out, as @huggingface/jinja differs: printing booleans and None ("True"), exponents in literals.
TEMPLATES = {
    "chatml": CHATML,
    "tools": "{% if tools is not none %}{% for t in tools %}{{ t | tojson }}\n{% endfor %}"
    "{{ tools | tojson(indent=2) }}{% endif %}{{ 'no documents' if documents is none }}",
    "tojson options": "{{ messages | tojson(ensure_ascii=True) }}"
    "{{ messages[0] | tojson(separators=(',', ':'), sort_keys=True) }}"
    "{{ {'b': 1.0, 'a': 0.0000001, 'B': 2.5, 'c': [], 'd': {}, 'e': 100, 'f': 0.0001} "
    "| tojson(sort_keys=true, indent=1) }}{{ 'a\"\\n' | tojson }}",
    "strip": "{% for m in messages %}[{{ m.content.strip('\\n') }}|{{ m.content.lstrip(' W') }}|"
    "{{ m.content.rstrip('\\n?') }}|{{ m.content.strip() }}|{{ m.content | trim }}|"
    "{{ m.content.split('?')[0].rstrip('\\n').split('What')[-1].lstrip(\"'\") }}]{% endfor %}",
    "tokens": "{{ bos_token }}{% for m in messages %}{{ m.role }}: {{ m.content }}{{ eos_token }}"
    "{% endfor %}{{ 'no padding' if pad_token is not defined }}",
    "refusing": "{% for m in messages %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Roles must alternate: ' ~ m.role) }}{% endif %}{{ m.content }}{% endfor %}",
    "reasoning": "{% for m in messages %}{{ m.thinking }}|{{ m.reasoning_content }}|"
    "{{ 'no content' if m.content is not defined }}{% endfor %}",
    "namespaces": "{% set ns = namespace(last=0, text='') %}{% for m in messages[::-1] %}"
    "{% if m.role == 'user' and not ns.last %}{% set ns.last = loop.index %}{% endif %}"
    "{% set ns.text = ns.text ~ m.role[0] %}{% endfor %}{{ ns.last }}{{ ns.text }}"
    "{% macro show(x, y='?') %}<{{ x }}{{ y }}>{% endmacro %}{{ show('a') }}{{ show('a', y=1) }}"
    "{% generation %} g {% endgeneration %}{{ range(3) | list }}",
}

CHATS = [
    ("chatml", {"messages": [SYSTEM, USER]}),
    ("chatml", {"messages": [USER, CALL, RESULT], "add_generation_prompt": True}),
    ("chatml", {"messages": [USER], "add_generation_prompt": True, "enable_thinking": False}),
    ("chatml", {"messages": [USER, ANSWER], "continue_final_message": True}),
    ("chatml", {"messages": [USER, {"role": "assistant", "content": "It"}],
                "continue_final_message": True}),
    ("strip", {"messages": [USER, {"role": "assistant", "content": " It is \n"}],
               "continue_final_message": True}),
    ("tools", {"messages": [USER], "tools": TOOLS}),
    ("tools", {"messages": [USER]}),
    ("tojson options", {"messages": [SYSTEM, USER, CALL]}),
    ("strip", {"messages": [USER, ANSWER]}),
    ("tokens", {"messages": [USER, ANSWER]}),
    ("refusing", {"messages": [USER, USER]}),
    ("refusing", {"messages": [USER, ANSWER]}),
    ("reasoning", {"messages": [{"role": "assistant", "content": None, "reasoning": "hm"}]}),
    ("namespaces", {"messages": [SYSTEM, USER, ANSWER]}),
]


def chat_fixture(tokenizer: Tokenizer) -> dict:
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<|start|>", eos_token="<|end|>"
    )
    cases = []
    for name, arguments in CHATS:
        case = {"template": name, "arguments": arguments}
        chat = dict(arguments)
        try:
            case["rendered"] = fast.apply_chat_template(
                chat.pop("messages"), chat_template=TEMPLATES[name], tokenize=False, **chat
            )
        except Exception as error:
            case["error"] = str(error)
        cases.append(case)
    tokens = {"bosToken": "<|start|>", "eosToken": "<|end|>"}
    return {"templates": TEMPLATES, "tokens": tokens, "cases": cases}


def write(name: str, fixture: dict) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    text = json.dumps(fixture, ensure_ascii=True, separators=(",", ":"))
    (FOLDER / f"{name}.json").write_text(text + "\n")


if __name__ == "__main__":
    write("byte-level", tokenizer_fixture(byte_level(), TEXTS + MARKED_TEXTS))
    # @huggingface/tokenizers 0.2 drops byte order marks that went through byte fallback.
    without_marks = [text for text in TEXTS + MARKED_TEXTS if "\ufeff" not in text]
    write("byte-fallback", tokenizer_fixture(byte_fallback(), without_marks))
    write("chat-templates", chat_fixture(byte_level()))
