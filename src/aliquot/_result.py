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
from aliquot._kernels.simple_random import draw_ranks, draw_weighted_ranks
from aliquot._provenance import attach
from aliquot._rng import Words

ORDERS = ("source", "random")


@dataclass(frozen=True)
class Kept:
    """The rows with the smallest keys, ascending by number, and what they were chosen from.

    ``threshold`` is the key of the first row that is out. Weighted rows have ``weights``; if they are to be drawn with
    replacement, ``total`` is the weight of all rows.
    """

    rows: _arrow.Positions
    keys: NDArray[np.float64]
    population: int
    threshold: float = np.inf
    weights: NDArray[np.float64] | None = None
    total: float = 0.0

    def smallest(self, size: int) -> "Kept":
        """Those with the ``size`` smallest keys, of more."""
        if len(self.rows) == size + 1:  # without sorting, as only the last goes
            out = int(np.argmax(self.keys))
            stay = np.delete(np.arange(size + 1), out)
        else:
            by_key = np.lexsort((self.rows, self.keys))
            out, stay = by_key[size], np.sort(by_key[:size])
        weights = None if self.weights is None else self.weights[stay]
        threshold = float(self.keys[out])
        return Kept(self.rows[stay], self.keys[stay], self.population, threshold, weights, self.total)


@dataclass(frozen=True)
class Output:
    """How a caller wants the sample: checked once, before any row is read."""

    replace: bool = False
    order: str = "source"
    row_number: str | None = None
    design_weight: str | None = None
    design: str = "uniform"

    def check(self, schema: pa.Schema | None = None) -> None:
        """ValueError or TypeError for an option that cannot be had."""
        check_bool("replace", self.replace)
        check_choice("order", self.order, ORDERS)
        if self.replace and self.design == "priority":
            raise ValueError("design: must be 'successive' with replace, as draws are independent, got 'priority'")
        there = [] if schema is None else list(schema.names)
        for option in ("row_number", "design_weight"):
            name = getattr(self, option)
            if name is not None:
                there.append(check_new_column(option, name, there))

    def arrange(self, seed: Words, kept: Kept, size: int) -> _arrow.Positions:
        """Which of the rows kept the sample holds, in its order.

        ``size`` draws, or rows with ``replace`` False; at least as many rows are kept, or all there are.
        """
        if not self.replace and self.order == "source" and len(kept.rows) == size:
            return np.arange(size)
        by_key = np.lexsort((kept.rows, kept.keys))
        if not self.replace:
            chosen = by_key[:size]
        elif kept.weights is None:
            ranks, _ = draw_ranks(seed, kept.population, size if kept.population else 0)
            chosen = by_key[ranks]
        else:
            ranks, _ = draw_weighted_ranks(seed, kept.weights[by_key], kept.total, size if len(by_key) else 0)
            chosen = by_key[ranks]
        return np.sort(chosen) if self.order == "source" else chosen

    def table(
        self,
        batches: list[pa.RecordBatch],
        schema: pa.Schema,
        kept: Kept,
        picked: _arrow.Positions,
        facts: dict[str, Any],
    ) -> pa.Table:
        """The sample, whose rows are those picked of the ones kept, with the columns to add and its provenance."""
        table = _arrow.to_table(batches, schema)
        if self.row_number is not None:
            table = table.append_column(self.row_number, pa.array(kept.rows[picked], pa.int64()))
        if self.design_weight is not None:
            table = table.append_column(self.design_weight, pa.array(self._design_weights(kept, picked)))
        design = self.design + " with replacement" * self.replace
        facts = {"design": design, "size": len(picked), "population": kept.population, "strata": None, **facts}
        schema = attach(table.schema, facts)
        if table.num_columns == 0:  # which would lose its row count
            return _arrow.to_table([_arrow.empty_columns(len(picked), schema)], schema)
        return table.replace_schema_metadata(schema.metadata)

    def _design_weights(self, kept: Kept, picked: _arrow.Positions) -> NDArray[np.float64]:
        """1 / inclusion probability, given the threshold; with replacement, 1 / expected number of draws."""
        if kept.weights is None:
            return np.full(len(picked), kept.population / max(len(picked), 1))
        weights = kept.weights[picked]
        if self.replace:
            return kept.total / (len(picked) * weights)
        if np.isinf(kept.threshold):
            return np.ones(len(picked))
        if self.design == "priority":
            return np.maximum(1.0, 1.0 / (weights * kept.threshold))
        return -1.0 / np.expm1(-weights * kept.threshold)
