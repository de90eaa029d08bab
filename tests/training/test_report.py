import re
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from checkout_age.training.report import Report


def page(path: Path) -> str:
    report = Report("Apples & pears")
    report.heading("Weights")
    report.text("a < b")
    report.table(pd.DataFrame({"fruit": ["<script>"], "grams": [120]}), "Both")
    figure = Figure()
    figure.subplots().plot([0, 1], [1, 0])
    report.figure(figure, "A line")
    report.picture(np.zeros((4, 4, 3), np.uint8), "Black")
    report.write(path)
    return path.read_text(encoding="utf-8")


def test_a_page_holds_all_that_it_shows_and_asks_for_nothing_else(tmp_path: Path) -> None:
    written = page(tmp_path / "new" / "index.html")
    assert "<svg" in written
    assert 'src="data:image/png;base64,' in written
    assert "<link" not in written
    assert "<script" not in written
    fetched = re.findall(r'(?:src|href)="(?!data:|#)[^"]*"', written)
    assert not fetched


def test_what_is_shown_is_text_not_markup(tmp_path: Path) -> None:
    written = page(tmp_path / "index.html")
    assert "<title>Apples &amp; pears</title>" in written
    assert "<p>a &lt; b</p>" in written
    assert "<td>&lt;script&gt;</td>" in written


def test_the_same_figures_make_the_same_page(tmp_path: Path) -> None:
    assert page(tmp_path / "one.html") == page(tmp_path / "two.html")
