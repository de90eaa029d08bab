"""A checkpoint: where a training run stands, on disk after an epoch."""

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from checkout_age.server import chip
from checkout_age.training.fitting.averaging import Average
from checkout_age.training.fitting.recipe import Recipe, RunError

STATE = "state.json"
EVERY = 60.0
"""Seconds between two checkpoints at least; epochs on a GPU are shorter."""


@dataclass(frozen=True)
class EpochRecord:
    """What one epoch reached; errors in years."""

    side: int
    loss: float
    train_mae: float
    valid_mae: float
    seconds: float = 0.0
    """How long fitting and measuring took."""

    def __str__(self) -> str:
        return (
            f"loss {self.loss:.3f}, train MAE {self.train_mae:.2f}, "
            f"valid MAE {self.valid_mae:.2f} years"
        )


class Checkpoint:
    """A finished epoch of one run: weights, their mean, optimizer and the history until then."""

    def __init__(
        self,
        folder: Path,
        recipe: Recipe,
        *,
        initialisation: str,
        faces: str,
        precision: str = "float32",
        teachers: Sequence[str] = (),
    ) -> None:
        """A run is told from others by all of these and by how its chips are cut."""
        self._folder = folder
        self._recipe = recipe
        self._saved = time.monotonic()
        self._run = {
            "recipe": json.loads(json.dumps(asdict(recipe))),
            "initialisation": initialisation,
            "faces": faces,
            "precision": precision,
            "teachers": list(teachers),
            "chips": chip.DEFINITION,
        }

    def require_ours(self) -> None:
        """Pass an empty folder, and one that holds this very run; the errors are restore's."""
        self._state()

    def _state(self) -> dict[str, Any] | None:
        if not (self._folder / STATE).is_file():
            return None
        state: dict[str, Any] = json.loads((self._folder / STATE).read_text())
        for what, ours in self._run.items():
            if state.get(what) != ours:
                raise RunError(
                    f"{self._folder} holds a run of another kind, its {what} differs; "
                    f"name another folder with --run, or remove that one"
                )
        return state

    def restore(self, model: keras.Model) -> tuple[list[EpochRecord], Average]:
        """Load the last saved epoch into the compiled model; an empty history if there is none.

        Raises:
            RunError: the folder holds a run of another recipe, start or set of faces.
        """
        state = self._state()
        if state is None:
            return [], Average(self._recipe.averaged)
        model.optimizer.build(model.trainable_variables)
        arrays = load_file(self._folder / state["arrays"])
        for name, variable in _variables(model).items():
            variable.assign(arrays[name])
        means = [arrays[name] for name in sorted(arrays) if name.startswith("mean/")]
        history = [EpochRecord(**record) for record in state["history"]]
        return history, Average(self._recipe.averaged, means, len(history))

    def save(self, model: keras.Model, history: list[EpochRecord], average: Average) -> None:
        """Put the state on disk, or not yet if the last one is young and more epochs will come.

        A kill at any moment leaves the last whole state.
        """
        if len(history) < self._recipe.epochs and time.monotonic() - self._saved < EVERY:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        name = f"epoch-{len(history):03}.safetensors"
        arrays: dict[str, NDArray[Any]] = {
            name: np.asarray(keras.ops.convert_to_numpy(variable.value))
            for name, variable in _variables(model).items()
        }
        arrays |= {f"mean/{index:04}": value for index, value in enumerate(average.values)}
        save_file(arrays, self._folder / name)
        state = {
            **self._run,
            "arrays": name,
            "history": [asdict(record) for record in history],
        }
        written = self._folder / f"{STATE}.new"
        written.write_text(json.dumps(state, indent=2))
        written.replace(self._folder / STATE)
        for stale in self._folder.glob("epoch-*"):
            if stale.name != name:
                stale.unlink()
        self._saved = time.monotonic()


def _variables(model: keras.Model) -> dict[str, keras.Variable]:
    """All that training changes: weights, the states of random numbers, and the optimizer."""
    kinds = {"network": model.variables, "optimizer": model.optimizer.variables}
    return {
        f"{kind}/{index:04}": variable
        for kind, variables in kinds.items()
        for index, variable in enumerate(variables)
    }
