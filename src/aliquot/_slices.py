"""Scores of many slices at once: from the cells (slice, true label, predicted label) that have rows, and from ranks."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from aliquot import metrics
from aliquot._cells import Cells
from aliquot._codes import Codebook
from aliquot._kernels.confusion import Rows
from aliquot._kernels.confusion_sparse import SparseCounts
from aliquot._kernels.ranking import rank_slices
from aliquot._scored_rows import MassRange, ScoredRows, widen
from aliquot._threads import processors
from aliquot.confusion import ConfusionMatrix

Floats = NDArray[np.float64]
Codes = NDArray[np.int32]


class SlicedMatrix(ConfusionMatrix):
    """A confusion matrix for each slice of the rows, and so for all of them."""

    def count(
        self,
        y_true: pa.Array,
        y_pred: pa.Array,
        sample_weight: Any,
        first_row: int,
        slices: Codes | None,
        n_slices: int,
    ) -> None:
        """Count rows; as ``update`` does, but for the number of the first row. Slices are 0 to n_slices - 1."""
        self._counts.make_room(n_slices)
        self._count(y_true, y_pred, sample_weight, first_row, slices)

    def merge_slices(self, other: "SlicedMatrix", places: NDArray[np.int64]) -> None:
        """Count what another counted, whose slice i is ``places[i]`` here. Labels are alike (not checked)."""
        if not math.isfinite(self._total_weight + other._total_weight):
            raise ValueError("sample_weight: must have a finite sum, got inf")
        self._add(other, other._table().in_slices(lambda slices: places[slices]))

    def rows(self, n_slices: int) -> NDArray[np.int64]:
        """The rows of each slice, of shape (n_slices,)."""
        rows: NDArray[np.int64] = np.zeros(n_slices, np.int64)
        for cells in self._table().cells:
            np.add.at(rows, cells.slices, cells.rows)
        return rows

    def overall(self) -> ConfusionMatrix:
        """The matrix of all rows."""
        whole = ConfusionMatrix()
        whole._add(self, self._table().in_slices(np.zeros_like))
        return whole

    def scores(self, n_slices: int, level: float | None) -> dict[str, Floats]:
        """Columns of shape (n_slices,). With a ``level``, an interval of the accuracy."""
        table = self._table()
        cells = table.rows if table.weighted is None else table.weighted
        weights = cells.rows.astype(float) if cells.parts is None else sums_of(len(cells.rows), *cells.parts)
        scored = SliceCells(cells.slices, cells.true, cells.predicted, weights, n_slices, len(table.labels))
        return scored.scores(level)


@dataclass(frozen=True)
class SliceCells:
    """Cells that have rows, by slice, and what their rows weigh."""

    slices: NDArray[np.int64]
    true: NDArray[np.int64]
    predicted: NDArray[np.int64]
    weights: Floats
    n_slices: int
    n_labels: int

    def scores(self, level: float | None) -> dict[str, Floats]:
        """The scores of each slice by the labels that are in it, as those of a confusion matrix are.

        With a ``level``, Wilson's interval of the accuracy.
        """
        n, k = self.n_slices, max(self.n_labels, 1)
        # Entries: a label in a slice, for each that is there.
        of_true, of_predicted = self.slices * k + self.true, self.slices * k + self.predicted
        entries = np.unique(np.concatenate([of_true, of_predicted]))
        home = entries // k
        true = self._summed(np.searchsorted(entries, of_true), len(entries))
        predicted = self._summed(np.searchsorted(entries, of_predicted), len(entries))
        right = self.true == self.predicted
        hits = _sums(np.searchsorted(entries, of_true[right]), self.weights[right], len(entries))
        total, found = _sums(home, true, n), _sums(home, hits, n)
        recall, precision = _divided(hits, true), _divided(hits, predicted)
        by_chance = _sums(home, true * predicted, n)
        spread = [total * total - _sums(home, side * side, n) for side in (true, predicted)]
        beyond = found * total - by_chance
        scale = np.sqrt(np.maximum(spread[0], 0)) * np.sqrt(np.maximum(spread[1], 0))
        accuracy = _divided(found, total)
        scores = {"accuracy": accuracy}
        if level is not None:
            scores["accuracy_low"], scores["accuracy_high"] = metrics.wilson(found, total, level)
        return scores | {
            "balanced_accuracy": _mean(home, recall, n),
            "precision_macro": _mean(home, precision, n),
            "recall_macro": _mean(home, recall, n),
            "f1_macro": _mean(home, _divided(2 * hits, true + predicted), n),
            "mcc": np.divide(beyond, scale, out=np.zeros(n), where=scale > 0),
            "kappa": _divided(beyond, total * total - by_chance),
        }

    def _summed(self, entries: NDArray[np.int64], count: int) -> Floats:
        return _sums(entries, self.weights, count)


@dataclass
class SliceRanks:
    """Rows with scores, kept until all are there, and ranked by one sort."""

    _rows: list[ScoredRows] = field(default_factory=list)
    _slices: list[Codes] = field(default_factory=list)

    def update(self, slices: Codes, rows: ScoredRows, weights: Floats | None) -> None:
        """Keep a copy of rows; ``rows`` are without those whose weight is zero."""
        if len(rows):
            kept = None if rows.weights is None else rows.weights.copy()
            self._rows.append(replace(rows, keys=rows.keys.copy(), labels=rows.labels.copy(), weights=kept))
            self._slices.append(slices if weights is None else slices[weights > 0])

    def merge(self, other: "SliceRanks", places: NDArray[np.int64]) -> None:
        """Take over the rows of another, whose slice i is ``places[i]`` here."""
        self._rows += other._rows
        self._slices += [places[slices].astype(np.int32) for slices in other._slices]

    def scores(self, n_slices: int, level: float | None) -> dict[str, Any]:
        """Columns of shape (n_slices,). With a ``level``, an interval of the area under the ROC curve."""
        areas: Floats = np.full(n_slices, np.nan)
        precisions: Floats = areas
        negative, positive = np.zeros((2, n_slices))
        if self._rows:
            slices = np.concatenate(self._slices)
            is_wide = any(rows.keys.dtype == np.uint64 for rows in self._rows)
            keys = np.concatenate([widen(rows.keys) if is_wide else rows.keys for rows in self._rows])
            labels = np.concatenate([rows.labels for rows in self._rows])
            weights = None
            if self._rows[0].weights is not None:
                weights = np.concatenate([rows.weights for rows in self._rows if rows.weights is not None])
            masses = reduce(MassRange.__or__, (rows.masses for rows in self._rows))
            areas, precisions = rank_slices(slices, keys, labels, weights, *masses.format, n_slices, processors())
            negative, positive = _masses(slices, labels, weights, n_slices)
        scores = {"roc_auc": areas}
        if level is not None:
            scores["roc_auc_low"], scores["roc_auc_high"] = area_interval(areas, positive, negative, level)
        return scores | {"average_precision": precisions, "prevalence": _divided(positive, positive + negative)}


def _masses(slices: Codes, labels: NDArray[np.uint8], weights: Floats | None, n_slices: int) -> tuple[Floats, Floats]:
    """What the rows of both labels weigh in each slice, each rounded once."""
    if weights is None:
        counts = np.bincount(2 * slices.astype(np.int64) + labels, minlength=2 * n_slices).astype(float)
        return counts[::2], counts[1::2]
    sums = SparseCounts(0, 2, True)
    of_label = pa.array(labels)
    sums.count(Rows(of_label, of_label, weights, slices), 0, len(slices))
    cells = Cells(*sums.cells())
    masses = np.zeros((2, n_slices))
    assert cells.parts is not None
    masses[cells.true, cells.slices] = sums_of(len(cells.rows), *cells.parts)
    return masses[0], masses[1]


def area_interval(area: Any, positive: Any, negative: Any, level: float) -> tuple[Any, Any]:
    """Bounds of areas under ROC curves of so many rows of both classes, by the normal approximation, cut to [0, 1].

    References
    ----------
    Hanley, McNeil (1982), "The meaning and use of the area under a receiver operating characteristic (ROC) curve",
    doi:10.1148/radiology.143.1.7063747.
    """
    area = np.asarray(area, float)
    z = metrics.quantile(level)
    pairs = np.asarray(positive, float) * negative
    with np.errstate(invalid="ignore", divide="ignore"):
        both_above = area / (2 - area) - area * area
        both_below = 2 * area * area / (1 + area) - area * area
        variance = area * (1 - area) + (positive - 1) * both_above + (negative - 1) * both_below
        reach = z * np.sqrt(np.maximum(variance, 0) / pairs)
    return np.maximum(area - reach, 0.0), np.minimum(area + reach, 1.0)


def sums_of(n: int, owners: NDArray[np.int64], values: Floats) -> Floats:
    """The sums of the values of n owners, each rounded once."""
    order = np.argsort(owners, kind="stable")
    sums = np.zeros(n)
    ends = np.searchsorted(owners[order], np.arange(n + 1)).tolist()
    listed = values[order].tolist()
    for owner, (first, last) in enumerate(zip(ends, ends[1:], strict=False)):
        sums[owner] = math.fsum(listed[first:last])
    return sums


def _sums(home: NDArray[Any], values: Floats, n: int) -> Floats:
    """Sums by slice or entry."""
    return np.bincount(home, values, n).astype(np.float64)


def _divided(numerators: Floats, denominators: Floats) -> Floats:
    shares = np.full(len(numerators), np.nan)
    np.divide(numerators, denominators, out=shares, where=denominators != 0)
    return shares


def _mean(home: NDArray[np.int64], scores: Floats, n: int) -> Floats:
    """Means by slice of the scores that are not NaN."""
    known = ~np.isnan(scores)
    return _divided(_sums(home[known], scores[known], n), _sums(home[known], np.ones(int(known.sum())), n))


def sorted_slices(book: Codebook, kinds: Sequence[pa.DataType]) -> tuple[NDArray[np.int64], Sequence[pa.Array]]:
    """The order of codes by what they stand for, nulls last; and those values, of columns of these kinds, so sorted."""
    values = [_sortable(column, kind) for column, kind in zip(book.values(), kinds, strict=True)]
    names = [str(i) for i in range(len(values))]
    table = pa.table([_ordered(column) for column in values], names)
    order = pa.compute.sort_indices(table, [(name, "ascending") for name in names]).to_numpy().astype(np.int64)
    return order, [column.take(pa.array(order)) for column in values]


def _ordered(values: pa.Array) -> pa.Array:
    """Values in a type that pyarrow sorts, in the same order."""
    if isinstance(values.type, pa.BaseExtensionType):
        return values.storage
    if pa.types.is_decimal(values.type) and values.type.bit_width < 128:
        return values.cast(pa.decimal128(values.type.precision, values.type.scale))
    return values.cast(pa.float32()) if pa.types.is_float16(values.type) else values


def _sortable(column: pa.Array, kind: pa.DataType) -> pa.Array:
    """Values in a type that can be sorted, which depends on the type of the source alone."""
    if pa.types.is_float32(kind) or pa.types.is_float64(kind):
        return pa.compute.add(column, pa.scalar(0.0, kind))  # -0.0, which equals 0.0, whichever came first
    if pa.types.is_string_view(kind) or pa.types.is_binary_view(kind):
        return column.cast(pa.large_string() if pa.types.is_string_view(kind) else pa.large_binary())
    if pa.types.is_run_end_encoded(kind):
        return pa.compute.run_end_decode(column) if pa.types.is_run_end_encoded(column.type) else column
    return column if pa.types.is_dictionary(kind) else column.cast(kind)
