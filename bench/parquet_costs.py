"""Measures what the constants of the Parquet reader say, in Python and C++: ``python bench/parquet_costs.py``."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter
from typing import Any
from unittest.mock import patch

import numpy as np
import pyarrow as pa
from pyarrow.fs import LocalFileSystem

from aliquot import plan, ranges
from aliquot._compression import Whole
from aliquot._files import FilePart
from aliquot._kernels.parquet_text import Text
from aliquot.pages import Rows
from aliquot.parquet import open_paths
from aliquot.plan import Way
from aliquot.ranges import Ranges
from aliquot.row_groups import Unit, read_rows
from data import ROW_GROUP_ROWS, paged_file

SHARES = (0.05, 0.2, 0.5)
GAPS = (4096, 16_384, 65_536, 262_144)
PARTS = (1, 4, 16, 64)
PREFIXES = (0.1, 0.5, 0.8, 1.0)
ZSTD = 6
TEXT_BYTES = 1 << 20
DELAY, BANDWIDTH = 0.03, 90e6
"""Seconds until a store answers, and bytes a second of a connection to it."""


def best(call: Callable[[], Any], times: int = 3) -> float:
    """Seconds of the quickest of some calls."""
    seconds = []
    for _ in range(times):
        start = perf_counter()
        call()
        seconds.append(perf_counter() - start)
    return min(seconds)


def scan_for_pick(path: str, share: float) -> dict[str, float]:
    """How many times as long it takes to scan a row group as to pick this share of its rows, by column."""
    source = open_paths(path)
    part = source._parts[0]
    layout = source._layouts.of(part)
    there = int(part.group_rows[0])
    rows = np.sort(np.random.default_rng(1).choice(there, int(share * there), replace=False))
    unit = Unit(part, [0], 0, Rows.of([rows]))

    def seconds(name: str, way: Way) -> float:
        def call() -> None:
            with source._ranges(layout) as opened:
                read_rows(opened, layout, unit, [name])

        with patch("aliquot.pages.choose", lambda rows, *_: np.full(rows.shape, way, np.int8)):
            return best(call)

    return {name: seconds(name, Way.SCAN) / seconds(name, Way.PAGES) for name in source.schema.names}


def apart_for_joined(path: str, gap: int) -> float:
    """How many times as long two reads take as one that spans the gap between them."""
    starts = np.random.default_rng(1).integers(0, os.path.getsize(path) - gap - 2000, 500).tolist()
    file = FilePart(LocalFileSystem(), path)
    with ThreadPoolExecutor(1) as pool, Ranges(file, pool) as source:

        def read(allowed: int) -> float:
            source.gap = allowed
            return best(
                lambda: [source.read_all([(at, at + 512), (at + gap + 512, at + gap + 1024)]) for at in starts], 5
            )

        return read(0) / read(gap)


def texts() -> dict[str, bytes]:
    """Of about a page: bytes that repeat none, hardly any, and all the time."""
    rng = np.random.default_rng(1)
    names: list[int] = rng.integers(0, 50_000, TEXT_BYTES // 15).tolist()
    return {
        "reals": rng.lognormal(3, 1, TEXT_BYTES // 8).tobytes(),
        "names": b"".join(b"\x0b\0\0\0item-%06d" % i for i in names),
        "integers": np.arange(TEXT_BYTES // 8).tobytes(),
    }


def whole_for_made(text: bytes, places: list[tuple[int, int]], *, alone: bool) -> float:
    """How many times as long pyarrow takes for all of a text as it takes to make some of it, alone or as a prefix."""
    codec = pa.Codec("zstd")
    frame, page = codec.compress(text, asbytes=True), Text(Whole())

    def make() -> None:
        page.open(ZSTD, frame, len(text))
        for begin, end in places:
            if not (page.part(begin, end) if alone else page.reach(end)):
                raise RuntimeError("frame: must be sound")

    return best(lambda: codec.decompress(frame, len(text)), 9) / best(make, 9)


def main() -> None:
    """Print all of it."""
    print(f"PICKED_VALUE = {plan.PICKED_VALUE}, READ_VALUE = {plan.READ_VALUE}: time to scan / time to pick")
    for path in (paged_file("zstd", index=True), paged_file("snappy", index=False)):
        for share in SHARES:
            found = scan_for_pick(path, share)
            shown = "  ".join(f"{name} {ratio:.2g}" for name, ratio in found.items())
            print(f"  {share:4.0%} of {ROW_GROUP_ROWS} rows, {os.path.basename(path).split('-')[0]}: {shown}")
    print("parquet_zstd.hpp: time of pyarrow for a text of 1 MiB / time to make as much of it")
    places = np.random.default_rng(1).integers(0, TEXT_BYTES // 8, max(PARTS)) * 8
    for kind, text in texts().items():
        made = {f"{share:.0%}": whole_for_made(text, [(0, int(share * len(text)))], alone=False) for share in PREFIXES}
        print(f"  {kind}: " + "  ".join(f"{share} {ratio:.2g}" for share, ratio in made.items()))
    print("most_parts = 16 in it: the same, of values of reals alone")
    for count in PARTS:
        some = [(at, at + 8) for at in places[:count].tolist()]
        print(f"  {count:3d} values: {whole_for_made(texts()['reals'], some, alone=True):.2g}")
    print(f"LOCAL_GAP = {ranges.LOCAL_GAP}: time of two reads / time of one across the gap")
    for gap in GAPS:
        print(f"  {gap:7d} bytes: {apart_for_joined(paged_file('zstd', index=True), gap):.2g}")
    carried = DELAY * BANDWIDTH
    print(
        f"REMOTE_GAP = {ranges.REMOTE_GAP}: in {DELAY} s a connection of {BANDWIDTH:.0f} bytes/s carries {carried:.0f}"
    )
    print(f"REMOTE_PIECE = {ranges.REMOTE_PIECE}: takes {ranges.REMOTE_PIECE / BANDWIDTH:.2f} s")


if __name__ == "__main__":
    main()
