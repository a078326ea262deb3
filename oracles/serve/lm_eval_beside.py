"""Whether lm-eval gets through `plumb serve` what its own `hf` model gets from the same weights, item by item.

    python lm_eval_beside.py BASE_URL MODEL FOLDER QUESTIONS.jsonl

BASE_URL ends in /v1, MODEL is served there, FOLDER is the same checkpoint for transformers (config.json, safetensors, tokenizer). If there
is no FOLDER but a file FOLDER.gguf, it is made of that. QUESTIONS has a line {"question", "choices", "answer"} an item.

Options scored by likelihood and short greedy texts go through local-completions, and chats through local-chat-completions where the
tokenizer has a template. Checked with lm-eval 0.4.13, transformers 5.24.0.
"""

import sys
from importlib.metadata import version
from pathlib import Path

import torch
from lm_eval import simple_evaluate
from transformers import AutoModelForCausalLM, AutoTokenizer

base, model, folder, questions = sys.argv[1:]
folder = Path(folder)
if not folder.exists():
    from safetensors.torch import save_file

    gguf = folder.with_suffix(".gguf")
    where = {"pretrained_model_name_or_path": str(gguf.parent), "gguf_file": gguf.name}
    tokenizer = AutoTokenizer.from_pretrained(**where)
    weights = AutoModelForCausalLM.from_pretrained(**where, dtype=torch.float32)
    tokenizer.save_pretrained(folder)
    # The weights are plain numbers now.
    del weights.config.quantization_config
    weights.config.save_pretrained(folder)
    save_file({name: tensor.contiguous() for name, tensor in weights.state_dict().items() if name != "lm_head.weight"}, folder / "model.safetensors")

common = {"dataset_path": "json", "dataset_kwargs": {"data_files": {"test": questions}}, "test_split": "test"}
prompt = {"doc_to_text": "Question: {{question}}\nAnswer:"}
options = common | prompt | {
    "task": "options", "output_type": "multiple_choice", "doc_to_choice": "{{choices}}", "doc_to_target": "answer",
    "metric_list": [{"metric": "acc"}, {"metric": "acc_norm"}],
}
texts = common | prompt | {
    "task": "texts", "output_type": "generate_until", "doc_to_target": "{{choices[answer]}}",
    "generation_kwargs": {"until": ["\n"], "do_sample": False, "max_gen_toks": 12},
    "metric_list": [{"metric": "exact_match"}],
}


def samples(kind, arguments, task, chat=False):
    found = simple_evaluate(
        model=kind, model_args=arguments, tasks=[dict(task)], batch_size=1, apply_chat_template=chat, log_samples=True,
        bootstrap_iters=0,
    )
    name = task["task"]
    scores = {key: value for key, value in found["results"][name].items() if isinstance(value, float)}
    return sorted(found["samples"][name], key=lambda sample: sample["doc_id"]), scores


served = {"model": model, "tokenizer": str(folder), "tokenizer_backend": "huggingface", "num_concurrent": 1, "max_retries": 1}
own = {"pretrained": str(folder), "dtype": "float32", "device": "cpu"}
pairs = [
    ("options, local-completions", options, "local-completions", "completions", False),
    ("texts, local-completions", texts, "local-completions", "completions", False),
]
if AutoTokenizer.from_pretrained(folder).chat_template:
    pairs.append(("texts, local-chat-completions", texts, "local-chat-completions", "chat/completions", True))
print(f"lm-eval {version('lm_eval')}, transformers {version('transformers')}")
failed = False
for name, task, kind, path, chat in pairs:
    arguments = served | {"base_url": f"{base}/{path}"}
    ours, our_scores = samples(kind, arguments, task, chat)
    theirs, their_scores = samples("hf", own, task, chat)
    gap, same = 0.0, 0
    for a, b in zip(ours, theirs, strict=True):
        if task is options:
            left, right = ([(float(one[0]), str(one[1])) for one in side["filtered_resps"]] for side in (a, b))
            gap = max([gap] + [abs(x[0] - y[0]) for x, y in zip(left, right, strict=True)])
            same += [x[1] for x in left] == [y[1] for y in right] and all(a[m] == b[m] for m in ("acc", "acc_norm"))
        else:
            same += a["filtered_resps"] == b["filtered_resps"]
    far = f", log-likelihoods differ by at most {gap:.5f}" if task is options else ""
    print(f"{name}: {same} of {len(ours)} items equal{far}; {our_scores} served, {their_scores} hf", flush=True)
    failed |= same < len(ours) or gap > 0.01
sys.exit(failed)
