"""One call of ``sample``: which rows are drawn, with what is read for it."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from aliquot import _arrow
from aliquot._allocation import sum_exactly
from aliquot._checks import check_column, check_draws, check_size_within, rows_of_fraction
from aliquot._codes import Codes
from aliquot._designs import UNIFORM
from aliquot._kernels.simple_random import draw_ranks, select_rows
from aliquot._kernels.weighted import select_weighted
from aliquot._numbers import bad_weight, check_weights, too_few_positive
from aliquot._progress import Progress
from aliquot._result import Kept, Output
from aliquot._rng import Words
from aliquot._shares import Allocation, Equal, Fixed, Named, Neyman, Proportional, Shares
from aliquot._source import Source
from aliquot._store import RowStore
from aliquot._strata_store import Spread, StrataStore, Tally
from aliquot.fraction import FractionSample
from aliquot.sources import Memory
from aliquot.strata import Strata
from aliquot.weights import Weights, exact_sum
from aliquot.where import Where

Store: TypeAlias = RowStore | FractionSample | StrataStore

Seen: TypeAlias = tuple[int, pa.RecordBatch, NDArray[np.uint8] | None, NDArray[np.float64] | None]
"""First row number, batch, which rows pass, and their weights."""


@dataclass(frozen=True)
class Drawn:
    """Which of the rows kept were drawn, in their order."""

    kept: Kept
    picked: _arrow.Positions

    @property
    def rows_picked(self) -> _arrow.Positions:
        return self.kept.rows[self.picked]


@dataclass
class Job:
    """One call of ``sample``: what it reads, and what it is to give.

    ``wanted`` is a number of rows or a fraction; with strata, ``allocation`` says what is made of it.
    """

    source: Source
    columns: list[str]
    where: Where | None
    weights: Weights | None
    strata: Strata | None
    allocation: Allocation | None
    wanted: int | float
    output: Output
    seed: Words
    progress: Progress

    def run(self) -> tuple[list[pa.RecordBatch], Drawn]:
        """Batches of the rows drawn, and what they are."""
        if self.source.num_rows is None and self._needs_all():
            schema = self.source.schema
            batches = [batch for _, batch in self.source.scan(schema.names, None, self.progress)]
            self.source, self.progress = Memory(batches, schema), Progress(None)
        if self.strata is not None:
            self.strata.find_edges(self.source)
        return self._from_stream() if self.source.num_rows is None else self._from_rows()

    def choose(self) -> Drawn:
        """The rows drawn, of a source whose rows can be fetched by number."""
        rows = self.source.num_rows
        assert rows is not None
        if self.where is None and self.weights is None and self.strata is None:
            return self._draw(self._smallest(rows))
        if self.where is None and self.weights is not None and self.strata is None and isinstance(self.source, Memory):
            return self._draw(self._smallest_weighted(self.weights, rows))
        if self.strata is not None and isinstance(self.source, Memory) and self.output.design == UNIFORM:
            return self._draw(self._smallest_in_strata(self.strata))
        store = self._new_store(min(self._most(rows), rows))
        self._see_all(store, [])
        self.progress = Progress(None)  # which has told of every row
        if self.weights is not None:
            self.weights.check_length(rows)
        return self._draw(store.finish())

    def _needs_all(self) -> bool:
        """Whether any row can still be drawn until the last is known."""
        if self.strata is None or self.allocation is None:
            return self.output.design != UNIFORM and isinstance(self.wanted, float)
        return self.allocation.rule == "neyman" or (
            self.allocation.rule == "proportional" and self.output.design != UNIFORM
        )

    def _from_rows(self) -> tuple[list[pa.RecordBatch], Drawn]:
        drawn = self.choose()
        return self.source.take(drawn.rows_picked, self.columns, self.progress), drawn

    def _from_stream(self) -> tuple[list[pa.RecordBatch], Drawn]:
        store: Store
        if self.strata is not None or not isinstance(self.wanted, float):
            store = self._new_store(self._most(0))
        else:
            store = FractionSample(self.wanted, self.seed)
        self._see_all(store, self.columns)
        if self.weights is not None:
            self.weights.check_length(self.source.rows_read)
        drawn = self._draw(store.finish())
        return _arrow.permute(store.payload(), drawn.picked), drawn

    def _smallest(self, rows: int) -> Kept:
        """As many rows of all, those with the smallest keys, as the draws need."""
        size = self._size_of(rows)
        if self.output.design == "first":
            return Kept(np.arange(size), np.arange(size, dtype=np.float64), rows)
        if self.output.replace and rows > 0:
            size = draw_ranks(self.seed, rows, size)[1]
        return Kept(*select_rows(self.seed, rows, size), rows)

    def _smallest_weighted(self, weights: Weights, rows: int) -> Kept:
        """The rows with the smallest keys, of rows whose weights are in memory all at once."""
        weights.check_length(rows)
        pieces = [values for values, _ in weights.all_of(self.source)]
        values = pieces[0] if len(pieces) == 1 else np.concatenate([np.empty(0), *pieces])
        size = min(self._size_of(rows), rows)
        numbers, keys, bad = select_weighted(self.seed, values, size, self.output.design == "priority")
        if bad >= 0:
            raise bad_weight(weights.name, values[bad], bad)
        total = exact_sum(values) if self.output.replace else Fraction(0)
        # A million weights from all over memory cost more than their keys: only if they are asked for.
        wanted = self.output.replace or self.output.design_weight is not None
        kept = Kept(numbers, keys, rows, np.inf, values[numbers] if wanted else None, total)
        return kept if len(numbers) <= size else kept.smallest(size)

    def _smallest_in_strata(self, strata: Strata) -> Kept:
        """As many rows of each stratum as the draws need, of rows in memory, whose strata can be kept until counted."""
        tally, spread = Tally(), Spread()
        codes = list(self._count(strata, tally, spread, self.progress))
        self.progress = Progress(None)  # which has told of every row
        rule = self._rule(spread.deviations(len(tally)))
        store = StrataStore(strata, rule, self.seed, design=self.output.design)
        store.see_counted(tally, codes)
        return store.finish()

    def _most(self, rows: int) -> int:
        """The most rows that can be drawn of so many."""
        return rows_of_fraction(self.wanted, rows) if isinstance(self.wanted, float) else self.wanted

    def _size_of(self, population: int) -> int:
        """Rows to draw, or ValueError if there are too few."""
        if isinstance(self.wanted, float):
            return rows_of_fraction(self.wanted, population)
        check_size_within(self.wanted, population, replace=self.output.replace)
        return self.wanted

    def _draw(self, kept: Kept) -> Drawn:
        if kept.strata is not None:
            size = check_draws(sum_exactly(kept.strata.draws))
            return Drawn(kept, self.output.arrange(self.seed, kept, size))
        size = self._size_of(kept.population)
        needed = min(size, 1) if self.output.replace else size
        if self.weights is not None and len(kept.rows) < needed:
            raise too_few_positive(self.weights.name, needed, len(kept.rows))
        if len(kept.rows) > size and self.weights is not None and not self.output.replace:
            kept = kept.smallest(size)
        return Drawn(kept, self.output.arrange(self.seed, kept, size))

    def _new_store(self, size: int) -> RowStore | StrataStore:
        if self.strata is not None:
            return StrataStore(self.strata, self._shares(self.strata), self.seed, design=self.output.design)
        return RowStore(size, self.seed, design=self.output.design, summed=self.output.replace)

    def _shares(self, strata: Strata) -> Shares:
        """How many rows of each stratum to take, which may need a pass over the source to count them."""
        given = self.allocation
        assert given is not None
        if given.rule in ("named", "equal") or (given.rule == "proportional" and self.output.design == UNIFORM):
            return self._rule()
        tally, spread = Tally(), Spread()
        for _ in self._count(strata, tally, spread, Progress(None)):
            pass
        rule = self._rule(spread.deviations(len(tally)))
        return Fixed(rule.allocate(tally.rows, tally.eligible, strata.book))

    def _rule(self, deviations: NDArray[np.float64] | None = None) -> Shares:
        """How many rows of each stratum to take, by the deviations of a column in them if that is asked for."""
        given, replace, wanted = self.allocation, self.output.replace, self.wanted
        assert given is not None
        if given.sizes is not None:
            return Named(given.sizes, replace=replace)
        population = self.source.num_rows if self.where is None else None
        if population is not None:
            wanted = self._size_of(population)
        if given.rule == "equal":
            return Equal(wanted, given.minimum, replace=replace)
        if given.column is not None and deviations is not None:
            return Neyman(wanted, given.minimum, deviations, replace=replace)
        return Proportional(wanted, given.minimum, replace=replace, population=population)

    def _count(self, strata: Strata, tally: Tally, spread: Spread, progress: Progress) -> Iterator[Codes]:
        """The strata of rows, batch by batch, that ``tally`` and, if a deviation is asked for, ``spread`` have seen."""
        column = None if self.allocation is None else self.allocation.column
        more = [] if column is None else [check_column("allocation", column, self.source.schema.names)]
        for first_row, batch, passes, weights in self._scan(more, progress):
            codes = self._codes(strata, first_row, batch, passes, weights)
            tally.grow(len(strata.book))
            tally.see(codes, weights)
            if column is not None:
                spread.see(codes, batch.column(column), column, first_row)
            yield codes

    def _see_all(self, store: Store, columns: list[str]) -> None:
        """Show a store these columns of the source, and what the filter, the strata and the weights say of its rows."""
        for first_row, batch, passes, weights in self._scan(columns, self.progress):
            rows = batch if batch.schema.names == columns else batch.select(columns)
            if isinstance(store, FractionSample):
                store.update(rows, passes)
                continue
            if store.state.next_row != first_row:
                store.state.seek(first_row)  # past row groups in which nothing passes
            if isinstance(store, StrataStore):
                store.update(rows, self._codes(store.strata, first_row, batch, passes, weights), weights=weights)
            elif weights is None or self.weights is None:
                store.update(rows, passes)
            else:
                store.update(rows, passes, None, weights, self.weights.name)

    def _scan(self, columns: list[str], progress: Progress) -> Iterator[Seen]:
        """Batches of these columns and those that the filter, the strata and the weights are made of."""
        schema = self.source.schema
        plain = {*columns}
        if self.where is not None:
            plain.update(self.where.columns)
        if self.weights is not None:
            plain.update(self.weights.columns(schema))
        wanted = plain if self.strata is None else plain.union(self.strata.columns(schema))
        # In the order of the source, for expressions that go by position.
        needed = columns if wanted == {*columns} else [name for name in schema.names if name in wanted]
        coded = [name for name in needed if name not in plain]
        for first_row, batch in self.source.survey(needed, self.where, progress, coded):
            passes = None if self.where is None else self.where(batch)
            weights = None if self.weights is None else self.weights.of_population(batch, first_row, passes)
            yield first_row, batch, passes, weights

    def _codes(
        self,
        strata: Strata,
        first_row: int,
        batch: pa.RecordBatch,
        passes: NDArray[np.uint8] | None,
        weights: NDArray[np.float64] | None,
    ) -> Codes:
        """The stratum of each row, once its weight is known to be one."""
        if weights is not None and self.weights is not None:
            check_weights(weights if passes is None else np.where(passes, weights, 0.0), self.weights.name, first_row)
        return strata(batch, passes)
