"""Row numbers of a sample, when the number of rows is known."""

from pytest_benchmark.fixture import BenchmarkFixture

import aliquot as aq
import baselines
import floors
from data import SEEDS, SIZES
from groups import Group, are_row_numbers, each_contestant, measure, short

RANDOM_SAMPLE_DRAWS = 1_000_000
"""Above this, a list and a set of Python integers take seconds and gigabytes."""


def draw_row_numbers(k: int, n: int, peer_n: int) -> Group:
    """k of n rows; the peers draw from ``peer_n``."""
    contestants = {
        "aliquot": lambda: aq.sample_indices(n, k, rng=next(SEEDS)),
        "numpy choice": lambda: baselines.numpy_choice(peer_n, k),
        "numpy choice, unshuffled": lambda: baselines.numpy_choice(peer_n, k, shuffle=False),
    }
    if k <= RANDOM_SAMPLE_DRAWS:
        contestants["random.sample"] = lambda: baselines.random_sample(peer_n, k)
    name = f"draw {short(k)} of {short(n)}" + (f", peers of {short(peer_n)}" if peer_n != n else "")
    return Group(
        name,
        k,
        are_row_numbers(k, n),
        contestants,
        {"floor: random numbers": lambda: floors.fill_random(k)},
        row_bytes=8,
        headline=(k, n, peer_n) == (1_000_000, 10**9, 10**9),
    )


# The last: numpy's hash set of rows is as large for either n, so this shows what n itself costs.
FAR_DRAW, FAR_ROWS = SIZES.far_draw
GROUPS = [*(draw_row_numbers(k, n, n) for k, n in SIZES.draws), draw_row_numbers(FAR_DRAW, FAR_ROWS, FAR_ROWS // 10)]


@each_contestant(GROUPS)
def bench_draw_row_numbers(benchmark: BenchmarkFixture, group: Group, name: str) -> None:
    measure(benchmark, group, name)
