"""Areas under curves of labels and scores: exact and in bins, against those who sort everything."""

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray
from pytest_benchmark.fixture import BenchmarkFixture

import aliquot as aq
import baselines
import data
from data import BATCH_ROWS, SIZES
from groups import Group, each_contestant, measure, short


def is_area(expected: float, within: float) -> Callable[[float], None]:
    """A check that the area is the expected one."""

    def check(answer: float) -> None:
        assert abs(answer - expected) <= within

    return check


@cache
def _area(kind: str) -> float:
    return baselines.numpy_roc_auc(*data.scored(kind, SIZES.scores))


def at_once(kind: str) -> float:
    """The exact area of all rows in one update."""
    curve = aq.BinaryCurve()
    curve.update(*data.scored(kind, SIZES.scores))
    return curve.roc_auc()


def in_batches(kind: str, bins: int | None = None) -> float:
    """The area of a stream."""
    y_true, y_score = data.scored(kind, SIZES.scores)
    curve = aq.BinaryCurve(bins=bins)
    for start in range(0, len(y_score), BATCH_ROWS):
        curve.update(y_true[start : start + BATCH_ROWS], y_score[start : start + BATCH_ROWS])
    return curve.roc_auc()


def area(kind: str) -> Group:
    """The area under the ROC curve of all rows."""

    def scored() -> tuple[NDArray[np.bool_], NDArray[np.floating]]:
        return data.scored(kind, SIZES.scores)

    return Group(
        f"ROC-AUC of {short(SIZES.scores)} {kind} scores",
        SIZES.scores,
        lambda answer: is_area(_area(kind), 0.01)(answer),
        {
            "aliquot": lambda: at_once(kind),
            "aliquot, in batches": lambda: in_batches(kind),
            "aliquot, 1000 bins": lambda: in_batches(kind, bins=1000),
            "scikit-learn": lambda: baselines.sklearn_roc_auc(*scored()),
            "numpy, sort and count": lambda: baselines.numpy_roc_auc(*scored()),
            "polars, sort and count": lambda: baselines.polars_roc_auc(*scored()),
        },
        {"floor: sort the scores": lambda: np.sort(scored()[1])},
    )


GROUPS = [area(kind) for kind in ("float32", "float64", "rounded")]


@each_contestant(GROUPS)
def bench_area(benchmark: BenchmarkFixture, group: Group, name: str) -> None:
    measure(benchmark, group, name)
