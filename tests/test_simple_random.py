"""sample_indices and the kernels under it: the smallest keys, found by skipping."""

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

import aliquot as aq
import laws
import reference
from aliquot import _rng
from aliquot._kernels.reservoir import ReservoirState
from aliquot._kernels.simple_random import RowsBelow, draw_ranks, select_rows

SEED = _rng.key_of(7)


def draw(n, k, seed):
    return select_rows(np.array([seed, 2, 3, 4], np.uint64), n, k)[0]


@pytest.fixture(scope="module")
def all_keys():
    """The keys of 300,000 rows by the slow reference: beyond the first node of 64 leaves."""
    return reference.row_keys(SEED, 300_000)


def test_golden_samples():
    assert aq.sample_indices(100, 5, rng=7).tolist() == GOLDEN[100]
    assert aq.sample_indices(10**6, 5, rng=7).tolist() == GOLDEN[10**6]
    assert aq.sample_indices(2**62, 5, rng=7).tolist() == GOLDEN[2**62]
    assert aq.sample_indices(10, 8, replace=True, rng=7).tolist() == GOLDEN["replace"]


GOLDEN: dict[object, list[int]] = {
    100: [55, 57, 81, 83, 85],
    10**6: [459497, 618986, 686366, 859137, 977449],
    2**62: [465099279258994509, 692046049593993275, 3263741539609488780, 3787616524713404268, 3809404196585248542],
    "replace": [1, 2, 3, 3, 4, 6, 6, 8],
}


@pytest.mark.parametrize("n", [1, 2, 4095, 4096, 4097, 100_000, 262_143, 262_144, 262_145, 300_000])
def test_keys_and_rows_are_those_of_the_reference(all_keys, n):
    for k in {0, 1, min(n, 7), min(n, 1000), n // 2, n - 1, n}:
        rows, keys = select_rows(SEED, n, k)
        assert rows.tolist() == reference.smallest(all_keys[:n], k).tolist()
        assert keys.tolist() == all_keys[rows].tolist()


def test_rows_below_a_threshold_are_those_of_the_reference(all_keys):
    for threshold in (1e-5, 0.01, 1.0, np.inf):
        rows, keys = RowsBelow(SEED).next(300_000, threshold)
        assert rows.tolist() == np.flatnonzero(all_keys <= threshold).tolist()
        assert keys.tolist() == all_keys[rows].tolist()


@given(st.lists(st.integers(0, 300_000), min_size=1, max_size=8), st.floats(1e-4, 2))
def test_seeking_anywhere_finds_the_same_keys(all_keys, starts, threshold):
    cursor = RowsBelow(SEED)
    for start in starts:
        cursor.seek(start)
        rows, keys = cursor.next(300_000 - start, threshold)
        expected = start + np.flatnonzero(all_keys[start:] <= threshold)
        assert rows.tolist() == expected.tolist()
        assert keys.tolist() == all_keys[rows].tolist()


def test_known_and_unknown_length_give_the_same_rows():
    for n, k in ((10**6, 10), (10**6, 5000), (123_457, 123), (10**9, 100)):
        state = ReservoirState(k, SEED)
        for start in range(0, n, 10**7):
            state.stage_rows(min(10**7, n - start))
            state.commit(0)
        rows, keys, _ = state.kept()
        assert rows.tolist() == aq.sample_indices(n, k, rng=7).tolist()
        assert keys.tolist() == select_rows(SEED, n, k)[1].tolist()


def test_the_threshold_is_the_next_key():
    state = ReservoirState(100, SEED)
    state.stage_rows(10**6)
    state.commit(0)
    rows, keys = select_rows(SEED, 10**6, 101)
    key, row = state.first_out()
    assert key == keys.max()
    assert row == rows[keys.argmax()]


def test_all_165_subsets_of_three_of_eleven_are_equally_likely():
    laws.every_subset_is_equally_likely(draw)


@pytest.mark.parametrize("k", [1, 2, 4, 5])
def test_all_subsets_of_few_rows_are_equally_likely(k):
    laws.every_subset_is_equally_likely(draw, n=6, k=k, trials=6000)


def test_positions_are_even_across_nodes():
    laws.positions_are_even(draw, 1_000_000, 1000, 300)
    laws.positions_are_even(draw, 10_000, 100, 1000)
    laws.positions_are_even(draw, 10**12, 1000, 300)


def test_pairs_are_independent_inside_and_across_leaves():
    laws.pairs_are_independent(draw, 10_000, 500, 1000)


def test_samples_nest():
    laws.samples_nest(draw, 10**6, [1, 10, 1000, 10_000, 100_000])


def test_seeds_give_independent_samples():
    k, n = 1000, 100_000
    shared = sum(len(np.intersect1d(draw(n, k, 2 * seed), draw(n, k, 2 * seed + 1))) for seed in range(300))
    expected = 300 * k * k / n
    assert abs(shared - expected) < 5 * np.sqrt(expected)


class TestReplacement:
    def test_ranks_are_those_of_the_reference(self):
        rows_by_key = np.arange(50)
        ranks, distinct = draw_ranks(SEED, 50, 200)
        assert ranks.tolist() == list(reference.draws_with_replacement(SEED, 50, rows_by_key, 200))
        assert distinct == len(set(ranks.tolist()))

    def test_draws_are_independent_and_uniform(self):
        n, k, trials = 4, 3, 40_000
        counts = np.zeros(n**k)
        for seed in range(trials):
            key = np.array([seed, 2, 3, 4], np.uint64)
            ranks, distinct = draw_ranks(key, n, k)
            rows, keys = select_rows(key, n, distinct)
            draws = rows[np.argsort(keys)][ranks]
            counts[np.ravel_multi_index(tuple(draws), (n,) * k)] += 1
        laws.assert_fits(counts, np.full(n**k, trials / n**k))

    def test_more_draws_than_rows(self):
        drawn = aq.sample_indices(3, 1000, replace=True, rng=1)
        laws.assert_fits(np.bincount(drawn, minlength=3), np.full(3, 1000 / 3))
        assert np.all(np.diff(drawn) >= 0)

    def test_a_smaller_size_is_a_prefix(self):
        assert draw_ranks(SEED, 1000, 50)[0].tolist() == draw_ranks(SEED, 1000, 500)[0][:50].tolist()


class TestArguments:
    def test_edges(self):
        assert aq.sample_indices(0, 0).tolist() == []
        assert aq.sample_indices(5, 0).tolist() == []
        assert aq.sample_indices(5, 5, rng=1).tolist() == [0, 1, 2, 3, 4]
        assert aq.sample_indices(5, 3, rng=1).dtype == np.int64

    def test_size_above_n(self):
        with pytest.raises(ValueError, match=r"^size: must be at most the population of 5 rows, got 6$"):
            aq.sample_indices(5, 6)
        with pytest.raises(ValueError, match=r"^size: must be at most the population of 0 rows, got 1$"):
            aq.sample_indices(0, 1, replace=True)

    def test_numbers(self):
        with pytest.raises(TypeError, match=r"^size: must be an integer, got float 2.5$"):
            aq.sample_indices(5, 2.5)
        with pytest.raises(TypeError, match=r"^n: must be an integer, got bool True$"):
            aq.sample_indices(True, 1)
        with pytest.raises(ValueError, match=r"^size: must be between 0 and 2\*\*62, got -1$"):
            aq.sample_indices(5, -1)
        with pytest.raises(ValueError, match=r"^n: must be between 0 and 2\*\*62, got 4611686018427387905$"):
            aq.sample_indices(2**62 + 1, 1)

    def test_rng(self):
        with pytest.raises(ValueError, match=r"^rng: must not be negative, got -1$"):
            aq.sample_indices(5, 1, rng=-1)
        with pytest.raises(TypeError, match=r"^rng: must be None, an integer, a SeedSequence, .* got str '7'$"):
            aq.sample_indices(5, 1, rng="7")
        shared = np.random.default_rng(3)
        assert aq.sample_indices(10**9, 5, rng=shared).tolist() != aq.sample_indices(10**9, 5, rng=shared).tolist()


@pytest.mark.slow
def test_inclusion_is_uniform_over_a_trillion_rows():
    laws.positions_are_even(draw, 10**12, 100_000, 30)


@pytest.mark.slow
def test_all_subsets_with_many_trials():
    laws.every_subset_is_equally_likely(draw, trials=1_000_000)


@pytest.mark.slow
def test_streaming_a_billion_rows_equals_knowing_their_number():
    state = ReservoirState(1_000_000, SEED)
    for start in range(0, 10**9, 65_536):
        state.stage_rows(min(65_536, 10**9 - start))
        state.commit(0)
    assert np.array_equal(state.kept()[0], aq.sample_indices(10**9, 10**6, rng=7))
