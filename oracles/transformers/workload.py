"""The evaluation workload of `cargo xtask bench lm` in PyTorch, beside the engine's own run of it.

Reads what the engine said (its cases, tokens of options, the steered layer), runs the same in transformers on the same
GGUF file, dequantised to f32, and writes one line of JSON: time and processor time of each case, and its values.

    python -m venv v && v/bin/pip install torch transformers gguf accelerate
    v/bin/python workload.py MODEL.gguf < engine.json

Cases: `prefill`, `products` (how fast a layer's matrix products go), `decode 1`, `decode 16` (generate, greedy), `naive` (one item as common scripts do it: a full forward for each
of four options, with a hook), `careful` (a cache of the prefix, then one forward an item for all four letters). With `speed` after the
file the first four alone.
"""

import copy
import json
import sys
from pathlib import Path

import torch
import transformers
from transformers import AutoModelForCausalLM, DynamicCache

from beside import ids, middle, timed

PREFIX, QUESTION = 700, 100


def batch(rows):
    return torch.tensor(rows)


def products(shapes, rows):
    """Rate of the products of a layer, in multiply-adds a second: the median of some rounds through eight layers' weights."""
    layers = [[torch.randn(outputs, depth) for outputs, depth in shapes] for _ in range(8)]
    inputs = [torch.randn(rows, depth) for _, depth in shapes]

    def once():
        for weights in layers:
            for x, w in zip(inputs, weights):
                torch.nn.functional.linear(x, w)

    once()
    seconds = sorted(timed(once)[1]["seconds"] for _ in range(9))[4]
    return len(layers) * rows * sum(outputs * depth for outputs, depth in shapes) / seconds


@torch.inference_mode()
def main():
    path = Path(sys.argv[1])
    engine = json.load(sys.stdin)
    torch.set_num_threads(engine["threads"])
    model = AutoModelForCausalLM.from_pretrained(path.parent, gguf_file=path.name, dtype=torch.float32).eval()
    options = [tokens[0] for tokens in engine["options"]]
    assert all(len(tokens) == 1 for tokens in engine["options"])
    cases = {}

    def put(name, time, values):
        cases[name] = {"time": time, "values": values}

    sizes = engine["sizes"]

    def prefill():
        return model(batch([ids(sizes["prefill"], 0)]), logits_to_keep=1).logits[0, -1]

    def logs(logits):
        return logits.double().log_softmax(-1)[options].tolist()

    prefill()
    logits, time = middle(lambda: timed(prefill))
    put("prefill", time, {"next": int(logits.argmax()), "scores": [logs(logits)]})
    cases["products"] = {"rate": products(engine["products"], sizes["prefill"])}

    def write(sequences, new):
        prompts = batch([ids(sizes["prompt"], shift) for shift in range(sequences)])
        out = model.generate(prompts, attention_mask=torch.ones_like(prompts), do_sample=False, max_new_tokens=new,
                             min_new_tokens=new, pad_token_id=0)
        return out[:, sizes["prompt"]:].tolist()

    # A batch of 64 has no target beside PyTorch.
    for sequences, new in sizes["decode"][:2]:
        def decode():
            _, first = timed(lambda: write(sequences, 1))
            rows, whole = timed(lambda: write(sequences, new))
            return rows, {name: whole[name] - first[name] for name in whole}

        rows, spent = middle(decode)
        put(f"decode {sequences}", {**spent, "tokens": sequences * (new - 1)}, rows)

    version = f"torch {torch.__version__}, transformers {transformers.__version__}"
    if sys.argv[2:] == ["speed"]:
        print(json.dumps({"cases": cases, "version": version}))
        return

    def context(item):
        return ids(PREFIX, 0) + ids(QUESTION, 11 * (item + 1))

    # The hook adds to what the layer gives; of strength 0 for the plain model.
    vector = (torch.arange(model.config.hidden_size) % 7 - 3.0) / 10.0
    strength = [0.0]

    def hook(_, __, out):
        hidden = out[0] if isinstance(out, tuple) else out
        changed = hidden + strength[0] * vector
        return (changed, *out[1:]) if isinstance(out, tuple) else changed

    handle = model.model.layers[engine["layer"]].register_forward_hook(hook)

    def naive():
        found = []
        for option in options:
            logits = model(batch([context(0) + [option]])).logits[0]
            found.append(float(logits[-2].double().log_softmax(-1)[option]))
        return found

    value, time = timed(naive)
    put("naive", time, [value])

    steered = []
    for configuration in [0, len(engine["cases"]["configurations"]["values"]["scores"]) - 1]:
        strength[0] = 0.1 * (configuration + 1)
        steered.append(logs(model(batch([context(0)]), logits_to_keep=1).logits[0, -1]))
    put("steered", {}, steered)
    strength[0] = 0.0

    def careful():
        cache = DynamicCache(config=model.config)
        model(batch([ids(PREFIX, 0)]), past_key_values=cache, logits_to_keep=1)
        found = []
        for item in range(sizes["items"]):
            logits = model(batch([ids(QUESTION, 11 * (item + 1))]), past_key_values=copy.deepcopy(cache), logits_to_keep=1).logits
            found.append(logs(logits[0, -1]))
        return found

    value, time = timed(careful)
    put("careful", time, value)
    handle.remove()
    print(json.dumps({"cases": cases, "version": version}))


main()
