"""Confusion matrices to be looked at: as text, as HTML, as a figure."""

from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from aliquot._checks import check_bool
from aliquot._scores import Scores

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_LABELS = 25
"""Of larger matrices, only the scores and the most frequent confusions are shown."""

MOST_CONFUSIONS = 10


def as_text(scores: Scores) -> str:
    """A table with true labels down and predicted ones across, and the scores of all rows."""
    labels = [str(label) for label in scores.labels]
    if not labels:
        return "no rows yet"
    lines = [_summary(scores)]
    if len(labels) > MOST_LABELS:
        lines += ["most frequent confusions (true -> predicted):"]
        lines += [f"  {labels[t]} -> {labels[p]}: {_number(rows)}" for t, p, rows in _confusions(scores)]
        return "\n".join(lines)
    grid = [["true \\ predicted", *labels, "recall"]]
    for label, row, recall in zip(labels, _dense(scores), scores.recall(), strict=True):
        grid.append([label, *map(_number, row), _share(recall)])
    grid.append(["precision", *map(_share, scores.precision()), ""])
    widths = [max(map(len, column)) for column in zip(*grid, strict=True)]
    for row in grid:
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def as_html(scores: Scores) -> str:
    """The same as HTML, with cells shaded by their share of the true label."""
    labels = [escape(str(label)) for label in scores.labels]
    summary = f"<p>{escape(_summary(scores) if labels else 'no rows yet')}</p>"
    if not labels or len(labels) > MOST_LABELS:
        rows = "".join(
            f"<tr><td>{labels[t]}</td><td>{labels[p]}</td><td>{_number(count)}</td></tr>"
            for t, p, count in (_confusions(scores) if labels else [])
        )
        head = "<tr><th>true</th><th>predicted</th><th>rows</th></tr>"
        return summary + (f"<table>{head}{rows}</table>" if rows else "")
    head = "".join(f"<th>{label}</th>" for label in labels)
    lines = [f"<tr><th>true \\ predicted</th>{head}<th>recall</th></tr>"]
    for label, row, shares, recall in zip(labels, _dense(scores), row_shares(scores), scores.recall(), strict=True):
        cells = "".join(
            f'<td style="text-align:right;background:rgba(31,119,180,{share:.3f})">{_number(value)}</td>'
            for value, share in zip(row, 0.8 * shares, strict=True)
        )
        lines.append(f"<tr><th>{label}</th>{cells}<td>{_share(recall)}</td></tr>")
    precision = "".join(f"<td>{_share(each)}</td>" for each in scores.precision())
    lines.append(f"<tr><th>precision</th>{precision}<td></td></tr>")
    return f"{summary}<table>{''.join(lines)}</table>"


def row_shares(scores: Scores) -> Any:
    """The matrix with each row divided by its sum; zeros for a row of zeros."""
    matrix = _dense(scores).astype(float)
    sums = matrix.sum(axis=1, keepdims=True)
    return np.divide(matrix, sums, out=np.zeros_like(matrix), where=sums > 0)


def draw(scores: Scores, ax: "Axes | None", normalize: bool) -> "Axes":
    """The matrix as an image, with its numbers if they can be read."""
    check_bool("normalize", normalize)
    if ax is None:
        try:
            from matplotlib import pyplot
        except ImportError:
            raise ImportError("plot: needs matplotlib, got none; pip install 'aliquot[plot]'") from None
        ax = pyplot.subplots()[1]
    shares = row_shares(scores)
    k = len(shares)
    ax.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    ax.set(xlabel="predicted", ylabel="true", title=f"accuracy {_share(scores.accuracy())}")
    if k <= MOST_LABELS:
        names = [str(label) for label in scores.labels]
        ax.set_xticks(range(k), names, rotation=45 if max(map(len, names), default=0) > 3 else 0)
        ax.set_yticks(range(k), names)
        for (i, j), value in np.ndenumerate(shares if normalize else _dense(scores)):
            shown = _share(value) if normalize else _number(value)
            ax.text(j, i, shown, ha="center", va="center", color="white" if shares[i, j] > 0.5 else "black")
    return ax


def _summary(scores: Scores) -> str:
    total = scores._margins().total
    figures = {
        "accuracy": scores.accuracy(),
        "balanced accuracy": scores.balanced_accuracy(),
        "macro F1": scores.f1("macro"),
        "MCC": scores.mcc(),
    }
    rows = "weight" if isinstance(total, np.floating) else "rows"
    listed = ", ".join(f"{name} {_share(value)}" for name, value in figures.items())
    return f"{_number(total)} {rows}, {len(scores.labels)} labels: {listed}"


def _confusions(scores: Scores) -> list[tuple[int, int, Any]]:
    """The cells off the diagonal with most rows, most first."""
    true, predicted, rows = scores._cells()
    off = np.flatnonzero(true != predicted)
    most = off[np.argsort(-rows[off], kind="stable")][:MOST_CONFUSIONS]
    return [(int(true[i]), int(predicted[i]), rows[i]) for i in most]


def _dense(scores: Scores) -> Any:
    true, predicted, rows = scores._cells()
    matrix = np.zeros((len(scores.labels),) * 2, rows.dtype)
    matrix[true, predicted] = rows
    return matrix


def _number(value: Any) -> str:
    return f"{value:,}" if isinstance(value, np.integer) else f"{value:,.6g}"


def _share(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:.4f}"
