"""Whole rows dealt out in proportion, in exact integers: what each stratum gives, what each part gets."""

import numpy as np
from numpy.typing import NDArray

from aliquot._checks import MAX_ROWS

Counts = NDArray[np.int64]

EXACT_QUOTIENT = 2**50
"""A quotient below this is known to within 1 from a few roundings in float64."""


def proportional(total: int, sizes: Counts, capacity: Counts | None = None) -> Counts:
    """``total`` dealt out in proportion to ``sizes`` by largest remainder.

    Parameters
    ----------
    total : int
        Rows to deal out, 0 to 2**62.
    sizes : numpy.ndarray of int64, shape (strata,)
        Not negative; their sum is at most 2**62.
    capacity : numpy.ndarray of int64, shape (strata,), optional
        The most a stratum can give; what it cannot is dealt out again among the others.

    Returns
    -------
    numpy.ndarray of int64, shape (strata,)
        The sum is ``total``. Each is the exact share rounded down or up, so that with ``capacity=sizes`` and a total of
        at most their sum nothing is cut; of equal remainders the earlier stratum's is rounded up. A stratum of size 0
        gets nothing.

    Raises
    ------
    ValueError
        If the strata cannot give that much.

    Notes
    -----
    O(strata) time for each round of dealing out; a few rounds do, as in Newton's method.
    """
    sizes = np.ascontiguousarray(sizes, np.int64)
    shares = np.zeros(len(sizes), np.int64)
    if total == 0:
        return shares
    open_ = np.flatnonzero(sizes)
    most = None if capacity is None else np.ascontiguousarray(capacity, np.int64)
    room = (MAX_ROWS if len(open_) else 0) if most is None else sum_exactly(most[open_])
    if total > room:
        raise ValueError(f"size: must be at most the {room} rows that the strata can give, got {total}")
    left = total
    while True:
        quotients, remainders = divide(left, sizes[open_])
        if most is None:
            break
        limit = most[open_]
        full = (limit < quotients) | ((limit == quotients) & (remainders > 0))
        if not full.any():
            break
        # Shares only grow when what the full strata cannot give is dealt out again, so they stay full.
        shares[open_[full]] = limit[full]
        left -= sum_exactly(limit[full])
        open_ = open_[~full]
    shares[open_] = quotients + _largest(remainders, left - sum_exactly(quotients))
    return shares


def equal(total: int, capacities: Counts) -> Counts:
    """``total`` dealt out evenly to strata that can give no more than ``capacities``.

    Shares of strata that have rows enough differ by 1 at most, larger ones first; what a small stratum cannot give is
    dealt out again. ValueError if all together cannot give that much.
    """
    return proportional(total, np.ones(len(capacities), np.int64), capacities)


def divide(total: int, sizes: Counts) -> tuple[Counts, Counts]:
    """floor(total * size / sum) and the remainder of each, exactly. The sum of sizes is above zero if there are any."""
    whole = sum_exactly(sizes)
    if whole >= EXACT_QUOTIENT:
        pairs = [divmod(total * size, whole) for size in sizes.tolist()]
        table = np.array(pairs, np.int64).reshape(-1, 2)
        return table[:, 0], table[:, 1]
    rounds, rest = divmod(total, max(whole, 1))
    quotients = (rest * sizes.astype(np.float64) / max(whole, 1)).astype(np.int64)
    # Products may wrap around, but the remainder of a quotient that is 1 off at most is small, so it comes out right.
    remainders = np.int64(rest) * sizes - quotients * np.int64(whole)
    off = (remainders >= whole).astype(np.int64) - (remainders < 0)
    return quotients + off + rounds * sizes, remainders - off * np.int64(whole)


def sum_exactly(values: Counts) -> int:
    """The sum of int64, which may itself be beyond int64."""
    if len(values) == 0:
        return 0
    if int(values.max()) <= MAX_ROWS // len(values):
        return int(values.sum())
    return int((values >> 31).sum()) * 2**31 + int((values & (2**31 - 1)).sum())


def _largest(remainders: Counts, count: int) -> Counts:
    """1 for the ``count`` largest, the earlier of equal ones first, and 0 for the others."""
    ones = np.zeros(len(remainders), np.int64)
    if count:
        least = np.partition(remainders, -count)[-count]
        ones[remainders > least] = 1
        ones[np.flatnonzero(remainders == least)[: count - int(ones.sum())]] = 1
    return ones
