"""Strata over parts in whole rows, each within 1 of exact (controlled rounding)."""

from typing import Any

import numpy as np

from aliquot._kernels._numba import kernel

SLACK = 32
"""Rows by which rare strata may fill the largest parts beyond their share: the others make up for it."""


@kernel
def apportion(sizes: Any, rare: int, weights: Any, whole: int, by_weight: Any, table: Any) -> None:
    """Deal the rows of each stratum to parts in proportion to ``weights``, rounding shares down or up.

    The first ``rare`` strata have fewer rows than there are parts: these give one row to each of the largest parts.
    Else those parts are rounded up that lack most so far. All in integers, in units of a row over ``whole``, the sum of
    weights, which is at most 2^56, so that a hundred rows' worth fits.
    """
    m = len(weights)
    lacks, rest, room = np.zeros(m, np.int64), np.empty(m, np.int64), np.zeros(m)
    if rare:
        for h in range(rare, len(sizes)):
            shares_of(sizes[h], weights, whole, table, h, rest)
            for j in range(m):
                room[j] += rest[j] / whole
    for j in range(m):
        room[j] = min(room[j] / 2, SLACK)
    for h in range(len(sizes)):
        left = shares_of(sizes[h], weights, whole, table, h, rest)
        for j in range(m):
            lacks[j] += rest[j]
        for _ in range(left):
            best = -1
            if h < rare:
                for j in by_weight:
                    if table[h, j] == 0 and rest[j] > 0 and lacks[j] > -whole * np.int64(room[j]):
                        best = j
                        break
            if best < 0:
                for j in range(m):
                    if rest[j] > 0 and (best < 0 or lacks[j] > lacks[best]):
                        best = j
            table[h, best] += 1
            rest[best] = 0
            lacks[best] -= whole


@kernel
def shares_of(size: Any, weights: Any, whole: Any, table: Any, h: int, rest: Any) -> Any:
    """Put a stratum's shares, rounded down, into ``table[h]``, what is left of each into ``rest``; whole rows left."""
    left = size
    for j in range(len(weights)):
        # Below 2^32 rows, so float64 is at most 1 off; the product may wrap around, but the difference does not.
        share = np.int64(np.float64(size) * np.float64(weights[j]) / np.float64(whole))
        over = size * weights[j] - share * whole
        if over < 0:
            share -= 1
            over += whole
        elif over >= whole:
            share += 1
            over -= whole
        table[h, j], rest[j] = share, over
        left -= share
    return left


@kernel
def find_moves(sizes: Any, weights: Any, whole: int, table: Any, witness: Any) -> None:
    """Find for each pair of parts a stratum in which a row can move from one to the other, rare ones last.

    ``witness``, shape (parts, parts), starts at -1.
    """
    m = len(weights)
    missing = m * (m - 1)
    down, rest = np.empty((1, m), np.int64), np.empty(m, np.int64)
    for h in range(len(sizes) - 1, -1, -1):
        shares_of(sizes[h], weights, whole, down, 0, rest)
        for i in range(m):
            if rest[i] == 0 or table[h, i] == down[0, i]:
                continue
            for k in range(m):
                if rest[k] > 0 and table[h, k] == down[0, k] and witness[i, k] < 0:
                    witness[i, k] = h
                    missing -= 1
        if missing == 0:
            return
