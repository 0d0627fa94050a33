"""A fixed share of a stream whose length is not known, exactly, in one pass."""

import math

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from aliquot import _arrow
from aliquot._checks import rows_of_fraction
from aliquot._kernels.simple_random import RowsBelow
from aliquot._result import Kept
from aliquot._rng import Words


class FractionSample:
    """Holds every row that can still be among the round(fraction * n) smallest keys of the n rows of the population.

    The largest of those keys falls towards -log(1 - fraction) as n grows, so a row whose key is above what it can be
    after the rows seen so far is let go for good. "Can be" is eight standard deviations of margin: it goes wrong less
    than once in 1e14 samples, and then ``settle`` raises. Holds fraction * n rows and O(sqrt(n)) more.
    """

    def __init__(self, fraction: float, seed: Words) -> None:
        self._fraction = fraction
        self._keys_below = RowsBelow(seed)
        self.population = 0
        self.rows = np.empty(0, np.int64)
        self.keys = np.empty(0)
        self.batches: list[pa.RecordBatch] = []
        self._new: list[tuple[_arrow.Positions, NDArray[np.float64]]] = []
        self._first_row = 0
        self._stored = 0

    def update(self, batch: pa.RecordBatch, passes: NDArray[np.uint8] | None) -> None:
        """See a batch, of which only rows with a non-zero byte in ``passes`` are of the population."""
        rows, keys = self._keys_below.next(batch.num_rows, self._limit())
        if passes is not None:
            chosen = passes[rows - self._first_row] != 0
            rows, keys = rows[chosen], keys[chosen]
        if len(rows):
            taken = _arrow.take_rows(batch, rows - self._first_row)
            self.batches.append(_arrow.with_own_dictionaries(taken, self.batches[0]) if self.batches else taken)
            self._new.append((rows, keys))
        self._stored += len(rows)
        self._first_row += batch.num_rows
        self.population += batch.num_rows if passes is None else int(passes.sum())
        if self._stored > 2 * len(self.rows) + 65_536:
            self.settle()

    def settle(self) -> Kept:
        """Let go of the rows that are above the limit by now."""
        rows = np.concatenate([self.rows, *(rows for rows, _ in self._new)])
        keys = np.concatenate([self.keys, *(keys for _, keys in self._new)])
        stay = np.flatnonzero(keys <= self._limit())
        if len(stay) < rows_of_fraction(self._fraction, self.population):
            raise RuntimeError(
                f"fraction: rows were let go that the sample of {self.population} rows needs, "
                "as happens to less than one in 1e14; draw again with another rng"
            )
        self.batches = _arrow.permute(self.batches, stay)
        self.rows, self.keys = rows[stay], keys[stay]
        self._new = []
        self._stored = len(stay)
        return Kept(self.rows, self.keys, self.population)

    def finish(self) -> Kept:
        """The rows that the sample is drawn from, now that all are seen."""
        return self.settle()

    def payload(self) -> list[pa.RecordBatch]:
        """The rows held."""
        return self.batches

    def _limit(self) -> float:
        n = max(self.population, 1)
        spread = math.sqrt(self._fraction * (1 - self._fraction) / n)
        share = self._fraction + 8 * spread + 32 / n
        return -math.log1p(-share) if share < 1 else math.inf
