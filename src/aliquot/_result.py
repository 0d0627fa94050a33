"""From the rows with the smallest keys to the table a caller gets.

Order, draws with replacement, added columns, provenance.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from aliquot import _arrow
from aliquot._checks import check_choice, check_new_column
from aliquot._designs import NON_PROBABILITY, UNIFORM
from aliquot._kernels.simple_random import draw_ranks, draw_weighted_ranks, select_rows
from aliquot._provenance import attach
from aliquot._rng import Words
from aliquot._weighted_keys import times_keys

ORDERS = ("source", "random")


@dataclass(frozen=True)
class KeptStrata:
    """The strata of the rows kept: ``codes`` has one for each row, the other arrays one element for each stratum.

    ``populations`` counts the rows of a stratum, ``draws`` those of the sample, ``thresholds`` has the keys of the
    first rows that are out and ``totals`` the weights of all rows.
    """

    codes: NDArray[np.int32]
    populations: NDArray[np.int64]
    draws: NDArray[np.int64]
    thresholds: NDArray[np.float64]
    totals: NDArray[np.float64]


@dataclass(frozen=True)
class Kept:
    """The rows with the smallest keys, ascending by number, and what they were chosen from.

    ``threshold`` is the key of the first row that is out. Weighted rows have ``weights``; if they are to be drawn with
    replacement, ``total`` is the weight of all rows. With ``strata``, threshold and total are those of each stratum.
    """

    rows: _arrow.Positions
    keys: NDArray[np.float64]
    population: int
    threshold: float = np.inf
    weights: NDArray[np.float64] | None = None
    total: Fraction = Fraction(0)
    strata: KeptStrata | None = None

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
    design: str = UNIFORM

    def check(self, schema: pa.Schema | None = None) -> None:
        """ValueError or TypeError for an option that cannot be had."""
        check_choice("order", self.order, ORDERS)
        if self.design in NON_PROBABILITY and self.design_weight is not None:
            raise ValueError(
                f"design_weight: must be None with design {self.design!r}, under which rows have no known "
                f"inclusion probability, got {self.design_weight!r}"
            )
        there = [] if schema is None else list(schema.names)
        for option in ("row_number", "design_weight"):
            name = getattr(self, option)
            if name is not None:
                there.append(check_new_column(option, name, there))

    def arrange(self, seed: Words, kept: Kept, size: int) -> _arrow.Positions:
        """Which of the rows kept the sample holds, in its order.

        ``size`` draws, or rows with ``replace`` False; at least as many rows are kept, or all there are. With strata,
        as many of each as its ``draws``.
        """
        if kept.strata is not None:
            return self._arrange_strata(seed, kept, kept.strata)
        if not self.replace and self.order == "source" and len(kept.rows) == size:
            return np.arange(size)
        by_key = np.lexsort((kept.rows, kept.keys))
        if not self.replace:
            chosen = by_key[:size]
        elif kept.weights is None:
            ranks, _ = draw_ranks(seed, kept.population, size if kept.population else 0)
            chosen = by_key[ranks]
        else:
            weights, total = _summable(kept.weights[by_key], kept.total)
            ranks, _ = draw_weighted_ranks(seed, weights, total, size if len(by_key) else 0)
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
        if self.design in NON_PROBABILITY:
            facts["probability"] = False
        schema = attach(table.schema, facts)
        if table.num_columns == 0:  # which would lose its row count
            return _arrow.to_table([_arrow.empty_columns(len(picked), schema)], schema)
        return table.replace_schema_metadata(schema.metadata)

    def _design_weights(self, kept: Kept, picked: _arrow.Positions) -> NDArray[np.float64]:
        """1 / inclusion probability, given the threshold; with replacement, 1 / expected number of draws."""
        population: Any = kept.population  # numbers, or arrays of one for each row
        draws: Any = len(picked)
        threshold: Any = kept.threshold
        if kept.strata is not None:
            of_stratum = kept.strata.codes[picked]
            population = kept.strata.populations[of_stratum]
            draws = kept.strata.draws[of_stratum]
            threshold = kept.strata.thresholds[of_stratum]
        if kept.weights is None:
            return np.full(len(picked), population / np.maximum(draws, 1))
        weights = kept.weights[picked]
        if self.replace:
            total: Any
            if kept.strata is None:
                weights, total = _summable(weights, kept.total)
            else:
                total = kept.strata.totals[of_stratum]
            inclusion = draws * (weights / total)
        elif self.design == "priority":
            inclusion = np.minimum(1.0, times_keys(weights, threshold))
        else:
            inclusion = -np.expm1(-times_keys(weights, threshold))
        design_weights: NDArray[np.float64] = 1.0 / inclusion
        return design_weights

    def _arrange_strata(self, seed: Words, kept: Kept, strata: KeptStrata) -> _arrow.Positions:
        if self.replace:
            chosen = self._draw_in_strata(seed, kept, strata)
            return np.sort(chosen) if self.order == "source" else chosen[_shuffle(seed, len(chosen))]
        if self.order == "source":
            return np.arange(len(kept.rows))
        # Where a key stands among those that are let into its stratum is uniform, and so comparable between strata.
        thresholds = strata.thresholds[strata.codes]
        weights = 1.0 if kept.weights is None else kept.weights
        if self.design in NON_PROBABILITY:
            place = kept.keys
        elif self.design == "priority":
            place = times_keys(weights, kept.keys) / np.minimum(1.0, times_keys(weights, thresholds))
        else:
            place = np.expm1(-times_keys(weights, kept.keys)) / np.expm1(-times_keys(weights, thresholds))
        return np.lexsort((kept.rows, place))

    def _draw_in_strata(self, seed: Words, kept: Kept, strata: KeptStrata) -> _arrow.Positions:
        """Independent draws in each stratum, one stratum after the other, in an order that merges do not change."""
        if not np.isfinite(strata.totals).all():
            raise ValueError("weights: must have a finite sum in each stratum with replace, got inf")
        by_key = np.lexsort((kept.rows, kept.keys, strata.codes))
        ends = np.searchsorted(strata.codes[by_key], np.arange(len(strata.draws) + 1))
        drawn = np.flatnonzero(strata.draws)
        # The first row by key tells strata apart, in whatever order their codes come.
        streams = kept.rows[by_key[ends[drawn]]] + 1
        order = np.argsort(streams, kind="stable")
        chosen = [np.empty(0, np.int64)]
        for i, stream in zip(drawn[order].tolist(), streams[order].tolist(), strict=True):
            of_stratum = by_key[ends[i] : ends[i + 1]]
            draws = int(strata.draws[i])
            if kept.weights is None:
                ranks, _ = draw_ranks(seed, int(strata.populations[i]), draws, stream)
            else:
                ranks, _ = draw_weighted_ranks(seed, kept.weights[of_stratum], strata.totals[i], draws, stream)
            chosen.append(of_stratum[ranks])
        return np.concatenate(chosen)


def _summable(weights: NDArray[np.float64], total: Fraction) -> tuple[NDArray[np.float64], float]:
    """Weights and their sum, both divided by a power of two if the sum is beyond float64."""
    scale = 64 if total >= Fraction(2) ** 1000 else 0
    return weights * 2.0**-scale, float(total / 2**scale)


def _shuffle(seed: Words, n: int) -> _arrow.Positions:
    """0 ... n-1 in random order."""
    _, keys = select_rows(np.roll(seed, 1), n, n)
    return np.argsort(keys)
