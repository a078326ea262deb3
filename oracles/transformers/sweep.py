"""The sweep of `cargo xtask bench steer` in PyTorch, beside the engine's own run of it.

Reads what the engine said, runs the same in transformers on the same GGUF file, dequantised to f32, and writes one line of JSON:
time and processor time, and the log-probabilities of the letters.

    python -m venv v && v/bin/pip install torch transformers gguf accelerate
    v/bin/python sweep.py MODEL.gguf [CONFIGURATIONS] < engine.json

For each configuration a forward hook adds its vector to the steered layer's output; the shared beginning is computed once a
configuration, and the questions of a configuration go through the model in batches of ten, on copies of its cache. That is what a
careful script does. One that keeps the beginning but asks one question a pass is timed on the first configuration, and a plain
one, which computes the beginning with every question, on that one's first questions. Configurations share nothing here: the first few, if so many are wanted, tell what each of the others costs, too.
"""

import copy
import json
import sys
from pathlib import Path

import torch
import transformers
from transformers import AutoModelForCausalLM, DynamicCache

from beside import ids, timed

CONFIGURATIONS, BATCH, PLAIN = 20, 10, 2


@torch.inference_mode()
def main():
    path = Path(sys.argv[1])
    engine = json.load(sys.stdin)
    # Questions, and tokens of what all begin with and of a question.
    items, shots, asked = engine["swept"]
    configurations = int(sys.argv[2]) if len(sys.argv) > 2 else CONFIGURATIONS
    torch.set_num_threads(engine["threads"])
    model = AutoModelForCausalLM.from_pretrained(path.parent, gguf_file=path.name, dtype=torch.float32).eval()
    options = [tokens[0] for tokens in engine["options"]]
    assert all(len(tokens) == 1 for tokens in engine["options"])
    vector = (torch.arange(model.config.hidden_size) % 7 - 3.0) / 10.0
    strength = [0.0]

    def hook(_, __, out):
        hidden = out[0] if isinstance(out, tuple) else out
        changed = hidden + strength[0] * vector
        return (changed, *out[1:]) if isinstance(out, tuple) else changed

    model.model.layers[engine["layer"]].register_forward_hook(hook)
    questions = [ids(asked, 11 * (item + 1)) for item in range(items)]

    def logs(logits):
        return logits[:, -1].double().log_softmax(-1)[:, options].tolist()

    def careful():
        found = []
        for configuration in range(configurations):
            strength[0] = 0.1 * (configuration + 1)
            shared = DynamicCache(config=model.config)
            model(torch.tensor([ids(shots, 0)]), past_key_values=shared, logits_to_keep=1)
            rows = []
            for at in range(0, items, BATCH):
                batch = questions[at : at + BATCH]
                cache = copy.deepcopy(shared)
                cache.batch_repeat_interleave(len(batch))
                rows += logs(model(torch.tensor(batch), past_key_values=cache, logits_to_keep=1).logits)
            found.append(rows)
        return found

    def single():
        strength[0] = 0.1
        shared = DynamicCache(config=model.config)
        model(torch.tensor([ids(shots, 0)]), past_key_values=shared, logits_to_keep=1)
        answer = lambda question: model(torch.tensor([question]), past_key_values=copy.deepcopy(shared), logits_to_keep=1)
        return [logs(answer(question).logits)[0] for question in questions]

    def plain():
        strength[0] = 0.1
        return [logs(model(torch.tensor([ids(shots, 0) + question]), logits_to_keep=1).logits)[0] for question in questions[:PLAIN]]

    model(torch.tensor([ids(shots, 0)]), logits_to_keep=1)
    found, used = timed(careful)
    alone, single_used = timed(single)
    slow, plain_used = timed(plain)
    versions = f"torch {torch.__version__}, transformers {transformers.__version__}"
    print(json.dumps({
        # Item by item, as the engine hands them in.
        "scores": [found[configuration][item] for item in range(items) for configuration in range(configurations)],
        "configurations": configurations,
        "time": used, "single": {"time": single_used, "items": items, "scores": alone},
        "plain": {"time": plain_used, "items": min(PLAIN, items), "scores": slow}, "version": versions,
    }))


main()
