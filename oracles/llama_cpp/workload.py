"""The evaluation workload of `cargo xtask bench lm` in llama.cpp, beside the engine's own run of it.

Reads what the engine said on standard input, runs the same on the same file with as many threads, and writes one line of
JSON: time and processor time of each case, and its values. See README.md for how llama.cpp is built.

    v/bin/python workload.py MODEL.gguf < engine.json

Cases: `prefill`, `decode 1`, `decode 16`, `decode 64` (greedy; the prompt is not timed). The likeliest token of a row is found with numpy,
which takes under a hundredth of a step.
"""

import json
import os
import sys

import llama_cpp
import numpy as np
from engine import Engine

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "transformers"))
from beside import ids, middle, timed  # noqa: E402


def prefill(llama, count):
    llama.forget()
    llama.run([(token, i, 0, i == count - 1) for i, token in enumerate(ids(count, 0))])
    return llama.logits(count - 1).astype(np.float64)


def decode(llama, sequences, prompt, new):
    """New tokens of each sequence, and the time of all but the first."""
    llama.forget()
    found = []
    for sequence in range(sequences):
        llama.run([(token, i, sequence, i == prompt - 1) for i, token in enumerate(ids(prompt, sequence))])
        found.append([int(llama.logits(prompt - 1).argmax())])

    def write():
        for step in range(new - 1):
            llama.run([(row[-1], prompt + step, sequence, True) for sequence, row in enumerate(found)])
            for sequence, row in enumerate(found):
                row.append(int(llama.logits(sequence).argmax()))

    _, time = timed(write)
    return found, {**time, "tokens": sequences * (new - 1)}


def main():
    path, engine = sys.argv[1], json.load(sys.stdin)
    llama = Engine(path, engine["threads"])
    sizes, cases = engine["sizes"], {}
    prefill(llama, sizes["prefill"])
    logits, time = middle(lambda: timed(lambda: prefill(llama, sizes["prefill"])))
    logs = logits - logits.max()
    logs -= np.log(np.exp(logs).sum())
    options = [tokens[0] for tokens in engine["options"]]
    cases["prefill"] = {"time": time, "values": {"next": int(logits.argmax()), "scores": [[float(logs[token]) for token in options]]}}
    for sequences, new in sizes["decode"]:
        rows, time = middle(lambda: decode(llama, sequences, sizes["prompt"], new), repeats=1 if sequences == 64 else 3)
        cases[f"decode {sequences}"] = {"time": time, "values": rows}
    print(json.dumps({"cases": cases, "version": f"llama.cpp of llama-cpp-python {llama_cpp.__version__}"}))


main()
