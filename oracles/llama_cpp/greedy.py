"""Reference text, token ids and logit gaps from llama.cpp, for the tests of plumb-lm.

Usage: python greedy.py MODEL.gguf OUT.json      (see README.md)

The file is first rewritten with f32 weights (llama.cpp's own dequantisation): with quantised weights llama.cpp also
rounds the *activations* to 8 bits, which would make the reference noisier than what is tested. The continuation of the
file as shipped is stored beside it, so that the difference can be seen. All chats are written at once.
"""
import hashlib
import json
import os
import sys
import tempfile

import llama_cpp
import numpy as np
from engine import Engine
from llama_cpp import Llama
from llama_cpp.llama_chat_format import Jinja2ChatFormatter
from requantise import requantise

NEW_TOKENS = 64
THREADS = 1


def top2(row):
    first, second = np.argsort(-row, kind="stable")[:2]
    return [[int(first), round(float(row[first]), 5)], [int(second), round(float(row[second]), 5)]]


def greedy(engine, prompts):
    """Of each prompt the greedy ids (the end token left out), whether an end token closed them, and the top two at every position."""
    engine.forget()
    vocab = llama_cpp.llama_model_get_vocab(engine.model)
    found = [{"ids": [], "ended": False, "top2": []} for _ in prompts]
    for sequence, prompt in enumerate(prompts):
        engine.run([(token, i, sequence, i == len(prompt) - 1) for i, token in enumerate(prompt)])
        found[sequence]["top2"].append(top2(engine.logits(len(prompt) - 1)))
    while True:
        writing = []
        for sequence, answer in enumerate(found):
            token = answer["top2"][-1][0][0]
            if answer["ended"] or len(answer["ids"]) == NEW_TOKENS:
                continue
            if llama_cpp.llama_vocab_is_eog(vocab, token):
                answer["ended"] = True
                continue
            answer["ids"].append(token)
            if len(answer["ids"]) < NEW_TOKENS:
                writing.append((token, len(prompts[sequence]) + len(answer["ids"]) - 1, sequence, True))
        if not writing:
            return found
        engine.run(writing)
        for row, (_, _, sequence, _) in enumerate(writing):
            found[sequence]["top2"].append(top2(engine.logits(row)))


def main():
    path, out = sys.argv[1], sys.argv[2]
    here = os.path.dirname(os.path.abspath(__file__))
    with open(os.path.join(here, "prompts.json"), encoding="utf-8") as file:
        inputs = json.load(file)
    # The single questions are those that `transformers` answers, too.
    with open(os.path.join(here, "..", "transformers", "prompts.json"), encoding="utf-8") as file:
        inputs["chat"] += [[{"role": "user", "content": question}] for question in json.load(file)]
    with open(path, "rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    words = Llama(path, n_ctx=64, verbose=False, vocab_only=True)
    rendered = [render(words, messages) for messages in inputs["chat"]]
    prompts = [words.tokenize(text.encode(), add_bos=False, special=True) for text in rendered]
    with tempfile.TemporaryDirectory() as folder:
        exact = os.path.join(folder, "f32.gguf")
        requantise(path, exact, "F32")
        answers = greedy(Engine(exact, THREADS), prompts)
    print("as shipped", flush=True)
    shipped = greedy(Engine(path, THREADS), prompts)
    chats = [{
        "messages": messages, "prompt": text, "prompt_ids": prompt, "ids": answer["ids"], "ended": answer["ended"],
        "text": words.detokenize(answer["ids"], special=True).decode("utf-8", errors="replace"),
        "top2": answer["top2"], "shipped_ids": other["ids"],
    } for messages, text, prompt, answer, other in zip(inputs["chat"], rendered, prompts, answers, shipped)]
    result = {
        "oracle": f"llama-cpp-python {llama_cpp.__version__}", "weights": "f32, dequantised by llama.cpp from the file",
        "file": os.path.basename(path), "sha256": sha256, "new_tokens": NEW_TOKENS, "chat": chats,
        "tokenize": [{
            "text": text,
            "plain": words.tokenize(text.encode(), add_bos=False, special=False),
            "special": words.tokenize(text.encode(), add_bos=False, special=True),
        } for text in inputs["tokenize"]],
    }
    with open(out, "w", encoding="utf-8") as file:
        json.dump(result, file, ensure_ascii=False, indent=None, separators=(",", ":"))
        file.write("\n")


def render(words, messages):
    text_of = words._model.token_get_text
    template = words.metadata["tokenizer.chat_template"]
    formatter = Jinja2ChatFormatter(template=template, eos_token=text_of(words.token_eos()), bos_token=text_of(words.token_bos()))
    return formatter(messages=messages).prompt


if __name__ == "__main__":
    main()
