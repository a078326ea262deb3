"""Tiny random checkpoints of every decoder family, with what `transformers` computes of them.

Writes complete model folders to `fixtures/lm/arch/NAME`, with `reference.safetensors` beside the weights, and checks
nothing itself. Their tokenizer has three special tokens and one token for each of 93 characters.
Settings are chosen so that leaving out any feature of a family changes the numbers: windows are shorter than the
prompts, biases are not zero, norm weights are not one, soft caps bend, rotary is partial where a family knows that.

    python -m venv v && v/bin/pip install torch transformers safetensors numpy
    v/bin/python tiny.py ../../fixtures/lm/arch
"""

import json
import sys
from pathlib import Path

import torch
import transformers
from safetensors.torch import save_file
from tokenizers import AddedToken, Tokenizer, decoders, models, processors
from transformers import AutoModelForCausalLM, CONFIG_MAPPING

VOCAB = 96
SHARED = dict(vocab_size=VOCAB, bos_token_id=1, eos_token_id=2, pad_token_id=0)
LLAMA = dict(
    hidden_size=32, intermediate_size=44, num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=2,
    max_position_embeddings=64, rms_norm_eps=1e-5, **SHARED,
)


def rope(kind="default", theta=10000.0, **rest):
    return dict(rope_type=kind, rope_theta=theta, **rest)


# name: (model_type, settings, storage)
MODELS = {
    "llama2": ("llama", dict(LLAMA, num_key_value_heads=4, tie_word_embeddings=False, rope_parameters=rope()), "f32"),
    "llama3": ("llama", dict(
        LLAMA, tie_word_embeddings=True,
        rope_parameters=rope("llama3", 500.0, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
                             original_max_position_embeddings=32)), "bf16"),
    "llama-linear": ("llama", dict(LLAMA, attention_bias=True, mlp_bias=True, tie_word_embeddings=True,
                                   rope_parameters=rope("linear", 100.0, factor=2.5)), "f16"),
    "llama-yarn": ("llama", dict(
        LLAMA, tie_word_embeddings=True,
        rope_parameters=rope("yarn", 300.0, factor=4.0, original_max_position_embeddings=16, beta_fast=4.0,
                             beta_slow=0.5)), "f16"),
    "mistral": ("mistral", dict(LLAMA, sliding_window=6, head_dim=10, tie_word_embeddings=False,
                                rope_parameters=rope(theta=1000.0)), "f32"),
    "qwen2": ("qwen2", dict(LLAMA, use_sliding_window=True, sliding_window=5, max_window_layers=1,
                            tie_word_embeddings=True, rope_parameters=rope(theta=1000.0)), "f32"),
    "qwen3": ("qwen3", dict(LLAMA, head_dim=12, tie_word_embeddings=True, rope_parameters=rope(theta=1000.0)), "f32"),
    "phi3": ("phi3", dict(
        LLAMA, sliding_window=9, tie_word_embeddings=False, original_max_position_embeddings=16,
        rope_parameters=rope("longrope", 1000.0, partial_rotary_factor=0.5, short_factor=[1.0, 1.25],
                             long_factor=[1.5, 4.0], original_max_position_embeddings=16)), "f32"),
    "gemma2": ("gemma2", dict(
        LLAMA, num_hidden_layers=4, head_dim=12, sliding_window=5, query_pre_attn_scalar=20,
        attn_logit_softcapping=2.0, final_logit_softcapping=6.0, rope_parameters=rope(theta=1000.0)), "f32"),
    "gemma3": ("gemma3_text", dict(
        LLAMA, num_hidden_layers=4, head_dim=12, sliding_window=5, query_pre_attn_scalar=20,
        layer_types=["sliding_attention", "sliding_attention", "full_attention", "sliding_attention"],
        rope_parameters=dict(sliding_attention=rope(theta=100.0),
                             full_attention=rope("linear", 1000.0, factor=2.0))), "f32"),
    "gpt2": ("gpt2", dict(n_embd=32, n_layer=3, n_head=4, n_inner=48, n_positions=64, layer_norm_epsilon=1e-5,
                          **SHARED), "f32"),
    "gpt-neox": ("gpt_neox", dict(
        hidden_size=32, intermediate_size=48, num_hidden_layers=3, num_attention_heads=4, max_position_embeddings=64,
        layer_norm_eps=1e-5, use_parallel_residual=True, tie_word_embeddings=False,
        rope_parameters=rope(theta=1000.0, partial_rotary_factor=0.5), **SHARED), "f32"),
    "gpt-neox-serial": ("gpt_neox", dict(
        hidden_size=32, intermediate_size=48, num_hidden_layers=3, num_attention_heads=4, max_position_embeddings=64,
        layer_norm_eps=1e-5, use_parallel_residual=False, tie_word_embeddings=False,
        rope_parameters=rope(theta=1000.0, partial_rotary_factor=0.25), **SHARED), "f32"),
}
PROMPTS = [[(7 * i * i + 13 * i + 5) % (VOCAB - 3) + 3 for i in range(23)], [(5 * i + 11) % (VOCAB - 3) + 3 for i in range(9)]]
STORAGE = dict(f32=torch.float32, f16=torch.float16, bf16=torch.bfloat16)


def randomise(model, storage):
    """Weights of some size everywhere, as they are after storing."""
    generator = torch.Generator().manual_seed(20261125)
    centred = "gemma" in model.config.model_type
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            norm = "norm" in name or ".ln_" in name
            if name.endswith("bias"):
                value = 0.2 * noise
            elif norm:
                value = 0.25 * noise + (0.0 if centred else 1.0)
            elif "embed" in name or "wte" in name or "wpe" in name or "lm_head" in name:
                value = 0.6 * noise
            else:
                value = 0.25 * noise
            parameter.copy_(value.to(STORAGE[storage]).float())


def places(model):
    """Module of every site: blocks, what attention and the feed-forward part add, the output projection."""
    kind = model.config.model_type
    if kind == "gpt2":
        core = model.transformer
        return core.h, core.ln_f, lambda b: b.attn.c_proj, lambda b: b.mlp, lambda b: b.attn.c_proj
    if kind == "gpt_neox":
        core = model.gpt_neox
        return core.layers, core.final_layer_norm, lambda b: b.attention.dense, lambda b: b.mlp, lambda b: b.attention.dense
    core = model.model
    if "gemma" in kind:
        return (core.layers, core.norm, lambda b: b.post_attention_layernorm, lambda b: b.post_feedforward_layernorm,
                lambda b: b.self_attn.o_proj)
    return core.layers, core.norm, lambda b: b.self_attn.o_proj, lambda b: b.mlp, lambda b: b.self_attn.o_proj


def reference(model):
    blocks, norm, attention, feed_forward, projection = places(model)
    out = {}

    def keep(name, of_input=False):
        def hook(_module, inputs, output):
            value = inputs[0] if of_input else output
            value = value[0] if isinstance(value, tuple) else value
            out[name] = value.detach().reshape(-1, value.shape[-1]).clone()
        return hook

    for index, prompt in enumerate(PROMPTS):
        handles = []
        for layer, block in enumerate(blocks):
            handles += [
                attention(block).register_forward_hook(keep(f"{index}.attn_out.{layer}")),
                feed_forward(block).register_forward_hook(keep(f"{index}.mlp_out.{layer}")),
                projection(block).register_forward_hook(keep(f"{index}.heads.{layer}", True)),
                block.register_forward_hook(keep(f"{index}.resid_post.{layer}")),
            ]
        handles.append(norm.register_forward_hook(keep(f"{index}.final_norm")))
        with torch.no_grad():
            result = model(torch.tensor([prompt]), output_hidden_states=True, output_attentions=True, use_cache=False)
        for handle in handles:
            handle.remove()
        out[f"{index}.tokens"] = torch.tensor(prompt, dtype=torch.int32)
        out[f"{index}.embedding"] = result.hidden_states[0][0].clone()
        out[f"{index}.logits"] = result.logits[0].float().clone()
        if index == 1:
            for layer, pattern in enumerate(result.attentions):
                out[f"{index}.pattern.{layer}"] = pattern[0].clone()
    return {name: value.contiguous() for name, value in out.items()}


TEMPLATE = "{% for m in messages %}{{ bos_token }}{{ m.role }}: {{ m.content }}{{ eos_token }}{% endfor %}{{ bos_token }}assistant:"


def write_tokenizer(place):
    special = ["<pad>", "<s>", "</s>"]
    characters = [chr(c) for c in range(32, 127) if chr(c) not in "`~"]
    vocab = {text: i for i, text in enumerate(special + characters)}
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=[], unk_token="<pad>"))
    tokenizer.decoder = decoders.Fuse()
    tokenizer.add_special_tokens([AddedToken(text, special=True) for text in special])
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    tokenizer.save(str(place / "tokenizer.json"), pretty=False)
    notes = dict(bos_token="<s>", eos_token="</s>", pad_token="<pad>", chat_template=TEMPLATE)
    (place / "tokenizer_config.json").write_text(json.dumps(notes) + "\n")


def edited(model):
    """Logits of the second prompt under three hooks: a vector added to block 1's output from position 4 on, the second
    head of block 0 set to zero, and what the feed-forward part of the last block adds halved at position 2."""
    blocks, _norm, _attention, feed_forward, projection = places(model)
    vector = torch.linspace(-1.0, 1.5, 32)
    heads = model.config.num_attention_heads

    def add(_module, _inputs, output):
        value = output[0] if isinstance(output, tuple) else output
        value = value.clone()
        value[:, 4:] += vector
        return (value, *output[1:]) if isinstance(output, tuple) else value

    def ablate(_module, inputs):
        value = inputs[0].clone()
        dim = value.shape[-1] // heads
        value[..., dim:2 * dim] = 0
        return (value, *inputs[1:])

    def halve(_module, _inputs, output):
        value = output.clone()
        value[:, 2] *= 0.5
        return value

    handles = [
        blocks[1].register_forward_hook(add),
        projection(blocks[0]).register_forward_pre_hook(ablate),
        feed_forward(blocks[-1]).register_forward_hook(halve),
    ]
    with torch.no_grad():
        logits = model(torch.tensor([PROMPTS[1]]), use_cache=False).logits[0].float().clone()
    for handle in handles:
        handle.remove()
    return {"edited.vector": vector, "edited.logits": logits}


def main(folder):
    torch.set_num_threads(1)
    for name, (kind, settings, storage) in MODELS.items():
        place = Path(folder) / name
        place.mkdir(parents=True, exist_ok=True)
        config = CONFIG_MAPPING[kind](**settings)
        config._attn_implementation = "eager"
        model = AutoModelForCausalLM.from_config(config, attn_implementation="eager").eval().float()
        randomise(model, storage)
        values = reference(model) | edited(model)
        model.to(STORAGE[storage]).save_pretrained(place, max_shard_size="40KB" if name == "llama2" else "1GB")
        (place / "generation_config.json").unlink(missing_ok=True)
        write_tokenizer(place)
        notes = dict(torch=torch.__version__, transformers=transformers.__version__)
        save_file(values, place / "reference.safetensors", metadata=notes)
        size = sum(f.stat().st_size for f in place.iterdir())
        print(name, size, "logits", float(values["0.logits"].abs().max()), "resid", float(values["0.resid_post.2"].abs().max()))
        assert size < 300_000


main(sys.argv[1])
