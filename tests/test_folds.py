"""Splitters for cross-validation: their own laws, and at work in scikit-learn."""

import pickle

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn import model_selection as peers
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score

import aliquot as aq
from errors import raises

N = 120
X = np.random.default_rng(1).normal(size=(N, 3))
Y = (X[:, 0] + 0.5 * np.random.default_rng(2).normal(size=N) > 0).astype(int)
GROUPS = np.arange(N) // 4
SPLITTERS = [
    aq.StratifiedKFold(4, rng=1),
    aq.GroupKFold(4, rng=1),
    aq.StratifiedGroupKFold(4, rng=1),
    aq.StratifiedShuffleSplit(4, test_size=0.25, rng=1),
]
each_splitter = pytest.mark.parametrize("splitter", SPLITTERS, ids=lambda each: type(each).__name__)


def same(a, b):
    return all(
        np.array_equal(x, y) for first, second in zip(a, b, strict=True) for x, y in zip(first, second, strict=True)
    )


@each_splitter
def test_trains_and_tests_on_disjoint_rows(splitter):
    splits = list(splitter.split(X, Y, GROUPS))
    assert len(splits) == splitter.get_n_splits() == splitter.get_n_splits(X, Y, GROUPS) == 4
    for train, test in splits:
        assert train.dtype == test.dtype == np.int64
        assert np.array_equal(np.sort(np.concatenate([train, test])), np.arange(N))
        assert (np.diff(train) > 0).all()
        assert (np.diff(test) > 0).all()


@each_splitter
def test_folds_test_every_row_once(splitter):
    if not isinstance(splitter, aq.StratifiedShuffleSplit):
        tested = np.concatenate([test for _, test in splitter.split(X, Y, GROUPS)])
        assert np.array_equal(np.sort(tested), np.arange(N))


@each_splitter
def test_cross_validation_works(splitter):
    scores = cross_val_score(LogisticRegression(), X, Y, cv=splitter, groups=GROUPS)
    assert scores.shape == (4,)
    assert scores.min() > 0.6


@each_splitter
def test_grid_search_works(splitter):
    search = GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=splitter).fit(X, Y, groups=GROUPS)
    assert search.n_splits_ == 4
    assert search.best_score_ > 0.6


def test_predictions_cover_all_rows():
    assert cross_val_predict(LogisticRegression(), X, Y, cv=aq.StratifiedKFold(5, rng=1)).shape == (N,)


@each_splitter
def test_is_taken_for_a_splitter(splitter):
    assert peers.check_cv(splitter) is splitter


@each_splitter
def test_one_seed_gives_one_split_and_no_seed_many(splitter):
    assert same(splitter.split(X, Y, GROUPS), splitter.split(X, Y, GROUPS))
    assert same(pickle.loads(pickle.dumps(splitter)).split(X, Y, GROUPS), splitter.split(X, Y, GROUPS))
    fresh = type(splitter)(4)
    assert not same(fresh.split(X, Y, GROUPS), fresh.split(X, Y, GROUPS))


@each_splitter
def test_data_of_any_kind(splitter):
    expected = list(splitter.split(X, Y, GROUPS))
    frame = pd.DataFrame(X, index=np.arange(N)[::-1])
    assert same(splitter.split(frame, pd.Series(Y, index=frame.index), pd.Series(GROUPS)), expected)
    assert same(splitter.split(X.tolist(), Y.tolist(), GROUPS.tolist()), expected)
    assert same(splitter.split(pa.table({"x": X[:, 0]}), pa.array(Y.astype(str)), pa.array(GROUPS)), expected)
    assert same(splitter.split(None, Y, GROUPS), expected)


@pytest.mark.parametrize("n_splits", [2, 3, 7])
def test_classes_are_as_even_as_those_of_scikit_learn(n_splits):
    y = np.random.default_rng(3).integers(0, 4, 100)
    for ours, theirs in zip(
        aq.StratifiedKFold(n_splits, rng=1).split(y, y), peers.StratifiedKFold(n_splits).split(y, y), strict=True
    ):
        have, expected = np.bincount(y[ours[1]], minlength=4), np.bincount(y[theirs[1]], minlength=4)
        assert np.abs(have - expected).max() <= 1
        assert abs(len(ours[1]) - 100 / n_splits) < 1


def test_shuffled_splits_have_the_sizes_of_scikit_learn():
    for sizes in (
        {"test_size": 0.3},
        {"test_size": 30},
        {"train_size": 0.6},
        {"test_size": 20, "train_size": 50},
        {},
        {"test_size": 0.2, "train_size": 0.5},
    ):
        ours = next(aq.StratifiedShuffleSplit(1, rng=1, **sizes).split(X, Y))
        theirs = next(peers.StratifiedShuffleSplit(1, random_state=1, **sizes).split(X, Y))
        assert [len(rows) for rows in ours] == [len(rows) for rows in theirs]
        assert len(np.intersect1d(*ours)) == 0
        for rows in ours:
            assert abs(Y[rows].sum() - len(rows) * Y.mean()) < 1


def test_a_class_of_one_row_is_no_error():
    y = np.array([0] * 20 + [1])
    assert len(list(aq.StratifiedKFold(3, rng=1).split(y, y))) == 3
    train = next(aq.StratifiedShuffleSplit(1, test_size=0.2, rng=1).split(y, y))[0]
    assert 20 in train


def test_several_labels_a_row():
    y = np.random.default_rng(1).random((90, 4)) < 0.3
    for _, test in aq.StratifiedKFold(3, rng=1).split(y, y):
        assert len(test) == 30
        assert np.abs(y[test].sum(axis=0) - y.sum(axis=0) / 3).max() < 3


def test_reprs():
    assert [repr(splitter) for splitter in SPLITTERS] == [
        "StratifiedKFold(n_splits=4, rng=1)",
        "GroupKFold(n_splits=4, rng=1)",
        "StratifiedGroupKFold(n_splits=4, rng=1)",
        "StratifiedShuffleSplit(n_splits=4, test_size=0.25, train_size=None, rng=1)",
    ]


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: aq.StratifiedKFold(1), ValueError, "n_splits: must be at least 2, got 1"),
        (lambda: aq.StratifiedKFold(2.0), TypeError, "n_splits: must be an integer, got float 2.0"),
        (lambda: aq.StratifiedShuffleSplit(0), ValueError, "n_splits: must be at least 1, got 0"),
        (
            lambda: aq.StratifiedShuffleSplit(test_size=1.5),
            ValueError,
            "test_size: must be above 0 and at most 1, got 1.5",
        ),
        (
            lambda: aq.StratifiedShuffleSplit(train_size="all"),
            TypeError,
            "train_size: must be an integer, got str 'all'",
        ),
        (lambda: next(aq.StratifiedKFold().split(X)), TypeError, "y: must be given, got NoneType None"),
        (lambda: next(aq.GroupKFold().split(X)), TypeError, "groups: must be given, got NoneType None"),
        (
            lambda: next(aq.StratifiedKFold(5).split([1, 2, 3], [1, 2, 3])),
            ValueError,
            "n_folds: must be between 1 and the 3 rows there are, got 5",
        ),
        (
            lambda: next(aq.StratifiedShuffleSplit(test_size=5).split([1, 2], [1, 2])),
            ValueError,
            "test_size: must leave rows to train and to test on, got -3 and 5 of 2",
        ),
        (
            lambda: next(aq.StratifiedShuffleSplit(test_size=1.0).split([1, 2], [1, 2])),
            ValueError,
            "test_size: must leave rows to train and to test on, got 0 and 2 of 2",
        ),
        (
            lambda: next(aq.StratifiedShuffleSplit(train_size=2).split([1, 2], [1, 2])),
            ValueError,
            "test_size: must leave rows to train and to test on, got 2 and 0 of 2",
        ),
    ],
)
def test_errors(call, kind, message):
    with raises(kind, message):
        call()
