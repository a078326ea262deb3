"""Writes a model's file with weights of another type, by llama.cpp's own quantise.

    v/bin/python requantise.py MODEL.gguf OUT.gguf F32|F16|Q8_0|Q4_0

From quantised weights this loses a little more; both engines then run the same file.
"""

import ctypes
import os
import sys

import llama_cpp

TYPES = {
    "F32": llama_cpp.LLAMA_FTYPE_ALL_F32,
    "F16": llama_cpp.LLAMA_FTYPE_MOSTLY_F16,
    "Q8_0": llama_cpp.LLAMA_FTYPE_MOSTLY_Q8_0,
    "Q4_0": llama_cpp.LLAMA_FTYPE_MOSTLY_Q4_0,
}


def requantise(path, out, kind):
    params = llama_cpp.llama_model_quantize_default_params()
    params.ftype = TYPES[kind]
    params.allow_requantize = True
    params.nthread = 2
    code = llama_cpp.llama_model_quantize(path.encode(), out.encode(), ctypes.byref(params))
    if code != 0:
        raise SystemExit(f"llama_model_quantize failed with {code}")


if __name__ == "__main__":
    _, model, result, which = sys.argv
    requantise(model, result + ".part", which)
    os.replace(result + ".part", result)
