"""Times ours against others, in turns: what ``aliquot bench`` and the benchmarks of the repository measure with.

On a machine that others use, absolute times spread by a third from run to run. So ours and a peer take turns, A B B A,
which cancels what drifts slowly, and what counts is the ratio of their times.
"""

import ctypes
import gc
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import pyarrow as pa

Task = Callable[[], Any]

SHORTEST = 0.02
"""Seconds that a timing takes at the least, by repeating what is quicker: far above the clock's grain."""


@dataclass(frozen=True)
class Group:
    """One task at one size.

    ``rows`` is what the task's time is divided by: rows drawn if only numbers are drawn, rows seen otherwise. Floors do
    less than the task, so their answers are not checked. ``row_bytes``: bytes of a row that the task reads or makes, if
    there are any. A ``headline`` group goes to the README.
    """

    name: str
    rows: int
    check: Callable[[Any], None]
    contestants: Mapping[str, Task]
    floors: Mapping[str, Task] = field(default_factory=dict)
    ours: str = "aliquot"
    row_bytes: float | Callable[[], float] = 0.0
    headline: bool = False

    @property
    def tasks(self) -> dict[str, Task]:
        """All there is to time, ours first."""
        return {self.ours: self.contestants[self.ours], **self.contestants, **self.floors}

    def warm(self, name: str) -> None:
        """Do the task once, which makes its data, and assert that the answer is right."""
        answer = self.tasks[name]()
        if name in self.contestants:
            self.check(answer)


@dataclass(frozen=True)
class Measured:
    """What was measured of one contestant: seconds a call, of every timing, and its ratio to ours, of every turn."""

    seconds: list[float]
    ratios: list[float]
    peak: int | None
    rows: int
    row_bytes: float

    @property
    def figures(self) -> dict[str, float]:
        """The same as figures, four digits each, which is more than is repeatable."""
        typical = median(self.seconds)
        figures = {
            "median_ms": 1e3 * typical,
            "ns_per_row": 1e9 * typical / self.rows,
            "rows_per_s": self.rows / typical,
            "ratio": median(self.ratios),
            "ratio_low": min(self.ratios),
            "ratio_high": max(self.ratios),
        }
        if self.row_bytes:
            figures["gb_per_s"] = 1e-9 * self.rows * self.row_bytes / typical
        if self.peak is not None:
            figures["peak_mb"] = 1e-6 * self.peak
        return {name: float(f"{value:.4g}") for name, value in figures.items()}


def run(group: Group, rounds: int) -> dict[str, Measured]:
    """What is measured of everything in a group, by name."""
    tasks = group.tasks
    peaks = {}
    for name, task in tasks.items():
        group.warm(name)
        peaks[name] = peak_bytes(task)
    calls = {name: _calls_for(task) for name, task in tasks.items()}
    times: dict[str, list[float]] = {name: [] for name in tasks}
    ratios: dict[str, list[float]] = {name: [] for name in tasks if name != group.ours}
    for _ in range(rounds):
        for name, of_turns in ratios.items():
            gc.collect()
            order = (group.ours, name, name, group.ours)
            ours, theirs, again, ours_again = (_seconds(tasks[each], calls[each]) for each in order)
            times[group.ours] += [ours, ours_again]
            times[name] += [theirs, again]
            of_turns.append((theirs + again) / (ours + ours_again))
        if not ratios:
            times[group.ours].append(_seconds(tasks[group.ours], calls[group.ours]))
    ratios[group.ours] = [1.0]
    row_bytes = group.row_bytes() if callable(group.row_bytes) else group.row_bytes
    return {name: Measured(times[name], ratios[name], peaks[name], group.rows, row_bytes) for name in tasks}


COLUMNS = {
    "median_ms": "ms",
    "ns_per_row": "ns/row",
    "rows_per_s": "rows/s",
    "gb_per_s": "GB/s",
    "peak_mb": "peak MB",
    "ratio": "time / ours",
}


def show(group: Group, measured: Mapping[str, Measured]) -> None:
    """Print a table. What a floor takes of our time is our share of it."""
    print(f"\n{group.name}\n{'':28}" + "".join(f"{title:>12}" for title in COLUMNS.values()) + "   (lowest - highest)")
    for name, each in measured.items():
        figures = each.figures
        row = "".join(f"{figures[key]:>12.4g}" if key in figures else f"{'':12}" for key in COLUMNS)
        share = f"  share of the floor {figures['ratio']:.0%}" if name in group.floors else ""
        print(f"{name:28}{row}   ({figures['ratio_low']:.3g} - {figures['ratio_high']:.3g}){share}", flush=True)


def _seconds(task: Task, calls: int) -> float:
    start = perf_counter()
    for _ in range(calls):
        task()
    return (perf_counter() - start) / calls


def _calls_for(task: Task) -> int:
    """How many calls last ``SHORTEST``."""
    once = _seconds(task, 1)
    return 1 if once >= SHORTEST else round(SHORTEST / min(once, _seconds(task, 1))) or 1


def peak_bytes(task: Task) -> int | None:
    """Bytes by which the memory of the process grew at most during one call; None where the system does not say."""
    status, reset = Path("/proc/self/status"), Path("/proc/self/clear_refs")
    if not reset.exists():  # not Linux
        return None

    def resident(name: str) -> int:
        line = next(line for line in status.read_text().splitlines() if line.startswith(name))
        return int(line.split()[1]) * 1024

    gc.collect()
    pa.default_memory_pool().release_unused()  # or pages kept from earlier would serve again, unseen
    ctypes.CDLL(None).malloc_trim(0)
    reset.write_text("5")  # the high-water mark starts anew
    before = resident("VmRSS")
    answer = task()
    peak = resident("VmHWM")
    del answer
    return max(peak - before, 0)
