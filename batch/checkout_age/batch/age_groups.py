"""Age groups, and how a night's rows are drawn into others from their stored distributions."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from checkout_age.batch.schema import SCHEMA

OLDEST = 100


@dataclass(frozen=True)
class AgeGroups:
    """Groups of whole years that follow each other from 0 to 100; the last is open."""

    starts: tuple[int, ...]
    """The youngest age of each."""

    def __post_init__(self) -> None:
        rising = all(a < b for a, b in pairwise(self.starts))
        if not self.starts or self.starts[0] != 0 or not rising or self.starts[-1] > OLDEST:
            raise ValueError(
                f"age groups start at 0 and rise to at most {OLDEST}, "
                f"got {','.join(map(str, self.starts))}"
            )

    @classmethod
    def of(cls, text: str) -> "AgeGroups":
        """From the youngest ages, as 0,18,65. Raises ValueError."""
        try:
            return cls(tuple(int(start) for start in text.split(",")))
        except ValueError as error:
            if "start at 0" in str(error):
                raise
            raise ValueError(f"age groups are whole years as in 0,18,65, got {text!r}") from None

    def __str__(self) -> str:
        return ",".join(map(str, self.starts))

    @property
    def labels(self) -> list[str]:
        """What people read, as 25-34 or 65+."""
        ends = [f"{a}-{b - 1}" for a, b in pairwise(self.starts)]
        return [*ends, f"{self.starts[-1]}+"]

    def redrawn(self, rows: pa.Table) -> pa.Table:
        """The rows with these groups instead of theirs; ages and all else stay."""
        scored = pc.is_valid(rows["age_distribution"]).to_numpy()
        shares = rows["age_distribution"].combine_chunks()
        flat = np.asarray(shares.flatten().to_numpy(zero_copy_only=False), np.float64)
        by_year = flat.reshape(int(scored.sum()), OLDEST + 1)
        sums = np.add.reduceat(by_year, list(self.starts), axis=1)
        probabilities = sums / sums.sum(axis=1, keepdims=True)
        labels = np.array(self.labels, dtype=object)
        likeliest = np.full(len(rows), None, dtype=object)
        likeliest[scored] = labels[probabilities.argmax(axis=1)]
        rows = _with(rows, "age_group", pa.array(likeliest, pa.string()))
        return _with(rows, "age_group_probabilities", self._lists(probabilities, scored))

    def _lists(self, probabilities: np.ndarray, scored: np.ndarray) -> pa.Array:
        kind = SCHEMA.field("age_group_probabilities").type
        every = pa.StructArray.from_arrays(
            [
                pa.array(np.tile(np.array(self.labels, object), len(probabilities)), pa.string()),
                pa.array(probabilities.ravel()),
            ],
            fields=list(kind.value_type),
        )
        lengths = np.where(scored, len(self.starts), 0)
        ends = np.concatenate([[0], lengths.cumsum()]).astype(np.int32)
        return pa.ListArray.from_arrays(pa.array(ends), every, mask=pa.array(~scored)).cast(kind)


def _with(rows: pa.Table, name: str, column: pa.Array) -> pa.Table:
    return rows.set_column(rows.schema.get_field_index(name), rows.schema.field(name), column)
