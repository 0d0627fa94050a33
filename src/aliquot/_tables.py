"""Tables of strata over parts in whole rows: each within 1 of exact, and the totals of parts met."""

from collections.abc import Iterator
from itertools import permutations

import numpy as np

from aliquot._allocation import Counts
from aliquot._kernels import apportion as kernels
from aliquot._places import put, take

KNOWN = 2**12
"""Shares of small sizes that are kept: of so many parts times sizes, which stay in the nearest levels of cache."""
FOLD = 64
"""Rows of a table that are added up as one."""


def apportion(
    sizes: Counts,
    order: Counts,
    weights: Counts,
    totals: Counts,
    low: Counts,
    high: Counts,
    table: Counts,
) -> None:
    """Put the rows of the strata in ``order`` in each part into ``table``, shape (strata, parts).

    Those that are rare, with fewer rows than there are parts, come first.

    Each is in proportion to ``weights``, rounded down or up. Together they are ``totals``, or if no such rows add up to
    these, as near to them as can be, and between ``low`` and ``high`` before that.

    Notes
    -----
    Dealing strata in turn leaves few rows too many in a part and too few in another. They move along a chain of parts
    and strata. What totals cost is convex in each, and totals that can be had are an M-convex set, so the best move is
    taken until none helps (Murota 2003, "Discrete convex analysis", doi:10.1137/1.9780898718508).
    """
    whole, rows = int(weights.sum()), int(totals.sum())
    m = len(weights)
    by_weight, lacks, rest, room = np.argsort(-weights, kind="stable"), *np.zeros((2, m), np.int64), np.zeros(m)
    known, rests = np.empty((2, 1 + min(len(order), KNOWN // m), m), np.int64)
    shares, lefts = np.empty(m, np.int64), np.empty(len(known), np.int64)
    # Strata are far apart in memory: those that are dealt one after the other are brought together.
    in_order = take(sizes, order)
    dealt = np.empty((len(order), m), np.int64)
    kernels.find_room(in_order, weights, whole, shares, rest, room)
    for rare in (True, False):
        kernels.apportion(in_order, rare, weights, whole, by_weight, lacks, rest, room, known, rests, lefts, dealt)
    put(dealt, order, table)
    pairs = zip(weights.tolist(), lacks.tolist(), strict=True)
    have = np.array([(rows * weight - lack) // whole for weight, lack in pairs])  # in Python's integers
    while (have != totals).any():
        witness = np.full((m, m), -1, np.int64)
        kernels.find_moves(sizes, order, weights, whole, table, rest, shares, witness)
        gain, source, target = max(_gains(have, totals, low, high, witness), default=(0, 0, 0))
        if gain == 0:
            break
        for i, k in _chain(witness, source, target):
            table[witness[i, k], i] -= 1
            table[witness[i, k], k] += 1
        have[source] -= 1
        have[target] += 1


def totals_of(table: Counts) -> Counts:
    """The rows of each part, int64 of shape (parts,). Rows so short are slow to add up, so many are taken as one."""
    many = len(table) // FOLD
    folded = table[: FOLD * many].reshape(many, FOLD * table.shape[1]).sum(axis=0)
    totals: Counts = folded.reshape(FOLD, table.shape[1]).sum(axis=0) + table[FOLD * many :].sum(axis=0)
    return totals


def _gains(have: Counts, totals: Counts, low: Counts, high: Counts, witness: Counts) -> Iterator[tuple[int, int, int]]:
    """What each move of a row from one part to another that can be made is worth."""

    def cost(j: int, rows: int) -> int:
        outside = max(0, rows - int(high[j]), int(low[j]) - rows)
        return abs(rows - int(totals[j])) + 2 * len(totals) * outside

    for i, k in permutations(range(len(have)), 2):
        before = cost(i, int(have[i])) + cost(k, int(have[k]))
        gain = before - cost(i, int(have[i]) - 1) - cost(k, int(have[k]) + 1)
        if gain > 0 and _chain(witness, i, k):
            yield gain, i, k


def _chain(witness: Counts, source: int, target: int) -> list[tuple[int, int]]:
    """The fewest moves that lead from one part to another; none if there is no way."""
    came_from = {source: source}
    queue = [source]
    for i in queue:
        for k in np.flatnonzero(witness[i] >= 0).tolist():
            if k not in came_from:
                came_from[k] = i
                queue.append(k)
    moves: list[tuple[int, int]] = []
    while target in came_from and target != source:
        moves.append((came_from[target], target))
        target = came_from[target]
    return moves
