"""What benchmark groups are made with. pytest-benchmark and report.py run the same groups."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from aliquot._timing import Group, Task

__all__ = ["Group", "Task", "are_row_numbers", "each_contestant", "has_length", "measure", "short"]


def has_length(k: int) -> Callable[[Any], None]:
    """A check that there are k rows, whatever holds them."""

    def check(answer: Any) -> None:
        assert len(answer) == k

    return check


def are_row_numbers(k: int, n: int) -> Callable[[Any], None]:
    """A check that these are k different row numbers below n."""

    def check(answer: Any) -> None:
        rows = np.unique(np.asarray(answer))
        assert len(answer) == len(rows) == k
        assert rows[0] >= 0
        assert rows[-1] < n

    return check


def each_contestant(groups: Iterable[Group]) -> pytest.MarkDecorator:
    """Run a benchmark function for everything there is to time in these groups."""
    cases = [pytest.param(group, name, id=f"{group.name}: {name}") for group in groups for name in group.tasks]
    return pytest.mark.parametrize(("group", "name"), cases)


def measure(benchmark: BenchmarkFixture, group: Group, name: str) -> None:
    """Time one contestant with pytest-benchmark."""
    group.warm(name)
    benchmark.group = group.name
    benchmark.extra_info["rows"] = group.rows
    benchmark(group.tasks[name])


def short(count: int) -> str:
    """A row count to be read: 50M, 1G."""
    for unit, letter in ((10**12, "T"), (10**9, "G"), (10**6, "M"), (10**3, "k")):
        if count % unit == 0:
            return f"{count // unit}{letter}"
    return str(count)
