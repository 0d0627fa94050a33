"""``aliquot bench``: how fast this build is on this machine, beside numpy, pyarrow and the floor.

A small part of the benchmarks of the repository, with the peers that are there wherever aliquot is.
"""

import argparse
import os
import tempfile
from collections.abc import Callable
from itertools import count
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import aliquot as aq
from aliquot import _timing
from aliquot._checks import check_count
from aliquot._timing import Group

SEEDS = count(7)
"""One for each draw that is timed: with the same one again, branch predictors learn small samples by heart."""
GROUP_ROWS = 100_000
OUTCOMES = 1000


def run(arguments: argparse.Namespace) -> None:
    """Time every group, and print."""
    rows = _above_zero("--rows", arguments.rows)
    rounds = _above_zero("--rounds", arguments.rounds)
    with tempfile.TemporaryDirectory(prefix="aliquot-bench-") as directory:
        path = os.path.join(directory, "bench.parquet")
        for group in groups(rows, path):
            _timing.show(group, _timing.run(group, rounds))


def groups(rows: int, path: str) -> list[Group]:
    """The groups at this many rows; a Parquet file of them is written to ``path``."""
    random = np.random.default_rng(7)
    weights = random.lognormal(0, 2, rows)
    table = pa.table({"id": np.arange(rows), "weight": weights})
    pq.write_table(table, path, row_group_size=GROUP_ROWS)
    size = min(1000, rows)
    many = max(rows // 10, size)
    picked = np.sort(random.choice(rows, size, replace=False))
    alias, shares = aq.AliasTable(weights[:OUTCOMES]), weights[:OUTCOMES] / weights[:OUTCOMES].sum()
    words, outcomes = np.empty(many), len(alias)
    file_bytes = os.path.getsize(path)
    return [
        Group(
            f"draw {many:,} of {rows:,} row numbers",
            many,
            _has_length(many),
            {
                "aliquot": lambda: aq.sample_indices(rows, many, rng=next(SEEDS)),
                "numpy choice": lambda: random.choice(rows, many, replace=False, shuffle=False),
            },
            {"floor: random numbers": lambda: random.random(out=words)},
            row_bytes=8,
        ),
        Group(
            f"weighted, {size:,} of {rows:,} row numbers",
            rows,
            _has_length(size),
            {
                "aliquot": lambda: aq.sample_indices(rows, size, weights=weights, rng=next(SEEDS)),
                "numpy, a key a row": lambda: np.argpartition(random.standard_exponential(rows) / weights, size)[:size],
            },
            {"floor: sum of weights": weights.sum},
            row_bytes=8,
        ),
        Group(
            f"draw {many:,} times from {outcomes:,} outcomes",
            many,
            _has_length(many),
            {
                "aliquot": lambda: alias.draw(many, rng=next(SEEDS)),
                "numpy choice": lambda: random.choice(outcomes, many, p=shares),
            },
            {"floor: random numbers": lambda: random.random(out=words)},
            row_bytes=8,
        ),
        Group(
            f"sample {size:,} of {rows:,} rows in memory",
            rows,
            _has_length(size),
            {
                "aliquot": lambda: aq.sample(table, size, rng=next(SEEDS)),
                "pyarrow take": lambda: table.take(np.sort(random.choice(rows, size, replace=False))),
            },
            {"floor: take": lambda: table.take(picked)},
            row_bytes=16,
        ),
        Group(
            f"sample {size:,} of {rows:,} rows in Parquet",
            rows,
            _has_length(size),
            {
                "aliquot": lambda: aq.sample(path, size, rng=next(SEEDS)),
                "pyarrow read, take": lambda: pq.read_table(path).take(picked),
            },
            {"floor: read the file": lambda: _read(path)},
            row_bytes=file_bytes / rows,
        ),
    ]


def _above_zero(name: str, value: int) -> int:
    """``value`` as a number of which there must be one at least."""
    if check_count(name, value) == 0:
        raise ValueError(f"{name}: must be above 0, got 0")
    return value


def _has_length(size: int) -> Callable[[Any], None]:
    def check(answer: Any) -> None:
        assert len(answer) == size

    return check


def _read(path: str) -> int:
    with open(path, "rb") as file:
        return len(file.read())
