"""Figures that several commands write into one JSON object, each adding its own."""

import json
import math
from collections.abc import Mapping
from pathlib import Path


def merge(file: Path | None, figures: Mapping[str, object]) -> None:
    """Add the figures to those that the file holds; None: there is no file, nothing is written.

    What is no number that JSON knows is null.
    """
    if file is None:
        return
    known = {
        name: None if isinstance(each, float) and not math.isfinite(each) else each
        for name, each in figures.items()
    }
    held = json.loads(file.read_text()) if file.exists() and file.stat().st_size else {}
    written = file.with_name(file.name + ".new")
    written.write_text(json.dumps({**held, **known}, indent=2) + "\n")
    written.replace(file)
