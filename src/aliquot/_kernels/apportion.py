"""Strata over parts in whole rows, each within 1 of exact (controlled rounding)."""

from typing import Any

import numpy as np

from aliquot._kernels._numba import kernel

SLACK = 32
"""Rows by which rare strata may fill the largest parts beyond their share: the others make up for it."""

NONE, ONE = np.int64(0), np.int64(1)
"""How often a rest is added: not literals, for each of which a function would be compiled."""


@kernel
def find_room(sizes: Any, weights: Any, whole: int, shares: Any, rest: Any, room: Any) -> None:
    """Find by how many rows rare strata may fill each part beyond its share: the others make up for it.

    ``room``, float64, starts at 0; ``shares`` and ``rest``, one a part, have room.
    """
    m = len(weights)
    for size in sizes:
        if size < m:
            continue
        shares_of(size, weights, whole, shares, rest)
        least = np.float64(2 * SLACK)
        for j in range(m):
            room[j] += rest[j] / whole
            least = min(least, room[j])
        if least == 2 * SLACK:
            break
    for j in range(m):
        room[j] = min(room[j] / 2, SLACK)


@kernel
def apportion(
    sizes: Any,
    rare: bool,
    weights: Any,
    whole: int,
    by_weight: Any,
    lacks: Any,
    rest: Any,
    room: Any,
    known: Any,
    rests: Any,
    lefts: Any,
    table: Any,
) -> None:
    """Deal the rows of strata, one after the other, to parts in proportion to ``weights``, rounding shares down or up.

    Strata that are ``rare``, with fewer rows than there are parts, are dealt alone, and give one to each of the largest
    parts; or else all others, where those parts are rounded up that lack most so far. All in integers, in units of a
    row over ``whole``, the sum of weights, which is at most 2^56, so that a hundred rows' worth fits.

    Of each part, ``lacks`` starts at 0, and ``rest`` has room. So have ``known`` and ``rests``, shape (some, parts),
    and ``lefts``, for the shares of sizes from 0 on: most strata are small, and alike.
    """
    m, largest = len(weights), np.int64(len(lefts) - 1)
    for size in range(largest):
        lefts[size] = shares_of(size, weights, whole, known[size], rests[size])
    for i in range(np.uint64(len(sizes))):
        size = sizes[i]
        if (size < m) != rare:
            continue
        at = np.uint64(min(size, largest))
        if size >= largest:  # the last place is for any other size
            lefts[at] = shares_of(size, weights, whole, known[at], rests[at])
        left = lefts[at]
        for j in range(m):
            table[i, j], rest[j] = known[at, j], rests[at, j]
        best, most = raise_lacks(lacks, rest, ONE)
        while left > 0:
            if rare:
                for j in by_weight:
                    if table[i, j] == 0 and rest[j] > 0 and lacks[j] > -whole * np.int64(room[j]):
                        best, most = j, lacks[j]
                        break
            table[i, best] += 1
            rest[best] = 0
            lacks[best] = most - whole
            left -= 1
            if left > 0:
                best, most = raise_lacks(lacks, rest, NONE)


@kernel
def raise_lacks(lacks: Any, rest: Any, times: Any) -> Any:
    """Raise what parts lack by what is left of their shares; which part of those with a rest lacks most, and how much.

    Without a branch, as none could be foretold, and in one go, as what was just written is slow to read.
    """
    best, most = 0, np.int64(-(2**63))
    for j in range(len(rest)):
        lack = lacks[j] + times * rest[j]
        lacks[j] = lack
        best, most = (j, lack) if (rest[j] > 0) & (lack > most) else (best, most)
    return best, most


@kernel
def shares_of(size: Any, weights: Any, whole: Any, shares: Any, rest: Any) -> Any:
    """Put a stratum's ``shares``, rounded down, and what is left of each into ``rest``; whole rows left."""
    left, unit = size, 1.0 / np.float64(whole)
    for j in range(len(weights)):
        # Below 2^32 rows, so float64 is at most 1 off; the product may wrap around, but the difference does not.
        share = np.int64(np.float64(size) * np.float64(weights[j]) * unit)
        over = size * weights[j] - share * whole
        off = np.int64(over >= whole) - np.int64(over < 0)
        shares[j], rest[j] = share + off, over - off * whole
        left -= share + off
    return left


@kernel
def find_moves(
    sizes: Any, order: Any, weights: Any, whole: int, table: Any, rest: Any, down: Any, witness: Any
) -> None:
    """Find for each pair of parts a stratum in which a row can move from one to the other, the last that was dealt.

    ``witness``, shape (parts, parts), starts at -1.
    """
    m = len(weights)
    missing = m * (m - 1)
    for rare in (False, True):
        for h in order[::-1]:
            if (sizes[h] < m) != rare:
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
