"""What is read for given rows, and how: decided where pages are known and no value has been read."""

from collections.abc import Sequence
from dataclasses import dataclass
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


class Way:
    """How the rows of a column of a row group are come by: numbers, as NumPy is slow with members of enumerations."""

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
    """Some columns of some row groups of a file. Pages were found, and which hold the rows, but under ``Way.CHUNK``."""

    names: Sequence[str]
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

    def totals(self) -> Counts:
        """Of each column, as in ``ColumnTotal``: pages, pages there, bytes, bytes there, and column chunks by way."""
        by_pages, by_chunk, by_scan = (self.ways == way for way in (Way.PAGES, Way.CHUNK, Way.SCAN))
        there = np.where(by_chunk, 0, self.pages.num_pages)
        pages = np.where(by_pages, self.pages.num_hits, there)
        totals: Counts = np.sum([pages, there, self.bytes, self.chunk_bytes, by_pages, by_chunk, by_scan], axis=1)
        return totals


@dataclass(frozen=True)
class ColumnTotal:
    """What the plan is for one column in all row groups that hold rows; ``chunks`` are numbered by way."""

    pages: int
    pages_there: int
    bytes: int
    bytes_there: int
    chunks: Sequence[int]


class Plan:
    """What is read of Parquet files for given rows: per column, in the row groups that hold any."""

    def __init__(self, columns: Sequence[str], groups_there: int, bytes_there: int) -> None:
        self._names = columns
        self._totals = np.zeros((7, len(columns)), np.int64)
        self.rows = 0
        self.groups = 0
        self.groups_there = groups_there
        self.bytes_there = bytes_there

    def add(self, rows: int, groups: int, parts: Sequence[GroupsPlan]) -> None:
        """Count so many more rows of so many more row groups, which parts are of, if a column is read at all."""
        self.rows += rows
        self.groups += groups
        for part in parts:
            self._totals += part.totals()

    @property
    def columns(self) -> dict[str, ColumnTotal]:
        """What is read of each column."""
        totals = self._totals.T.tolist()
        return {
            name: ColumnTotal(pages, there, size, size_there, chunks)
            for name, (pages, there, size, size_there, *chunks) in zip(self._names, totals, strict=True)
        }

    def facts(self) -> dict[str, Any]:
        """Totals, for the provenance."""
        pages, pages_there, size = self._totals[:3].sum(axis=1).tolist()
        return {
            "rows": self.rows,
            "row_groups": self.groups,
            "row_groups_there": self.groups_there,
            "pages": pages,
            "pages_there": pages_there,
            "bytes": size,
            "bytes_there": self.bytes_there,
        }
