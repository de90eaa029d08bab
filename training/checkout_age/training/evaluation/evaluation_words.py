"""Evaluation in words: its tables as people read them, and what stands out in them."""

import pandas as pd

SHARES = {"share", "said", "seen", "level"}
"""Columns that are shown in per cent."""


def in_words(table: pd.DataFrame) -> pd.DataFrame:
    """Shares in per cent, other fractions with two places."""
    shown = pd.DataFrame()
    for column in map(str, table.columns):
        form = ".1%" if column in SHARES else ".2f"
        values = table[column].tolist()
        shown[column.replace("_", " ")] = [
            f"{value:{form}}" if isinstance(value, float) else value for value in values
        ]
    return shown


def with_intervals(table: pd.DataFrame) -> pd.DataFrame:
    """Errors of groups with their intervals as one column each."""
    return pd.DataFrame(
        {
            table["by"].iloc[0] if table["by"].nunique() == 1 else "group": table["group"],
            "photos": table["photos"],
            "MAE": [f"{mae:.2f}" for mae in table["mae"]],
            "95 % interval": _intervals(table, "mae", ".2f"),
            "in the 90 % interval": [f"{share:.1%}" for share in table["covered"]],
            "too old by": [f"{bias:+.2f}" for bias in table["bias"]],
            "95 % interval of it": _intervals(table, "bias", "+.2f"),
        }
    )


def extremes(table: pd.DataFrame) -> str:
    """Who is judged best and worst, and who is surely told too old or too young.

    Reads on after "by gender, ".
    """
    ordered = table.sort_values("mae")
    best, worst = ordered.iloc[0], ordered.iloc[-1]
    said = (
        f"the error is smallest for {best['group']} ({best['mae']:.2f} years) and largest for "
        f"{worst['group']} ({worst['mae']:.2f})."
    )
    for words, sure in (("old", table["bias_low"] > 0), ("young", table["bias_high"] < 0)):
        if sure.any():
            some = zip(table.loc[sure, "group"], table.loc[sure, "bias"], strict=True)
            names = ", ".join(f"{name} ({bias:+.2f})" for name, bias in some)
            said += f" Told too {words} on average: {names}."
    return said


def _intervals(table: pd.DataFrame, name: str, form: str) -> list[str]:
    ends = zip(table[f"{name}_low"], table[f"{name}_high"], strict=True)
    return [f"{low:{form}} to {high:{form}}" for low, high in ends]
