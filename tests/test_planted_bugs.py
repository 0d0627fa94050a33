"""The laws are worth what they catch: samplers with the known bugs must break them."""

import math
import random

import pytest

import laws


def algorithm_l(n, k, seed, *, extra_skip=0):
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


def modulo_draw(n, k, seed):
    """Floyd's method on five random bits taken modulo n."""
    rng = random.Random(seed)
    chosen = set()
    for top in range(n - k, n):
        row = rng.randrange(32) % (top + 1)
        chosen.add(top if row in chosen else row)
    return chosen


def reused_uniform_draw(n, k, seed):
    """Selection in order in which one uniform decides two rows at a time."""
    rng = random.Random(seed)
    chosen = []
    for row in range(n):
        if row % 2 == 0:
            u = rng.random()
        if u < (k - len(chosen)) / (n - row):
            chosen.append(row)
    return chosen


def union_by_coin(n, k, seed):
    """A merge that tosses a coin for the side of each row, as some sketches do."""
    rng = random.Random(seed)
    sides = [rng.sample(range(n), k), [n + row for row in rng.sample(range(n), k)]]
    return [sides[rng.randrange(2)].pop() for _ in range(k)]


class SummedSkips:
    """Algorithm L whose merge adds up the skips that are left of both sides."""

    def __init__(self, k, seed):
        self.rng = random.Random(seed)
        self.k, self.kept, self.seen, self.w, self.skip = k, [], 0, 0.0, 0

    def update(self, rows):
        for row in rows:
            self.seen += 1
            if len(self.kept) < self.k:
                self.kept.append(row)
                if len(self.kept) == self.k:
                    self.w = math.exp(math.log(1 - self.rng.random()) / self.k)
                    self.draw_skip()
            elif self.skip > 0:
                self.skip -= 1
            else:
                self.kept[self.rng.randrange(self.k)] = row
                self.w *= math.exp(math.log(1 - self.rng.random()) / self.k)
                self.draw_skip()

    def draw_skip(self):
        self.skip = int(math.log(1 - self.rng.random()) / math.log(1 - self.w))

    def merge(self, other):
        total = self.seen + other.seen
        mine, theirs = list(self.kept), list(other.kept)
        self.rng.shuffle(mine)
        self.rng.shuffle(theirs)
        kept, left, right = [], self.seen, other.seen
        while len(kept) < self.k:
            if self.rng.random() * (left + right) < left:
                kept.append(mine.pop())
                left -= 1
            else:
                kept.append(theirs.pop())
                right -= 1
        self.kept, self.seen = kept, total
        self.skip += other.skip
        self.w = min(self.w, other.w)


def merge_summed_and_go_on(n, k, seed):
    a, b = SummedSkips(k, 2 * seed), SummedSkips(k, 2 * seed + 1)
    a.update(range(n))
    b.update(range(n, 2 * n))
    a.merge(b)
    a.update(range(2 * n, 4 * n))
    return a.kept


def test_a_right_algorithm_passes():
    laws.every_subset_is_equally_likely(algorithm_l)
    laws.positions_are_even(algorithm_l, 1000, 20, 1000)


def test_off_by_one_skip_is_caught():
    with pytest.raises(AssertionError, match="p = "):
        laws.every_subset_is_equally_likely(lambda n, k, seed: algorithm_l(n, k, seed, extra_skip=1))
    with pytest.raises(AssertionError, match="p = "):
        laws.positions_are_even(lambda n, k, seed: algorithm_l(n, k, seed, extra_skip=1), 1000, 20, 1000)


def test_modulo_bias_is_caught():
    with pytest.raises(AssertionError, match="p = "):
        laws.every_subset_is_equally_likely(modulo_draw)


def test_reused_uniforms_are_caught():
    with pytest.raises(AssertionError, match="p = "):
        laws.every_subset_is_equally_likely(reused_uniform_draw)


def test_a_union_by_coin_is_caught():
    with pytest.raises(AssertionError, match="p = "):
        laws.merging_is_uniform(union_by_coin)


def test_summed_skips_are_caught():
    with pytest.raises(AssertionError, match="share of the later half"):
        laws.going_on_after_a_merge_is_even(merge_summed_and_go_on)


def test_samples_that_do_not_nest_are_caught():
    with pytest.raises(AssertionError):
        laws.samples_nest(lambda n, k, seed: random.Random(seed + k).sample(range(n), k), 1000, [10, 100])


def test_correlated_neighbours_are_caught():
    def in_twos(n, k, seed):
        firsts = random.Random(seed).sample(range(0, n, 2), k // 2)
        return [row + i for row in firsts for i in (0, 1)]

    with pytest.raises(AssertionError, match="rows 1 apart"):
        laws.pairs_are_independent(in_twos, 1000, 20, 500)
