"""A checkpoint: where a training run stands, on disk after an epoch."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import keras

from checkout_age.server import chip
from checkout_age.training.fitting.averaging import Average
from checkout_age.training.fitting.recipe import Recipe
from checkout_age.training.fitting.snapshot import Snapshot


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
        self._recipe = recipe
        run = {
            "recipe": json.loads(json.dumps(asdict(recipe))),
            "initialisation": initialisation,
            "faces": faces,
            "precision": precision,
            "teachers": list(teachers),
            "chips": chip.DEFINITION,
        }
        self._epochs = Snapshot(folder, "state.json", "epoch", run)
        self.contrast = Snapshot(folder, "contrast.json", "contrast", run)
        """Of the epochs without labels, until one with labels is saved."""

    def require_ours(self) -> None:
        """Pass an empty folder, and one that holds this very run; the errors are restore's."""
        self._epochs.words()
        self.contrast.words()

    def restore(self, model: keras.Model) -> tuple[list[EpochRecord], Average]:
        """Load the last saved epoch into the compiled model; an empty history if there is none.

        Raises:
            RunError: the folder holds a run of another recipe, start or set of faces.
        """
        words = self._epochs.words()
        if words is None:
            return [], Average(self._recipe.averaged)
        arrays = self._epochs.restore(model, words)
        means = [arrays[name] for name in sorted(arrays) if name.startswith("mean/")]
        history = [EpochRecord(**record) for record in words["history"]]
        return history, Average(self._recipe.averaged, means, len(history))

    def save(self, model: keras.Model, history: list[EpochRecord], average: Average) -> None:
        """Put the state on disk, or not yet if the last one is young and more epochs will come."""
        self._epochs.save(
            model,
            len(history),
            {"history": [asdict(record) for record in history]},
            {f"mean/{index:04}": value for index, value in enumerate(average.values)},
            last=len(history) == self._recipe.epochs,
        )
        if self._epochs.words() is not None:
            self.contrast.remove()
