"""What is read for given rows, and how: decided where pages are known and no value has been read."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from aliquot._kernels.parquet_pages import Pages
from aliquot.ranges import Stretch

PICKED_VALUE = 4
"""What it costs to pick a value out of a page, decoding a value in passing being 1.

Measured on six columns, snappy and zstd: to scan takes 1.5 - 17 times as long as to pick 5 % of all rows, 0.8 - 6 times
at 20 %, 0.5 - 2 times at 50 % (``python bench/parquet_costs.py``, as for the constants of ``ranges``).
"""

READ_VALUE = 1
"""What it costs to read and decompress a value, at least: with zstd more."""


class Way(StrEnum):
    """How the rows of a column of a row group are come by."""

    PAGES = "pages"
    """The pages that hold them are read and decoded."""
    CHUNK = "chunk"
    """All pages are read, as only their headers tell which ones hold them; those are decoded."""
    SCAN = "scan"
    """pyarrow reads and decodes all rows, of which they are taken."""


def choose(rows: int, group_rows: int, hit_share: float) -> Way:
    """The cheaper way to some rows of a row group that lie in pages of this share of a column chunk's bytes."""
    picking = READ_VALUE * hit_share * group_rows + PICKED_VALUE * rows
    return Way.PAGES if picking <= (READ_VALUE + 1) * group_rows else Way.SCAN


@dataclass
class ColumnPlan:
    """The rows of one column of a row group. ``pages`` were found for them, but under ``Way.CHUNK``."""

    name: str
    way: Way
    chunk_bytes: int
    pages: Pages | None = None

    def stretches(self, gap: int) -> list[Stretch]:
        """Those to read, but for the dictionary page: whether it is needed, pages tell."""
        if self.way is Way.SCAN or self.pages is None:
            return []
        return self.pages.stretches(gap) if self.way is Way.PAGES else [self.pages.extent]

    @property
    def dictionary(self) -> list[Stretch]:
        """Where the dictionary page is, if there is one and pages are read alone."""
        if self.way is not Way.PAGES or self.pages is None:
            return []
        first, last = self.pages.dictionary_extent
        return [(first, last)] if last > first else []

    @property
    def bytes(self) -> int:
        """To be read at most."""
        if self.way is not Way.PAGES or self.pages is None:
            return self.chunk_bytes
        return self.pages.hit_bytes + sum(last - first for first, last in self.dictionary)


@dataclass
class ColumnTotal:
    """What the plan is for one column in all row groups that hold rows."""

    chunks: dict[Way, int] = field(default_factory=lambda: dict.fromkeys(Way, 0))
    pages: int = 0
    pages_there: int = 0
    bytes: int = 0
    bytes_there: int = 0

    def add(self, part: ColumnPlan) -> None:
        """Count one more row group."""
        self.chunks[part.way] += 1
        if part.pages is not None and part.way is not Way.CHUNK:
            there = len(part.pages)
            self.pages += part.pages.num_hits if part.way is Way.PAGES else there
            self.pages_there += there
        self.bytes += part.bytes
        self.bytes_there += part.chunk_bytes


class Plan:
    """What is read of Parquet files for given rows: per column, in the row groups that hold any."""

    def __init__(self, columns: list[str], groups_there: int, bytes_there: int) -> None:
        self.columns = {name: ColumnTotal() for name in columns}
        self.rows = 0
        self.groups = 0
        self.groups_there = groups_there
        self.bytes_there = bytes_there

    def add(self, rows: int, parts: list[ColumnPlan]) -> None:
        """Count one more row group that holds so many of the rows."""
        self.rows += rows
        self.groups += 1
        for part in parts:
            self.columns[part.name].add(part)

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
