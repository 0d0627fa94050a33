"""Codes for the values of columns: what strata, slices and labels are to a kernel."""

import math
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from aliquot import _arrow
from aliquot._kernels.codes import ValueCodes
from aliquot.hashing import plain

Codes = NDArray[np.int32]


class Codebook:
    """Gives every value of a column, or combination of values of several, a code: 0, 1, 2, ... by first appearance.

    Codes stay the same from batch to batch, whatever the dictionaries of the batches. Equal numbers have one code
    whatever their width, and strings whatever their layout; null is a value, and so is NaN. Equality is exact.

    Parameters
    ----------
    names : list of str
        What to call the columns in errors.
    """

    def __init__(self, names: Sequence[str]) -> None:
        seed = np.frombuffer(os.urandom(32), np.uint64)  # keeps the hashes from whoever chooses the values
        self.names = list(names)
        self._columns = [_Column(seed, name) for name in names]
        # The codes of the first two columns together, of these and the third, ...
        self._pairs = [ValueCodes(seed) for _ in names[1:]]
        self._values: list[list[pa.Array]] = [[] for _ in names]

    def __len__(self) -> int:
        return len(self._pairs[-1] if self._pairs else self._columns[0].codes)

    def encode(self, columns: Sequence[pa.Array]) -> Codes:
        """The code of each row of columns of one length, int32.

        Raises
        ------
        TypeError
            For a column of a type that has no codes. The codebook is then as it was.
        """
        before = self._sizes()
        try:
            codes, fresh = self._columns[0].encode(columns[0])
            for i, pairs in enumerate(self._pairs, 1):
                more, _ = self._columns[i].encode(columns[i])
                fresh = pairs.combine(more, codes)
            if len(fresh):
                for values, column in zip(self._values, columns, strict=True):
                    values.append(_arrow.decoded(_arrow.take(column, fresh)))
        except BaseException:
            self._restore(before)
            raise
        return codes

    def values(self) -> list[pa.Array]:
        """An array for each column, whose row i is the value that code i stands for."""
        self._values = [[_joined(values)] if len(values) > 1 else values for values in self._values]
        return [values[0] if values else pa.nulls(0) for values in self._values]

    def labels(self, first: int = 0, last: int | None = None) -> list[Any]:
        """What the codes in [first, last) stand for, as Python objects: a value, or a tuple of several columns.

        NaN is always ``math.nan``, which a dict can find.
        """
        values = [_listed(column[first:last]) for column in self.values()]
        return values[0] if len(values) == 1 else list(zip(*values, strict=True))

    def truncate(self, count: int) -> None:
        """Forget all codes from ``count`` on."""
        if count == len(self):
            return
        self._values = [[column.slice(0, count)] for column in self.values()]
        self._restore([*self._sizes()[:-1], count])

    def _sizes(self) -> list[int]:
        return [*(len(column.codes) for column in self._columns), *(len(pairs) for pairs in self._pairs)]

    def _restore(self, sizes: list[int]) -> None:
        for codes, size in zip([*(column.codes for column in self._columns), *self._pairs], sizes, strict=True):
            codes.truncate(size)


class _Column:
    """The codes of the values of one column."""

    def __init__(self, seed: NDArray[np.uint64], name: str) -> None:
        self.codes = ValueCodes(seed)
        self._name = name
        self._dictionary: pa.Array | None = None

    def encode(self, values: pa.Array) -> tuple[Codes, _arrow.Positions]:
        dictionary, before = values.dictionary if pa.types.is_dictionary(values.type) else None, self._dictionary
        same = dictionary is not None and before is not None and _is_same(dictionary, before, len(values))
        if len(values):  # else the kernel does not look at it
            self._dictionary = dictionary  # alive, so that its address stays its own
        encoded = self.codes.encode(_comparable(values), same)
        if encoded is None:
            raise TypeError(
                f"{self._name}: must be a column of numbers, strings, dates, times or dictionaries of these, "
                f"got {values.type}"
            )
        return encoded


def _comparable(values: pa.Array) -> pa.Array:
    """The same values in a type that the kernel reads, if equality there means equality here."""
    kind = values.type
    if pa.types.is_decimal(kind):
        return values.cast(pa.string())
    if pa.types.is_dictionary(kind):
        meant = _comparable(values.dictionary)
        return values if meant is values.dictionary else pa.DictionaryArray.from_arrays(values.indices, meant)
    return plain(values)


def _listed(values: pa.Array) -> list[Any]:
    listed: list[Any] = values.to_pylist()
    if pa.types.is_floating(values.type):
        return [math.nan if value is not None and math.isnan(value) else value for value in listed]
    return listed


def _joined(values: list[pa.Array]) -> pa.Array:
    """Arrays as one, of a type that holds the values of all."""
    tables = [pa.table({"": array}) for array in values]
    return pa.concat_tables(tables, promote_options="permissive").column(0).combine_chunks()


def _is_same(a: pa.Array, b: pa.Array, rows: int) -> bool:
    """Whether two dictionaries are over the same memory or, if that is to be found out as fast as rows are, equal."""
    if a.type != b.type or len(a) != len(b):
        return False
    if _arrow.at_same_place(a, b):
        return True
    return len(a) <= rows and bool(a.equals(b))
