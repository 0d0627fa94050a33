"""Times the groups in turns and prints ratios: ``python bench/report.py [sampling reservoir ...] [--rounds N]``.

Results go to bench/results, in the format of pytest-benchmark, and the headlines among them to the README.
"""

import argparse
import json
import platform
import subprocess
import sys
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from importlib import import_module
from importlib.metadata import distributions, version
from pathlib import Path
from typing import Any

from pytest_benchmark import __version__ as format_version
from pytest_benchmark.stats import Stats

from aliquot._timing import Group, Measured, run, show
from data import SIZES, SMALL
from tables import ROOT, filled, markdown

STEMS = (
    "sampling",
    "reservoir",
    "weighted",
    "alias",
    "strata",
    "parquet",
    "ranking",
    "splitter",
    "splitting",
    "confusion",
    "evaluate",
)
PACKAGES = ("aliquot", "numpy", "pyarrow", "duckdb", "polars", "pandas", "datasketches", "scipy", "scikit-learn")
RESULTS = Path(__file__).parent / "results"
README = ROOT / "README.md"
TITLES = ("job", "rows/s", "ns a row", "time of peers / ours", "time of the floor / ours", "peak MB")


def entries(group: Group, measured: Mapping[str, Measured]) -> list[dict[str, Any]]:
    """A group's results as pytest-benchmark lists them."""
    listed = []
    for name, each in measured.items():
        stats = Stats()
        for seconds in each.seconds:
            stats.update(seconds)
        role = "ours" if name == group.ours else "floor" if name in group.floors else "peer"
        listed.append(
            {
                "group": group.name,
                "name": name,
                "fullname": f"{group.name}: {name}",
                "params": None,
                "param": None,
                "extra_info": {"role": role, "headline": group.headline, "rows": group.rows, **each.figures},
                "options": {},
                "stats": {**stats.as_dict(), "iterations": 1},
            }
        )
    return listed


def document(command: str) -> dict[str, Any]:
    """What there is to say of a run before anything is measured."""
    now = datetime.now(UTC)
    git = ["git", "-C", str(RESULTS.parent), "log", "-1", "--format=%H %cI"]
    installed = {each.name for each in distributions()}
    commit, _, time = subprocess.run(git, check=True, stdout=subprocess.PIPE, text=True).stdout.strip().partition(" ")
    return {
        "command": command,
        "machine_info": {
            "cpu": {"brand_raw": cpu_model()},
            "machine": platform.machine(),
            "python_version": platform.python_version(),
            "packages": {name: version(name) for name in PACKAGES if name in installed},
        },
        "commit_info": {"id": commit, "time": time, "dirty": False},
        "benchmarks": [],
        "datetime": now.isoformat(),
        "version": format_version,
    }


def cpu_model() -> str:
    """The processor's name, which ``platform`` does not know on Linux."""
    info = Path("/proc/cpuinfo")
    lines: Iterable[str] = info.read_text().splitlines() if info.exists() else ()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine())


def readme_table(results: Path = RESULTS) -> str:
    """The headlines of all results there are, as a Markdown table."""
    rows = []
    for path in sorted(results.glob("bench_*.json")):
        benchmarks = json.loads(path.read_text())["benchmarks"]
        for title in dict.fromkeys(each["group"] for each in benchmarks if each["extra_info"]["headline"]):
            of_group = {each["name"]: each["extra_info"] for each in benchmarks if each["group"] == title}
            ours = next(each for each in of_group.values() if each["role"] == "ours")
            others = {
                role: [(name, each["ratio"]) for name, each in of_group.items() if each["role"] == role]
                for role in ("peer", "floor")
            }
            peers = "; ".join(f"{name} {_two_digits(ratio)}x" for name, ratio in others["peer"])
            floors = "; ".join(
                f"{name.removeprefix('floor: ')} {_two_digits(ratio)}" for name, ratio in others["floor"]
            )
            peak = f"{ours['peak_mb']:.0f}" if "peak_mb" in ours else ""
            rows.append((title, f"{ours['rows_per_s']:.2g}", f"{ours['ns_per_row']:.2g}", peers, floors, peak))
    return markdown(TITLES, rows)


def _two_digits(value: float) -> str:
    return f"{float(f'{value:.2g}'):g}"


def main() -> int:
    """Run the groups of the files asked for; write what was measured unless the data were the small ones."""
    parser = argparse.ArgumentParser(description="Time aliquot, its peers and the floors in turns, and print ratios.")
    parser.add_argument("stems", nargs="*", metavar="stem", help=", ".join(STEMS) + "; all if none")
    parser.add_argument("--rounds", type=int, default=5, help="turns A B B A with each peer")
    parser.add_argument("--headlines", action="store_true", help="only the groups that the README shows")
    parser.add_argument("--readme", action="store_true", help="measure nothing; put what there is into the README")
    asked = parser.parse_args()
    if not {*asked.stems} <= {*STEMS}:
        parser.error(f"stem: must be of {', '.join(STEMS)}, got {' '.join(asked.stems)}")
    if asked.readme:
        README.write_text(filled(README.read_text(), "benchmarks", readme_table()))
        return 0
    for stem in asked.stems or STEMS:
        groups: list[Group] = import_module(f"bench_{stem}").GROUPS
        only = " --headlines" if asked.headlines else ""
        report = document(f"python bench/report.py {stem} --rounds {asked.rounds}{only}")
        for group in groups:
            if asked.headlines and not group.headline:
                continue
            measured = run(group, asked.rounds)
            show(group, measured)
            report["benchmarks"] += entries(group, measured)
            # After each group, so that a run cut short leaves what it measured.
            if SIZES is not SMALL:
                RESULTS.mkdir(exist_ok=True)
                (RESULTS / f"bench_{stem}.json").write_text(json.dumps(report, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
