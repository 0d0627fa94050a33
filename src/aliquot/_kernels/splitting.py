"""Rows told apart by key: in each stratum, those with the smallest keys are the first part, the next ones the second.

Keys are hashes of row numbers. In a large stratum the boundary between two parts lies near the same hash for every
seed, so one pass tells the parts of nearly all rows by comparison and keeps aside the few whose hash is near a
boundary, in a *band*. Only those are sorted.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from aliquot._kernels._numba import kernel, prefetch, write_eight
from aliquot._kernels.row_keys import BLOCK, ROW, upper_key

AHEAD = 32
"""Rows between one whose part is told and one whose part's place in memory is fetched."""
ONES = 0x0101010101010101
"""A byte of 1 for each of eight rows."""
MOST_ADDED = 255
"""So many words of bytes that are 0 or 1 can be added."""
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
) -> Any:
    """Tell the parts of rows, from number ``row`` on, outside the bands, and keep the others: how many these are.

    ``bounds``, uint32, ascending, are the two ends of each band. They cut hashes into cells: part 0, band, part 1, band
    ... ``lanes``, shape (LANES * strata * cells,), counts the rows of each stratum in each. ``words``, uint32, have
    room for BLOCK, and so has ``cell``, uint8, the memory of ``eights``; ``kept`` for 8 more than the rows.
    """
    n, cells, lane = len(labels), np.uint64(len(bounds) + 1), np.uint64(len(lanes) // LANES)
    add, flip = np.uint32(key[0]), np.uint32(key[1])
    first, found = np.uint64(low) * cells, np.uint64(0)
    for start in range(0, n, BLOCK):
        for i in range(BLOCK):
            words[i] = upper_key(np.uint32(row + start + i), add, flip)
        for i in range(len(eights)):
            eights[i] = 0
        for bound in bounds:
            for i in range(BLOCK):
                cell[i] += np.uint8(words[i] >= bound)
        labels_here, parts_here = labels[start : start + BLOCK], parts[start : start + BLOCK]
        size = len(labels_here)
        for i in range(0, size - LANES + 1, LANES):
            for j in range(LANES):
                at = np.uint64(i + j)
                lanes[np.uint64(labels_here[at]) * cells + np.uint64(cell[at]) - first + np.uint64(j) * lane] += 1
        for i in range(np.uint64(size - size % LANES), np.uint64(size)):
            lanes[np.uint64(labels_here[i]) * cells + np.uint64(cell[i]) - first] += 1
        for i in range(size):
            parts_here[i] = cell[i] >> np.uint8(1)
        for i in range(size, BLOCK):
            cell[i] = 0
        for group in range(len(eights)):
            if eights[group] & np.uint64(ONES):
                for i in range(np.uint64(8 * group), np.uint64(8 * group + 8)):
                    # Without a branch, as none could be foretold.
                    kept[found] = row + start + i
                    found += np.uint64(cell[i] & np.uint8(1))
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
def count_parts(words: Any, counts: Any) -> None:
    """Count the rows of each part among ``words``, the parts of eight rows below 128."""
    ones, sevens = np.uint64(ONES), np.uint64(0x7F * ONES)
    for start in range(0, len(words), MOST_ADDED):
        here = words[start : start + MOST_ADDED]
        for part in range(len(counts)):
            own, others = np.uint64(part) * ones, np.uint64(0)
            for word in here:
                others += (word ^ own) + sevens >> np.uint64(7) & ones
            counts[part] += 8 * len(here)
            for byte in range(8):
                counts[part] -= others >> np.uint64(8 * byte) & np.uint64(0xFF)


@kernel
def write_rows(words: Any, row: int, ends: Any, stops: Any, places: Any, counts: Any, rows: Any) -> None:
    """Write the numbers of the rows of each part, ascending, from ``ends[part]`` on; the first is number ``row``.

    Of each word of ``words``, the parts of eight rows below 128, those in one part are the bits of a byte, whose
    ``places`` are written in one go, and then as many kept as it ``counts``; what is beyond them is written over. Near
    ``stops[part]``, where that would be another's, a row at a time.
    """
    ones, sevens, to_top = np.uint64(ONES), np.uint64(0x7F * ONES), np.uint64(0x0102040810204080)
    for start in range(0, len(words), BLOCK // 8):
        here = words[start : start + BLOCK // 8]
        for part in range(len(ends)):
            at, last = ends[part], stops[part] - 8
            base, own = row + 8 * start, np.uint64(part) * ones
            for word in here:
                others = (word ^ own) + sevens >> np.uint64(7) & ones
                byte = (others ^ ones) * to_top >> np.uint64(56)
                if at <= last:
                    write_eight(rows, at, base, places[byte])
                    at += counts[byte]
                else:
                    for i in range(8):
                        if byte >> np.uint64(i) & np.uint64(1):
                            rows[at] = base + i
                            at += 1
                base += 8
            ends[part] = at


@kernel
def write_rows_of_many(parts: Any, ends: Any, rows: Any) -> None:
    """The same for more parts than a few, a row at a time."""
    for i in range(len(parts)):
        part = parts[i]
        rows[ends[part]] = i
        ends[part] += 1


def _flags() -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    bits = np.arange(256)[:, None] >> np.arange(8) & 1
    places = np.argsort(1 - bits, axis=1, kind="stable").astype(np.uint8)
    return places.view(np.uint64).ravel(), bits.sum(axis=1)


PLACES, COUNTS = _flags()
"""For each byte of flags: the places of its bits, then those of the others, as the bytes of a word; how many bits."""
