"""What every uniform sampler and every split must obey, as functions that raise AssertionError.

They take the sampler as an argument, so that test_planted_bugs.py can show that each law catches the bugs it is there for. All are
deterministic: fixed seeds, and a rejection level of ALPHA.
"""

from fractions import Fraction
from itertools import combinations

import numpy as np
from scipy import stats

ALPHA = 1e-6


def assert_fits(counts, expected):
    """Chi-square: counts are as likely as expected."""
    counts, expected = np.asarray(counts, float), np.asarray(expected, float)
    assert expected.min() >= 5
    statistic = ((counts - expected) ** 2 / expected).sum()
    p = stats.chi2.sf(statistic, len(counts) - 1)
    assert p > ALPHA, f"chi-square {statistic:.1f} over {len(counts)} cells, p = {p:.2g}"


def every_subset_is_equally_likely(draw, n=11, k=3, trials=33_000):
    """``draw(n, k, seed)`` gives each of the C(n, k) subsets equally often."""
    place = {subset: i for i, subset in enumerate(combinations(range(n), k))}
    counts = np.zeros(len(place))
    for seed in range(trials):
        counts[place[tuple(sorted(int(row) for row in draw(n, k, seed)))]] += 1
    assert_fits(counts, np.full(len(place), trials / len(place)))


def positions_are_even(draw, n, k, trials):
    """Each decile of the rows holds its share: the count is hypergeometric, so the sum of squared z is chi-square."""
    counts = np.zeros(10)
    for seed in range(trials):
        counts += np.bincount(np.asarray(draw(n, k, seed)) * 10 // n, minlength=10)
    expected = trials * k / 10
    variance = expected * 0.9 * (n - k) / (n - 1)
    # Ten multivariate hypergeometric counts: rank 9, and covariance a multiple of the identity on it.
    statistic = ((counts - expected) ** 2).sum() / (variance / 0.9)
    p = stats.chi2.sf(statistic, 9)
    low = stats.chi2.cdf(statistic, 9)
    assert p > ALPHA, f"deciles {counts} for {expected} each, p = {p:.2g}"
    assert low > ALPHA, f"deciles {counts} are more even than chance, p = {low:.2g}"


def pairs_are_independent(draw, n, k, trials):
    """Two fixed rows, near or far, are both in with probability k(k-1) / (n(n-1))."""
    inside = np.zeros((trials, n), bool)
    for seed in range(trials):
        inside[seed, draw(n, k, seed)] = True
    both = trials * k * (k - 1) / (n * (n - 1))
    for apart in (1, 2, 63, 64, 4095 % n, n // 2):
        counts = (inside[:, :-apart] & inside[:, apart:]).sum(axis=0)
        # Pairs that share no row are all but independent.
        disjoint = counts[np.arange(len(counts)) // apart % 2 == 0]
        z = (disjoint.sum() - both * len(disjoint)) / np.sqrt(both * len(disjoint))
        assert abs(z) < stats.norm.isf(ALPHA / 2), f"rows {apart} apart: z = {z:.1f}"


def samples_nest(draw, n, sizes):
    """The sample of each size is part of the next."""
    for seed in range(20):
        samples = [set(map(int, draw(n, k, seed))) for k in sizes]
        for smaller, larger in zip(samples, samples[1:], strict=False):
            assert smaller <= larger


def merging_equals_one_pass(new, feed, rows, cuts):
    """``feed(new(start), first, last)`` over the pieces, merged in any order and nesting, equals one pass."""
    whole = feed(new(0), 0, rows)
    bounds = list(zip([0, *cuts], [*cuts, rows], strict=True))
    for order in (bounds, bounds[::-1], bounds[1:] + bounds[:1]):
        assert merged([feed(new(first), first, last) for first, last in order]) == whole
        if cuts:
            parts = [feed(new(first), first, last) for first, last in order]
            middle = len(parts) // 2
            assert merged([merged(parts[:middle]), merged(parts[middle:])]) == whole


def merged(states):
    """All of them, in the first."""
    for state in states[1:]:
        states[0].merge(state)
    return states[0]


def merging_is_uniform(merge_draw, n=10, k=2, trials=20_000):
    """``merge_draw(n, k, seed)``: k of two streams of n, merged. One of each side is taken as often as in a sample of 2n."""
    crossed = 0
    for seed in range(trials):
        rows = merge_draw(n, k, seed)
        crossed += {int(row) // n for row in rows} == {0, 1}
    p = n * n / (n * (2 * n - 1))
    assert_fits([crossed, trials - crossed], [trials * p, trials * (1 - p)])


def going_on_after_a_merge_is_even(merge_and_go_on, trials=4_000):
    """``merge_and_go_on(n, k, seed)``: n + n rows merged, then 2n more. The later half has half of the sample."""
    n, k = 500, 10
    later = sum(int((np.asarray(merge_and_go_on(n, k, seed)) >= 2 * n).sum()) for seed in range(trials))
    draws = trials * k
    z = (later - draws / 2) / np.sqrt(draws / 4)
    assert abs(z) < stats.norm.isf(ALPHA / 2), f"share of the later half {later / draws:.3f}, z = {z:.1f}"


def shares_hold_at_every_prefix(parts, shares):
    """After any number of rows, each part holds its exact share of them rounded down or up. Shares are as typed."""
    exact = [Fraction(str(share)) for share in shares]
    whole = sum(exact)
    counted = np.arange(1, len(parts) + 1)
    for part, share in enumerate(exact):
        counts = np.cumsum(np.asarray(parts) == part)
        share /= whole
        if share.denominator < 2**30:
            off = np.abs(counts * share.denominator - counted * share.numerator).max() / share.denominator
        else:
            off = max(abs(int(count) - int(n) * share) for count, n in zip(counts, counted, strict=True))
        assert off < 1, f"part {part} is {float(off)} rows from its share"


def every_row_is_in_one_part(split, n):
    """Of rows 0 ... n-1, each is in one part, which has them ascending."""
    for rows in split.values():
        assert rows.dtype == np.int64
        assert (np.diff(rows) > 0).all()
    assert np.array_equal(np.sort(np.concatenate([*split.values(), np.empty(0, np.int64)])), np.arange(n))


def strata_keep_shares(split, labels, shares):
    """Each part has its exact share of each stratum rounded down or up."""
    _, codes = np.unique(labels, return_inverse=True)
    sizes = np.bincount(codes)
    for name, share in zip(split, shares, strict=True):
        have = np.bincount(codes[split[name]], minlength=len(sizes))
        off = np.abs(have - sizes * share)
        assert (off < 1 - 1e-9).all(), f"part {name} is {off.max()} rows from its share"
