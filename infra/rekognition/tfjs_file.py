"""Reads the weights of a TensorFlow.js model: a table in JSON, and the numbers in one file."""

import json
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Tensors = dict[str, NDArray[np.float32]]


def read_tensors(table: Path, numbers: Path) -> Tensors:
    """Every tensor by its name in the network, as it was before it was quantized to a byte."""
    content = numbers.read_bytes()
    tensors: Tensors = {}
    at = 0
    for entry in json.loads(table.read_text(encoding="utf-8"))[0]["weights"]:
        stored = np.dtype(entry.get("quantization", entry)["dtype"])
        values = np.frombuffer(content, stored, prod(entry["shape"]), at)
        tensors[entry["name"]] = _restored(values, entry).reshape(entry["shape"])
        at += values.nbytes
    return tensors


def _restored(values: NDArray[Any], entry: dict[str, Any]) -> NDArray[np.float32]:
    if "quantization" not in entry:
        return values.astype(np.float32)
    steps = entry["quantization"]
    restored: NDArray[np.float32] = (values * steps["scale"] + steps["min"]).astype(np.float32)
    return restored
