"""The laws are worth what they catch: samplers with the known bugs must break them."""

import random

import numpy as np
import pytest

import laws
from aliquot._planted import (
    algorithm_l,
    merge_summed_and_go_on,
    modulo_draw,
    off_by_one_draw,
    reused_uniform_draw,
    union_by_coin,
)


def test_a_right_algorithm_passes():
    laws.every_subset_is_equally_likely(algorithm_l)
    laws.positions_are_even(algorithm_l, 1000, 20, 1000)


def test_off_by_one_skip_is_caught():
    with pytest.raises(AssertionError, match="p = "):
        laws.every_subset_is_equally_likely(off_by_one_draw)
    with pytest.raises(AssertionError, match="p = "):
        laws.positions_are_even(off_by_one_draw, 1000, 20, 1000)


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


def coins(rows, shares, rng):
    """A part for each row by itself."""
    return rng.choices(range(len(shares)), shares, k=rows)


def cut_by_turns(rows, shares, rng):
    """Interleaved as Webster's method for seats does it, which leaves the quota for three parts or more."""
    counts, parts = [0] * len(shares), []
    for _ in range(rows):
        chosen = max(range(len(shares)), key=lambda part: shares[part] / (counts[part] + 0.5))
        counts[chosen] += 1
        parts.append(chosen)
    return parts


def shuffled_tens(rows, shares, rng):
    """Exact in every ten rows, but not inside."""
    tens = []
    for _ in range(rows // 10):
        ten = [part for part, share in enumerate(shares) for _ in range(round(10 * share))]
        rng.shuffle(ten)
        tens += ten
    return tens


@pytest.mark.parametrize(
    ("assign", "shares"),
    [(coins, [0.8, 0.2]), (shuffled_tens, [0.8, 0.1, 0.1]), (cut_by_turns, [0.75, 0.05, 0.05, 0.05, 0.05, 0.05])],
)
def test_streams_that_leave_the_quota_are_caught(assign, shares):
    with pytest.raises(AssertionError, match="rows from its share"):
        laws.shares_hold_at_every_prefix(assign(1000, shares, random.Random(7)), shares)


@pytest.mark.parametrize("parts", [[[0, 1], [2]], [[0, 1], [1, 2, 3]], [[1, 0], [2, 3]], [[0, 1], [2, 4]]])
def test_splits_that_lose_repeat_or_shuffle_rows_are_caught(parts):
    with pytest.raises(AssertionError):
        laws.every_row_is_in_one_part({str(j): np.array(rows) for j, rows in enumerate(parts)}, 4)


def test_strata_split_alike_on_the_whole_alone_are_caught():
    labels = np.repeat([0, 1], 10)
    with pytest.raises(AssertionError, match="rows from its share"):
        laws.strata_keep_shares({"a": np.arange(10), "b": np.arange(10, 20)}, labels, [0.5, 0.5])
