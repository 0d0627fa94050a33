"""A benchmark group: one task, those who do it, and what a right answer is.

pytest-benchmark and report.py run the same groups.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

Task = Callable[[], Any]


@dataclass(frozen=True)
class Group:
    """One task at one size.

    ``rows`` is what the task's time is divided by: rows drawn if only numbers are drawn, rows seen otherwise. Floors do
    less than the task, so their answers are not checked.
    """

    name: str
    rows: int
    check: Callable[[Any], None]
    contestants: Mapping[str, Task]
    floors: Mapping[str, Task] = field(default_factory=dict)
    ours: str = "aliquot"

    @property
    def tasks(self) -> dict[str, Task]:
        """All there is to time, ours first."""
        return {self.ours: self.contestants[self.ours], **self.contestants, **self.floors}

    def warm(self, name: str) -> None:
        """Do the task once, which makes its data, and assert that the answer is right."""
        answer = self.tasks[name]()
        if name in self.contestants:
            self.check(answer)


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
