"""Rows told apart by key: in each stratum, those with the smallest keys are the first part, the next ones the second.

Keys are hashes of row numbers. In a large stratum the boundary between two parts lies near the same hash for every
seed, so one pass tells the parts of nearly all rows by comparison and keeps aside the few whose hash is near a
boundary, in a *band*. Only those are sorted.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from aliquot._kernels._numba import kernel, mix64

BLOCK = 1024
"""Rows hashed at once: their words and cells stay in the first level of cache."""
LANES = 4
"""Counters for each thing counted, raised by turns: one that is raised again and again waits for itself."""
MARGIN = 8
"""Places beyond the last row of each part that ``write_rows`` may touch."""
FEW = 48
"""Words up to which sorting by insertion is quickest."""
RADIX = 256


@kernel
def mix32(x: Any) -> Any:
    """A bijection of 32-bit words with low bias, that of csrc/aliquot/weighted.hpp (C. Wellons 2018)."""
    x ^= x >> np.uint32(16)
    x = np.uint32(x * np.uint32(0x21F0AAAD))
    x ^= x >> np.uint32(15)
    x = np.uint32(x * np.uint32(0xD35A2D97))
    x ^= x >> np.uint32(15)
    return x


@kernel
def upper_key(row: Any, add: Any, flip: Any) -> Any:
    """The upper half of a row's key: the sum of two bijections, in which values repeat as they do at random."""
    return np.uint32(mix32(np.uint32(row + add)) + mix32(np.uint32(row ^ flip)))


@kernel
def find_range(labels: Any) -> Any:
    """The least and the greatest of at least one integer."""
    low = high = labels[0]
    for i in range(len(labels)):
        low, high = min(low, labels[i]), max(high, labels[i])
    return low, high


@kernel
def make_key(seed: Any, purpose: Any, key: Any) -> None:
    """Make of a seed what makes the keys of rows: two words of 32 bits for the upper halves, and one for the lower."""
    word = mix64(seed[0] + np.uint64(0x9E3779B97F4A7C15) * purpose)
    key[0], key[1] = word & np.uint64(0xFFFFFFFF), word >> np.uint64(32)
    key[2] = mix64(seed[1] + np.uint64(0x9E3779B97F4A7C15) * purpose)


@kernel
def keys_of(rows: Any, key: Any) -> Any:
    """The keys of rows, uint64."""
    keys = np.empty(len(rows), np.uint64)
    for i in range(len(rows)):
        packed = pack(rows[i], np.uint32(key[0]), np.uint32(key[1]))
        keys[i] = packed >> np.uint64(32) << np.uint64(32) | lower_key(packed, key[2])
    return keys


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
def tell(labels: Any, low: Any, key: Any, bounds: Any, lanes: Any, strata: Any, parts: Any, kept: Any) -> int:
    """Tell the parts of rows outside the bands, and keep the others: their number.

    ``bounds``, uint32, ascending, are the two ends of each band. They cut hashes into cells: part 0, band, part 1, band
    ... ``lanes``, shape (LANES * strata * cells,), counts the rows of each stratum in each.
    """
    n, cells = len(labels), np.uint64(len(bounds) + 1)
    low, lane, turn = np.uint64(low), np.uint64(strata) * cells, np.uint64(LANES - 1)
    add, flip = np.uint32(key[0]), np.uint32(key[1])
    words, eights = np.empty(BLOCK, np.uint32), np.empty(BLOCK // 8, np.uint64)
    cell = eights.view(np.uint8)
    found = 0
    for start in range(0, n, BLOCK):
        size = min(n - start, BLOCK)
        for i in range(BLOCK):
            words[i] = upper_key(np.uint32(start + i), add, flip)
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
                        kept[found] = start + i
                        found += 1
    return found


@kernel
def pile_up(labels: Any, low: Any, key: Any, kept: Any, whole: Any, any_whole: bool, ends: Any, pile: Any) -> None:
    """Pile up the rows to sort, those that ``tell`` kept, or of strata that are ``whole`` all, in order of rows.

    ``ends``, shape (strata,), are where each stratum starts in ``pile``, 64 bits a row, and then where it ends.
    """
    low = np.uint64(low)
    add, flip = np.uint32(key[0]), np.uint32(key[1])
    for row in kept:
        stratum = np.uint64(labels[row]) - low
        if not whole[stratum]:
            pile[ends[stratum]] = pack(row, add, flip)
            ends[stratum] += 1
    if any_whole:
        for row in range(len(labels)):
            stratum = np.uint64(labels[row]) - low
            if whole[stratum]:
                pile[ends[stratum]] = pack(row, add, flip)
                ends[stratum] += 1


@kernel
def pile_up_far(
    labels: Any, low: Any, key: Any, shift: Any, heads: Any, spare: Any, sizes: Any, first: Any, ends: Any, pile: Any
) -> None:
    """Pile up all rows and sort each stratum's, where there are so many strata that their counters are far apart.

    Rows are first put next to others whose strata are alike but for the lowest ``shift`` bits, into ``spare``, so that
    what follows stays in cache. ``heads``, one for each such range, and ``sizes`` start at 0, ``first`` at -1.
    """
    low, shift, half = np.uint64(low), np.uint64(shift), np.uint64(32)
    add, flip = np.uint32(key[0]), np.uint32(key[1])
    for row in range(len(labels)):
        heads[(np.uint64(labels[row]) - low) >> shift] += 1
    start = 0
    for i in range(len(heads)):
        start, heads[i] = start + heads[i], start
    for row in range(len(labels)):
        stratum = np.uint64(labels[row]) - low
        spare[heads[stratum >> shift]] = stratum << half | np.uint64(row)
        heads[stratum >> shift] += 1
    start = stratum = 0
    for head in heads:
        for i in range(start, head):
            if sizes[spare[i] >> half] == 0:
                first[spare[i] >> half] = spare[i] & np.uint64(0xFFFFFFFF)
            sizes[spare[i] >> half] += 1
        first_stratum, place = stratum, start
        while stratum < len(sizes) and np.uint64(stratum) >> shift == np.uint64(first_stratum) >> shift:
            ends[stratum] = place
            place += sizes[stratum]
            stratum += 1
        for i in range(start, head):
            pile[ends[spare[i] >> half]] = pack(spare[i] & np.uint64(0xFFFFFFFF), add, flip)
            ends[spare[i] >> half] += 1
        for h in range(first_stratum, stratum):
            sort_by_key(pile[ends[h] - sizes[h] : ends[h]], spare[start:head], key[2])
        start = head


@kernel
def sort_piles(ends: Any, pile: Any, low_key: Any) -> None:
    """Sort what is piled up of each stratum by key."""
    start = most = 0
    for end in ends:
        most = max(most, end - start)
        start = end
    spare = np.empty(most, np.uint64)
    start = 0
    for end in ends:
        sort_by_key(pile[start:end], spare, low_key)
        start = end


@kernel
def settle(whole: Any, hist: Any, table: Any, ends: Any, pile: Any, parts: Any) -> None:
    """Tell the parts of piled rows by their ranks in their strata.

    ``hist``, shape (strata, cells), are the rows of each cell; ``table``, shape (strata, parts), those of each part.
    """
    start = 0
    for stratum in range(len(ends)):
        rank, band, until, part, last = 0, 0, ends[stratum], 0, table[stratum, 0]
        if not whole[stratum]:
            rank, until = hist[stratum, 0], start + hist[stratum, 1]
        for i in range(start, ends[stratum]):
            while i == until:  # past this band, and past the rows that are told up to the next
                band += 1
                rank += hist[stratum, 2 * band]
                until += hist[stratum, 2 * band + 1]
            while rank >= last:
                part += 1
                last += table[stratum, part]
            parts[pile[i] & np.uint64(0xFFFFFFFF)] = part
            rank += 1
        start = ends[stratum]


@kernel
def deal_round(offsets: Any, ends: Any, pile: Any, many: int, parts: Any) -> None:
    """Deal the piled rows of each stratum to ``many`` parts in turn, from part ``offsets[stratum] % many`` on."""
    start = 0
    for stratum in range(len(ends)):
        part = offsets[stratum] % many
        for i in range(start, ends[stratum]):
            parts[pile[i] & np.uint64(0xFFFFFFFF)] = part
            part = part + 1 if part + 1 < many else 0
        start = ends[stratum]


@kernel
def pack(row: Any, add: Any, flip: Any) -> Any:
    """The upper half of a row's key, and below it the row's number."""
    return np.uint64(upper_key(np.uint32(row), add, flip)) << np.uint64(32) | np.uint64(row)


@kernel
def sort_by_key(rows: Any, spare: Any, low_key: Any) -> None:
    """Sort packed rows, ascending in number, by the upper halves of their keys, then by the lower halves.

    Of equal upper halves there are hardly ever two, so they are looked for afterwards.
    """
    if len(rows) > FEW:
        sort_many(rows, spare)
    else:
        sort_few(rows, spare)
    upper = np.uint64(32)
    for i in range(1, len(rows)):
        j, lower = i, lower_key(rows[i], low_key) if rows[i] >> upper == rows[i - 1] >> upper else np.uint64(0)
        while j > 0 and rows[j - 1] >> upper == rows[j] >> upper and lower_key(rows[j - 1], low_key) > lower:
            rows[j - 1], rows[j] = rows[j], rows[j - 1]
            j -= 1


@kernel
def sort_many(words: Any, spare: Any) -> None:
    """Sort by the upper halves, a byte at a time, the lowest first; ``spare`` has room for as many."""
    ends = np.empty(RADIX, np.int64)
    for shift in range(32, 64, 16):
        pass_by_byte(words, spare, ends, np.uint64(shift))
        pass_by_byte(spare[: len(words)], words, ends, np.uint64(shift + 8))


@kernel
def pass_by_byte(words: Any, sorted_words: Any, ends: Any, shift: Any) -> None:
    """Put ``words`` in order of one byte, and as they were where it is the same, into ``sorted_words``."""
    for byte in range(RADIX):
        ends[byte] = 0
    for word in words:
        ends[word >> shift & np.uint64(RADIX - 1)] += 1
    start = 0
    for byte in range(RADIX):
        start, ends[byte] = start + ends[byte], start
    for word in words:
        byte = word >> shift & np.uint64(RADIX - 1)
        sorted_words[ends[byte]] = word
        ends[byte] += 1


@kernel
def sort_few(words: Any, spare: Any) -> None:
    """Sort distinct words by counting how many are smaller than each, which has no branch to mispredict."""
    for i in range(len(words)):
        word = words[i]
        rank = 0
        for j in range(len(words)):
            rank += words[j] < word
        spare[rank] = word
    for i in range(len(words)):
        words[i] = spare[i]


@kernel
def lower_key(packed: Any, low_key: Any) -> Any:
    """The lower half of the key of a packed row, as in csrc/aliquot/weighted.hpp."""
    return mix64(low_key + (packed & np.uint64(0xFFFFFFFF))) >> np.uint64(32)


@kernel
def write_rows(parts: Any, ends: Any, places: Any, counts: Any, rows: Any) -> None:
    """Write the numbers of the rows of each part, ascending, from ``ends[part]`` on.

    Eight rows at a time: their flags are a byte, whose bits' ``places`` are written in one go, and then as many
    kept as it ``counts``; what is beyond them is written over, or is in the margin of the part.
    """
    eights = np.empty(BLOCK // 8, np.uint64)
    flags = eights.view(np.uint8)
    for start in range(0, len(parts), BLOCK):
        here = parts[start : start + BLOCK]
        eights[(len(here) - 1) // 8] = 0
        for part in range(len(ends)):
            for i in range(len(here)):
                flags[i] = np.uint8(here[i] == part)
            at = ends[part]
            for group in range((len(here) + 7) // 8):
                mask = eights[group] * np.uint64(0x0102040810204080) >> np.uint64(56)
                base, written, offsets = start + 8 * group, rows[at : at + 8], places[mask]
                for i in range(8):
                    written[i] = base + offsets[i]
                at += counts[mask]
            ends[part] = at


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
