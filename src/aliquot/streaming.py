"""Samples in passing: each row by its own coin, and states fed from the middle of a loop."""

import math
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from aliquot import _arrow, _rng
from aliquot._checks import check_column, check_fraction, check_name, check_positive, describe
from aliquot._kernels.simple_random import RowsBelow
from aliquot._kernels.weighted import rows_below
from aliquot._numbers import check_weights, too_few_positive
from aliquot._progress import Progress
from aliquot._source import Source
from aliquot._weighted_keys import key_of
from aliquot.hashing import hash_keys
from aliquot.sources import open_source
from aliquot.weights import Weights, WeightsOption, exact_sum


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


def poisson(
    source: Any, size: float, *, weights: WeightsOption, total: float | None = None, rng: _rng.RNG = None
) -> pa.RecordBatchReader:
    """A stream of rows, each included by itself with a probability in proportion to its weight.

    Parameters
    ----------
    source : as for ``sample``
        Parquet paths or Arrow data.
    size : float
        Rows to expect, at most: a row is included with probability min(1, size * weight / total weight).
    weights : str, pyarrow.compute.Expression, function by ``weight``, or array of numbers
        A column, an expression or a function over columns, or one number a row.
    total : float, optional
        The total weight, if it is known. Otherwise it is found by reading the weights first, so a stream, which can be
        read once, needs it or an array of weights.
    rng : None, int, SeedSequence, BitGenerator or Generator
        The seed.

    Returns
    -------
    pyarrow.RecordBatchReader
        The rows included, in the source's order and schema, read as they are asked for.

    Raises
    ------
    ValueError
        If a weight is negative, infinite, NaN or null, or all are zero; if ``size`` or ``total`` is not positive.
    TypeError
        If the weights are no numbers, or the total of a stream is not known.
    KeyError
        If a column is not there.

    Notes
    -----
    Poisson sampling with the keys of priority sampling: the rows whose key u / weight is at most size / total weight.
    So with one seed, a larger size includes the same rows and more.

    Examples
    --------
    >>> import aliquot as aq, pyarrow as pa
    >>> orders = pa.table({"amount": [5.0, 100.0, 0.0, 20.0]})
    >>> aq.poisson(orders, 1, weights="amount", rng=5).read_all()["amount"].to_pylist()
    [100.0]
    """
    size = check_positive("size", size)
    seed = _rng.key_of(_rng.seed_of(rng))
    opened = open_source(source)
    given = Weights(weights)
    names = opened.schema.names
    if opened.num_rows is not None:
        given.check_length(opened.num_rows)
    if total is not None:
        whole = Fraction(check_positive("total", total))
    elif given.num_rows is None and opened.num_rows is None:
        raise TypeError(f"total: must be given for a stream, unless weights are an array, got weights={weights!r}")
    else:
        whole = _total_of(given, opened)
    threshold = key_of(Fraction(size) / whole)

    def chosen() -> Iterator[pa.RecordBatch]:
        for first_row, batch in opened.scan(names, None, Progress(None)):
            positions, _ = rows_below(seed, first_row, given(batch, first_row), threshold)
            if len(positions):
                yield _arrow.with_own_dictionaries(_arrow.take_rows(batch, positions))
        given.check_length(opened.rows_read)

    return pa.RecordBatchReader.from_batches(opened.schema, chosen())


def _total_of(weights: Weights, source: Source) -> Fraction:
    """The weight of all rows. ValueError for a bad one, or if it is zero."""
    total = Fraction(0)
    for values, first_row in weights.all_of(source):
        check_weights(values, weights.name, first_row)
        total += exact_sum(values)
    if total == 0:
        raise too_few_positive(weights.name, 1, 0)
    return total


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
