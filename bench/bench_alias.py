"""Alias tables: how long they take to make, and draws from them."""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pytest_benchmark.fixture import BenchmarkFixture
from scipy.stats.sampling import DiscreteAliasUrn

import aliquot as aq
import baselines
import data
import floors
from data import SEEDS, SIZES
from groups import Group, each_contestant, has_length, measure, short

MOST_FOR_PEERS = 10**7
"""Outcomes. numpy sums all probabilities at every call; both would need minutes and gigabytes beyond."""


@cache
def _table(kind: str, n: int) -> aq.AliasTable:
    return aq.AliasTable(data.weights(kind, n))


@cache
def _urn(n: int) -> DiscreteAliasUrn:
    return baselines.scipy_urn(data.weights("uniform", n))


@cache
def _probabilities(n: int) -> NDArray[np.float64]:
    weights = data.weights("uniform", n)
    return weights / weights.sum()


def _is_table(answer: Any) -> None:
    assert isinstance(answer, aq.AliasTable | DiscreteAliasUrn)


def build_table(n: int, kind: str) -> Group:
    """A table of all weights."""

    def build() -> aq.AliasTable:
        return aq.AliasTable(data.weights(kind, n))

    contestants: dict[str, Callable[[], Any]] = {"aliquot": build}
    if n <= MOST_FOR_PEERS and kind == "uniform":
        contestants["scipy DiscreteAliasUrn"] = lambda: baselines.scipy_urn(data.weights(kind, n))
    return Group(
        f"alias table of {short(n)}, {kind}",
        n,
        _is_table,
        contestants,
        {"floor: sum of weights": lambda: float(np.sum(data.weights(kind, n)))},
        row_bytes=8,
    )


def draw_outcomes(n: int) -> Group:
    """Draws from a table that is there, into memory that is there."""
    k = SIZES.outcomes
    out = np.empty(k, np.int64)
    contestants: dict[str, Callable[[], Any]] = {
        "aliquot": lambda: _table("uniform", n).draw(out=out, rng=next(SEEDS)),
    }
    if n <= MOST_FOR_PEERS:
        contestants["numpy choice(p=)"] = lambda: baselines.numpy_outcomes(_probabilities(n), k)
        contestants["scipy DiscreteAliasUrn"] = lambda: _urn(n).rvs(k)
    return Group(
        f"{short(k)} draws of {short(n)} outcomes",
        k,
        has_length(k),
        contestants,
        {
            "floor: random numbers": lambda: floors.fill_random(k),
            "floor: random reads": lambda: floors.read_random(n, k),
        },
        row_bytes=8,
        headline=n == 10**6,
    )


BUILT = [
    *(build_table(n, "uniform") for n in SIZES.tables),
    *(build_table(SIZES.tables[-2], kind) for kind in ("lognormal", "pareto", "one giant", "sorted")),
]
DRAWN = [draw_outcomes(n) for n in SIZES.tables]
GROUPS = [*BUILT, *DRAWN]


@each_contestant(BUILT)
def bench_build_table(benchmark: BenchmarkFixture, group: Group, name: str) -> None:
    measure(benchmark, group, name)


@each_contestant(DRAWN)
def bench_draw_outcomes(benchmark: BenchmarkFixture, group: Group, name: str) -> None:
    measure(benchmark, group, name)
