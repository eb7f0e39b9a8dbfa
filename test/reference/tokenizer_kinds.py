"""The tokenizers of test/fixtures/tokenizer: one a kind, small, trained on a few lines or built."""

import base64
import json
import math
import struct
import unicodedata

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers
from tokenizers import pre_tokenizers, processors, trainers

CORPUS = [
    "The engine schedules every request and the pages of its cache.",
    "What is the weather in Paris today? It is 21 degrees and sunny.",
    '{"name": "get_weather", "arguments": {"city": "Paris", "days": 3}}',
    "def step(self):\n    return [token for token in self.running]\n",
    "naïve café façade — déjà vu, Ångström, œuvre",
    "Привет, как дела? שלום עולם مرحبا بالعالم 你好，世界 こんにちは 안녕하세요",
    "👩‍👩‍👧 🎉🎊 😀😃😄 🇫🇷 👍🏽",
] * 4

# Without the last two lines: a limit on the alphabet would drop characters by chance.
LATIN_CORPUS = [line for line in CORPUS if line not in CORPUS[5:7]]

GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
QWEN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
LLAMA3 = QWEN.replace(r"|\p{N}|", r"|\p{N}{1,3}|")
UPPER, LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
CONTRACTION = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
O200K = (
    rf"[^\r\n\p{{L}}\p{{N}}]?{UPPER}*{LOWER}+{CONTRACTION}"
    rf"|[^\r\n\p{{L}}\p{{N}}]?{UPPER}+{LOWER}*{CONTRACTION}"
    r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
CL100K = (
    r"(?i:'(?:[sdmt]|ll|ve|re))|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+"
    r"| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s"
)


def splits(*patterns: str) -> list:
    return [pre_tokenizers.Split(Regex(pattern), behavior="isolated") for pattern in patterns]


def train_byte_level(pre_tokenizer, normalizer=None, size=380, **options) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE(**options))
    if normalizer:
        tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    return tokenizer


def byte_level(patterns: list, **options) -> Tokenizer:
    bytes_ = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    return train_byte_level(pre_tokenizers.Sequence([*splits(*patterns), bytes_]), **options)


def template(tokenizer: Tokenizer, single: str):
    names = [name for name in single.split() if not name.startswith("$")]
    return processors.TemplateProcessing(
        single=single, special_tokens=[(name, tokenizer.token_to_id(name)) for name in set(names)]
    )


def qwen() -> Tokenizer:
    """Qwen 2 and 3: NFC, single digits, special and plain added tokens."""
    tokenizer = byte_level([QWEN], normalizer=normalizers.NFC(), size=420)
    tokenizer.add_special_tokens(["<|start|>", "<|end|>"])
    tokenizer.add_tokens(
        [AddedToken(text, normalized=False) for text in ("<think>", "</think>")]
    )
    return tokenizer


def llama3() -> Tokenizer:
    """Llama 3: digits by threes, `ignore_merges`, a sequence of post-processors."""
    tokenizer = byte_level([LLAMA3], ignore_merges=True)
    tokenizer.add_special_tokens(["<|begin_of_text|>", "<|eot_id|>", "<|start_header_id|>"])
    tokenizer.post_processor = processors.Sequence(
        [processors.ByteLevel(trim_offsets=False), template(tokenizer, "<|begin_of_text|> $A")]
    )
    return tokenizer


def gpt2() -> Tokenizer:
    """GPT-2: its built-in pattern with a space in front, as RoBERTa has it, and its template."""
    tokenizer = train_byte_level(pre_tokenizers.ByteLevel(add_prefix_space=True))
    tokenizer.add_special_tokens(
        [
            "<s>",
            "</s>",
            AddedToken("<mask>", lstrip=True, normalized=False),
            AddedToken("<|endoftext|>", normalized=True),
        ]
    )
    ids = {name: tokenizer.token_to_id(name) for name in ("<s>", "</s>")}
    tokenizer.post_processor = processors.RobertaProcessing(
        ("</s>", ids["</s>"]), ("<s>", ids["<s>"])
    )
    return tokenizer


def o200k() -> Tokenizer:
    """GPT-4o's pattern, which splits at capitals (gpt-oss, Phi-4-mini)."""
    tokenizer = byte_level([O200K])
    tokenizer.add_special_tokens(["<|channel|>", "<|message|>"])
    return tokenizer


def cl100k() -> Tokenizer:
    """GPT-4's pattern with possessive quantifiers; runs of spaces as added tokens."""
    tokenizer = byte_level([CL100K])
    tokenizer.add_tokens([" " * count for count in range(8, 1, -1)] + ["\t\t"])
    tokenizer.add_special_tokens(["<|endoftext|>", "<|fim_prefix|>"])
    return tokenizer


def deepseek() -> Tokenizer:
    """DeepSeek: a chain of splits, digits one by one, scripts by range."""
    tokenizer = Tokenizer(models.BPE())
    chain = splits(
        r"[\r\n]",
        r"\s?[A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-Ֆ]+",
        r"\s?[!-/:-~！-／：-～‘-‟　-。]+",
        r"\s+$",
        r"[一-龥ࠀ-一가-퟿]+",
    )
    digits = pre_tokenizers.Digits(individual_digits=True)
    bytes_ = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer = train_byte_level(pre_tokenizers.Sequence([*chain, digits, bytes_]))
    tokenizer.add_special_tokens(["<｜begin▁of▁sentence｜>", "<｜User｜>"])
    tokenizer.add_tokens([AddedToken("<think>", normalized=False)])
    tokenizer.post_processor = template(tokenizer, "<｜begin▁of▁sentence｜> $A")
    return tokenizer


BYTE_TOKENS = [f"<0x{byte:02X}>" for byte in range(256)]


def train_sentencepiece(normalizer, pre_tokenizer, decoder) -> Tokenizer:
    """BPE with byte fallback: byte tokens belong to the model alone, or they would match in text."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    if normalizer:
        tokenizer.normalizer = normalizer
    if pre_tokenizer:
        tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.decoder = decoder
    trainer = trainers.BpeTrainer(
        vocab_size=420,
        special_tokens=["<unk>", "<s>", "</s>", *BYTE_TOKENS],
        show_progress=False,
    )
    tokenizer.train_from_iterator(LATIN_CORPUS, trainer)
    state = json.loads(tokenizer.to_str())
    state["added_tokens"] = [t for t in state["added_tokens"] if not t["content"].startswith("<0x")]
    return Tokenizer.from_str(json.dumps(state))


def sentencepiece_decoder(strip: bool):
    steps = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    return decoders.Sequence(steps + [decoders.Strip(" ", 1, 0)] * strip)


def llama2() -> Tokenizer:
    """Llama 2, "legacy": the normalizer writes the prefix space, after every special token too."""
    normalizer = normalizers.Sequence(
        [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    )
    tokenizer = train_sentencepiece(normalizer, None, sentencepiece_decoder(True))
    tokenizer.add_special_tokens(["<|start|>", "<|end|>"])
    tokenizer.add_tokens(["<plain>"])
    tokenizer.post_processor = template(tokenizer, "<s> $A")
    return tokenizer


def mistral() -> Tokenizer:
    """Mistral and newer Llama 2 exports: Metaspace, the prefix space at the beginning alone."""
    metaspace = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    words = pre_tokenizers.Metaspace(prepend_scheme="first", split=True)
    tokenizer = train_sentencepiece(None, words, sentencepiece_decoder(True))
    tokenizer.pre_tokenizer = metaspace
    tokenizer.add_special_tokens(["[INST]", "[/INST]", "[TOOL_CALLS]"])
    tokenizer.post_processor = template(tokenizer, "<s> $A </s>")
    return tokenizer


def gemma() -> Tokenizer:
    """Gemma: no prefix space, words merged with the space before, line ends as added tokens."""
    words = pre_tokenizers.Split("▁", "merged_with_next")
    normalizer = normalizers.Replace(" ", "▁")
    tokenizer = train_sentencepiece(normalizer, words, sentencepiece_decoder(False))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    tokenizer.add_tokens([AddedToken("\n" * count, normalized=False) for count in (1, 2, 3)])
    tokenizer.add_tokens([AddedToken("▁" * count, normalized=False) for count in (2, 3, 4)])
    tokenizer.add_special_tokens(["<bos>", "<start_of_turn>", "<end_of_turn>"])
    tokenizer.post_processor = template(tokenizer, "<bos> $A")
    return tokenizer


def unigram_vocab(first: list[str], prefix: str = "▁") -> list[tuple[str, float]]:
    """Every part of up to six characters of the corpus' words that comes often enough."""
    counts: dict[str, int] = {}
    for word in " ".join(CORPUS[:7]).split():
        text = prefix + word
        for start in range(len(text)):
            for end in range(start + 1, min(len(text), start + 6) + 1):
                counts[text[start:end]] = counts.get(text[start:end], 0) + 1
    kept = sorted(t for t, n in counts.items() if n > 2 or (len(t) == 1 and t < "я"))
    scores = [(t, round(math.log(counts[t] * len(t) ** 2 / 4000), 6)) for t in kept]
    return [(t, 0.0) for t in first] + scores


REPLACEMENTS = {
    **{chr(code): chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)},
    **{text: unicodedata.normalize("NFKC", text) for text in "ﬁﬂ½²Ⅷ㍿…ſ𝔘𝔫"},
    **{text: " " for text in "\t\n\r\u00a0\u2003\u3000\u200b"},
    **{text: "" for text in "\x01\x02\x7f\u00ad"},
    **{base + "\u0301": unicodedata.normalize("NFC", base + "\u0301") for base in "eao"},
    "👍🏽": "+1",
}


def darts(entries: dict[bytes, int]) -> list[int]:
    """A double array as darts-clone lays it out, from keys to values."""
    units: dict[int, int] = {0: 0}

    def place(at: int, prefix: bytes) -> None:
        keys = [key for key in entries if key.startswith(prefix)]
        labels = sorted({key[len(prefix)] if len(key) > len(prefix) else 0 for key in keys})
        base = 1
        while any((base ^ label) in units for label in labels):
            base += 1
        units[at] |= (at ^ base) << 10 | (0x100 if 0 in labels else 0)
        for label in labels:
            units[base ^ label] = label
        for label in labels:
            if label == 0:
                units[base] = entries[prefix] | 0x80000000
            else:
                place(base ^ label, prefix + bytes([label]))

    place(0, b"")
    # A key's byte may lead to any place of a block of 256.
    return [units.get(at, 0) for at in range((max(units) | 0xFF) + 1)]


def charsmap() -> bytes:
    blob, entries = b"", {}
    for text, replacement in REPLACEMENTS.items():
        entries[text.encode()] = len(blob)
        blob += replacement.encode() + b"\0"
    units = darts(entries)
    return struct.pack(f"<I{len(units)}I", len(units) * 4, *units) + blob


def unigram_precompiled() -> Tokenizer:
    """Unigram as in T5 and XLM-R: SentencePiece's charsmap, Metaspace at every word."""
    tokenizer = Tokenizer(models.Unigram(unigram_vocab(["<pad>", "</s>", "<unk>"]), 2, False))
    state = json.loads(tokenizer.to_str())
    state["normalizer"] = {
        "type": "Sequence",
        "normalizers": [
            {"type": "Precompiled", "precompiled_charsmap": base64.b64encode(charsmap()).decode()},
            {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "},
        ],
    }
    tokenizer = Tokenizer.from_str(json.dumps(state))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(prepend_scheme="always")]
    )
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.add_special_tokens(["<pad>", "</s>", "<unk>", "<extra_id_0>"])
    tokenizer.post_processor = template(tokenizer, "$A </s>")
    return tokenizer


def unigram_bytes() -> Tokenizer:
    """Unigram with byte fallback: NMT's rules, NFKC, stripped ends, one piece for all words."""
    vocab = unigram_vocab(["<unk>", "<s>", "</s>"]) + [(token, -20.0) for token in BYTE_TOKENS]
    tokenizer = Tokenizer(models.Unigram(vocab, 0, True))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Nmt(), normalizers.NFKC(), normalizers.Strip()]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="never", split=False)
    tokenizer.decoder = sentencepiece_decoder(False)
    tokenizer.add_special_tokens(["<unk>", "<s>", "</s>"])
    return tokenizer


def word_piece_vocab(normalizer, pre_tokenizer) -> dict[str, int]:
    """Characters, and parts of up to five that come often. (The trainer's order is by chance.)"""
    counts: dict[str, int] = {}
    for line in [*CORPUS[:7], "don't do not I'm we're they've it's . ! ? , '"]:
        for word, _ in pre_tokenizer.pre_tokenize_str(normalizer.normalize_str(line)):
            for start in range(len(word)):
                for end in range(start + 1, min(len(word), start + 5) + 1):
                    part = ("##" if start else "") + word[start:end]
                    counts[part] = counts.get(part, 0) + 1
    kept = sorted(part for part, n in counts.items() if n > 2 or len(part.strip("#")) == 1)
    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    return {part: index for index, part in enumerate(names + kept)}


def word_piece(normalizer, pre_tokenizer, cleanup: bool) -> Tokenizer:
    vocab = word_piece_vocab(normalizer, pre_tokenizer)
    model = models.WordPiece(vocab, unk_token="[UNK]", max_input_chars_per_word=40)
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.decoder = decoders.WordPiece(prefix="##", cleanup=cleanup)
    tokenizer.add_special_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
    return tokenizer


def bert() -> Tokenizer:
    """BERT, uncased."""
    tokenizer = word_piece(
        normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer(), cleanup=True
    )
    tokenizer.post_processor = template(tokenizer, "[CLS] $A [SEP]")
    return tokenizer


def word_piece_cased() -> Tokenizer:
    """WordPiece with case and accents kept, and other pre-tokenizers."""
    tokenizer = word_piece(
        normalizers.BertNormalizer(lowercase=False, strip_accents=None),
        pre_tokenizers.Sequence(
            [
                pre_tokenizers.Whitespace(),
                pre_tokenizers.Punctuation("merged_with_next"),
                pre_tokenizers.Digits(individual_digits=False),
            ]
        ),
        cleanup=False,
    )
    ids = {name: tokenizer.token_to_id(name) for name in ("[CLS]", "[SEP]")}
    tokenizer.post_processor = processors.BertProcessing(
        ("[SEP]", ids["[SEP]"]), ("[CLS]", ids["[CLS]"])
    )
    return tokenizer


def suffix_merges(count: int) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """A small BPE trainer that breaks ties by spelling; the library's does it by chance here."""
    words = [[*word[:-1], word[-1] + "</w>"] for line in LATIN_CORPUS for word in line.split()]
    tokens = sorted({symbol for word in words for symbol in word})
    merges = []
    for _ in range(count):
        pairs = [pair for word in words for pair in zip(word, word[1:])]
        best = max(sorted(set(pairs)), key=pairs.count)
        merges.append(best)
        for word in words:
            for at in range(len(word) - 2, -1, -1):
                if tuple(word[at : at + 2]) == best:
                    word[at : at + 2] = ["".join(best)]
    merged = dict.fromkeys("".join(pair) for pair in merges)
    names = dict.fromkeys(["<unk>", *tokens, *merged])
    return {name: index for index, name in enumerate(names)}, merges


def word_suffix() -> Tokenizer:
    """BPE with an end-of-word suffix (GPT-1, CLIP), unknown tokens one by one, no accents."""
    vocab, merges = suffix_merges(120)
    tokenizer = Tokenizer(models.BPE(vocab, merges, unk_token="<unk>", end_of_word_suffix="</w>"))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFD(), normalizers.StripAccents(), normalizers.Lowercase()]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.CharDelimiterSplit("|"),
            pre_tokenizers.WhitespaceSplit(),
            pre_tokenizers.Punctuation("contiguous"),
        ]
    )
    tokenizer.decoder = decoders.BPEDecoder("</w>")
    tokenizer.add_special_tokens(["<unk>"])
    return tokenizer


def word_level() -> Tokenizer:
    """Whole words, cut to four characters; without a decoder, spaces separate the tokens."""
    words = sorted({word[at : at + 4] for word in CORPUS[0].split() for at in range(0, 12, 4)})
    vocab = {word: index for index, word in enumerate(["<unk>", *filter(None, words)])}
    tokenizer = Tokenizer(models.WordLevel(vocab, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.FixedLength(length=4)]
    )
    return tokenizer


def added_tokens() -> Tokenizer:
    """Byte-level BPE over lower-cased text with added tokens of every sort."""
    tokenizer = byte_level([GPT2], normalizer=normalizers.Lowercase())
    flags = [
        ("<left>", {"lstrip": True}),
        ("<right>", {"rstrip": True}),
        ("<both>", {"lstrip": True, "rstrip": True}),
        ("word", {"single_word": True}),
        ("été", {"single_word": True}),
        ("lone😀", {"single_word": True, "lstrip": True}),
        ("<Upper>", {"normalized": True}),
        ("<STRIP>", {"normalized": True, "lstrip": True, "rstrip": True}),
        ("<two words>", {"normalized": True}),
        ("  ", {"normalized": False}),
        ("<a", {}),
        ("<a>", {}),
        ("<a><b>", {}),
        ("b><c", {}),
        ("👩‍👩‍👧", {"normalized": False}),
        ("é", {}),
        ("\u0301", {"normalized": False}),
        ("Ġspace", {}),
    ]
    defaults = {"normalized": False}
    tokenizer.add_tokens([AddedToken(text, **{**defaults, **given}) for text, given in flags])
    tokenizer.add_special_tokens(
        [
            "<|x|>",
            AddedToken("<|norm|>", normalized=True, special=True),
            AddedToken("<|lr|>", lstrip=True, rstrip=True, normalized=False, special=True),
        ]
    )
    return tokenizer


KINDS = {
    "qwen": qwen,
    "llama3": llama3,
    "gpt2": gpt2,
    "o200k": o200k,
    "cl100k": cl100k,
    "deepseek": deepseek,
    "llama2": llama2,
    "mistral": mistral,
    "gemma": gemma,
    "unigram-precompiled": unigram_precompiled,
    "unigram-bytes": unigram_bytes,
    "bert": bert,
    "word-piece-cased": word_piece_cased,
    "word-suffix": word_suffix,
    "word-level": word_level,
    "added-tokens": added_tokens,
}
