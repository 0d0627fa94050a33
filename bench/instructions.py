"""Holds instructions a row against those in instructions.json: ``python bench/instructions.py [--record]``.

Counts belong to a compiler and a kind of processor, so they are recorded for each. Where none are recorded there is
nothing to hold them against, and this says so; ``make bench-gate BASE=<revision>`` compares two builds anywhere.
"""

import argparse
import json
import platform
import re
import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import callgrind
from aliquot._kernels import weighted

LIMIT = 0.02
"""More instructions than this share of those recorded are a regression. Without a change the difference is 0."""
RECORDED = Path(__file__).parent / "instructions.json"
PACKAGES = ("numpy", "pyarrow", "numba")


def toolchain() -> str:
    """What a count depends on: the compiler that built the kernels, the vector unit, the interpreter."""
    built_by = Path(weighted.__file__).read_bytes()
    found = re.search(rb"(clang) version (\d+\.\d+)", built_by) or re.search(rb"(GCC): \([^)]*\) (\d+\.\d+)", built_by)
    compiler = " ".join(part.decode().lower() for part in found.groups()) if found else "unknown compiler"
    info = Path("/proc/cpuinfo")
    vectors = " avx2" if info.exists() and " avx2" in info.read_text() else ""
    python = ".".join(platform.python_version_tuple()[:2])
    return f"{compiler}, {platform.machine()}{vectors}, {platform.python_implementation()} {python}"


def compare(recorded: Mapping[str, float], counted: Mapping[str, float], limit: float) -> tuple[list[str], list[str]]:
    """Regressions, and what else is worth saying: a line each."""
    wrong, notes = [], []
    for name, now in counted.items():
        if name not in recorded:
            wrong.append(f"{name}: has no recorded count; {now:.3f} instructions a row now")
            continue
        change = now / recorded[name] - 1
        line = f"{name}: {recorded[name]:.3f} -> {now:.3f} instructions a row, {change:+.1%}, limit {limit:.0%}"
        if change > limit:
            wrong.append(line)
        elif change < -limit:
            notes.append(line)
    wrong += [f"{name}: is recorded, and no longer counted" for name in recorded if name not in counted]
    return wrong, notes


def main() -> int:
    """Count, then record or compare. Exit status 0 within the limit or nothing to compare with, 1 beyond, 2 cannot."""
    parser = argparse.ArgumentParser(description="Count instructions a row, and compare with those recorded.")
    parser.add_argument("--record", action="store_true", help="write the counts down as the ones to compare with")
    asked = parser.parse_args()
    try:
        counted = callgrind.count(sys.executable)
    except callgrind.ToolMissingError as error:
        print(error, file=sys.stderr)
        return 2
    key = toolchain()
    everything: dict[str, Any] = json.loads(RECORDED.read_text()) if RECORDED.exists() else {}
    packages = {name: version(name) for name in PACKAGES}
    print(f"instructions a row, {key}")
    for name, value in counted.items():
        print(f"{value:16.3f}  {name}")
    if asked.record:
        everything[key] = {"packages": packages, "per_row": {name: round(value, 4) for name, value in counted.items()}}
        RECORDED.write_text(json.dumps(everything, indent=2) + "\n")
        print(f"recorded in {RECORDED.name}")
        return 0
    if key not in everything:
        print(
            f"NOT CHECKED: nothing is recorded for {key}, only for {'; '.join(everything)}. To compare with another "
            "revision here: make bench-gate BASE=<revision>",
            file=sys.stderr,
        )
        return 0
    then = everything[key]["packages"]
    others = {name: f"{name} {then[name]} -> {packages[name]}" for name in PACKAGES if then[name] != packages[name]}
    for kernel in callgrind.KERNELS:
        if kernel.compiled_by in others:
            print(f"NOT CHECKED: {kernel.name}: {others[kernel.compiled_by]}", file=sys.stderr)
            counted[kernel.name] = everything[key]["per_row"][kernel.name]
    wrong, notes = compare(everything[key]["per_row"], counted, LIMIT)
    for note in notes:
        print(f"better: {note}; `make bench-record` makes it the new mark")
    for line in wrong:
        print(f"REGRESSION {line}", file=sys.stderr)
    if wrong:
        if others:
            print(f"packages are others than recorded: {'; '.join(others.values())}", file=sys.stderr)
        print("if this is meant: `make bench-record`, and say why in the commit", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
