"""A report: one HTML page that holds its figures, tables and style, and needs no network."""

import base64
import io
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup
from matplotlib import rc_context
from matplotlib.figure import Figure
from PIL import Image

from checkout_age.server.photo import Pixels

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ title }}</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem;
  color: #222; background: #fff; }
h1, h2 { line-height: 1.2; } h2 { margin-top: 2.5rem; }
figure { margin: 1rem 0; } figcaption { color: #555; font-size: 0.9rem; }
svg, img { max-width: 100%; height: auto; }
.table { overflow-x: auto; }
table { border-collapse: collapse; font-size: 0.9rem; font-variant-numeric: tabular-nums; }
th, td { padding: 0.2rem 0.7rem; text-align: right; border-bottom: 1px solid #ddd; }
th { border-bottom: 2px solid #888; } td:first-child, th:first-child { text-align: left; }
@media print { body { margin: 0; max-width: none; } figure, table { break-inside: avoid; } }
</style>
</head>
<body>
<h1>{{ title }}</h1>
{% for part in parts %}{{ part }}
{% endfor %}
</body>
</html>
"""
DENSITY = 100
"""Dots per inch of the pictures within figures."""
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
"""Colours told apart by every kind of eye (Okabe and Ito 2008)."""

_ENVIRONMENT = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)


@dataclass
class Report:
    """Headings, text, tables and figures in the order in which they are added."""

    title: str
    _parts: list[Markup] = field(default_factory=list)

    def heading(self, text: str) -> None:
        """Begin a section."""
        self._add("<h2>{{ text }}</h2>", text=text)

    def text(self, text: str) -> None:
        """Add a paragraph."""
        self._add("<p>{{ text }}</p>", text=text)

    def table(self, table: pd.DataFrame, caption: str = "") -> None:
        """Add a table; its values as they are, so format them before."""
        self._add(
            "<figure><div class=table><table><tr>{% for name in names %}<th>{{ name }}</th>"
            "{% endfor %}</tr>{% for row in rows %}<tr>{% for value in row %}<td>{{ value }}</td>"
            "{% endfor %}</tr>{% endfor %}</table></div>"
            "{% if caption %}<figcaption>{{ caption }}</figcaption>{% endif %}</figure>",
            names=table.columns.tolist(),
            rows=table.itertuples(index=False, name=None),
            caption=caption,
        )

    def figure(self, figure: Figure, caption: str) -> None:
        """Add a drawing as lines that print sharply."""
        drawn, undated = io.StringIO(), {"Date": None}
        with rc_context({"svg.hashsalt": self.title}):
            figure.savefig(drawn, format="svg", bbox_inches="tight", dpi=DENSITY, metadata=undated)
        lines = drawn.getvalue()
        self._add(
            "<figure>{{ drawing }}<figcaption>{{ caption }}</figcaption></figure>",
            drawing=Markup(lines[lines.index("<svg") :]),  # noqa: S704  # drawn here
            caption=caption,
        )

    def picture(self, pixels: Pixels, caption: str) -> None:
        """Add an image, shape (height, width, 3)."""
        png = io.BytesIO()
        Image.fromarray(pixels).save(png, "PNG")
        self._add(
            '<figure><img alt="{{ caption }}" src="data:image/png;base64,{{ data }}">'
            "<figcaption>{{ caption }}</figcaption></figure>",
            data=base64.b64encode(png.getvalue()).decode(),
            caption=caption,
        )

    def write(self, path: Path) -> None:
        """Put the page on disk, its folder too where there is none."""
        path.parent.mkdir(parents=True, exist_ok=True)
        page = _ENVIRONMENT.from_string(PAGE).render(title=self.title, parts=self._parts)
        path.write_text(page, encoding="utf-8")

    def _add(self, template: str, **values: object) -> None:
        self._parts.append(Markup(_ENVIRONMENT.from_string(template).render(**values)))  # noqa: S704
