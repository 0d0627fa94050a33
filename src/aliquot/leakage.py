"""Rows and keys that stand in more than one part of a split."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from aliquot import _arrow
from aliquot._checks import check_column, check_names, describe
from aliquot._classes import as_column, columns_of
from aliquot._codes import Codebook
from aliquot._progress import Progress
from aliquot.sources import open_source


def leaks(parts: Mapping[str, Any], *, key: Any = None) -> pa.Table:
    """The keys, or whole rows, that are in more than one part.

    Parameters
    ----------
    parts : dict from str to a source of rows, or to row numbers
        What each part is: whatever ``sample`` takes, paths too; or the row numbers that ``split_indices`` gives.
    key : str or list of str, optional; with row numbers an array, or a list of arrays
        Columns whose values together are to be in one part only. All columns by default: then duplicate rows are found.

    Returns
    -------
    pyarrow.Table
        A row for each value of the key that is in two parts or more, in order of appearance: its columns (``key``, or
        ``key_0``, ``key_1`` ... with row numbers), then ``rows_<part>``, int64, how many rows of each part have it. No
        rows: no leaks.

    Raises
    ------
    TypeError
        If there is no dict of parts, or a column has a type that values cannot be told apart in.
    KeyError
        If a column is not there.
    ValueError
        If row numbers are given without a key, or are not there.

    Notes
    -----
    Values are compared exactly: numbers whatever their width, strings whatever their layout, null like null. One pass,
    and memory for the distinct keys.

    Examples
    --------
    >>> import aliquot as aq, pyarrow as pa
    >>> train, test = pa.table({"user": [1, 1, 2], "x": [5, 6, 7]}), pa.table({"user": [3, 1], "x": [8, 9]})
    >>> aq.leaks({"train": train, "test": test}, key="user").to_pylist()
    [{'user': 1, 'rows_train': 2, 'rows_test': 1}]
    >>> aq.leaks({"train": train, "test": test}).num_rows
    0
    """
    if not isinstance(parts, Mapping):
        raise TypeError(f"parts: must be a dict from names to rows, got {describe(parts)}")
    if any(isinstance(rows, np.ndarray) for rows in parts.values()):
        names, batches = _by_number(parts, key)
    else:
        names, batches = _by_source(parts, key)
    book: Codebook | None = None
    counts: list[NDArray[np.int64]] = [np.zeros(0, np.int64) for _ in parts]
    for part, columns in batches:
        if book is None:
            book = Codebook(names)
        codes = book.encode(columns)
        more = np.bincount(codes, minlength=len(book))
        more[: len(counts[part])] += counts[part]
        counts[part] = more
    return _report(list(parts), names, book, counts)


def _by_source(parts: Mapping[str, Any], key: Any) -> tuple[list[str], Iterable[tuple[int, list[pa.Array]]]]:
    sources = [open_source(source) for source in parts.values()]
    if key is None:
        names = list(sources[0].schema.names) if sources else []
    else:
        names = check_names("key", [key] if isinstance(key, str) else key)
    if sources and not names:
        raise ValueError("key: must be at least one column, got none")
    for source in sources:
        for name in names:
            check_column("key", name, source.schema.names)

    def batches() -> Iterable[tuple[int, list[pa.Array]]]:
        for part, source in enumerate(sources):
            for _, batch in source.survey(names, None, Progress(None), names):
                yield part, [batch.column(name) for name in names]

    return names, batches()


def _by_number(parts: Mapping[str, Any], key: Any) -> tuple[list[str], Iterable[tuple[int, list[pa.Array]]]]:
    if key is None or isinstance(key, str):
        raise ValueError(f"key: must be an array of values if parts are row numbers, got {describe(key)}")
    given = columns_of(key)
    columns = [_as_arrow("key", given[0], None)]
    columns += [_as_arrow("key", column, len(columns[0])) for column in given[1:]]
    names = ["key"] if len(columns) == 1 else [f"key_{i}" for i in range(len(columns))]

    def batches() -> Iterable[tuple[int, list[pa.Array]]]:
        for part, (name, rows) in enumerate(parts.items()):
            numbers = np.asarray(rows)
            if numbers.size and numbers.dtype.kind not in "iu":
                raise TypeError(f"parts[{name!r}]: must be row numbers, got {describe(rows)}")
            if numbers.size and not (numbers.min() >= 0 and numbers.max() < len(columns[0])):
                wrong = numbers[(numbers < 0) | (numbers >= len(columns[0]))][0]
                raise ValueError(f"parts[{name!r}]: must be rows below {len(columns[0])}, got {wrong}")
            yield part, [_arrow.take(column, numbers.astype(np.int64, copy=False)) for column in columns]

    return names, batches()


def _as_arrow(name: str, values: Any, n: int | None) -> pa.Array:
    column = as_column(name, values, n)
    return column if isinstance(column, pa.Array) else pa.array(column)


def _report(
    parts: Sequence[str], names: Sequence[str], book: Codebook | None, counts: list[NDArray[np.int64]]
) -> pa.Table:
    table = np.zeros((len(parts), 0 if book is None else len(book)), np.int64)
    for part, rows in enumerate(counts):
        table[part, : len(rows)] = rows
    leaking = np.flatnonzero((table > 0).sum(axis=0) > 1)
    values = [pa.nulls(0)] * len(names) if book is None else book.values()
    columns = [_arrow.take(column, leaking) for column in values] + [pa.array(rows[leaking]) for rows in table]
    return pa.Table.from_arrays(columns, names=[*names, *(f"rows_{part}" for part in parts)])
