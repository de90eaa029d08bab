"""Progress: the logs that TensorBoard draws, and how long a run will still take."""

from pathlib import Path
from types import TracebackType
from typing import Any, Self

import keras
from tensorboardX import SummaryWriter

from checkout_age.training.fitting.checkpoint import EpochRecord
from checkout_age.training.fitting.recipe import Recipe

LOGS = "logs"
EVERY = 20
"""Steps between two points of the loss."""


class RunLog:
    """Writes TensorBoard's event files into the folder `logs` of a run; whatever the backend."""

    def __init__(self, run: Path, epochs_done: int) -> None:
        self._writer = SummaryWriter(str(run / LOGS))
        self._epochs_done = epochs_done

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._writer.close()

    def steps(self, steps_of_epoch: int) -> keras.callbacks.Callback:
        """What Keras tells after each batch of an epoch."""
        return _Steps(self._writer, self._epochs_done * steps_of_epoch)

    def epoch(self, number: int, record: EpochRecord) -> None:
        """Log a finished epoch, counted from 1."""
        self._epochs_done = number
        for name in ("loss", "train_mae", "valid_mae", "side", "seconds"):
            self._writer.add_scalar(f"epoch/{name}", getattr(record, name), number)
        self._writer.flush()


class _Steps(keras.callbacks.Callback):  # type: ignore[misc]  # keras has no types
    async_safe = True
    """Keras may tell of a batch while the next one is computed."""

    def __init__(self, writer: SummaryWriter, before: int) -> None:
        super().__init__()
        self._writer = writer
        self._before = before

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if batch % EVERY == 0:
            for name, value in (logs or {}).items():
                self._writer.add_scalar(f"step/{name}", float(value), self._before + batch)


def time_left(recipe: Recipe, history: list[EpochRecord]) -> str:
    """How long the epochs that are left will take, as long as the last one by area of chip."""
    last = history[-1]
    left = range(len(history), recipe.epochs)
    area = sum((recipe.stage_of(epoch).side / last.side) ** 2 for epoch in left)
    minutes = round(area * last.seconds / 60)
    if not left:
        return f"{sum(record.seconds for record in history) / 60:.0f} min in all"
    return f"about {minutes // 60} h {minutes % 60:02} min left"
