"""The laws that ``verify`` tests: without chance, of chance, and of chance for samplers that break them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from itertools import combinations, permutations
from math import comb
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa

import aliquot as aq
from aliquot import _planted
from aliquot._evidence import Counts, Shares

Draw: TypeAlias = Callable[[int, int, int], Sequence[int] | np.ndarray[Any, Any]]
"""Rows of a sample: of n, of size k, with a seed."""

GOLDEN_ROWS = [221474846372, 443615734747, 930511906552]
GOLDEN_WEIGHTED = [1, 3, 4]
GOLDEN_DRAWS = [3, 1, 3, 3, 3, 3, 1, 1, 1, 3]


@dataclass(frozen=True)
class Chance:
    """A law of chance: trials have outcomes in cells, as many each, and these are the probabilities of the cells."""

    name: str
    claimed: Shares
    observe: Callable[[int, int], Counts]
    """Counts of the outcomes of trials number first to last - 1, by cell."""
    trials: int


def exact_laws(seed: int) -> dict[str, Callable[[], Iterator[bool]]]:
    """Laws without chance: whether each case holds."""
    random = np.random.default_rng(seed)
    return {
        "golden vectors of the stream": _golden,
        "row numbers are distinct, ascending and in range": partial(_well_formed, random),
        "batches, merges and saved states do not change a sample": partial(_merging, random),
        "smaller samples are part of larger ones": partial(_nesting, random),
        "alias tables hold the weights to 2^-52 of each": partial(_alias_tables, random),
        "split streams are within a row of their shares": partial(_split_shares, random),
        "certified bounds hold the exact area under the curve": partial(_certified_bounds, random),
    }


def _golden() -> Iterator[bool]:
    yield aq.sample_indices(10**12, 3, rng=7).tolist() == GOLDEN_ROWS
    yield aq.sample_indices(5, 3, weights=[0, 1, 0, 10, 5], rng=7).tolist() == GOLDEN_WEIGHTED
    yield aq.AliasTable([1, 2, 0, 5]).draw(10, rng=7).tolist() == GOLDEN_DRAWS


def _well_formed(random: np.random.Generator) -> Iterator[bool]:
    for _ in range(200):
        n = int(2 ** (50 * random.random()))
        k = int(random.integers(0, min(n, 5000) + 1))
        rows = aq.sample_indices(n, k, rng=random)
        yield len(rows) == k and bool(np.all(np.diff(rows) > 0)) and (k == 0 or bool(rows[0] >= 0 and rows[-1] < n))


def _merging(random: np.random.Generator) -> Iterator[bool]:
    n = 20_000
    table = pa.record_batch({"row": np.arange(n), "w": random.random(n)})
    for weights in (None, "w"):
        for _ in range(20):
            k, seed = int(random.integers(1, 300)), int(random.integers(2**62))
            cuts = [0, *sorted(random.choice(n, 5, replace=False).tolist()), n]
            parts = []
            for first, last in zip(cuts, cuts[1:], strict=False):
                part = aq.Reservoir(k, weights=weights, start=first, rng=seed)
                middle = int(random.integers(first, last + 1))
                for begin, end in ((first, middle), (middle, last)):
                    part.update(table.slice(begin, end - begin))
                parts.append(aq.Reservoir.from_bytes(part.to_bytes()))
            merged, *others = (parts[i] for i in random.permutation(len(parts)))
            for other in others:
                merged.merge(other)
            given = None if weights is None else table["w"]
            once = aq.sample_indices(n, k, weights=given, rng=seed)
            yield bool(np.array_equal(merged.result()["row"].to_numpy(), once))


def _nesting(random: np.random.Generator) -> Iterator[bool]:
    for _ in range(50):
        seed, n = int(random.integers(2**62)), 10**9
        small, large = (set(aq.sample_indices(n, k, rng=seed).tolist()) for k in (100, 1000))
        yield small < large


def _alias_tables(random: np.random.Generator) -> Iterator[bool]:
    for n in (1, 2, 3, 7, 100, 1000):
        for _ in range(5):
            weights = np.exp(3 * random.standard_normal(n))
            total = sum(map(Fraction, weights.tolist()))
            encoded = aq.AliasTable(weights).probabilities().tolist()
            shares = [Fraction(weight) / total for weight in weights.tolist()]
            yield all(abs(Fraction(got) - share) <= share / 2**51 for got, share in zip(encoded, shares, strict=True))


def _split_shares(random: np.random.Generator) -> Iterator[bool]:
    shares = {"train": 0.7, "valid": 0.2, "test": 0.1}
    for _ in range(10):
        parts = aq.Splitter(shares, rng=random).assign(pa.record_batch({"x": np.arange(997)}))
        names = np.array(parts.to_pylist())
        seen = np.arange(1, len(names) + 1)
        yield all(np.all(np.abs(np.cumsum(names == name) - share * seen) < 1) for name, share in shares.items())


def _certified_bounds(random: np.random.Generator) -> Iterator[bool]:
    for bins in (2, 10, 100, 1000):
        for _ in range(5):
            truth = random.random(5000) < 0.3
            score = random.standard_normal(5000) + truth
            exact, binned = aq.BinaryCurve(), aq.BinaryCurve(bins=bins)
            for curve in (exact, binned):
                curve.update(truth, score)
            low, high = binned.roc_auc_bounds()
            yield low <= exact.roc_auc() <= high


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
            train = splitter.assign(batch).to_pylist().count("train")
            counts += (train, len(batch) - train)
        return counts

    return [
        every_subset("all subsets of 3 of 8 rows are equally likely", sample, 20_000 * times),
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
    return [
        every_subset("planted bug: a skip off by one", off_by_one, 20_000 * times),
        every_subset("planted bug: random bits modulo n", modulo, 30_000 * times),
        every_subset("planted bug: a random number used twice", reused, 20_000 * times),
        merged("planted bug: a merge by tossing a coin", coin, 1000 * times),
        later_half("planted bug: a merge that adds up skips", summed, 1000 * times),
    ]


def every_subset(name: str, draw: Draw, trials: int, n: int = 8, k: int = 3) -> Chance:
    """Each of the C(n, k) subsets is drawn equally often."""
    place: dict[tuple[int, ...], int] = {subset: i for i, subset in enumerate(combinations(range(n), k))}

    def subset(trial: int) -> int:
        return place[_subset(draw(n, k, trial))]

    return Chance(
        name,
        np.full(len(place), 1 / len(place)),
        _counting(subset, len(place)),
        trials,
    )


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


def _subset(rows: Sequence[int] | np.ndarray[Any, Any]) -> tuple[int, ...]:
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
