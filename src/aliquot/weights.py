"""Weights of rows: a column, an expression over columns, or an array beside the rows."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from aliquot._checks import check_column
from aliquot._expression import columns_of, evaluate
from aliquot._numbers import as_floats, as_numbers
from aliquot._progress import Progress
from aliquot._source import Source

WeightsOption: TypeAlias = "str | pc.Expression | NDArray[Any] | pa.Array | pa.ChunkedArray | None"

DESIGNS = ("successive", "priority")


class Weights:
    """Gives the weights of a batch as float64, checked but for their sign and size, which kernels see in passing."""

    def __init__(self, option: Any) -> None:
        self.option = option
        self.name = option if isinstance(option, str) else "weights"
        self._values: NDArray[np.float64] | None = None
        if not isinstance(option, str | pc.Expression):
            self._values = as_floats(as_numbers(self.name, option))

    @property
    def num_rows(self) -> int | None:
        """How many there are, for an array."""
        return None if self._values is None else len(self._values)

    def columns(self, schema: pa.Schema) -> list[str]:
        """The columns they are made of. KeyError for one that is not there."""
        if self._values is not None:
            return []
        if isinstance(self.option, str):
            return [check_column("weights", self.option, schema.names)]
        return columns_of(self.option, schema.empty_table(), "weights")

    def __call__(self, batch: pa.RecordBatch, first_row: int) -> NDArray[np.float64]:
        """The weights of a batch whose first row has this number. ValueError for a null, TypeError for no numbers."""
        if self._values is not None:
            values = self._values[first_row : first_row + batch.num_rows]
            if len(values) < batch.num_rows:
                raise ValueError(
                    f"weights: must be one a row, got {len(self._values)} for {first_row + batch.num_rows} rows or more"
                )
            return values
        if isinstance(self.option, str):
            value = batch.column(self.option)
        else:
            value = evaluate(self.option, pa.Table.from_batches([batch]), "weights")
        return as_floats(as_numbers(self.name, value, first_row))

    def all_of(self, source: Source) -> Iterator[tuple[NDArray[np.float64], int]]:
        """All weights of a source, in pieces, each with the number of its first row."""
        if self._values is not None:
            yield self._values, 0
            return
        for first_row, batch in source.scan(self.columns(source.schema), None, Progress(None)):
            yield self(batch, first_row), first_row

    def check_length(self, rows: int) -> None:
        """ValueError if they are an array of another length."""
        if self._values is not None and len(self._values) != rows:
            raise ValueError(f"weights: must be one a row, got {len(self._values)} for {rows} rows")


def exact_sum(values: NDArray[np.float64]) -> Fraction:
    """The sum of finite numbers without rounding, so that it does not depend on order or batching."""
    mantissas, exponents = np.frexp(values)
    whole = (mantissas * 2.0**53).astype(np.int64)
    places = exponents + 1100
    total = Fraction(0)
    for start in range(0, len(values), 2**26):
        part = slice(start, start + 2**26)
        # Halves of 27 bits, so that 2^26 of them add up exactly in float64.
        high = np.bincount(places[part], weights=whole[part] >> 27)
        low = np.bincount(places[part], weights=whole[part] & (2**27 - 1))
        for place in np.flatnonzero((high != 0) | (low != 0)):
            units = (int(high[place]) << 27) + int(low[place])
            total += units * Fraction(2) ** (int(place) - 1100 - 53)
    return total
