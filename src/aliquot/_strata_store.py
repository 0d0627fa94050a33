"""The rows of a stratified sample, held beside their keys."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from aliquot import _arrow
from aliquot._allocation import Counts
from aliquot._checks import MAX_ROWS
from aliquot._codes import Codes
from aliquot._designs import NON_PROBABILITY, WEIGHTED
from aliquot._kernels.codes import add_counts, add_sums
from aliquot._kernels.stratified import StratifiedState
from aliquot._result import Kept, KeptStrata
from aliquot._rng import Words
from aliquot._saved import from_text, to_text
from aliquot._shares import Shares, key_limits
from aliquot._store import SPARE_ROWS, HeldRows, entering, row_number_keys
from aliquot.strata import Strata

LARGEST = 1e140
"""Values of which a deviation is asked: their squares can be added up."""

PIECE_ROWS = 8_192
"""Rows that are staged at once: until the first cut, all of a piece may enter."""

COUNTED_ROWS = 65_536
"""The same of rows whose strata are counted: no more enter than are drawn, but for a few."""


class Tally:
    """What was seen of each stratum: rows, those of positive weight, and the sum of their weights in two parts."""

    def __init__(self, strata: int = 0) -> None:
        self.rows = np.zeros(strata, np.int64)
        self.eligible = np.zeros(strata, np.int64)
        self.sums = np.zeros(strata)
        self.rests = np.zeros(strata)

    def __len__(self) -> int:
        return len(self.rows)

    def totals(self) -> NDArray[np.float64]:
        """The sum of weights of each stratum; infinite beyond float64."""
        return np.where(np.isfinite(self.sums), self.sums + self.rests, np.inf)

    def grow(self, strata: int) -> None:
        """Make room for this many strata."""
        more = strata - len(self)
        if more > 0:
            self.rows, self.eligible = (
                np.append(each, np.zeros(more, np.int64)) for each in (self.rows, self.eligible)
            )
            self.sums, self.rests = (np.append(each, np.zeros(more)) for each in (self.sums, self.rests))

    def see(self, codes: Codes, weights: NDArray[np.float64] | None) -> None:
        """Count rows of these strata."""
        add_counts(codes, self.rows)
        if weights is None:
            self.eligible = self.rows
            return
        add_counts(np.where(weights > 0, codes, np.int32(-1)), self.eligible)
        add_sums(codes, weights, self.sums, self.rests)

    def add(self, other: "Tally", codes: Codes) -> None:
        """Count what another tally has seen, whose strata have these codes here."""
        self.rows[codes] += other.rows
        if self.eligible is not self.rows:
            self.eligible[codes] += other.eligible
        add_sums(codes, other.sums, self.sums, self.rests)
        self.rests[codes] += other.rests


class Spread:
    """The standard deviation of a column in each stratum. Rows without a value do not count.

    Sums of differences to the first value of a stratum, and of their squares, in two doubles each.
    """

    def __init__(self) -> None:
        self._counts = np.zeros(0, np.int64)
        self._first = np.empty(0)
        self._sums = np.zeros((4, 0))

    def see(self, codes: Codes, values: pa.Array, name: str, first_row: int) -> None:
        """See the values of rows of these strata."""
        kind = values.type
        if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
            raise TypeError(f"allocation: must name a column of numbers, got {name!r} of type {kind}")
        numbers = values.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
        large = np.abs(numbers) > LARGEST
        if large.any():
            row = first_row + int(large.argmax())
            raise ValueError(f"{name}: must be at most {LARGEST} in size, got {numbers[row - first_row]} at row {row}")
        there = np.flatnonzero((codes >= 0) & ~np.isnan(numbers))
        codes, numbers = codes[there], numbers[there]
        more = int(codes.max(initial=-1)) + 1 - len(self._counts)
        if more > 0:
            self._counts = np.append(self._counts, np.zeros(more, np.int64))
            self._first = np.append(self._first, np.full(more, np.nan))
            self._sums = np.hstack([self._sums, np.zeros((4, more))])
        new = np.flatnonzero(np.isnan(self._first[codes]))[::-1]
        self._first[codes[new]] = numbers[new]  # the first of a stratum is written last
        differences = numbers - self._first[codes]
        add_counts(codes, self._counts)
        add_sums(codes, differences, self._sums[0], self._sums[1])
        add_sums(codes, differences * differences, self._sums[2], self._sums[3])

    def deviations(self, strata: int) -> NDArray[np.float64]:
        """The standard deviation in each stratum; zero for fewer than two values."""
        counts = np.maximum(self._counts, 1)
        sums, squares = self._sums[0] + self._sums[1], self._sums[2] + self._sums[3]
        variances = np.maximum(squares - sums * (sums / counts), 0.0) / np.maximum(counts - 1, 1)
        return np.append(np.sqrt(variances), np.zeros(strata - len(counts)))


class StrataStore:
    """Keeps, of each stratum, the rows with the smallest keys that can still be in the sample.

    ``shares`` says how many these are. Codes of strata come from ``strata``, whose codebook belongs to the store.
    """

    def __init__(self, strata: Strata, shares: Shares, seed: Words, start: int = 0, *, design: str) -> None:
        self.state = StratifiedState(seed, start)
        self.rows = HeldRows(weighted=design in WEIGHTED)
        self.strata = strata
        self.tally = Tally()
        self._shares = shares
        self._design = design
        self._settled = 0

    @property
    def population(self) -> int:
        """Rows seen."""
        return int(self.tally.rows.sum())

    def update(
        self,
        batch: pa.RecordBatch,
        codes: Codes,
        keys: NDArray[np.float64] | None = None,
        weights: NDArray[np.float64] | None = None,
    ) -> None:
        """See the next rows, of these strata, -1 for those that are not of the population.

        They come under ``keys``, or under those of their row numbers and ``weights``, which are good.
        """
        for start in range(0, batch.num_rows, PIECE_ROWS):
            piece = slice(start, start + PIECE_ROWS)
            self._update(
                batch.slice(start, PIECE_ROWS),
                codes[piece],
                None if keys is None else keys[piece],
                None if weights is None else weights[piece],
            )

    def _update(
        self,
        batch: pa.RecordBatch,
        codes: Codes,
        keys: NDArray[np.float64] | None,
        weights: NDArray[np.float64] | None,
    ) -> None:
        if self.rows.count > 2 * self._settled + len(self.tally) + SPARE_ROWS:
            self.settle()  # before anything is taken in, so that it fails with nothing lost
        self.state.grow(len(self.strata.book))
        if self._design in NON_PROBABILITY:
            keys = row_number_keys(self.state.next_row, len(codes))
        if keys is not None:
            positions = self.state.stage_keys(codes, keys)
        else:
            by_weight = np.ones(len(codes)) if weights is None else weights
            positions = self.state.stage_weights(codes, by_weight, self._design == "priority")
        try:
            self.tally.grow(len(self.strata.book))
            new = entering(batch, positions, weights) if len(positions) else None
        except BaseException:
            self.state.discard()
            raise
        self.state.commit(self.rows.count, batch.num_rows)
        if new is not None:
            self.rows.add(new)
        self.tally.see(codes, weights)

    def see_counted(self, tally: Tally, batches: Iterable[Codes]) -> None:
        """See all rows, of these strata and without columns, once they are counted: few enter that are not drawn."""
        self.tally = tally
        draws = self._shares.allocate(tally.rows, tally.eligible, self.strata.book)
        limits = key_limits(np.minimum(draws, tally.eligible), tally.eligible)
        self.state.grow(len(tally))
        expected = -(np.expm1(-limits) @ tally.eligible)
        self.state.reserve(int(expected + 8 * np.sqrt(expected)))
        self.state.lower(np.arange(len(tally), dtype=np.int32), limits, np.full(len(tally), MAX_ROWS))
        even = np.ones(COUNTED_ROWS)
        for codes in batches:
            for start in range(0, len(codes), COUNTED_ROWS):
                piece = codes[start : start + COUNTED_ROWS]
                positions = self.state.stage_weights(piece, even[: len(piece)], False)
                self.state.commit(self.rows.count, len(piece))
                self.rows.add(_arrow.empty_columns(len(positions), pa.schema([])))

    def absorb(self, other: "StrataStore") -> None:
        """Take in the rows that another store has seen. It is settled, and otherwise stays as it is."""
        kept = other.settle()
        assert kept.strata is not None
        values = [column.slice(0, len(other.tally)) for column in other.strata.book.values()]
        keys, rows = other.state.limits()
        seen = slice(len(other.tally))
        self.adopt(
            kept.strata.codes, kept.keys, kept.rows, other.rows.held, values, other.tally, keys[seen], rows[seen]
        )

    def adopt(
        self,
        codes: Codes,
        keys: NDArray[np.float64],
        rows: _arrow.Positions,
        held: Sequence[pa.RecordBatch],
        values: list[pa.Array],
        tally: Tally,
        out_keys: NDArray[np.float64],
        out_rows: _arrow.Positions,
    ) -> None:
        """Take in rows that a settled store held, and its strata: their values, tally, and first rows that are out."""
        of_code = self.strata.book.encode(values) if len(tally) else np.empty(0, np.int32)
        self.state.grow(len(self.strata.book))
        self.tally.grow(len(self.strata.book))
        self.state.lower(of_code, out_keys, out_rows)
        positions = self.state.stage_kept(of_code[codes], keys, rows)
        self.state.commit(self.rows.count, 0)
        for batch in _arrow.take_sorted(held, positions):
            self.rows.add(batch)
        self.tally.add(tally, of_code)

    def settle(self) -> Kept:
        """Let go of all rows but those that can still be needed, and put these in order of row number."""
        most = self._shares.may_need(self.tally.eligible, self.strata.book)
        return self._cut(most, most)

    def finish(self) -> Kept:
        """The rows that the sample needs, now that all are seen. ValueError if a stratum cannot give its share."""
        draws = self._shares.allocate(self.tally.rows, self.tally.eligible, self.strata.book)
        needed = np.minimum(draws, self.tally.eligible)
        kept = self._cut(needed, draws)
        assert kept.strata is not None
        if np.any(np.bincount(kept.strata.codes, minlength=len(needed)) < needed):
            raise RuntimeError(
                f"strata: rows were let go that the sample of {len(kept.rows)} rows needs, "
                "as happens to less than one in 1e14; draw again with another rng"
            )
        return kept

    def payload(self) -> list[pa.RecordBatch]:
        """The rows held, as they came."""
        return self.rows.payload()

    def forget_unseen(self) -> None:
        """Forget strata that were given a code, but of which no row was taken in."""
        self.strata.book.truncate(len(self.tally))

    @property
    def threshold(self) -> dict[Any, float]:
        """The key of the first row of each stratum that is out."""
        self.settle()
        labels = self.strata.book.labels(0, len(self.tally))
        return dict(zip(labels, self.state.limits()[0].tolist(), strict=False))

    def tells(self) -> object:
        """What equal stores agree on beside their rows."""
        facts = self._facts()
        totals = pa.array(self.tally.totals())  # whose parts depend on the order of the rows
        facts = facts.drop_columns(["sum", "rest"]).append_column("total", totals)
        return dict(
            zip(
                map(repr, self.strata.book.labels(0, len(facts))),
                zip(*facts.to_pydict().values(), strict=True),
                strict=True,
            )
        )

    def to_json(self) -> dict[str, Any]:
        """What is saved beside the rows."""
        order = self._by_row(self.settle())
        table = self._facts().take(order)
        for i, column in enumerate(self.strata.book.values()):
            table = table.append_column(f"value {i}", _arrow.take(column, order))
        return {"strata_seen": to_text(table)}

    def to_batches(self, fields: list[pa.Field]) -> tuple[list[pa.Field], list[pa.RecordBatch]]:
        """The rows kept, of these fields, with their keys, numbers and strata."""
        kept = self.settle()
        assert kept.strata is not None
        order = self._by_row(kept)
        codes = np.empty(len(order), np.int32)
        codes[order] = np.arange(len(order))
        return self.rows.to_batches(fields, {"key": kept.keys, "row": kept.rows, "stratum": codes[kept.strata.codes]})

    def adopt_batches(self, state: dict[str, Any], batches: list[pa.RecordBatch], schema: pa.Schema) -> list[pa.Field]:
        """Take in what ``to_json`` and ``to_batches`` gave; returns the fields of the rows."""
        fields, (keys, rows, codes), held = self.rows.from_batches(batches, schema, 3)
        table = from_text(state["strata_seen"])
        tally = Tally(len(table))
        tally.rows, tally.eligible, tally.sums, tally.rests, out_keys, out_rows = (
            column.to_numpy() for column in table.columns[:6]
        )
        values = [column.combine_chunks() for column in table.columns[6:]]
        self.adopt(codes, keys, rows, held, values, tally, out_keys, out_rows)
        return fields

    def _by_row(self, kept: Kept) -> Counts:
        """The strata by the first row that is kept of each, or the one of smallest key that is out, for codes depend on
        the order of merges.
        """
        assert kept.strata is not None
        first = self.state.limits()[1][: len(self.tally)].copy()
        first[kept.strata.codes[::-1]] = kept.rows[::-1]
        order: Counts = np.argsort(first, kind="stable")
        return order

    def _facts(self) -> pa.Table:
        self.settle()
        out_keys, out_rows = (each[: len(self.tally)] for each in self.state.limits())
        return pa.table(
            {
                "rows": self.tally.rows,
                "eligible": self.tally.eligible,
                "sum": self.tally.sums,
                "rest": self.tally.rests,
                "out_key": out_keys,
                "out_row": out_rows,
            }
        )

    def _cut(self, most: Counts, draws: Counts) -> Kept:
        rows, keys, slots, codes = self.state.cut(most)
        self.rows.arrange(slots)
        self._settled = len(rows)
        strata = KeptStrata(codes, self.tally.rows, draws, self.state.limits()[0], self.tally.totals())
        return Kept(rows, keys, self.population, weights=self.rows.weights(), strata=strata)
