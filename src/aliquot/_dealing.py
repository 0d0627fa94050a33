"""Rows dealt to parts, each stratum in its shares, by key."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aliquot import _rng
from aliquot._allocation import Counts
from aliquot._classes import Classes
from aliquot._kernels import piling, row_keys
from aliquot._kernels import splitting as kernels
from aliquot._pieces import pieces, side_by_side
from aliquot._rng import Words

PURPOSE = 6
"""Its number among the uses of a seed (csrc/aliquot/random.hpp). Part of stream v1."""
LARGE = 1024
"""Rows a stratum from which bands are worth their counters."""
WIDE = 6.0
"""Half the width of a band in standard deviations of a boundary's place: 2e-9 of boundaries are outside."""
MOST_BANDS = 64
FEW_PARTS = 8
"""To so many parts the rows of each piece are counted, so that pieces can be written side by side."""
SORTING = 4
"""How many times as much as other work on a row it costs to sort its key."""
MOST_RANGES = 10
"""Bits of the number of ranges of strata that rows can be sorted into in one pass."""
RANGE_ROWS = 10
"""Bits of the rows that a range has at least, on average, unless it is one stratum."""

PartOfRow = NDArray[Any]
"""uint8, or int32 if there are more parts than 256."""
Allocate = Callable[[Counts, Counts], Counts]
"""From the rows of each stratum and its first row to its rows in each part, int64 of shape (strata, parts)."""


@dataclass(frozen=True)
class Dealt:
    """The part of each row; of each stratum its rows, the first of them, and those in each part.

    ``pile`` is memory to use again.
    """

    parts: PartOfRow
    sizes: Counts
    first: Counts
    table: Counts
    pile: NDArray[np.uint64]


def deal(seed: Words, strata: Classes, shares: Counts, allocate: Allocate) -> Dealt:
    """Give each row a part: of stratum h, the first ``table[h, 0]`` rows by key are in part 0, and so on.

    ``shares``, integers above 0, are about what each part gets of a large stratum; ``allocate`` says it exactly once
    the rows of strata are counted.
    """
    n, m = len(strata.labels), len(shares)
    key = row_key(seed)
    parts = np.empty(n, np.uint8 if m <= 256 else np.int32)
    bounds = _bands(shares, n / strata.count)
    if len(bounds):
        hist, kept = _tell(strata, key, bounds, parts)
        sizes = hist.sum(axis=1)
        first = first_rows(strata, sizes)
        table = allocate(sizes, first)
        whole = _unsettled(hist, table)
        piled = np.where(whole[:, None], table, table - hist[:, ::2])
        pile = _pile(strata, key, piled.sum(axis=1), whole, kept)
        kernels.settle(piled, -1, pile, parts)
    else:
        sizes, first, pile = _pile_all(strata, key)
        table = allocate(sizes, first)
        largest = int(shares.argmax())
        parts.fill(largest)
        _settle_all(table, np.cumsum(sizes), largest, pile, parts)
    return Dealt(parts, sizes, first, table, pile)


def deal_round(seed: Words, strata: Classes, many: int) -> PartOfRow:
    """Give each row one of ``many`` parts of equal shares, whose sizes differ by 1 at most, and in each stratum too."""

    def allocate(sizes: Counts, first: Counts) -> Counts:
        extra = (np.arange(many) - _offsets(seed, sizes, first)[:, None]) % many < (sizes % many)[:, None]
        return (sizes // many)[:, None] + extra

    n = len(strata.labels)
    if len(_bands(np.ones(many, np.int64), n / strata.count)):
        return deal(seed, strata, np.ones(many, np.int64), allocate).parts
    key = row_key(seed)
    sizes, first, pile = _pile_all(strata, key)
    parts = np.empty(n, np.uint8 if many <= 256 else np.int32)
    kernels.deal_round(_offsets(seed, sizes, first), sizes, pile, many, parts)
    return parts


def rows_of(parts: PartOfRow, totals: Counts, memory: NDArray[np.uint64] | None) -> list[NDArray[np.int64]]:
    """The rows of each part, ascending; in ``memory`` if it is enough, as fresh memory costs half as much as this."""
    n, m = len(parts), len(totals)
    rows = np.empty(n, np.int64) if memory is None or len(memory) != n else memory.view(np.int64)
    stops = np.cumsum(totals)
    if m > MOST_BANDS:
        kernels.write_rows_of_many(parts, stops - totals, rows)
    else:
        cuts = pieces(n) if m <= FEW_PARTS else [(0, n)]
        words = [_in_words(parts[first:last]) for first, last in cuts]
        counts = np.zeros((len(cuts), m), np.int64)
        side_by_side(lambda piece, *_: kernels.count_parts(words[piece], counts[piece]), cuts)
        ends = stops - totals + np.cumsum(counts, axis=0)

        def write(piece: int, first: int, _last: int) -> None:
            starts = ends[piece] - counts[piece]
            kernels.write_rows(words[piece], first, starts, ends[piece], kernels.PLACES, kernels.COUNTS, rows)

        side_by_side(write, cuts)
    return [rows[stop - total : stop] for stop, total in zip(stops.tolist(), totals.tolist(), strict=True)]


def _in_words(parts: PartOfRow) -> NDArray[np.uint64]:
    """Parts below MOST_BANDS, eight to a word; what the last one lacks is in none."""
    if parts.dtype == np.uint8 and len(parts) % 8 == 0:
        return parts.view(np.uint64)
    words = np.full(-(-len(parts) // 8), 0x7F * kernels.ONES, np.uint64)
    words.view(np.uint8)[: len(parts)] = parts
    return words


def row_key(seed: Words) -> NDArray[np.uint64]:
    """Three words that make the keys of rows: two of 32 bits for the upper halves, one of 64 for the lower."""
    word, low, *_ = _rng.subkey(seed, PURPOSE)
    return np.array([word & row_keys.ROW, word >> 32, low], np.uint64)


def keys_of(rows: Counts, seed: Words) -> NDArray[np.uint64]:
    """The keys of rows."""
    keys = np.empty(len(rows), np.uint64)
    row_keys.make_keys(rows.view(np.uint64), row_key(seed), keys)
    return keys


def stratum_order(seed: Words, first: Counts) -> Counts:
    """Strata in random order, but for those without rows: by the key of the first row, whatever they are called."""
    key = row_key(seed)
    keys = np.empty(len(first), np.uint64)
    places = np.uint64(2 ** len(keys).bit_length() - 1)
    cuts = pieces(len(keys), SORTING)

    def make(_piece: int, start: int, stop: int) -> None:
        # Each key with its place instead of its lowest bits: sorting these is several times as fast as argsort.
        here, rows = keys[start:stop], first[start:stop]
        row_keys.make_keys(rows.view(np.uint64), key, here)
        here[rows < 0] = ~np.uint64(0)
        here &= ~places
        here |= np.arange(start, stop, dtype=np.uint64)

    side_by_side(make, cuts)
    if len(cuts) > 1:
        keys.partition(np.array([start for start, _ in cuts[1:]]))
    side_by_side(lambda _, start, stop: keys[start:stop].sort(), cuts)
    foremost = int(keys.searchsorted(~places))
    keys &= places
    order: Counts = keys.view(np.int64)
    last = order[foremost:]  # those without rows, and hardly ever others
    last = last[first[last] >= 0]
    order[foremost : foremost + len(last)] = last
    return order[: foremost + len(last)]


def count_rows(strata: Classes) -> Counts:
    """The rows of each stratum, int64 of shape (strata.count,)."""
    lanes = np.zeros(kernels.LANES * strata.count, np.int64)
    kernels.count(strata.labels, strata.unsigned_low, lanes, strata.count)
    counts: Counts = lanes.reshape(kernels.LANES, strata.count).sum(axis=0)
    return counts


def first_rows(strata: Classes, sizes: Counts) -> Counts:
    """The first row of each stratum, or -1."""
    first = np.full(strata.count, -1, np.int64)
    kernels.find_first(strata.labels, strata.unsigned_low, int((sizes > 0).sum()), first)
    return first


def _offsets(seed: Words, sizes: Counts, first: Counts) -> Counts:
    """How many rows are in strata before each, in random order."""
    offsets = np.zeros(len(sizes), np.int64)
    kernels.add_up(stratum_order(seed, first), sizes, offsets)
    return offsets


def _pile(
    strata: Classes, key: Words, to_sort: Counts, whole: NDArray[np.bool_], kept: NDArray[np.uint32]
) -> NDArray[np.uint64]:
    """The rows to sort, those that were kept, or of strata that are ``whole`` all; packed, by stratum and key."""
    ends = np.cumsum(to_sort) - to_sort
    pile = np.empty(int(to_sort.sum()), np.uint64)
    piling.pile_up(strata.labels, strata.unsigned_low, key, kept, whole, bool(whole.any()), ends, pile)
    for start, end in zip((ends - to_sort).tolist(), ends.tolist(), strict=True):
        sort_by_key(pile[start:end], key)
    return pile


def _tell(
    strata: Classes, key: Words, bounds: NDArray[np.uint32], parts: PartOfRow
) -> tuple[Counts, NDArray[np.uint32]]:
    """Put the parts of rows outside the bands into ``parts``; the rows of each stratum by cell, and those in bands."""
    n, cells = len(parts), len(bounds) + 1
    cuts = pieces(n)
    lanes = np.zeros((len(cuts), kernels.LANES * strata.count * cells), np.int64)

    def tell(piece: int, first: int, last: int) -> NDArray[np.uint32]:
        here, words, eights = slice(first, last), np.empty(row_keys.BLOCK, np.uint32), _eights()
        labels, low, cell = strata.labels[here], strata.unsigned_low, eights.view(np.uint8)
        kept = np.empty(last - first + 8, np.uint32)
        found = kernels.tell(labels, first, low, key, bounds, words, eights, cell, lanes[piece], parts[here], kept)
        return kept[:found]

    kept = np.concatenate(side_by_side(tell, cuts))
    return lanes.reshape(-1, strata.count, cells).sum(axis=0), kept


def _pile_all(strata: Classes, key: Words) -> tuple[Counts, Counts, NDArray[np.uint64]]:
    """The rows of each stratum, the first of them or -1, and all rows, packed, by stratum and key."""
    n, labels, low = len(strata.labels), strata.labels, strata.unsigned_low
    most_ranges = min(MOST_RANGES, (n >> RANGE_ROWS).bit_length())
    shift = max((strata.count - 1).bit_length() - most_ranges, 0)
    ranges = ((strata.count - 1) >> shift) + 1
    cuts = pieces(n)
    counts = np.zeros((len(cuts), ranges), np.int64)
    side_by_side(lambda piece, first, last: piling.count_ranges(labels[first:last], low, shift, counts[piece]), cuts)
    # Of each range, the rows of one piece after those of another.
    heads = np.ascontiguousarray(np.cumsum(counts.T).reshape(ranges, len(cuts)).T) - counts
    pile = np.empty(n, np.uint64)

    def pile_up(piece: int, first: int, last: int) -> None:
        keys = np.empty(row_keys.BLOCK, np.uint32)
        piling.pile_up_ranges(labels[first:last], first, low, key, shift, heads[piece].view(np.uint64), keys, pile)

    side_by_side(pile_up, cuts)
    ends, lengths = heads[-1], counts.sum(axis=0)
    sizes, first_of = np.zeros(strata.count, np.int64), np.empty(strata.count, np.int64)

    def sort(_piece: int, first: int, last: int) -> None:
        start = int(ends[first - 1]) if first else 0
        here = slice(first << shift, last << shift)
        first_of[here] = -1
        spare = np.empty(lengths[first:last].max(initial=0), np.uint64)
        digits, places = np.empty(piling.RADIX, np.uint64), np.empty(1 << shift, np.uint64)
        piling.sort_ranges(
            start, ends[first:last], shift, key, sizes[here], first_of[here], digits, places, pile, spare
        )

    side_by_side(sort, _cuts_near(ends, cuts))
    large = np.flatnonzero(sizes > piling.MANY)
    if len(large):
        stops = np.cumsum(sizes)[large]
        for start, stop in zip((stops - sizes[large]).tolist(), stops.tolist(), strict=True):
            sort_by_key(pile[start:stop], key)
    return sizes, first_of, pile


def _settle_all(table: Counts, ends: Counts, spared: int, pile: NDArray[np.uint64], parts: PartOfRow) -> None:
    """Tell the parts of all rows, piled up, but for those of the part ``spared``."""

    def settle(_piece: int, first: int, last: int) -> None:
        kernels.settle(table[first:last], spared, pile[int(ends[first - 1]) if first else 0 :], parts)

    side_by_side(settle, _cuts_near(ends, pieces(len(pile))))


def _cuts_near(ends: Counts, cuts: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Where to cut what ends at these rows, so that pieces have about the rows of these."""
    at = [0, *(int(np.searchsorted(ends, last)) for _, last in cuts[:-1]), len(ends)]
    return list(pairwise(at))


def sort_by_key(rows: NDArray[np.uint64], key: Words) -> None:
    """Sort packed rows by the upper halves of their keys, and by their whole keys where these are alike."""
    rows.sort()
    upper = rows >> np.uint64(32)
    alike = np.flatnonzero(upper[1:] == upper[:-1])
    if len(alike):
        alike = np.union1d(alike, alike + 1)
        some = rows[alike]
        keys = np.empty(len(some), np.uint64)
        row_keys.make_keys(some & np.uint64(row_keys.ROW), key, keys)
        rows[alike] = some[np.lexsort((keys, upper[alike]))]


def _eights() -> NDArray[np.uint64]:
    """Memory for a byte for each row of a block, that kernels look at eight at a time."""
    return np.empty(row_keys.BLOCK // 8, np.uint64)


def _bands(shares: Counts, stratum_rows: float) -> NDArray[np.uint32]:
    """The two ends of the band around each boundary between parts, ascending; none if strata or parts are small."""
    if stratum_rows < LARGE or not 1 < len(shares) <= MOST_BANDS:
        return np.empty(0, np.uint32)
    at = np.cumsum(shares)[:-1] / shares.sum()
    half = WIDE * np.sqrt(at * (1 - at) / stratum_rows) + 2 / stratum_rows
    ends = np.stack([at - half, at + half], axis=1).ravel()
    if ends[0] <= 0 or ends[-1] >= 1 or (np.diff(ends) <= 0).any():
        return np.empty(0, np.uint32)
    return (ends * 2.0**32).astype(np.uint32)


def _unsettled(hist: Counts, table: Counts) -> NDArray[np.bool_]:
    """Strata of which a boundary is outside its band, so that all their rows must be sorted."""
    if hist.shape[1] == 1:
        return np.ones(len(hist), np.bool_)
    upto = np.cumsum(hist, axis=1)
    boundary = np.cumsum(table, axis=1)[:, :-1]
    outside: NDArray[np.bool_] = np.any((boundary < upto[:, :-1:2]) | (boundary > upto[:, 1::2]), axis=1)
    return outside
