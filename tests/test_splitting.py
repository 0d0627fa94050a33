"""Splits of row numbers: exact sizes overall and in each stratum, every subset alike, one split a seed; errors."""

import pickle
import threading
from itertools import combinations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import aliquot as aq
import laws
import reference
from errors import raises
from three_parts import THREE, same


@given(
    st.lists(st.integers(0, 6), max_size=60), st.lists(st.integers(1, 9), min_size=1, max_size=5), st.integers(0, 99)
)
@settings(max_examples=50, deadline=None)
def test_sizes_are_exact_overall_and_within_1_in_each_stratum(labels, weights, seed):
    n, whole = len(labels), sum(weights)
    parts = {f"p{j}": weight / whole for j, weight in enumerate(weights)}
    split = aq.split_indices(n, parts, strata=np.array(labels, np.int64), rng=seed)
    laws.every_row_is_in_one_part(split, n)
    if n:
        laws.strata_keep_shares(split, labels, [weight / whole for weight in weights])
    sizes = [len(rows) for rows in split.values()]
    assert all(abs(size - n * weight / whole) < 1 for size, weight in zip(sizes, weights, strict=True))
    if len(weights) <= 3:  # more parts can have totals by largest remainder that no such table adds up to
        assert sizes == reference.largest_remainder(n, weights)


@pytest.mark.parametrize("n_labels", [1, 2, 10, 97, 5_000, 100_000])
@pytest.mark.parametrize(
    "parts", [THREE, {"a": 0.5, "b": 0.5}, {"a": 1 / 3, "b": 1 / 3, "c": 1 / 3}, {str(j): 0.01 for j in range(100)}]
)
def test_sizes_of_a_hundred_thousand_rows(n_labels, parts):
    n = 100_000
    labels = np.random.default_rng(n_labels).integers(0, n_labels, n)
    split = aq.split_indices(n, parts, strata=labels, rng=1)
    laws.every_row_is_in_one_part(split, n)
    laws.strata_keep_shares(split, labels, list(parts.values()))
    assert [len(rows) for rows in split.values()] == reference.largest_remainder(n, list(parts.values()))


def test_rows_and_the_rest():
    labels = np.arange(1000) % 7
    split = aq.split_indices(1000, {"train": None, "test": 101}, strata=labels, rng=1)
    laws.every_row_is_in_one_part(split, 1000)
    assert len(split["test"]) == 101
    laws.strata_keep_shares(split, labels, [0.899, 0.101])


def test_parts_without_rows_are_there():
    split = aq.split_indices(10, {"a": 0.0, "b": 1.0, "c": 0.0}, rng=1)
    assert [rows.tolist() for rows in split.values()] == [[], list(range(10)), []]
    laws.every_row_is_in_one_part(aq.split_indices(10_000, {"a": 0.0, "b": 0.5, "c": 0.5}, rng=1), 10_000)


def test_nothing_to_split():
    split = aq.split_indices(0, THREE, strata=[], rng=1)
    assert [(name, rows.tolist()) for name, rows in split.items()] == [("train", []), ("valid", []), ("test", [])]
    assert split.report.num_rows == 0
    laws.every_row_is_in_one_part(aq.split_indices(1, THREE, rng=1), 1)


def test_tables_that_largest_remainders_cannot_meet_stay_within_1():
    """51 and 1 rows: the totals by largest remainder are 26, 26, 0 ..., which no table within 1 of exact adds up to."""
    labels = np.array([0] * 51 + [1])
    shares = [0.49, 0.49, 0.005, 0.005, 0.005, 0.005]
    for seed in range(20):
        split = aq.split_indices(52, {str(j): share for j, share in enumerate(shares)}, strata=labels, rng=seed)
        laws.every_row_is_in_one_part(split, 52)
        laws.strata_keep_shares(split, labels, shares)
        assert all(abs(len(rows) - 52 * share) < 1 for rows, share in zip(split.values(), shares, strict=True))


def test_golden_splits():
    labels = np.arange(20) % 3
    split = aq.split_indices(20, {"a": 0.5, "b": 0.3, "c": 0.2}, strata=labels, rng=7)
    assert [rows.tolist() for rows in split.values()] == GOLDEN_SPLIT
    assert aq.fold_indices(20, 4, strata=labels, rng=7).tolist() == GOLDEN_FOLDS


GOLDEN_SPLIT = [[0, 5, 6, 10, 11, 12, 13, 14, 16, 18], [1, 2, 3, 7, 9, 17], [4, 8, 15, 19]]
GOLDEN_FOLDS = [0, 1, 3, 1, 0, 0, 3, 2, 1, 2, 3, 2, 1, 0, 1, 3, 2, 0, 2, 3]


def test_what_strata_are_called_does_not_matter():
    rng = np.random.default_rng(1)
    for n, n_labels in ((200, 30), (20_000, 5)):
        labels = rng.integers(0, n_labels, n)
        expected = aq.split_indices(n, THREE, strata=labels, rng=3)
        renamed = rng.permutation(n_labels)[labels]
        for strata in (renamed, 10**12 * renamed, renamed.astype(str), -renamed.astype(float), [renamed % 2, renamed]):
            assert same(aq.split_indices(n, THREE, strata=strata, rng=3), expected)


def test_a_larger_first_part_contains_a_smaller_one():
    labels = np.arange(3000) % 7
    for strata in (None, labels):
        smaller = aq.split_indices(3000, {"a": 0.4, "b": 0.6}, strata=strata, rng=1)
        larger = aq.split_indices(3000, {"a": 0.6, "b": 0.4}, strata=strata, rng=1)
        assert set(smaller["a"]) < set(larger["a"])


def test_every_subset_of_each_stratum_is_equally_likely():
    labels = np.array([0, 1, 0, 1, 0, 1, 0, 1, 0])
    subsets = {subset: i for i, subset in enumerate(combinations([0, 2, 4, 6, 8], 2))}
    counts = np.zeros((len(subsets), 6))
    pairs = {subset: i for i, subset in enumerate(combinations([1, 3, 5, 7], 2))}
    trials = 0
    for seed in range(3_000):
        rows = aq.split_indices(9, {"a": None, "b": 4}, strata=labels, rng=seed)["b"]
        zeros, ones = tuple(rows[labels[rows] == 0]), tuple(rows[labels[rows] == 1])
        if (len(zeros), len(ones)) == (2, 2):
            counts[subsets[zeros], pairs[ones]] += 1
            trials += 1
    assert trials == 3_000  # 20/9 and 16/9: the nearest
    laws.assert_fits(counts.ravel(), np.full(60, trials / 60))


def test_single_rows_are_dealt_out_at_random():
    """Each row a stratum of its own is as good as no strata."""
    counts = np.zeros(10)
    for seed in range(2_000):
        counts[aq.split_indices(10, {"a": 0.8, "b": 0.2}, strata=np.arange(10), rng=seed)["b"]] += 1
    laws.assert_fits(counts, np.full(10, 400))


def test_one_seed_one_split_and_many_seeds_many():
    labels = np.arange(100) % 3
    assert same(aq.split_indices(100, THREE, strata=labels, rng=1), aq.split_indices(100, THREE, strata=labels, rng=1))
    tests = {tuple(aq.split_indices(100, THREE, strata=labels, rng=seed)["test"]) for seed in range(50)}
    assert len(tests) == 50
    fresh = aq.split_indices(100, THREE)
    assert same(aq.split_indices(100, THREE, rng=fresh.seed), fresh)
    generator = np.random.default_rng(1)
    assert not same(aq.split_indices(100, THREE, rng=generator), aq.split_indices(100, THREE, rng=generator))


def test_threads_at_once_split_alike():
    labels = np.random.default_rng(1).integers(0, 5, 50_000)
    expected = aq.split_indices(50_000, THREE, strata=labels, rng=1)
    found = [None] * 4

    def work(i):
        found[i] = aq.split_indices(50_000, THREE, strata=labels, rng=1)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert all(same(each, expected) for each in found)


@pytest.mark.parametrize(
    ("arguments", "options", "kind", "message"),
    [
        ((-1, THREE), {}, ValueError, "n: must be between 0 and 2**62, got -1"),
        ((2**33, THREE), {}, ValueError, "n: must be at most 2**32, got 8589934592"),
        ((5, THREE), {"strata": [1, 2]}, ValueError, "strata: must be one a row, got 2 for 5 rows"),
        (
            (2, THREE),
            {"strata": [[1], [2, 3]]},
            TypeError,
            "strata: must be values of one type, got list [[1], [2, 3]]",
        ),
        (
            (1, THREE),
            {"groups": [2**64]},
            TypeError,
            "groups: must be values of one type, got list [18446744073709551616]",
        ),
        (
            (1, THREE),
            {"strata": np.zeros((1, 1, 1))},
            ValueError,
            "strata: must have one dimension, got shape (1, 1, 1)",
        ),
        (
            (1, THREE),
            {"strata": pa.array([{"a": 1}])},
            TypeError,
            "strata: must be a column of numbers, strings, dates, times or dictionaries of these, got struct<a: int64>",
        ),
        (
            (1, THREE),
            {"rare": "train2"},
            ValueError,
            "rare: must be one of 'spread', 'error', 'train', 'valid', 'test', got 'train2'",
        ),
        ((1, THREE), {"rng": -1}, ValueError, "rng: must not be negative, got -1"),
    ],
)
def test_errors(arguments, options, kind, message):
    with raises(kind, message):
        aq.split_indices(*arguments, **options)


def test_splits_pickle_with_their_report():
    split = aq.split_indices(9, THREE, strata=np.arange(9), rng=1)
    copy = pickle.loads(pickle.dumps(split))
    assert same(copy, split)
    assert copy.seed == split.seed
    assert copy.report.num_rows > 0
    assert copy.report.equals(split.report)
