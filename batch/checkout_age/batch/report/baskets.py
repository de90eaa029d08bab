"""Basket lines in DuckDB: what each purchase came to, and which products were in it."""

from pathlib import Path

import duckdb

from checkout_age.batch.report.asked import Asked, ReportError

COLUMNS = ("purchase_id", "product", "category", "quantity", "amount")

NONE = """
CREATE VIEW basket_line AS SELECT 0::UBIGINT AS id, ''::VARCHAR AS product,
    ''::VARCHAR AS category, 0.0::DOUBLE AS quantity, 0.0::DOUBLE AS amount WHERE false"""
LINE = """
CREATE VIEW basket_line AS SELECT hash(purchase_id::VARCHAR) AS id, product::VARCHAR AS product,
    category::VARCHAR AS category, quantity::DOUBLE AS quantity, amount::DOUBLE AS amount
FROM {source} WHERE purchase_id IS NOT NULL"""
BASKET = """
CREATE TABLE basket AS SELECT id, sum(amount) AS amount, sum(quantity) AS items
FROM basket_line GROUP BY id"""


def load(connection: duckdb.DuckDBPyConnection, asked: Asked) -> None:
    """Make the view `basket_line` and the table `basket`, empty ones where there are no baskets.

    Purchases are named by the hash of their id: of ten million of them two share one with a
    probability of 3 in a million.

    Raises:
        ReportError: the file is not there, cannot be read, lacks columns or holds no numbers.
    """
    if asked.baskets is None:
        connection.execute(NONE)
        connection.execute(BASKET)
        return
    source = source_of(asked.baskets)
    try:
        names = [row[0] for row in connection.execute(f"DESCRIBE FROM {source}").fetchall()]
    except duckdb.IOException:
        raise ReportError(f"there are no basket lines at {asked.baskets}") from None
    except duckdb.Error as error:
        raise ReportError(f"{asked.baskets} cannot be read as basket lines: {error}") from error
    absent = [column for column in COLUMNS if column not in names]
    if absent:
        raise ReportError(
            f"{asked.baskets} lacks the column {', '.join(absent)}; it has {', '.join(names)}"
        )
    try:
        connection.execute(LINE.format(source=source))
        connection.execute(BASKET)
    except (duckdb.ConversionException, duckdb.InvalidInputException) as error:
        raise ReportError(
            f"{asked.baskets}: quantity and amount must be numbers: {error}"
        ) from error


def source_of(baskets: str) -> str:
    """The basket lines as a table of SQL: CSV by the ending .csv, all else Parquet."""
    quoted = baskets.replace("'", "''")
    if baskets.endswith((".csv", ".csv.gz")):
        return f"read_csv('{quoted}', all_varchar = true)"  # codes keep their leading zeros
    if Path(baskets).is_dir():
        quoted = f"{quoted.rstrip('/')}/**/*.parquet"
    return f"read_parquet('{quoted}', union_by_name = true)"
