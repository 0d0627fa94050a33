"""Samplers with the bugs that samplers have: the laws are worth what they catch of these."""

import math
import random
from collections.abc import Iterable


def algorithm_l(n: int, k: int, seed: int, *, extra_skip: int = 0) -> list[int]:
    """Li's Algorithm L; with ``extra_skip`` = 1, the classic off-by-one."""
    rng = random.Random(seed)
    kept = list(range(min(k, n)))
    w = math.exp(math.log(1 - rng.random()) / k)
    row = k - 1
    while True:
        row += int(math.log(1 - rng.random()) / math.log(1 - w)) + 1 + extra_skip
        if row >= n:
            return kept
        kept[rng.randrange(k)] = row
        w *= math.exp(math.log(1 - rng.random()) / k)


def off_by_one_draw(n: int, k: int, seed: int) -> list[int]:
    """Algorithm L that skips a row too many."""
    return algorithm_l(n, k, seed, extra_skip=1)


def modulo_draw(n: int, k: int, seed: int) -> list[int]:
    """Floyd's method on five random bits taken modulo n."""
    rng = random.Random(seed)
    chosen: set[int] = set()
    for top in range(n - k, n):
        row = rng.randrange(32) % (top + 1)
        chosen.add(top if row in chosen else row)
    return sorted(chosen)


def reused_uniform_draw(n: int, k: int, seed: int) -> list[int]:
    """Selection in order in which one uniform decides two rows at a time."""
    rng = random.Random(seed)
    chosen: list[int] = []
    u = 0.0
    for row in range(n):
        if row % 2 == 0:
            u = rng.random()
        if u < (k - len(chosen)) / (n - row):
            chosen.append(row)
    return chosen


def half_rounded_by_order(seed: int) -> list[int]:
    """Half of nine rows in three strata by row modulo 3, of which the first ones, not random ones, get a row more."""
    rng = random.Random(seed)
    return [row for stratum, size in enumerate((2, 2, 1)) for row in rng.sample(range(stratum, 9, 3), size)]


def union_by_coin(n: int, k: int, seed: int, *, others: int = 1) -> list[int]:
    """A merge that tosses a coin for the side of each row, with n rows or ``others`` times as many."""
    rng = random.Random(seed)
    sides = [rng.sample(range(n), k), [n + row for row in rng.sample(range(others * n), k)]]
    return [sides[rng.randrange(2)].pop() for _ in range(k)]


class SummedSkips:
    """Algorithm L whose merge adds up the skips that are left of both sides."""

    def __init__(self, k: int, seed: int) -> None:
        self.rng = random.Random(seed)
        self.k = k
        self.kept: list[int] = []
        self.seen = 0
        self.w = 0.0
        self.skip = 0

    def update(self, rows: Iterable[int]) -> None:
        """See rows."""
        for row in rows:
            self.seen += 1
            if len(self.kept) < self.k:
                self.kept.append(row)
                if len(self.kept) == self.k:
                    self.w = math.exp(math.log(1 - self.rng.random()) / self.k)
                    self._draw_skip()
            elif self.skip > 0:
                self.skip -= 1
            else:
                self.kept[self.rng.randrange(self.k)] = row
                self.w *= math.exp(math.log(1 - self.rng.random()) / self.k)
                self._draw_skip()

    def merge(self, other: "SummedSkips") -> None:
        """Take in another's rows, and its skip."""
        mine, theirs = list(self.kept), list(other.kept)
        self.rng.shuffle(mine)
        self.rng.shuffle(theirs)
        kept: list[int] = []
        left, right = self.seen, other.seen
        while len(kept) < self.k:
            if self.rng.random() * (left + right) < left:
                kept.append(mine.pop())
                left -= 1
            else:
                kept.append(theirs.pop())
                right -= 1
        self.kept, self.seen = kept, self.seen + other.seen
        self.skip += other.skip
        self.w = min(self.w, other.w)

    def _draw_skip(self) -> None:
        self.skip = int(math.log(1 - self.rng.random()) / math.log(1 - self.w))


def merge_summed_and_go_on(n: int, k: int, seed: int) -> list[int]:
    """N + n rows merged, then 2n more."""
    a, b = SummedSkips(k, 2 * seed), SummedSkips(k, 2 * seed + 1)
    a.update(range(n))
    b.update(range(n, 2 * n))
    a.merge(b)
    a.update(range(2 * n, 4 * n))
    return a.kept
