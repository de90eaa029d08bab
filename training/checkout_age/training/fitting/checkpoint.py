"""A checkpoint: where a training run stands, on disk after every epoch."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras

from checkout_age.server import chip
from checkout_age.training.fitting.recipe import Recipe, RunError

STATE = "state.json"


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
    """The last finished epoch of one run: weights, optimizer and the history until then."""

    def __init__(
        self,
        folder: Path,
        recipe: Recipe,
        *,
        initialisation: str,
        faces: str,
        precision: str = "float32",
    ) -> None:
        """A run is told from others by all of these and by how its chips are cut."""
        self._folder = folder
        self._run = {
            "recipe": json.loads(json.dumps(asdict(recipe))),
            "initialisation": initialisation,
            "faces": faces,
            "precision": precision,
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

    def restore(self, model: keras.Model) -> list[EpochRecord]:
        """Load the last finished epoch into the model; an empty history if there is none.

        Raises:
            RunError: the folder holds a run of another recipe, start or set of faces.
        """
        state = self._state()
        if state is None:
            return []
        model.optimizer.build(model.trainable_variables)
        model.load_weights(self._folder / state["weights"])
        for seed, value in zip(_seeds(model), state["seeds"], strict=True):
            seed.assign(value)
        return [EpochRecord(**record) for record in state["history"]]

    def save(self, model: keras.Model, history: list[EpochRecord]) -> None:
        """Put the state on disk; a kill at any moment leaves the last whole state."""
        self._folder.mkdir(parents=True, exist_ok=True)
        weights = f"epoch-{len(history):03}.weights.h5"
        model.save_weights(self._folder / weights)
        state = {
            **self._run,
            "weights": weights,
            "seeds": [keras.ops.convert_to_numpy(seed.value).tolist() for seed in _seeds(model)],
            "history": [asdict(record) for record in history],
        }
        written = self._folder / f"{STATE}.new"
        written.write_text(json.dumps(state, indent=2))
        written.replace(self._folder / STATE)
        for stale in self._folder.glob("epoch-*.weights.h5"):
            if stale.name != weights:
                stale.unlink()


def _seeds(model: keras.Model) -> list[keras.Variable]:
    """The states of dropout's random numbers, which Keras leaves out of its weights file."""
    return [
        variable for variable in model.variables if variable.path.endswith("seed_generator_state")
    ]
