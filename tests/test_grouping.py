"""Splits and folds of whole groups, with classes and without."""

import logging
from fractions import Fraction
from itertools import product

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedGroupKFold

import aliquot as aq
from errors import raises
from three_parts import THREE


def part_of_rows(split, n):
    parts = np.full(n, -1)
    for j, rows in enumerate(split.values()):
        assert (parts[rows] == -1).all()
        parts[rows] = j
    assert (parts >= 0).all()
    return parts


def assert_groups_are_whole(parts, groups):
    for group in np.unique(groups):
        assert len(np.unique(parts[groups == group])) == 1


def unevenness(parts, labels, shares):
    """Squared deviations from exact shares, classes alike and all rows as much as they, exactly."""
    total = Fraction(0)
    classes = [labels == label for label in np.unique(labels)]
    for rows in [np.ones(len(labels), bool)] * len(classes) + classes:
        size = int(rows.sum())
        for j, share in enumerate(shares):
            share = Fraction(share)
            total += (int((parts[rows] == j).sum()) - size * share) ** 2 / (size**2 * share)
    return total


rows_of_groups = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 2)), min_size=1, max_size=40)


@given(rows_of_groups, st.integers(0, 9))
@settings(max_examples=40, deadline=None)
def test_no_group_is_in_two_parts(rows, seed):
    groups, labels = np.array(rows).T.copy()
    n = len(rows)
    for strata in (None, labels):
        parts = part_of_rows(aq.split_indices(n, THREE, strata=strata, groups=groups, rng=seed), n)
        assert_groups_are_whole(parts, groups)


@given(rows_of_groups, st.data())
@settings(max_examples=40, deadline=None)
def test_no_group_is_in_two_folds_and_no_fold_is_empty(rows, data):
    groups, labels = np.array(rows).T.copy()
    n_folds = data.draw(st.integers(1, len(np.unique(groups))))
    for strata in (None, labels):
        folds = aq.fold_indices(len(rows), n_folds, strata=strata, groups=groups, rng=data.draw(st.integers(0, 9)))
        assert_groups_are_whole(folds, groups)
        assert np.array_equal(np.unique(folds), np.arange(n_folds))


@given(rows_of_groups, st.integers(0, 9))
@settings(max_examples=60, deadline=None)
def test_moving_one_group_makes_shares_no_more_even(rows, seed):
    """But for a limit on sweeps, which so few groups do not reach."""
    groups, labels = np.array(rows).T.copy()
    shares = [Fraction(1, 2), Fraction(1, 4), Fraction(1, 4)]
    wanted = {str(j): float(share) for j, share in enumerate(shares)}
    parts = part_of_rows(aq.split_indices(len(rows), wanted, strata=labels, groups=groups, rng=seed), len(rows))
    # The least that rounding the worth of classes to whole numbers can hide.
    best = unevenness(parts, labels, shares) * Fraction(101, 100)
    for group, j in product(np.unique(groups), range(3)):
        if len(np.unique(groups[parts == parts[groups == group][0]])) == 1:
            continue  # the last group of its part stays
        moved = np.where(groups == group, j, parts)
        assert unevenness(moved, labels, shares) * Fraction(101, 100) >= best / Fraction(101, 100)


@pytest.mark.parametrize("n_groups", [40, 400, 1_500])
def test_shares_are_more_even_than_those_of_scikit_learn(n_groups):
    rng = np.random.default_rng(n_groups)
    n = 20 * n_groups
    groups = rng.integers(0, n_groups, n)
    fifths = [Fraction(1, 5)] * 5
    ours = theirs = Fraction(0)
    for labels in (rng.integers(0, 4, n), rng.integers(0, 4, n_groups)[groups], (rng.random(n) < 0.03).astype(int)):
        for seed in range(1 if n_groups > 400 else 3):
            ours += unevenness(aq.fold_indices(n, 5, strata=labels, groups=groups, rng=seed), labels, fifths)
            folds = np.empty(n, int)
            peer = StratifiedGroupKFold(5, shuffle=True, random_state=seed)
            for i, (_, test) in enumerate(peer.split(labels, labels, groups)):
                folds[test] = i
            theirs += unevenness(folds, labels, fifths)
    assert ours < theirs


def test_ties_leave_no_fold_empty():
    """Where all groups are alike scikit-learn's sums of floats tie, and a fold may get nothing."""
    groups = np.repeat(np.arange(6), 3)
    labels = np.tile([0, 1, 1], 6)
    for seed in range(30):
        folds = aq.fold_indices(18, 6, strata=labels, groups=groups, rng=seed)
        assert (np.bincount(folds, minlength=6) == 3).all()


def test_groups_of_one_row_are_nearly_as_good_as_no_groups():
    n = 1_000
    labels = np.arange(n) % 7
    parts = part_of_rows(aq.split_indices(n, THREE, strata=labels, groups=np.arange(n), rng=1), n)
    for label in range(7):
        have = np.bincount(parts[labels == label], minlength=3)
        assert (np.abs(have - (labels == label).sum() * np.array([0.8, 0.1, 0.1])) <= 1).all()
    assert np.abs(np.bincount(parts) - [800, 100, 100]).max() <= 2


def test_sizes_are_as_near_as_single_rows_can_make_them():
    groups = np.concatenate([np.repeat(np.arange(20), 37), 100 + np.arange(60)])
    split = aq.split_indices(800, THREE, groups=groups, rng=1)
    assert [len(rows) for rows in split.values()] == [640, 80, 80]


def test_a_group_larger_than_its_part_is_reported():
    groups = pa.array(["big"] * 70 + [f"g{i}" for i in range(30)])
    split = aq.split_indices(100, {"a": 0.5, "b": 0.5}, groups=groups, rng=1)
    part = next(name for name in split if 0 in split[name])
    assert split.report.to_pylist() == [
        {"problem": "large group", "subject": "'big'", "part": part, "rows": 70, "exact": 50.0}
    ]
    assert aq.split_indices(100, {"a": 0.3, "b": 0.7}, groups=groups, rng=1).report.num_rows == 0


def test_a_group_larger_than_a_fold_is_logged(caplog):
    groups = np.array([1] * 60 + [*range(10, 50)])
    with caplog.at_level(logging.WARNING, "aliquot"):
        folds = aq.fold_indices(100, 4, groups=groups, rng=1)
    assert caplog.messages == ["groups: 1 has 60 rows, more than 4 folds of 100 rows can hold evenly"]
    assert np.bincount(folds).min() >= 13
    caplog.clear()
    aq.fold_indices(100, 4, groups=np.arange(100) // 5, rng=1)
    assert caplog.messages == []


def test_what_groups_are_called_does_not_matter():
    rng = np.random.default_rng(1)
    groups, labels = rng.integers(0, 50, 500), rng.integers(0, 3, 500)
    renamed = rng.permutation(50)[groups]
    expected = aq.fold_indices(500, 5, strata=labels, groups=groups, rng=1)
    for names in (renamed, renamed * 10**12, renamed.astype(str), [renamed % 5, renamed // 5]):
        assert np.array_equal(aq.fold_indices(500, 5, strata=labels, groups=names, rng=1), expected)


def test_seeds_give_other_splits():
    groups = np.arange(400) // 4
    splits = {tuple(aq.fold_indices(400, 5, groups=groups, rng=seed)) for seed in range(20)}
    assert len(splits) == 20


def test_every_group_is_as_likely_in_each_part():
    groups = np.arange(60) // 3
    counts = np.zeros(20)
    for seed in range(500):
        counts[np.unique(groups[aq.split_indices(60, {"a": 0.8, "b": 0.2}, groups=groups, rng=seed)["b"]])] += 1
    assert counts.sum() == 500 * 4
    assert np.abs(counts - 100).max() < 5 * np.sqrt(500 * 0.2 * 0.8)


def test_parts_of_given_rows_and_odd_shares():
    groups = np.arange(1_000) // 3
    split = aq.split_indices(1_000, {"train": None, "test": 200}, groups=groups, rng=1)
    assert abs(len(split["test"]) - 200) <= 2
    odd = aq.split_indices(1_000, {"a": 0.123456789, "b": 0.876543211 - 0.0, "c": 0.0}, groups=groups, rng=1)
    assert abs(len(odd["a"]) - 123) <= 2
    assert len(odd["c"]) == 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: aq.fold_indices(4, 3, groups=[1, 1, 2, 2]), "n_folds: must be at most the 2 groups there are, got 3"),
        (lambda: aq.split_indices(4, THREE, groups=[1, 1, 2]), "groups: must be one a row, got 3 for 4 rows"),
        (
            lambda: aq.split_indices(4, THREE, groups=[1] * 4, rare="train"),
            "rare: must be 'spread' or 'error' with groups, got 'train'",
        ),
        (
            lambda: aq.split_indices(4, THREE, strata=[1, 1, 1, 2], groups=[1] * 4, rare="error"),
            "strata: must have a row for each of 3 parts, got 1 of 2",
        ),
    ],
)
def test_errors(call, message):
    with raises(ValueError, message):
        call()


def test_nothing_to_group():
    assert [len(rows) for rows in aq.split_indices(0, THREE, groups=[], rng=1).values()] == [0, 0, 0]
