"""What is read for given rows, and how: decided where pages are known and no value has been read."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from aliquot._kernels.parquet_pages import Pages
from aliquot.ranges import Stretch

PICKED_VALUE = 4
"""What it costs to pick a value out of a page, decoding a value in passing being 1.

Measured on six columns, snappy and zstd: to scan takes 1.5 - 17 times as long as to pick 5 % of all rows, 0.8 - 6 times
at 20 %, 0.5 - 2 times at 50 % (``python bench/parquet_costs.py``, as for the constants of ``ranges``).
"""

READ_VALUE = 1
"""What it costs to read and decompress a value, at least: with zstd more."""


Counts: TypeAlias = NDArray[np.int64]
"""Of shape (row groups, columns), unless said otherwise."""


class Way(IntEnum):
    """How the rows of a column of a row group are come by."""

    PAGES = 0
    """The pages that hold them are read and decoded."""
    CHUNK = 1
    """All pages are read, as only their headers tell which ones hold them; those are decoded."""
    SCAN = 2
    """pyarrow reads and decodes all rows, of which they are taken."""


def choose(rows: Any, group_rows: Any, hit_share: Any) -> NDArray[np.int8]:
    """The cheaper ways to some rows of row groups that lie in pages of this share of a column chunk's bytes."""
    picking = READ_VALUE * hit_share * group_rows + PICKED_VALUE * rows
    return np.where(picking <= (READ_VALUE + 1) * group_rows, Way.PAGES, Way.SCAN).astype(np.int8)


@dataclass
class GroupsPlan:
    """Rows of some row groups of a file: ``rows`` of each. Pages were found for them, but under ``Way.CHUNK``."""

    names: Sequence[str]
    rows: Counts
    ways: NDArray[np.int8]
    chunk_bytes: Counts
    pages: Pages

    def stretches(self, at: int, gap: int) -> list[Stretch]:
        """Those to read of a column chunk, but for the dictionary page: whether it is needed, pages tell."""
        way = self.ways.flat[at]
        if way == Way.SCAN:
            return []
        return self.pages.stretches(at, gap) if way == Way.PAGES else [self.pages.extent(at)]

    def dictionary(self, at: int) -> list[Stretch]:
        """Where the dictionary page is, if there is one and pages are read alone."""
        first, last = self.pages.dictionary_extent(at) if self.ways.flat[at] == Way.PAGES else (0, 0)
        return [(first, last)] if last > first else []

    @property
    def bytes(self) -> Counts:
        """To be read at most."""
        alone = self.pages.hit_bytes + self.pages.dictionary_bytes
        return np.where(self.ways == Way.PAGES, alone, self.chunk_bytes)


@dataclass
class ColumnTotal:
    """What the plan is for one column in all row groups that hold rows."""

    chunks: dict[Way, int] = field(default_factory=lambda: dict.fromkeys(Way, 0))
    pages: int = 0
    pages_there: int = 0
    bytes: int = 0
    bytes_there: int = 0


class Plan:
    """What is read of Parquet files for given rows: per column, in the row groups that hold any."""

    def __init__(self, columns: list[str], groups_there: int, bytes_there: int) -> None:
        self.columns = {name: ColumnTotal() for name in columns}
        self.rows = 0
        self.groups = 0
        self.groups_there = groups_there
        self.bytes_there = bytes_there

    def add(self, part: GroupsPlan) -> None:
        """Count some more row groups."""
        self.rows += int(part.rows.sum())
        self.groups += len(part.rows)
        there = np.where(part.ways == Way.CHUNK, 0, part.pages.num_pages)
        pages = np.where(part.ways == Way.PAGES, part.pages.num_hits, there)
        sums = np.stack([pages, there, part.bytes, part.chunk_bytes]).sum(axis=1).T.tolist()
        ways = np.stack([part.ways == way for way in Way]).sum(axis=1).T.tolist()
        for name, of_column, by_way in zip(part.names, sums, ways, strict=True):
            total = self.columns[name]
            total.pages += of_column[0]
            total.pages_there += of_column[1]
            total.bytes += of_column[2]
            total.bytes_there += of_column[3]
            for way, count in zip(Way, by_way, strict=True):
                total.chunks[way] += count

    def facts(self) -> dict[str, Any]:
        """Totals, for the provenance."""
        totals = self.columns.values()
        return {
            "rows": self.rows,
            "row_groups": self.groups,
            "row_groups_there": self.groups_there,
            "pages": sum(each.pages for each in totals),
            "pages_there": sum(each.pages_there for each in totals),
            "bytes": sum(each.bytes for each in totals),
            "bytes_there": self.bytes_there,
        }
