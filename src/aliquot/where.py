"""Row filters: pyarrow expressions, evaluated batch by batch, with the columns they read found out beforehand."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from aliquot._arrow import no_rows
from aliquot._checks import describe
from aliquot._expression import columns_of, evaluate, goes_by_position


class Where:
    """An expression over the columns of a schema; rows for which it is true are the population."""

    def __init__(self, expression: pc.Expression, schema: pa.Schema) -> None:
        if not isinstance(expression, pc.Expression):
            raise TypeError(f"where: must be a pyarrow.compute.Expression, got {describe(expression)}")
        self.expression = expression
        empty = no_rows(schema)
        self.columns = columns_of(expression, empty, "where")
        kind = evaluate(expression, empty, "where").type
        if not pa.types.is_boolean(kind):
            raise TypeError(f"where: must be a boolean expression, got one of type {kind}")
        # Minima and maxima in Parquet leave NaN out, so they say nothing on what a fraction may be.
        self.fits_statistics = not goes_by_position(expression) and not any(
            _holds_floats(schema.field(name).type) for name in self.columns
        )

    def __call__(self, batch: pa.RecordBatch) -> NDArray[np.uint8]:
        """A byte a row of a batch that has ``columns``: 1 where the expression is true, 0 where it is false or null."""
        if batch.num_rows == 0:
            return np.empty(0, np.uint8)
        passes = evaluate(self.expression, pa.Table.from_batches([batch]), "where").combine_chunks()
        return pc.fill_null(passes, False).cast(pa.uint8()).to_numpy()  # type: ignore[no-any-return]


def _holds_floats(kind: pa.DataType) -> bool:
    nested = [kind.field(i).type for i in range(kind.num_fields)]
    return pa.types.is_floating(kind) or any(map(_holds_floats, nested))
