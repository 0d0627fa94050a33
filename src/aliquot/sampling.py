"""Samples of whole sources, by size or by share."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from aliquot import _rng
from aliquot._checks import (
    check_count,
    check_fraction,
    check_names,
    check_size_within,
    describe,
)
from aliquot._classes import as_column, columns_of
from aliquot._designs import design_in_use
from aliquot._job import Job
from aliquot._progress import Progress, ProgressOption
from aliquot._result import Output
from aliquot._shares import Allocation
from aliquot.sources import Memory, open_source
from aliquot.strata import Strata, StrataOption
from aliquot.weights import Weights, WeightsOption
from aliquot.where import Where

SizeOption: TypeAlias = int | Mapping[Any, int] | None


def sample_indices(
    n: int,
    size: int | Mapping[Any, int],
    *,
    weights: WeightsOption = None,
    design: str = "successive",
    strata: Any = None,
    allocation: str = "proportional",
    minimum: int = 0,
    replace: bool = False,
    rng: _rng.RNG = None,
) -> NDArray[np.int64]:
    """Row numbers of a sample, uniform, weighted or stratified, without any rows.

    Parameters
    ----------
    n : int
        Rows there are, to 2**62.
    size : int or dict
        Rows to draw; with strata also {stratum: rows}.
    weights : array of numbers, shape (n,), optional
        A row of weight zero is never drawn. All are equal by default.
    design : {"successive", "priority", "quota", "first"}
        How weights work without replacement, or that what comes first is taken; see ``sample``.
    strata : array of labels, shape (n,), or list of such arrays, optional
        The stratum of each row: a label, or a combination of them.
    allocation : {"proportional", "equal"}
        How ``size`` is dealt out to the strata; see ``sample``.
    minimum : int, default 0
        The least rows of each stratum, or all it has.
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
        If ``size`` is above ``n``, the number of positive weights, or what a stratum has; if a weight is negative,
        infinite, NaN or null; if options do not go together, as ``allocation`` without ``strata``.
    TypeError
        If a number is not an integer, or weights are no numbers.

    Notes
    -----
    O(size) time and memory, whatever n; with weights or strata, one pass over them. The sample of a smaller size with
    the same seed is a subset, but for proportional shares that rounding moves.

    Examples
    --------
    >>> import aliquot as aq
    >>> aq.sample_indices(10**12, 3, rng=7)
    array([221474846372, 443615734747, 930511906552])
    >>> aq.sample_indices(5, 3, weights=[0, 1, 0, 10, 5], rng=7)
    array([1, 3, 4])
    """
    n = check_count("n", n)
    in_use = design_in_use(design, weighted=weights is not None, stratified=strata is not None, replace=replace)
    given = Allocation.of(allocation, size, minimum, stratified=strata is not None)
    if given.column is not None:
        raise ValueError(f"allocation: must be one of 'proportional', 'equal' without columns, got {allocation!r}")
    rows = _number_of(size, strata)
    if given.sizes is None:
        check_size_within(rows, n, replace=replace)
    output = Output(replace, design=in_use)
    # Rows without columns, but for those that make the strata.
    labels = pa.RecordBatch.from_arrays([], []) if strata is None else _label_columns(strata, n)
    source = Memory([labels], labels.schema)
    source.num_rows = n
    job = Job(
        source,
        [],
        None,
        None if weights is None else Weights(weights),
        None if strata is None else Strata(labels.schema.names),
        given,
        rows,
        output,
        _rng.key_of(_rng.seed_of(rng)),
        Progress(None),
    )
    if job.weights is not None:
        job.weights.check_length(n)
    return job.choose().rows_picked


def sample(
    source: Any,
    size: SizeOption = None,
    *,
    fraction: float | None = None,
    weights: WeightsOption = None,
    design: str = "successive",
    strata: StrataOption = None,
    allocation: str = "proportional",
    minimum: int = 0,
    replace: bool = False,
    columns: Iterable[str] | None = None,
    where: pc.Expression | None = None,
    order: str = "source",
    row_number: str | None = None,
    design_weight: str | None = None,
    rng: _rng.RNG = None,
    progress: ProgressOption = None,
) -> pa.Table:
    """A sample of the rows of Parquet files or Arrow data, uniform, weighted or stratified.

    Parameters
    ----------
    source : path, list of paths, Arrow data, or iterable of record batches
        Parquet files, directories (hive-style directory names become columns), globs and URIs; a pyarrow Table,
        RecordBatch, RecordBatchReader or Dataset; a polars or pandas frame; a DuckDB relation; anything with
        ``__arrow_c_stream__`` or ``__arrow_c_array__``. Rows are numbered in this order.
    size : int or dict, optional
        Rows to draw, exactly. With strata also {stratum: rows}, in which a stratum is a value of the column, or a tuple
        of values for several; strata that are not named give no rows.
    fraction : float, optional
        Instead of ``size``: round(fraction * rows), half up, exactly. In (0, 1].
    weights : str, pyarrow.compute.Expression, function by ``weight``, or array of numbers, optional
        A column, an expression or a function over columns, or one number a row. A row of weight zero is never drawn.
    design : {"successive", "priority", "quota", "first"}
        How weights work without replacement. "successive": like drawing one row at a time in proportion to weight.
        "priority": a row's inclusion probability is close to size * weight / total, at most 1. Or, with nothing drawn
        at random, what comes first: "first" takes the first rows, "quota" the first of each stratum. The provenance
        says so, and there are no design weights.
    strata : str, Bins, or list of these, optional
        Columns whose values, or combinations of values, are sampled each for itself. Null is a value. Numbers are cut
        into ranges by ``bins``.
    allocation : {"proportional", "equal", "neyman:COLUMN"}
        How the rows are dealt out to the strata. "proportional": by largest remainder, so that each stratum's share is
        within 1 of exact. "equal": as evenly as they have rows. "neyman:COLUMN": in proportion to rows times standard
        deviation of a column of numbers, which makes estimates of its total most precise; strata in which it does not
        vary give what the others cannot.
    minimum : int, default 0
        The least rows of each stratum, or all it has; the other strata share what is left.
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
        If neither or both of ``size`` and ``fraction`` are given, or ``source`` is nothing that holds rows.
    ValueError
        If ``size`` is above the rows there are, those of positive weight, or those of a stratum; if a weight is
        negative, infinite, NaN or null; if a file is damaged or unlike the others; if options do not go together, as
        ``allocation`` without ``strata``.
    KeyError
        If a column is not there.
    FileNotFoundError
        If a path matches nothing.

    Notes
    -----
    From Parquet or memory, row numbers are drawn first, in O(size), and only the pages that hold them are read. A
    stream is read once, with a Reservoir. With ``where``, ``weights`` or ``strata``, the columns they name are read
    first, but for row groups that their statistics rule out. Memory: the sample, the strata and a few row groups; 4
    bytes a row for strata of rows that are in memory.

    Proportional shares of a stream are exact too: what can still be needed of each stratum is kept, with a margin
    for chance. If that is not enough, which happens less than once in 1e14 times, it is a RuntimeError.

    A stream is held as a whole where any of its rows may be drawn until the last is known: for a ``fraction`` of
    weighted rows or under "first", "neyman", and proportional shares of weighted rows or under "quota".

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
    wanted = _number_of(size, strata) if fraction is None else check_fraction("fraction", fraction)
    given = Allocation.of(allocation, size, minimum, stratified=strata is not None)
    in_use = design_in_use(design, weighted=weights is not None, stratified=strata is not None, replace=replace)
    output = Output(replace, order, row_number, design_weight, in_use)
    output.check()
    names = None if columns is None else check_names("columns", columns)
    seed = _rng.seed_of(rng)
    with Progress(progress) as done:
        opened = open_source(source)
        schema = opened.project(names)
        output.check(schema)
        job = Job(
            opened,
            schema.names,
            None if where is None else Where(where, opened.schema),
            None if weights is None else Weights(weights),
            None if strata is None else Strata(strata),
            given,
            wanted,
            output,
            _rng.key_of(seed),
            done,
        )
        done.start(opened.num_rows)
        batches, drawn = job.run()
        facts = {"seed": seed, **opened.facts()}
        if job.strata is not None:
            facts["strata"] = job.strata.describe(str(given), drawn.kept.strata)
        return output.table(batches, schema, drawn.kept, drawn.picked, facts)


def _number_of(size: object, strata: object) -> int:
    """Rows to draw, by a number or by stratum."""
    if not isinstance(size, Mapping):
        return check_count("size", size)
    if strata is None:
        raise TypeError(f"size: must be an integer without strata, got {describe(size)}")
    return sum(check_count(f"size[{label!r}]", rows) for label, rows in size.items())


def _label_columns(strata: Any, n: int) -> pa.RecordBatch:
    """Labels of n rows as columns."""
    columns = [as_column("strata", values, n) for values in columns_of(strata)]
    names = [f"strata[{i}]" if len(columns) > 1 else "strata" for i in range(len(columns))]
    return pa.RecordBatch.from_arrays([pa.array(column) for column in columns], names)
