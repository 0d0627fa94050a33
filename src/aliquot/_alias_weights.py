"""Weights from whatever holds numbers, checked once, in the few types that kernels read."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from aliquot._checks import describe


def as_weights(name: str, weights: Any, most: int) -> tuple[NDArray[Any], int]:
    """Weights without loss as contiguous float64 or uint64 of shape (n,), or uint64 of shape (n, 2), the low and high
    words of 128-bit integers, with the row of the largest.

    What matters is their ratio, so decimals are the integers behind them.

    Raises
    ------
    ValueError
        If one is negative, NaN, infinite or null, or all are zero, or there are none, or more than ``most``.
    TypeError
        If they are not numbers.
    """
    values = _of_arrow(name, weights) if _is_arrow(weights) else _of_numpy(name, weights)
    if not 0 < len(values) <= most:
        raise ValueError(f"{name}: must have 1 to {most} rows, got {len(values)}")
    if values.ndim == 2:
        largest = _largest_of_wide(values)
        _check_some(name, bool(values[largest].any()), len(values))
        return values, largest
    if values.min() < 0 or not np.isfinite(values.max()):
        row = int(np.flatnonzero(~(values >= 0) | ~np.isfinite(values))[0])
        what = "not be negative" if values[row] < 0 else "be finite"
        raise ValueError(f"{name}: must {what}, got {values[row]} at row {row}")
    largest = int(values.argmax())
    _check_some(name, bool(values[largest] > 0), len(values))
    kind = np.float64 if values.dtype.kind == "f" else np.uint64
    return np.ascontiguousarray(values, kind), largest


def _largest_of_wide(values: NDArray[Any]) -> int:
    high = values[:, 1]
    highest = np.flatnonzero(high == high.max())
    return int(highest[values[highest, 0].argmax()])


def _check_some(name: str, found: bool, n: int) -> None:
    if not found:
        raise ValueError(f"{name}: must not all be zero, got {n} zeros")


def _is_arrow(weights: Any) -> bool:
    return hasattr(weights, "__arrow_c_array__") or hasattr(weights, "__arrow_c_stream__")


def _of_numpy(name: str, weights: Any) -> NDArray[Any]:
    try:
        values = np.asarray(weights)
    except (TypeError, ValueError):  # a list of lists of unlike lengths, say
        raise TypeError(f"{name}: must be an array of numbers, got {describe(weights)}") from None
    if len(values.shape) != 1:
        raise ValueError(f"{name}: must have one dimension, got shape {values.shape}")
    if values.size == 0:
        return values
    if values.dtype.kind not in "iuf" or values.dtype.itemsize > 8:
        raise TypeError(f"{name}: must be an array of numbers of at most 64 bits, got {values.dtype}")
    return values


def _of_arrow(name: str, weights: Any) -> NDArray[Any]:
    array = pa.array(weights) if hasattr(weights, "__arrow_c_array__") else pa.chunked_array(weights)
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
        if isinstance(array, pa.ChunkedArray):
            array = pa.concat_arrays(array.chunks)
    kind = array.type
    if pa.types.is_dictionary(kind):
        array = array.dictionary_decode()
    elif pa.types.is_run_end_encoded(kind):
        array = pc.run_end_decode(array)
    kind = array.type
    decimal = pa.types.is_decimal(kind)
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or decimal or pa.types.is_null(kind)):
        raise TypeError(f"{name}: must be an array of numbers, got {kind}")
    if array.null_count:
        row = pc.index(array.is_null(), True).as_py()
        raise ValueError(f"{name}: must not be null, got null at row {row}")
    return _of_decimals(name, array) if decimal else array.to_numpy()


def _of_decimals(name: str, array: pa.Array) -> NDArray[Any]:
    if array.type.bit_width == 256:
        try:
            array = array.cast(pa.decimal128(38, array.type.scale))
        except pa.ArrowInvalid as error:
            raise ValueError(f"{name}: must hold decimals of at most 38 digits, got {error}") from error
    words = max(array.type.bit_width // 64, 1)
    integer = pa.int64() if array.type.bit_width >= 64 else pa.int32()
    values = pa.Array.from_buffers(integer, len(array) * words, array.buffers(), offset=array.offset * words).to_numpy()
    negative = np.flatnonzero(values[words - 1 :: words] < 0)
    if negative.size:
        raise ValueError(f"{name}: must not be negative, got {array[int(negative[0])]} at row {negative[0]}")
    wide: NDArray[Any] = values if words == 1 else values.view(np.uint64).reshape(-1, 2)
    return wide
