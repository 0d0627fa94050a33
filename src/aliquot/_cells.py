"""Cells of confusion matrices that have rows, by code or by label."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Parts = tuple[NDArray[np.int64], NDArray[np.float64]]

NEAR = 2**24
"""Codes within this of each other are renumbered by a table of them all, not by searching."""


COLUMNS = pa.schema(
    [("true", pa.int64()), ("predicted", pa.int64()), ("rows", pa.int64()), ("weight", pa.list_(pa.float64()))]
)
"""Of cells that are saved."""


class Cells(NamedTuple):
    """Cells that have rows: integers of both classes, rows, the doubles whose sums are the weights, and slices."""

    true: NDArray[np.int64]
    predicted: NDArray[np.int64]
    rows: NDArray[np.int64]
    parts: Parts | None
    """Of which cell, and the double."""
    slices: NDArray[np.int64]

    @classmethod
    def of_matrix(cls, matrix: NDArray[np.int64]) -> "Cells":
        """Those of a matrix that are not zero."""
        flat = matrix.ravel()
        at = np.flatnonzero(flat)
        true, predicted = np.divmod(at, max(len(matrix), 1))
        return cls(true, predicted, flat[at], None, np.zeros_like(at))


@dataclass(frozen=True)
class Table:
    """Counts by position of their labels."""

    labels: list[Any]
    counts: Cells | NDArray[np.int64]
    """Of rows without weights: cells or, of one slice, a matrix."""
    weighted: Cells | None = None
    """Of rows with weights; None if there were none."""

    @cached_property
    def rows(self) -> Cells:
        """The cells of rows without weights."""
        return self.counts if isinstance(self.counts, Cells) else Cells.of_matrix(self.counts)

    @property
    def matrix(self) -> NDArray[np.int64] | None:
        """All there is, if it is there as a matrix."""
        return None if isinstance(self.counts, Cells) or self.weighted is not None else self.counts

    @property
    def cells(self) -> tuple[Cells, Cells]:
        """Both kinds of cells, even if there are none."""
        return self.rows, no_cells() if self.weighted is None else self.weighted

    def in_slices(self, move: Callable[[NDArray[np.int64]], NDArray[np.int64]]) -> "Table":
        """The same cells in other slices; several may be of one slice and pair then."""
        rows, weighted = (each and each._replace(slices=move(each.slices)) for each in (self.rows, self.weighted))
        assert rows is not None
        return Table(self.labels, rows, weighted)


def no_cells() -> Cells:
    """None of them has rows."""
    return Cells.of_matrix(np.empty((0, 0), np.int64))


def distinct(arrays: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """The integers that are in any of them, ascending."""
    arrays = [array for array in arrays if len(array)]
    if not arrays:
        return np.empty(0, np.int64)
    low, high = min(int(array.min()) for array in arrays), max(int(array.max()) for array in arrays)
    if high - low >= NEAR:
        return np.unique(np.concatenate(arrays))
    there = np.zeros(high - low + 1, bool)
    for array in arrays:
        there[array - low] = True
    return np.flatnonzero(there) + low


def renumbered(cells: Cells, old: NDArray[np.int64], new: NDArray[np.int64]) -> Cells:
    """The same cells, whose classes ``old``, ascending, are now ``new``; by slice, true class and then predicted."""
    if not len(cells.rows):
        return cells
    ascends = bool((new[1:] > new[:-1]).all())
    (low, high), (first, last) = ((int(codes[0]), int(codes[-1])) for codes in (old, new))
    if ascends and high - low == last - first == len(old) - 1:  # no gaps: all move alike
        true, predicted = (codes - low + first for codes in cells[:2])
    elif high - low < NEAR:
        places = np.zeros(high - low + 1, np.int64)
        places[old - low] = new
        true, predicted = (places[codes - low] for codes in cells[:2])
    else:
        true, predicted = (new[np.searchsorted(old, codes)] for codes in cells[:2])
    if ascends:
        return cells._replace(true=true, predicted=predicted)
    order = np.lexsort((predicted, true, cells.slices))
    parts = cells.parts
    if parts is not None:
        place = np.empty_like(order)
        place[order] = np.arange(len(order))
        parts = place[parts[0]], parts[1]
    return Cells(true[order], predicted[order], cells.rows[order], parts, cells.slices[order])


def to_batch(cells: Cells) -> pa.RecordBatch:
    """Cells as rows, with the sums of weights as the fewest doubles, largest first: one way for each sum."""
    true, predicted, rows, parts, _ = cells
    weights: list[list[float]] = [[] for _ in range(len(rows))]
    if parts is not None:
        for cell, value in zip(parts[0].tolist(), parts[1].tolist(), strict=True):
            weights[cell].append(value)
        weights = [_fewest(each) for each in weights]
    columns = [pa.array(true), pa.array(predicted), pa.array(rows), pa.array(weights, pa.list_(pa.float64()))]
    return pa.RecordBatch.from_arrays(columns, schema=COLUMNS)


def _fewest(parts: list[float]) -> list[float]:
    fewest: list[float] = []
    while largest := math.fsum([*parts, *(-part for part in fewest)]):
        fewest.append(largest)
    return fewest


def of_batch(batch: pa.RecordBatch, k: int) -> Cells:
    true, predicted, rows = (batch.column(i).to_numpy() for i in range(3))
    weights = batch.column("weight")
    values = weights.flatten().to_numpy()
    inside = all(len(each) == 0 or (each.min() >= 0 and each.max() < k) for each in (true, predicted))
    if not inside or (rows < 1).any() or not np.isfinite(values).all():
        raise ValueError("data: must hold cells of its own labels with rows, got others")
    owners = np.repeat(np.arange(len(rows)), np.diff(weights.offsets.to_numpy()))
    return Cells(true, predicted, rows, (owners, values) if len(values) else None, np.zeros_like(true))
