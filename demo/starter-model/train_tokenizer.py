"""Trains the byte-level BPE tokenizer on generated conversations: python train_tokenizer.py OUTPUT_DIRECTORY

Words, digits, punctuation and spaces are separate pieces, so a word has the same tokens after a space, after a
quote and in a JSON value; that is what makes copying easy for so small a model. Two exceptions keep texts short:
frequent function words take their space with them, and runs of JSON punctuation are one piece.
"""

import json
import random
import sys
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from generator.conversation import render
from generator.mix import sample

VOCABULARY = 1536
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
MARKERS = ["<think>", "</think>", "<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>"]
FUNCTION_WORDS = """the a an is are am was were be of in on to for from with and or not no it its that this what which who how why when
where do does did can could will would should have has had you your my me i we they there here please by as at but if so than then about
into all one use uses run runs model models tool name tell give get set know""".split()
PIECES = (r" (?:" + "|".join(FUNCTION_WORDS) + r")(?!\p{L})|\p{L}+|\p{N}|[\{\}\[\]\":,]+(?: [\{\[\"]*)?|\n+|[^\s\p{L}\p{N}]|\s")


def main(output: Path) -> None:
    rng = random.Random(20)
    texts = ["".join(text for text, _ in render(sample(rng))) for _ in range(12000)]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(PIECES), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=VOCABULARY - len(MARKERS), special_tokens=SPECIAL, show_progress=False, min_frequency=2,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    # The markers are single tokens: keep their letters out of the merge statistics.
    for marker in SPECIAL + MARKERS:
        texts = [t.replace(marker, "\0") for t in texts]
    tokenizer.train_from_iterator((part for t in texts for part in t.split("\0")), trainer)
    tokenizer.add_tokens([AddedToken(m, normalized=False, special=False) for m in MARKERS])
    assert tokenizer.get_vocab_size() == VOCABULARY, tokenizer.get_vocab_size()
    output.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(output / "tokenizer.json"))
    template = (Path(__file__).parent / "chat_template.jinja").read_text().rstrip("\n")
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "added_tokens_decoder": {str(tokenizer.token_to_id(t)): {"content": t, "lstrip": False, "rstrip": False, "normalized": False,
                                                                 "single_word": False, "special": t in SPECIAL} for t in SPECIAL + MARKERS},
        "bos_token": None, "eos_token": "<|im_end|>", "pad_token": "<|endoftext|>", "unk_token": None,
        "add_bos_token": False, "clean_up_tokenization_spaces": False, "model_max_length": 2048, "chat_template": template,
    }
    (output / "tokenizer_config.json").write_text(json.dumps(config, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
