"""Rows by number."""

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa

from aliquot import _arrow
from aliquot._checks import check_names, describe
from aliquot._progress import Progress
from aliquot.sources import open_source

RowsOption: TypeAlias = Iterable[int] | pa.Array | pa.ChunkedArray


def take_rows(source: Any, rows: RowsOption, *, columns: Iterable[str] | None = None) -> pa.Table:
    """The rows of these numbers, from Parquet files or Arrow data.

    Parameters
    ----------
    source : as for ``sample``
        Parquet paths or Arrow data. Rows are numbered in its order, from 0.
    rows : integers, shape (n,)
        Row numbers in any order, repeats allowed.
    columns : list of str, optional
        Columns to return, in this order; all by default.

    Returns
    -------
    pyarrow.Table
        n rows, in the order of ``rows``, with the source's schema and its metadata: for files, what
        ``pyarrow.parquet.read_table(paths).take(rows)`` gives, but for dictionaries, which hold no values that are not
        in these rows.

    Raises
    ------
    IndexError
        If a row is negative, or not below the number of rows.
    TypeError
        If ``rows`` are not integers, or ``source`` is nothing that holds rows.
    ValueError
        If ``rows`` have nulls or more than one dimension; if a file is damaged, unlike the others, or changes.
    KeyError
        If a column is not there.
    FileNotFoundError
        If a path matches nothing.

    Notes
    -----
    Of Parquet files only the pages that hold the rows are read, each once however the rows are ordered. A stream is
    read to its end. Memory: the rows and a few row groups.

    Examples
    --------
    >>> import aliquot as aq, pyarrow as pa
    >>> aq.take_rows(pa.table({"x": range(100, 200)}), [5, 99, 5])["x"].to_pylist()
    [105, 199, 105]
    """
    numbers = _as_numbers(rows)
    names = None if columns is None else check_names("columns", columns)
    opened = open_source(source)
    schema = opened.project(names)
    batches = opened.take(numbers, schema.names, Progress(None))
    if len(schema) == 0:
        batches = [_arrow.empty_columns(len(numbers), schema)]
    return _arrow.to_table(batches, schema)


def _as_numbers(rows: Any) -> _arrow.Positions:
    """Row numbers as int64; those beyond it become its largest value, which no source reaches."""
    if isinstance(rows, pa.Array | pa.ChunkedArray):
        if rows.null_count:
            raise ValueError(f"rows: must not be null, got null at position {rows.is_null().index(True).as_py()}")
        rows = rows.to_numpy() if isinstance(rows, pa.ChunkedArray) else rows.to_numpy(zero_copy_only=False)
    if isinstance(rows, np.ma.MaskedArray) and np.ma.getmaskarray(rows).any():
        raise ValueError(f"rows: must not be null, got null at position {np.ma.getmaskarray(rows).argmax()}")
    if isinstance(rows, Iterable) and not isinstance(rows, np.ndarray | Sequence):
        rows = list(rows)
    values = np.asarray(rows)
    if values.ndim == 0:
        raise TypeError(f"rows: must be integers, got {describe(rows)}")
    if values.dtype == object and all(isinstance(each, int | np.integer) for each in values.ravel()):
        values = np.clip(values, -1, 2**63 - 1).astype(np.int64)  # Python's, of any size
    if values.ndim != 1:
        raise ValueError(f"rows: must have one dimension, got {values.ndim}")
    if len(values) == 0 and values.dtype == np.float64:
        return np.empty(0, np.int64)  # which is what numpy makes of []
    if not np.issubdtype(values.dtype, np.integer):
        raise TypeError(f"rows: must be integers, got {describe(rows)}")
    if values.dtype == np.uint64:
        values = np.minimum(values, np.uint64(2**63 - 1))
    return np.ascontiguousarray(values, np.int64)
