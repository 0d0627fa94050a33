"""Splits and folds of rows with several labels."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from iterstrat.ml_stratifiers import MultilabelStratifiedKFold

import aliquot as aq
from errors import raises
from three_parts import THREE


def as_lists(matrix):
    return pa.array([[f"l{label}" for label in np.flatnonzero(row)] for row in matrix], pa.list_(pa.string()))


def imbalance(folds, matrix, n_folds):
    """The mean over labels of the spread of their rows among the folds, as shares."""
    table = np.array([matrix[folds == i].sum(axis=0) for i in range(n_folds)])
    return float((table / matrix.sum(axis=0)).std(axis=0).mean())


@given(arrays(bool, st.tuples(st.integers(0, 30), st.integers(1, 5))), st.integers(0, 9))
@settings(max_examples=40, deadline=None)
def test_parts_have_exact_sizes(matrix, seed):
    n = len(matrix)
    split = aq.split_indices(n, {"a": 0.5, "b": 0.3, "c": 0.2}, strata=matrix, rng=seed)
    assert np.array_equal(np.sort(np.concatenate(list(split.values()))), np.arange(n))
    assert all(abs(len(rows) - share * n) < 1 for rows, share in zip(split.values(), (0.5, 0.3, 0.2), strict=True))


@given(arrays(bool, st.tuples(st.integers(2, 30), st.integers(1, 5))), st.integers(0, 9))
@settings(max_examples=40, deadline=None)
def test_one_label_alone_is_shared_out_within_one(matrix, seed):
    matrix = matrix[:, :1]
    folds = aq.fold_indices(len(matrix), 2, strata=np.hstack([matrix, ~matrix]), rng=seed)
    for rows in (matrix[:, 0], ~matrix[:, 0], np.ones(len(matrix), bool)):
        counts = np.bincount(folds[rows], minlength=2)
        assert np.ptp(counts) <= 2
    assert np.ptp(np.bincount(folds, minlength=2)) <= 1


@pytest.mark.parametrize("seed", range(3))
def test_labels_are_as_even_as_iterative_stratification_makes_them(seed):
    rng = np.random.default_rng(seed)
    matrix = rng.random((600, 12)) < rng.uniform(0.01, 0.4, 12)
    matrix[:, 0] |= matrix[:, 1]
    ours = aq.fold_indices(600, 5, strata=matrix, rng=seed)
    theirs = np.empty(600, int)
    for i, (_, test) in enumerate(
        MultilabelStratifiedKFold(5, shuffle=True, random_state=seed).split(matrix, matrix.astype(int))
    ):
        theirs[test] = i
    by_chance = rng.permutation(600) % 5
    assert np.ptp(np.bincount(ours)) == 0
    assert imbalance(ours, matrix, 5) < 1.25 * imbalance(theirs, matrix, 5)
    assert imbalance(ours, matrix, 5) < 0.5 * imbalance(by_chance, matrix, 5)


def test_matrices_and_lists_of_labels_mean_the_same():
    matrix = np.random.default_rng(1).random((200, 6)) < 0.2
    lists = as_lists(matrix)
    for parts in (THREE, {"train": None, "test": 33}):
        expected = aq.split_indices(200, parts, strata=lists, rng=1)
        for strata in (
            lists.cast(pa.large_list(pa.large_string())),
            pa.chunked_array([lists[:50], lists[50:]]),
            pa.concat_arrays([lists[:3], lists]).slice(3),
            pa.array([None if not row else row + row[:1] for row in lists.to_pylist()], lists.type),
        ):
            split = aq.split_indices(200, parts, strata=strata, rng=1)
            assert all(np.array_equal(split[name], expected[name]) for name in parts)
    for strata in (matrix.astype(np.int8), matrix.astype(float), np.asfortranarray(matrix), matrix[:, ::-1][:, ::-1]):
        assert np.array_equal(
            aq.fold_indices(200, 4, strata=strata, rng=1), aq.fold_indices(200, 4, strata=matrix, rng=1)
        )


def test_rows_without_labels_fill_the_parts():
    matrix = np.zeros((100, 3), bool)
    matrix[:10, 0] = True
    split = aq.split_indices(100, {"a": 0.5, "b": 0.5}, strata=matrix, rng=1)
    assert [len(rows) for rows in split.values()] == [50, 50]
    assert [(rows < 10).sum() for rows in split.values()] == [5, 5]


def test_a_column_in_two_dimensions_is_one_column():
    labels = np.arange(30) % 3
    assert np.array_equal(
        aq.fold_indices(30, 3, strata=labels[:, None], rng=1), aq.fold_indices(30, 3, strata=labels, rng=1)
    )


def test_seeds_give_other_splits():
    matrix = np.random.default_rng(1).random((100, 3)) < 0.3
    assert len({tuple(aq.fold_indices(100, 5, strata=matrix, rng=seed)) for seed in range(20)}) == 20


@pytest.mark.parametrize(
    ("strata", "options", "message"),
    [
        (np.array([[0, 1], [2, 0]]), {}, "strata: must be 0 or 1 in a matrix of labels, got 2 at row 1"),
        (np.array([[0.0, np.nan], [1, 0]]), {}, "strata: must be 0 or 1 in a matrix of labels, got nan at row 0"),
        (np.zeros((3, 2)), {}, "strata: must be one a row, got 3 for 2 rows"),
        (np.zeros((2, 2)), {"rare": "a"}, "rare: must be 'spread' if rows have several labels, got 'a'"),
        (np.zeros((2, 2)), {"groups": np.zeros(2)}, "groups: must be None if rows have several labels, got ndarray"),
    ],
)
def test_errors(strata, options, message):
    with raises(ValueError, message):
        aq.split_indices(2, {"a": 0.5, "b": 0.5}, strata=strata, **options)
