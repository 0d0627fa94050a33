"""Weighted samples: keys, exact probabilities, merges, design weights, draws with replacement."""

from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from itertools import combinations, permutations

import hypothesis.strategies as st
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from scipy import integrate, stats

import aliquot as aq
import laws
import reference
from aliquot import _rng
from aliquot._kernels.reservoir import ReservoirState
from aliquot._kernels.weighted import select_weighted
from aliquot.weights import exact_sum
from weighted_rows import TABLE, WEIGHTS, N, stream

SEED = _rng.key_of(7)
DESIGNS = ["successive", "priority"]


def draw(weights, k, seed, design="successive"):
    """The rows kept, through the kernel alone."""
    state = ReservoirState(k, np.array([seed, 2, 3, 4], np.uint64))
    state.stage_weights(weights, design == "priority")
    state.commit(0)
    return state.kept()[0]


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("first_row", [0, 12_345, 2**32 - 100, 2**32 + 5, 2**40])
def test_keys_and_rows_are_those_of_the_reference(design, first_row):
    weights = WEIGHTS[:3001]
    keys = reference.weighted_keys(SEED, weights, design, first_row)
    for k in (1, 10, 500, 3001):
        state = ReservoirState(k, SEED, first_row)
        state.stage_weights(weights, design == "priority")
        state.commit(0)
        rows, kept_keys, _ = state.kept()
        expected = np.sort(np.lexsort((np.arange(len(keys)), keys))[: min(k, np.isfinite(keys).sum())])
        assert (rows - first_row).tolist() == expected.tolist()
        assert kept_keys.tolist() == keys[expected].tolist()


def test_golden_samples():
    weights = np.arange(1, 1001)
    assert aq.sample_indices(1000, 5, weights=weights, rng=7).tolist() == GOLDEN["successive"]
    assert aq.sample_indices(1000, 5, weights=weights, design="priority", rng=7).tolist() == GOLDEN["priority"]
    assert aq.sample_indices(1000, 5, weights=weights, replace=True, rng=7).tolist() == GOLDEN["replace"]


GOLDEN: dict[str, list[int]] = {
    "successive": [391, 541, 615, 821, 973],
    "priority": [391, 541, 615, 821, 973],
    "replace": [391, 541, 615, 821, 973],
}


def successive_probability(weights, subset):
    """Of drawing these, in any order, one at a time in proportion to weight."""
    total = Fraction(0)
    for order in permutations(subset):
        left, p = sum(weights), Fraction(1)
        for i in order:
            p *= Fraction(weights[i], left)
            left -= weights[i]
        total += p
    return float(total)


def priority_probability(weights, subset):
    """That the keys u / w of these are all below the others'."""

    def density(t):
        inside = [min(1.0, weights[i] * t) for i in subset]
        outside = np.prod([1 - min(1.0, weights[j] * t) for j in range(len(weights)) if j not in subset])
        slopes = [weights[i] * (weights[i] * t < 1) for i in subset]
        return outside * sum(
            slopes[a] * np.prod([inside[b] for b in range(len(subset)) if b != a]) for a in range(len(subset))
        )

    breaks = sorted({0.0, *(1 / w for w in weights)})
    return sum(integrate.quad(density, a, b)[0] for a, b in zip(breaks, breaks[1:], strict=False))


@pytest.mark.parametrize(
    ("design", "probability"), [("successive", successive_probability), ("priority", priority_probability)]
)
@pytest.mark.parametrize(
    ("weights", "k"),
    [
        *(([1, 2, 3, 5, 8, 13], k) for k in range(1, 6)),
        *(pytest.param([1, 2, 2, 3, 4, 5, 6, 8], k, marks=pytest.mark.slow) for k in range(1, 8)),
    ],
)
def test_every_subset_has_its_exact_probability(design, probability, weights, k):
    trials = 30_000
    place = {subset: i for i, subset in enumerate(combinations(range(len(weights)), k))}
    expected = np.array([probability(weights, subset) for subset in place])
    assert expected.sum() == pytest.approx(1)
    counts = np.zeros(len(place))
    for seed in range(trials):
        counts[place[tuple(draw(np.array(weights, float), k, seed, design).tolist())]] += 1
    common = expected * trials >= 5
    rest = [counts[~common].sum()], [expected[~common].sum() * trials]
    if rest[1][0] >= 5:
        laws.assert_fits([*counts[common], *rest[0]], [*expected[common] * trials, *rest[1]])
    else:
        laws.assert_fits(counts[common], expected[common] * trials * (1 + (1 - expected[common].sum()) / common.sum()))


@pytest.mark.parametrize("design", DESIGNS)
def test_equal_weights_give_a_simple_random_sample(design):
    laws.every_subset_is_equally_likely(lambda n, k, seed: draw(np.ones(n), k, seed, design))
    laws.positions_are_even(lambda n, k, seed: draw(np.full(n, 0.3), k, seed, design), 10_000, 100, 500)
    laws.pairs_are_independent(lambda n, k, seed: draw(np.ones(n), k, seed, design), 5000, 300, 500)


@pytest.mark.parametrize("design", DESIGNS)
@given(st.lists(st.integers(0, N), max_size=6), st.sampled_from([0, 1, 50, 3000]))
def test_result_does_not_depend_on_batch_boundaries(design, cuts, k):
    reservoir = aq.Reservoir(k, weights="w", design=design, rng=7)
    bounds = [0, *sorted(cuts), N]
    for first, last in zip(bounds, bounds[1:], strict=False):
        reservoir.update(TABLE.slice(first, last - first))
    expected = aq.sample_indices(N, k, weights=WEIGHTS, design=design, rng=7)
    assert reservoir.result()["x"].to_pylist() == expected.tolist()
    assert aq.sample(TABLE, k, weights="w", design=design, rng=7)["x"].to_pylist() == expected.tolist()
    assert aq.sample(stream(), k, weights="w", design=design, rng=7)["x"].to_pylist() == expected.tolist()


@pytest.mark.parametrize("options", [{"design": "successive"}, {"design": "priority"}, {"replace": True}])
def test_merging_equals_one_pass(options):
    def feed(reservoir, start, stop):
        for first in range(start, stop, 700):
            reservoir.update(TABLE.slice(first, min(700, stop - first)))
        return aq.Reservoir.from_bytes(reservoir.to_bytes())

    new = lambda start: aq.Reservoir(60, weights="w", start=start, rng=7, **options)  # noqa: E731
    laws.merging_equals_one_pass(new, feed, N, [3000, 3001, 12_000])


@pytest.mark.parametrize("kind", ["even", "sorted", "one giant", "mostly zero", "first half", "hidden between samples"])
@pytest.mark.parametrize("design", DESIGNS)
def test_weights_known_beforehand_give_the_rows_of_the_stream(kind, design):
    # Enough rows for a limit to be guessed, and weights that mislead the guess.
    n = 400_000
    weights = np.random.default_rng(5).random(n)
    if kind == "sorted":
        weights.sort()
    elif kind == "one giant":
        weights[n // 2] = 1e12
    elif kind == "mostly zero":
        weights[np.arange(n) % 1000 != 17] = 0
    elif kind == "first half":
        weights[n // 2 :] *= 1e-9
    elif kind == "hidden between samples":
        weights[np.arange(n) // 64 % 64 == 0] *= 1e6
    for k in (1, 300, 5000, 40_000, n):
        rows, keys, bad = select_weighted(SEED, weights, k, design == "priority")
        state = ReservoirState(k + 1, SEED)
        state.stage_weights(weights, design == "priority")
        state.commit(0)
        assert bad == -1
        assert np.array_equal(rows, state.kept()[0])
        assert np.array_equal(keys, state.kept()[1])


def test_samples_nest():
    laws.samples_nest(lambda n, k, seed: draw(WEIGHTS[:n], k, seed), N, [1, 10, 100, 1000])


def test_weights_of_600_orders_of_magnitude():
    weights = np.array([1e-300, 1e300, 0.0, 1.0, 5e-324, 1e150, 1.7e308] * 100)
    for design in DESIGNS:
        assert set(draw(weights, 200, 3, design).tolist()) == set(np.flatnonzero(weights >= 1e300).tolist())
        assert len(draw(weights, 700, 3, design)) == 600
    ascending = np.logspace(-300, 300, 5000)
    assert draw(ascending, 5, 1).min() > 4900


@pytest.mark.parametrize("design", DESIGNS)
def test_keys_beyond_the_range_of_float64_are_those_of_the_reference(design):
    weights = np.exp2(np.random.default_rng(5).uniform(-1074, -1010, 3000))
    keys = reference.weighted_keys(SEED, weights, design)
    assert np.count_nonzero(keys > 2.0**1023) > 1000
    assert np.isfinite(keys).all()
    state = ReservoirState(2000, SEED)
    state.stage_weights(weights, design == "priority")
    state.commit(0)
    rows, kept, _ = state.kept()
    assert rows.tolist() == np.sort(np.argsort(keys)[:2000]).tolist()
    assert kept.tolist() == keys[rows].tolist()


@pytest.mark.parametrize("tiny", [5e-324, 1e-310, 2e-308])
@pytest.mark.parametrize("design", DESIGNS)
def test_tiny_weights_are_no_ties(tiny, design):
    """Equal weights are as good as none: rows are as likely wherever they are, and weigh what the others do."""
    weights = np.full(1000, tiny)
    counts = np.zeros(10)
    for seed in range(200):
        counts += np.bincount(
            aq.sample_indices(1000, 50, weights=weights, design=design, rng=seed) // 100, minlength=10
        )
    assert stats.chisquare(counts).pvalue > 1e-6
    table = pa.table({"w": weights})
    drawn = aq.sample(table, 50, weights="w", design=design, design_weight="d", rng=1)
    assert 10 < np.mean(drawn["d"]) < 40
    shuffled = aq.sample(table, 50, weights="w", design=design, order="random", rng=1)
    assert len(shuffled) == 50
    expected = [aq.poisson(table, 50, weights="w", rng=seed).read_all().num_rows for seed in range(40)]
    assert 45 < np.mean(expected) < 55


def test_weights_whose_sum_is_beyond_float64():
    weights = np.full(1000, 1.7e308)
    drawn = aq.sample_indices(1000, 500, weights=weights, replace=True, rng=1)
    assert 350 < len(np.unique(drawn)) < 430  # 394 is what independent draws have
    table = pa.table({"w": weights, "g": np.arange(1000) % 2})
    assert aq.sample(table, 10, weights="w", replace=True, design_weight="d", rng=1)["d"].to_pylist() == [100.0] * 10
    with pytest.raises(ValueError, match=r"^weights: must have a finite sum in each stratum with replace, got inf$"):
        aq.sample(table, 10, weights="w", strata="g", replace=True)
    kept = aq.Reservoir(5, weights="w", strata="g", rng=1)
    kept.update(table)
    assert kept == aq.Reservoir.from_bytes(kept.to_bytes())


def test_negative_zeros_are_zeros():
    weights = WEIGHTS.copy()
    weights[weights == 0] = -0.0
    for k in (3, 5000):
        assert np.array_equal(draw(weights, k, 5), draw(WEIGHTS, k, 5))


@pytest.mark.parametrize("k", [1, 40, 2000])
def test_stretches_in_which_nothing_enters_hide_nothing(k):
    """Rows that enter lie anywhere in stretches of 256, between such as are all turned away."""
    n = 40_000
    weights = np.full(n, 1e-9)
    weights[np.random.default_rng(9).choice(n, 200, replace=False)] = 1.0
    weights[2600:2900] = 1.0
    keys = reference.weighted_keys(SEED, weights, "successive", 77)
    state = ReservoirState(k, SEED, 77)
    for first, last in ((0, 100), (100, 2700), (2700, 30_001), (30_001, n)):
        state.stage_weights(weights[first:last], False)
        state.commit(0)
    assert (state.kept()[0] - 77).tolist() == np.sort(np.argsort(keys)[:k]).tolist()


@pytest.mark.parametrize(
    "options",
    [
        {"weights": "w", "design": "successive"},
        {"weights": "w", "design": "priority"},
        {"weights": "w", "replace": True},
        {"replace": True},
        {},
    ],
)
def test_design_weights_give_unbiased_totals(options):
    table = TABLE.slice(0, 2000)
    weights = WEIGHTS[:2000]
    amounts = np.random.default_rng(3).random(2000) * weights**0.7 * (weights > 0)
    totals = []
    for seed in range(1500):
        kept = aq.sample(table, 100, columns=["x"], design_weight="d", rng=seed, **options)
        totals.append((amounts[kept["x"].to_numpy()] * kept["d"].to_numpy()).sum())
    error = (np.mean(totals) - amounts.sum()) / (np.std(totals) / np.sqrt(len(totals)))
    assert abs(error) < 4.9


class TestReplacement:
    def test_draws_are_independent_and_in_proportion(self):
        weights, k, trials = np.array([1.0, 2.0, 0.0, 5.0]), 2, 4000
        table = pa.table({"x": range(4), "w": weights})
        counts = np.zeros((4, 4))
        for seed in range(trials):
            counts[
                tuple(aq.sample(table, k, weights="w", replace=True, order="random", rng=seed)["x"].to_pylist())
            ] += 1
        expected = np.outer(weights, weights) / 64 * trials
        assert counts[expected == 0].sum() == 0
        laws.assert_fits(counts[expected > 0], expected[expected > 0])

    def test_a_smaller_size_is_a_prefix_and_a_stream_is_no_different(self):
        large, small = (aq.sample(TABLE, k, weights="w", replace=True, order="random", rng=7) for k in (500, 20))
        assert large.slice(0, 20).equals(small)
        assert aq.sample(stream(), 500, weights="w", replace=True, order="random", rng=7).equals(large)

    def test_more_draws_than_rows_and_their_design_weights(self):
        table = pa.table({"x": range(3), "w": [1.0, 0.0, 3.0]})
        drawn = aq.sample(table, 4000, weights="w", replace=True, design_weight="d", rng=7)
        laws.assert_fits(np.bincount(drawn["x"])[[0, 2]], [1000, 3000])
        assert set(zip(drawn["x"].to_pylist(), drawn["d"].to_pylist(), strict=True)) == {
            (0, 4 / 4000),
            (2, 4 / (4000 * 3.0)),
        }

    def test_priority_is_without(self):
        with pytest.raises(ValueError, match=r"^design: must be 'successive' with replace, as draws are independent"):
            aq.sample(TABLE, 5, weights="w", design="priority", replace=True)

    @given(st.lists(st.floats(0, allow_infinity=False, allow_nan=False), max_size=60))
    def test_sums_are_exact(self, values):
        assert exact_sum(np.array(values, float)) == sum(map(Fraction, values))


def test_repr():
    assert repr(aq.Reservoir(5, weights="w", rng=7)) == (
        "Reservoir(size=5, weights='w', design='successive', n_seen=0, kept=0, rng=7)"
    )


@pytest.mark.parametrize("design", DESIGNS)
def test_threads_side_by_side_and_any_order_of_merges_give_the_single_pass(design):
    table = pa.table({"w": np.random.default_rng(3).lognormal(0, 3, 40_000), "row": np.arange(40_000)})

    def of_rows(start):
        reservoir = aq.Reservoir(100, weights="w", design=design, start=start, rng=7)
        for batch in table.slice(start, 5000).to_batches(max_chunksize=617):
            reservoir.update(batch)
        return reservoir

    whole = aq.Reservoir(100, weights="w", design=design, rng=7)
    whole.update(table)
    for order in (range(8), [5, 0, 7, 2, 1, 6, 3, 4]):
        with ThreadPoolExecutor(4) as pool:
            parts = list(pool.map(of_rows, [5000 * i for i in order]))
        for part in parts[1:]:
            parts[0].merge(part)
        assert parts[0] == whole
        assert parts[0].result().equals(whole.result())
