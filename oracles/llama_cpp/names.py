"""What llama.cpp's own package calls the tensors of the tiny checkpoints, layer 0 and what is outside layers.

Writes `fixtures/lm/gguf_names.json`: for each family, names of `transformers` to names of GGUF.

    python -m venv v && v/bin/pip install gguf safetensors numpy
    v/bin/python names.py ../../fixtures/lm
"""

import importlib.metadata
import json
import sys
from pathlib import Path

from gguf.constants import MODEL_ARCH
from gguf.tensor_mapping import get_tensor_name_map
from safetensors import safe_open

FAMILIES = {
    "llama2": MODEL_ARCH.LLAMA, "mistral": MODEL_ARCH.LLAMA, "qwen3": MODEL_ARCH.QWEN3, "phi3": MODEL_ARCH.PHI3,
    "gemma2": MODEL_ARCH.GEMMA2, "gemma3": MODEL_ARCH.GEMMA3, "gpt2": MODEL_ARCH.GPT2,
    "gpt-neox": MODEL_ARCH.GPTNEOX, "gpt-neox-serial": MODEL_ARCH.GPTNEOX,
}

folder = Path(sys.argv[1])
out = {"gguf": importlib.metadata.version("gguf")}
for family, arch in FAMILIES.items():
    known = get_tensor_name_map(arch, 1)
    names = []
    for path in (folder / "arch" / family).glob("model*.safetensors"):
        with safe_open(path, "np") as file:
            names += [name for name in file.keys() if not any(f".{layer}." in name for layer in range(1, 9))]
    out[family] = {name: known.get_name(name, try_suffixes=(".weight", ".bias")) for name in sorted(names)}
(folder / "gguf_names.json").write_text(json.dumps(out, indent=1) + "\n")
