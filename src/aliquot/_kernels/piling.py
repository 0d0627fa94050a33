"""Rows piled up by stratum and sorted by key.

A packed row is a word: its number, and above it what it is sorted by.
"""

from typing import Any

import numpy as np

from aliquot._kernels._numba import kernel, prefetch
from aliquot._kernels.row_keys import BLOCK, ROW, key_of, pack, upper_key

MANY = 1024
"""Rows of a stratum from which 8 bits of their keys leave too much out of order."""
RADIX = 256
LINE = np.uint64(8)
"""Packed rows in a line of cache."""


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
            pile[ends[stratum]] = pack(np.uint64(row), add, flip)
            ends[stratum] += 1
    if any_whole:
        for row in range(len(labels)):
            stratum = np.uint64(labels[row]) - low
            if whole[stratum]:
                pile[ends[stratum]] = pack(np.uint64(row), add, flip)
                ends[stratum] += 1


@kernel
def count_ranges(labels: Any, low: Any, shift: Any, heads: Any) -> None:
    """Count the rows of each range of strata that are alike but for their lowest ``shift`` bits."""
    low, shift = np.uint64(low), np.uint64(shift)
    for row in range(len(labels)):
        heads[(np.uint64(labels[row]) - low) >> shift] += 1


@kernel
def pile_up_ranges(labels: Any, row: int, low: Any, key: Any, shift: Any, heads: Any, keys: Any, pile: Any) -> None:
    """Pile up rows by range of strata: packed with the lowest ``shift`` bits of the stratum on top of the key.

    The first is number ``row``. ``heads``, uint64, are where each range starts in ``pile``, and then where it ends;
    ``keys``, uint32, have room for BLOCK.
    """
    low, shift, last = np.uint64(low), np.uint64(shift), np.uint64(63)
    add, flip = np.uint32(key[0]), np.uint32(key[1])
    for start in range(0, len(labels), BLOCK):
        labels_here = labels[start : start + BLOCK]
        for i in range(BLOCK):
            keys[i] = upper_key(np.uint32(row + start + i), add, flip)
        for i in range(len(labels_here)):
            stratum = np.uint64(labels_here[i]) - low
            place, word = heads[stratum >> shift], np.uint64(keys[i]) >> shift << np.uint64(32)
            heads[stratum >> shift] = place + np.uint64(1)
            prefetch(pile, place + LINE)  # as no processor foresees so many places
            # In two steps, here and where it is read, as a word cannot be shifted by 64 bits.
            pile[place] = stratum << (last - shift) << np.uint64(1) | word | np.uint64(row + start + i)


@kernel
def sort_ranges(
    start: int, ends: Any, shift: Any, key: Any, sizes: Any, first: Any, digits: Any, places: Any, pile: Any, spare: Any
) -> None:
    """Sort each range, from ``start`` on, by stratum and key; count the rows of strata, and find the first of each.

    Strata of more than MANY rows are left unsorted, packed with the upper halves of the keys. ``sizes`` starts at 0,
    ``first`` at -1; ``digits`` have room for RADIX, ``places`` for the strata and ``spare`` for the rows of a range,
    all uint64: a place that could be below 0 would be asked whether it is.
    """
    stratum = 0
    for end in ends:
        words, beyond = pile[start:end], min(stratum + len(places), len(sizes))
        if shift == 0 and end - start > MANY:
            sizes[stratum], first[stratum] = end - start, words[0] & np.uint64(ROW)
        else:
            sort_range(words, shift, key, sizes[stratum:beyond], first[stratum:beyond], digits, places, spare)
        start, stratum = end, beyond


@kernel
def sort_range(words: Any, shift: Any, key: Any, sizes: Any, first: Any, digits: Any, places: Any, spare: Any) -> None:
    """Sort by 8 bits of the key, then by stratum: what this leaves out of order is next to its place."""
    down, low_bits, one = np.uint64(63 - shift), np.uint64(56 - shift), np.uint64(1)
    for byte in range(RADIX):
        digits[byte] = 0
    for i in range(len(words) - 1, -1, -1):
        word = words[i]
        stratum = word >> one >> down
        digits[word >> low_bits & np.uint64(RADIX - 1)] += one
        sizes[stratum] += 1
        first[stratum] = word & np.uint64(ROW)
    start = np.uint64(0)
    for byte in range(RADIX):
        start, digits[byte] = start + digits[byte], start
    for word in words:
        byte = word >> low_bits & np.uint64(RADIX - 1)
        place = digits[byte]  # which is raised before it is written to, as the write could be to ``digits``
        digits[byte] = place + one
        spare[place] = word
    start, most = np.uint64(0), 0
    for h in range(len(sizes)):
        start, places[h] = start + np.uint64(sizes[h]), start
        most = max(most, sizes[h])
    for word in spare[: len(words)]:
        stratum = word >> one >> down
        place = places[stratum]
        places[stratum] = place + one
        words[place] = word
    if most <= MANY:
        mend_order(words, key)
        return
    for h in range(len(sizes)):
        end = np.int64(places[h])
        here = words[end - sizes[h] : end]
        if sizes[h] <= MANY:
            mend_order(here, key)
        else:
            for i in range(len(here)):
                here[i] = pack(here[i] & np.uint64(ROW), np.uint32(key[0]), np.uint32(key[1]))


@kernel
def mend_order(words: Any, key: Any) -> None:
    """Sort by insertion what is nearly sorted, rows alike in the upper halves of their words by their whole keys."""
    upper = np.uint64(32)
    for i in range(1, len(words)):
        if words[i] >> upper <= words[i - 1] >> upper:
            word, j = words[i], i
            while j > 0 and comes_before(word, words[j - 1], key):
                words[j] = words[j - 1]
                j -= 1
            words[j] = word


@kernel
def comes_before(a: Any, b: Any, key: Any) -> Any:
    """Whether one packed row is sorted before another."""
    if a >> np.uint64(32) != b >> np.uint64(32):
        return a < b
    return key_of(a & np.uint64(ROW), key) < key_of(b & np.uint64(ROW), key)
