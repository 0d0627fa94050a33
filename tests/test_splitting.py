"""Splits of row numbers by strata: sizes, keys, types of strata, rare ones, errors."""

import os
import pickle
import re
import shutil
import subprocess
import sys
import threading
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import aliquot as aq
import reference
from laws import assert_fits

THREE = {"train": 0.8, "valid": 0.1, "test": 0.1}


def same(a, b):
    return list(a) == list(b) and all(np.array_equal(a[name], b[name]) for name in a)


def assert_is_split(split, n):
    """Disjoint, exhaustive, ascending."""
    for rows in split.values():
        assert rows.dtype == np.int64
        assert (np.diff(rows) > 0).all()
    assert np.array_equal(np.sort(np.concatenate([*split.values(), np.empty(0, np.int64)])), np.arange(n))


def assert_strata_keep_shares(split, labels, shares):
    """In each stratum each part is within 1 of exact."""
    _, codes = np.unique(labels, return_inverse=True)
    sizes = np.bincount(codes)
    for name, share in zip(split, shares, strict=True):
        have = np.bincount(codes[split[name]], minlength=len(sizes))
        assert (np.abs(have - sizes * share) < 1 - 1e-9).all()


# --- sizes


@given(
    st.lists(st.integers(0, 6), max_size=60), st.lists(st.integers(1, 9), min_size=1, max_size=5), st.integers(0, 99)
)
@settings(max_examples=50, deadline=None)
def test_sizes_are_exact_overall_and_within_1_in_each_stratum(labels, weights, seed):
    n, whole = len(labels), sum(weights)
    parts = {f"p{j}": weight / whole for j, weight in enumerate(weights)}
    split = aq.split_indices(n, parts, strata=np.array(labels, np.int64), rng=seed)
    assert_is_split(split, n)
    if n:
        assert_strata_keep_shares(split, labels, [weight / whole for weight in weights])
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
    assert_is_split(split, n)
    assert_strata_keep_shares(split, labels, list(parts.values()))
    assert [len(rows) for rows in split.values()] == reference.largest_remainder(n, list(parts.values()))


def test_rows_and_the_rest():
    labels = np.arange(1000) % 7
    split = aq.split_indices(1000, {"train": None, "test": 101}, strata=labels, rng=1)
    assert_is_split(split, 1000)
    assert len(split["test"]) == 101
    assert_strata_keep_shares(split, labels, [0.899, 0.101])


def test_parts_without_rows_are_there():
    split = aq.split_indices(10, {"a": 0.0, "b": 1.0, "c": 0.0}, rng=1)
    assert [rows.tolist() for rows in split.values()] == [[], list(range(10)), []]
    assert_is_split(aq.split_indices(10_000, {"a": 0.0, "b": 0.5, "c": 0.5}, rng=1), 10_000)


def test_nothing_to_split():
    split = aq.split_indices(0, THREE, strata=[], rng=1)
    assert [(name, rows.tolist()) for name, rows in split.items()] == [("train", []), ("valid", []), ("test", [])]
    assert split.report.num_rows == 0
    assert_is_split(aq.split_indices(1, THREE, rng=1), 1)


def test_tables_that_largest_remainders_cannot_meet_stay_within_1():
    """51 and 1 rows: the totals by largest remainder are 26, 26, 0 ..., which no table within 1 of exact adds up to."""
    labels = np.array([0] * 51 + [1])
    shares = [0.49, 0.49, 0.005, 0.005, 0.005, 0.005]
    for seed in range(20):
        split = aq.split_indices(52, {str(j): share for j, share in enumerate(shares)}, strata=labels, rng=seed)
        assert_is_split(split, 52)
        assert_strata_keep_shares(split, labels, shares)
        assert all(abs(len(rows) - 52 * share) < 1 for rows, share in zip(split.values(), shares, strict=True))


# --- rows


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
    assert_fits(counts.ravel(), np.full(60, trials / 60))


def test_single_rows_are_dealt_out_at_random():
    """Each row a stratum of its own is as good as no strata."""
    counts = np.zeros(10)
    for seed in range(2_000):
        counts[aq.split_indices(10, {"a": 0.8, "b": 0.2}, strata=np.arange(10), rng=seed)["b"]] += 1
    assert_fits(counts, np.full(10, 400))


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


# --- types of strata


LABELS = np.array([3, 1, 1, 2, 3, 3, 1, 2, 2, 3, 1, 1] * 5)
SAME = {
    **{
        str(kind): LABELS.astype(kind)
        for kind in ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f4", "f8", ">i4", "S3", "U3")
    },
    "far": LABELS.astype(np.int64) * 2**61,
    "negative": (LABELS - 100).astype(np.int8),
    "strided": np.repeat(LABELS, 2)[::2],
    "backwards": LABELS[::-1].copy()[::-1],
    "read only": np.frombuffer(LABELS.tobytes(), LABELS.dtype),
    "dates": LABELS.astype("M8[D]"),
    "objects": LABELS.astype(str).astype(object),
    "list": [str(label) for label in LABELS],
    "tuple": tuple(LABELS.tolist()),
    "arrow": pa.array(LABELS),
    "arrow slice": pa.array(np.concatenate([[9, 9], LABELS, [9]])).slice(2, len(LABELS)),
    "chunked": pa.chunked_array([LABELS[:7], LABELS[7:7], LABELS[7:]]),
    "dictionary": pa.array(LABELS.astype(str)).dictionary_encode(),
    "chunked dictionaries": pa.chunked_array(
        [pa.array(part).dictionary_encode() for part in (LABELS[:9].astype(str), LABELS[9:].astype(str))]
    ),
    "views": pa.array(LABELS.astype(str)).cast(pa.string_view()),
    "decimals": pa.array(LABELS).cast(pa.decimal128(30, 2)),
    "pandas": pd.Series(LABELS, index=np.arange(len(LABELS))[::-1]),
    "categorical": pd.Series(LABELS.astype(str), dtype="category"),
    "polars": pl.Series(LABELS.astype(str)),
    "table": pa.table({"x": LABELS}),
    "frame": pd.DataFrame({"x": LABELS, "y": LABELS % 2}),
    "two columns": [LABELS // 2, pa.array((LABELS % 2).astype(str))],
}


@pytest.mark.parametrize("kind", SAME)
def test_strata_of_every_type(kind):
    expected = aq.split_indices(60, THREE, strata=LABELS, rng=1)
    assert same(aq.split_indices(60, THREE, strata=SAME[kind], rng=1), expected)
    assert np.array_equal(
        aq.fold_indices(60, 5, strata=SAME[kind], rng=1), aq.fold_indices(60, 5, strata=LABELS, rng=1)
    )


def test_null_and_nan_are_strata():
    halves = {"a": 0.5, "b": 0.5}
    for values in (
        [None, "x", None, "x"] * 5,
        [1.5, np.nan] * 10,
        pa.array([1, None] * 10),
        pa.nulls(20),
        [True, False] * 10,
    ):
        split = aq.split_indices(20, halves, strata=values, rng=1)
        column = pa.array(values)
        codes = column.dictionary_encode("encode").indices.to_numpy()
        assert_is_split(split, 20)
        assert_strata_keep_shares(split, codes, [0.5, 0.5])


def test_what_is_masked_is_null():
    values = np.ma.masked_array([1, 2, 3, 4] * 5, [False, False, True, True] * 5)
    expected = aq.split_indices(20, THREE, strata=pa.array([1, 2, None, None] * 5), rng=1)
    assert same(aq.split_indices(20, THREE, strata=values, rng=1), expected)


def test_labels_are_left_as_they_were():
    labels = np.arange(5000) % 3
    before = labels.copy()
    aq.split_indices(5000, THREE, strata=labels, rng=1)
    assert np.array_equal(labels, before)


# --- rare strata


def test_rare_strata_go_to_the_largest_parts():
    labels = np.array([0] * 60 + [1] + [0] * 38 + [2])
    for seed in range(20):
        split = aq.split_indices(100, THREE, strata=labels, rng=seed)
        assert {60, 99} <= set(split["train"])
        assert [len(rows) for rows in split.values()] == [80, 10, 10]


def test_two_rows_of_a_stratum_are_spread_over_two_parts():
    labels = np.array([0] * 98 + [1] * 2)
    for seed in range(20):
        split = aq.split_indices(100, THREE, strata=labels, rng=seed)
        assert (labels[split["train"]] == 1).sum() == 1
        assert len(split["train"]) == 80


def test_a_few_rare_strata_all_go_to_the_largest_part_if_the_others_can_make_up_for_it():
    labels = np.array([h for h in range(30) for _ in range(11)] + [100, 101, 102, 103, 104, 105])
    for seed in range(20):
        split = aq.split_indices(len(labels), {"test": 0.3, "train": 0.7}, strata=labels, rng=seed)
        assert (labels[split["train"]] >= 100).sum() == 6
        assert len(split["train"]) == round(0.7 * len(labels))
        assert_strata_keep_shares(split, labels, [0.3, 0.7])


def test_rare_strata_are_reported():
    split = aq.split_indices(9, {"a": 0.5, "b": 0.5}, strata=["x"] * 8 + ["y"], rng=1)
    missing = next(name for name in split if 8 not in split[name])
    assert split.report.to_pylist() == [
        {"problem": "rare stratum", "subject": "'y'", "part": missing, "rows": 0, "exact": 0.5}
    ]


def test_rare_strata_as_an_error():
    with pytest.raises(ValueError, match=r"^strata: must have a row for each of 3 parts, got 2 of \('u', 7\)$"):
        aq.split_indices(
            9, THREE, strata=[np.array(["x"] * 3 + ["u"] * 2 + ["x"] * 4), np.full(9, 7)], rare="error", rng=1
        )
    assert_is_split(aq.split_indices(9, THREE, strata=np.arange(9) % 3, rare="error", rng=1), 9)


def test_rare_strata_in_a_part_by_name():
    labels = np.array([0] * 500 + [1] * 300 + [2, 2, 3])
    split = aq.split_indices(803, THREE, strata=labels, rare="valid", rng=1)
    assert_is_split(split, 803)
    assert {800, 801, 802} <= set(split["valid"])
    assert [len(rows) for rows in split.values()] == [640, 83, 80]  # 500 and 300 rows have whole shares
    common = {name: rows[rows < 800] for name, rows in split.items()}
    assert_strata_keep_shares(common, labels[:800], THREE.values())


def test_rare_strata_in_a_part_of_given_rows():
    labels = np.array([0] * 50 + [1, 2, 3])
    split = aq.split_indices(53, {"train": None, "test": 5}, strata=labels, rare="test", rng=1)
    assert {50, 51, 52} <= set(split["test"])
    assert len(split["test"]) == 5
    with pytest.raises(ValueError, match="^rare: must be a part with room for 3 rows of rare strata, got 'test' of 2$"):
        aq.split_indices(53, {"train": None, "test": 2}, strata=labels, rare="test", rng=1)


def test_a_million_strata_of_one_row():
    split = aq.split_indices(200_000, THREE, strata=np.arange(200_000), rng=1)
    assert [len(rows) for rows in split.values()] == [160_000, 20_000, 20_000]
    assert_is_split(split, 200_000)


# --- folds


@given(st.lists(st.integers(0, 6), min_size=1, max_size=60), st.data())
@settings(max_examples=50, deadline=None)
def test_folds_are_even_overall_and_in_each_stratum(labels, data):
    n_folds = data.draw(st.integers(1, len(labels)))
    folds = aq.fold_indices(len(labels), n_folds, strata=np.array(labels), rng=data.draw(st.integers(0, 99)))
    assert folds.shape == (len(labels),)
    for rows in [slice(None), *(np.array(labels) == label for label in set(labels))]:
        counts = np.bincount(folds[rows], minlength=n_folds)
        assert len(counts) == n_folds
        assert counts.max() - counts.min() <= 1


@pytest.mark.parametrize(("n_labels", "n_folds"), [(1, 5), (10, 5), (10, 10), (3, 300), (5_000, 7), (50_000, 3)])
def test_folds_of_fifty_thousand_rows(n_labels, n_folds):
    labels = np.random.default_rng(1).integers(0, n_labels, 50_000)
    folds = aq.fold_indices(50_000, n_folds, strata=labels, rng=1)
    table = np.zeros((n_labels, n_folds), int)
    np.add.at(table, (labels, folds), 1)
    assert np.ptp(table, axis=1).max() <= 1
    assert np.ptp(table.sum(axis=0)) <= 1


def test_folds_are_random():
    counts = np.zeros((6, 3))
    for seed in range(2_400):
        folds = aq.fold_indices(6, 3, strata=[0, 1, 0, 1, 0, 1], rng=seed)
        counts[np.arange(6), folds] += 1
    for row in counts:
        assert_fits(row, np.full(3, 800))


# --- errors and the package


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
    with pytest.raises(kind, match=f"^{re.escape(message)}$"):
        aq.split_indices(*arguments, **options)


@pytest.mark.parametrize(
    ("n_folds", "message"),
    [
        (0, "n_folds: must be between 1 and the 3 rows there are, got 0"),
        (4, "n_folds: must be between 1 and the 3 rows there are, got 4"),
    ],
)
def test_errors_of_folds(n_folds, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        aq.fold_indices(3, n_folds)


@pytest.mark.slow
def test_works_where_no_cache_folder_can_be_written(tmp_path):
    code = "import aliquot as aq; print(aq.split_indices(10, {'a': 0.5, 'b': 0.5}, rng=7)['a'].tolist())"
    package = tmp_path / "site" / "aliquot"
    shutil.copytree(Path(aq.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    (package / "_kernels" / "__pycache__").write_text("a file where numba wants a folder")
    environment = {
        **os.environ,
        "PYTHONPATH": str(tmp_path / "site"),
        "HOME": "/dev/null",
        "XDG_CACHE_HOME": "/dev/null",
        "NUMBA_CACHE_DIR": "",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    ran = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == str(aq.split_indices(10, {"a": 0.5, "b": 0.5}, rng=7)["a"].tolist())
    assert ran.stderr == ""


def test_splits_pickle_without_their_report():
    split = aq.split_indices(9, THREE, strata=np.arange(9), rng=1)
    copy = pickle.loads(pickle.dumps(split))
    assert same(copy, split)
    assert copy.seed == split.seed
    assert copy.report.equals(split.report)
