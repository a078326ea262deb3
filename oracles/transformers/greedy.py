"""Greedy continuations of twenty chats by `transformers`, with the two largest logits at every position.

    python -m venv v && v/bin/pip install torch transformers gguf accelerate
    v/bin/python greedy.py MODEL.gguf OUT.json

The file's weights are dequantised to f32 by `transformers`, which is what plumb-lm computes with. The prompt is the model's own chat
template with the one user message; ids are those of the tokenizer that `transformers` makes of the file.
"""

import json
import sys
from pathlib import Path

import torch
import transformers
from transformers import AutoModelForCausalLM, AutoTokenizer

NEW_TOKENS = 64


@torch.inference_mode()
def main():
    path, out = Path(sys.argv[1]), Path(sys.argv[2])
    prompts = json.loads(Path(__file__).with_name("prompts.json").read_text(encoding="utf-8"))
    model = AutoModelForCausalLM.from_pretrained(path.parent, gguf_file=path.name, dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)
    ends = {tokenizer.convert_tokens_to_ids(text) for text in ("<|im_end|>", "<|endoftext|>")}
    chats = []
    for prompt in prompts:
        messages = [{"role": "user", "content": prompt}]
        text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        prompt_ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        ids, tops, cache, fresh = [], [], None, prompt_ids
        while True:
            result = model(torch.tensor([fresh]), past_key_values=cache, use_cache=True, logits_to_keep=1)
            cache = result.past_key_values
            values, tokens = result.logits[0, -1].topk(2)
            tops.append([[int(token), round(float(value), 5)] for value, token in zip(values, tokens)])
            token = tops[-1][0][0]
            if token in ends:
                break
            ids.append(token)
            if len(ids) == NEW_TOKENS:
                break
            fresh = [token]
        chats.append({"messages": messages, "prompt": text, "prompt_ids": prompt_ids, "ids": ids,
                      "ended": len(tops) > len(ids), "text": tokenizer.decode(ids), "top2": tops})
        print(len(chats), json.dumps(chats[-1]["text"], ensure_ascii=False), flush=True)
    result = {"oracle": f"transformers {transformers.__version__}, torch {torch.__version__}", "weights": "f32, dequantised by transformers",
              "file": path.name, "new_tokens": NEW_TOKENS, "chat": chats}
    out.write_text(json.dumps(result, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")


main()
