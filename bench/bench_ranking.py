"""Areas under curves of labels and scores: exact and in bins, against those who sort everything."""

from collections.abc import Callable
from functools import cache

import numpy as np
from pytest_benchmark.fixture import BenchmarkFixture

import aliquot as aq
import baselines
import data
from data import BATCH_ROWS, SIZES
from groups import Group, each_contestant, measure, short


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


def is_area(kind: str, within: float) -> Callable[[float], None]:
    """A check that this is the area."""

    def check(answer: float) -> None:
        assert abs(answer - _area(kind)) <= within

    return check


def sort(kind: str) -> dict[str, Callable[[], object]]:
    """The floor for whoever must have scores in order."""
    return {"floor: sort the scores": lambda: np.sort(data.scored(kind, SIZES.scores)[1])}


def area(kind: str) -> Group:
    """The area under the ROC curve of all rows."""

    def of(peer: Callable[..., float]) -> Callable[[], float]:
        return lambda: peer(*data.scored(kind, SIZES.scores))

    contestants = {
        "aliquot": lambda: at_once(kind),
        "aliquot, in batches": lambda: in_batches(kind),
        "scikit-learn": of(baselines.sklearn_roc_auc),
        "numpy, sort and count": of(baselines.numpy_roc_auc),
        "polars, sort and count": of(baselines.polars_roc_auc),
    }
    name = f"ROC-AUC of {short(SIZES.scores)} {kind} scores"
    headline = kind == "float32"
    return Group(name, SIZES.scores, is_area(kind, 1e-9), contestants, sort(kind), headline=headline)


def binned_area(kind: str) -> Group:
    """The same in the memory of 1000 bins."""
    contestants = {"aliquot": lambda: in_batches(kind, bins=1000)}
    name = f"ROC-AUC of {short(SIZES.scores)} {kind} scores, 1000 bins"
    return Group(name, SIZES.scores, is_area(kind, 1e-3), contestants, sort(kind))


GROUPS = [*(area(kind) for kind in ("float32", "float64", "rounded")), binned_area("float32")]


@each_contestant(GROUPS)
def bench_area(benchmark: BenchmarkFixture, group: Group, name: str) -> None:
    measure(benchmark, group, name)
