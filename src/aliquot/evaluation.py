"""Evaluations: all scores of predictions in one pass over a source, overall and by slice."""

import json
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from aliquot._checks import check_column, check_count, check_name, check_names
from aliquot._codes import Codebook
from aliquot._evaluation_page import as_html_table, as_page, shown
from aliquot._kernels.codes import add_counts
from aliquot._numbers import as_floats, as_numbers
from aliquot._progress import Progress, ProgressOption
from aliquot._scored_rows import as_columns
from aliquot._slices import SlicedMatrix, SliceRanks, area_interval, sorted_slices
from aliquot.confusion import ConfusionMatrix
from aliquot.ranking import BinaryCurve
from aliquot.sources import open_source

SHOWN = 20
"""Slices that the text form of an evaluation lists."""


class Evaluation:
    """Scores of predictions, overall and by slice, as ``evaluate`` gives them.

    Parameters
    ----------
    table : pyarrow.Table
        What ``to_table`` gives.
    by : list of str
        The columns that tell slices apart.
    matrix : ConfusionMatrix or None
        Of all rows, if there were predictions.
    curve : BinaryCurve or None
        Of all rows, if there were scores.

    Examples
    --------
    >>> import aliquot as aq, pyarrow as pa
    >>> rows = pa.table({"y": [0, 1, 1, 0], "guess": [0, 1, 0, 0], "site": ["a", "a", "b", "b"]})
    >>> made = aq.evaluate(rows, y_true="y", y_pred="guess", by="site")
    >>> made.to_table().select(["site", "rows", "accuracy"]).to_pylist()[1]
    {'site': 'a', 'rows': 2, 'accuracy': 1.0}
    """

    def __init__(
        self, table: pa.Table, by: Sequence[str], matrix: ConfusionMatrix | None, curve: BinaryCurve | None
    ) -> None:
        self._table = table
        self.by = list(by)
        self.matrix = matrix
        self.curve = curve

    def __len__(self) -> int:
        return int(self._table.num_rows)

    def to_table(self) -> pa.Table:
        """The scores as a table.

        Returns
        -------
        pyarrow.Table
            One row for all rows, first, and then one a slice, sorted by the slice's values. The columns of ``by``, null
            in the first row; ``rows``; ``small``, true if these are fewer than ``min_rows``; and what there was to
            score: ``accuracy`` to ``kappa`` of predictions, ``roc_auc`` to ``prevalence`` of scores. Intervals end in
            ``_low`` and ``_high``, and are left out for weighted rows. What has no value is null.
        """
        return self._table

    def to_html(self) -> str:
        """The scores as one page that needs no other file: tables, the confusion matrix, ROC and PR curves as SVG."""
        return as_page(repr(self), self._table, self.by, self.matrix, self.curve)

    def to_json(self) -> str:
        """The table as a JSON list with an object a row; NaN and infinity, which JSON has not, as strings."""
        rows = [{name: _as_json(value) for name, value in row.items()} for row in self._table.to_pylist()]
        return json.dumps(rows, default=str, allow_nan=False)

    def __repr__(self) -> str:
        by = f" by {', '.join(self.by)}" if self.by else ""
        return f"Evaluation of {self._table['rows'][0].as_py():,} rows, {len(self) - 1:,} slices{by}"

    def __str__(self) -> str:
        first = self._table.slice(0, SHOWN + 1).to_pylist()
        rows = [list(self._table.column_names), *([shown(value) for value in row.values()] for row in first)]
        rows[1][: len(self.by)] = ["all"] * len(self.by)
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
        more = len(self) - 1 - SHOWN
        return "\n".join([repr(self), *lines, *([f"... and {more:,} more slices"] if more > 0 else [])])

    def _repr_html_(self) -> str:
        return as_html_table(self._table, self.by)


def evaluate(
    source: Any,
    *,
    y_true: str,
    y_pred: str | None = None,
    y_score: str | None = None,
    by: str | Sequence[str] | None = None,
    sample_weight: str | None = None,
    positive: Any = None,
    min_rows: int = 30,
    level: float = 0.95,
    progress: ProgressOption = None,
) -> Evaluation:
    """All scores of predictions in one pass over a source, of which only the columns named are read.

    Parameters
    ----------
    source : path, list of paths, Arrow data, frame, dataset or iterable of batches
        What ``aq.sample`` takes.
    y_true : str
        The column of true labels.
    y_pred : str, optional
        The column of predicted labels.
    y_score : str, optional
        The column of scores of the positive class, from a classifier of two classes.
    by : str or list of str, optional
        Columns whose combinations of values make slices; null is a value.
    sample_weight : str, optional
        The column of weights.
    positive : bool, int, float or str, optional
        The positive label of scores; by default labels are booleans, 0 and 1, or -1 and 1.
    min_rows : int, default 30
        Slices with fewer rows are marked as small: their scores mean little.
    level : float, default 0.95
        Of confidence intervals: Wilson's for accuracy, Hanley and McNeil's for the area under the ROC curve.
    progress : True, callable(rows_done, rows_total) or None
        Whether and how to tell how far it is.

    Returns
    -------
    Evaluation
        The overall row first, then one row a slice.

    Raises
    ------
    KeyError
        For a column that is not there.
    ValueError
        For nulls outside ``by``, labels, scores or weights that are none, naming the row.
    TypeError
        For columns of other types, or if there is neither ``y_pred`` nor ``y_score``.

    Notes
    -----
    The averages of a slice are over the labels in it, as scikit-learn's are. Predictions take memory for each pair of
    labels in each slice. Scores by slice take 9 to 13 bytes a row and one sort by slice and score.

    Examples
    --------
    >>> import aliquot as aq, pyarrow as pa
    >>> rows = pa.table({"y": [0, 1, 1, 0], "p": [0.1, 0.9, 0.4, 0.6]})
    >>> aq.evaluate(rows, y_true="y", y_score="p").to_table()["roc_auc"].to_pylist()
    [0.75]
    """
    if y_pred is None and y_score is None:
        raise TypeError("y_pred: must be given unless y_score is, got None")
    if positive is not None and y_score is None:
        raise ValueError(f"positive: must be None without y_score, got {positive!r}")
    min_rows = check_count("min_rows", min_rows)
    if not isinstance(level, float) or not 0 < level < 1:
        raise ValueError(f"level: must be between 0 and 1, got {level}")
    opened = open_source(source)
    names = opened.schema.names
    keys = [] if by is None else check_names("by", [by] if isinstance(by, str) else by)
    for key in keys:
        check_column("by", key, names)
    roles = {"y_true": y_true, "y_pred": y_pred, "y_score": y_score, "sample_weight": sample_weight}
    given = {
        role: check_column(role, check_name(role, column), names)
        for role, column in roles.items()
        if column is not None or role == "y_true"
    }
    with Progress(progress) as telling:
        telling.start(opened.num_rows)
        columns = list(dict.fromkeys([*given.values(), *keys]))
        run, *others = opened.consume(columns, lambda: _Run(given, keys, positive), telling)
    for other in others:
        run.merge(other)
    kinds = [opened.schema.field(key).type for key in keys]
    return run.result(kinds, min_rows, level if sample_weight is None else None)


class _Run:
    """What one pass keeps, or one of several threads."""

    def __init__(self, given: dict[str, str], by: list[str], positive: Any) -> None:
        self._given, self._by, self._positive = given, by, positive
        self._rows = 0
        self._matrix = SlicedMatrix() if "y_pred" in given else None
        self._curve = BinaryCurve(positive=positive) if "y_score" in given else None
        self._book = Codebook(by) if by else None
        self._of_slice: NDArray[np.int64] = np.zeros(0, np.int64)  # rows, if no matrix tells them
        self._ranks = SliceRanks() if by and self._curve is not None else None

    def update(self, batch: pa.RecordBatch, first_row: int) -> None:
        columns = {role: batch.column(name) for role, name in self._given.items()}
        labels, weights = columns["y_true"], columns.get("sample_weight")
        self._rows += batch.num_rows
        slices, n_slices = None, 1
        if self._book is not None:
            slices = self._book.encode([batch.column(name) for name in self._by])
            n_slices = len(self._book)
            if self._matrix is None:
                self._of_slice = _with_room(self._of_slice, n_slices)
                add_counts(slices, self._of_slice)
        if self._matrix is not None:
            self._matrix.count(labels, columns["y_pred"], weights, first_row, slices, n_slices)
        if self._curve is not None:
            scored = as_columns(labels, columns["y_score"], weights, positive=self._positive, first_row=first_row)
            rows = self._curve._read(scored)
            if self._ranks is not None:
                assert slices is not None
                floats = None if weights is None else as_floats(as_numbers("sample_weight", weights, first_row))
                self._ranks.update(slices, rows, floats)
            self._curve._keep(rows)

    def merge(self, other: "_Run") -> None:
        """Take in what another thread kept."""
        self._rows += other._rows
        places: NDArray[np.int64] = np.zeros(1, np.int64)
        if self._book is not None and other._book is not None and len(other._book):
            places = self._book.encode(other._book.values()).astype(np.int64)
            if self._matrix is None:
                self._of_slice = _with_room(self._of_slice, len(self._book))
                self._of_slice[places] += other._of_slice[: len(places)]
        if self._matrix is not None and other._matrix is not None:
            self._matrix.merge_slices(other._matrix, places)
        if self._curve is not None and other._curve is not None:
            self._curve.merge(other._curve)
        if self._ranks is not None and other._ranks is not None:
            self._ranks.merge(other._ranks, places)

    def result(self, kinds: list[pa.DataType], min_rows: int, level: float | None) -> Evaluation:
        matrix = None if self._matrix is None else self._matrix.overall()
        overall = self._overall(matrix, level)
        fields: dict[str, Any] = {}
        order: NDArray[np.int64] = np.empty(0, np.int64)
        of_slices: dict[str, Any] = {}
        if self._book is not None:
            n = len(self._book)
            order, values = sorted_slices(self._book, kinds)
            for name, column in zip(self._by, values, strict=True):
                fields[name] = pa.concat_arrays([pa.nulls(1, column.type), column])
            if self._matrix is not None:
                self._of_slice = self._matrix.rows(n)
                of_slices |= self._matrix.scores(n, level)
            if self._ranks is not None:
                of_slices |= self._ranks.scores(n, level)
        rows = np.concatenate([[self._rows], self._of_slice[order]]).astype(np.int64)
        columns = {"rows": pa.array(rows), "small": pa.array(rows < min_rows)}
        taken = next((name for name in self._by if name in columns or name in overall), None)
        if taken is not None:
            raise ValueError(f"by: must not have the name of a column of the result, got {taken!r}")
        for name, value in overall.items():
            scores = np.concatenate([[value], of_slices[name][order]] if len(order) else [[value]]).astype(float)
            columns[name] = pa.array(scores, mask=np.isnan(scores))
        return Evaluation(pa.table(fields | columns), self._by, matrix, self._curve)

    def _overall(self, matrix: ConfusionMatrix | None, level: float | None) -> dict[str, float]:
        scores: dict[str, float] = {}
        curve = self._curve
        if matrix is not None:
            scores["accuracy"] = matrix.accuracy()
            if level is not None:
                scores["accuracy_low"], scores["accuracy_high"] = matrix.interval(level=level)
            scores |= {
                "balanced_accuracy": matrix.balanced_accuracy(),
                "precision_macro": matrix.precision("macro"),
                "recall_macro": matrix.recall("macro"),
                "f1_macro": matrix.f1("macro"),
                "mcc": matrix.mcc() if matrix.labels else np.nan,
                "kappa": matrix.kappa(),
            }
        if curve is not None:
            positive, negative = curve.totals()
            area = curve.roc_auc()
            scores["roc_auc"] = area
            if level is not None:
                low, high = area_interval(area, positive, negative, level)
                scores["roc_auc_low"], scores["roc_auc_high"] = float(low), float(high)
            scores["average_precision"] = curve.average_precision()
            scores["prevalence"] = positive / (positive + negative) if positive + negative else np.nan
        return scores


def _as_json(value: Any) -> Any:
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _with_room(counts: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """Counts of at least n slices."""
    return counts if n <= len(counts) else np.append(counts, np.zeros(2 * n - len(counts), np.int64))
