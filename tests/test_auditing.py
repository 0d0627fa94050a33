"""The audit: it passes here, catches what it is there to catch, and raises no alarm without a cause."""

from math import exp, log

import numpy as np
import pytest

import aliquot as aq
from aliquot import _evidence, _exact_laws, _laws, cli

FAIR = np.full(6, 1 / 6)


def tossing(shares, seed=7):
    def observe(first, last):
        return sum(np.random.default_rng((seed, trial)).multinomial(10, shares) for trial in range(first, last))

    return observe


class TestEvidence:
    def test_its_expectation_is_one_while_the_claim_is_true(self):
        """All 3^8 sequences of 8 outcomes, weighted with their probabilities: exactly, by enumeration of counts."""
        claimed = np.array([0.5, 0.3, 0.2])
        total = 0.0
        for a in range(9):
            for b in range(9 - a):
                counts = np.array([a, b, 8 - a - b])
                ways = np.prod(range(1, 9)) / np.prod([np.prod(range(1, c + 1)) for c in counts])
                total += ways * np.prod(claimed**counts) * exp(_evidence.evidence(counts, claimed, 8))
        assert total == pytest.approx(1)

    def test_what_cannot_happen_refutes_at_once(self):
        assert _evidence.evidence(np.array([5, 1]), np.array([1.0, 0.0]), 6) == np.inf
        assert _evidence.evidence(np.array([5, 0]), np.array([1.0, 0.0]), 6) == pytest.approx(0)

    def test_a_fair_die_is_not_refuted(self):
        tested = _evidence.test_counts(tossing(FAIR), FAIR, 1000, 1e-6)
        assert (tested.refuted, tested.trials, tested.counts.sum()) == (False, 1000, 10_000)

    def test_a_loaded_die_is_refuted_early(self):
        loaded = FAIR + [0.1, -0.1, 0, 0, 0, 0]
        tested = _evidence.test_counts(tossing(loaded), FAIR, 1000, 1e-6)
        assert tested.refuted
        assert tested.trials < 200

    def test_false_alarms_stay_below_alpha_however_often_one_looks(self):
        alarms = sum(_evidence.test_counts(tossing(FAIR, seed), FAIR, 32, 0.05).refuted for seed in range(400))
        assert alarms <= 20  # 0.05 of 400 would be the most that is expected

    def test_a_bias_that_is_said_to_be_caught_is(self):
        bias = _evidence.least_caught(FAIR, 10_000, 1e-7)
        assert 0.01 < bias < 0.2
        tilted = FAIR * (1 + bias * np.array([1, -1, 1, -1, 1, -1]))
        random = np.random.default_rng(11)
        caught = sum(
            _evidence.evidence(random.multinomial(10_000, tilted), FAIR, 10_000) > -log(1e-7) for _ in range(50)
        )
        assert caught >= 45

    def test_more_trials_catch_less(self):
        assert _evidence.least_caught(FAIR, 100_000, 1e-7) < _evidence.least_caught(FAIR, 10_000, 1e-7) / 2


@pytest.fixture(scope="module")
def audit():
    return aq.verify(rng=7)


class TestAudit:
    def test_this_build_passes(self, audit):
        assert audit.passed, str(audit)
        assert audit.seed == 7

    def test_the_report_says_what_was_tried(self, audit):
        lines = str(audit).splitlines()
        assert lines[0].startswith(f"aliquot {aq.__version__}, stream 1, ")
        assert lines[-1].startswith(f"PASSED {len(audit.findings)} checks")
        assert sum("trials; a bias of" in line for line in lines) == 14
        assert sum("planted bug" in line and "caught after" in line for line in lines) == 6
        assert not any(line.startswith("FAILED") for line in lines)

    def test_claimed_probabilities_sum_to_one(self):
        for law in [*_laws.laws_of_chance(7, 1), *_laws.planted_bugs(7, 1)]:
            assert law.claimed.sum() == pytest.approx(1, abs=1e-12)

    def test_full_must_be_a_truth_value(self):
        with pytest.raises(TypeError, match=r"^full: must be True or False, got int 1$"):
            aq.verify(full=1)


class TestABuildThatIsWrong:
    """Bugs planted under the public names; the audit must name the law that each breaks."""

    def broken(self, laws):
        return [
            law.name
            for law in laws
            if _evidence.test_counts(law.observe, law.claimed, law.trials, 1e-6 / len(laws)).refuted
        ]

    def test_a_bias_towards_late_rows_is_caught(self, monkeypatch):
        right = aq.sample_indices

        def wrong(n, size, **options):
            rows = right(n, size, **options)
            return rows if n < 10**6 else rows - rows // 16  # nothing at the end

        monkeypatch.setattr(aq, "sample_indices", wrong)
        laws = [law for law in _laws.laws_of_chance(7, 1) if law.name.startswith("rows of 1e12")]
        assert self.broken(laws) == ["rows of 1e12 are as likely wherever they are"]

    def test_a_changed_stream_is_caught(self, monkeypatch):
        right = aq.sample_indices
        monkeypatch.setattr(aq, "sample_indices", lambda n, size, **options: (right(n, size, **options) + 1) % n)
        assert not all(_exact_laws.exact_laws(7)["golden vectors of the stream"]())
        assert not all(_exact_laws.exact_laws(7)["batches, merges and saved states do not change a sample"]())

    def test_parts_that_lose_a_row_are_caught(self, monkeypatch):
        right = aq.split_indices

        def wrong(*args, **options):
            parts = right(*args, **options)
            return {name: rows[: len(rows) - (name == "test")] for name, rows in parts.items()}

        monkeypatch.setattr(aq, "split_indices", wrong)
        assert not all(_exact_laws.exact_laws(7)["parts are exact in every stratum, and groups whole"]())

    def test_strata_in_equal_shares_are_caught(self, monkeypatch):
        right = aq.sample_indices
        monkeypatch.setattr(aq, "sample_indices", lambda *args, **options: right(*args, allocation="equal", **options))
        assert not all(_exact_laws.exact_laws(7)["strata have their shares by largest remainder"]())

    def test_a_lopsided_alias_table_is_caught(self, monkeypatch):
        right = aq.AliasTable

        def wrong(weights):
            return right(np.asarray(weights, float) + 0.01 * np.arange(len(weights)))

        monkeypatch.setattr(aq, "AliasTable", wrong)
        assert not all(_exact_laws.exact_laws(7)["alias tables hold the weights to 2^-52 of each"]())

    def test_the_command_says_so_and_ends_with_1(self, monkeypatch, capsys):
        monkeypatch.setattr(_laws, "laws_of_chance", lambda seed, times: _laws.planted_bugs(seed, times)[-1:])
        assert cli.main(["verify", "--seed", "7"]) == 1
        out = capsys.readouterr().out
        assert "FAILED  planted bug: a merge that adds up skips" in out
        assert out.splitlines()[-1].startswith("FAILED 1 of ")


@pytest.mark.slow
def test_the_command_passes(capsys):
    assert cli.main(["verify", "--quick", "--seed", "8"]) == 0
    assert "PASSED" in capsys.readouterr().out
