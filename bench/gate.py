"""Is this revision slower than that one? ``python bench/gate.py BASE [--head REVISION]``.

Builds both, and compares the time of every kernel in turns, its instructions, the memory it takes, and the time that
importing takes. Prints a line a regression, and ends with status 1 if there is any.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from statistics import median

import numpy as np

import callgrind
import instructions
import sides
from kernels import KERNELS

TIME_LIMIT = 0.05
"""A kernel's time regressed if all of the ratio's interval is above 1 and this."""
CONFIDENCE = 0.99
ROUNDS = 15
TURN_SECONDS = 0.02
MEMORY_LIMIT = 0.10
MEMORY_GRAIN = 2 << 20
"""Bytes by which a peak moves with where the allocator happens to have free pages."""
IMPORT_LIMIT = 0.10
IMPORT_GRAIN = 0.005
IMPORTS = ("import aliquot", "from aliquot import sample")


def interval(ratios: Sequence[float], confidence: float = CONFIDENCE, resamples: int = 4000) -> tuple[float, float]:
    """A bootstrap interval of the median ratio."""
    resampled = np.random.default_rng(0).choice(np.asarray(ratios), (resamples, len(ratios)))
    low, high = np.quantile(np.median(resampled, axis=1), [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def compare_times(pair: Sequence[sides.Side]) -> list[str]:
    """Kernels whose time regressed. What looks so is measured once more, three times as long."""
    wrong = []
    for place, kernel in enumerate(KERNELS):
        once = [side.ask(kernel=place, calls=1) for side in pair]
        if None in once:
            print(f"{kernel.name:48} not in both")
            continue
        calls = max(round(TURN_SECONDS / min(side.ask(kernel=place, calls=3) for side in pair)), 1)
        for rounds in (ROUNDS, 3 * ROUNDS):
            ratios = sides.turns(pair, place, calls, rounds)
            low, high = interval(ratios)
            line = f"{kernel.name:48} time {median(ratios):.3f} ({low:.3f} - {high:.3f})"
            if low <= 1 + TIME_LIMIT:
                break
        print(line, flush=True)
        if low > 1 + TIME_LIMIT:
            wrong.append(f"{line}, limit {1 + TIME_LIMIT}")
    return wrong


def compare_peaks(pair: Sequence[sides.Side]) -> list[str]:
    """Kernels that take more memory."""
    wrong = []
    for place, kernel in enumerate(KERNELS):
        peaks = [min(filter(None, (side.ask(kernel=place, peak=True) for _ in range(3))), default=0) for side in pair]
        line = f"{kernel.name:48} peak {peaks[0] / 1e6:.1f} -> {peaks[1] / 1e6:.1f} MB"
        print(line, flush=True)
        if peaks[1] > peaks[0] * (1 + MEMORY_LIMIT) + MEMORY_GRAIN:
            wrong.append(f"{line}, limit {MEMORY_LIMIT:+.0%} and {MEMORY_GRAIN >> 20} MiB")
    return wrong


def compare_imports(pythons: Sequence[str]) -> list[str]:
    """Statements that take longer to import what they need."""
    wrong = []
    for statement in IMPORTS:
        times: tuple[list[float], list[float]] = [], []
        for python in pythons:
            sides.import_seconds(python, statement)
        for _ in range(ROUNDS):
            for i in (0, 1, 1, 0):
                times[i].append(sides.import_seconds(pythons[i], statement))
        base, head = (min(of_side) for of_side in times)
        line = f"{statement:48} {1e3 * base:.0f} -> {1e3 * head:.0f} ms"
        print(line, flush=True)
        if head > base * (1 + IMPORT_LIMIT) + IMPORT_GRAIN:
            wrong.append(f"{line}, limit {IMPORT_LIMIT:+.0%} and {1e3 * IMPORT_GRAIN:.0f} ms")
    return wrong


def compare_counts(pythons: Sequence[str]) -> list[str]:
    """Kernels that take more instructions."""
    base, head = (callgrind.count(python, lenient=True) for python in pythons)
    both = {name: value for name, value in head.items() if name in base}
    for name, value in both.items():
        print(f"{name:48} instructions a row {base[name]:.3f} -> {value:.3f}")
    return instructions.compare({name: base[name] for name in both}, both, instructions.LIMIT)[0]


def main() -> int:
    """Compare, and print. Exit status 0 no regression, 1 some, 2 cannot."""
    parser = argparse.ArgumentParser(description="Compare the speed and memory of two revisions, built side by side.")
    parser.add_argument("base", help="revision to compare with")
    parser.add_argument("--head", default="HEAD", help="revision to judge (default: %(default)s)")
    asked = parser.parse_args()
    pythons = [sides.build(asked.base), sides.build(asked.head)]
    try:
        wrong = compare_counts(pythons)
    except callgrind.ToolMissingError as error:
        print(error, file=sys.stderr)
        return 2
    wrong += compare_imports(pythons)
    with sides.Side(pythons[0]) as base, sides.Side(pythons[1]) as head:
        wrong += compare_times((base, head))
        wrong += compare_peaks((base, head))
    for line in wrong:
        print(f"REGRESSION {line}", file=sys.stderr)
    print(f"{asked.base} -> {asked.head}: {len(wrong)} regressions")
    return 1 if wrong else 0


if __name__ == "__main__":
    os.environ.update(callgrind.SETTLED)
    sys.exit(main())
