"""The laws without chance that ``verify`` tests."""

from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import partial

import numpy as np
import pyarrow as pa

import aliquot as aq

GOLDEN_ROWS = [221474846372, 443615734747, 930511906552]
GOLDEN_WEIGHTED = [1, 3, 4]
GOLDEN_DRAWS = [3, 1, 3, 3, 3, 3, 1, 1, 1, 3]


def exact_laws(seed: int) -> dict[str, Callable[[], Iterator[bool]]]:
    """Laws without chance: whether each case holds."""
    random = np.random.default_rng(seed)
    return {
        "golden vectors of the stream": _golden,
        "row numbers are distinct, ascending and in range": partial(_well_formed, random),
        "batches, merges and saved states do not change a sample": partial(_merging, random),
        "smaller samples are part of larger ones": partial(_nesting, random),
        "alias tables hold the weights to 2^-52 of each": partial(_alias_tables, random),
        "strata have their shares by largest remainder": partial(_strata_shares, random),
        "parts are exact in every stratum, and groups whole": partial(_parts, random),
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


def _strata_shares(random: np.random.Generator) -> Iterator[bool]:
    for _ in range(20):
        n, strata, seed = 20_000, int(random.integers(1, 50)), int(random.integers(2**62))
        k = int(random.integers(1, n // 2))
        labels = np.floor(strata * random.random(n) ** 3).astype(int)
        rows = aq.sample_indices(n, k, strata=labels, rng=seed)
        sizes = np.bincount(labels, minlength=strata)
        drawn = np.bincount(labels[rows], minlength=strata)
        floors = k * sizes // n
        left = k * sizes - floors * n
        raised = drawn - floors
        # As many are raised as are missing, and none while one with a larger remainder is not.
        fair = np.isin(raised, (0, 1)).all() and left[raised == 1].min(initial=n) >= left[raised == 0].max(initial=0)
        stream = iter(pa.table({"row": np.arange(n), "label": labels}).to_batches(max_chunksize=997))
        streamed = aq.sample(stream, k, strata="label", rng=seed)["row"]
        yield len(rows) == k and bool(fair) and bool(np.array_equal(streamed.to_numpy(), rows))


def _parts(random: np.random.Generator) -> Iterator[bool]:
    shares = {"train": Fraction(7, 10), "valid": Fraction(2, 10), "test": Fraction(1, 10)}
    given = {name: float(share) for name, share in shares.items()}
    for _ in range(20):
        n = int(random.integers(100, 20_000))
        labels = np.floor(20 * random.random(n) ** 2).astype(int)
        parts = aq.split_indices(n, given, strata=labels, rng=random)
        sizes = np.bincount(labels)
        exact = all(
            abs(count - share * size) < 1
            for name, share in shares.items()
            for count, size in zip(np.bincount(labels[parts[name]]).tolist(), sizes.tolist(), strict=False)
        )
        yield exact and bool(np.array_equal(np.sort(np.concatenate([*parts.values()])), np.arange(n)))
        users = random.integers(0, n // 5, n)
        groups = [set(users[rows].tolist()) for rows in aq.split_indices(n, given, groups=users, rng=random).values()]
        yield sum(map(len, groups)) == len(set.union(*groups)) == len(np.unique(users))


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
