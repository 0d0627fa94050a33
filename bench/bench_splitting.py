"""Row numbers of stratified parts and folds, with groups and without."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pytest_benchmark.fixture import BenchmarkFixture

import aliquot as aq
import baselines
import data
import floors
from data import SEEDS, SIZES
from groups import Group, each_contestant, measure, short

FOLDS = 5
SHARE = 0.8


def splits(n: int) -> Callable[[Any], None]:
    """A check that two arrays of rows hold each of n rows once, in the shares asked for."""

    def check(answer: Any) -> None:
        parts = list(answer.values()) if isinstance(answer, dict) else list(answer)
        assert len(parts) == 2
        assert abs(len(parts[0]) - SHARE * n) <= 0.01 * n
        assert len(np.unique(np.concatenate([np.asarray(part) for part in parts]))) == n

    return check


def folds(n: int) -> Callable[[NDArray[Any]], None]:
    """A check that each row has a fold."""

    def check(answer: NDArray[Any]) -> None:
        assert answer.shape == (n,)
        assert np.array_equal(np.unique(answer), np.arange(FOLDS))

    return check


def ours(labels: NDArray[np.int64]) -> dict[str, NDArray[np.int64]]:
    return aq.split_indices(len(labels), {"train": SHARE, "test": 1 - SHARE}, strata=labels, rng=next(SEEDS))


def split_strata(n: int, classes: int) -> Group:
    """Two parts, each class in its shares. Peers but scikit-learn round each class for itself."""
    labels = data.labels(n, classes)
    contestants = {
        "aliquot": lambda: ours(labels),
        "aliquot, strings": lambda: aq.split_indices(
            n, {"train": SHARE, "test": 1 - SHARE}, strata=data.names_of_labels(n, classes), rng=next(SEEDS)
        ),
        "scikit-learn": lambda: baselines.sklearn_split(labels, SHARE),
        "polars, shuffled over classes": lambda: baselines.polars_split(labels, SHARE),
        "duckdb, a window a class": lambda: baselines.duckdb_split(labels, SHARE),
        "pandas, a sample of each class": lambda: baselines.pandas_split(labels, SHARE),
    }
    if n < 10**5:
        del contestants["aliquot, strings"]
    if classes > 10**5:  # which take minutes
        del contestants["duckdb, a window a class"], contestants["pandas, a sample of each class"]
    return Group(
        f"split {short(n)} rows of {short(classes)} classes",
        n,
        splits(n),
        contestants,
        {"floor: read labels, write row numbers": lambda: floors.read_and_number(labels)},
        headline=classes == SIZES.splits[0][1] and n == SIZES.splits[0][0],
    )


def fold_strata(n: int, classes: int) -> Group:
    """Folds, each class shared out evenly."""
    labels = data.labels(n, classes)
    return Group(
        f"{FOLDS} folds of {short(n)} rows of {short(classes)} classes",
        n,
        folds(n),
        {
            "aliquot": lambda: aq.fold_indices(n, FOLDS, strata=labels, rng=next(SEEDS)),
            "scikit-learn": lambda: baselines.sklearn_folds(labels, FOLDS),
        },
        {"floor: read labels, write row numbers": lambda: floors.read_and_number(labels)},
    )


def fold_groups(n: int, groups: int, classes: int) -> Group:
    """Folds of whole groups, classes shared out evenly."""
    labels, of_rows = data.labels(n, classes), data.labels(n, groups)
    return Group(
        f"{FOLDS} folds of {short(n)} rows in {short(groups)} groups",
        n,
        folds(n),
        {
            "aliquot": lambda: aq.fold_indices(n, FOLDS, strata=labels, groups=of_rows, rng=next(SEEDS)),
            "scikit-learn": lambda: baselines.sklearn_group_folds(labels, of_rows, FOLDS),
        },
        {"floor: read labels, write row numbers": lambda: floors.read_and_number(labels)},
        headline=True,
    )


SPLITS = [split_strata(n, classes) for n, classes in SIZES.splits]
FOLDED = [fold_strata(*SIZES.splits[0]), fold_groups(*SIZES.grouped)]
GROUPS = [*SPLITS, *FOLDED]


@each_contestant(GROUPS)
def bench_split_rows(benchmark: BenchmarkFixture, group: Group, name: str) -> None:
    measure(benchmark, group, name)
