"""Rankings: scores in descending order with what weighs on each, and how rows become one."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from aliquot._checks import check_count
from aliquot._kernels import ranking as _kernel
from aliquot._kernels import score_bins, scored_rows
from aliquot._scored_rows import MassRange, ScoredColumns, ScoredRows, widen
from aliquot._threads import processors

MOST_ROWS = 2**27
"""Sorted at once, at the most: what that takes beside the rows is as large as they are."""

KEPT_ROWS = 2**18
"""Room for as many is kept when they are ranked: memory that is new is dearer than what is done in it."""

FEWEST_ROWS = 2**12
"""Below, there is room for twice the rows that wait, as there may be many curves of few; above, for all that will."""
MASS_BYTES = 8
"""A row that waits has room for its masses, if they take one limb each: they are written over its key."""
SAMPLED_ROWS = 2**14
"""Tell whether scores repeat: as many as are sorted in no time."""


@dataclass(frozen=True, eq=False)
class Ranking:
    """As the kernel has it, which describes it; immutable. ``level`` tells how fine its bins are."""

    first: NDArray[Any]
    last: NDArray[Any] | None
    masses: NDArray[np.uint32]
    unit: int
    level: int = score_bins.FINEST

    @classmethod
    def of_nothing(cls, is_wide: bool = False) -> "Ranking":
        """The ranking of no rows."""
        return cls(np.empty(0, np.uint64 if is_wide else np.uint32), None, np.empty((0, 2, 1), np.uint32), 0)

    def __len__(self) -> int:
        return len(self.first)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Ranking):
            return NotImplemented
        return (
            self.first.dtype == other.first.dtype
            and (self.unit, self.level) == (other.unit, other.level)
            and np.array_equal(self.first, other.first)
            and np.array_equal(self.lowest, other.lowest)
            and np.array_equal(self.masses, other.masses)
        )

    __hash__ = None  # type: ignore[assignment]

    @property
    def lowest(self) -> NDArray[Any]:
        """The keys of the lowest score of each entry."""
        return self.first if self.last is None else self.last

    @property
    def parts(self) -> tuple[NDArray[Any], NDArray[Any] | None, NDArray[np.uint32], int]:
        """As kernels take it."""
        return self.first, self.last, self.masses, self.unit

    def as_floats(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """What positive and negative rows weigh, by entry; by a power of two less where sums would overflow."""
        limbs = self.masses.shape[2]
        unit = min(self.unit, 1000 - 32 * limbs)
        sums = np.zeros(self.masses.shape[:2])
        for i in reversed(range(limbs)):
            sums += np.ldexp(self.masses[:, :, i].astype(np.float64), unit + 32 * i)
        return sums[:, 0], sums[:, 1]

    @property
    def thresholds(self) -> NDArray[Any]:
        """The lowest score of each entry, float32 or float64."""
        return scored_rows.scores(self.lowest)

    def probabilities(self, asked: str) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.float64], NDArray[np.float64]]:
        """Highest and lowest scores, and positive and negative masses. ValueError for a score outside [0, 1]."""
        high, low = scored_rows.scores(self.first), self.thresholds
        for outside in (*high[:1][high[:1] > 1], *low[-1:][low[-1:] < 0]):
            raise ValueError(f"y_score: must be between 0 and 1 for {asked}, got {outside}")
        return high, low, *self.as_floats()

    def steps(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[Any]]:
        """Down to each entry's lowest score: masses of positive and of negative rows, and that score."""
        return *_kernel.cumulate(*self.parts), self.thresholds

    def mean_of(self, loss: Any) -> float:
        """The mean of a loss of probabilities, in the middle of each entry's scores."""
        high, low, positive, negative = self.probabilities(loss.__name__)
        mass = positive.sum() + negative.sum()
        if mass == 0:
            return math.nan
        return float((loss(high, positive, negative) + loss(low, positive, negative)) / (2 * mass))

    def to_batch(self) -> pa.RecordBatch:
        """As Arrow, an entry a row."""
        columns = {"first": self.first} if self.last is None else {"first": self.first, "last": self.last}
        width = 2 * self.masses.shape[2]
        masses = pa.FixedSizeListArray.from_arrays(pa.array(self.masses.reshape(-1)), width)
        return pa.record_batch({**columns, "masses": masses})

    @classmethod
    def from_batch(cls, batch: pa.RecordBatch, masses: MassRange, level: int) -> "Ranking":
        """What ``to_batch`` gave. ValueError for what no ranking gives, as kernels would not notice."""
        unit, limbs = masses.format
        first = batch.column("first").to_numpy()
        last = batch.column("last").to_numpy() if "last" in batch.schema.names else None
        sums = batch.column("masses").flatten().to_numpy()
        if len(sums) != 2 * limbs * len(first):
            raise ValueError(f"data: must hold masses of {limbs} limbs, got others")
        made = cls(first, last, sums.reshape(len(first), 2, limbs), unit, level)
        in_order = np.all(first[1:] > made.lowest[:-1]) and np.all(first <= made.lowest)
        if not (in_order and 0 <= level <= score_bins.FINEST):
            raise ValueError("data: must hold scores in descending order, got others")
        return made

    def widened(self) -> "Ranking":
        """With keys of 64 bits."""
        return Ranking(widen(self.first), self.last, self.masses, self.unit, self.level)

    def merged(self, other: "Ranking", masses: MassRange) -> "Ranking":
        """Both as one, in the format that the masses of all rows need."""
        if len(self) == 0 or len(other) == 0:
            return self if len(self) else other
        if self.first.dtype != other.first.dtype:
            return self.widened().merged(other.widened(), masses)
        unit, limbs = masses.format
        first, last, sums = _kernel.merge(*self.parts, *other.parts, unit, limbs)
        return Ranking(first, last, sums, unit, min(self.level, other.level))

    def binned(self, bins: int) -> "Ranking":
        """In at most this many bins."""
        return join_bins(self.first.copy(), self.lowest.copy(), self.masses.copy(), self.unit, self.level, bins)


def join_bins(
    first: NDArray[np.uint64], last: NDArray[np.uint64], masses: NDArray[np.uint32], unit: int, level: int, bins: int
) -> Ranking:
    """A ranking in at most this many bins, of arrays that are written over."""
    size, level = score_bins.join_bins(first, last, masses, level, bins)
    return Ranking(first[:size].copy(), last[:size].copy(), masses[:size].copy(), unit, level)


class Pending:
    """Rows that wait to be ranked: arrays that are filled from the front, and then used again."""

    __slots__ = ("_arrays", "_is_spent", "_is_weighted", "_is_wide", "rows")

    def __init__(self) -> None:
        self.rows = 0
        self._is_wide = self._is_weighted = self._is_spent = False
        self._arrays: dict[str, NDArray[Any]] = {}

    def takes(self, *, is_wide: bool, is_weighted: bool) -> bool:
        """Whether rows like these can be added to those that wait."""
        return self.rows == 0 or (is_wide <= self._is_wide and is_weighted <= self._is_weighted)

    @property
    def hardly_repeat(self) -> bool:
        """Whether most scores of the first rows that wait are different."""
        keys = np.sort(self._arrays["keys"][: min(self.rows, SAMPLED_ROWS)])  # np.unique takes 30 times as long
        return 2 * int(np.count_nonzero(keys[1:] != keys[:-1])) >= len(keys)

    def read(self, columns: ScoredColumns | ScoredRows, limit: int, *, is_wide: bool) -> ScoredRows:
        """The rows, where they would wait; they do once ``rows`` counts them. For columns that it takes.

        About ``limit`` rows will wait before they are ranked.
        """
        if self.rows == 0:
            self._is_wide, self._is_weighted = is_wide, columns.weights is not None
        end = self.rows + len(columns)
        room = max(end, 2 * self.rows if end < FEWEST_ROWS else limit)
        at = slice(self.rows, end)
        kind = np.dtype(np.uint64 if self._is_wide else np.uint32)
        keys = self._array("keys", room * MASS_BYTES // kind.itemsize, kind, self.rows)[at]
        labels = self._array("labels", room, np.uint8, self.rows)[at]
        weights = self._array("weights", room, np.float64, self.rows)[at] if self._is_weighted else None
        return columns.read(keys, labels, weights)

    def copied(self) -> tuple[NDArray[Any], NDArray[np.uint8], NDArray[np.float64] | None]:
        """Keys, labels and weights of the rows that wait."""
        self._check()
        keys, labels = (self._arrays[name][: self.rows].copy() for name in ("keys", "labels"))
        return keys, labels, self._arrays["weights"][: self.rows].copy() if self._is_weighted else None

    def rank(self, before: Ranking, masses: MassRange, bins: int | None) -> Ranking:
        """A ranking with the rows that wait, which they no longer do; ``masses`` are those of all rows then.

        RuntimeError if that was tried before, and failed.
        """
        self._check()
        ranking = before
        for start in range(0, self.rows, MOST_ROWS):
            made = self._ranked(slice(start, min(start + MOST_ROWS, self.rows)), masses, before.level, bins)
            ranking = ranking.merged(made, masses)
            ranking = ranking if bins is None else ranking.binned(bins)
        if self.rows > KEPT_ROWS:
            self._arrays.clear()
        self.rows = 0
        self._is_spent = False
        return ranking

    def _check(self) -> None:
        if self._is_spent:
            raise RuntimeError("curve: must be made again, as ranking its rows was interrupted or lacked memory")

    def _ranked(self, rows: slice, masses: MassRange, level: int, bins: int | None) -> Ranking:
        keys, labels = self._arrays["keys"][rows], self._arrays["labels"][rows]
        weights = self._arrays["weights"][rows] if self._is_weighted else None
        n, (unit, limbs) = len(keys), masses.format
        first = self._array("first", n, keys.dtype)[:n]
        if n == self.rows and limbs == 1 and weights is None and bins is None:  # over keys, which are done with by then
            sums = self._arrays["keys"].view(np.uint32)[: 2 * n].reshape(n, 2, 1)
            self._is_spent = True
        else:
            sums = self._array("sums", 2 * n * limbs, np.uint32)[: 2 * n * limbs].reshape(n, 2, limbs)
        if bins is not None:  # at once, so that few entries are left to merge
            last = self._array("last", n, np.uint64)[:n]
            size = score_bins.bin_rows(keys, labels, weights, first, last, sums, unit, level)
            if size == 0:
                size = _kernel.rank(keys, labels, weights, first, sums, unit, processors())
                last[:size] = first[:size]
            return join_bins(first[:size], last[:size], sums[:size], unit, level, bins)
        size = _kernel.rank(keys, labels, weights, first, sums, unit, processors())
        first, sums = first[:size], sums[:size]
        if n > KEPT_ROWS and 2 * size > n:
            del self._arrays["first"]
            self._arrays.pop("sums", None)
            return Ranking(first, None, sums, unit)
        return Ranking(first.copy(), None, sums.copy(), unit)

    def _array(self, name: str, room: int, kind: Any, kept: int = 0) -> NDArray[Any]:
        """An array with this much room, that begins as it did."""
        array = self._arrays.get(name)
        if array is None or array.dtype != kind or len(array) < room:
            made = np.empty(room, kind)
            if array is not None:
                made[:kept] = array[:kept]
            self._arrays[name] = array = made
        return array


def check_bins(bins: object, name: str = "bins") -> int:
    """``bins`` as a number of bins, at least 1."""
    count = check_count(name, bins)
    if count == 0:
        raise ValueError(f"{name}: must be at least 1, got 0")
    return count
