"""Splitters for cross-validation: what scikit-learn takes as ``cv=``."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from aliquot import _rng
from aliquot._checks import check_count, check_fraction, describe, rows_of_fraction
from aliquot.splitting import fold_indices, split_indices

TrainTest: TypeAlias = tuple[NDArray[np.int64], NDArray[np.int64]]


class _Splits(ABC):
    """What scikit-learn calls of a splitter. Which rows it gives is up to subclasses."""

    n_splits: int

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:  # noqa: N803
        """The number of splits; arguments are what others need to tell."""
        return self.n_splits

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[TrainTest]:  # noqa: N803
        """Row numbers to train and to test on, ascending, once for each split.

        Parameters
        ----------
        X : array or frame of n rows
            Only counted.
        y : array of shape (n,), or booleans of shape (n, labels)
            The strata, where classes are shared out evenly.
        groups : array of shape (n,)
            What is not to be divided, where that is so.

        Yields
        ------
        train, test : numpy.ndarray of int64
            No row is in both; of folds, together all rows.
        """
        yield from self._rows(_num_rows(X, y), y, groups)

    @abstractmethod
    def _rows(self, n: int, y: Any, groups: Any) -> Iterator[TrainTest]: ...


class _Folds(_Splits):
    """Each fold in turn is tested on, and the others trained on. What is shared out evenly is up to subclasses."""

    _needs_y = False
    _needs_groups = False

    def __init__(self, n_splits: int = 5, *, rng: _rng.RNG = None) -> None:
        self.n_splits = check_count("n_splits", n_splits)
        if self.n_splits < 2:
            raise ValueError(f"n_splits: must be at least 2, got {self.n_splits}")
        self.rng = rng

    def _rows(self, n: int, y: Any, groups: Any) -> Iterator[TrainTest]:
        strata = _given("y", y) if self._needs_y else None
        apart = _given("groups", groups) if self._needs_groups else None
        folds = fold_indices(n, self.n_splits, strata=strata, groups=apart, rng=self.rng)
        for fold in range(self.n_splits):
            tested = folds == fold
            yield np.flatnonzero(~tested), np.flatnonzero(tested)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(n_splits={self.n_splits}, rng={self.rng!r})"


class StratifiedKFold(_Folds):
    """Folds in which each class has its share, to within a row.

    Parameters
    ----------
    n_splits : int, default 5
        Folds, at least 2.
    rng : None, int, SeedSequence, BitGenerator or Generator
        The seed. With an integer each call of ``split`` gives the same folds.

    Raises
    ------
    ValueError
        If there are fewer than 2 folds; in ``split``, if there are more of them than rows.
    TypeError
        In ``split``, if ``y`` is not given.

    Notes
    -----
    See ``fold_indices``. A class with fewer rows than folds is in as many folds as it has rows.

    Examples
    --------
    >>> import aliquot as aq
    >>> folds = aq.StratifiedKFold(2, rng=7)
    >>> [test.tolist() for train, test in folds.split([[0]] * 6, ["a", "a", "b", "b", "b", "b"])]
    [[1, 4, 5], [0, 2, 3]]
    """

    _needs_y = True


class GroupKFold(_Folds):
    """Folds of about the same size that have no group in common.

    Parameters
    ----------
    n_splits : int, default 5
        Folds, at least 2 and at most as many as groups.
    rng : None, int, SeedSequence, BitGenerator or Generator
        The seed. With an integer each call of ``split`` gives the same folds.

    Raises
    ------
    ValueError
        If there are fewer than 2 folds; in ``split``, if there are more of them than groups.
    TypeError
        In ``split``, if ``groups`` are not given.

    Examples
    --------
    >>> import aliquot as aq
    >>> folds = aq.GroupKFold(2, rng=7)
    >>> [test.tolist() for train, test in folds.split([[0]] * 6, groups=[1, 1, 2, 3, 3, 3])]
    [[3, 4, 5], [0, 1, 2]]
    """

    _needs_groups = True


class StratifiedGroupKFold(_Folds):
    """Folds that have no group in common and in which the shares of classes are as even as groups allow.

    Parameters
    ----------
    n_splits : int, default 5
        Folds, at least 2 and at most as many as groups. None is empty.
    rng : None, int, SeedSequence, BitGenerator or Generator
        The seed. With an integer each call of ``split`` gives the same folds.

    Raises
    ------
    ValueError
        If there are fewer than 2 folds; in ``split``, if there are more of them than groups.
    TypeError
        In ``split``, if ``y`` or ``groups`` are not given.

    Examples
    --------
    >>> import aliquot as aq
    >>> folds = aq.StratifiedGroupKFold(2, rng=7)
    >>> [test.tolist() for train, test in folds.split([[0]] * 6, [0, 1, 0, 1, 0, 1], [1, 1, 2, 2, 3, 3])]
    [[0, 1, 2, 3], [4, 5]]
    """

    _needs_y = True
    _needs_groups = True


class StratifiedShuffleSplit(_Splits):
    """Splits at random, again and again, in which each class has its share, to within a row.

    Parameters
    ----------
    n_splits : int, default 10
        Splits.
    test_size : float or int, optional
        Share or rows to test on. A tenth by default, or what ``train_size`` leaves.
    train_size : float or int, optional
        Share or rows to train on. All others by default.
    rng : None, int, SeedSequence, BitGenerator or Generator
        The seed. With an integer each call of ``split`` gives the same splits.

    Raises
    ------
    ValueError
        If there are no splits, or a size is neither a share nor rows; in ``split``, if either side would have no
        rows, or both more than there are.
    TypeError
        In ``split``, if ``y`` is not given.

    Examples
    --------
    >>> import aliquot as aq
    >>> splits = aq.StratifiedShuffleSplit(3, test_size=2, rng=7)
    >>> [test.tolist() for train, test in splits.split([[0]] * 6, ["a", "b", "a", "b", "a", "b"])]
    [[2, 5], [0, 3], [0, 5]]
    """

    def __init__(
        self,
        n_splits: int = 10,
        *,
        test_size: float | int | None = None,
        train_size: float | int | None = None,
        rng: _rng.RNG = None,
    ) -> None:
        self.n_splits = check_count("n_splits", n_splits)
        if self.n_splits < 1:
            raise ValueError(f"n_splits: must be at least 1, got {self.n_splits}")
        self.test_size = 0.1 if test_size is None and train_size is None else test_size
        self.train_size = train_size
        self.rng = rng
        for name, size in (("test_size", self.test_size), ("train_size", train_size)):
            if size is not None:
                _rows_of(name, size, 0)

    def _rows(self, n: int, y: Any, groups: Any) -> Iterator[TrainTest]:
        strata = _given("y", y)
        test = None if self.test_size is None else _rows_of("test_size", self.test_size, n)
        train = None if self.train_size is None else _rows_of("train_size", self.train_size, n)
        test = n - train if test is None and train is not None else test
        train = n - test if train is None and test is not None else train
        assert train is not None
        assert test is not None
        if min(train, test) < 1 or train + test > n:
            raise ValueError(f"test_size: must leave rows to train and to test on, got {train} and {test} of {n}")
        seed = _rng.seed_of(self.rng)
        for i in range(self.n_splits):
            sequence = np.random.SeedSequence(seed, spawn_key=(i,))
            parts = split_indices(n, {"train": train, "test": test, "rest": None}, strata=strata, rng=sequence)
            yield parts["train"], parts["test"]

    def __repr__(self) -> str:
        return (
            f"StratifiedShuffleSplit(n_splits={self.n_splits}, test_size={self.test_size}, "
            f"train_size={self.train_size}, rng={self.rng!r})"
        )


def _given(name: str, value: Any) -> Any:
    if value is None:
        raise TypeError(f"{name}: must be given, got {describe(value)}")
    return value


def _num_rows(X: Any, y: Any) -> int:  # noqa: N803
    rows = X if X is not None else _given("X", y)
    return int(rows.shape[0]) if hasattr(rows, "shape") else len(rows)


def _rows_of(name: str, size: float | int, n: int) -> int:
    if isinstance(size, float):
        return rows_of_fraction(check_fraction(name, size), n)
    return check_count(name, size)
