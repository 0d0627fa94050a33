"""Classes of rows in memory (strata, groups), from arrays of whatever type to small integers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from aliquot._checks import describe
from aliquot._codes import Codebook
from aliquot._pieces import pieces, side_by_side

MOST_UNUSED = 2**12
"""Integers that are not dense are used as they are if there are at most as many, or a quarter as many as rows."""


@dataclass(frozen=True)
class Classes:
    """The class of row i is ``labels[i] - low``, in [0, count). Not all of them need have rows."""

    labels: NDArray[Any]
    low: int
    count: int
    columns: Sequence[Any]

    @property
    def unsigned_low(self) -> np.uint64:
        """``low`` as kernels subtract it, wrapping around."""
        return np.uint64(self.low % 2**64)

    def name(self, row: int) -> str:
        """The class of a row as its values are written."""
        values = [column[row] for column in self.columns]
        plain = [
            value.as_py() if isinstance(value, pa.Scalar) else getattr(value, "item", lambda v=value: v)()
            for value in values
        ]
        return repr(plain[0] if len(plain) == 1 else tuple(plain))


def one_class(n: int) -> Classes:
    """All rows in one class."""
    return Classes(np.broadcast_to(np.uint8(0), n), 0, 1, ())


def as_classes(name: str, values: Any, n: int) -> Classes:
    """The classes of n rows, from one array or the combinations of several.

    Raises
    ------
    TypeError
        If values have a type that does not make classes.
    ValueError
        If there are not as many as rows.
    """
    columns = [as_column(name, column, n) for column in columns_of(values)]
    if not columns:
        raise ValueError(f"{name}: must be at least one column, got none")
    only = columns[0]
    if n == 0:
        return one_class(0)
    if len(columns) == 1 and isinstance(only, np.ndarray):
        low, high = _range_of(only)
        if high - low < max(MOST_UNUSED, n // 4):
            return Classes(only, low, high - low + 1, columns)
    book = Codebook([name] * len(columns))
    codes = book.encode([column if isinstance(column, pa.Array) else pa.array(column) for column in columns])
    return Classes(codes, 0, len(book), columns)


def columns_of(values: Any) -> list[Any]:
    """The columns of a table or a frame, arrays of a list, or the one column that values are."""
    if isinstance(values, pa.Table | pa.RecordBatch):
        return list(values.columns)
    if hasattr(values, "columns") and hasattr(values, "__arrow_c_stream__"):
        return list(pa.table(values).columns)
    if isinstance(values, list | tuple) and values and all(_is_array(value) for value in values):
        return list(values)
    if isinstance(values, np.ndarray) and values.ndim == 2 and values.shape[1] == 1:
        return [values[:, 0]]
    return [values]


def as_column(name: str, values: Any, n: int | None = None) -> NDArray[Any] | pa.Array:
    """One column, of n rows if that is known: integers without nulls as NumPy has them, not copied, and anything else
    as Arrow has it.
    """
    try:
        column = _as_array(values)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        raise TypeError(f"{name}: must be values of one type, got {describe(values)}") from error
    if column.ndim != 1 if isinstance(column, np.ndarray) else False:
        raise ValueError(f"{name}: must have one dimension, got shape {column.shape}")
    if n is not None and len(column) != n:
        raise ValueError(f"{name}: must be one a row, got {len(column)} for {n} rows")
    return column


def _as_array(values: Any) -> NDArray[Any] | pa.Array:
    if isinstance(values, np.ma.MaskedArray):
        array = pa.array(values.data, mask=np.ma.getmaskarray(values))
    elif hasattr(values, "__arrow_c_array__"):
        array = pa.array(values)
    elif hasattr(values, "__arrow_c_stream__"):
        array = pa.chunked_array(values).combine_chunks()
        if isinstance(array, pa.ChunkedArray):
            array = pa.concat_arrays(array.chunks)
    else:
        made = np.asarray(values)
        if made.dtype.kind == "b":
            return made.view(np.uint8) if made.ndim == 1 else made
        if made.dtype.kind in "iu" or made.ndim != 1:
            return made.astype(made.dtype.newbyteorder("="), copy=False)
        array = pa.array(values if isinstance(values, list | tuple) else made)
    if pa.types.is_integer(array.type) and array.null_count == 0:
        numbers: NDArray[Any] = array.to_numpy()
        return numbers
    return array


def _is_array(value: object) -> bool:
    return (
        (hasattr(value, "__array__") and hasattr(value, "__len__"))
        or hasattr(value, "__arrow_c_array__")
        or hasattr(value, "__arrow_c_stream__")
    )


def _range_of(values: NDArray[Any]) -> tuple[int, int]:
    from aliquot._kernels.splitting import find_range

    if values.dtype.itemsize == 1:
        limits = np.iinfo(values.dtype)
        return limits.min, limits.max
    ends = side_by_side(lambda _, first, last: find_range(values[first:last]), pieces(len(values)))
    return min(int(low) for low, _ in ends), max(int(high) for _, high in ends)


@dataclass(frozen=True)
class LabelSets:
    """Several labels a row: those of row i are ``codes[starts[i]:starts[i + 1]]``, in [0, count)."""

    starts: NDArray[np.int64]
    codes: NDArray[np.int64]
    count: int

    @property
    def n(self) -> int:
        """Rows."""
        return len(self.starts) - 1


def is_label_sets(values: Any) -> bool:
    """Whether there are several labels a row: a matrix, or an Arrow array of lists."""
    kind = getattr(values, "type", None)
    if isinstance(kind, pa.DataType):
        return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))
    return isinstance(values, np.ndarray) and values.ndim == 2 and values.shape[1] != 1


def as_label_sets(name: str, values: Any, n: int) -> LabelSets:
    """The labels of n rows. A label that is twice in a row counts once; null is no label.

    Raises
    ------
    ValueError
        If a matrix holds other values than 0 and 1, or there are not n rows.
    TypeError
        If labels have a type that is not expected.
    """
    if len(values) != n:
        raise ValueError(f"{name}: must be one a row, got {len(values)} for {n} rows")
    if isinstance(values, np.ndarray):
        wrong = np.argwhere((values != 0) & (values != 1))
        if len(wrong):
            row, column = wrong[0]
            raise ValueError(f"{name}: must be 0 or 1 in a matrix of labels, got {values[row, column]} at row {row}")
        rows, codes = np.nonzero(values)
        count = values.shape[1]
    else:
        array = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
        flat = pc.list_flatten(array)
        rows = pc.list_parent_indices(array).to_numpy()
        valid = flat.is_valid().to_numpy(zero_copy_only=False)
        book = Codebook([name])
        codes = book.encode([flat])[valid].astype(np.int64)
        count = max(len(book), 1)
        pairs = np.unique(rows[valid].astype(np.int64) * count + codes)
        rows, codes = pairs // count, pairs % count
    starts = np.searchsorted(rows, np.arange(n + 1))
    return LabelSets(starts, codes.astype(np.int64, copy=False), count)
