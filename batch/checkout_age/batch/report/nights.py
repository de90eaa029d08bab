"""The nights of a report in DuckDB: one compact row for each purchase of the range."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

import duckdb
import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from checkout_age.batch.age_groups import AgeGroups
from checkout_age.batch.lake import TABLE
from checkout_age.batch.report.asked import Asked, ReportError

WIDTHS = (8, 14, 20, 26)
"""Years at which the widths of told intervals are parted: who is told with what certainty."""
SAMPLE = 200_000
"""Rows, or a little more, from which the meaning of kinds of answers is read."""

KIND = (
    "CAST(least(floor(age), 100) * 8 + "
    + " + ".join(f"(age_high - age_low >= {width})::INT" for width in WIDTHS)
    + " AS USMALLINT)"
)
"""A told age in whole years, and in which of five classes of width its interval lies."""


def connect(asked: Asked, spill: Path) -> duckdb.DuckDBPyConnection:
    """A database in memory that spills to a folder and does not look things up elsewhere.

    Raises:
        ReportError: the memory asked for is no amount.
    """
    connection = duckdb.connect(
        config={
            "temp_directory": str(spill),
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "preserve_insertion_order": "false",
        }
    )
    try:
        connection.execute("SET memory_limit = ?", [asked.memory])
    except duckdb.Error as error:
        connection.close()
        raise ReportError(f"--memory is an amount as 1GB or 512MB, got {asked.memory!r}") from error
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def night_files(lake: Path, first: date, last: date) -> list[str]:
    """The Parquet files of the nights from the first to the last day, oldest first."""
    days = (first + timedelta(number) for number in range((last - first).days + 1))
    return [
        str(file)
        for day in days
        for file in sorted((lake / TABLE / f"purchase_date={day.isoformat()}").glob("*.parquet"))
    ]


def scan(files: Sequence[str]) -> str:
    """Nights as a table of SQL, columns by name so that older schemas fit."""
    quoted = ", ".join(f"'{file.replace(chr(39), chr(39) * 2)}'" for file in files)
    return f"read_parquet([{quoted}], hive_partitioning = true, union_by_name = true)"


def load(connection: duckdb.DuckDBPyConnection, asked: Asked) -> int:
    """Make the tables `purchase`, of the range, and `before`, of the weeks before; the rows.

    `basket` must be there: the table or view of what was bought, by hashed purchase_id.

    Raises:
        ReportError: there is no lake, or its nights lack columns.
    """
    if not (asked.lake / TABLE).is_dir():
        raise ReportError(
            f"{asked.lake} is no lake: it has no folder {TABLE}; name what `run --out` was given"
        )
    files = night_files(asked.lake, asked.first, asked.last)
    earlier = night_files(asked.lake, asked.earliest, asked.first - timedelta(days=1))
    zone = asked.zone.key
    source, source_before = (scan(some) if some else NO_NIGHTS for some in (files, earlier))
    try:
        connection.execute(PURCHASE.format(zone=zone, source=source))
        connection.execute(BEFORE.format(source=source_before))
    except (duckdb.BinderException, duckdb.InvalidInputException) as error:
        raise ReportError(
            f"the nights in {asked.lake} cannot be read: {str(error).splitlines()[0]}"
        ) from error
    (rows,) = connection.execute("SELECT count(*) FROM purchase").fetchall()
    return int(rows[0])


NO_NIGHTS = """(SELECT ''::VARCHAR AS purchase_id, DATE '2000-01-01' AS purchase_date,
    ''::VARCHAR AS store_id, TIMESTAMPTZ '2000-01-01' AS purchased_at, ''::VARCHAR AS status,
    ''::VARCHAR AS model_version, ''::VARCHAR AS age_group, 0.0::DOUBLE AS age,
    0.0::DOUBLE AS age_low, 0.0::DOUBLE AS age_high, 0 AS faces_found WHERE false)"""
PURCHASE = f"""
CREATE TABLE purchase AS
SELECT hash(night.purchase_id) AS id, purchase_date::DATE AS day, store_id AS store,
    date_part('hour', timezone('{{zone}}', purchased_at))::UTINYINT AS hour,
    epoch_us(purchased_at) AS moment, status, model_version AS model, age_group,
    CASE WHEN status = 'scored' THEN {KIND} END AS kind,
    coalesce(faces_found, 0) > 1 AS several, (age_high - age_low)::FLOAT AS width,
    basket.amount::FLOAT AS amount, basket.items::FLOAT AS items
FROM {{source}} AS night LEFT JOIN basket ON basket.id = hash(night.purchase_id)"""
BEFORE = """
CREATE TABLE before AS
SELECT status, model_version AS model, age_group, coalesce(faces_found, 0) > 1 AS several,
    (age_high - age_low)::FLOAT AS width, epoch_us(purchased_at) AS moment
FROM {source}"""


class Repeated(NamedTuple):
    """Purchases of the range whose id stands in several nights of the lake."""

    ids: int
    rows: int


def part_repeated(connection: duckdb.DuckDBPyConnection, asked: Asked) -> Repeated:
    """Take the baskets from purchases whose id several nights have: whose they are is not known.

    All nights of the lake are looked at, of those out of the range the ids alone; without baskets
    those of the range.
    """
    everything = "SELECT id FROM purchase"
    if asked.baskets is not None:
        within = set(night_files(asked.lake, asked.first, asked.last))
        every = sorted(map(str, (asked.lake / TABLE).glob("purchase_date=*/*.parquet")))
        if others := [file for file in every if file not in within]:
            everything += (
                f" UNION ALL SELECT hash(purchase_id) AS id FROM {scan(others)}"
                " SEMI JOIN purchase ON purchase.id = hash(purchase_id)"
            )
    connection.execute(
        f"CREATE TEMP TABLE repeated AS SELECT id FROM ({everything}) "
        "GROUP BY id HAVING count(*) > 1"
    )
    ids, rows = connection.execute("SELECT count(*), 0 FROM repeated").fetchall()[0]
    if ids:
        (rows,) = connection.execute(
            "UPDATE purchase SET id = NULL, amount = NULL, items = NULL "
            "WHERE id IN (SELECT id FROM repeated)"
        ).fetchall()[0]
    connection.execute("DROP TABLE repeated")
    return Repeated(int(ids), int(rows))


def groups_of(connection: duckdb.DuckDBPyConnection, files: Sequence[str]) -> AgeGroups | None:
    """The age groups of the nights' scored rows; None where no row is scored.

    Raises:
        ReportError: nights were scored in different groups.
    """
    if not files:
        return None
    found = connection.execute(
        "SELECT DISTINCT list_transform(age_group_probabilities, lambda p: p.age_group) "
        f"FROM {scan(_some(files))} WHERE status = 'scored'"
    ).fetchall()
    sets = sorted(tuple(labels) for (labels,) in found)
    seen = connection.execute(
        "SELECT DISTINCT age_group FROM purchase WHERE kind IS NOT NULL ORDER BY ALL"
    ).fetchall()
    strange = tuple(label for (label,) in seen if sets and label not in sets[0])
    if len(sets) > 1 or strange:
        told = " and ".join(", ".join(labels) for labels in (*sets, strange) if labels)
        raise ReportError(
            f"the nights were scored in different age groups: {told}; draw them anew with "
            "`regroup`, or report on a range that has one set"
        )
    if seen and not sets:  # the sampled nights have no face
        return groups_of(connection, files[1:])
    return AgeGroups(tuple(map(_start, sets[0]))) if sets else None


@dataclass(frozen=True)
class Kinds:
    """What the kinds of answers mean, of each model."""

    models: tuple[str, ...]
    numbers: NDArray[np.int64]
    """Of the model in `models`, shape (kinds,)."""
    codes: NDArray[np.int64]
    """As in the column `kind`, shape (kinds,)."""
    posteriors: NDArray[np.float64]
    """The mean probability of each group, shape (kinds, groups)."""


def kinds_of(connection: duckdb.DuckDBPyConnection, files: Sequence[str]) -> Kinds:
    """The kinds in the nights; one that the sample of rows lacks takes its neighbour's meaning."""
    there = connection.execute(
        "SELECT model, kind, count(*) FROM purchase WHERE kind IS NOT NULL "
        "GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    known: dict[tuple[str, int], NDArray[np.float64]] = {
        (str(model), int(kind)): np.array(posterior)
        for model, kind, posterior in connection.execute(_meaning(_some(files))).fetchall()
    }
    models = tuple(sorted({model for model, *_ in there}))
    rows = [known[_nearest(model, kind, known)] for model, kind, _ in there]
    return Kinds(
        models,
        np.array([models.index(model) for model, *_ in there], np.int64),
        np.array([kind for _, kind, _ in there], np.int64),
        np.stack([row / row.sum() for row in rows]) if rows else np.zeros((0, 0)),
    )


def _meaning(files: Sequence[str]) -> str:
    """The mean probability of each group by model and kind, as SQL."""
    return f"""
    WITH sampled AS (
        SELECT model_version, {KIND} AS kind,
            list_transform(age_group_probabilities, lambda p: p.probability) AS told
        FROM {scan(files)} WHERE status = 'scored'
    )
    SELECT model_version, kind, list(total ORDER BY place) FROM (
        SELECT model_version, kind, place, avg(probability) AS total FROM (
            SELECT model_version, kind, unnest(told) AS probability,
                generate_subscripts(told, 1) AS place
            FROM sampled
        ) GROUP BY ALL
    ) GROUP BY ALL"""


def _start(label: str) -> int:
    """The youngest age of a group by its label, as 25-34 or 65+."""
    return int(label.rstrip("+").split("-")[0])


def _some(files: Sequence[str]) -> list[str]:
    """Nights spread over the range that have the rows of a sample between them."""
    rows = [pq.read_metadata(file).num_rows for file in files]
    wanted = max(1, round(len(files) * SAMPLE / max(sum(rows), 1)))
    places = np.unique(np.linspace(0, len(files) - 1, min(wanted, len(files))).round().astype(int))
    return [files[place] for place in places]


def _nearest(
    model: str, kind: int, known: Mapping[tuple[str, int], NDArray[np.float64]]
) -> tuple[str, int]:
    """The known kind of the same model that is closest in told age, then in width."""
    if (model, kind) in known:
        return model, kind
    of_model = [each for each in known if each[0] == model] or list(known)
    return min(of_model, key=lambda each: (abs(each[1] // 8 - kind // 8), abs(each[1] - kind)))
