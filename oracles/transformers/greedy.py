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


def write(model, prompts):
    """The two largest logits at each of the new places of every prompt; all are written at once, padded on the left."""
    longest = max(map(len, prompts))
    tokens = torch.tensor([[0] * (longest - len(prompt)) + prompt for prompt in prompts])
    mask = torch.tensor([[0] * (longest - len(prompt)) + [1] * len(prompt) for prompt in prompts])
    places = (mask.cumsum(-1) - 1).clamp(min=0)
    tops, cache = [[] for _ in prompts], None
    for _ in range(NEW_TOKENS):
        result = model(tokens, attention_mask=mask, position_ids=places, past_key_values=cache, use_cache=True, logits_to_keep=1)
        cache = result.past_key_values
        values, likeliest = result.logits[:, -1].topk(2)
        for top, ids, logits in zip(tops, likeliest.tolist(), values.tolist()):
            top.append([[token, round(logit, 5)] for token, logit in zip(ids, logits)])
        tokens, places = likeliest[:, :1], places[:, -1:] + 1
        mask = torch.cat([mask, torch.ones_like(tokens)], dim=1)
    return tops


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
        chats.append({"messages": messages, "prompt": text, "prompt_ids": tokenizer(text, add_special_tokens=False)["input_ids"]})
    tops = write(model, [chat["prompt_ids"] for chat in chats])
    for chat, top2 in zip(chats, tops):
        written = [place[0][0] for place in top2]
        end = next((at for at, token in enumerate(written) if token in ends), NEW_TOKENS)
        chat.update(ids=written[:end], ended=end < NEW_TOKENS, text=tokenizer.decode(written[:end]), top2=top2[:end + 1])
    result = {"oracle": f"transformers {transformers.__version__}, torch {torch.__version__}", "weights": "f32, dequantised by transformers",
              "file": path.name, "new_tokens": NEW_TOKENS, "chat": chats}
    out.write_text(json.dumps(result, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")


main()
