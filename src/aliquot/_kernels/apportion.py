"""Strata over parts in whole rows, each within 1 of exact (controlled rounding)."""

from typing import Any

import numpy as np

from aliquot._kernels._numba import kernel

SLACK = 32
"""Rows by which rare strata may fill the largest parts beyond their share: the others make up for it."""


@kernel
def apportion(
    sizes: Any,
    is_rare: Any,
    order: Any,
    weights: Any,
    whole: int,
    by_weight: Any,
    lacks: Any,
    rest: Any,
    room: Any,
    strata: Any,
    dealt: Any,
    table: Any,
) -> None:
    """Deal the rows of strata, in ``order``, to parts in proportion to ``weights``, rounding shares down or up.

    Strata that are rare have fewer rows than there are parts: they come first, and give one row to each of the largest
    parts. Else those parts are rounded up that lack most so far. All in integers, in units of a row over ``whole``, the
    sum of weights, which is at most 2^56, so that a hundred rows' worth fits.

    Of each part, ``lacks``, ``rest`` and ``room`` start at 0; ``strata`` and ``dealt``, shape (some, parts), have room.
    """
    m = len(weights)
    for h in order:
        if not is_rare[h]:
            shares_of(sizes[h], weights, whole, dealt[0], rest)
            least = np.float64(2 * SLACK)
            for j in range(m):
                room[j] += rest[j] / whole
                least = min(least, room[j])
            if least == 2 * SLACK:
                break
    for j in range(m):
        room[j] = min(room[j] / 2, SLACK)
    # Strata are far apart in memory: of a few at once, reads overlap, and so do writes.
    for rare in (True, False):
        for start in range(0, len(order), len(strata)):
            found = 0
            for h in order[start : start + len(strata)]:
                strata[found] = h
                found += is_rare[h] == rare
            for i in range(found):
                dealt[i, 0] = sizes[strata[i]]
            for i in range(found):
                left = shares_of(dealt[i, 0], weights, whole, dealt[i], rest)
                for j in range(m):
                    lacks[j] += rest[j]
                for _ in range(left):
                    best = -1
                    if rare:
                        for j in by_weight:
                            if dealt[i, j] == 0 and rest[j] > 0 and lacks[j] > -whole * np.int64(room[j]):
                                best = j
                                break
                    if best < 0:
                        for j in range(m):
                            if rest[j] > 0 and (best < 0 or lacks[j] > lacks[best]):
                                best = j
                    dealt[i, best] += 1
                    rest[best] = 0
                    lacks[best] -= whole
            for i in range(found):
                for j in range(m):
                    table[strata[i], j] = dealt[i, j]


@kernel
def shares_of(size: Any, weights: Any, whole: Any, shares: Any, rest: Any) -> Any:
    """Put a stratum's ``shares``, rounded down, and what is left of each into ``rest``; whole rows left."""
    left, unit = size, 1.0 / np.float64(whole)
    for j in range(len(weights)):
        # Below 2^32 rows, so float64 is at most 1 off; the product may wrap around, but the difference does not.
        share = np.int64(np.float64(size) * np.float64(weights[j]) * unit)
        over = size * weights[j] - share * whole
        if over < 0:
            share -= 1
            over += whole
        elif over >= whole:
            share += 1
            over -= whole
        shares[j], rest[j] = share, over
        left -= share
    return left


@kernel
def find_moves(
    sizes: Any, is_rare: Any, order: Any, weights: Any, whole: int, table: Any, rest: Any, down: Any, witness: Any
) -> None:
    """Find for each pair of parts a stratum in which a row can move from one to the other, the last that was dealt.

    ``witness``, shape (parts, parts), starts at -1.
    """
    m = len(weights)
    missing = m * (m - 1)
    for rare in (False, True):
        for h in order[::-1]:
            if is_rare[h] != rare:
                continue
            shares_of(sizes[h], weights, whole, down, rest)
            for i in range(m):
                if rest[i] == 0 or table[h, i] == down[i]:
                    continue
                for k in range(m):
                    if rest[k] > 0 and table[h, k] == down[k] and witness[i, k] < 0:
                        witness[i, k] = h
                        missing -= 1
            if missing == 0:
                return
