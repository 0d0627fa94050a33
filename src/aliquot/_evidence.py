"""A test that may look as often as it likes: evidence that counts do not come from the probabilities they should.

The evidence is a likelihood ratio: how much likelier the outcomes are if probabilities are drawn around the ones
claimed than if they are the ones claimed. While the claim is true its expectation is 1 at every moment, so the chance
that it ever exceeds 1/alpha is at most alpha, however long one goes on and whenever one stops (Ville's inequality).
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import exp, lgamma, log
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Shares: TypeAlias = NDArray[np.float64]
Counts: TypeAlias = NDArray[np.int64]

SPREADS = (0.01, 0.1, 1.0)
"""How far around: as if so many of the planned outcomes had been seen before. One for coarse bias, one for fine."""
LOOKS = 16
SIMULATIONS = 20


def evidence(counts: Counts, claimed: Shares, planned: int) -> float:
    """The logarithm of the likelihood ratio, for outcomes counted in cells of these probabilities."""
    seen = counts > 0
    if np.any(seen & (claimed <= 0)):
        return np.inf
    possible = claimed > 0
    under_claim = float((counts[seen] * np.log(claimed[seen])).sum())
    terms = []
    for spread in SPREADS:
        before = planned * spread
        total = lgamma(before) - lgamma(before + int(counts.sum()))
        for share, count in zip(claimed[possible].tolist(), counts[possible].tolist(), strict=True):
            if count:
                total += lgamma(before * share + count) - lgamma(before * share)
        terms.append(total - under_claim)
    most = max(terms)
    return most + log(sum(exp(term - most) for term in terms) / len(terms))


@dataclass(frozen=True)
class Tested:
    """The counts at the last look, and whether they told against the claim."""

    counts: Counts
    trials: int
    evidence: float
    refuted: bool


def test_counts(observe: Callable[[int, int], Counts], claimed: Shares, trials: int, alpha: float) -> Tested:
    """Look again and again at what ``observe(first, last)`` counts over trials, until it tells or there are enough.

    A trial may have several outcomes: those planned are what the first look had, times the looks.
    """
    bounds = np.linspace(0, trials, LOOKS + 1).astype(int).tolist()
    counts = np.zeros(len(claimed), np.int64)
    planned = 0
    for first, last in zip(bounds, bounds[1:], strict=False):
        counts = counts + observe(first, last)
        planned = planned or max(int(counts.sum()), 1) * LOOKS
        against = evidence(counts, claimed, planned)
        if against > -log(alpha):
            return Tested(counts, last, against, True)
    return Tested(counts, trials, against, False)


def least_caught(claimed: Shares, outcomes: int, alpha: float) -> float:
    """The relative bias, of every other cell up and the others down, that all of some simulated tests catch.

    The smallest in steps of a quarter; 1 if none is.
    """
    random = np.random.default_rng(7)
    up = np.arange(len(claimed)) % 2 == 0
    bias = 1.0
    smallest = 1.0
    while bias > 1e-4:
        tilted = np.where(up, claimed * (1 + bias), claimed * (1 - bias))
        tilted /= tilted.sum()
        drawn = random.multinomial(outcomes, tilted, SIMULATIONS)
        if any(evidence(counts, claimed, outcomes) <= -log(alpha) for counts in drawn):
            break
        smallest = bias
        bias *= 0.8
    return smallest
