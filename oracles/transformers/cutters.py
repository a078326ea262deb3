"""Small tokenizers of the kinds that model families have, trained on a text of this script's own.

Writes `fixtures/lm/tokenizers/NAME.json`. The test that uses them compares with the `tokenizers` library itself.

    python -m venv v && v/bin/pip install tokenizers
    v/bin/python cutters.py ../../fixtures/lm/tokenizers
"""

import json
import sys
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

TEXT = [
    "A plumb line tells whether a wall is true; the program tells whether a measurement is.",
    "def area(width, height):\n    return width * height  # 2024, 1/3 of 42\n",
    "Wörter mit Umlauten, des mots accentués, 测量一个模型需要很多题目。 Ещё немного текста.",
    "It's what they've said: don't, won't, I'll, you're.\r\n\r\n\tTabs and   spaces.\n\n",
] * 4
LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]


def save(tokenizer, name, folder):
    whole = json.loads(tokenizer.to_str())
    # The trainer calls its byte tokens special; in models they are part of the vocabulary only.
    whole["added_tokens"] = [token for token in whole["added_tokens"] if not token["content"].startswith("<0x")]
    (Path(folder) / f"{name}.json").write_text(json.dumps(whole, ensure_ascii=False) + "\n")


def byte_level(folder):
    for name, normalizer, pre in [
        ("gpt2", None, pre_tokenizers.ByteLevel(add_prefix_space=False)),
        ("llama3", normalizers.NFC(), pre_tokenizers.Sequence([
            pre_tokenizers.Split(Regex(LLAMA3), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])),
    ]:
        tokenizer = Tokenizer(models.BPE())
        if normalizer:
            tokenizer.normalizer = normalizer
        tokenizer.pre_tokenizer = pre
        tokenizer.decoder = decoders.ByteLevel()
        alphabet = pre_tokenizers.ByteLevel.alphabet()
        tokenizer.train_from_iterator(TEXT, trainers.BpeTrainer(vocab_size=420, special_tokens=SPECIAL, initial_alphabet=alphabet))
        tokenizer.add_tokens([AddedToken("    ", normalized=True), AddedToken("<tool>", normalized=False)])
        tokenizer.add_special_tokens([AddedToken("<|end|>", special=True, normalized=False, rstrip=True),
                                      AddedToken("<mask>", special=True, normalized=False, lstrip=True)])
        save(tokenizer, name, folder)


def sentence_piece(folder):
    bytes_ = [f"<0x{b:02X}>" for b in range(256)]
    for name, first in [("llama2", True), ("gemma", False)]:
        tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
        steps = [normalizers.Prepend("▁")] if first else []
        tokenizer.normalizer = normalizers.Sequence(steps + [normalizers.Replace(" ", "▁")])
        tokenizer.pre_tokenizer = pre_tokenizers.Split("▁", "merged_with_next")
        tokenizer.train_from_iterator(TEXT, trainers.BpeTrainer(vocab_size=620, special_tokens=["<unk>", "<s>", "</s>"] + bytes_))
        tokenizer.pre_tokenizer = pre_tokenizers.Split("▁", "merged_with_next")
        ends = [decoders.Strip(" ", 1, 0)] if first else []
        tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()] + ends)
        tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
        save(tokenizer, name, folder)


Path(sys.argv[1]).mkdir(parents=True, exist_ok=True)
byte_level(sys.argv[1])
sentence_piece(sys.argv[1])
