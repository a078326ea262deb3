"""Small autoencoders as the reference libraries write them, with their latents and reconstructions of given rows.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install sae-lens==6.54.12 eai-sparsify==1.3.3
    /tmp/venv/bin/python oracles/sae/formats.py fixtures/sae

Run with Python 3.11 and the torch that these pull in (versions are written to fixtures/sae/versions.json). Weights are
random from a fixed seed. Old layouts are written by hand, after the form that sae_lens still reads, and loaded by it.
"""

import json
import os
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file

D, M, ROWS = 12, 40, 7
out = Path(sys.argv[1])
out.mkdir(parents=True, exist_ok=True)
gen = torch.Generator().manual_seed(0)


def rand(*shape, scale=1.0):
    return torch.randn(*shape, generator=gen) * scale


X = rand(ROWS, D, scale=2.0)


def expect(folder, latents, again):
    (folder / "expected.json").write_text(
        json.dumps(
            {
                "x": X.tolist(),
                "latents": latents.detach().to(torch.float32).tolist(),
                "reconstruction": again.detach().to(torch.float32).tolist(),
            }
        )
    )


def fill(sae):
    with torch.no_grad():
        sae.W_enc.copy_(rand(D, M, scale=0.4))
        sae.W_dec.copy_(rand(M, D, scale=0.4))
        sae.b_dec.copy_(rand(D, scale=0.5))
        if hasattr(sae, "b_enc"):
            sae.b_enc.copy_(rand(M, scale=0.3))
        if hasattr(sae, "threshold"):
            sae.threshold.copy_(rand(M).abs() * 0.5)


def saelens():
    from sae_lens import SAE
    from sae_lens.saes.sae import SAEMetadata

    meta = dict(model_name="tiny", hook_name="blocks.1.hook_resid_post", sae_lens_version="6.54.12")
    cases = {
        "saelens-standard": dict(architecture="standard"),
        "saelens-standard-plain-input": dict(architecture="standard", apply_b_dec_to_input=False),
        "saelens-standard-layer-norm": dict(architecture="standard", normalize_activations="layer_norm"),
        "saelens-topk": dict(architecture="topk", k=5),
        "saelens-topk-constant-norm": dict(architecture="topk", k=5, normalize_activations="constant_norm_rescale"),
        "saelens-topk-decoder-norm": dict(architecture="topk", k=5, rescale_acts_by_decoder_norm=True),
        "saelens-jumprelu": dict(architecture="jumprelu", apply_b_dec_to_input=False),
    }
    for name, cfg in cases.items():
        sae = SAE.from_dict({"d_in": D, "d_sae": M, "metadata": meta, **cfg})
        fill(sae)
        folder = out / name
        sae.save_model(folder)
        latents = sae.encode(X)
        again = sae.decode(latents)
        expect(folder, latents.to_dense() if latents.is_sparse else latents, again)
    # Layouts from before version 6, flat and with the old names.
    old = {
        "saelens-old-topk": dict(
            activation_fn_str="topk", activation_fn_kwargs={"k": 5}, hook_point="blocks.1.hook_resid_post"
        ),
        "saelens-old-standard": dict(
            architecture="standard", activation_fn_str="relu", hook_name="blocks.1.hook_resid_post",
            normalize_activations=False, finetuning_scaling_factor=False,
        ),
        "saelens-old-jumprelu": dict(
            architecture="jumprelu", activation_fn_str="relu", hook_name="blocks.1.hook_resid_post",
            normalize_activations="none", apply_b_dec_to_input=True,
        ),
    }
    for name, cfg in old.items():
        folder = out / name
        folder.mkdir(exist_ok=True)
        tensors = dict(W_enc=rand(D, M, scale=0.4), W_dec=rand(M, D, scale=0.4), b_enc=rand(M, scale=0.3), b_dec=rand(D))
        if cfg.get("architecture") == "jumprelu":
            tensors["threshold"] = rand(M).abs() * 0.5
        save_file(tensors, folder / "sae_weights.safetensors")
        flat = dict(d_in=D, d_sae=M, dtype="torch.float32", model_name="tiny", device="cpu", hook_point_layer=1, **cfg)
        (folder / "cfg.json").write_text(json.dumps(flat, indent=1))
        sae = SAE.load_from_disk(folder)
        latents = sae.encode(X)
        again = sae.decode(latents)
        expect(folder, latents.to_dense() if latents.is_sparse else latents, again)


def sparsify():
    # Its own decoder without a GPU.
    os.environ["SPARSIFY_DISABLE_TRITON"] = "1"
    from sparsify import SparseCoder
    from sparsify.config import SparseCoderConfig

    coder = SparseCoder(D, SparseCoderConfig(num_latents=M, k=5))
    with torch.no_grad():
        coder.encoder.weight.copy_(rand(M, D, scale=0.4))
        coder.encoder.bias.copy_(rand(M, scale=0.3))
        coder.W_dec.copy_(rand(M, D, scale=0.4))
        coder.b_dec.copy_(rand(D, scale=0.5))
    folder = out / "sparsify" / "layers.1"
    coder.save_to_disk(folder)
    acts, index, _ = coder.encode(X)
    latents = torch.zeros(ROWS, M).scatter(1, index, acts)
    expect(folder, latents, coder.decode(acts, index))


def gemma_scope():
    """The archive's own layout; latents by sae_lens's JumpReLU, which is how it loads these files."""
    from sae_lens import SAE

    folder = out / "tiny-pt-res" / "layer_1" / "width_40"
    folder.mkdir(parents=True, exist_ok=True)
    sae = SAE.from_dict(
        {"architecture": "jumprelu", "d_in": D, "d_sae": M, "apply_b_dec_to_input": False, "metadata": {}}
    )
    fill(sae)
    arrays = {name: getattr(sae, name).detach().numpy() for name in ["W_enc", "W_dec", "b_enc", "b_dec", "threshold"]}
    np.savez(folder / "params.npz", **arrays)
    latents = sae.encode(X)
    expect(folder, latents, sae.decode(latents))


saelens()
sparsify()
gemma_scope()
(out / "versions.json").write_text(
    json.dumps({name: version(name) for name in ["sae-lens", "eai-sparsify", "torch", "numpy"]}, indent=1) + "\n"
)
