"""Rows cut into pieces that are worked on side by side."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import TypeVar

from aliquot._threads import processors

Result = TypeVar("Result")

PIECE_ROWS = 2**19
"""Rows that are worth a thread: they take some milliseconds, and it a tenth of one."""
MOST_PIECES = 8
"""Memory serves no more threads than these."""


def pieces(n: int, cost: int = 1) -> list[tuple[int, int]]:
    """The first row of each piece of n rows and the one after its last, for as many threads as there are processors.

    Rows that ``cost`` several times as much are worth a thread sooner. Eight rows in a word are not cut.
    """
    if n * cost < 2 * PIECE_ROWS:
        return [(0, n)]
    many = min(processors(), n * cost // PIECE_ROWS, MOST_PIECES)
    return list(pairwise([*(n * piece // many & -8 for piece in range(many)), n]))


def side_by_side(work: Callable[[int, int, int], Result], cuts: list[tuple[int, int]]) -> list[Result]:
    """What ``work`` gives for each piece, by its place and its two ends, in order; of several, each in a thread."""
    if len(cuts) == 1:
        return [work(0, *cuts[0])]
    with ThreadPoolExecutor(len(cuts)) as pool:
        return list(pool.map(work, range(len(cuts)), *zip(*cuts, strict=True)))
