"""Weights: each of a network's variables by its path, such as `conv1_conv/kernel`."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open

Weights: TypeAlias = Mapping[str, NDArray[Any]]
"""By path. Kernels have Keras' order of axes: height, width, in, out."""


class StoredWeights(Weights):
    """The weights of a safetensors file, each read when it is asked for.

    A server of the int8 form asks for none and spends no memory on them.
    """

    def __init__(self, path: Path) -> None:
        """Read the names. Raises SafetensorError where the file is none of that kind."""
        file: Any = safe_open(path, "np")
        self._file = file
        self._names = frozenset(file.keys())

    def __getitem__(self, name: str) -> NDArray[Any]:
        if name not in self._names:
            raise KeyError(name)
        return np.asarray(self._file.get_tensor(name))

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._names))

    def __len__(self) -> int:
        return len(self._names)


def rounded(value: NDArray[Any]) -> NDArray[Any]:
    """Kernels in half precision; the few vectors, variances among them, keep their range."""
    return np.ascontiguousarray(value, np.float16 if value.ndim > 1 else np.float32)
