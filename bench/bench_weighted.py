"""Weighted samples without replacement, from weights in memory."""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import polars as pl
from pytest_benchmark.fixture import BenchmarkFixture

import aliquot as aq
import baselines
import data
from data import SEEDS, SIZES
from groups import Group, each_contestant, has_length, measure, short

KINDS = ("uniform", "lognormal", "pareto", "one giant", "sorted")


def has_size(k: int) -> Callable[[Any], None]:
    """A check that there are k rows, in an array or a sketch."""

    def check(answer: Any) -> None:
        assert getattr(answer, "num_samples", len(answer) if hasattr(answer, "__len__") else None) == k

    return check


@cache
def _frame(kind: str) -> pl.DataFrame:
    weights = data.weights(kind, SIZES.weights)
    return pl.DataFrame({"row": np.arange(len(weights)), "w": weights})


def draw_weighted(k: int, kind: str) -> Group:
    """k of all rows by successive sampling. The peers need every key in memory."""
    n = SIZES.weights
    weights = data.weights(kind, n)
    contestants = {
        "aliquot": lambda: aq.sample_indices(n, k, weights=weights, rng=next(SEEDS)),
        "aliquot, priority": lambda: aq.sample_indices(n, k, weights=weights, design="priority", rng=next(SEEDS)),
        "numpy, a key a row": lambda: baselines.numpy_weighted(weights, k),
    }
    if kind == KINDS[0]:
        contestants["duckdb, a key a row"] = lambda: baselines.duckdb_weighted(_frame(kind), k)
        contestants["polars, a key a row"] = lambda: baselines.polars_weighted(_frame(kind), k)
    return Group(
        f"weighted {short(k)} of {short(n)}, {kind}",
        n,
        has_length(k),
        contestants,
        {"floor: sum of weights": lambda: float(np.sum(weights))},
        row_bytes=8,
        headline=(kind, k) == ("lognormal", 100_000),
    )


def draw_weighted_item_by_item(k: int) -> Group:
    """k of fewer rows, for a peer that takes them one at a time."""
    n = SIZES.sketch_weights
    weights = data.weights("uniform", n)
    return Group(
        f"weighted {short(k)} of {short(n)}, item by item",
        n,
        has_size(k),
        {
            "aliquot": lambda: aq.sample_indices(n, k, weights=weights, rng=next(SEEDS)),
            "datasketches var_opt": lambda: baselines.sketch_weighted(weights, k),
        },
        {"floor: sum of weights": lambda: float(np.sum(weights))},
    )


WEIGHTED = [draw_weighted(k, kind) for kind in KINDS for k in SIZES.weighted_draws]
SKETCHED = [draw_weighted_item_by_item(k) for k in SIZES.weighted_draws[:2]]
GROUPS = [*WEIGHTED, *SKETCHED]


@each_contestant(GROUPS)
def bench_draw_weighted(benchmark: BenchmarkFixture, group: Group, name: str) -> None:
    measure(benchmark, group, name)
