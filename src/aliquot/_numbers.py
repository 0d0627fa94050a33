"""Numbers that count as weights, from whatever holds them: read in one place, refused in one wording."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from aliquot._arrow import decoded
from aliquot._checks import describe

_IN_PLACE = {
    np.dtype(kind): pa.from_numpy_dtype(kind) for kind in ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f4", "f8")
}


def as_numbers(name: str, values: Any, first_row: int = 0) -> pa.Array:
    """One number a row, of any integer, floating or decimal type, not copied if it need not be.

    ``values`` is Arrow data, dictionary- or run-end-encoded and chunked as it may be, or what NumPy makes an array
    of.

    Raises
    ------
    TypeError
        If they are not numbers.
    ValueError
        If one is null, or they are not in one dimension.
    """
    is_arrow = hasattr(values, "__arrow_c_array__") or hasattr(values, "__arrow_c_stream__")
    array = _of_arrow(values) if is_arrow else _of_numpy(name, values)
    array = _plain(array)
    kind = array.type
    if pa.types.is_null(kind) and len(array) == 0:  # an empty list, say
        return array.cast(pa.float64())
    if not (_is_number(kind) or pa.types.is_null(kind)):
        raise TypeError(f"{name}: must be numbers, got {kind}")
    if array.null_count:
        raise bad_weight(name, "null", first_row + pc.index(array.is_null(), True).as_py())
    return array


def in_place(values: Any) -> pa.Array | None:
    """A NumPy array of numbers as Arrow, in two thirds of the time that pyarrow takes; None for what is none.

    It is copied if it is scattered or, which pyarrow lets pass, not aligned.
    """
    if type(values) is not np.ndarray or values.ndim != 1 or values.dtype not in _IN_PLACE:
        return None
    dense = values if values.flags.carray else np.require(values, requirements=["C", "A"])
    return pa.Array.from_buffers(_IN_PLACE[dense.dtype], len(dense), [None, pa.py_buffer(dense)], 0)


def as_arguments(name: str, column: Any, first_row: int = 0) -> NDArray[Any]:
    """A column as compiled functions take it: booleans and numbers as they are, times in seconds.

    Timestamps and dates count from 1970, whatever their unit, so that a function does not depend on how a file was
    written. TypeError for a column of another type, ValueError for a null.
    """
    array = _plain(_of_arrow(column))
    kind = array.type
    if array.null_count:
        raise bad_weight(name, "null", first_row + pc.index(array.is_null(), True).as_py())
    if pa.types.is_boolean(kind):
        flags: NDArray[Any] = array.to_numpy(zero_copy_only=False)
        return flags
    if pa.types.is_temporal(kind) and not pa.types.is_interval(kind):
        if pa.types.is_date(kind):
            array = array.cast(pa.timestamp("s" if pa.types.is_date32(kind) else "ms"))
        ticks = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[array.type.unit]
        whole: NDArray[Any] = array.view(pa.int32() if array.type.bit_width == 32 else pa.int64()).to_numpy()
        return whole / float(ticks)
    if not _is_number(kind):
        raise TypeError(f"{name}: must be made of numbers, booleans or times, got a column of {kind}")
    if pa.types.is_decimal(kind) or pa.types.is_float16(kind):  # which compiled code does not know
        return as_floats(array)
    numbers: NDArray[Any] = array.to_numpy()
    return numbers


def as_floats(numbers: pa.Array) -> NDArray[np.float64]:
    """The nearest float64 of each, not copied if they are that."""
    floats: NDArray[np.float64] = numbers.cast(pa.float64(), safe=False).to_numpy()
    return floats


def as_exact(name: str, numbers: pa.Array) -> NDArray[Any]:
    """Weights without loss, but for a common factor: contiguous float64 or uint64 of shape (n,), or uint64 of shape
    (n, 2), the low and high words of integers of 128 bits.

    What matters is their ratio, so decimals are the integers behind them. ValueError for one that is no weight.
    """
    if pa.types.is_decimal(numbers.type):
        return _of_decimals(name, numbers)
    if pa.types.is_floating(numbers.type):
        floats = as_floats(numbers)
        check_weights(floats, name)
        return floats
    integers: NDArray[np.uint64] = numbers.to_numpy()
    if integers.dtype.kind == "i":
        check_weights(integers, name)
    return integers.astype(np.uint64, copy=False)


def check_weights(values: NDArray[Any], name: str, first_row: int = 0) -> None:
    """ValueError for the first weight that is negative, infinite or NaN."""
    if len(values) and not (values.min() >= 0 and values.max() < np.inf):  # a NaN is the least and the greatest
        position = int((~((values >= 0) & (values < np.inf))).argmax())
        raise bad_weight(name, values[position], first_row + position)


def bad_weight(name: str, value: object, row: int) -> ValueError:
    """The error for a weight that is none."""
    return ValueError(f"{name}: must be finite and not negative, got {value} at row {row}")


def too_few_positive(name: str, wanted: int, found: int) -> ValueError:
    """The error for weights of zero where more are needed."""
    rows = "row" if wanted == 1 else "rows"
    return ValueError(f"{name}: must be positive in at least {wanted} {rows}, got {found} such rows")


def _of_arrow(values: Any) -> pa.Array:
    if isinstance(values, pa.Array):
        return values
    array = pa.array(values) if hasattr(values, "__arrow_c_array__") else pa.chunked_array(values)
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    # Run-end encoded chunks stay chunks.
    return pa.concat_arrays(array.chunks) if isinstance(array, pa.ChunkedArray) else array


def _plain(array: pa.Array) -> pa.Array:
    """The values that codes or runs stand for."""
    array = decoded(array)
    return pc.run_end_decode(array) if pa.types.is_run_end_encoded(array.type) else array


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def _of_numpy(name: str, values: Any) -> pa.Array:
    try:
        array = np.asanyarray(values)  # with the mask of a masked one, which pyarrow makes nulls
        if array.ndim == 1:
            return pa.array(array.astype(array.dtype.newbyteorder("="), copy=False))
        if array.dtype.kind not in "biufc":
            raise TypeError
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        raise TypeError(f"{name}: must be numbers, got {describe(values)}") from None
    raise ValueError(f"{name}: must have one dimension, got shape {array.shape}")


def _of_decimals(name: str, numbers: pa.Array) -> NDArray[Any]:
    if numbers.type.bit_width == 256:
        try:
            numbers = numbers.cast(pa.decimal128(38, numbers.type.scale))
        except pa.ArrowInvalid as error:
            raise ValueError(f"{name}: must hold decimals of at most 38 digits, got {error}") from error
    words = max(numbers.type.bit_width // 64, 1)
    integer = pa.int64() if numbers.type.bit_width >= 64 else pa.int32()
    parts = pa.Array.from_buffers(integer, len(numbers) * words, numbers.buffers(), offset=numbers.offset * words)
    values: NDArray[Any] = parts.to_numpy()
    negative = np.flatnonzero(values[words - 1 :: words] < 0)
    if negative.size:
        raise bad_weight(name, numbers[int(negative[0])], int(negative[0]))
    if words == 1:
        return values.astype(np.uint64)
    wide: NDArray[np.uint64] = values.view(np.uint64).reshape(-1, 2)
    return wide
