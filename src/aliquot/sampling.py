"""Samples of whole sources, by size or by share."""

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from aliquot import _arrow, _rng
from aliquot._checks import (
    check_bool,
    check_choice,
    check_count,
    check_fraction,
    check_names,
    check_size_within,
    rows_of_fraction,
)
from aliquot._kernels.simple_random import draw_ranks, select_rows
from aliquot._kernels.weighted import select_weighted
from aliquot._numbers import bad_weight, too_few_positive
from aliquot._progress import Progress, ProgressOption
from aliquot._result import Kept, Output
from aliquot._source import Source
from aliquot._store import RowStore
from aliquot.fraction import FractionSample
from aliquot.sources import Memory, open_source
from aliquot.weights import DESIGNS, Weights, WeightsOption, exact_sum
from aliquot.where import Where


def sample_indices(
    n: int,
    size: int,
    *,
    weights: WeightsOption = None,
    design: str = "successive",
    replace: bool = False,
    rng: _rng.RNG = None,
) -> NDArray[np.int64]:
    """Row numbers of a sample, uniform or weighted, without any rows.

    Parameters
    ----------
    n : int
        Rows there are, to 2**62.
    size : int
        Rows to draw.
    weights : array of numbers, shape (n,), optional
        A row of weight zero is never drawn. All are equal by default.
    design : {"successive", "priority"}
        How weights work without replacement; see ``sample``.
    replace : bool, default False
        Independent draws, in which a row can come up again.
    rng : None, int, SeedSequence, BitGenerator or Generator
        The seed.

    Returns
    -------
    numpy.ndarray of int64, shape (size,)
        In [0, n), ascending. The rows that ``sample`` picks: ``sample(t, k, rng=7)`` equals
        ``t.take(sample_indices(len(t), k, rng=7))``.

    Raises
    ------
    ValueError
        If ``size`` is above ``n``, or the number of positive weights; if a weight is negative, infinite, NaN or null.
    TypeError
        If a number is not an integer, or weights are no numbers.

    Notes
    -----
    O(size) time and memory, whatever n; with weights, one pass over them. The sample of a smaller size with the same
    seed is a subset.

    Examples
    --------
    >>> import aliquot as aq
    >>> aq.sample_indices(10**12, 3, rng=7)
    array([221474846372, 443615734747, 930511906552])
    >>> aq.sample_indices(5, 3, weights=[0, 1, 0, 10, 5], rng=7)
    array([1, 3, 4])
    """
    n, size = check_count("n", n), check_count("size", size)
    check_choice("design", design, DESIGNS)
    check_size_within(size, n, replace=check_bool("replace", replace))
    seed = _rng.key_of(_rng.seed_of(rng))
    if weights is None:
        kept = _smallest(seed, n, size, replace)
        return kept.rows[Output(replace).arrange(seed, kept, size)]
    given = Weights(weights)
    given.check_length(n)
    # Rows without columns: only their weights count.
    source = Memory([_arrow.empty_columns(n, pa.schema([]))], pa.schema([]))
    job = _Job(source, [], None, given, size, Output(replace, design=design), seed, Progress(None))
    return job.from_rows()[1].rows_picked


def sample(
    source: Any,
    size: int | None = None,
    *,
    fraction: float | None = None,
    weights: WeightsOption = None,
    design: str = "successive",
    replace: bool = False,
    columns: Iterable[str] | None = None,
    where: pc.Expression | None = None,
    order: str = "source",
    row_number: str | None = None,
    design_weight: str | None = None,
    rng: _rng.RNG = None,
    progress: ProgressOption = None,
) -> pa.Table:
    """A sample of the rows of Parquet files or Arrow data, uniform or weighted.

    Parameters
    ----------
    source : path, list of paths, Arrow data, or iterable of record batches
        Parquet files, directories (hive-style directory names become columns), globs and URIs; a pyarrow Table,
        RecordBatch, RecordBatchReader or Dataset; a polars or pandas frame; a DuckDB relation; anything with
        ``__arrow_c_stream__`` or ``__arrow_c_array__``. Rows are numbered in this order.
    size : int, optional
        Rows to draw, exactly.
    fraction : float, optional
        Instead of ``size``: round(fraction * rows), half up, exactly. In (0, 1].
    weights : str, pyarrow.compute.Expression, function by ``weight``, or array of numbers, optional
        A column, an expression or a function over columns, or one number a row. A row of weight zero is never drawn.
    design : {"successive", "priority"}
        How weights work without replacement. "successive": like drawing one row at a time in proportion to weight.
        "priority": a row's inclusion probability is close to size * weight / total, at most 1.
    replace : bool, default False
        Independent draws, in which a row can come up again.
    columns : list of str, optional
        Columns to return, in this order; all by default.
    where : pyarrow.compute.Expression, optional
        Only rows for which it is true are the population. They keep their keys and numbers.
    order : {"source", "random"}
        As in the source, or shuffled: then the first j rows are the sample of size j.
    row_number : str, optional
        Name for a column of each row's position in the source (int64) to add.
    design_weight : str, optional
        Name for a column of 1 / inclusion probability (float64) to add.
    rng : None, int, SeedSequence, BitGenerator or Generator
        The seed. The rows drawn depend on it and on the data alone.
    progress : True or callable, optional
        A bar on standard error, or ``f(rows_done, rows_total)``; the total is None for a stream.

    Returns
    -------
    pyarrow.Table
        The source's schema, with the provenance in its metadata (``aliquot.provenance``).

    Raises
    ------
    TypeError
        If neither or both of ``size`` and ``fraction`` are given, or the source gives no rows.
    ValueError
        If ``size`` is above the rows there are, or those of positive weight; if a weight is negative, infinite, NaN or
        null; if a file is damaged or unlike the others.
    KeyError
        If a column is not there.
    FileNotFoundError
        If a path matches nothing.

    Notes
    -----
    From Parquet or memory, row numbers are drawn first, in O(size), and only the pages that hold them are read. A
    stream is read once, with a Reservoir. With ``where`` or ``weights``, the columns they name are read first, but for
    row groups that their statistics rule out. Memory: the sample and a few row groups; a stream is held as a whole for
    a weighted ``fraction``, as any of its rows may be drawn until its last weight is known.

    References
    ----------
    Efraimidis, Spirakis (2006), "Weighted random sampling with a reservoir", doi:10.1016/j.ipl.2005.11.003.
    Duffield, Lund, Thorup (2007), "Priority sampling for estimation of arbitrary subset sums",
    doi:10.1145/1314690.1314696.

    Examples
    --------
    >>> import aliquot as aq, pyarrow as pa
    >>> table = pa.table({"x": range(1_000_000)})
    >>> aq.sample(table, 4, rng=7)["x"].to_pylist()
    [459497, 618986, 859137, 977449]
    """
    if (size is None) == (fraction is None):
        raise TypeError("size: must be given, or else fraction, got " + ("neither" if size is None else "both"))
    wanted = check_count("size", size) if fraction is None else check_fraction("fraction", fraction)
    check_choice("design", design, DESIGNS)
    output = Output(replace, order, row_number, design_weight, "uniform" if weights is None else design)
    output.check()
    names = None if columns is None else check_names("columns", columns)
    seed = _rng.seed_of(rng)
    with Progress(progress) as done:
        opened = open_source(source)
        schema = opened.project(names)
        output.check(schema)
        job = _Job(
            opened,
            schema.names,
            None if where is None else Where(where, opened.schema),
            None if weights is None else Weights(weights),
            wanted,
            output,
            _rng.key_of(seed),
            done,
        )
        done.start(opened.num_rows)
        batches, drawn = job.from_stream() if opened.num_rows is None else job.from_rows()
        return output.table(batches, schema, drawn.kept, drawn.picked, {"seed": seed, **opened.facts()})


@dataclass(frozen=True)
class _Drawn:
    """Which of the rows kept were drawn, in their order."""

    kept: Kept
    picked: _arrow.Positions

    @property
    def rows_picked(self) -> _arrow.Positions:
        return self.kept.rows[self.picked]


@dataclass
class _Job:
    """One call of ``sample``: what it reads, and what it is to give."""

    source: Source
    columns: list[str]
    where: Where | None
    weights: Weights | None
    wanted: int | float
    output: Output
    seed: _rng.Words
    progress: Progress

    def from_rows(self) -> tuple[list[pa.RecordBatch], _Drawn]:
        """Batches and what they are, from a source whose rows can be fetched by number."""
        rows = self.source.num_rows
        assert rows is not None
        reading = self.progress
        if self.where is None and self.weights is None:
            kept = _smallest(self.seed, rows, self._size_of(rows), self.output.replace)
        elif self.where is None and self.weights is not None and isinstance(self.source, Memory):
            kept = self._smallest_weighted(self.weights, rows)
        else:
            most = rows_of_fraction(self.wanted, rows) if isinstance(self.wanted, float) else self.wanted
            store = self._new_store(min(most, rows))
            self._see_all(store, [])
            kept = store.settle()
            reading = Progress(None)
            if self.weights is not None:
                self.weights.check_length(rows)
        drawn = self._draw(kept)
        return self.source.take(drawn.rows_picked, self.columns, reading), drawn

    def from_stream(self) -> tuple[list[pa.RecordBatch], _Drawn]:
        """Batches and what they are, from a source that can be read once."""
        store: RowStore | FractionSample
        if not isinstance(self.wanted, float):
            store = self._new_store(self.wanted)
        elif self.weights is None:
            store = FractionSample(self.wanted, self.seed)
        else:
            # Until the last weight is known any row can still be drawn, so all are held.
            source = self.source
            batches = [batch for _, batch in source.scan(source.schema.names, None, self.progress)]
            return dataclasses.replace(self, source=Memory(batches, source.schema), progress=Progress(None)).from_rows()
        self._see_all(store, self.columns)
        kept = store.settle()
        if self.weights is not None:
            self.weights.check_length(self.source.rows_read)
        drawn = self._draw(kept)
        return _arrow.permute(store.payload(), drawn.picked), drawn

    def _smallest_weighted(self, weights: Weights, rows: int) -> Kept:
        """The rows with the smallest keys, of rows whose weights are in memory all at once."""
        weights.check_length(rows)
        pieces = [values for values, _ in weights.all_of(self.source)]
        values = pieces[0] if len(pieces) == 1 else np.concatenate([np.empty(0), *pieces])
        size = min(self._size_of(rows), rows)
        numbers, keys, bad = select_weighted(self.seed, values, size, self.output.design == "priority")
        if bad >= 0:
            raise bad_weight(weights.name, values[bad], bad)
        total = float(exact_sum(values)) if self.output.replace else 0.0
        # A million weights from all over memory cost more than their keys: only if they are asked for.
        wanted = self.output.replace or self.output.design_weight is not None
        kept = Kept(numbers, keys, rows, np.inf, values[numbers] if wanted else None, total)
        return kept if len(numbers) <= size else kept.smallest(size)

    def _size_of(self, population: int) -> int:
        """Rows to draw, or ValueError if there are too few."""
        if isinstance(self.wanted, float):
            return rows_of_fraction(self.wanted, population)
        check_size_within(self.wanted, population, replace=self.output.replace)
        return self.wanted

    def _draw(self, kept: Kept) -> _Drawn:
        size = self._size_of(kept.population)
        if self.weights is not None and len(kept.rows) < (min(size, 1) if self.output.replace else size):
            raise too_few_positive(self.weights.name, size, len(kept.rows))
        if len(kept.rows) > size and self.weights is not None and not self.output.replace:
            kept = kept.smallest(size)
        return _Drawn(kept, self.output.arrange(self.seed, kept, size))

    def _new_store(self, size: int) -> RowStore:
        return RowStore(size, self.seed, design=self.output.design, summed=self.output.replace)

    def _see_all(self, store: RowStore | FractionSample, columns: list[str]) -> None:
        """Show a store these columns of the source, and what the filter and the weights say of its rows."""
        wanted = {*columns}
        if self.where is not None:
            wanted.update(self.where.columns)
        if self.weights is not None:
            wanted.update(self.weights.columns(self.source.schema))
        names = self.source.schema.names
        # In the order of the source, for expressions that go by position.
        needed = columns if wanted == {*columns} else [name for name in names if name in wanted]
        for first_row, batch in self.source.scan(needed, self.where, self.progress):
            passes = None if self.where is None else self.where(batch)
            rows = batch if needed == columns else batch.select(columns)
            if isinstance(store, FractionSample):
                store.update(rows, passes)
                continue
            if store.state.next_row != first_row:
                store.state.seek(first_row)  # past row groups in which nothing passes
            if self.weights is None:
                store.update(rows, passes)
            else:
                store.update(rows, passes, None, self.weights(batch, first_row), self.weights.name)


def _smallest(seed: _rng.Words, n: int, size: int, replace: bool) -> Kept:
    """As many of the n rows, those with the smallest keys, as ``size`` draws need."""
    if replace and n > 0:
        size = draw_ranks(seed, n, size)[1]
    rows, keys = select_rows(seed, n, size)
    return Kept(rows, keys, n)
