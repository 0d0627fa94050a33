"""Rows piled up by stratum and sorted by key.

A packed row is a word: its number, and above it what it is sorted by.
"""

from typing import Any

import numpy as np

from aliquot._kernels._numba import kernel
from aliquot._kernels.row_keys import BLOCK, ROW, key_of, lower_key, pack, upper_key

FEW = 48
"""Words up to which sorting by counting is quickest."""
MANY = 1024
"""Rows of a stratum from which 8 bits of their keys leave too much out of order."""
RADIX = 256


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
def count_ranges(labels: Any, low: Any, shift: Any, heads: Any) -> None:
    """Count the rows of each range of strata that are alike but for their lowest ``shift`` bits."""
    low, shift = np.uint64(low), np.uint64(shift)
    for row in range(len(labels)):
        heads[(np.uint64(labels[row]) - low) >> shift] += 1


@kernel
def pile_up_ranges(labels: Any, low: Any, key: Any, shift: Any, heads: Any, pile: Any) -> None:
    """Pile up all rows by range of strata: packed with the lowest ``shift`` bits of the stratum on top of the key.

    ``heads`` are where each range starts in ``pile``, and then where it ends.
    """
    low, shift, last = np.uint64(low), np.uint64(shift), np.uint64(63)
    add, flip = np.uint32(key[0]), np.uint32(key[1])
    keys = np.empty(BLOCK, np.uint32)
    for start in range(0, len(labels), BLOCK):
        labels_here = labels[start : start + BLOCK]
        for i in range(BLOCK):
            keys[i] = upper_key(np.uint32(start + i), add, flip)
        for i in range(len(labels_here)):
            stratum = np.uint64(labels_here[i]) - low
            place, word = heads[stratum >> shift], np.uint64(keys[i]) >> shift << np.uint64(32)
            # In two steps, as a word cannot be shifted by 64 bits.
            pile[place] = stratum << (last - shift) << np.uint64(1) | word | np.uint64(start + i)
            heads[stratum >> shift] = place + 1


@kernel
def sort_ranges(ends: Any, shift: Any, key: Any, sizes: Any, first: Any, pile: Any, spare: Any) -> None:
    """Sort each range by stratum and key; count the rows of strata, and find the first of each.

    ``sizes`` starts at 0, ``first`` at -1; ``spare`` has room for the largest range.
    """
    digits, places = np.empty(RADIX, np.int64), np.empty(1 << shift, np.int64)
    start = stratum = 0
    for end in ends:
        words, beyond = pile[start:end], min(stratum + len(places), len(sizes))
        if len(places) == 1:
            if start < end:
                sizes[stratum], first[stratum] = end - start, words[0] & np.uint64(ROW)
                sort_by_key(words, spare, key[2])
        else:
            sort_range(words, shift, key, sizes[stratum:beyond], first[stratum:beyond], digits, places, spare)
        start, stratum = end, beyond


@kernel
def sort_range(words: Any, shift: Any, key: Any, sizes: Any, first: Any, digits: Any, places: Any, spare: Any) -> None:
    """Sort by 8 bits of the key, then by stratum: what this leaves out of order is next to its place."""
    top = np.uint64(64 - shift)
    for byte in range(RADIX):
        digits[byte] = 0
    for i in range(len(words) - 1, -1, -1):
        stratum = words[i] >> top
        digits[words[i] >> (top - np.uint64(8)) & np.uint64(RADIX - 1)] += 1
        sizes[stratum] += 1
        first[stratum] = words[i] & np.uint64(ROW)
    start = 0
    for byte in range(RADIX):
        start, digits[byte] = start + digits[byte], start
    for word in words:
        byte = word >> (top - np.uint64(8)) & np.uint64(RADIX - 1)
        spare[digits[byte]] = word
        digits[byte] += 1
    start = most = 0
    for h in range(len(sizes)):
        start, places[h] = start + sizes[h], start
        most = max(most, sizes[h])
    for word in spare[: len(words)]:
        stratum = word >> top
        words[places[stratum]] = word
        places[stratum] += 1
    if most <= MANY:
        mend_order(words, key)
        return
    for h in range(len(sizes)):
        here = words[places[h] - sizes[h] : places[h]]
        if len(here) <= MANY:
            mend_order(here, key)
        else:
            for i in range(len(here)):
                here[i] = pack(here[i] & np.uint64(ROW), np.uint32(key[0]), np.uint32(key[1]))
            sort_by_key(here, spare, key[2])


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
