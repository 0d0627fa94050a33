"""Scores of many slices at once: from the cells (slice, true label, predicted label) that have rows, and from ranks."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from aliquot import metrics
from aliquot._codes import Codebook
from aliquot._kernels.confusion import MAX_DENSE_WIDTH, DenseCounts, Rows, SparseCounts
from aliquot._kernels.ranking import rank_slices
from aliquot._label_counts import WIDEST
from aliquot._scored_rows import MassRange, ScoredRows

Floats = NDArray[np.float64]
Codes = NDArray[np.int32]


class SliceCounts:
    """Counts of pairs of labels in each slice, or sums of their weights."""

    def __init__(self, *, weighted: bool) -> None:
        self._weighted = weighted
        # Pairs of labels have codes of their own, so that a cell is a pair again: of a slice and a pair.
        self._pairs = Codebook(["true", "predicted"])
        self._labels = Codebook(["label"])
        self._width = 16
        self._counts: DenseCounts = self._open()

    def update(self, slices: Codes, y_true: pa.Array, y_pred: pa.Array, weights: Floats | None) -> None:
        """Count rows, whose labels are known to be such."""
        labels = [pa.array(self._labels.encode([column])) for column in (y_true, y_pred)]
        pairs = self._pairs.encode(labels)
        if not len(slices):
            return
        most = max(int(slices.max()) + 1, len(self._pairs))
        if most > self._width:
            before = self._counts
            self._width = most + most // 2 if most <= MAX_DENSE_WIDTH // 2 else max(most, MAX_DENSE_WIDTH)
            self._width = self._width if self._width <= MAX_DENSE_WIDTH else WIDEST
            self._counts = self._open()
            self._counts.add(*before.cells())
        self._counts.count(Rows(pa.array(slices), pa.array(pairs), weights), 0, len(slices))

    def scores(self, n_slices: int, level: float | None) -> dict[str, Floats]:
        """Columns of shape (n_slices,). With a ``level``, an interval of the accuracy."""
        slices, pairs, counts, parts = self._counts.cells()
        true, predicted = (column.cast(pa.int64()).to_numpy() for column in self._pairs.values())
        cells = Cells(slices, true[pairs], predicted[pairs], _weights(counts, parts), n_slices, len(self._labels))
        return cells.scores(level)

    def _open(self) -> DenseCounts:
        if self._weighted or self._width > MAX_DENSE_WIDTH:
            return SparseCounts(0, self._width, self._weighted)
        return DenseCounts(0, self._width)


@dataclass(frozen=True)
class Cells:
    """Cells that have rows, by slice, and what their rows weigh."""

    slices: NDArray[np.int64]
    true: NDArray[np.int64]
    predicted: NDArray[np.int64]
    weights: Floats
    n_slices: int
    n_labels: int

    def scores(self, level: float | None) -> dict[str, Floats]:
        """The scores of each slice by the labels that are in it, as those of a confusion matrix are; NaN of no rows.

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
            "mcc": np.where(total > 0, np.divide(beyond, scale, out=np.zeros(n), where=scale > 0), np.nan),
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
        """Keep rows; ``rows`` are without those whose weight is zero."""
        if len(rows):
            self._rows.append(rows)
            self._slices.append(slices if weights is None else slices[weights > 0])

    def scores(self, n_slices: int, level: float | None) -> dict[str, Any]:
        """Columns of shape (n_slices,). With a ``level``, an interval of the area under the ROC curve."""
        areas: Floats = np.full(n_slices, np.nan)
        precisions: Floats = areas
        positive: Floats = np.zeros(n_slices)
        negative: Floats = positive
        if self._rows:
            slices = np.concatenate(self._slices)
            narrow = all(rows.keys.dtype == np.uint32 for rows in self._rows)
            keys = np.concatenate([rows.keys for rows in self._rows], dtype=np.uint32 if narrow else np.uint64)
            labels = np.concatenate([rows.labels for rows in self._rows])
            weights = None
            if self._rows[0].weights is not None:
                weights = np.concatenate([rows.weights for rows in self._rows if rows.weights is not None])
            masses = reduce(MassRange.__or__, (rows.masses for rows in self._rows))
            areas, precisions = rank_slices(slices, keys, labels, weights, *masses.format, n_slices)
            of_rows = np.ones(len(slices)) if weights is None else weights
            positive = _sums(slices, labels * of_rows, n_slices)
            negative = _sums(slices, of_rows, n_slices) - positive
        scores = {"roc_auc": areas}
        if level is not None:
            scores["roc_auc_low"], scores["roc_auc_high"] = area_interval(areas, positive, negative, level)
        return scores | {"average_precision": precisions, "prevalence": _divided(positive, positive + negative)}


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


def _weights(counts: NDArray[np.int64], parts: tuple[NDArray[np.int64], Floats] | None) -> Floats:
    """What cells weigh: their rows, or the correctly rounded sums of ``parts``."""
    if parts is None:
        return counts.astype(float)
    owners, values = parts
    order = np.argsort(owners, kind="stable")
    sums = np.zeros(len(counts))
    ends = np.searchsorted(owners[order], np.arange(len(counts) + 1)).tolist()
    listed = values[order].tolist()
    for cell, (first, last) in enumerate(zip(ends, ends[1:], strict=False)):
        sums[cell] = math.fsum(listed[first:last])
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


def sorted_slices(book: Codebook) -> tuple[NDArray[np.int64], Sequence[pa.Array]]:
    """The order of codes by what they stand for, nulls last; and the values in that order."""
    values = book.values()
    names = [str(i) for i in range(len(values))]
    table = pa.table([_sortable(column) for column in values], names)
    order = pa.compute.sort_indices(table, [(name, "ascending") for name in names]).to_numpy().astype(np.int64)
    return order, [column.take(pa.array(order)) for column in map(_sortable, values)]


def _sortable(column: pa.Array) -> pa.Array:
    if pa.types.is_string_view(column.type):
        return column.cast(pa.large_string())
    return column.cast(pa.large_binary()) if pa.types.is_binary_view(column.type) else column
