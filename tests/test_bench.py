"""What the benchmarks conclude from what they measure. Nothing is measured here."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

import callgrind
import gate
import instructions
import report
import scaling
import tables
import watch
from aliquot import _timing, cli
from aliquot._timing import Group


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

    def test_what_another_numba_compiles_is_not_compared(self, monkeypatch, capsys):
        recorded = json.loads(instructions.RECORDED.read_text())
        key = next(iter(recorded))
        names = [kernel.name for kernel in callgrind.KERNELS if kernel.compiled_by == "numba"]
        twice = {name: 2 * count for name, count in recorded[key]["per_row"].items() if name in names}
        monkeypatch.setattr(instructions, "toolchain", lambda: key)
        monkeypatch.setattr(callgrind, "count", lambda python: {**recorded[key]["per_row"], **twice})
        monkeypatch.setattr(sys, "argv", ["instructions.py"])
        monkeypatch.setattr(instructions, "version", recorded[key]["packages"].get)
        assert instructions.main() == 1
        assert capsys.readouterr().err.count("REGRESSION") == len(names) > 0
        monkeypatch.setattr(instructions, "version", {**recorded[key]["packages"], "numba": "9.9"}.get)
        assert instructions.main() == 0
        assert capsys.readouterr().err.count("NOT CHECKED") == len(names)

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


DOUBLE = Group(
    "double 4",
    4,
    lambda answer: None,
    {"aliquot": lambda: [0] * 4, "peer": lambda: [0] * 400},
    {"floor: nothing": lambda: None},
    row_bytes=8,
    headline=True,
)


@pytest.fixture(scope="module")
def listed():
    """What report.py makes of measured times."""
    return report.entries(DOUBLE, _timing.run(DOUBLE, 2))


class TestReport:
    def test_every_contestant_is_measured_beside_ours(self, listed):
        roles = {each["name"]: each["extra_info"]["role"] for each in listed}
        assert roles == {"aliquot": "ours", "peer": "peer", "floor: nothing": "floor"}
        for each in listed:
            info = each["extra_info"]
            assert info["ratio_low"] <= info["ratio"] <= info["ratio_high"]
            assert info["gb_per_s"] == pytest.approx(8e-9 * info["rows_per_s"], rel=1e-3)
            assert info["ns_per_row"] == pytest.approx(1e9 / info["rows_per_s"], rel=1e-3)

    def test_pytest_benchmark_reads_the_results(self, listed, tmp_path):
        document = {**report.document("python bench/report.py"), "benchmarks": listed}
        path = tmp_path / "bench_double.json"
        path.write_text(json.dumps(document))
        command = [sys.executable, "-m", "pytest_benchmark", "compare", str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
        assert "benchmark 'double 4': 3 tests" in done.stdout

    def test_the_table_has_what_the_results_say(self, listed, tmp_path):
        quiet = [
            {**each, "group": "no headline", "extra_info": {**each["extra_info"], "headline": False}} for each in listed
        ]
        (tmp_path / "bench_double.json").write_text(json.dumps({"benchmarks": [*listed, *quiet]}))
        head, rule, *rows = report.readme_table(tmp_path).splitlines()
        assert head.count("|") == rule.count("|") == 7
        (row,) = rows
        assert row.startswith("| double 4 | ")
        assert " | peer " in row
        assert " | nothing " in row

    def test_the_readme_shows_the_results_there_are(self):
        readme = report.README.read_text()
        assert tables.filled(readme, "benchmarks", report.readme_table()) == readme, "make bench-readme"

    def test_another_table_goes_between_the_markers_only(self):
        page = "before\n<!-- a -->\nold\n<!-- end of a -->\nafter\n"
        assert tables.filled(page, "a", "new\n") == page.replace("old", "new")
        with pytest.raises(ValueError, match=r"^page: must have <!-- b --> and <!-- end of b --> once$"):
            tables.filled(page, "b", "new\n")

    def test_a_wrong_answer_is_not_timed(self):
        def check(answer):
            assert answer == 1

        with pytest.raises(AssertionError):
            _timing.run(Group("wrong", 1, check, {"aliquot": lambda: 2}), 1)

    def test_peak_memory_is_seen(self):
        peak = _timing.peak_bytes(lambda: np.ones(4_000_000))
        assert peak is None or 31e6 < peak < 40e6


class TestScale:
    def test_slopes_are_those_of_powers(self):
        sizes = [10, 100, 1000]
        assert scaling.slope(sizes, [3.0, 3.0, 3.0]) == pytest.approx(0)
        assert scaling.slope(sizes, [1e-3, 1e-2, 1e-1]) == pytest.approx(1)
        assert scaling.slope(sizes, [10**0.5, 10, 10**1.5]) == pytest.approx(0.5)

    def test_a_sweep_becomes_a_line_of_the_table_and_a_plot(self, tmp_path):
        sweep = scaling.Sweep("ones", "rows", (10, 1000), lambda n: lambda: np.ones(n))
        (line,) = scaling.lines_of(scaling.measured([sweep], 1))
        assert (line.name, line.grows, line.sizes) == ("ones", "rows", [10, 1000])
        assert scaling.table_of([line]).splitlines()[-1].startswith("| ones | rows | 10, ")
        scaling.plot([line, line], tmp_path / "a.svg")
        scaling.plot([line, line], tmp_path / "b.svg")
        assert (tmp_path / "a.svg").read_text().startswith("<?xml")
        assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()

    def test_a_contestant_that_was_ended_is_said_to_take_longer(self):
        ours = watch.Run("job", "aliquot", 2.0, 10**9, 0, 10**8, "")
        ended = watch.Run("job", "peer", 600.0, 0, 2 * 10**9, 5 * 10**9, "ended after 600 s")
        full = watch.Run("job", "other", 60.0, 0, 10**9, 16 * 10**9, "ended at 16 GB")
        assert watch.table_of([ours, ended, full]).splitlines()[2:] == [
            "| job | aliquot | 2.0 s | 1 | 1.00 GB | 0.10 GB |",
            "| job | peer | ended after 600 s | > 3e+02 | 2.00 GB | 5.00 GB |",
            "| job | other | ended at 16 GB |  | 1.00 GB | 16.00 GB |",
        ]

    def test_a_process_is_watched_and_ended_in_time(self, monkeypatch):
        command = [sys.executable, "-c", "import watch; print(watch.measured(lambda: bytes(10**6)))"]
        monkeypatch.setenv("PYTHONPATH", os.path.dirname(watch.__file__))
        run = watch.watched("job", "quick", command, 100, 10**10)
        assert run.ended == ""
        assert 0 <= run.seconds < 100
        assert watch.runs_of({"benchmarks": watch.entries_of([run])}) == [run]
        endless = [sys.executable, "-c", "while True: pass"]
        assert watch.watched("job", "endless", endless, 0.2, 10**10).ended == "ended after 0 s"
        large = [sys.executable, "-c", "held = b'1' * 200_000_000\nwhile True: pass"]
        assert watch.watched("job", "large", large, 100, 10**8).ended.startswith("ended at ")
        assert watch.watched("job", "wrong", [sys.executable, "-c", "1 / 0"], 100, 10**10).ended.startswith("failed")

    def test_the_page_shows_the_results_there_are(self, tmp_path):
        page = scaling.PAGE.read_text()
        lines = scaling.lines_of(json.loads(scaling.RESULTS.read_text()))
        runs = watch.runs_of(json.loads((report.RESULTS / "billion.json").read_text()))
        assert tables.filled(page, "scaling", scaling.table_of(lines)) == page
        assert tables.filled(page, "billion", watch.table_of(runs)) == page


def test_the_command_times_what_ships(capsys):
    assert cli.main(["bench", "--rows", "2000", "--rounds", "1"]) == 0
    out = capsys.readouterr().out
    for title in ("draw 1,000 of 2,000 row numbers", "sample 1,000 of 2,000 rows in Parquet", "share of the floor"):
        assert title in out


def test_the_command_needs_rows(capsys):
    assert cli.main(["bench", "--rows", "0"]) == 2
    assert capsys.readouterr().err == "aliquot: --rows: must be above 0, got 0\n"
