"""What the benchmarks conclude from what they measure. Nothing is measured here."""

import json
import subprocess
import sys

import numpy as np
import pytest

import callgrind
import gate
import instructions


class TestInstructionGate:
    RECORDED = {"draw": 20.0, "hash": 100.0}

    def test_no_change_is_no_regression(self):
        assert instructions.compare(self.RECORDED, dict(self.RECORDED), 0.02) == ([], [])

    def test_five_percent_more_are_one_readable_line(self):
        wrong, notes = instructions.compare(self.RECORDED, {"draw": 21.0, "hash": 101.9}, 0.02)
        assert wrong == ["draw: 20.000 -> 21.000 instructions a row, +5.0%, limit 2%"]
        assert notes == []

    def test_fewer_are_a_note(self):
        wrong, notes = instructions.compare(self.RECORDED, {"draw": 15.0, "hash": 100.0}, 0.02)
        assert wrong == []
        assert notes == ["draw: 20.000 -> 15.000 instructions a row, -25.0%, limit 2%"]

    def test_a_kernel_is_neither_added_nor_dropped_in_silence(self):
        wrong, _ = instructions.compare(self.RECORDED, {"draw": 20.0, "split": 4.0}, 0.02)
        assert wrong == [
            "split: has no recorded count; 4.000 instructions a row now",
            "hash: is recorded, and no longer counted",
        ]

    def test_counts_are_of_the_kernels_there_are(self):
        names = [kernel.name for kernel in callgrind.KERNELS]
        assert len(set(names)) == len(names)
        for recorded in json.loads(instructions.RECORDED.read_text()).values():
            assert list(recorded["per_row"]) == names

    def test_an_unknown_toolchain_is_said_and_no_false_alarm(self, monkeypatch, capsys):
        monkeypatch.setattr(instructions, "toolchain", lambda: "clang 99.0, riscv, CPython 3.99")
        monkeypatch.setattr(callgrind, "count", lambda python: {"draw": 1.0})
        monkeypatch.setattr(sys, "argv", ["instructions.py"])
        assert instructions.main() == 0
        assert capsys.readouterr().err.startswith(
            "NOT CHECKED: nothing is recorded for clang 99.0, riscv, CPython 3.99"
        )

    def test_a_missing_valgrind_is_a_clear_failure(self, monkeypatch, capsys):
        monkeypatch.setenv("PATH", "")
        monkeypatch.setattr(sys, "argv", ["instructions.py"])
        assert instructions.main() == 2
        assert (
            capsys.readouterr().err == "valgrind: must be installed to count instructions (apt-get install valgrind)\n"
        )

    def test_the_toolchain_is_that_of_the_kernels(self):
        assert instructions.toolchain().startswith(("gcc ", "clang "))

    def test_a_dump_is_read(self):
        text = "version: 1\ndesc: I1 cache:\ndesc: Trigger: Client Request: hash, int64\n\nevents: Ir\nfn=(1)\n0 5\ntotals: 5\n"
        assert callgrind.DUMP.search(text).groups() == ("hash, int64", "5")


class TestGate:
    def test_interval_holds_the_true_ratio_of_noisy_times(self):
        random = np.random.default_rng(7)
        held = 0
        for _ in range(200):
            low, high = gate.interval(np.exp(0.03 * random.standard_normal(15)), resamples=500)
            held += low <= 1 <= high
        assert held >= 190

    def test_a_slowdown_beyond_noise_is_told_from_none(self):
        noise = 0.01 * np.random.default_rng(7).standard_normal(15)
        assert gate.interval(1.10 * np.exp(noise))[0] > 1 + gate.TIME_LIMIT
        assert gate.interval(np.exp(noise))[0] < 1 + gate.TIME_LIMIT

    def test_an_unknown_revision_is_an_error(self, tmp_path):
        command = [sys.executable, gate.__file__, "no-such-revision"]
        done = subprocess.run(command, capture_output=True, check=False, cwd=tmp_path)
        assert done.returncode != 0
        assert b"no-such-revision" in done.stderr


def test_bootstrap_is_repeatable():
    ratios = [1.0, 1.01, 0.99, 1.02, 0.98]
    assert gate.interval(ratios) == gate.interval(ratios) == pytest.approx((0.98, 1.02))
