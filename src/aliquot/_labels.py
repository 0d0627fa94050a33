"""Columns of labels: what of the Arrow types, NumPy arrays and lists that callers pass can be told apart as classes."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from aliquot._checks import describe

KINDS = "integers, booleans, strings, whole floats or dictionaries of these"


def as_labels(name: str, values: Any) -> pa.Array | pa.ChunkedArray:
    """One column of labels, read in place where that is possible.

    Raises
    ------
    TypeError
        If the values are no labels.
    ValueError
        If they have more than one dimension.
    """
    return _checked(name, values if isinstance(values, pa.Array | pa.ChunkedArray) else _as_arrow(name, values))


def kind_of(type_: pa.DataType) -> str:
    """What labels of an Arrow type are: "bool", "int", "float", "string", "null" or, if they are none, ""."""
    if pa.types.is_dictionary(type_):
        return kind_of(type_.value_type)
    if pa.types.is_boolean(type_):
        return "bool"
    if pa.types.is_integer(type_):
        return "int"
    if pa.types.is_float32(type_) or pa.types.is_float64(type_):
        return "float"
    if pa.types.is_string(type_) or pa.types.is_large_string(type_) or pa.types.is_string_view(type_):
        return "string"
    return "null" if pa.types.is_null(type_) else ""


def valid_rows(values: pa.Array) -> pa.BooleanArray | None:
    """Which rows of a column are not null, nulls among the values of a dictionary included; None if all are not."""
    if not pa.types.is_dictionary(values.type) or values.dictionary.null_count == 0:
        return values.is_valid() if values.null_count else None
    return values.dictionary.is_valid().take(values.indices).fill_null(False)


def whole_numbers(name: str, values: pa.Array, row_number: Callable[[int], int]) -> pa.Array:
    """A column of floats or unsigned integers as int64. ValueError for one that is no such number."""
    numbers = values.to_numpy(zero_copy_only=False)
    if numbers.dtype.kind == "f":
        wrong = ~((numbers == np.trunc(numbers)) & (numbers >= -(2.0**63)) & (numbers < 2.0**63))
    else:
        wrong = numbers > np.uint64(2**63 - 1)
    if wrong.any():
        row = int(wrong.argmax())
        raise ValueError(f"{name}: must hold whole numbers below 2**63, got {numbers[row]} at row {row_number(row)}")
    return pa.array(numbers.astype(np.int64))


def pieces(columns: list[pa.Array | pa.ChunkedArray]) -> Iterator[tuple[int, list[pa.Array]]]:
    """Columns of one length as arrays, cut where the chunks of any end; with the number of each stretch's first row."""
    if not any(isinstance(column, pa.ChunkedArray) for column in columns):
        yield 0, columns
        return
    ends: set[int] = {0, len(columns[0])}
    for column in columns:
        if isinstance(column, pa.ChunkedArray):
            ends.update(np.cumsum([len(chunk) for chunk in column.chunks]).tolist())
    cuts = sorted(ends)
    for first, last in zip(cuts, cuts[1:], strict=False):
        yield first, [_whole(column.slice(first, last - first)) for column in columns]


def _whole(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    if isinstance(column, pa.Array):
        return column
    (chunk,) = (chunk for chunk in column.chunks if len(chunk))
    return chunk


def _as_arrow(name: str, values: Any) -> pa.Array | pa.ChunkedArray:
    try:
        if hasattr(values, "__arrow_c_array__"):
            return pa.array(values)
        if hasattr(values, "__arrow_c_stream__"):
            return pa.chunked_array(values)
        if isinstance(values, np.ndarray) or hasattr(values, "__array__"):
            return _of_numpy(name, np.asanyarray(values))  # with the mask of a masked one, which pyarrow makes nulls
        if isinstance(values, str | bytes):
            raise TypeError
        return pa.array(values)
    except OverflowError:
        raise ValueError(f"{name}: must hold whole numbers below 2**63, got {describe(values)}") from None
    except (TypeError, pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise TypeError(f"{name}: must hold {KINDS}, got {describe(values)}") from None


def _checked(name: str, values: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    type_ = values.type
    if pa.types.is_float16(type_):
        return values.cast(pa.float32())
    if pa.types.is_run_end_encoded(type_):
        chunks = values.chunks if isinstance(values, pa.ChunkedArray) else [values]
        return _checked(name, pa.chunked_array([pc.run_end_decode(chunk) for chunk in chunks], type_.value_type))
    if not kind_of(type_):
        raise TypeError(f"{name}: must hold {KINDS}, got {type_}")
    return values


def _of_numpy(name: str, values: NDArray[Any]) -> pa.Array:
    if values.ndim != 1:
        raise ValueError(f"{name}: must have one dimension, got shape {values.shape}")
    if values.dtype.kind not in "biufUOT":
        raise TypeError
    if not values.dtype.isnative:
        values = values.astype(values.dtype.newbyteorder("="))
    return pa.array(values.tolist() if values.dtype.kind == "T" else values)
