"""Row filters: pyarrow expressions, evaluated batch by batch, with the columns they read found out beforehand."""

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from aliquot._checks import describe


class Where:
    """An expression over the columns of a schema; rows for which it is true are the population."""

    def __init__(self, expression: pc.Expression, schema: pa.Schema) -> None:
        if not isinstance(expression, pc.Expression):
            raise TypeError(f"where: must be a pyarrow.compute.Expression, got {describe(expression)}")
        self.expression = expression
        empty = schema.empty_table()
        kind = _evaluate(expression, empty).type
        if not pa.types.is_boolean(kind):
            raise TypeError(f"where: must be a boolean expression, got one of type {kind}")
        self.by_position = "FieldPath(" in str(expression)
        # By position: all columns must stand where they are.
        self.columns: list[str] = schema.names if self.by_position else _columns_of(expression, empty)
        # Minima and maxima in Parquet leave NaN out, so they say nothing on what a fraction may be.
        self.fits_statistics = not self.by_position and not any(
            _holds_floats(schema.field(name).type) for name in self.columns
        )

    def __call__(self, batch: pa.RecordBatch) -> NDArray[np.uint8]:
        """A byte a row of a batch that has ``columns``: 1 where the expression is true, 0 where it is false or null."""
        if batch.num_rows == 0:
            return np.empty(0, np.uint8)
        passes = _evaluate(self.expression, pa.Table.from_batches([batch])).combine_chunks()
        return pc.fill_null(passes, False).cast(pa.uint8()).to_numpy()  # type: ignore[no-any-return]


def _evaluate(expression: pc.Expression, table: pa.Table) -> pa.ChunkedArray:
    from pyarrow import acero

    plan = acero.Declaration.from_sequence(
        [
            acero.Declaration("table_source", acero.TableSourceNodeOptions(table)),
            acero.Declaration("project", acero.ProjectNodeOptions([expression], ["passes"])),
        ]
    )
    try:
        return plan.to_table(use_threads=False).column(0)
    except pa.ArrowNotImplementedError as error:
        raise TypeError(f"where: must be an expression over these types, got {error}") from error
    except pa.ArrowException as error:
        missing = re.search(r"No match for (FieldRef\..*?) in ", str(error), re.DOTALL)
        if missing:
            name = ".".join(re.findall(r"Name\((.*?)\)", missing[1], re.DOTALL))
            raise KeyError(f"where: must be made of columns of {table.schema.names}, got {name!r}") from None
        raise ValueError(f"where: must be an expression that holds for the data, got {error}") from error


def _holds_floats(kind: pa.DataType) -> bool:
    nested = [kind.field(i).type for i in range(kind.num_fields)]
    return pa.types.is_floating(kind) or any(map(_holds_floats, nested))


def _columns_of(expression: pc.Expression, empty: pa.Table) -> list[str]:
    """Pyarrow tells only by trying: a column is read if nothing binds once it has another name."""
    text = str(expression)
    names: list[str] = empty.schema.names

    def is_read(i: int) -> bool:
        try:
            _evaluate(expression, empty.rename_columns([*names[:i], names[i] + "\0", *names[i + 1 :]]))
        except KeyError:
            return True
        return False

    return [name for i, name in enumerate(names) if name in text and is_read(i)]
