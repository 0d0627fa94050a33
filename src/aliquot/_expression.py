"""pyarrow expressions over batches: their value, and the columns they read."""

import re

import pyarrow as pa
import pyarrow.compute as pc

from aliquot._arrow import without_views


def goes_by_position(expression: pc.Expression) -> bool:
    """Whether an expression names columns by their number."""
    return "FieldPath(" in str(expression)


def evaluate(expression: pc.Expression, table: pa.Table, argument: str) -> pa.ChunkedArray:
    """The value of an expression for each row of a table; errors name the argument it came as."""
    from pyarrow import acero

    table = without_views(table)
    plan = acero.Declaration.from_sequence(
        [
            acero.Declaration("table_source", acero.TableSourceNodeOptions(table)),
            acero.Declaration("project", acero.ProjectNodeOptions([expression], ["passes"])),
        ]
    )
    try:
        return plan.to_table(use_threads=False).column(0)
    except pa.ArrowNotImplementedError as error:
        raise TypeError(f"{argument}: must be an expression over these types, got {error}") from error
    except pa.ArrowException as error:
        missing = re.search(r"No match for (FieldRef\..*?) in ", str(error), re.DOTALL)
        if missing:
            name = ".".join(re.findall(r"Name\((.*?)\)", missing[1], re.DOTALL))
            raise KeyError(f"{argument}: must be made of columns of {table.schema.names}, got {name!r}") from None
        raise ValueError(f"{argument}: must be an expression that holds for the data, got {error}") from error


def columns_of(expression: pc.Expression, empty: pa.Table, argument: str) -> list[str]:
    """Pyarrow tells only by trying: a column is read if nothing binds once it has another name.

    KeyError for a column that is not there.
    """
    evaluate(expression, empty, argument)
    text = str(expression)
    names: list[str] = empty.schema.names
    if goes_by_position(expression):
        return names

    def is_read(i: int) -> bool:
        try:
            evaluate(expression, empty.rename_columns([*names[:i], names[i] + "\0", *names[i + 1 :]]), argument)
        except KeyError:
            return True
        return False

    return [name for i, name in enumerate(names) if name in text and is_read(i)]
