"""Weighted samples: keys, exact probabilities, merges, design weights, draws with replacement."""

import copy
import math
import pickle
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from itertools import combinations, permutations

import hypothesis.strategies as st
import numba
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
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

SEED = _rng.key_of(7)
DESIGNS = ["successive", "priority"]
N = 20_000
WEIGHTS = np.random.default_rng(1).lognormal(0, 2, N)
WEIGHTS[::50] = 0
TABLE = pa.table({"x": np.arange(N), "w": WEIGHTS, "s": [f"s{i % 9}" for i in range(N)]})


def draw(weights, k, seed, design="successive"):
    """The rows kept, through the kernel alone."""
    state = ReservoirState(k, np.array([seed, 2, 3, 4], np.uint64))
    state.stage_weights(weights, design == "priority")
    state.commit(0)
    return state.kept()[0]


def stream(table=TABLE, rows=777):
    return pa.RecordBatchReader.from_batches(table.schema, table.to_batches(max_chunksize=rows))


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


class TestPoisson:
    def test_rows_are_those_with_priority_keys_below_the_threshold(self):
        keys = reference.weighted_keys(SEED, WEIGHTS, "priority")
        expected = np.flatnonzero(keys <= 300 / WEIGHTS.sum()).tolist()
        assert 250 < len(expected) < 310
        for source, weights in ((TABLE, "w"), (TABLE, pc.field("w")), (stream(), WEIGHTS)):
            assert aq.poisson(source, 300, weights=weights, rng=7).read_all()["x"].to_pylist() == expected

    def test_inclusion_is_in_proportion_and_at_most_certain(self):
        weights, trials = np.array([0.0, 1.0, 2.0, 4.0, 100.0]), 3000
        table = pa.table({"x": range(5), "w": weights})
        counts = np.zeros(5)
        for seed in range(trials):
            counts[aq.poisson(table, 2, weights="w", rng=seed).read_all()["x"].to_numpy()] += 1
        expected = np.minimum(1, 2 * weights / weights.sum()) * trials
        assert counts[0] == 0
        assert counts[4] == trials
        assert np.all(np.abs(counts - expected)[1:4] < 5 * np.sqrt(expected[1:4]))

    def test_larger_sizes_hold_smaller_ones(self):
        small, large = (set(aq.poisson(TABLE, k, weights="w", rng=7).read_all()["x"].to_pylist()) for k in (10, 500))
        assert small < large

    def test_parquet(self, tmp_path):
        pq.write_table(TABLE, tmp_path / "x.parquet", row_group_size=1000)
        expected = aq.poisson(TABLE, 300, weights="w", rng=7).read_all()
        assert aq.poisson(tmp_path, 300, weights="w", rng=7).read_all().equals(expected)

    def test_a_stream_needs_its_total(self):
        expected = aq.poisson(TABLE, 300, weights="w", rng=7).read_all()
        drawn = aq.poisson(stream(), 300, weights="w", total=float(exact_sum(WEIGHTS)), rng=7).read_all()
        assert drawn.equals(expected)

    def test_errors(self):
        message = r"^total: must be given for a stream, unless weights are an array, got weights='w'$"
        with pytest.raises(TypeError, match=message):
            aq.poisson(stream(), 5, weights="w")
        with pytest.raises(ValueError, match=r"^total: must be positive and finite, got 0$"):
            aq.poisson(stream(), 5, weights="w", total=0)
        with pytest.raises(ValueError, match=r"^size: must be positive and finite, got 0$"):
            aq.poisson(TABLE, 0, weights="w")
        with pytest.raises(TypeError, match=r"^size: must be a number, got str '5'$"):
            aq.poisson(TABLE, "5", weights="w")
        with pytest.raises(ValueError, match=r"^w: must be positive in at least 1 row, got 0 such rows$"):
            aq.poisson(pa.table({"w": [0, 0]}), 5, weights="w")
        with pytest.raises(ValueError, match=r"^w: must be finite and not negative, got -1.0 at row 1$"):
            aq.poisson(pa.table({"w": [0, -1]}), 5, weights="w")


class TestWeightsOfAllKinds:
    EXPECTED = aq.sample_indices(N, 50, weights=np.arange(N) % 100, rng=7).tolist()

    @pytest.mark.parametrize(
        "kind",
        [
            pa.int8(),
            pa.uint8(),
            pa.int32(),
            pa.uint64(),
            pa.float32(),
            pa.float64(),
            pa.decimal128(21, 2),
            pa.float16(),
        ],
    )
    def test_numbers_of_all_types(self, kind):
        weights = pa.array(np.arange(N) % 100).cast(kind)
        table = pa.table({"x": np.arange(N), "w": weights})
        assert aq.sample(table, 50, weights="w", rng=7)["x"].to_pylist() == self.EXPECTED
        assert aq.sample(TABLE, 50, weights=weights, rng=7)["x"].to_pylist() == self.EXPECTED

    def test_arrays_lists_and_expressions(self):
        weights = np.arange(N) % 100
        chunked = pa.chunked_array([weights[:5000], weights[5000:]])
        for each in (weights, weights.tolist(), chunked, pa.array(weights)):
            assert aq.sample(TABLE, 50, weights=each, rng=7)["x"].to_pylist() == self.EXPECTED
            assert aq.sample(stream(), 50, weights=each, rng=7)["x"].to_pylist() == self.EXPECTED
        modulo = pc.field("x") - pc.multiply(
            pc.floor(pc.divide(pc.field("x").cast("float64"), pc.scalar(100.0))), pc.scalar(100.0)
        )
        assert aq.sample(TABLE, 50, weights=modulo, columns=["s", "x"], rng=7)["x"].to_pylist() == self.EXPECTED
        reservoir = aq.Reservoir(50, weights=modulo, rng=7)
        for batch in stream():
            reservoir.update(batch)
        restored = aq.Reservoir.from_bytes(reservoir.to_bytes())
        assert restored == reservoir
        assert restored.result()["x"].to_pylist() == self.EXPECTED

    def test_a_filter_and_projection(self):
        options = {"weights": "w", "where": pc.field("s") == "s3", "columns": ["x"], "design_weight": "d", "rng": 7}
        whole = aq.sample(TABLE, 50, **options)
        assert set(np.array(whole["x"]) % 9) == {3}
        assert aq.sample(stream(), 50, **options).equals(whole)

    @pytest.mark.parametrize("strata", [None, "s"])
    @pytest.mark.parametrize("weights", ["w", pc.field("w") * 2, aq.weight(lambda w: w * 2)], ids=["column", "expression", "function"])  # fmt: skip
    def test_weights_of_rows_that_are_filtered_out_may_be_anything(self, tmp_path, weights, strata):
        w = [1.0, None, 2.0, -1.0, 3.0, math.nan, 4.0, math.inf, 5.0]
        table = pa.table({"w": w, "s": ["a", "b", "a"] * 3, "good": [i % 2 == 0 for i in range(9)]})
        pq.write_table(table, tmp_path / "t.parquet", row_group_size=4)
        options = {"weights": weights, "strata": strata, "row_number": "row", "rng": 7}
        for source in (table, table.to_reader(max_chunksize=2), tmp_path / "t.parquet"):
            drawn = aq.sample(source, 5, where=pc.field("good"), **options)
            assert drawn["row"].to_pylist() == [0, 2, 4, 6, 8]
        name = weights if isinstance(weights, str) else "weights"
        for source in (table, table.to_reader(max_chunksize=2), tmp_path / "t.parquet"):
            with pytest.raises(ValueError, match=rf"^{name}: must be finite and not negative, got null at row 1$"):
                aq.sample(source, 5, where=pc.field("good") | pc.field("w").is_null(), **options)

    def test_a_fraction(self):
        assert aq.sample(TABLE, fraction=0.01, weights="w", rng=7).equals(aq.sample(TABLE, 200, weights="w", rng=7))

    @pytest.mark.parametrize(
        "options",
        [
            {"design": "successive", "design_weight": "d"},
            {"design": "priority", "order": "random"},
            {"replace": True, "row_number": "n"},
            {"where": pc.field("s") == "s3", "columns": ["x"]},
        ],
    )
    def test_a_fraction_of_a_stream(self, options):
        for weights in ("w", aq.weight(lambda x: x % 7)):
            whole = aq.sample(TABLE, fraction=0.03, weights=weights, rng=7, **options)
            streamed = aq.sample(stream(), fraction=0.03, weights=weights, rng=7, **options)
            assert streamed.equals(whole)
            assert aq.provenance(streamed)["rows_read"] == N
        assert aq.sample(stream(TABLE.slice(0, 0)), fraction=0.5, weights="w").num_rows == 0
        with pytest.raises(ValueError, match=r"^w: must be finite and not negative, got -1.0 at row 1$"):
            aq.sample(stream(pa.table({"w": [0, -1]})), fraction=0.5, weights="w")
        with pytest.raises(ValueError, match=r"^weights: must be one a row, got 3 for "):
            aq.sample(stream(), fraction=0.5, weights=[1, 2, 3])

    def test_parquet_scans_the_weights_alone(self, tmp_path):
        pq.write_table(TABLE, tmp_path / "x.parquet", row_group_size=1000)
        sampled = aq.sample(tmp_path, 1, weights="w", rng=7)
        assert sampled.equals(aq.sample(TABLE, 1, weights="w", rng=7))
        assert aq.provenance(sampled)["rows_read"] == N + 1000
        assert aq.provenance(sampled)["design"] == "successive"


def modulo(x):
    return x % 100


class TestFunctions:
    EXPECTED = TestWeightsOfAllKinds.EXPECTED

    def test_a_function_of_columns_is_like_the_weights_it_returns(self, tmp_path):
        pq.write_table(TABLE, tmp_path / "x.parquet", row_group_size=1000)
        weights = aq.weight(modulo)
        for source in (TABLE, stream(), tmp_path):
            assert aq.sample(source, 50, weights=weights, columns=["x"], rng=7)["x"].to_pylist() == self.EXPECTED
        reservoir = aq.Reservoir(50, weights=weights, columns=["x"], rng=7)
        for batch in stream():
            reservoir.update(batch)
        assert reservoir.result()["x"].to_pylist() == self.EXPECTED
        expected = aq.poisson(TABLE, 300, weights=np.arange(N) % 100, rng=7).read_all()
        assert aq.poisson(TABLE, 300, weights=weights, rng=7).read_all().equals(expected)

    def test_arguments_are_found_by_name(self):
        product = aq.weight(lambda w, x: x * w)
        assert product.columns == ["w", "x"]
        expected = aq.sample_indices(N, 50, weights=np.arange(N) * WEIGHTS, rng=7).tolist()
        assert aq.sample(TABLE, 50, weights=product, rng=7)["x"].to_pylist() == expected
        assert product(2, 3) == 6

    def test_what_numba_has_compiled_already(self):
        compiled = aq.weight(numba.njit(modulo))
        assert compiled == aq.weight(modulo)
        assert aq.sample(TABLE, 50, weights=compiled, rng=7)["x"].to_pylist() == self.EXPECTED

    @pytest.mark.parametrize(
        "kind", [pa.int8(), pa.uint64(), pa.float16(), pa.float32(), pa.decimal128(21, 2)], ids=str
    )
    def test_numbers_of_all_types(self, kind):
        table = pa.table({"x": pa.array(np.arange(N) % 100).cast(kind), "row": np.arange(N)})
        for each in (table, table.slice(7).slice(0), pa.concat_tables([table.slice(0, 9), table.slice(9)])):
            rows = aq.sample(each, 50, weights=aq.weight(lambda x: x), row_number="n", rng=7)["n"].to_pylist()
            assert rows == aq.sample(each, 50, weights="x", row_number="n", rng=7)["n"].to_pylist()

    @pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
    def test_times_are_seconds_in_any_unit(self, unit):
        seconds = np.random.default_rng(8).integers(-(10**6), 10**6, 500)
        moments = pa.array(seconds).cast(pa.timestamp("s")).cast(pa.timestamp(unit, "UTC"))
        spans = pa.array(seconds).cast(pa.duration("s")).cast(pa.duration(unit))
        expected = (seconds / 3600.0) ** 2
        for times in (moments, spans):
            table = pa.table({"t": times})
            batch = table.to_batches()[0]
            assert np.array_equal(aq.weight(lambda t: (t / 3600.0) ** 2).values(batch, 0), expected)

    def test_dates_clock_times_and_booleans(self):
        days = pa.array([0, 1, 20_000], pa.int32())
        batch = pa.record_batch(
            {
                "d32": days.cast(pa.date32()),
                "d64": days.cast(pa.date32()).cast(pa.date64()),
                "t32": pa.array([0, 1500, 2000], pa.int32()).cast(pa.time32("ms")),
                "t64": pa.array([0, 1500, 2000], pa.int64()).cast(pa.time64("ns")),
                "b": pa.array([True, False, True]),
                "c": pa.array([3, 3, 4]).dictionary_encode(),
            }
        )
        assert aq.weight(lambda d32: d32).values(batch, 0).tolist() == [0, 86_400, 20_000 * 86_400]
        assert aq.weight(lambda d64: d64).values(batch, 0).tolist() == [0, 86_400, 20_000 * 86_400]
        assert aq.weight(lambda t32: t32).values(batch, 0).tolist() == [0, 1.5, 2]
        assert aq.weight(lambda t64: t64).values(batch, 0).tolist() == [0, 1.5e-6, 2e-6]
        assert aq.weight(lambda b, c: c if b else 0).values(batch, 0).tolist() == [3, 0, 4]
        assert aq.weight(lambda b, c: c if b else 0).values(batch.slice(1), 0).tolist() == [0, 4]

    def test_saved_reservoirs_merge_but_have_lost_the_function(self):
        def fed(first, last):
            reservoir = aq.Reservoir(50, weights=aq.weight(modulo), start=first, rng=7)
            reservoir.update(TABLE.slice(first, last - first))
            return reservoir

        whole, first, second = fed(0, N), fed(0, 5000), fed(5000, N)
        for restore in (lambda r: aq.Reservoir.from_bytes(r.to_bytes()), lambda r: pickle.loads(pickle.dumps(r))):
            merged = restore(first)
            merged.merge(restore(second))
            assert merged == whole
            assert merged.result()["x"].to_pylist() == self.EXPECTED
            with pytest.raises(ValueError, match=r"^weights: must be a column name or an expression for a saved "):
                merged.update(TABLE)
        copied = copy.copy(first)
        copied.update(TABLE.slice(5000))
        assert copied == whole

    def test_functions_that_differ_do_not_merge(self):
        def power(p):
            return aq.weight(lambda x: x**p)

        assert power(2) == power(2)
        assert power(2) != power(3)
        assert power(2) != "power"
        assert len({power(2), power(2), power(3)}) == 2
        assert repr(aq.weight(modulo)) == "weight(modulo(x))"
        with pytest.raises(
            ValueError, match=r"^other: must have weights='<lambda>\(x\) [0-9a-f]{16}' like this reservoir"
        ):
            aq.Reservoir(1, weights=power(2)).merge(aq.Reservoir(1, weights=power(3)))

    @pytest.mark.parametrize(
        ("function", "error", "message"),
        [
            (lambda s: s, TypeError, "weights: must be made of numbers, booleans or times, got a column of string"),
            (lambda nope: nope, KeyError, "weights: must be a column of ['x', 'w', 's'], got 'nope'"),
            (
                lambda x: x.foo,
                TypeError,
                "weights: must be a function that Numba compiles, got <lambda>(x): Unknown attribute 'foo' of type int64",
            ),
            (
                lambda x: nowhere(x),  # noqa: F821
                TypeError,
                "weights: must be a function that Numba compiles, got <lambda>(x): NameError: name 'nowhere' is not defined",
            ),
            (lambda x: x > 5, TypeError, "weights: must be numbers, got bool"),
            (lambda x: 1j * x, TypeError, "weights: must be numbers, got complex128"),
            (lambda x: 5 - x, ValueError, "weights: must be finite and not negative, got -1.0 at row 6"),
            (lambda x: 1.0 / x, ValueError, "weights: must be finite and not negative, got inf at row 0"),
        ],
    )
    def test_errors(self, function, error, message):
        for source in (TABLE, stream()):
            with pytest.raises(error) as caught:
                aq.sample(source, 5, weights=aq.weight(function), rng=7)
            assert caught.value.args[0] == message

    def test_a_null_gives_the_usual_error(self):
        batches = [pa.record_batch({"x": pa.array([1, 2])}), pa.record_batch({"x": pa.array([3, None])})]
        with pytest.raises(ValueError, match=r"^weights: must be finite and not negative, got null at row 3$"):
            aq.sample(pa.Table.from_batches(batches), 1, weights=aq.weight(modulo))

    def test_a_failed_update_changes_nothing(self):
        reservoir = aq.Reservoir(5, weights=aq.weight(lambda x: 100 - x), rng=7)
        reservoir.update(TABLE.slice(0, 50))
        before = reservoir.to_bytes()
        with pytest.raises(ValueError, match=r"^weights: must be finite and not negative, got -1.0 at row 101$"):
            reservoir.update(TABLE.slice(50, 100))
        assert reservoir.to_bytes() == before

    def test_what_is_no_function_of_columns(self):
        with pytest.raises(TypeError, match=r"^function: must be a Python function, got str 'x'$"):
            aq.weight("x")
        with pytest.raises(TypeError, match=r"^function: must be a Python function, got builtin_function_or_method$"):
            aq.weight(abs)
        for function in (lambda: 1, lambda *x: 1, lambda x, y=2: 1, lambda x, **y: 1, lambda *, x: 1):
            with pytest.raises(TypeError, match=r"^function: must have arguments that stand for columns and no others"):
                aq.weight(function)
        with pytest.raises(TypeError, match=r"^weights: must be given as aliquot.weight\(function\), got function$"):
            aq.sample(TABLE, 1, weights=modulo)
        with pytest.raises(KeyError, match=r"weights: must be a column of \[\], got 'x'"):
            aq.sample_indices(5, 1, weights=aq.weight(modulo))


class TestErrors:
    @pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf")])
    @pytest.mark.parametrize("row", [0, 63, 64, 1000, N - 1])
    def test_a_bad_weight_is_named_and_changes_nothing(self, value, row):
        weights = WEIGHTS.copy()
        weights[row] = value
        bad = TABLE.set_column(1, "w", pa.array(weights))
        message = rf"^w: must be finite and not negative, got {value} at row {row}$"
        for source in (bad, stream(bad)):
            with pytest.raises(ValueError, match=message):
                aq.sample(source, 5, weights="w")
        with pytest.raises(ValueError, match=message.replace("w:", "weights:")):
            aq.sample_indices(N, 5, weights=weights)
        reservoir = aq.Reservoir(50, weights="w", start=N, rng=7)
        reservoir.update(TABLE)
        before = reservoir.to_bytes()
        for data in (bad, bad.combine_chunks().to_batches()[0], pa.concat_tables([TABLE, bad])):
            with pytest.raises(ValueError, match=r"^w: must be finite and not negative, got "):
                reservoir.update(data)
            assert reservoir.to_bytes() == before

    def test_a_null_weight(self):
        bad = pa.table({"w": pa.array([1.0, None])})
        with pytest.raises(ValueError, match=r"^w: must be finite and not negative, got null at row 1$"):
            aq.sample(bad, 1, weights="w")

    def test_too_few_positive_weights(self):
        table = pa.table({"w": [0.0, 1.0, 0.0]})
        with pytest.raises(ValueError, match=r"^w: must be positive in at least 2 rows, got 1 such rows$"):
            aq.sample(table, 2, weights="w")
        with pytest.raises(ValueError, match=r"^w: must be positive in at least 1 row, got 0 such rows$"):
            aq.sample(table.slice(0, 1), 5, weights="w", replace=True)

    def test_other_things(self):
        with pytest.raises(KeyError, match="weights: must be a column of .* got 'nope'"):
            aq.sample(TABLE, 1, weights="nope")
        with pytest.raises(TypeError, match=r"^s: must be numbers, got string$"):
            aq.sample(TABLE, 1, weights="s")
        with pytest.raises(ValueError, match=r"^weights: must be one a row, got 3 for 20000 rows$"):
            aq.sample_indices(N, 1, weights=[1, 2, 3])
        with pytest.raises(ValueError, match=r"^weights: must be one a row, got 3 for "):
            aq.sample(TABLE, 1, weights=[1, 2, 3])
        with pytest.raises(ValueError, match=r"^weights: must be one a row, got 20001 for 20000 rows$"):
            aq.sample(TABLE, 1, weights=np.ones(N + 1))
        with pytest.raises(
            ValueError, match=r"^design: must be one of 'successive', 'priority', 'quota', 'first', got 'poisson'$"
        ):
            aq.sample(TABLE, 1, weights="w", design="poisson")
        with pytest.raises(
            TypeError,
            match=r"^weights: must be a column name, an expression or a function of columns, got list \[1\]$",
        ):
            aq.Reservoir(1, weights=[1])
        with pytest.raises(ValueError, match=r"^other: must have weights='w' like this reservoir, got 'x'$"):
            aq.Reservoir(1, weights="w").merge(aq.Reservoir(1, weights="x"))


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
