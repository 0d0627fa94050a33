"""The rows of a bottom-k sample, held beside their keys."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from aliquot import _arrow
from aliquot._designs import WEIGHTED
from aliquot._kernels.gather import lies_flat
from aliquot._kernels.reservoir import BadWeightError, ReservoirState
from aliquot._numbers import bad_weight
from aliquot._result import Kept
from aliquot._rng import Words
from aliquot.weights import exact_sum

SPARE_ROWS = 64
"""Rows held beyond 2k before the ones that are out are let go."""

WEIGHT = "\0weight"
"""A last column of the batches held: each row's weight, for the inclusion probabilities of weighted designs."""


class HeldRows:
    """Rows copied out of their batches, in slots 0, 1, 2, ..."""

    def __init__(self, *, weighted: bool) -> None:
        self.held: list[pa.RecordBatch] = []
        self.count = 0
        self._weighted = weighted
        self._flat = self._coded = False

    def add(self, batch: pa.RecordBatch) -> None:
        """Hold these rows too."""
        if not self.held:  # asked once, as it takes a while for many columns
            self._flat = lies_flat(batch.schema)
            self._coded = _arrow.has_dictionaries(batch.schema)
        elif self._coded:
            batch = _arrow.with_own_dictionaries(batch, self.held[0])
        self.held.append(batch)
        self.count += batch.num_rows

    def arrange(self, slots: _arrow.Positions) -> None:
        """Hold just the rows in these slots, in this order."""
        if len(slots) == self.count and len(self.held) <= 1 and np.all(slots[1:] > slots[:-1]):
            return
        if self.held:
            if not (self._flat or self._coded):
                # Cheaper than picking from many, but might need more codes than a dictionary has.
                self.held = _arrow.consolidate(self.held, self.held[0].schema)
            self.held = _arrow.permute(self.held, slots)
        self.count = len(slots)

    def weights(self) -> NDArray[np.float64] | None:
        """The weight of each row, in weighted designs."""
        if not self._weighted:
            return None
        return np.concatenate([np.empty(0), *(batch.column(WEIGHT).to_numpy() for batch in self.held)])

    def payload(self) -> list[pa.RecordBatch]:
        """The rows, as they came."""
        return [_arrow.without_last(batch) for batch in self.held] if self._weighted else self.held

    def to_batches(
        self, fields: list[pa.Field], own: dict[str, NDArray[Any]]
    ) -> tuple[list[pa.Field], list[pa.RecordBatch]]:
        """The rows, of these fields, behind columns of one value a row; and the fields of both."""
        fields = [*(pa.field(name, pa.from_numpy_dtype(values.dtype)) for name, values in own.items()), *fields]
        if self._weighted:
            fields.append(pa.field(WEIGHT, pa.float64()))
        batches = []
        start = 0
        for batch in self.held:
            part = slice(start, start + batch.num_rows)
            columns = [*(pa.array(values[part]) for values in own.values()), *batch.columns]
            batches.append(pa.RecordBatch.from_arrays(columns, schema=pa.schema(fields)))
            start += batch.num_rows
        return fields, batches

    def from_batches(
        self, batches: list[pa.RecordBatch], schema: pa.Schema, own: int
    ) -> tuple[list[pa.Field], list[NDArray[Any]], list[pa.RecordBatch]]:
        """What ``to_batches`` gave: the fields of the rows, the ``own`` columns before them, and the rows to hold."""
        columns = [
            np.concatenate(
                [
                    np.empty(0, schema.field(i).type.to_pandas_dtype()),
                    *(batch.column(i).to_numpy(zero_copy_only=False) for batch in batches),
                ]
            )
            for i in range(own)
        ]
        fields = list(schema)[own : len(schema) - self._weighted]
        return fields, columns, [_arrow.without_first(batch, own) for batch in batches]


def entering(batch: pa.RecordBatch, positions: _arrow.Positions, weights: NDArray[np.float64] | None) -> pa.RecordBatch:
    """Rows of a batch to be held, with their weights in weighted designs."""
    rows = _arrow.take_rows(batch, positions)
    return rows if weights is None else _arrow.with_last(rows, WEIGHT, pa.array(weights[positions]))


class RowStore:
    """Keeps the rows with the ``size`` smallest keys, copied out of their batches, and at most about as many more.

    After ``settle`` ``rows`` holds just the rows kept, in order of row number. With ``summed``, the weights of all rows
    seen are added up, exactly.
    """

    def __init__(
        self, size: int, seed: Words, start: int = 0, *, design: str = "uniform", summed: bool = False
    ) -> None:
        self.state = ReservoirState(size, seed, start)
        self.rows = HeldRows(weighted=design in WEIGHTED)
        self.population = 0
        self.total = Fraction(0)
        self._design = design
        self._summed = summed
        self._size = size

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
        if self.rows.count > 2 * self._size + SPARE_ROWS:
            self.settle()  # before anything is taken in, so that it fails with nothing lost
        if weights is not None and passes is not None:
            weights = np.where(passes, weights, 0.0)
        positions = self._stage(batch.num_rows, passes, keys, weights, weights_name)
        if positions is None:
            self.state.commit(0)
        else:
            try:
                new = entering(batch, positions, weights)
            except BaseException:
                self.state.discard()
                raise
            self._commit([new])
        self.population += batch.num_rows if passes is None else int(passes.sum())
        if self._summed and weights is not None:
            self.total += exact_sum(weights)

    def absorb(self, other: "RowStore") -> None:
        """Take in the rows that another store has seen. It is settled, and otherwise stays as it is."""
        kept = other.settle()
        self.adopt(kept.rows, kept.keys, other.state.first_out(), other.rows.held, other.population, other.total)

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
        self.rows.arrange(slots)
        self.state.renumber()
        return Kept(rows, keys, self.population, self.state.first_out()[0], self.rows.weights(), total=self.total)

    def finish(self) -> Kept:
        """The rows kept, now that all are seen."""
        return self.settle()

    def payload(self) -> list[pa.RecordBatch]:
        """The rows held, as they came."""
        return self.rows.payload()

    @property
    def threshold(self) -> float:
        """The key of the first row that is out."""
        return self.state.first_out()[0]

    def tells(self) -> object:
        """What equal stores agree on beside their rows."""
        return self.population, self.total, self.state.first_out()

    def to_json(self) -> dict[str, Any]:
        """What is saved beside the rows."""
        key, row = self.state.first_out()
        return {"n_seen": self.population, "total": str(self.total), "first_out": [key.hex(), row]}

    def to_batches(self, fields: list[pa.Field]) -> tuple[list[pa.Field], list[pa.RecordBatch]]:
        """The rows kept, of these fields, with their keys and numbers."""
        kept = self.settle()
        return self.rows.to_batches(fields, {"key": kept.keys, "row": kept.rows})

    def adopt_batches(self, state: dict[str, Any], batches: list[pa.RecordBatch], schema: pa.Schema) -> list[pa.Field]:
        """Take in what ``to_json`` and ``to_batches`` gave; returns the fields of the rows."""
        fields, (keys, rows), held = self.rows.from_batches(batches, schema, 2)
        key, row = state["first_out"]
        self.adopt(rows, keys, (float.fromhex(key), row), held, state["n_seen"], Fraction(state["total"]))
        return fields

    def _stage(
        self,
        rows: int,
        passes: NDArray[np.uint8] | None,
        keys: NDArray[np.float64] | None,
        weights: NDArray[np.float64] | None,
        weights_name: str,
    ) -> NDArray[np.int64] | None:
        if self._design == "first":
            keys = row_number_keys(self.state.next_row, rows)
            if passes is not None:
                keys[passes == 0] = np.nan  # before nothing
        if keys is not None:
            return self.state.stage_keys(keys)
        if weights is None:
            return self.state.stage_rows(rows, passes)
        try:
            return self.state.stage_weights(weights, self._design == "priority")
        except BadWeightError as error:
            position = error.args[0]
            raise bad_weight(weights_name, weights[position], self.state.next_row + position) from None

    def _commit(self, new: list[pa.RecordBatch]) -> None:
        self.state.commit(self.rows.count)
        for batch in new:
            self.rows.add(batch)


def row_number_keys(first_row: int, rows: int) -> NDArray[np.float64]:
    """Keys of the designs that keep what comes first."""
    return np.arange(first_row, first_row + rows, dtype=np.float64)
