"""How cost grows: ``python bench/scaling.py``. Writes results/scaling.json, and the plots and slopes in docs/scale.md.

A slope is that of time against size, both as logarithms: 1 where cost is proportional, 0 where size does not matter.
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

import aliquot as aq
import data
import report
from aliquot._timing import Group, Task, run, show
from data import SEEDS
from groups import short
from tables import ROOT, filled, markdown

RESULTS = report.RESULTS / "scaling.json"
PAGE = ROOT / "docs" / "scale.md"
PLOT = PAGE.with_name("scaling.svg")
TITLES = ("task", "what grows", "from", "to", "times as large", "times as long", "slope", "slope of the last three")
PARTS = {"train": 0.8, "test": 0.2}
ROWS = 4_000_000


@dataclass(frozen=True)
class Sweep:
    """One task at several sizes."""

    name: str
    grows: str
    sizes: tuple[int, ...]
    task: Callable[[int], Task]


def stream(n: int) -> Task:
    """A reservoir of 1,000 over rows without columns."""

    def update() -> None:
        reservoir = aq.Reservoir(1_000, rng=next(SEEDS))
        for batch in data.batches_of_rows_alone(n):
            reservoir.update(batch)

    return update


def weighted(n: int) -> Task:
    return lambda: aq.sample_indices(n, 1_000, weights=data.weights("lognormal", n), rng=next(SEEDS))


def in_strata(strata: int) -> Task:
    return lambda: aq.sample_indices(ROWS, ROWS // 100, strata=data.labels(ROWS, strata), rng=next(SEEDS))


def split(classes: int) -> Task:
    return lambda: aq.split_indices(ROWS, PARTS, strata=data.labels(ROWS, classes), rng=next(SEEDS))


def draws(n: int) -> Task:
    table = aq.AliasTable(data.weights("lognormal", n))
    return lambda: table.draw(ROWS // 4, rng=next(SEEDS))


def matrix(classes: int) -> Task:
    """A confusion matrix of labels that are known beforehand, as integers."""
    y_true, y_pred = data.labelled("int64", classes, ROWS)

    def update() -> None:
        aq.ConfusionMatrix(labels=range(classes)).update(y_true, y_pred)

    return update


def curve(n: int) -> Task:
    y_true, y_score = data.scored("float32", n)

    def area() -> float:
        scored = aq.BinaryCurve()
        scored.update(y_true, y_score)
        return scored.roc_auc()

    return area


def files(count: int) -> Task:
    return lambda: aq.sample(data.small_files(count), 1_000, rng=next(SEEDS))


def powers(first: int, last: int, step: int = 1) -> tuple[int, ...]:
    """Powers of ten."""
    return tuple(10**exponent for exponent in range(first, last + 1, step))


SWEEPS = (
    Sweep("1k row numbers", "rows", powers(4, 12, 2), lambda n: lambda: aq.sample_indices(n, 1_000, rng=next(SEEDS))),
    Sweep(
        "row numbers of 1G", "rows drawn", powers(2, 7), lambda k: lambda: aq.sample_indices(10**9, k, rng=next(SEEDS))
    ),
    Sweep("reservoir of 1k, batches of 64k", "rows", powers(5, 9), stream),
    Sweep("1k rows by weight", "rows", powers(4, 7), weighted),
    Sweep("1 % of 4M rows", "strata", powers(1, 6), in_strata),
    Sweep("split of 4M rows", "classes", powers(1, 6), split),
    Sweep("1M alias draws", "outcomes", powers(1, 8), draws),
    Sweep("confusion matrix of 4M rows", "classes", powers(1, 6), matrix),
    Sweep("area under the curve", "rows", powers(4, 7), curve),
    Sweep("1k rows of Parquet", "files", (1, 4, 16, 64, 256), files),
)


def group_of(sweep: Sweep, size: int) -> Group:
    """One point of a sweep as a benchmark."""
    return Group(f"{sweep.name}: {short(size)} {sweep.grows}", size, lambda answer: None, {"aliquot": sweep.task(size)})


def slope(sizes: Sequence[float], times: Sequence[float]) -> float:
    """Of the line of least squares through the logarithms."""
    return float(np.polyfit(np.log(sizes), np.log(times), 1)[0])


def measured(sweeps: Sequence[Sweep], rounds: int) -> dict[str, Any]:
    """All points, in the format of pytest-benchmark."""
    found = report.document(f"python bench/scaling.py --rounds {rounds}")
    for sweep in sweeps:
        for size in sweep.sizes:
            group = group_of(sweep, size)
            figures = run(group, rounds)
            show(group, figures)
            (entry,) = report.entries(group, figures)
            entry |= {"group": sweep.name, "param": size}
            entry["extra_info"] |= {"grows": sweep.grows}
            found["benchmarks"].append(entry)
    return found


@dataclass(frozen=True)
class Line:
    """A sweep's times: the quickest of each size, in seconds."""

    name: str
    grows: str
    sizes: list[int]
    times: list[float]


def lines_of(document: dict[str, Any]) -> list[Line]:
    """What was measured, a line a sweep."""
    lines: dict[str, Line] = {}
    for each in document["benchmarks"]:
        line = lines.setdefault(each["group"], Line(each["group"], each["extra_info"]["grows"], [], []))
        line.sizes.append(each["param"])
        line.times.append(each["stats"]["min"])
    return list(lines.values())


def table_of(lines: Sequence[Line]) -> str:
    """How much longer the largest size takes than the smallest, and the slopes."""
    return markdown(
        TITLES,
        [
            (
                line.name,
                line.grows,
                f"{short(line.sizes[0])}, {1e3 * line.times[0]:.2g} ms",
                f"{short(line.sizes[-1])}, {1e3 * line.times[-1]:.2g} ms",
                f"{line.sizes[-1] / line.sizes[0]:,.0f}",
                f"{line.times[-1] / line.times[0]:,.2g}",
                f"{slope(line.sizes, line.times):.2f}",
                f"{slope(line.sizes[-3:], line.times[-3:]):.2f}",
            )
            for line in lines
        ],
    )


def plot(lines: Sequence[Line], path: Path) -> None:
    """One small plot a sweep, both axes logarithmic."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    # The same file for the same figures, with letters as text.
    mpl.rcParams.update({"svg.hashsalt": "aliquot", "svg.fonttype": "none"})
    columns = 5
    figure = Figure(figsize=(3 * columns, 2.8 * -(-len(lines) // columns)), layout="constrained")
    for place, line in enumerate(lines, 1):
        axes = figure.add_subplot(-(-len(lines) // columns), columns, place)
        milliseconds = 1e3 * np.array(line.times)
        axes.loglog(line.sizes, milliseconds, "o-", color="#1f5f8b")
        proportional = milliseconds[-1] * np.array(line.sizes) / line.sizes[-1]
        axes.loglog(line.sizes, proportional, ":", color="0.6")
        axes.set_ylim(milliseconds.min() / 3, milliseconds.max() * 3)
        axes.set_title(line.name, fontsize=9)
        axes.set_xlabel(line.grows, fontsize=8)
        axes.set_ylabel("ms", fontsize=8)
        axes.tick_params(labelsize=7)
    figure.savefig(path, metadata={"Date": None, "Creator": None})


def publish(document: dict[str, Any]) -> None:
    """Plots and slopes into the page."""
    lines = lines_of(document)
    plot(lines, PLOT)
    PAGE.write_text(filled(PAGE.read_text(), "scaling", table_of(lines)))


def main() -> int:
    """Measure all sweeps, and write what they say."""
    parser = argparse.ArgumentParser(description="Time every task at several sizes, and fit slopes.")
    parser.add_argument("--rounds", type=int, default=5, help="timings of each size; the quickest counts")
    asked = parser.parse_args()
    if data.SIZES is data.SMALL:
        small = [replace(sweep, sizes=sweep.sizes[:2]) for sweep in SWEEPS]
        print(table_of(lines_of(measured(small, asked.rounds))))
        return 0
    document = measured(SWEEPS, asked.rounds)
    RESULTS.write_text(json.dumps(document, indent=1) + "\n")
    publish(document)
    return 0


if __name__ == "__main__":
    sys.exit(main())
