"""Samples of whole sources: by size, by share, row by row, and in passing."""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from aliquot import _arrow, _rng
from aliquot._checks import (
    check_bool,
    check_column,
    check_count,
    check_fraction,
    check_name,
    check_names,
    check_size_within,
    describe,
    rows_of_fraction,
)
from aliquot._kernels.reservoir import ReservoirState
from aliquot._kernels.simple_random import RowsBelow, draw_ranks, select_rows
from aliquot._progress import Progress, ProgressOption
from aliquot._result import Output, design_name
from aliquot._source import Source, picker
from aliquot._store import RowStore
from aliquot.fraction import FractionSample
from aliquot.hashing import hash_keys
from aliquot.sources import open_source
from aliquot.where import Where


def sample_indices(n: int, size: int, *, replace: bool = False, rng: _rng.RNG = None) -> NDArray[np.int64]:
    """Row numbers of a uniform sample, without any rows.

    Parameters
    ----------
    n : int
        Rows there are, to 2**62.
    size : int
        Rows to draw.
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
        If ``size`` is above ``n``.
    TypeError
        If a number is not an integer.

    Notes
    -----
    O(size) time and memory, whatever n. The sample of a smaller size with the same seed is a subset.

    Examples
    --------
    >>> import aliquot as aq
    >>> aq.sample_indices(10**12, 3, rng=7)
    array([221474846372, 443615734747, 930511906552])
    """
    n, size = check_count("n", n), check_count("size", size)
    check_size_within(size, n, replace=check_bool("replace", replace))
    seed = _rng.key_of(_rng.seed_of(rng))
    rows, keys = _smallest(seed, n, size, replace)
    return rows[Output(replace).arrange(seed, rows, keys, size, n)]


def sample(
    source: Any,
    size: int | None = None,
    *,
    fraction: float | None = None,
    replace: bool = False,
    columns: Iterable[str] | None = None,
    where: pc.Expression | None = None,
    order: str = "source",
    row_number: str | None = None,
    design_weight: str | None = None,
    rng: _rng.RNG = None,
    progress: ProgressOption = None,
) -> pa.Table:
    """A uniform sample of the rows of Parquet files or Arrow data.

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
        If ``size`` is above the rows there are, or a file is damaged or unlike the others.
    KeyError
        If a column is not there.
    FileNotFoundError
        If a path matches nothing.

    Notes
    -----
    From Parquet or memory, row numbers are drawn first, in O(size), and only the row groups that hold them are read. A
    stream is read once, with a Reservoir. With ``where``, the columns it names are read first, but for row groups
    that their statistics rule out. Memory: the sample and a few row groups.

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
    output = Output(replace, order, row_number, design_weight)
    output.check()
    names = None if columns is None else check_names("columns", columns)
    seed = _rng.seed_of(rng)
    with Progress(progress) as done:
        opened = open_source(source)
        schema = opened.project(names)
        output.check(schema)
        condition = None if where is None else Where(where, opened.schema)
        job = _Job(opened, schema.names, condition, wanted, output, _rng.key_of(seed), done)
        done.start(opened.num_rows)
        picked, rows, population = job.from_stream() if opened.num_rows is None else job.from_rows()
        facts = {
            "design": design_name(replace=replace),
            "seed": seed,
            "rows_read": opened.rows_read,
            "bytes_read": opened.bytes_read,
            "source": opened.describe(),
        }
        return output.table(picked, schema, rows, population, facts)


@dataclass
class _Job:
    """One call of ``sample``: what it reads, and what it is to give."""

    source: Source
    columns: list[str]
    where: Where | None
    wanted: int | float
    output: Output
    seed: _rng.Words
    progress: Progress

    def size_of(self, population: int) -> int:
        """Rows to draw, or ValueError if there are too few."""
        if isinstance(self.wanted, float):
            return rows_of_fraction(self.wanted, population)
        check_size_within(self.wanted, population, replace=self.output.replace)
        return self.wanted

    def from_rows(self) -> tuple[list[pa.RecordBatch], _arrow.Positions, int]:
        """Batches, row numbers and population from a source whose rows can be fetched by number."""
        assert self.source.num_rows is not None
        reading = self.progress
        if self.where is None:
            population = self.source.num_rows
            size = self.size_of(population)
            rows, keys = _smallest(self.seed, population, size, self.output.replace)
        else:
            rows, keys, population = self._smallest_passing(self.where)
            size = self.size_of(population)
            reading = Progress(None)
        picked = rows[self.output.arrange(self.seed, rows, keys, size, population)]
        if self.output.order == "source":
            return list(self.source.fetch(picker(picked), self.columns, reading)), picked, population
        by_row = np.argsort(picked, kind="stable")
        place = np.empty_like(by_row)
        place[by_row] = np.arange(len(by_row))
        fetched = list(self.source.fetch(picker(picked[by_row]), self.columns, reading))
        return _arrow.permute(fetched, place), picked, population

    def _smallest_passing(self, where: Where) -> tuple[_arrow.Positions, NDArray[np.float64], int]:
        """Numbers and keys of the rows with the smallest keys among those that pass, and how many pass."""
        assert self.source.num_rows is not None
        most = min(self.size_of_at_most(self.source.num_rows), self.source.num_rows)
        state = ReservoirState(most, self.seed)
        population = 0
        for first_row, batch in self.source.scan(where.columns, where, self.progress):
            passes = where(batch)
            state.seek(first_row)
            state.stage_rows(batch.num_rows, passes)
            state.commit(0)
            population += int(passes.sum())
        rows, keys, _ = state.kept()
        return rows, keys, population

    def size_of_at_most(self, rows: int) -> int:
        """The most rows that can be drawn when the population is not yet known."""
        return rows_of_fraction(self.wanted, rows) if isinstance(self.wanted, float) else self.wanted

    def from_stream(self) -> tuple[list[pa.RecordBatch], _arrow.Positions, int]:
        """Batches, row numbers and population from a source that can be read once."""
        needed = self.columns
        if self.where is not None:  # in the order of the source, for expressions that go by position
            wanted = {*self.columns, *self.where.columns}
            needed = [name for name in self.source.schema.names if name in wanted]
        if isinstance(self.wanted, float):
            kept: FractionSample | RowStore = FractionSample(self.wanted, self.seed)
        else:
            kept = RowStore(self.wanted, self.seed)
        for _, batch in self.source.scan(needed, None, self.progress):
            passes = None if self.where is None else self.where(batch)
            kept.update(batch if needed == self.columns else batch.select(self.columns), passes)
        kept.settle()
        size = self.size_of(kept.population)
        picked = self.output.arrange(self.seed, kept.rows, kept.keys, size, kept.population)
        return _arrow.permute(kept.batches, picked), kept.rows[picked], kept.population


def _smallest(seed: _rng.Words, n: int, size: int, replace: bool) -> tuple[_arrow.Positions, NDArray[np.float64]]:
    """Numbers and keys of as many of the rows with the smallest keys as ``size`` draws need."""
    if replace and n > 0:
        size = draw_ranks(seed, n, size)[1]
    return select_rows(seed, n, size)


class _Consumer(Protocol):
    def update(self, batch: pa.RecordBatch, /) -> object: ...


def bernoulli(source: Any, fraction: float, *, key: str | None = None, rng: _rng.RNG = None) -> pa.RecordBatchReader:
    """A stream of the rows that an independent coin, showing heads with probability ``fraction``, chooses.

    Parameters
    ----------
    source : as for ``sample``
        Parquet paths or Arrow data.
    fraction : float
        Inclusion probability, in (0, 1].
    key : str, optional
        A column of ids: one coin for each id, so that all rows of the ids chosen come through, the same in every
        table. See ``Reservoir``.
    rng : None, int, SeedSequence, BitGenerator or Generator
        The seed.

    Returns
    -------
    pyarrow.RecordBatchReader
        The rows chosen, in the source's order and schema, read as they are asked for.

    Raises
    ------
    KeyError, TypeError
        If the column is not there, or of a type that has no hash.
    ValueError
        If ``fraction`` is not in (0, 1]; while reading, for a damaged file.

    Notes
    -----
    The rows whose keys are at most -log(1 - fraction): with one seed, a larger fraction chooses the same rows and
    more, and so does ``sample``. Rows that are not chosen cost nothing without ``key``; row groups of Parquet without
    a chosen row are not read.

    Examples
    --------
    >>> import aliquot as aq, pyarrow as pa
    >>> aq.bernoulli(pa.table({"x": range(1_000_000)}), 4e-6, rng=7).read_all()["x"].to_pylist()
    [381866, 459497, 618986, 678879, 686366, 859137, 977449]
    """
    share = check_fraction("fraction", fraction)
    seed = _rng.key_of(_rng.seed_of(rng))
    opened = open_source(source)
    threshold = -math.log1p(-share) if share < 1 else math.inf
    names = opened.schema.names
    if key is not None:
        check_column("key", check_name("key", key), names)
        hash_keys(pa.nulls(0, opened.schema.field(key).type), seed, key)

    def chosen_ids(key: str) -> Iterator[pa.RecordBatch]:
        for _, batch in opened.scan(names, None, Progress(None)):
            positions = np.flatnonzero(hash_keys(batch.column(key), seed, key) <= threshold)
            if len(positions):
                yield _arrow.with_own_dictionaries(_arrow.take_rows(batch, positions))

    def chosen_rows() -> Iterator[pa.RecordBatch]:
        keys = RowsBelow(seed)
        return opened.fetch(lambda start, rows: keys.next(rows, threshold)[0] - start, names, Progress(None))

    chosen = chosen_rows() if key is None else chosen_ids(key)
    return pa.RecordBatchReader.from_batches(opened.schema, chosen)


def tap(source: Any, *consumers: _Consumer | Callable[[pa.RecordBatch], object]) -> pa.RecordBatchReader:
    """The batches of a source, unchanged, shown to every consumer as they pass.

    Parameters
    ----------
    source : as for ``sample``
        Parquet paths or Arrow data.
    *consumers : object with ``update(batch)``, or callable
        Each sees every batch once, in order, before it is passed on.

    Returns
    -------
    pyarrow.RecordBatchReader
        The same batches. What a consumer raises ends the stream.

    Raises
    ------
    TypeError
        If a consumer is neither.

    Examples
    --------
    >>> import aliquot as aq, pyarrow as pa
    >>> sampled = aq.Reservoir(2, rng=7)
    >>> passed = aq.tap(pa.table({"x": range(100)}), sampled, lambda batch: print(batch.num_rows, "rows"))
    >>> passed.read_all().num_rows
    100 rows
    100
    >>> sampled.n_seen
    100
    """
    updates = []
    for consumer in consumers:
        update = getattr(consumer, "update", consumer)
        if not callable(update):
            raise TypeError(f"consumers: must have update(batch) or be callable, got {describe(consumer)}")
        updates.append(update)
    opened = open_source(source)

    def pass_on() -> Iterator[pa.RecordBatch]:
        for _, batch in opened.scan(opened.schema.names, None, Progress(None)):
            for update in updates:
                update(batch)
            yield batch

    return pa.RecordBatchReader.from_batches(opened.schema, pass_on())
