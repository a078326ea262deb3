"""A checkpoint of two random layers with a real tokenizer, for `lm_eval_beside.py` and `likelihoods_beside.py`.

    python tiny_checkpoint.py FOLDER OUT

FOLDER has the tokenizer (and chat template) that OUT gets. Weights are drawn with seed 5. Checked with transformers 5.24.0.
"""

import sys

import torch
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

folder, out = sys.argv[1:]
tokenizer = AutoTokenizer.from_pretrained(folder)
torch.manual_seed(5)
config = LlamaConfig(
    vocab_size=len(tokenizer), hidden_size=48, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
    max_position_embeddings=4096, initializer_range=0.3, tie_word_embeddings=True, bos_token_id=tokenizer.bos_token_id,
    eos_token_id=tokenizer.eos_token_id,
)
LlamaForCausalLM(config).float().save_pretrained(out)
tokenizer.save_pretrained(out)
