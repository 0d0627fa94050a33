"""Rows told apart by key: in each stratum, those with the smallest keys are the first part, the next ones the second.

Keys are hashes of row numbers. In a large stratum the boundary between two parts lies near the same hash for every
seed, so one pass tells the parts of nearly all rows by comparison and keeps aside the few whose hash is near a
boundary, in a *band*. Only those are sorted.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from aliquot._kernels._numba import kernel, prefetch
from aliquot._kernels.row_keys import BLOCK, ROW, upper_key

AHEAD = 32
"""Rows between one whose part is told and one whose part's place in memory is fetched."""
LANES = 4
"""Counters for each thing counted, raised by turns: one that is raised again and again waits for itself."""


@kernel
def find_range(labels: Any) -> Any:
    """The least and the greatest of at least one integer."""
    low = high = labels[0]
    for i in range(len(labels)):
        low, high = min(low, labels[i]), max(high, labels[i])
    return low, high


@kernel
def count(labels: Any, low: Any, lanes: Any, strata: Any) -> None:
    """Add to ``lanes``, shape (LANES * strata,), how often each label less ``low`` is there."""
    low, strata, turn = np.uint64(low), np.uint64(strata), np.uint64(LANES - 1)
    for i in range(len(labels)):
        lanes[np.uint64(labels[i]) - low + (np.uint64(i) & turn) * strata] += 1


@kernel
def find_first(labels: Any, low: Any, present: int, first: Any) -> None:
    """Put the first row of each of the strata that are ``present`` into ``first``, which starts at -1."""
    for i in range(len(labels)):
        code = np.uint64(labels[i]) - np.uint64(low)
        if first[code] < 0:
            first[code] = i
            present -= 1
            if present == 0:
                return


@kernel
def tell(
    labels: Any,
    row: int,
    low: Any,
    key: Any,
    bounds: Any,
    words: Any,
    eights: Any,
    cell: Any,
    lanes: Any,
    parts: Any,
    kept: Any,
) -> int:
    """Tell the parts of rows, from number ``row`` on, outside the bands, and keep the others: how many these are.

    ``bounds``, uint32, ascending, are the two ends of each band. They cut hashes into cells: part 0, band, part 1, band
    ... ``lanes``, shape (LANES * strata * cells,), counts the rows of each stratum in each. ``words``, uint32, have
    room for BLOCK, and so has ``cell``, uint8, the memory of ``eights``.
    """
    n, cells = len(labels), np.uint64(len(bounds) + 1)
    low, lane, turn = np.uint64(low), np.uint64(len(lanes) // LANES), np.uint64(LANES - 1)
    add, flip = np.uint32(key[0]), np.uint32(key[1])
    found = 0
    for start in range(0, n, BLOCK):
        size = min(n - start, BLOCK)
        for i in range(BLOCK):
            words[i] = upper_key(np.uint32(row + start + i), add, flip)
        for i in range(len(eights)):
            eights[i] = 0
        for bound in bounds:
            for i in range(BLOCK):
                cell[i] += np.uint8(words[i] >= bound)
        labels_here, parts_here = labels[start : start + size], parts[start : start + size]
        for i in range(size):
            lanes[(np.uint64(labels_here[i]) - low) * cells + np.uint64(cell[i]) + (np.uint64(i) & turn) * lane] += 1
        for i in range(size):
            parts_here[i] = cell[i] >> np.uint8(1)
        for group in range((size + 7) // 8):
            if eights[group] & np.uint64(0x0101010101010101):
                for i in range(8 * group, min(8 * group + 8, size)):
                    if cell[i] & np.uint8(1):
                        kept[found] = row + start + i
                        found += 1
    return found


@kernel
def settle(piled: Any, spared: int, pile: Any, parts: Any) -> None:
    """Tell the parts of piled rows: the first ``piled[stratum, 0]`` of each stratum are in part 0, and so on.

    Those in the part ``spared`` are told already.
    """
    start = 0
    for stratum in range(len(piled)):
        for part in range(piled.shape[1]):
            end = start + piled[stratum, part]
            if part != spared:
                for i in range(start, end):
                    parts[pile[i] & np.uint64(ROW)] = part
            start = end


@kernel
def add_up(order: Any, sizes: Any, before: Any) -> None:
    """Put the rows of the strata before each, in ``order``, into ``before``."""
    rows = 0
    for i in range(len(order)):
        stratum = np.uint64(order[i])
        before[stratum] = rows
        rows += sizes[stratum]


@kernel
def deal_round(offsets: Any, sizes: Any, pile: Any, many: int, parts: Any) -> None:
    """Deal the piled rows of each stratum to ``many`` parts in turn, from part ``offsets[stratum] % many`` on."""
    start, last = 0, len(pile) - 1
    for stratum in range(len(sizes)):
        part = offsets[stratum] % many
        for i in range(start, start + sizes[stratum]):
            prefetch(parts, pile[min(i + AHEAD, last)] & np.uint64(ROW))
            parts[pile[i] & np.uint64(ROW)] = part
            part = part + 1 if part + 1 < many else 0
        start += sizes[stratum]


@kernel
def write_rows(
    parts: Any, row: int, ends: Any, stops: Any, places: Any, counts: Any, eights: Any, flags: Any, rows: Any
) -> None:
    """Write the numbers of the rows of each part, ascending, from ``ends[part]`` on; the first is number ``row``.

    Eight rows at a time: their flags are a byte, whose bits' ``places`` are written in one go, and then as many
    kept as it ``counts``; what is beyond them is written over. Near ``stops[part]``, where that would be another's, a
    row at a time. ``flags``, uint8, the memory of ``eights``, have room for BLOCK.
    """
    for start in range(0, len(parts), BLOCK):
        here = parts[start : start + BLOCK]
        eights[(len(here) - 1) // 8] = 0
        for part in range(len(ends)):
            for i in range(len(here)):
                flags[i] = np.uint8(here[i] == part)
            at = ends[part]
            if at + BLOCK + 8 > stops[part]:
                for i in range(len(here)):
                    if flags[i]:
                        rows[at] = row + start + i
                        at += 1
                ends[part] = at
                continue
            base, to = row + start, np.uint64(at)  # unsigned, so that it is not asked whether it is below 0
            for group in range((len(here) + 7) // 8):
                mask = eights[group] * np.uint64(0x0102040810204080) >> np.uint64(56)
                for i in range(8):
                    rows[to + np.uint64(i)] = base + places[mask, i]
                base += 8
                to += np.uint64(counts[mask])
            ends[part] = to


@kernel
def write_rows_of_many(parts: Any, ends: Any, rows: Any) -> None:
    """The same for more parts than a few, a row at a time."""
    for i in range(len(parts)):
        part = parts[i]
        rows[ends[part]] = i
        ends[part] += 1


def _flags() -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    bits = np.arange(256)[:, None] >> np.arange(8) & 1
    places = np.argsort(1 - bits, axis=1, kind="stable")
    return places.astype(np.uint8), bits.sum(axis=1)


PLACES, COUNTS = _flags()
"""For each byte of flags: the places of its bits, then those of the others, uint8 of shape (256, 8); how many bits."""
