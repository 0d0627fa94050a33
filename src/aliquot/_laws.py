"""The laws of chance that ``verify`` tests, and the same for samplers that break them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations, permutations
from math import comb
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

import aliquot as aq
from aliquot import _planted
from aliquot._evidence import Counts, Shares

Rows: TypeAlias = Sequence[int] | np.ndarray[Any, Any]
Draw: TypeAlias = Callable[[int, int, int], Rows]
"""Rows of a sample: of n, of size k, with a seed."""

HALVES = {"one": 0.5, "other": 0.5}
STRATA, SIX, PICKED = 500, 6, 2
LABELS = np.repeat(np.arange(STRATA), SIX)


@dataclass(frozen=True)
class Chance:
    """A law of chance: trials have outcomes in cells, as many each, and these are the probabilities of the cells."""

    name: str
    claimed: Shares
    observe: Callable[[int, int], Counts]
    """Counts of the outcomes of trials number first to last - 1, by cell."""
    trials: int


def laws_of_chance(seed: int, times: int) -> list[Chance]:
    """Laws of chance for what aliquot draws."""
    sample = partial(_sample, seed)
    outcomes = np.arange(1, 17) ** 2
    table = aq.AliasTable(outcomes)
    batch = pa.record_batch({"id": np.arange(20_000)})

    def draws(first: int, last: int) -> Counts:
        rngs = (_seed_of(seed, trial) for trial in range(first, last))
        return sum((np.bincount(table.draw(10_000, rng=rng), minlength=16) for rng in rngs), np.zeros(16, np.int64))

    def replaced(first: int, last: int) -> Counts:
        rngs = (_seed_of(seed, trial) for trial in range(first, last))
        rows = (aq.sample_indices(50, 500, replace=True, rng=rng) for rng in rngs)
        return sum((np.bincount(each, minlength=50) for each in rows), np.zeros(50, np.int64))

    def coins(first: int, last: int, key: str | None) -> Counts:
        rngs = (_seed_of(seed, trial) for trial in range(first, last))
        heads = sum(aq.bernoulli(batch, 0.3, key=key, rng=rng).read_all().num_rows for rng in rngs)
        return np.array([heads, len(batch) * (last - first) - heads])

    def parts(first: int, last: int) -> Counts:
        counts = np.zeros(2, np.int64)
        for trial in range(first, last):
            splitter = aq.Splitter({"train": 0.8, "test": 0.2}, key="id", rng=_seed_of(seed, trial))
            train = pc.sum(pc.equal(splitter.assign(batch), "train")).as_py()
            counts += (train, len(batch) - train)
        return counts

    def stratified(trial: int) -> np.ndarray[Any, Any]:
        size, rng = PICKED * STRATA, _seed_of(seed, trial)
        return aq.sample_indices(len(LABELS), size, strata=LABELS, allocation="equal", rng=rng)

    def halved(trial: int) -> np.ndarray[Any, Any]:
        return aq.split_indices(len(LABELS), HALVES, strata=LABELS, rng=_seed_of(seed, trial))["one"]

    def halved_unevenly(trial: int) -> np.ndarray[Any, Any]:
        return aq.split_indices(9, HALVES, strata=np.arange(9) % 3, rng=_seed_of(seed, trial))["one"]

    return [
        every_subset("all subsets of 3 of 8 rows are equally likely", sample, 20_000 * times),
        of_strata("all subsets of 2 of 6 rows in each of 500 strata are, too", stratified, PICKED, 200 * times),
        of_strata("all halves of 6 rows in each of 500 strata are, too", halved, 3, 200 * times),
        rounded("strata that do not divide are rounded as likely", halved_unevenly, 1_000 * times),
        by_position("rows of 1e12 are as likely wherever they are", sample, 10**12, 1 << 34, 100 * times),
        by_remainder("rows of 1e12 are as likely whatever their last 6 bits", sample, 10**12, 100 * times),
        weighted_subsets("weighted subsets of 2 of 5 rows are as likely as drawn", seed, 10_000 * times),
        Chance("draws with replacement are even", np.full(50, 1 / 50), replaced, 200 * times),
        Chance("alias draws have the shares of their weights", outcomes / outcomes.sum(), draws, 100 * times),
        Chance("coins show heads as often as they should", np.array([0.3, 0.7]), partial(coins, key=None), 50 * times),
        Chance("coins of ids do, too", np.array([0.3, 0.7]), partial(coins, key="id"), 50 * times),
        Chance("hash splits have their shares", np.array([0.8, 0.2]), parts, 50 * times),
        merged("merges take from either side as a sample does", partial(_merge, seed), 1000 * times),
        later_half("what comes after a merge has its share", partial(_merge_and_go_on, seed), 1000 * times),
    ]


def planted_bugs(seed: int, times: int) -> list[Chance]:
    """The same laws for samplers that break them."""

    def seeded(draw: Callable[[int, int, int], list[int]]) -> Draw:
        return lambda n, k, trial: draw(n, k, _seed_of(seed, trial))

    off_by_one, modulo = seeded(_planted.off_by_one_draw), seeded(_planted.modulo_draw)
    reused, coin = seeded(_planted.reused_uniform_draw), seeded(partial(_planted.union_by_coin, others=3))
    summed = seeded(_planted.merge_summed_and_go_on)

    def by_order(trial: int) -> list[int]:
        return _planted.half_rounded_by_order(_seed_of(seed, trial))

    return [
        every_subset("planted bug: a skip off by one", off_by_one, 20_000 * times),
        every_subset("planted bug: random bits modulo n", modulo, 30_000 * times),
        every_subset("planted bug: a random number used twice", reused, 20_000 * times),
        rounded("planted bug: rounding up the first strata", by_order, 1_000 * times),
        merged("planted bug: a merge by tossing a coin", coin, 1000 * times),
        later_half("planted bug: a merge that adds up skips", summed, 1000 * times),
    ]


def every_subset(name: str, draw: Draw, trials: int, n: int = 8, k: int = 3) -> Chance:
    """Each of the C(n, k) subsets is drawn equally often."""
    place = {subset: i for i, subset in enumerate(combinations(range(n), k))}

    def subset(trial: int) -> int:
        return place[_subset(draw(n, k, trial))]

    return Chance(name, np.full(len(place), 1 / len(place)), _counting(subset, len(place)), trials)


def of_strata(name: str, draw: Callable[[int], Rows], k: int, trials: int) -> Chance:
    """Of six rows in each stratum, each subset of k is drawn equally often. A subset is the number with those bits."""
    sets = np.arange(1 << SIX)
    possible = np.bitwise_count(sets) == k

    def observe(first: int, last: int) -> Counts:
        counts = np.zeros(len(sets), np.int64)
        for trial in range(first, last):
            stratum, row = np.divmod(np.asarray(draw(trial)), SIX)
            drawn = np.bincount(stratum, weights=1 << row, minlength=STRATA).astype(int)
            counts += np.bincount(drawn, minlength=len(sets))
        return counts

    return Chance(name, possible / possible.sum(), observe, trials)


def rounded(name: str, draw: Callable[[int], Rows], trials: int) -> Chance:
    """Five of nine rows are drawn, two of each of three strata but one; which one is as likely."""

    def short(trial: int) -> int:
        return int(np.bincount(np.asarray(draw(trial)) % 3, minlength=3).argmin())

    return Chance(name, np.full(3, 1 / 3), _counting(short, 3), trials)


def by_position(name: str, draw: Draw, n: int, width: int, trials: int) -> Chance:
    """Rows in each stretch of ``width`` rows are in by its length. 1,000 of 1e12 rows differ from independent ones by
    less than 1e-6 in all.
    """
    edges = np.append(np.arange(0, n, width), n)

    def observe(first: int, last: int) -> Counts:
        rows = np.concatenate([np.asarray(draw(n, 1000, trial)) for trial in range(first, last)])
        return np.bincount(rows // width, minlength=len(edges) - 1)

    return Chance(name, np.diff(edges) / n, observe, trials)


def by_remainder(name: str, draw: Draw, n: int, trials: int) -> Chance:
    """The same by the last 6 bits of the row number."""

    def observe(first: int, last: int) -> Counts:
        rows = np.concatenate([np.asarray(draw(n, 1000, trial)) for trial in range(first, last)])
        return np.bincount(rows % 64, minlength=64)

    return Chance(name, np.full(64, 1 / 64), observe, trials)


def weighted_subsets(name: str, seed: int, trials: int) -> Chance:
    """Each subset of 2 of 5 rows is drawn as often as by drawing one row after the other in proportion to weight."""
    weights = [1.0, 2.0, 3.0, 5.0, 8.0]
    place: dict[tuple[int, ...], int] = {subset: i for i, subset in enumerate(combinations(range(5), 2))}
    claimed = np.zeros(len(place))
    for i, j in permutations(range(5), 2):
        claimed[place[_subset((i, j))]] += weights[i] / 19 * weights[j] / (19 - weights[i])

    def subset(trial: int) -> int:
        return place[_subset(aq.sample_indices(5, 2, weights=weights, rng=_seed_of(seed, trial)))]

    return Chance(name, claimed, _counting(subset, len(place)), trials)


def merged(name: str, draw: Draw, trials: int, n: int = 10, k: int = 2) -> Chance:
    """Of k rows of streams of n and 3n, as many are of the first as in a sample of all."""
    claimed = np.array([comb(n, i) * comb(3 * n, k - i) / comb(4 * n, k) for i in range(k + 1)])
    return Chance(name, claimed, _counting(lambda trial: sum(row < n for row in draw(n, k, trial)), k + 1), trials)


def later_half(name: str, draw: Draw, trials: int, n: int = 500, k: int = 10) -> Chance:
    """Of k rows of n and n merged and then 2n more, as many are of the last half as in a sample of all."""
    claimed = np.array([comb(2 * n, i) * comb(2 * n, k - i) / comb(4 * n, k) for i in range(k + 1)])
    return Chance(name, claimed, _counting(lambda trial: sum(row >= 2 * n for row in draw(n, k, trial)), k + 1), trials)


def _counting(cell: Callable[[int], int], cells: int) -> Callable[[int, int], Counts]:
    return lambda first, last: np.bincount([cell(trial) for trial in range(first, last)], minlength=cells)


def _subset(rows: Rows) -> tuple[int, ...]:
    return tuple(sorted(int(row) for row in rows))


def _seed_of(seed: int, trial: int) -> int:
    """A seed for each trial of an audit; seeds are hashed whole, so neighbours are as far apart as any."""
    return (seed << 32) + trial


def _sample(seed: int, n: int, k: int, trial: int) -> np.ndarray[Any, Any]:
    return aq.sample_indices(n, k, rng=_seed_of(seed, trial))


def _merge(seed: int, n: int, k: int, trial: int) -> np.ndarray[Any, Any]:
    """Rows of two reservoirs of unlike seeds, over n and 3n rows."""
    return _rows_of(_merged(seed, n, 4 * n, k, trial))


def _merge_and_go_on(seed: int, n: int, k: int, trial: int) -> np.ndarray[Any, Any]:
    reservoir = _merged(seed, n, 2 * n, k, trial)
    reservoir.update(_rows(2 * n, 4 * n))
    return _rows_of(reservoir)


def _merged(seed: int, middle: int, last: int, k: int, trial: int) -> aq.Reservoir:
    first, second = (aq.Reservoir(k, rng=_seed_of(seed, 2 * trial + i)) for i in range(2))
    first.update(_rows(0, middle))
    second.update(_rows(middle, last))
    first.merge(second)
    return first


def _rows_of(reservoir: aq.Reservoir) -> np.ndarray[Any, Any]:
    return np.asarray(reservoir.result()["row"])


def _rows(first: int, last: int) -> pa.RecordBatch:
    return pa.record_batch({"row": np.arange(first, last)})
