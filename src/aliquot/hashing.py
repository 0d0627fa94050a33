"""Keys by the value of a column, the same for equal values of unlike types."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from aliquot._kernels.hash_split import column_parts
from aliquot._kernels.hashing import column_keys
from aliquot._rng import Words

T = TypeVar("T", np.float64, np.int32)

NANOSECONDS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
MOST_TICKS = 2**63 - 1
FIXED_POINT = pa.decimal256(76, 38)
"""In which all decimals of at most 38 digits on either side of the point are equal if their bytes are."""


def hash_keys(values: pa.Array, seed: Words, name: str) -> NDArray[np.float64]:
    """The key, float64 of shape (len(values),), of each row by its value.

    Numbers hash alike whatever their type if they are whole, floats of any width and decimals of any scale among
    themselves; strings and binaries of any layout; dates of both kinds; times, durations and timestamps of any unit and
    time zone; a dictionary as what it stands for. All nulls hash alike.

    Raises
    ------
    TypeError
        For a column of another type.
    ValueError
        For a decimal of too many digits.
    """
    return _of_values(lambda values: column_keys(values, seed), values, name)


def hash_parts(
    values: pa.Array, seed: Words, parts: Sequence[str], shares: NDArray[np.float64], name: str
) -> NDArray[np.int32]:
    """The part of each row by its value, int32: by the names of the parts, which have these shares.

    Values hash as for ``hash_keys``, and the same is raised.
    """
    encoded = [part.encode() for part in parts]
    return _of_values(lambda values: column_parts(values, seed, encoded, shares), values, name)


def _of_values(kernel: Callable[[pa.Array], NDArray[T] | None], values: pa.Array, name: str) -> NDArray[T]:
    """What a kernel makes of a column, in a type that it reads."""
    kind = values.type
    if pa.types.is_dictionary(kind) and pa.types.is_decimal(kind.value_type):
        return _of_values(kernel, values.dictionary_decode(), name)
    try:
        of_fractions = pa.types.is_decimal(kind) and kind.scale != 0
        made = _of_decimals(kernel, values) if of_fractions else kernel(plain(values))
    except pa.ArrowInvalid as error:
        most = "38 digits on either side of the point" if of_fractions else "64 bits"
        raise ValueError(f"{name}: must hold values of at most {most}, got {error}") from error
    if made is None:
        raise TypeError(
            f"{name}: must be a column of numbers, strings, dates, times or dictionaries of these, got {kind}"
        )
    return made


def _of_decimals(kernel: Callable[[pa.Array], NDArray[T] | None], values: pa.Array) -> NDArray[T]:
    """What a kernel makes of decimals: of whole ones of 64 bits as of integers, of others by their bytes."""
    fixed = values.cast(FIXED_POINT)
    whole = fixed.cast(pa.decimal256(76, 0), safe=False).cast(pa.int64(), safe=False)
    made, of_bytes = kernel(whole), kernel(fixed.view(pa.binary(32)).cast(pa.binary()))
    assert made is not None
    assert of_bytes is not None
    others = pc.not_equal(whole.cast(FIXED_POINT), fixed).fill_null(False).to_numpy(zero_copy_only=False)
    made[others] = of_bytes[others]
    return made


def plain(values: pa.Array) -> pa.Array:
    """The same values in a type that kernels read, where there is one."""
    kind = values.type
    if isinstance(values, pa.ExtensionArray):
        return plain(values.storage)
    if pa.types.is_date(kind):
        return values.cast(pa.date32(), safe=False).cast(pa.int32())  # date64 may hold parts of days
    if pa.types.is_temporal(kind) and not pa.types.is_interval(kind):
        return _nanoseconds(values)
    if pa.types.is_float16(kind):
        return values.cast(pa.float32())
    if pa.types.is_decimal(kind) and kind.scale == 0:
        return values.cast(pa.int64())
    if pa.types.is_fixed_size_binary(kind):
        return values.cast(pa.binary())
    if pa.types.is_run_end_encoded(kind):
        return plain(pc.run_end_decode(values))
    if pa.types.is_dictionary(kind):
        meant = plain(values.dictionary)
        return values if meant is values.dictionary else pa.DictionaryArray.from_arrays(values.indices, meant)
    return values


def _nanoseconds(values: pa.Array) -> pa.Array:
    """Times of any unit as integers that are equal if the times are: their nanoseconds, or where these do not fit in 64
    bits the finest unit that does.
    """
    unit = NANOSECONDS[values.type.unit]
    ticks = values.view(pa.int64() if values.type.bit_width == 64 else pa.int32()).cast(pa.int64())
    if unit == 1:
        return ticks
    counts = ticks.fill_null(0).to_numpy()
    finest = counts
    for times in (10**3, 10**6, 10**9):
        if times <= unit:
            fits = (counts <= MOST_TICKS // times) & (counts >= -(MOST_TICKS // times))
            finest = np.where(fits, counts * times, finest)
    return pa.array(finest, mask=ticks.is_null().to_numpy(zero_copy_only=False))
