"""Splits of rows whose strata, groups or labels are known: which kernels, and what is reported.

Importing this imports numba.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aliquot._allocation import Counts, proportional
from aliquot._classes import Classes, LabelSets
from aliquot._dealing import count_rows, deal, deal_round, first_rows, keys_of, rows_of, stratum_order
from aliquot._grouping import deal_groups
from aliquot._kernels import labelling
from aliquot._parts import Parts
from aliquot._rng import Words
from aliquot._tables import apportion, totals_of

Rows = list[NDArray[np.int64]]
Report = Callable[[], list[Any]]

COARSEST = 2**30
"""Weights that sum to no more can be multiplied with rows in 64 bits."""

_log = logging.getLogger("aliquot")


class _Used:
    """The parts that get rows, as a kernel sees them."""

    def __init__(self, parts: Parts, n: int) -> None:
        weights = parts.weights(n)
        self.there = np.flatnonzero(weights)
        self.weights = weights[self.there]
        self.totals = parts.totals(n)[self.there]
        self.in_rows = parts.rows is not None
        self.names = [parts.names[j] for j in self.there]
        self.all_parts = len(parts)

    def __len__(self) -> int:
        return len(self.there)


@dataclass(frozen=True)
class Assigned:
    """The part of each row, among those that get rows, the rows of each of these, and what could not be had.

    ``memory`` is of no more use, and may be large enough for the rows.
    """

    used: _Used
    parts: NDArray[Any]
    totals: Counts
    unmet: Report
    memory: NDArray[np.uint64] | None = None

    def rows(self) -> Rows:
        """The rows of each part, of those that get none too, ascending."""
        rows = [np.empty(0, np.int64)] * self.used.all_parts
        for j, its_rows in zip(self.used.there, rows_of(self.parts, self.totals, self.memory), strict=True):
            rows[j] = its_rows
        return rows

    def part_of_row(self) -> NDArray[Any]:
        """The part of each row among all of them, of as few bytes as do."""
        if len(self.used) == self.used.all_parts:
            return self.parts
        parts: NDArray[Any] = self.used.there.astype(np.min_scalar_type(self.used.all_parts))[self.parts]
        return parts


def split_strata(seed: Words, strata: Classes, parts: Parts, rare: str) -> Assigned:
    """The part of each row, each stratum in its shares."""
    used = _Used(parts, len(strata.labels))
    dealt = deal(seed, strata, used.weights, lambda sizes, first: _table(seed, strata, used, rare, sizes, first))
    rare_ones = np.flatnonzero((dealt.sizes > 0) & (dealt.sizes < len(used)))
    rare_ones = rare_ones[np.argsort(dealt.first[rare_ones])]
    sizes, first, table = dealt.sizes[rare_ones], dealt.first[rare_ones], dealt.table[rare_ones]

    def unmet() -> list[Any]:
        exact = used.weights / used.weights.sum()
        return [
            ("rare stratum", strata.name(int(first[h])), used.names[j], 0, float(sizes[h] * exact[j]))
            for h, j in np.argwhere(table == 0).tolist()
        ]

    return Assigned(used, dealt.parts, totals_of(dealt.table), unmet, dealt.pile)


def split_groups(seed: Words, groups: Classes, strata: Classes, parts: Parts, rare: str) -> Assigned:
    """The part of each row, no group in two parts."""
    if rare not in ("spread", "error"):
        raise ValueError(f"rare: must be 'spread' or 'error' with groups, got {rare!r}")
    used = _Used(parts, len(groups.labels))
    if rare == "error":
        sizes = count_rows(strata)
        _refuse_rare(strata, sizes, first_rows(strata, sizes), len(used))
    dealt = deal_groups(seed, groups, strata, used.weights)

    def unmet() -> list[Any]:
        room = used.totals[dealt.parts_of_groups]
        too_large = np.flatnonzero(dealt.sizes > np.where(dealt.sizes > 0, room, 0))
        return [
            (
                "large group",
                groups.name(int(dealt.first[g])),
                used.names[dealt.parts_of_groups[g]],
                int(dealt.sizes[g]),
                float(room[g]),
            )
            for g in too_large[np.argsort(dealt.first[too_large])]
        ]

    return Assigned(used, dealt.parts, dealt.totals, unmet)


def split_label_sets(seed: Words, labels: LabelSets, parts: Parts) -> Assigned:
    """The part of each row; the rows of each label in its shares, as nearly as may be."""
    used = _Used(parts, labels.n)
    return Assigned(used, _stratify(seed, labels, used.weights, used.totals), used.totals, list)


def fold_strata(seed: Words, strata: Classes, n_folds: int) -> NDArray[np.int32]:
    """The fold of each row, each stratum shared out evenly."""
    return deal_round(seed, strata, n_folds).astype(np.int32, copy=False)


def fold_groups(seed: Words, groups: Classes, strata: Classes, n_folds: int) -> NDArray[np.int32]:
    """The fold of each row, no group in two folds."""
    dealt = deal_groups(seed, groups, strata, np.ones(n_folds, np.int64))
    many = int((dealt.sizes > 0).sum())
    if n_folds > many:
        raise ValueError(f"n_folds: must be at most the {many} groups there are, got {n_folds}")
    largest = int(dealt.sizes.argmax())
    n = len(groups.labels)
    if dealt.sizes[largest] > -(-n // n_folds):
        name, rows = groups.name(int(dealt.first[largest])), dealt.sizes[largest]
        _log.warning("groups: %s has %d rows, more than %d folds of %d rows can hold evenly", name, rows, n_folds, n)
    return dealt.parts


def fold_label_sets(seed: Words, labels: LabelSets, n_folds: int) -> NDArray[np.int32]:
    """The fold of each row, the rows of each label shared out as evenly as may be."""
    weights = np.ones(n_folds, np.int64)
    return _stratify(seed, labels, weights, proportional(labels.n, weights))


def _table(seed: Words, strata: Classes, used: _Used, rare: str, sizes: Counts, first: Counts) -> Counts:
    """The rows of each stratum in each part."""
    m = len(used)
    table = np.zeros((len(sizes), m), np.int64)
    order = stratum_order(seed, first)
    is_rare = sizes < m
    weights, totals = used.weights, used.totals
    n = int(sizes.sum())
    whole = int(weights.sum())
    # In Python's integers: up to 2^32 rows times weights that sum to 2^56.
    low = np.array([n * weight // whole for weight in weights.tolist()], np.int64)
    high = np.array([-(-n * weight // whole) for weight in weights.tolist()], np.int64)
    if rare == "error":
        _refuse_rare(strata, sizes, first, m)
    if rare in ("spread", "error") or not is_rare[order].any():
        apportion(sizes, order, weights, totals, low, high, table)
        return table
    taken = int(sizes[is_rare].sum())
    to = used.names.index(rare) if rare in used.names else None
    room = 0 if to is None else int(totals[to])
    if to is None or (taken > room and used.in_rows):
        raise ValueError(f"rare: must be a part with room for {taken} rows of rare strata, got {rare!r} of {room}")
    totals, low, high = (np.maximum(each - taken * (np.arange(m) == to), 0) for each in (totals, low, high))
    totals = proportional(n - taken, totals)
    order = order[~is_rare[order]]
    apportion(sizes, order, totals if used.in_rows else weights, totals, low, high, table)
    table[is_rare, to] = sizes[is_rare]
    return table


def _refuse_rare(strata: Classes, sizes: Counts, first: Counts, m: int) -> None:
    rare = np.flatnonzero((sizes > 0) & (sizes < m))
    if len(rare):
        h = rare[first[rare].argmin()]
        raise ValueError(
            f"strata: must have a row for each of {m} parts, got {sizes[h]} of {strata.name(int(first[h]))}"
        )


def _stratify(seed: Words, labels: LabelSets, weights: Counts, totals: Counts) -> NDArray[np.int32]:
    order = np.argsort(keys_of(np.arange(labels.n), seed), kind="stable")
    if weights.sum() > COARSEST:
        weights = proportional(COARSEST, weights)
    parts = np.empty(labels.n, np.int32)
    labelling.stratify(order, labels.starts, labels.codes, weights, totals.copy(), labels.count, parts)
    return parts
