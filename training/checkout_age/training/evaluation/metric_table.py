"""A table of metrics: the figures of an evaluation as people read them."""

from collections.abc import Iterable

import pandas as pd

from checkout_age.server.bundle import Metric


def metric_table(metrics: Iterable[Metric]) -> pd.DataFrame:
    """A row for each metric, in words: split, metric, value, 95 % interval, photos."""
    return pd.DataFrame(
        [
            (each.split, each.name, value_text(each), interval_text(each), f"{each.photos:,}")
            for each in metrics
        ],
        columns=["split", "metric", "value", "95 % interval", "photos"],
    )


def value_text(metric: Metric) -> str:
    """Years with two places, `5.58`, or a share of the photos, `60.2%`."""
    return f"{metric.value:{_form(metric)}}"


def interval_text(metric: Metric) -> str:
    """The 95 % interval as its value is written: `5.28 to 5.91`."""
    form = _form(metric)
    return f"{metric.low:{form}} to {metric.high:{form}}"


def _form(metric: Metric) -> str:
    in_years = metric.name.startswith("MAE") or metric.high > 1
    return ".2f" if in_years else ".1%"
