"""Reads the tensors of a PyTorch checkpoint (the format before torch 1.6) without PyTorch.

Such a file consists of five pickles (magic number, protocol, system, tensors, storage keys) and
then the storages: for each one its length as an int64, and its elements.
"""

import pickle
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

Tensors = dict[str, NDArray[Any]]

ELEMENTS: Final = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}


@dataclass(frozen=True)
class _Tensor:
    """The position of a tensor in its storage, in elements."""

    storage: str
    element: np.dtype[Any]
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class _Tensors(pickle.Unpickler):
    """Resolves only the names that a table of tensors needs; any other name is an error."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _tensor
        if module == "torch" and name in ELEMENTS:
            return ELEMENTS[name]
        raise pickle.UnpicklingError(f"a checkpoint of tensors must not refer to {module}.{name}")

    def persistent_load(self, pid: Any) -> tuple[str, np.dtype[Any]]:
        _, element, key, *_ = pid
        return key, element


def _tensor(
    storage: tuple[str, np.dtype[Any]],
    offset: int,
    shape: tuple[int, ...],
    strides: tuple[int, ...],
    *_: Any,
) -> _Tensor:
    """The pickle calls this for each tensor."""
    key, element = storage
    return _Tensor(key, element, offset, shape, strides)


def read_tensors(path: Path) -> Tensors:
    """Every tensor, by its name in the network."""
    with path.open("rb") as file:
        for _ in ("magic number", "protocol", "system"):
            _Tensors(file).load()
        tensors: dict[str, _Tensor] = _Tensors(file).load()
        keys: list[str] = _Tensors(file).load()
        storages = {key: _storage(file, _element(tensors, key)) for key in keys}
    return {name: _view(tensor, storages[tensor.storage]) for name, tensor in tensors.items()}


def _element(tensors: dict[str, _Tensor], key: str) -> np.dtype[Any]:
    return next(tensor.element for tensor in tensors.values() if tensor.storage == key)


def _storage(file: BinaryIO, element: np.dtype[Any]) -> NDArray[Any]:
    length = int.from_bytes(file.read(8), "little")
    return np.frombuffer(file.read(length * element.itemsize), element)


def _view(tensor: _Tensor, storage: NDArray[Any]) -> NDArray[Any]:
    """The tensor's values. A tensor from TensorFlow has strides for another order of axes."""
    strides = [stride * storage.itemsize for stride in tensor.strides]
    return as_strided(storage[tensor.offset :], tensor.shape, strides, writeable=False)
