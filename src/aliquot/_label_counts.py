"""How often each pair of labels came up in each slice, whatever the labels are: what is behind a confusion matrix.

Integers that are near each other are their own codes, and kernels read them in place. All else gets codes from a
codebook.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from aliquot import _arrow
from aliquot._cells import Cells, Table, distinct, no_cells, renumbered
from aliquot._codes import Codebook
from aliquot._kernels.confusion import MAX_DENSE_CELLS, MAX_DENSE_WIDTH, DenseCounts, Rows
from aliquot._kernels.confusion_sparse import SparseCounts
from aliquot._labels import DICTIONARY, kind_of, plain_numbers, whole_numbers

WIDEST = 2**31 - 1
"""Classes that a sparse window has room for, as many as there are codes."""

LOOK_AHEAD = 2**16
"""Rows that room is made for at once; more than the block in which a kernel met a label that has none."""

FAR = 2**50
"""Kernels read no floats from here on, as soon they do not tell whole numbers apart."""

CODED_ROWS = 2**16
"""Rows of strings that are given codes at once, which stay in the cache until they are counted."""

ARGUMENTS = ("y_true", "y_pred")


@dataclass(slots=True)  # not frozen, which takes three times as long to make
class Piece:
    """Rows of both columns, none of them null; where they stand in what the caller passed."""

    columns: list[pa.Array]
    weights: NDArray[np.float64] | None
    first_row: int
    positions: NDArray[np.int64] | None = None
    """Of the rows, if some were left out."""
    slices: NDArray[np.int32] | None = None
    """Of the rows, if there are several."""

    def __len__(self) -> int:
        return len(self.columns[0])

    def row(self, i: int) -> int:
        """The number of a row, for an error."""
        return self.first_row + (i if self.positions is None else int(self.positions[i]))

    def slice(self, first: int, last: int | None = None) -> "Piece":
        """The rows in [first, last), or all from one on."""
        part = slice(first, last)
        return Piece(
            [column[part] for column in self.columns],
            None if self.weights is None else self.weights[part],
            self.first_row + (first if self.positions is None else 0),
            None if self.positions is None else self.positions[part],
            None if self.slices is None else self.slices[part],
        )

    def take(self, positions: NDArray[np.int64]) -> "Piece":
        """The rows at these positions, of a piece of which none were left out."""
        return Piece(
            [_arrow.take(column, positions) for column in self.columns],
            None if self.weights is None else np.ascontiguousarray(self.weights[positions]),
            self.first_row,
            positions,
            None if self.slices is None else self.slices[positions],
        )

    def plain(self) -> "Piece":
        """The same with numbers out of their dictionaries: kernels read those themselves, but codes only of strings."""
        t, p = self.columns
        if t.type.id != DICTIONARY and p.type.id != DICTIONARY:
            return self
        return replace(self, columns=[plain_numbers(t), plain_numbers(p)])

    def rows(self) -> Rows:
        """As kernels read them."""
        return Rows(self.columns[0], self.columns[1], self.weights, self.slices)

    def whole(self) -> "Piece":
        """The same with integers that fit int64. ValueError for a number that is no such integer."""
        return replace(self, columns=list(map(self._whole, ARGUMENTS, self.columns)))

    def _whole(self, name: str, column: pa.Array) -> pa.Array:
        if kind_of(column.type) == "float" or pa.types.is_uint64(column.type):
            return whole_numbers(name, column, self.row)
        return column


class LabelCounts:
    """Counts of pairs of labels, given or discovered: numbers only, or strings only."""

    def __init__(self, given: Sequence[Any] | None) -> None:
        self._given = given
        self._base = self._width = 0
        self._slices = 1
        self._counts: DenseCounts | None = None
        self._weighted: SparseCounts | None = None
        self._book: Codebook | None = None
        self._labels: list[Any] = []  # of the codebook
        if given is None:
            return
        if not isinstance(given[0], str):
            low, high = int(min(given)), int(max(given))
            if high - low + 1 == len(given) <= MAX_DENSE_WIDTH:
                self._open(low, len(given))
                return
        self._use_book(given)

    def make_room(self, slices: int) -> None:
        """Have room for this many slices."""
        if slices > self._slices:
            self._slices = slices + slices // 2
            if self._width:
                self._open(self._base, self._width)

    def count(self, piece: Piece) -> None:
        """Count all rows; or raise ValueError for a label that is none or not among those given, and count none."""
        if self._book is None and kind_of(piece.columns[0].type) == "string":
            self._use_book([])
        if self._book is not None:
            self._count_codes(piece)
            return
        at = 0
        if piece.weights is not None:
            piece = piece.whole()
        if not self._width and not self._widen(piece.slice(0, LOOK_AHEAD)):
            self._count_codes(piece)
            return
        rows = piece.rows()
        while (at := self._of(piece).count(rows, at, len(piece))) < len(piece):
            try:
                near = self._widen(piece.slice(at, at + LOOK_AHEAD))
                if abs(self._base) >= FAR:
                    piece = piece.whole()
            except BaseException:
                self._of(piece).uncount(rows, 0, at)
                raise
            if not near:
                self._count_codes(piece.slice(at))
                return
            rows = piece.rows()

    def uncount(self, piece: Piece) -> int | None:
        """Take all rows back; or return the position of one that was never counted, and take none back."""
        if self._book is None:
            if kind_of(piece.columns[0].type) == "string":
                return 0
            piece = piece.whole()
        else:
            before = len(self._book)
            codes = [self._book.encode([column]) for column in piece.columns]
            if len(self._book) > before:
                self._book.truncate(before)
                return int(np.flatnonzero((codes[0] >= before) | (codes[1] >= before))[0])
            piece = replace(piece, columns=list(map(pa.array, codes)))
        stop = self._of(piece).uncount(piece.rows(), 0, len(piece))
        return stop if stop < len(piece) else None

    def table(self) -> Table:
        """The counts by label: in the order given, or those that have rows, sorted."""
        if isinstance(self._counts, DenseCounts) and self._weighted is None and self._slices == 1:
            counts = self._counts.table()[0]
            used = np.flatnonzero(counts.sum(axis=0) + counts.sum(axis=1))
            labels, places = self._labels_of(used + self._base)
            if len(used) < len(counts) or (places != used).any():
                matrix = np.zeros((len(labels), len(labels)), np.int64)
                matrix[np.ix_(places, places)] = counts[np.ix_(used, used)]
                counts = matrix
            return Table(labels, counts)
        tables = [Cells(*counts.cells()) for counts in (self._counts, self._weighted) if counts is not None]
        used = distinct([codes for each in tables for codes in each[:2]])
        labels, places = self._labels_of(used)
        moved = [renumbered(each, used, places) for each in tables]
        rows = moved[0] if self._counts is not None else no_cells()
        return Table(labels, rows, moved[-1] if self._weighted is not None else None)

    def _labels_of(self, codes: NDArray[np.int64]) -> tuple[list[Any], NDArray[np.int64]]:
        """All labels in their order, and the places among them of those with these codes, which are in use."""
        labels = codes.tolist() if self._book is None else [self._labels[code] for code in codes]
        if self._given is not None:
            place = {label: i for i, label in enumerate(self._given)}
            return list(self._given), np.array([place[label] for label in labels], np.int64)
        order = sorted(range(len(labels)), key=labels.__getitem__)
        places = np.empty(len(labels), np.int64)
        places[order] = np.arange(len(order))
        return [labels[i] for i in order], places

    def add(self, table: Table) -> None:
        """Count what another counted. All of its labels are among those given, if some are (not checked)."""
        if not table.labels:
            return
        if self._book is None and isinstance(table.labels[0], str):
            self._use_book([])
        if self._book is None and self._has_room(min(table.labels), max(table.labels)):
            codes = np.array(table.labels, np.int64)
        else:
            codes = self._codes([pa.array(table.labels)])[0].astype(np.int64)
        positions = np.arange(len(codes))
        for cells, weighted in ((table.rows, False), (table.weighted, True)):
            if cells is not None and len(cells.rows):
                self.make_room(int(cells.slices.max()) + 1)
                self._counts_of(weighted).add(*renumbered(cells, positions, codes))

    def _of(self, piece: Piece) -> DenseCounts:
        return self._counts_of(piece.weights is not None)

    def _counts_of(self, weighted: bool) -> DenseCounts:
        width = max(self._width, 1)
        if weighted:
            if self._weighted is None:
                self._weighted = SparseCounts(self._base, width, True)
            return self._weighted
        if self._counts is None:
            dense = width <= MAX_DENSE_WIDTH and width * width * self._slices <= MAX_DENSE_CELLS
            self._counts = (
                DenseCounts(self._base, width, self._slices) if dense else SparseCounts(self._base, width, False)
            )
        return self._counts

    def _widen(self, piece: Piece) -> bool:
        """Have room for the labels of these rows; False if they have codes from now on."""
        piece = piece.whole()
        numbers = [column.to_numpy(zero_copy_only=False) for column in piece.columns]
        low, high = min(int(each.min()) for each in numbers), max(int(each.max()) for each in numbers)
        if self._given is not None:
            outside = [(each < self._base) | (each >= self._base + self._width) for each in numbers]
            raise _unknown_label(piece, outside)
        return self._has_room(low, high)

    def _has_room(self, low: int, high: int) -> bool:
        """Have room for these integers; False if labels have codes from now on."""
        if self._width:
            low, high = min(low, self._base), max(high, self._base + self._width - 1)
        width = high - low + 1
        if width == self._width:
            return True
        if width > MAX_DENSE_WIDTH:
            self._use_book([])
            return False
        if self._width and width > 16:  # once it grows, it may go on
            width = min(max(width, self._width * 5 // 4), MAX_DENSE_WIDTH)
        self._open(min(low, 2**63 - width), width)
        return True

    def _open(self, base: int, width: int) -> None:
        """Move all counts to another window."""
        before = self._counts, self._weighted
        self._base, self._width, self._counts, self._weighted = base, width, None, None
        for counts, weighted in zip(before, (False, True), strict=True):
            if counts is not None:
                self._counts_of(weighted).add(*counts.cells())

    def _use_book(self, labels: Sequence[Any]) -> None:
        """Move all counts from integers to codes of a codebook that begins with these labels."""
        table = self.table()
        self._book, self._base, self._width, self._counts, self._weighted = Codebook(["labels"]), 0, 0, None, None
        if labels:
            self._codes([pa.array(labels)])
        self.add(table)

    def _count_codes(self, piece: Piece) -> None:
        assert self._book is not None
        piece = piece.whole()
        if self._given is not None:
            before = len(self._book)
            codes = [self._book.encode([column]) for column in piece.columns]
            if len(self._book) > before:
                self._book.truncate(before)
                raise _unknown_label(piece, [each >= before for each in codes])
        else:
            codes = self._codes(piece.columns)
        piece = replace(piece, columns=list(map(pa.array, codes)))
        self._of(piece).count(piece.rows(), 0, len(piece))

    def _codes(self, columns: list[pa.Array]) -> list[NDArray[np.int32]]:
        """Codes of labels, with room for those that are new."""
        assert self._book is not None
        coded = []
        for column in columns:
            known = len(self._book)
            codes = self._book.encode([column])
            coded.append(codes)
            if len(self._book) > known:
                fresh = np.flatnonzero(codes >= known)
                _, first = np.unique(codes[fresh], return_index=True)
                self._labels += _arrow.take(column, fresh[first]).to_pylist()
        if len(self._book) > self._width:
            steps = [step for step in (16, 64, 256, 1024, MAX_DENSE_WIDTH, WIDEST) if step >= len(self._book)]
            self._open(0, len(self._book) if self._given is not None else steps[0])
        return coded


def _unknown_label(piece: Piece, outside: Sequence[NDArray[np.bool_]]) -> ValueError:
    at = int(np.flatnonzero(outside[0] | outside[1])[0])
    which = 0 if outside[0][at] else 1
    value = piece.columns[which][at].as_py()
    return ValueError(f"{ARGUMENTS[which]}: must be one of the labels, got {value!r} at row {piece.row(at)}")
