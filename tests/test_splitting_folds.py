"""Folds of row numbers: even overall and in each stratum, and random; how many there can be."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import aliquot as aq
import laws
from errors import raises


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
        laws.assert_fits(row, np.full(3, 800))


@pytest.mark.parametrize(
    ("n_folds", "message"),
    [
        (0, "n_folds: must be between 1 and the 3 rows there are, got 0"),
        (4, "n_folds: must be between 1 and the 3 rows there are, got 4"),
    ],
)
def test_errors_of_folds(n_folds, message):
    with raises(ValueError, message):
        aq.fold_indices(3, n_folds)
