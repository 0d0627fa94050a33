"""Columns of labels: what of the Arrow types, NumPy arrays and lists that callers pass can be told apart as classes."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from aliquot._checks import describe
from aliquot._numbers import in_place
from aliquot._numpy_strings import as_arrow, as_dictionary

KINDS = "integers, booleans, strings, whole floats or dictionaries of these"

DICTIONARY = pa.dictionary(pa.int32(), pa.string()).id

# By number, as the predicates of pyarrow would take longer than counting a small batch does.
_KINDS = {
    pa.bool_().id: "bool",
    **{pa.from_numpy_dtype(f"{sign}int{bits}").id: "int" for sign in ("", "u") for bits in (8, 16, 32, 64)},
    pa.float32().id: "float",
    pa.float64().id: "float",
    **{kind().id: "string" for kind in (pa.string, pa.large_string, pa.string_view)},
    pa.null().id: "null",
}


def as_labels(name: str, values: Any) -> pa.Array | pa.ChunkedArray:
    """One column of labels, read in place where that is possible.

    Raises
    ------
    TypeError
        If the values are no labels.
    ValueError
        If they have more than one dimension.
    """
    return _checked(name, values if isinstance(values, (pa.Array, pa.ChunkedArray)) else _as_arrow(name, values))


def kind_of(type_: pa.DataType) -> str:
    """What labels of an Arrow type are: "bool", "int", "float", "string", "null" or, if they are none, ""."""
    number = type_.id
    return kind_of(type_.value_type) if number == DICTIONARY else _KINDS.get(number, "")


def check_labels(name: str, values: Any) -> list[Any]:
    """``values`` as labels that differ."""
    array = as_labels(name, values)
    labels: list[Any] = array.to_pylist()
    if not labels:
        raise ValueError(f"{name}: must hold at least one label, got none")
    if array.null_count or kind_of(array.type) == "null":
        raise ValueError(f"{name}: must not be null, got null at row {labels.index(None)}")
    if kind_of(array.type) == "float":
        if any(not label.is_integer() for label in labels):
            raise ValueError(f"{name}: must hold whole numbers, got {labels}")
        labels = [int(label) for label in labels]
    if len(set(labels)) < len(labels):
        twice = next(label for i, label in enumerate(labels) if label in labels[:i])
        raise ValueError(f"{name}: must differ from each other, got {twice!r} twice")
    return labels


def valid_rows(values: pa.Array) -> pa.BooleanArray | None:
    """Which rows of a column are not null, nulls among the values of a dictionary included; None if all are not."""
    if values.type.id != DICTIONARY or values.dictionary.null_count == 0:
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


def plain_numbers(array: pa.Array) -> pa.Array:
    """Numbers out of their dictionary."""
    of_numbers = array.type.id == DICTIONARY and kind_of(array.type) != "string"
    return array.dictionary_decode() if of_numbers else array


def pieces(columns: list[pa.Array | pa.ChunkedArray]) -> Iterator[tuple[int, int, list[pa.Array]]]:
    """Columns of one length as arrays, cut where the chunks of any end; with the first row and the length of each."""
    if isinstance(columns[0], pa.Array) and isinstance(columns[1], pa.Array):
        yield 0, len(columns[0]), columns
        return
    ends: set[int] = {0, len(columns[0])}
    for column in columns:
        if isinstance(column, pa.ChunkedArray):
            ends.update(np.cumsum([len(chunk) for chunk in column.chunks]).tolist())
    cuts = sorted(ends)
    for first, last in zip(cuts, cuts[1:], strict=False):
        yield first, last - first, [_whole(column.slice(first, last - first)) for column in columns]


def _whole(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    if isinstance(column, pa.Array):
        return column
    (chunk,) = (chunk for chunk in column.chunks if len(chunk))
    return chunk


def _as_arrow(name: str, values: Any) -> pa.Array | pa.ChunkedArray:
    try:
        if isinstance(values, np.ndarray):  # before hasattr, which is slow where there is none
            return _of_numpy(name, values)
        if hasattr(values, "__arrow_c_array__"):
            return pa.array(values)
        if hasattr(values, "__arrow_c_stream__"):
            return pa.chunked_array(values)
        if hasattr(values, "__array__"):
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
    if kind_of(type_):
        return values
    if pa.types.is_float16(type_):
        return values.cast(pa.float32())
    if pa.types.is_run_end_encoded(type_):
        chunks = values.chunks if isinstance(values, pa.ChunkedArray) else [values]
        return _checked(name, pa.chunked_array([pc.run_end_decode(chunk) for chunk in chunks], type_.value_type))
    raise TypeError(f"{name}: must hold {KINDS}, got {type_}")


def _of_numpy(name: str, values: NDArray[Any]) -> pa.Array:
    numbers = in_place(values)
    if numbers is not None:
        return numbers
    if values.ndim != 1:
        raise ValueError(f"{name}: must have one dimension, got shape {values.shape}")
    if values.dtype.kind not in "biufUOT":
        raise TypeError
    if not values.dtype.isnative:
        values = values.astype(values.dtype.newbyteorder("="))
    made = as_dictionary(values) if values.dtype.kind in "UO" else None
    if made is not None:
        return made
    return as_arrow(values)
