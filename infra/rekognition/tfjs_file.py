"""Reads the weights of a TensorFlow.js model: a manifest in JSON and a binary file."""

import json
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Tensors = dict[str, NDArray[np.float32]]


def read_tensors(manifest: Path, binary: Path) -> Tensors:
    """Every tensor, by its name in the network, as float32; quantized tensors are dequantized."""
    content = binary.read_bytes()
    tensors: Tensors = {}
    offset = 0
    for entry in json.loads(manifest.read_text(encoding="utf-8"))[0]["weights"]:
        dtype = np.dtype(entry.get("quantization", entry)["dtype"])
        values = np.frombuffer(content, dtype, prod(entry["shape"]), offset)
        tensors[entry["name"]] = _dequantized(values, entry).reshape(entry["shape"])
        offset += values.nbytes
    return tensors


def _dequantized(values: NDArray[Any], entry: dict[str, Any]) -> NDArray[np.float32]:
    if "quantization" not in entry:
        return values.astype(np.float32)
    quantization = entry["quantization"]
    numbers: NDArray[Any] = values * quantization["scale"] + quantization["min"]
    return numbers.astype(np.float32)
