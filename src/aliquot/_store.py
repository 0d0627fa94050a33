"""The rows of a bottom-k sample, held beside their keys."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from aliquot import _arrow
from aliquot._kernels.reservoir import ReservoirState
from aliquot._rng import Words

SPARE_ROWS = 64
"""Rows held beyond 2k before the ones that are out are let go."""


class RowStore:
    """Keeps the rows with the ``size`` smallest keys, copied out of their batches, and at most about as many more.

    ``batches`` hold them in slots 0, 1, 2, ... After ``settle`` there are just the rows kept, in order of row number.
    """

    def __init__(self, size: int, seed: Words, start: int = 0) -> None:
        self.state = ReservoirState(size, seed, start)
        self.batches: list[pa.RecordBatch] = []
        self.population = 0
        self._size = size
        self._stored = 0

    @property
    def rows(self) -> _arrow.Positions:
        """Row numbers of the rows kept, ascending."""
        rows, _, _ = self.state.kept()
        return rows

    @property
    def keys(self) -> NDArray[np.float64]:
        """Their keys."""
        _, keys, _ = self.state.kept()
        return keys

    def update(
        self, batch: pa.RecordBatch, passes: NDArray[np.uint8] | None = None, keys: NDArray[np.float64] | None = None
    ) -> None:
        """See the next rows: all, or those with a non-zero byte in ``passes``.

        They come under ``keys``, or under those of their row numbers.
        """
        if batch.num_rows == 0:
            return
        if self._stored > 2 * self._size + SPARE_ROWS:
            self.settle()  # before anything is taken in, so that it fails with nothing lost
        positions = self.state.stage_rows(batch.num_rows, passes) if keys is None else self.state.stage_keys(keys)
        if positions is None:
            self.state.commit(0)
        else:
            try:
                entering = [_arrow.take_rows(batch, positions)]
            except BaseException:
                self.state.discard()
                raise
            self._commit(entering)
        self.population += batch.num_rows if passes is None else int(passes.sum())

    def absorb(self, other: "RowStore") -> None:
        """Take in the rows that another store has seen. It is settled, and otherwise stays as it is."""
        other.settle()
        self.adopt(other.rows, other.keys, other.state.first_out(), other.batches, other.population)

    def adopt(
        self,
        rows: _arrow.Positions,
        keys: NDArray[np.float64],
        first_out: tuple[float, int],
        batches: Sequence[pa.RecordBatch],
        population: int,
    ) -> None:
        """Take in rows that a settled store held."""
        next_row = self.state.next_row
        positions = self.state.stage_kept(keys, rows, *first_out)
        self._commit([] if positions is None else _arrow.take_sorted(batches, positions))
        self.state.seek(next_row)
        self.population += population

    def settle(self) -> None:
        """Let go of all rows but those kept, and put these in order of row number."""
        slots = self.state.kept()[2]
        if len(slots) == self._stored and len(self.batches) <= 1 and np.all(slots[1:] > slots[:-1]):
            return
        if self.batches:
            schema = self.batches[0].schema
            # Joining first is cheaper, but might need more codes than a dictionary has for rows that are let go.
            joined = self.batches if _arrow.has_dictionaries(schema) else _arrow.consolidate(self.batches, schema)
            self.batches = _arrow.permute(joined, slots)
        self._stored = len(slots)
        self.state.renumber()

    def _commit(self, entering: list[pa.RecordBatch]) -> None:
        self.state.commit(self._stored)
        for batch in entering:
            self.batches.append(_arrow.with_own_dictionaries(batch, self.batches[0]) if self.batches else batch)
            self._stored += batch.num_rows
