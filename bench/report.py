"""Times the groups and prints ratios: ``python bench/report.py [sampling reservoir weighted parquet] [--rounds N]``.

On a machine that others use, absolute times spread by a third from run to run. So ours and a peer take turns, A B B A,
which cancels what drifts slowly, and what counts is the ratio of their times.
"""

import argparse
import gc
import json
import platform
from collections.abc import Iterable
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from data import SIZES, SMALL
from groups import Group, Task

STEMS = ("sampling", "reservoir", "weighted", "parquet")
PACKAGES = ("aliquot", "numpy", "pyarrow", "duckdb", "polars", "pandas", "datasketches")
RESULTS = Path(__file__).parent / "results"
SHORTEST = 0.02
"""Seconds that a timing takes at the least, by repeating what is quicker: far above the clock's grain."""


def seconds(task: Task, calls: int) -> float:
    """Seconds for each of some calls in a row."""
    start = perf_counter()
    for _ in range(calls):
        task()
    return (perf_counter() - start) / calls


def calls_for(task: Task) -> int:
    """How many calls last ``SHORTEST``."""
    once = seconds(task, 1)
    return 1 if once >= SHORTEST else round(SHORTEST / min(once, seconds(task, 1))) or 1


def run(group: Group, rounds: int) -> dict[str, dict[str, Any]]:
    """Time and ratio of everything in a group, by name."""
    tasks = group.tasks
    for name in tasks:
        group.warm(name)
    calls = {name: calls_for(task) for name, task in tasks.items()}
    times: dict[str, list[float]] = {name: [] for name in tasks}
    ratios: dict[str, list[float]] = {name: [] for name in tasks if name != group.ours}
    for _ in range(rounds):
        for name, of_pairs in ratios.items():
            gc.collect()
            order = (group.ours, name, name, group.ours)
            ours, theirs, again, ours_again = (seconds(tasks[each], calls[each]) for each in order)
            times[group.ours] += [ours, ours_again]
            times[name] += [theirs, again]
            of_pairs.append((theirs + again) / (ours + ours_again))
    ratios[group.ours] = [1.0]
    return {
        name: {
            "median_ms": rounded(1e3 * median(times[name])),
            "ns_per_row": rounded(1e9 * median(times[name]) / group.rows),
            "rows_per_s": rounded(group.rows / median(times[name])),
            "ratio": rounded(median(ratios[name])),
            "ratio_range": [rounded(min(ratios[name])), rounded(max(ratios[name]))],
        }
        for name in tasks
    }


def rounded(value: float) -> float:
    """Four digits, which is more than is repeatable."""
    return float(f"{value:.4g}")


def show(group: Group, results: dict[str, dict[str, Any]]) -> None:
    """Print a table."""
    print(f"\n{group.name}\n{'':26}{'ms':>12}{'ns/row':>12}{'rows/s':>12}{'time / ours':>13}   (lowest - highest)")
    for name, each in results.items():
        low, high = each["ratio_range"]
        figures = "".join(f"{each[key]:>12.4g}" for key in ("median_ms", "ns_per_row", "rows_per_s"))
        print(f"{name:26}{figures}{each['ratio']:>13.3g}   ({low:.3g} - {high:.3g})", flush=True)


def cpu_model() -> str:
    """The processor's name, which ``platform`` does not know on Linux."""
    info = Path("/proc/cpuinfo")
    lines: Iterable[str] = info.read_text().splitlines() if info.exists() else ()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine())


def main() -> None:
    """Run the groups of the files asked for; write what was measured unless the data were the small ones."""
    parser = argparse.ArgumentParser(description="Time aliquot, its peers and the floors in turns, and print ratios.")
    parser.add_argument("stems", nargs="*", choices=STEMS, metavar="stem", help=", ".join(STEMS) + "; all if none")
    parser.add_argument("--rounds", type=int, default=5, help="turns A B B A with each peer")
    asked = parser.parse_args()
    for stem in asked.stems or STEMS:
        groups: list[Group] = import_module(f"bench_{stem}").GROUPS
        report: dict[str, Any] = {
            "command": f"python bench/report.py {stem} --rounds {asked.rounds}",
            "cpu": cpu_model(),
            "python": platform.python_version(),
            "packages": {name: version(name) for name in PACKAGES},
            "groups": [],
        }
        for group in groups:
            results = run(group, asked.rounds)
            show(group, results)
            report["groups"].append({"name": group.name, "rows": group.rows, "ours": group.ours, "results": results})
            # After each group, so that a run cut short leaves what it measured.
            if SIZES is not SMALL:
                RESULTS.mkdir(exist_ok=True)
                (RESULTS / f"bench_{stem}.json").write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
