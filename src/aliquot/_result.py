"""From the rows with the smallest keys to the table a caller gets.

Order, draws with replacement, added columns, provenance.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from aliquot import _arrow
from aliquot._checks import check_bool, check_choice, check_new_column
from aliquot._kernels.simple_random import draw_ranks
from aliquot._provenance import attach
from aliquot._rng import Words

ORDERS = ("source", "random")


@dataclass(frozen=True)
class Output:
    """How a caller wants the sample: checked once, before any row is read."""

    replace: bool = False
    order: str = "source"
    row_number: str | None = None
    design_weight: str | None = None

    def check(self, schema: pa.Schema | None = None) -> None:
        """ValueError or TypeError for an option that cannot be had."""
        check_bool("replace", self.replace)
        check_choice("order", self.order, ORDERS)
        there = [] if schema is None else list(schema.names)
        for option in ("row_number", "design_weight"):
            name = getattr(self, option)
            if name is not None:
                there.append(check_new_column(option, name, there))

    def arrange(
        self, seed: Words, rows: _arrow.Positions, keys: NDArray[np.float64], size: int, population: int
    ) -> _arrow.Positions:
        """Which of the rows with the smallest keys, ascending by number, the sample holds, in its order.

        ``size`` draws, or rows with ``replace`` False; at least as many rows are given, or all there are.
        """
        if not self.replace and self.order == "source" and len(rows) == size:
            return np.arange(size)
        by_key = np.lexsort((rows, keys))
        if self.replace:
            ranks, _ = draw_ranks(seed, population, size if population else 0)
            chosen = by_key[ranks]
        else:
            chosen = by_key[:size]
        return np.sort(chosen) if self.order == "source" else chosen

    def table(
        self,
        batches: list[pa.RecordBatch],
        schema: pa.Schema,
        rows: _arrow.Positions,
        population: int,
        facts: dict[str, Any],
    ) -> pa.Table:
        """The sample with the columns to add and its provenance."""
        table = _arrow.to_table(batches, schema)
        if self.row_number is not None:
            table = table.append_column(self.row_number, pa.array(rows, pa.int64()))
        if self.design_weight is not None:
            table = table.append_column(
                self.design_weight, pa.array(np.full(len(rows), population / max(len(rows), 1)))
            )
        facts = {"size": len(rows), "population": population, "strata": None, **facts}
        schema = attach(table.schema, facts)
        if table.num_columns == 0:  # which would lose its row count
            return _arrow.to_table([_arrow.empty_columns(len(rows), schema)], schema)
        return table.replace_schema_metadata(schema.metadata)


def design_name(*, replace: bool, key: str | None = None) -> str:
    """The design as the provenance names it."""
    return "coordinated" if key is not None else "uniform with replacement" if replace else "uniform"
