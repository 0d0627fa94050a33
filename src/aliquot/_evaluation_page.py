"""Evaluations as HTML that needs no other file: tables, and figures as SVG."""

from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from aliquot._confusion_view import MOST_LABELS, as_html, row_shares
from aliquot._scores import Scores
from aliquot.ranking import BinaryCurve

MOST_SLICES = 1000
"""Rows of the table on a page, which browsers still show at once."""

MOST_POINTS = 400
"""Of a curve: as many as a figure has pixels across."""

DIGITS = 4
"""After the point."""

SIDE = 260
MARGIN = 45

STYLE = """
body { font: 14px/1.4 system-ui, sans-serif; margin: 2em; color: #222 }
table { border-collapse: collapse; margin: 1em 0 } td, th { padding: 2px 10px; text-align: right }
th { border-bottom: 1px solid #999 } tr.small td { color: #999 } figure { display: inline-block; margin: 0 2em 1em 0 }
svg text { font: 11px system-ui, sans-serif }
"""


def as_page(title: str, table: pa.Table, by: Sequence[str], matrix: Scores | None, curve: BinaryCurve | None) -> str:
    """The whole page."""
    figures = []
    if matrix is not None and 0 < len(matrix.labels) <= MOST_LABELS:
        figures.append(_figure("Confusion matrix", _heat_map(matrix)))
    if curve is not None and all(curve.totals()):
        fpr, tpr, _ = curve.roc_curve()
        precision, recall, _ = curve.pr_curve(drop_intermediate=True)
        figures.append(_figure("ROC", _curve_plot(fpr, tpr, "false positive rate", "true positive rate")))
        figures.append(_figure("Precision and recall", _curve_plot(recall, precision, "recall", "precision")))
    cells = "" if matrix is None else as_html(matrix)
    title = escape(title)
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>{STYLE}</style>'
        f"</head>\n<body><h1>{title}</h1>\n{''.join(figures)}\n{as_html_table(table, by)}\n{cells}\n</body></html>\n"
    )


def as_html_table(table: pa.Table, by: Sequence[str]) -> str:
    """The scores as a table, small slices in grey."""
    head = "".join(f"<th>{escape(name)}</th>" for name in table.column_names)
    lines = [f"<tr>{head}</tr>"]
    for i, row in enumerate(table.slice(0, MOST_SLICES + 1).to_pylist()):
        cells = [shown(value) for value in row.values()]
        if i == 0:
            cells[: len(by)] = ["all"] * len(by)
        style = ' class="small"' if row["small"] else ""
        lines.append(f"<tr{style}>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>")
    more = table.num_rows - 1 - MOST_SLICES
    note = f"<p>... and {more:,} more slices</p>" if more > 0 else ""
    return f"<table>{chr(10).join(lines)}</table>{note}"


def shown(value: Any) -> str:
    """A value as a table shows it."""
    if isinstance(value, float):
        return f"{value:.{DIGITS}f}"
    if isinstance(value, bool):
        return "yes" if value else ""
    return "-" if value is None else f"{value:,}" if isinstance(value, int) else str(value)


def _figure(caption: str, drawing: str) -> str:
    return f"<figure><figcaption>{caption}</figcaption>{drawing}</figure>"


def _heat_map(matrix: Any) -> str:
    shares = row_shares(matrix)
    labels = [escape(str(label)) for label in matrix.labels]
    step = SIDE / len(labels)
    parts = []
    for (i, j), share in np.ndenumerate(shares):
        x, y = MARGIN + j * step, i * step
        parts.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{step:.1f}" height="{step:.1f}" fill="#1f77b4" '
            f'fill-opacity="{share:.3f}"><title>{labels[i]} as {labels[j]}: {share:.4f}</title></rect>'
        )
        if step >= 30:
            color = "white" if share > 0.6 else "black"
            middle = f'x="{x + step / 2:.1f}" y="{y + step / 2:.1f}"'
            parts.append(f'<text {middle} fill="{color}" text-anchor="middle">{share:.2f}</text>')
    for i, label in enumerate(labels):
        at = (i + 0.5) * step
        parts.append(f'<text x="{MARGIN - 4}" y="{at:.1f}" text-anchor="end">{label}</text>')
        parts.append(f'<text x="{MARGIN + at:.1f}" y="{SIDE + 14}" text-anchor="middle">{label}</text>')
    return _drawing(parts, "predicted", "true")


def _curve_plot(x: NDArray[Any], y: NDArray[Any], across: str, up: str) -> str:
    if len(x) > MOST_POINTS:
        kept = np.unique(np.linspace(0, len(x) - 1, MOST_POINTS).astype(int))
        x, y = x[kept], y[kept]
    points = " ".join(f"{MARGIN + a * SIDE:.1f},{(1 - b) * SIDE:.1f}" for a, b in zip(x, y, strict=True))
    frame = f'<rect x="{MARGIN}" y="0" width="{SIDE}" height="{SIDE}" fill="none" stroke="#999"/>'
    ticks = [
        f'<text x="{MARGIN + at * SIDE}" y="{SIDE + 14}" text-anchor="middle">{at}</text>'
        f'<text x="{MARGIN - 4}" y="{(1 - at) * SIDE + 4}" text-anchor="end">{at}</text>'
        for at in (0.0, 0.5, 1.0)
    ]
    line = f'<polyline points="{points}" fill="none" stroke="#1f77b4" stroke-width="2"/>'
    return _drawing([frame, *ticks, line], across, up)


def _drawing(parts: list[str], across: str, up: str) -> str:
    middle = SIDE / 2
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{SIDE + 2 * MARGIN}" height="{SIDE + MARGIN}" '
        f'viewBox="0 -10 {SIDE + 2 * MARGIN} {SIDE + MARGIN}">{"".join(parts)}'
        f'<text x="{MARGIN + middle}" y="{SIDE + 30}" text-anchor="middle">{across}</text>'
        f'<text transform="translate(10 {middle}) rotate(-90)" text-anchor="middle">{up}</text></svg>'
    )
