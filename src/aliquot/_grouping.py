"""Groups of rows dealt to parts whole."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aliquot._allocation import Counts
from aliquot._classes import Classes
from aliquot._dealing import count_rows, first_rows, keys_of
from aliquot._kernels import grouping as kernels
from aliquot._rng import Words

SWEEPS = 10
"""Times that all groups are looked at again; they are done long before."""
MOST_ATTEMPTS = 16
WORTH_TRYING = 2**16
"""Few groups are placed in several orders, so that about so many pairs of a group and a class are looked at."""
MOST = 2**61
"""What a cost may be, so that the sum of a few fits 64 bits."""
FINE_SCALE = 2**10


@dataclass(frozen=True)
class DealtGroups:
    """The part of each row, and the rows of each part; of each group its part, its rows, and the first of them."""

    parts: NDArray[np.int32]
    totals: Counts
    parts_of_groups: NDArray[np.int32]
    sizes: Counts
    first: Counts


def deal_groups(seed: Words, groups: Classes, strata: Classes, weights: Counts) -> DealtGroups:
    """Give each row a part so that no group is in two, and classes are shared out as ``weights``, above 0, say."""
    n = len(groups.labels)
    sizes = count_rows(groups)
    first = first_rows(groups, sizes)
    starts = np.append(np.cumsum(sizes) - sizes, n)
    seen = np.full(strata.count, -1, np.int64)
    classes, rows = kernels.count_classes(
        groups.labels, groups.unsigned_low, strata.labels, strata.unsigned_low, starts, starts[:-1].copy(), seen
    )
    # All rows are one more class, the last.
    there = np.flatnonzero(sizes)
    classes = np.insert(classes, starts[1:][there], strata.count)
    rows = np.insert(rows, starts[1:][there], sizes[there])
    starts = starts + np.append(0, np.cumsum(sizes > 0))
    per_class = np.bincount(classes, rows, strata.count + 1).astype(np.float64)
    impact = np.add.reduceat(np.append((rows / per_class[classes]) ** 2, 0.0), starts[:-1])[there]
    keys = keys_of(first[there], seed)
    scale = _scale(weights)
    worth = _worth(per_class, classes, rows, starts[:-1][there], int(scale.max()))
    best, parts, totals = None, np.full(groups.count, -1, np.int32), np.zeros(len(weights), np.int64)
    attempts = min(max(WORTH_TRYING // max(len(classes), 1), 1), MOST_ATTEMPTS)
    for attempt in range(attempts):
        # By powers of two, the largest first, and in an order of its own where they are alike.
        order = there[np.lexsort((keys * np.uint64(2 * attempt + 1), -np.frexp(impact)[1]))]
        placed, have = np.full_like(parts, -1), np.zeros((strata.count + 1, len(weights)), np.int64)
        kernels.place(order, starts, classes, rows, worth, scale, have, placed, SWEEPS)
        # In Python's integers, as the sum may be beyond 64 bits.
        cost = 0 if attempts == 1 else int((worth.astype(object)[:, None] * scale * have.astype(object) ** 2).sum())
        if best is None or cost < best:
            best, parts, totals = cost, placed, have[-1]
    of_rows = np.empty(n, np.int32)
    kernels.spread(groups.labels, groups.unsigned_low, parts, of_rows)
    return DealtGroups(of_rows, totals, parts, sizes, first)


def _scale(weights: Counts) -> Counts:
    """Integers in proportion to 1 / weight: exactly, if small ones can be."""
    common = math.lcm(*weights.tolist())
    if common // int(weights.min()) <= FINE_SCALE:
        return np.array([common // weight for weight in weights.tolist()], np.int64)
    scale: Counts = np.maximum(np.rint(FINE_SCALE * (weights.min() / weights)), 1).astype(np.int64)
    return scale


def _worth(per_class: NDArray[np.float64], classes: Counts, rows: Counts, starts: Counts, scale: int) -> Counts:
    """What a squared row of each class is worth, in integers with costs below MOST.

    Classes count alike, and all rows as much as all classes together: else small deviations of many classes add up.
    """
    worth = np.zeros(len(per_class))
    there = per_class > 0
    worth[there] = (2 * per_class[-1] / per_class[there]) ** 2
    worth[-1] *= max(np.count_nonzero(there) - 1, 1)
    costs = scale * worth[classes] * rows * 3 * per_class[classes]
    most = np.add.reduceat(costs, starts).max() if len(starts) else 0.0
    return np.maximum(worth * min(1.0, MOST / max(most, 1.0)), 1).astype(np.int64)
