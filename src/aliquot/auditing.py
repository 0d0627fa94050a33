"""A statistical audit of the aliquot that is installed, on the machine that it is installed on."""

import platform
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import aliquot as aq
from aliquot import _exact_laws, _laws, _rng
from aliquot._checks import check_bool
from aliquot._evidence import least_caught, test_counts
from aliquot._provenance import STREAM

FALSE_ALARM = 1e-6
"""The chance that a sound build fails the audit, all of its statistical laws together."""
FULL = 20
"""Times as many trials as a quick audit."""


@dataclass(frozen=True)
class Finding:
    """What one law was tested with and what came of it."""

    law: str
    passed: bool
    tried: str

    def __str__(self) -> str:
        return f"{'ok' if self.passed else 'FAILED':7} {self.law:58} {self.tried}"


@dataclass(frozen=True)
class Audit:
    """The findings of ``verify``; ``passed`` if all are good. Prints as a report."""

    findings: tuple[Finding, ...]
    seed: int

    @property
    def passed(self) -> bool:
        """Whether every law held and every planted bug was caught."""
        return all(finding.passed for finding in self.findings)

    def __str__(self) -> str:
        failed = sum(not finding.passed for finding in self.findings)
        verdict = "PASSED" if self.passed else f"FAILED {failed} of"
        return "\n".join(
            [
                f"aliquot {aq.__version__}, stream {STREAM}, {platform.machine()}, seed {self.seed}",
                *map(str, self.findings),
                f"{verdict} {len(self.findings)} checks; a sound build fails once in a million audits, at most",
            ]
        )


def verify(*, full: bool = False, rng: _rng.RNG = None, progress: Callable[[Finding], object] | None = None) -> Audit:
    """An audit of whether this build draws what it says, on this machine.

    Parameters
    ----------
    full : bool, default False
        Twenty times as many trials: biases a quarter as large are caught. Quick takes some seconds, full some minutes.
    rng : None, int, SeedSequence, BitGenerator or Generator
        The seed of the trials. None takes fresh entropy, so that every audit is new evidence.
    progress : callable, optional
        Called with each finding as soon as it is there.

    Returns
    -------
    Audit
        Its findings, whether all of them ``passed``, and the seed; ``print`` shows it as a report.

    Raises
    ------
    TypeError
        If ``full`` is not True or False, or ``rng`` is no seed.

    Notes
    -----
    Laws without chance are checked as they are: golden vectors, batching, merging, nesting, saved states, exact alias
    tables, shares of strata and of parts, whole groups, certified bounds. Laws of chance count outcomes whose
    probabilities are known exactly, and stop when a likelihood ratio tells against them. Its expectation is 1 while a
    law holds, so however often it is looked at, all laws together raise a false alarm with a probability of 1e-6 at
    most. Beside each is the bias that it would have caught: every other cell likelier by that share and the others
    less likely, caught in 20 of 20 simulations. At last the laws are shown samplers with known bugs, and fail unless
    they catch them.

    References
    ----------
    Ville (1939), "Étude critique de la notion de collectif". Ramdas, Grünwald, Vovk, Shafer (2023), "Game-theoretic
    statistics and safe anytime-valid inference", doi:10.1214/23-STS894.

    Examples
    --------
    >>> import aliquot as aq
    >>> aq.verify(rng=7).passed
    True
    """
    times = FULL if check_bool("full", full) else 1
    seed = _rng.seed_of(rng)
    findings = []
    for finding in _findings(seed, times):
        findings.append(finding)
        if progress is not None:
            progress(finding)
    return Audit(tuple(findings), seed)


def _findings(seed: int, times: int) -> Iterator[Finding]:
    for name, cases in _exact_laws.exact_laws(seed).items():
        held = list(cases())
        yield Finding(
            name, all(held), f"{len(held)} cases" if all(held) else f"{held.count(False)} of {len(held)} cases broke it"
        )
    laws = _laws.laws_of_chance(seed, times)
    alpha = FALSE_ALARM / len(laws)
    for law in laws:
        tested = test_counts(law.observe, law.claimed, law.trials, alpha)
        if tested.refuted:
            tried = f"refuted after {tested.trials:,} trials: one in e^{tested.evidence:.0f} likely"
        else:
            least = least_caught(law.claimed, int(tested.counts.sum()), alpha)
            tried = f"{tested.trials:,} trials; a bias of {least:.1%} would be caught"
        yield Finding(law.name, not tested.refuted, tried)
    for law in _laws.planted_bugs(seed, times):
        tested = test_counts(law.observe, law.claimed, law.trials, alpha)
        tried = f"caught after {tested.trials:,} trials" if tested.refuted else f"MISSED in {tested.trials:,} trials"
        yield Finding(law.name, tested.refuted, tried)
