"""Draws with replacement in proportion to weights."""

import math
from collections.abc import Sequence
from typing import Any, TypeVar, overload

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from aliquot import _rng
from aliquot._checks import check_count, check_draws, describe
from aliquot._kernels import alias as _kernel
from aliquot._numbers import as_exact, as_numbers, too_few_positive
from aliquot._saved import pack, unpack
from aliquot._threads import processors

MAX_OUTCOMES = 2**40 - 1
ALIAS_BITS = 40
"""The lower bits of a cell, in which its alias is."""

_COLUMNS = pa.schema([("cells", pa.uint64()), ("rests", pa.uint64())])

Outcomes = TypeVar("Outcomes", NDArray[np.int64], NDArray[np.int32], NDArray[np.uint32])


class AliasTable:
    """Draws outcomes 0 to n-1 in proportion to their weights, each draw in constant time.

    Parameters
    ----------
    weights : array_like or Arrow array of shape (n,)
        Any numeric type: integers, floats or decimals, from NumPy or Arrow, chunked or not. An outcome of weight zero
        is never drawn. n is below 2**40.

    Raises
    ------
    ValueError
        If a weight is negative, NaN, infinite or null, if all are zero, or if there are none or too many.
    TypeError
        If the weights are not numbers.

    Notes
    -----
    The table is built once, in O(n), and takes 16 bytes an outcome; a draw reads 8 of them and uses one random word
    of 64 bits (Walker's method). All arithmetic is on integers. A weight becomes a whole number of units of 2**-88 /
    n of the sum, and one too small for that a floating number of them, with 53 bits; then it is drawn with just that
    probability: there is no bias beyond this rounding, however many outcomes there are. Draws are the same on every
    CPU.

    Large tables are built, and many draws made, by as many threads as there are processors to use, which changes
    neither. A table never changes, so that threads may share it; the GIL is released while it is built and draws.

    References
    ----------
    Walker (1977), "An efficient method for generating discrete random variables with general distributions",
    doi:10.1145/355744.355749. Hübschle-Schneider, Sanders (2022), "Parallel weighted random sampling",
    doi:10.1145/3549934.

    Examples
    --------
    >>> import aliquot as aq
    >>> table = aq.AliasTable([1, 2, 0, 5])
    >>> table
    AliasTable(n=4)
    >>> table.probabilities()
    array([0.125, 0.25 , 0.   , 0.625])
    >>> table.draw(10, rng=7)
    array([3, 1, 3, 3, 3, 3, 1, 1, 1, 3])
    """

    __slots__ = ("_cells", "_rests")

    def __init__(self, weights: Any) -> None:
        values = as_exact("weights", as_numbers("weights", weights))
        if not 0 < len(values) <= MAX_OUTCOMES:
            raise ValueError(f"weights: must have 1 to {MAX_OUTCOMES} rows, got {len(values)}")
        largest = largest_of(values)
        if not np.any(values[largest]):
            raise too_few_positive("weights", 1, 0)
        cells, rests = np.empty(len(values), np.uint64), np.empty(len(values), np.uint64)
        if values.ndim == 2:
            _kernel.build_wide(values, largest, cells, rests, processors())
        else:
            _kernel.build(values, largest, cells, rests, processors())
        self._own(cells, rests)

    def __len__(self) -> int:
        return len(self._cells)

    @overload
    def draw(self, size: int | Sequence[int], *, rng: _rng.RNG = None) -> NDArray[np.int64]: ...

    @overload
    def draw(self, *, out: Outcomes, rng: _rng.RNG = None) -> Outcomes: ...

    def draw(self, size: int | Sequence[int] | None = None, *, out: Any = None, rng: _rng.RNG = None) -> NDArray[Any]:
        """Independent draws.

        Parameters
        ----------
        size : int or tuple of int
            How many draws, or the shape of the result.
        out : numpy.ndarray of int64, int32 or uint32, instead of ``size``
            A C-contiguous array to fill; no other memory is used.
        rng : None, int, SeedSequence, BitGenerator or Generator
            The seed; None takes fresh entropy. With one seed, fewer draws are the first of more, and neither the shape
            nor the type of the result changes them.

        Returns
        -------
        numpy.ndarray
            Outcomes in the order drawn: ``out``, or int64 of shape ``size``.

        Raises
        ------
        TypeError
            If both or neither of ``size`` and ``out`` are given, or ``out`` is no such array.
        ValueError
            If ``size`` is negative, or ``out`` is not contiguous, not writable or too narrow for n - 1.

        Examples
        --------
        >>> import aliquot as aq, numpy as np
        >>> table = aq.AliasTable([1, 2, 0, 5])
        >>> buffer = np.empty((2, 4), np.int32)
        >>> table.draw(out=buffer, rng=7)
        array([[3, 1, 3, 3],
               [3, 3, 1, 1]], dtype=int32)
        """
        if out is None:
            if size is None:
                raise TypeError("size: must be given unless out is, got None")
            shape = check_shape("size", size)
            out = np.empty(shape, np.int64)
        elif size is not None:
            raise TypeError(f"size: must be left out when out is given, got {describe(size)}")
        else:
            check_buffer("out", out, len(self))
        seed = _rng.key_of(_rng.seed_of(rng))
        _kernel.draw(self._cells, self._rests, seed, 0, out.reshape(-1), processors(), len(self) >= 2**32)
        return out  # type: ignore[no-any-return]

    def probabilities(self) -> NDArray[np.float64]:
        """The probabilities with which outcomes are drawn, float64 of shape (n,): of what the table encodes, not of
        what was asked for.
        """
        return _kernel.probabilities(self._cells, self._rests)

    def to_bytes(self) -> bytes:
        """The table, to be saved, sent, and read by ``from_bytes``: 16 bytes an outcome, as checksummed Arrow IPC."""
        batch = pa.RecordBatch.from_arrays([pa.array(self._cells), pa.array(self._rests)], schema=_COLUMNS)
        return pack("AliasTable", {}, [batch], _COLUMNS)

    @classmethod
    def from_bytes(cls, data: bytes) -> "AliasTable":
        """The table that ``to_bytes`` saved.

        Raises
        ------
        ValueError
            If the bytes are damaged, are no saved table, or come from a newer version.
        TypeError
            If ``data`` is not bytes.
        """
        (batch,) = unpack("AliasTable", data)[1]
        cells, rests = (column.to_numpy().copy() for column in batch.columns)
        aliases = cells & np.uint64(2**ALIAS_BITS - 1)
        if len(cells) == 0 or aliases.max() >= len(cells):  # kernels write where an alias says
            raise ValueError(f"data: must hold aliases below the number of outcomes, {len(cells)}, got others")
        made = cls.__new__(cls)
        made._own(cells, rests)
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        return AliasTable.from_bytes, (self.to_bytes(),)

    def __copy__(self) -> "AliasTable":
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> "AliasTable":
        return self

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, AliasTable):
            return NotImplemented
        return np.array_equal(self._cells, other._cells) and np.array_equal(self._rests, other._rests)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"AliasTable(n={len(self)})"

    def _own(self, cells: NDArray[np.uint64], rests: NDArray[np.uint64]) -> None:
        cells.flags.writeable = rests.flags.writeable = False
        self._cells: NDArray[np.uint64] = cells
        self._rests: NDArray[np.uint64] = rests


def largest_of(values: NDArray[Any]) -> int:
    """The position of the largest weight, as ``as_exact`` has them."""
    if values.ndim == 1:
        return int(values.argmax())
    high = values[:, 1]
    highest = np.flatnonzero(high == high.max())
    return int(highest[values[highest, 0].argmax()])


def check_shape(name: str, value: object) -> tuple[int, ...]:
    """``value`` as the shape of an array."""
    shape = tuple(check_count(name, each) for each in (value if isinstance(value, tuple | list) else (value,)))
    check_draws(math.prod(shape))
    return shape


def check_buffer(name: str, value: object, n: int) -> None:
    """``value`` as an array that outcomes 0 to n-1 can be written to, one after the other."""
    if not isinstance(value, np.ndarray):
        raise TypeError(f"{name}: must be a NumPy array, got {describe(value)}")
    if value.dtype not in (np.int64, np.int32, np.uint32):
        raise TypeError(f"{name}: must be of int64, int32 or uint32, got {value.dtype}")
    if n - 1 > np.iinfo(value.dtype).max:
        raise ValueError(f"{name}: must be of a type that holds outcomes to {n - 1}, got {value.dtype}")
    if not value.flags.c_contiguous:
        raise ValueError(f"{name}: must be C-contiguous, got strides {value.strides} for shape {value.shape}")
    if not value.flags.writeable:
        raise ValueError(f"{name}: must be writable, got a read-only array")
