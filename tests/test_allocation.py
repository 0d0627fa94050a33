"""Largest remainder in exact integers, against the definition in fractions."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from aliquot._allocation import equal, proportional
from aliquot._shares import Proportional, key_limits


def by_definition(total, sizes, capacity=None):
    """Deal out in fractions, one stratum that is full at a time."""
    capacity = list(capacity) if capacity is not None else [total] * len(sizes)
    shares = [0] * len(sizes)
    open_ = {h for h, size in enumerate(sizes) if size}
    while True:
        left = total - sum(shares)
        exact = {h: Fraction(left * sizes[h], sum(sizes[g] for g in open_)) for h in open_}
        full = [h for h in sorted(open_) if exact[h] > capacity[h]]
        if not full:
            break
        # In any order, so one by one: the shares of the others only grow.
        shares[full[0]] = capacity[full[0]]
        open_.remove(full[0])
    for h in open_:
        shares[h] = exact[h].__floor__()
    for h in sorted(open_, key=lambda h: (shares[h] - exact[h], h))[: total - sum(shares)]:
        shares[h] += 1
    return shares


def test_every_small_case_is_largest_remainder():
    for sizes in product(range(4), repeat=4):
        for total in range(8) if any(sizes) else (0,):
            assert proportional(total, np.array(sizes)).tolist() == by_definition(total, sizes), (total, sizes)


def test_every_small_case_with_capacities_deals_out_again_what_does_not_fit():
    for sizes in product(range(3), repeat=3):
        for capacity in product(range(3), repeat=3):
            for total in range(sum(c for c, size in zip(capacity, sizes, strict=True) if size) + 1):
                shares = proportional(total, np.array(sizes), np.array(capacity))
                assert shares.tolist() == by_definition(total, sizes, capacity), (total, sizes, capacity)


sizes_and_total = st.tuples(
    st.lists(st.integers(0, 2**62 // 8) | st.integers(0, 5), min_size=1, max_size=8), st.integers(0, 2**62)
).filter(lambda case: any(case[0]))


@given(sizes_and_total)
def test_shares_are_exact_up_to_2_to_the_62(case):
    sizes, total = case
    assert proportional(total, np.array(sizes)).tolist() == by_definition(total, sizes)


@given(st.lists(st.integers(0, 2**47), min_size=1, max_size=6), st.integers(0, 2**62))
def test_shares_are_exact_where_float64_finds_them(sizes, total):
    if any(sizes):
        assert proportional(total, np.array(sizes)).tolist() == by_definition(total, sizes)


@given(sizes_and_total, st.data())
def test_capacities_hold_up_to_2_to_the_62(case, data):
    sizes, total = case
    capacity = data.draw(st.lists(st.integers(0, 2**59), min_size=len(sizes), max_size=len(sizes)))
    total = min(total, sum(c for c, size in zip(capacity, sizes, strict=True) if size))
    assert proportional(total, np.array(sizes), np.array(capacity)).tolist() == by_definition(total, sizes, capacity)


@given(st.lists(st.integers(0, 100), min_size=1, max_size=20), st.data())
def test_no_stratum_gives_more_than_it_has(sizes, data):
    total = data.draw(st.integers(0, sum(sizes)))
    shares = proportional(total, np.array(sizes))
    assert shares.sum() == total
    assert (shares <= sizes).all()
    assert all(
        abs(share * sum(sizes) - total * size) < max(sum(sizes), 1)
        for share, size in zip(shares.tolist(), sizes, strict=True)
    )


def test_earlier_strata_win_ties():
    assert proportional(5, np.array([2, 2, 2])).tolist() == [2, 2, 1]
    assert equal(5, np.array([9, 9, 9])).tolist() == [2, 2, 1]


def test_equal_shares_deal_out_again_what_small_strata_cannot_give():
    assert equal(10, np.array([1, 0, 3, 9])).tolist() == [1, 0, 3, 6]
    assert equal(0, np.array([1, 0, 3])).tolist() == [0, 0, 0]
    assert equal(0, np.array([], np.int64)).tolist() == []


@given(st.lists(st.integers(0, 50), min_size=1, max_size=12), st.data())
def test_equal_is_what_dealing_one_row_at_a_time_gives(capacities, data):
    total = data.draw(st.integers(0, sum(capacities)))
    shares, left = [0] * len(capacities), total
    while left:
        for h, capacity in enumerate(capacities):
            if left and shares[h] < capacity:
                shares[h] += 1
                left -= 1
    assert equal(total, np.array(capacities)).tolist() == shares


def test_too_much_is_refused():
    with pytest.raises(ValueError, match="^size: must be at most the 4 rows that the strata can give, got 5$"):
        equal(5, np.array([1, 3]))
    with pytest.raises(ValueError, match="^size: must be at most the 0 rows that the strata can give, got 1$"):
        proportional(1, np.array([0, 0]))


def test_a_million_strata_of_any_size():
    sizes = np.random.default_rng(7).integers(0, 1000, 1_000_000)
    shares = proportional(1_234_567, sizes)
    exact = 1_234_567 * sizes
    assert shares.sum() == 1_234_567
    assert (np.abs(shares * sizes.sum() - exact) < sizes.sum()).all()
    capped = equal(300_000_000, sizes)
    assert capped.sum() == 300_000_000
    assert (capped == np.minimum(sizes, capped.max())).mean() > 0.5
    assert set(np.unique(capped[capped < sizes])) <= {capped.max(), capped.max() - 1}


@pytest.mark.parametrize("minimum", [0, 5])
@pytest.mark.parametrize("share", [1e-6, 1e-3, 0.01, 0.2, 0.5, 0.9, 0.999, 1.0])
def test_what_is_kept_of_a_stratum_falls_short_less_than_once_in_1e15(share, minimum):
    seen = np.array([1, 2, 10, 30, 100, 1000, 10**5, 10**7])
    kept = Proportional(share, minimum).may_need(seen, None)
    probability = np.minimum(share + (1.5 + minimum) / seen, 1)
    assert np.all(binom.sf(kept, seen, probability) < 1e-15)
    assert np.all(kept <= np.minimum(seen, np.ceil(share * seen + 8.5 * np.sqrt(share * seen) + 45 + 2 * minimum)))


@pytest.mark.parametrize("needed", [1, 3, 50, 10**4, 10**6])
def test_keys_below_the_limit_are_too_few_less_than_once_in_1e15(needed):
    there = np.array([needed, needed + 50, 3 * needed + 100, 100 * needed, 10**4 * needed])
    limits = key_limits(np.full(len(there), needed), there)
    below = -np.expm1(-limits)
    assert np.all((limits == np.inf) | (binom.cdf(needed, there, below) < 1e-15))
    assert np.all(below * there <= needed + 8.5 * np.sqrt(needed) + 75)


def test_keys_have_no_limit_in_strata_that_give_all_rows_and_nothing_below_it_in_those_that_give_none():
    assert key_limits(np.array([7, 0, 0]), np.array([7, 7, 0])).tolist() == [np.inf, 0.0, 0.0]


def test_tiny_shares_of_strata_keep_few_rows():
    assert Proportional(0.001).may_need(np.array([100, 1000]), None).tolist() == [22, 25]
