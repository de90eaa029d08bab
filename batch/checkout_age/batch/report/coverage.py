"""Coverage and drift: what was scored and what not, why, and what changed against before."""

import duckdb
import numpy as np
import pandas as pd

from checkout_age.batch.age_groups import AgeGroups
from checkout_age.batch.report.suppression import rounded, suppressed

NORMAL = 1.96
"""Standard deviations on either side that hold 95 % of a normal distribution."""
MOVED = 0.25
"""A population stability index from here on is read as a real shift, by convention."""


def coverage_table(connection: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """How many purchases fared how: a row for each store, hour, both, and status of each.

    `share` is of the purchases of that store and hour. A null store or hour means all of them.
    These rows tell nothing of ages, so nothing in them is suppressed.
    """
    return connection.execute("""
        SELECT store, hour, status, count(*)::BIGINT AS purchases,
            count(*) / sum(count(*)) OVER (
                PARTITION BY grouping(store), grouping(hour), store, hour
            ) AS share
        FROM purchase
        GROUP BY GROUPING SETS ((status), (store, status), (hour, status), (store, hour, status))
        ORDER BY store NULLS FIRST, hour NULLS FIRST, purchases DESC, status""").df()


def basket_table(connection: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """How far baskets and purchases match: one row of counts."""
    return connection.execute("""
        SELECT (SELECT count(*) FROM basket)::BIGINT AS baskets,
            count(*)::BIGINT AS purchases, count(amount)::BIGINT AS matched,
            count(amount) FILTER (status = 'scored')::BIGINT AS matched_and_scored
        FROM purchase""").df()


def model_table(connection: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """The models of the range: `model`, `first` and `last` day, `purchases` scored."""
    return connection.execute("""
        SELECT model, min(day)::VARCHAR AS first, max(day)::VARCHAR AS last,
            count(*)::BIGINT AS purchases
        FROM purchase WHERE kind IS NOT NULL GROUP BY model ORDER BY first, model""").df()


def drift_table(connection: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """Signs of worse photos, now and in the weeks before: shares with the 95 % interval of change.

    Intervals of differences are Agresti and Caffo's (2000).
    """
    rows = connection.execute("""
        WITH photo AS (
            SELECT 'now' AS period, status, several FROM purchase
            UNION ALL SELECT 'before', status, several FROM before
        ), signs AS (
            SELECT period, 'not scored' AS sign, (status <> 'scored') AS seen FROM photo
            UNION ALL SELECT period, status, true FROM photo WHERE status <> 'scored'
            UNION ALL SELECT period, 'several faces in view', several FROM photo
        ), total AS (SELECT period, count(*) AS purchases FROM photo GROUP BY period)
        SELECT sign, count(*) FILTER (seen AND period = 'now') AS now,
            count(*) FILTER (seen AND period = 'before') AS before,
            coalesce((SELECT purchases FROM total WHERE period = 'now'), 0) AS all_now,
            coalesce((SELECT purchases FROM total WHERE period = 'before'), 0) AS all_before
        FROM signs GROUP BY sign ORDER BY sign""").df()
    if rows.empty or not rows["all_before"].all() or not rows["all_now"].all():
        return pd.DataFrame(columns=["sign", "before", "now", "change", "low", "high", "changed"])
    now, before = rows["now"] / rows["all_now"], rows["before"] / rows["all_before"]
    first = (rows["now"] + 1) / (rows["all_now"] + 2)
    second = (rows["before"] + 1) / (rows["all_before"] + 2)
    error = NORMAL * np.sqrt(
        first * (1 - first) / (rows["all_now"] + 2)
        + second * (1 - second) / (rows["all_before"] + 2)
    )
    low, high = first - second - error, first - second + error
    return pd.DataFrame(
        {
            "sign": rows["sign"],
            "before": before,
            "now": now,
            "change": now - before,
            "low": low,
            "high": high,
            "changed": (low > 0) | (high < 0),
        }
    )


def age_drift_table(
    connection: duckdb.DuckDBPyConnection, groups: AgeGroups, threshold: int
) -> pd.DataFrame:
    """The plain age mix now and in the weeks before, rounded and suppressed as shares are.

    Empty where the weeks before have no scored row or were scored in other groups.
    """
    rows = connection.execute("""
        SELECT age_group, 'now' AS period, count(*) AS purchases, sum(moment)::VARCHAR AS moments
        FROM purchase WHERE kind IS NOT NULL GROUP BY age_group
        UNION ALL
        SELECT age_group, 'before', count(*), sum(moment)::VARCHAR
        FROM before WHERE status = 'scored' GROUP BY age_group""").df()
    told = {
        period: some.set_index("age_group").reindex(groups.labels)
        for period, some in rows.groupby("period")
    }
    comparable = rows["age_group"].isin(groups.labels).all()
    if set(told) != {"now", "before"} or not comparable:
        return pd.DataFrame(columns=["age_group", "before", "now", "change"])
    hidden = np.zeros(len(groups.labels), bool)
    shown = {}
    for period, some in told.items():
        counts = some["purchases"].fillna(0).to_numpy(np.int64)
        hidden |= suppressed(counts[None], threshold)[0]
        keys = [
            f"purchases {n} {moments}" for n, moments in zip(counts, some["moments"], strict=True)
        ]
        plain = [rounded(float(n), threshold, key) for n, key in zip(counts, keys, strict=True)]
        shown[period] = np.array(plain) / counts.sum()
    if hidden.sum() == 1:
        counts = told["now"]["purchases"].fillna(0).to_numpy(np.int64)
        hidden |= counts == counts[~hidden].min()
    figures = pd.DataFrame(
        {
            "age_group": groups.labels,
            "before": shown["before"],
            "now": shown["now"],
            "change": shown["now"] - shown["before"],
        }
    )
    figures.loc[hidden, ["before", "now", "change"]] = np.nan
    return figures


def stability_index(mix: pd.DataFrame) -> float | None:
    """The population stability index of the groups that may be told; None without any.

    sum((now - before) * ln(now / before)), as credit scoring uses it (Siddiqi 2006).
    """
    told = mix.dropna(subset=["before", "now"])
    told = told[(told["before"] > 0) & (told["now"] > 0)]
    if told.empty:
        return None
    return float(((told["now"] - told["before"]) * np.log(told["now"] / told["before"])).sum())
