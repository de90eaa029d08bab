"""A snapshot: a model under training and its optimizer, on disk whole or as it was before."""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import keras
import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from checkout_age.training.fitting.recipe import RunError

EVERY = 60.0
"""Seconds between two snapshots at least; epochs on a GPU are shorter."""
NOTHING: Mapping[str, NDArray[Any]] = {}

Words: TypeAlias = dict[str, Any]


class Snapshot:
    """The last one of a run; a kill at any moment leaves a whole one."""

    def __init__(self, folder: Path, file: str, stem: str, run: Mapping[str, Any]) -> None:
        """`file` says what the run is and which of the files `stem`-NNN holds the arrays."""
        self._folder, self._file, self._stem = folder, file, stem
        self._run = dict(run)
        self._saved = time.monotonic()

    def words(self) -> Words | None:
        """What was saved beside the arrays; None where there is no snapshot.

        Raises:
            RunError: the folder holds one of another run.
        """
        if not (self._folder / self._file).is_file():
            return None
        words: Words = json.loads((self._folder / self._file).read_text())
        for what, ours in self._run.items():
            if words.get(what) != ours:
                raise RunError(
                    f"{self._folder} holds a run of another kind, its {what} differs; "
                    f"name another folder, or remove that one"
                )
        return words

    def restore(self, model: keras.Model, words: Words) -> dict[str, NDArray[Any]]:
        """Load what was saved into the compiled model; gives the arrays that are not its own."""
        model.optimizer.build(model.trainable_variables)
        arrays = load_file(self._folder / words["arrays"])
        for name, variable in _variables(model).items():
            variable.assign(arrays.pop(name))
        return arrays

    def save(
        self,
        model: keras.Model,
        number: int,
        words: Words,
        more: Mapping[str, NDArray[Any]] = NOTHING,
        *,
        last: bool,
    ) -> None:
        """Put the state after so many epochs on disk; not yet if the last one is young.

        The last epoch's is always saved.
        """
        if not last and time.monotonic() - self._saved < EVERY:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        name = f"{self._stem}-{number:03}.safetensors"
        arrays = {
            each: np.asarray(keras.ops.convert_to_numpy(variable.value))
            for each, variable in _variables(model).items()
        }
        save_file(arrays | dict(more), self._folder / name)
        written = self._folder / f"{self._file}.new"
        written.write_text(json.dumps({**self._run, "arrays": name, **words}, indent=2))
        written.replace(self._folder / self._file)
        for stale in self._folder.glob(f"{self._stem}-*"):
            if stale.name != name:
                stale.unlink()
        self._saved = time.monotonic()

    def remove(self) -> None:
        """It is not needed any more."""
        (self._folder / self._file).unlink(missing_ok=True)
        for stale in self._folder.glob(f"{self._stem}-*"):
            stale.unlink()


def _variables(model: keras.Model) -> dict[str, keras.Variable]:
    """All that training changes: weights, the states of random numbers, and the optimizer."""
    kinds = {"network": model.variables, "optimizer": model.optimizer.variables}
    return {
        f"{kind}/{index:04}": variable
        for kind, variables in kinds.items()
        for index, variable in enumerate(variables)
    }
