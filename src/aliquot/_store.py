"""The rows of a bottom-k sample, held beside their keys."""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from aliquot import _arrow
from aliquot._kernels.reservoir import BadWeightError, ReservoirState
from aliquot._numbers import bad_weight
from aliquot._result import Kept
from aliquot._rng import Words
from aliquot.weights import exact_sum

SPARE_ROWS = 64
"""Rows held beyond 2k before the ones that are out are let go."""

WEIGHT = "\0weight"
"""A last column of the batches held: each row's weight, for the inclusion probabilities of weighted designs."""


class RowStore:
    """Keeps the rows with the ``size`` smallest keys, copied out of their batches, and at most about as many more.

    ``held`` has them in slots 0, 1, 2, ... After ``settle`` there are just the rows kept, in order of row number. With
    ``summed``, the weights of all rows seen are added up, exactly.
    """

    def __init__(
        self, size: int, seed: Words, start: int = 0, *, design: str = "uniform", summed: bool = False
    ) -> None:
        self.state = ReservoirState(size, seed, start)
        self.held: list[pa.RecordBatch] = []
        self.population = 0
        self.total = Fraction(0)
        self._design = design
        self._summed = summed
        self._size = size
        self._stored = 0

    def update(
        self,
        batch: pa.RecordBatch,
        passes: NDArray[np.uint8] | None = None,
        keys: NDArray[np.float64] | None = None,
        weights: NDArray[np.float64] | None = None,
        weights_name: str = "weights",
    ) -> None:
        """See the next rows: all, or those with a non-zero byte in ``passes``.

        They come under ``keys``, or under those of their row numbers, with ``weights`` in weighted designs.
        ValueError for a bad weight; the store is then as it was.
        """
        if batch.num_rows == 0:
            return
        if self._stored > 2 * self._size + SPARE_ROWS:
            self.settle()  # before anything is taken in, so that it fails with nothing lost
        if weights is not None and passes is not None:
            weights = np.where(passes, weights, 0.0)
        positions = self._stage(batch.num_rows, passes, keys, weights, weights_name)
        if positions is None:
            self.state.commit(0)
        else:
            try:
                entering = _arrow.take_rows(batch, positions)
                if weights is not None:
                    entering = _arrow.with_last(entering, WEIGHT, pa.array(weights[positions]))
            except BaseException:
                self.state.discard()
                raise
            self._commit([entering])
        self.population += batch.num_rows if passes is None else int(passes.sum())
        if self._summed and weights is not None:
            self.total += exact_sum(weights)

    def absorb(self, other: "RowStore") -> None:
        """Take in the rows that another store has seen. It is settled, and otherwise stays as it is."""
        kept = other.settle()
        self.adopt(kept.rows, kept.keys, other.state.first_out(), other.held, other.population, other.total)

    def adopt(
        self,
        rows: _arrow.Positions,
        keys: NDArray[np.float64],
        first_out: tuple[float, int],
        held: Sequence[pa.RecordBatch],
        population: int,
        total: Fraction,
    ) -> None:
        """Take in rows that a settled store held."""
        next_row = self.state.next_row
        positions = self.state.stage_kept(keys, rows, *first_out)
        self._commit([] if positions is None else _arrow.take_sorted(held, positions))
        self.state.seek(next_row)
        self.population += population
        self.total += total

    def settle(self) -> Kept:
        """Let go of all rows but those kept, and put these in order of row number."""
        rows, keys, slots = self.state.kept()
        if len(slots) != self._stored or len(self.held) > 1 or np.any(slots[1:] <= slots[:-1]):
            if self.held:
                schema = self.held[0].schema
                # Joining first is cheaper, but might need more codes than a dictionary has for rows that are let go.
                joined = self.held if _arrow.has_dictionaries(schema) else _arrow.consolidate(self.held, schema)
                self.held = _arrow.permute(joined, slots)
            self._stored = len(slots)
            self.state.renumber()
        weights = None
        if self._design != "uniform":
            weights = np.concatenate([np.empty(0), *(batch.column(WEIGHT).to_numpy() for batch in self.held)])
        return Kept(rows, keys, self.population, self.state.first_out()[0], weights, float(self.total))

    def payload(self) -> list[pa.RecordBatch]:
        """The rows held, as they came."""
        return self.held if self._design == "uniform" else [_arrow.without_last(batch) for batch in self.held]

    def _stage(
        self,
        rows: int,
        passes: NDArray[np.uint8] | None,
        keys: NDArray[np.float64] | None,
        weights: NDArray[np.float64] | None,
        weights_name: str,
    ) -> NDArray[np.int64] | None:
        if keys is not None:
            return self.state.stage_keys(keys)
        if weights is None:
            return self.state.stage_rows(rows, passes)
        try:
            return self.state.stage_weights(weights, self._design == "priority")
        except BadWeightError as error:
            position = error.args[0]
            raise bad_weight(weights_name, weights[position], self.state.next_row + position) from None

    def _commit(self, entering: list[pa.RecordBatch]) -> None:
        self.state.commit(self._stored)
        for batch in entering:
            self.held.append(_arrow.with_own_dictionaries(batch, self.held[0]) if self.held else batch)
            self._stored += batch.num_rows
