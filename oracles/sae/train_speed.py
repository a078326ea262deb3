"""Training throughput of sae_lens and sparsify on given rows, on this machine's processor.

    python oracles/sae/train_speed.py ROWS.f32 WIDTH LATENTS K BATCH STEPS

Prints one JSON line a library: name, version, tokens per second, and explained variance on the last batch. Each step is what
the library's own trainer does: forward pass with its losses, backward, Adam. Data loading is not counted, for any.
Checked with sae-lens 6.54.12, eai-sparsify 1.3.3.
"""

import json
import os
import sys
import time
from importlib.metadata import version

os.environ["SPARSIFY_DISABLE_TRITON"] = "1"
import numpy as np
import torch

path, width, latents, k, batch, steps = sys.argv[1], *map(int, sys.argv[2:])
rows = torch.from_numpy(np.fromfile(path, dtype=np.float32).reshape(-1, width))
rows = rows * (width**0.5 / rows.norm(dim=1).mean())
torch.manual_seed(0)


def explained(x, y):
    return 1 - ((x - y) ** 2).sum().item() / ((x - x.mean(0)) ** 2).sum().item()


def run(name, step, forward):
    for i in range(2):
        step(rows[i * batch : (i + 1) * batch])
    start = time.perf_counter()
    for i in range(steps):
        at = (i * batch) % (len(rows) - batch)
        step(rows[at : at + batch])
    seconds = time.perf_counter() - start
    with torch.no_grad():
        share = explained(rows[-batch:], forward(rows[-batch:]))
    print(json.dumps({"name": name, "version": version(name), "rate": steps * batch / seconds, "explained": share}), flush=True)


def saelens():
    from sae_lens.saes.sae import TrainingSAE, TrainStepInput

    sae = TrainingSAE.from_dict({"architecture": "topk", "d_in": width, "d_sae": latents, "k": k})
    optimiser = torch.optim.Adam(sae.parameters(), lr=1e-3)

    def step(x):
        given = TrainStepInput(sae_in=x, coefficients={}, dead_neuron_mask=None, n_training_steps=0, is_logging_step=False)
        loss = sae.training_forward_pass(given).loss
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()

    run("sae-lens", step, lambda x: sae(x))


def sparsify():
    from sparsify import SparseCoder
    from sparsify.config import SparseCoderConfig

    coder = SparseCoder(width, SparseCoderConfig(num_latents=latents, k=k))
    with torch.no_grad():
        coder.b_dec.copy_(rows[:4096].mean(0))
    optimiser = torch.optim.Adam(coder.parameters(), lr=1e-3)

    def step(x):
        coder.set_decoder_norm_to_unit_norm()
        loss = coder(x).fvu
        optimiser.zero_grad()
        loss.backward()
        coder.remove_gradient_parallel_to_decoder_directions()
        optimiser.step()

    run("eai-sparsify", step, lambda x: coder(x).sae_out)


for library in (saelens, sparsify):
    library()
