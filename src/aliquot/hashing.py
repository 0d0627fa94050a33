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


def hash_keys(values: pa.Array, seed: Words, name: str) -> NDArray[np.float64]:
    """The key, float64 of shape (len(values),), of each row by its value.

    Integers of any width, whole floats, booleans and decimals without a fraction hash alike; strings and binaries of
    any layout; dates of both kinds; a dictionary as what it stands for. All nulls hash alike.

    Raises
    ------
    TypeError
        For a column of another type.
    ValueError
        For a decimal beyond 64 bits.
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
    try:
        made = kernel(plain(values))
    except pa.ArrowInvalid as error:
        raise ValueError(f"{name}: must hold values of at most 64 bits, got {error}") from error
    if made is None:
        raise TypeError(
            f"{name}: must be a column of numbers, strings, dates or dictionaries of these, got {values.type}"
        )
    return made


def plain(values: pa.Array) -> pa.Array:
    """The same values in a type that kernels read, where there is one."""
    kind = values.type
    if isinstance(values, pa.ExtensionArray):
        return plain(values.storage)
    if pa.types.is_date(kind):
        return values.cast(pa.date32()).cast(pa.int32())
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
