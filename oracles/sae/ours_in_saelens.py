"""Whether an autoencoder that Plumbline wrote gives the same latents in sae_lens.

    python oracles/sae/ours_in_saelens.py FOLDER EXPECTED.json

FOLDER is what `plumb sae train` writes; EXPECTED.json has rows `x` and our `latents` and `reconstruction`, as
`plumb sae show NAME --probe FILE` prints them. Checked with sae-lens 6.54.12.
"""

import json
import sys

import torch
from sae_lens import SAE

sae = SAE.load_from_disk(sys.argv[1])
ours = json.load(open(sys.argv[2]))
x = torch.tensor(ours["x"])
latents = sae.encode(x)
latents = latents.to_dense() if latents.is_sparse else latents
again = sae.decode(latents)
theirs = torch.zeros_like(latents)
for row, active in enumerate(ours["latents"]):
    for latent, value in active:
        theirs[row, latent] = value
gap = (latents - theirs).abs().max().item()
gap2 = (again - torch.tensor(ours["reconstruction"])).abs().max().item()
print(f"largest difference of latents {gap:.2e}, of reconstructions {gap2:.2e}")
sys.exit(0 if max(gap, gap2) < 1e-3 else 1)
