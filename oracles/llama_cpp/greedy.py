"""Reference text, token ids and logit gaps from llama.cpp, for the tests of plumb-lm.

Usage: python greedy.py MODEL.gguf OUT.json      (see README.md)

The file is first rewritten with f32 weights (llama.cpp's own dequantisation): with quantised weights llama.cpp also
rounds the *activations* to 8 bits, which would make the reference noisier than what is tested. The continuation of the
file as shipped is stored beside it, so that the difference can be seen.
"""
import ctypes
import hashlib
import json
import os
import sys
import tempfile

import llama_cpp
import numpy as np
from llama_cpp import Llama
from llama_cpp.llama_chat_format import Jinja2ChatFormatter

NEW_TOKENS = 48


def open_model(path):
    return Llama(path, n_ctx=2048, n_batch=512, n_threads=2, n_threads_batch=2, logits_all=False, verbose=False, seed=0)


def dequantise(path, out):
    params = llama_cpp.llama_model_quantize_default_params()
    params.ftype = llama_cpp.LLAMA_FTYPE_ALL_F32
    params.allow_requantize = True
    params.nthread = 2
    code = llama_cpp.llama_model_quantize(path.encode(), out.encode(), ctypes.byref(params))
    if code != 0:
        raise SystemExit(f"llama_model_quantize failed with {code}")


def logits(model):
    pointer = llama_cpp.llama_get_logits_ith(model._ctx.ctx, -1)
    return np.ctypeslib.as_array(pointer, shape=(model.n_vocab(),)).copy()


def top2(row):
    first, second = np.argsort(-row, kind="stable")[:2]
    return [[int(first), round(float(row[first]), 5)], [int(second), round(float(row[second]), 5)]]


def is_end(model, token):
    return llama_cpp.llama_vocab_is_eog(llama_cpp.llama_model_get_vocab(model._model.model), token)


def greedy(model, prompt_ids):
    """Greedy ids (the end token left out), whether an end token closed them, and the top two at every position."""
    model.reset()
    model._ctx.kv_cache_clear()
    ids, tops = [], []
    model.eval(prompt_ids)
    while True:
        row = logits(model)
        tops.append(top2(row))
        token = tops[-1][0][0]
        if is_end(model, token):
            return ids, True, tops
        ids.append(token)
        if len(ids) == NEW_TOKENS:
            return ids, False, tops
        model.eval([token])


def main():
    path, out = sys.argv[1], sys.argv[2]
    here = os.path.dirname(os.path.abspath(__file__))
    with open(os.path.join(here, "prompts.json"), encoding="utf-8") as file:
        inputs = json.load(file)
    with open(path, "rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    shipped = open_model(path)
    with tempfile.TemporaryDirectory() as folder:
        exact_path = os.path.join(folder, "f32.gguf")
        dequantise(path, exact_path)
        exact = open_model(exact_path)
        result = record(path, sha256, inputs, shipped, exact)
    with open(out, "w", encoding="utf-8") as file:
        json.dump(result, file, ensure_ascii=False, indent=None, separators=(",", ":"))
        file.write("\n")


def record(path, sha256, inputs, shipped, exact):
    template = shipped.metadata["tokenizer.chat_template"]
    text_of = lambda token: shipped._model.token_get_text(token)
    formatter = Jinja2ChatFormatter(template=template, eos_token=text_of(shipped.token_eos()), bos_token=text_of(shipped.token_bos()))
    chats = []
    for messages in inputs["chat"]:
        prompt = formatter(messages=messages).prompt
        prompt_ids = shipped.tokenize(prompt.encode(), add_bos=False, special=True)
        ids, ended, tops = greedy(exact, prompt_ids)
        shipped_ids, _, _ = greedy(shipped, prompt_ids)
        chats.append({
            "messages": messages, "prompt": prompt, "prompt_ids": prompt_ids,
            "ids": ids, "ended": ended, "text": exact.detokenize(ids, special=True).decode("utf-8", errors="replace"),
            "top2": tops, "shipped_ids": shipped_ids,
        })
        print(json.dumps(chats[-1]["text"], ensure_ascii=False), "" if ids == shipped_ids else "(differs as shipped)", flush=True)
    return {
        "oracle": f"llama-cpp-python {llama_cpp.__version__}", "weights": "f32, dequantised by llama.cpp from the file",
        "file": os.path.basename(path), "sha256": sha256, "new_tokens": NEW_TOKENS, "chat": chats,
        "tokenize": [{
            "text": text,
            "plain": shipped.tokenize(text.encode(), add_bos=False, special=False),
            "special": shipped.tokenize(text.encode(), add_bos=False, special=True),
        } for text in inputs["tokenize"]],
    }


if __name__ == "__main__":
    main()
