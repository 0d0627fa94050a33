"""Evaluations: every row is what a confusion matrix and a curve of its slice alone say, whatever the source."""

import datetime
import decimal
import json
import os
import re
import subprocess
import sys
import uuid
from html.parser import HTMLParser

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from sklearn import metrics as sk

import aliquot as aq
from aliquot import cli
from aliquot._scored_rows import read_rows
from aliquot._slices import SliceRanks, area_interval
from aliquot.sources import Memory

N = 5_000
OF_MATRIX = {
    "accuracy": lambda m: m.accuracy(),
    "balanced_accuracy": lambda m: m.balanced_accuracy(),
    "precision_macro": lambda m: m.precision("macro"),
    "recall_macro": lambda m: m.recall("macro"),
    "f1_macro": lambda m: m.f1("macro"),
    "mcc": lambda m: m.mcc(),
    "kappa": lambda m: m.kappa(),
}


def predictions(n=N, k=2, slices=7, seed=3):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, k, n)
    score = np.round(rng.random(n) * 0.7 + 0.3 * (y == 1), 2)
    return pa.table(
        {
            "y": y,
            "guess": np.where(rng.random(n) < 0.6, y, rng.integers(0, k, n)),
            "score": score.astype(np.float32),
            "site": pa.array([f"site {i}" for i in rng.integers(0, slices, n)]),
            "group": pa.array(rng.integers(0, 3, n), mask=rng.random(n) < 0.1),
            "weight": rng.integers(0, 4, n) * rng.random(n),
            "unused": pa.nulls(n),
        }
    )


def value(x):
    return None if x is None or np.isnan(x) else pytest.approx(x, rel=1e-9, abs=1e-12)


def check_rows(evaluation, table, by, weight=None):
    """Each row is what its rows alone give."""
    rows = evaluation.to_table().to_pylist()
    frame = pl.from_arrow(table)
    keys = [None, *frame.select(by).unique().rows()] if by else [None]
    assert len(rows) == len(keys)
    for row in rows:
        key = tuple(row[name] for name in by)
        of_slice = (
            frame
            if row is rows[0]
            else frame.filter(pl.all_horizontal(pl.col(by[i]).eq_missing(key[i]) for i in range(len(by))))
        )
        assert row["rows"] == len(of_slice)
        weights = {} if weight is None else {"sample_weight": of_slice[weight]}
        if "accuracy" in row:
            m = aq.ConfusionMatrix()
            m.update(of_slice["y"], of_slice["guess"], **weights)
            for name, score in OF_MATRIX.items():
                assert row[name] == value(score(m)), name
            if weight is None:
                assert (row["accuracy_low"], row["accuracy_high"]) == tuple(map(value, m.interval()))
        if "roc_auc" in row:
            c = aq.BinaryCurve()
            c.update(of_slice["y"], of_slice["score"], **weights)
            assert row["roc_auc"] == value(c.roc_auc())
            assert row["average_precision"] == value(c.average_precision())
            positive, negative = c.totals()
            assert row["prevalence"] == value(positive / (positive + negative))


@pytest.mark.parametrize(
    "by",
    [
        pa.array(np.array([2, 1] * 10, np.float16)),
        pc.run_end_encode(pa.array(["b", "a"] * 10)),
        pa.array([uuid.UUID(int=2), uuid.UUID(int=1)] * 10, pa.uuid()),
    ],
    ids=["float16", "runs", "extension"],
)
def test_slices_by_what_pyarrow_does_not_sort(by):
    rows = pa.table({"y": [0, 1] * 10, "p": [0, 0] * 10, "g": by})
    found = aq.evaluate(rows, y_true="y", y_pred="p", by="g").to_table()
    assert found["g"].to_pylist() == [None, by[1].as_py(), by[0].as_py()]
    assert found["accuracy"].to_pylist() == [0.5, 0.0, 1.0]


@pytest.mark.parametrize("weight", [None, "weight"])
@pytest.mark.parametrize("by", [[], ["site"], ["group"], ["site", "group"]])
@pytest.mark.parametrize(
    "columns", [{"y_pred": "guess"}, {"y_score": "score"}, {"y_pred": "guess", "y_score": "score"}]
)
def test_each_row_is_what_its_slice_alone_gives(columns, by, weight):
    table = predictions()
    evaluation = aq.evaluate(table, y_true="y", by=by or None, sample_weight=weight, **columns)
    check_rows(evaluation, table, by, weight)


@pytest.mark.parametrize("k", [3, 60])
def test_many_labels_and_slices(k):
    table = predictions(20_000, k, slices=900)
    evaluation = aq.evaluate(table, y_true="y", y_pred="guess", by=["site", "group"])
    check_rows(aq.evaluate(table.slice(0, 500), y_true="y", y_pred="guess", by="site"), table.slice(0, 500), ["site"])
    assert len(evaluation) - 1 == len(pl.from_arrow(table).select("site", "group").unique())
    assert sum(evaluation.to_table()["rows"].to_pylist()[1:]) == 20_000


def test_ranks_of_narrow_and_wide_scores_are_in_one_order():
    y, score = np.arange(600) % 3 == 0, np.random.default_rng(1).random(600).astype(np.float32)
    slices = (np.arange(600) % 2).astype(np.int32)
    ranks = SliceRanks()
    for at, kind in ((0, np.float32), (200, np.float64), (400, np.float32)):
        of_batch = slice(at, at + 200)
        ranks.update(slices[of_batch], read_rows(y[of_batch], score[of_batch].astype(kind)), None)
    areas = ranks.scores(2, None)["roc_auc"]
    assert areas.tolist() == [value(sk.roc_auc_score(y[slices == i], score[slices == i])) for i in range(2)]


def test_slices_are_sorted_with_nulls_last():
    table = predictions()
    made = aq.evaluate(table, y_true="y", y_pred="guess", by=["group", "site"]).to_table()
    keys = list(zip(made["group"].to_pylist(), made["site"].to_pylist(), strict=True))
    assert keys[0] == (None, None)
    assert keys[1:] == sorted(keys[1:], key=lambda key: (key[0] is None, key[0] or 0, key[1]))


def test_the_overall_row_is_that_of_scikit_learn():
    table = predictions()
    y, guess, score = (table[name].to_numpy() for name in ("y", "guess", "score"))
    (row,) = aq.evaluate(table, y_true="y", y_pred="guess", y_score="score").to_table().to_pylist()
    assert row["accuracy"] == value(sk.accuracy_score(y, guess))
    assert row["f1_macro"] == value(sk.f1_score(y, guess, average="macro"))
    assert row["mcc"] == value(sk.matthews_corrcoef(y, guess))
    assert row["kappa"] == value(sk.cohen_kappa_score(y, guess))
    assert row["roc_auc"] == value(sk.roc_auc_score(y, score))
    assert row["average_precision"] == value(sk.average_precision_score(y, score))


class TestSources:
    def test_batches_files_and_dictionaries_change_nothing(self, tmp_path):
        table = predictions()
        whole = aq.evaluate(table, y_true="y", y_pred="guess", y_score="score", by=["site", "group"])
        pq.write_table(table, tmp_path / "a.parquet", row_group_size=700)
        coded = table.set_column(3, "site", table["site"].dictionary_encode())
        for source in (
            table.to_batches(max_chunksize=13),
            pa.RecordBatchReader.from_batches(table.schema, table.to_batches(max_chunksize=999)),
            str(tmp_path / "a.parquet"),
            coded,
            pl.from_arrow(table),
        ):
            other = aq.evaluate(source, y_true="y", y_pred="guess", y_score="score", by=["site", "group"])
            assert other.to_table().to_pylist() == whole.to_table().to_pylist()
            assert other.matrix == whole.matrix

    @pytest.mark.parametrize("use_dictionary", [True, False])
    @pytest.mark.parametrize("group_rows", [97, 1000, 8000])
    def test_threads_row_groups_and_their_order_change_no_digit(self, tmp_path, group_rows, use_dictionary):
        n = 8_000
        rng = np.random.default_rng(5)
        words = np.array(["ant", "bee", "cat", ""])
        y = words[rng.integers(0, 4, n)]
        table = pa.table(
            {
                "y": y,
                "guess": np.where(rng.random(n) < 0.6, y, rng.permutation(y)),
                "site": np.array([f"site {i}" for i in rng.integers(0, 30, n)]),
                "side": rng.choice([-1.5, -0.0, 0.0, 1.5], n),
                "score": np.round(rng.random(n), 2),
                "weight": rng.integers(0, 4, n) * rng.random(n) * 10.0 ** rng.integers(-20, 20, n),
            }
        )
        options = {
            "y_true": "y",
            "y_pred": "guess",
            "y_score": "score",
            "positive": "ant",
            "by": ["site", "side"],
            "sample_weight": "weight",
        }
        whole = aq.evaluate(table.take(rng.permutation(n)), **options)
        pq.write_table(table, tmp_path / "p.parquet", row_group_size=group_rows, use_dictionary=use_dictionary)
        made = aq.evaluate(str(tmp_path / "p.parquet"), **options)
        assert made.to_table().schema == whole.to_table().schema
        assert repr(made.to_table().to_pylist()) == repr(whole.to_table().to_pylist())
        assert made.matrix == whole.matrix
        assert made.curve == whole.curve
        row = made.to_table().to_pylist()[7]
        mask = (table["site"].to_numpy() == row["site"]) & (table["side"].to_numpy() == row["side"])
        y, guess, score, weight = (table[name].to_numpy()[mask] for name in ("y", "guess", "score", "weight"))
        assert row["f1_macro"] == value(sk.f1_score(y, guess, average="macro", sample_weight=weight))
        assert row["mcc"] == value(sk.matthews_corrcoef(y, guess, sample_weight=weight))
        assert row["roc_auc"] == value(sk.roc_auc_score(y == "ant", score, sample_weight=weight))
        assert row["prevalence"] == value(np.average(y == "ant", weights=weight))

    def test_the_first_mistake_is_named_whichever_thread_finds_one(self, tmp_path):
        guess = [1] * 10_000
        guess[4_321] = guess[9_000] = None
        table = pa.table({"y": [1] * 10_000, "guess": guess, "site": ["a"] * 10_000})
        pq.write_table(table, tmp_path / "p.parquet", row_group_size=100)
        for _ in range(5):
            with pytest.raises(ValueError, match=r"^y_pred: must not be null, got null at row 4321$"):
                aq.evaluate(str(tmp_path / "p.parquet"), y_true="y", y_pred="guess", by="site")

    def test_dictionaries_that_differ_from_batch_to_batch(self):
        table = predictions().select(["guess", "site"]).add_column(0, "y", predictions()["site"])
        table = table.set_column(1, "guess", pa.chunked_array([np.roll(table["y"].to_numpy(), 1)]))
        names = table.column_names
        batches = [
            pa.record_batch([batch.column(name).dictionary_encode() for name in names], names)
            for batch in table.to_batches(max_chunksize=37)
        ]
        options = {"y_true": "y", "y_pred": "guess", "by": "site"}
        coded, plain = (aq.evaluate(each, **options).to_table().to_pylist() for each in (batches, table))
        assert coded == plain

    def test_labels_far_apart_in_many_slices(self, tmp_path):
        n = 5_000
        rng = np.random.default_rng(2)
        y = rng.integers(0, 2**62, n)
        guess = np.where(rng.random(n) < 0.5, y, y[::-1])
        table = pa.table({"y": y, "guess": guess, "user": rng.integers(0, 3_000, n)})
        pq.write_table(table, tmp_path / "p.parquet", row_group_size=400)
        made = aq.evaluate(str(tmp_path / "p.parquet"), y_true="y", y_pred="guess", by="user").to_table().to_pylist()
        for row in made[1:50]:
            mask = table["user"].to_numpy() == row["user"]
            assert row["f1_macro"] == value(sk.f1_score(y[mask], guess[mask], average="macro"))

    def test_slices_that_weigh_nothing_score_as_a_matrix_does(self):
        table = pa.table({"y": [0, 1, 1], "guess": [0, 1, 0], "w": [0.0, 0.0, 1.0], "site": ["a", "a", "b"]})
        rows = aq.evaluate(table, y_true="y", y_pred="guess", by="site", sample_weight="w").to_table().to_pylist()
        assert (rows[1]["rows"], rows[1]["accuracy"], rows[1]["mcc"]) == (2, None, 0.0)

    def test_only_the_columns_named_are_read(self):
        class Watched(Memory):
            read = None

            def scan(self, columns, where, progress):
                Watched.read = list(columns)
                return super().scan(columns, where, progress)

        table = predictions(100)
        source = Watched(table.to_batches(), table.schema)
        aq.evaluate(source, y_true="y", y_pred="y", by="site", sample_weight="weight")
        assert Watched.read == ["y", "weight", "site"]

    def test_strings_booleans_and_a_positive_label(self):
        table = predictions()
        words = pa.array(np.array(["no", "yes"])[table["y"].to_numpy()])
        guesses = pa.array(np.array(["no", "yes"])[table["guess"].to_numpy()]).dictionary_encode()
        named = table.set_column(0, "y", words).set_column(1, "guess", guesses)
        options = {"y_true": "y", "y_pred": "guess", "y_score": "score", "by": "site"}
        plain = aq.evaluate(table, **options)
        assert aq.evaluate(named, positive="yes", **options).to_table().equals(plain.to_table())
        flags = table.set_column(0, "y", pa.array(table["y"].to_numpy() == 1))
        assert aq.evaluate(flags, **options).to_table().equals(plain.to_table())

    def test_no_rows(self):
        empty = predictions(0)
        made = aq.evaluate(empty, y_true="y", y_pred="guess", y_score="score", by="site")
        (row,) = made.to_table().to_pylist()
        assert row["rows"] == 0
        assert row["small"]
        assert {row[name] for name in row if name not in ("rows", "small")} == {None}
        assert "0 rows" in str(made)
        assert "</html>" in made.to_html()

    def test_a_slice_of_one_class_has_no_area(self):
        table = pa.table({"y": [0, 1, 1, 1], "score": [0.1, 0.9, 0.5, 0.2], "site": ["a", "a", "b", "b"]})
        rows = aq.evaluate(table, y_true="y", y_score="score", by="site").to_table().to_pylist()
        assert [row["roc_auc"] for row in rows] == [1.0, 1.0, None]
        assert rows[2]["roc_auc_low"] is None
        assert rows[2]["average_precision"] == 1.0

    @pytest.mark.slow
    def test_a_hundred_thousand_slices(self):
        n = 1_000_000
        rng = np.random.default_rng(1)
        y = rng.integers(0, 2, n)
        table = pa.table(
            {"y": y, "guess": y ^ (rng.random(n) < 0.2), "score": rng.random(n), "user": rng.integers(0, 100_000, n)}
        )
        made = aq.evaluate(table, y_true="y", y_pred="guess", y_score="score", by="user").to_table()
        assert made.num_rows == 1 + len(np.unique(table["user"]))
        for at in (1, 5_000, made.num_rows - 1):
            row = made.slice(at, 1).to_pylist()[0]
            mask = table["user"].to_numpy() == row["user"]
            m = aq.ConfusionMatrix()
            m.update(y[mask], table["guess"].to_numpy()[mask])
            assert row["mcc"] == value(m.mcc())


def test_small_slices_are_marked():
    table = pa.table({"y": [0] * 40, "guess": [0] * 40, "site": ["a"] * 35 + ["b"] * 5})
    assert aq.evaluate(table, y_true="y", y_pred="guess", by="site").to_table()["small"].to_pylist() == [
        False,
        False,
        True,
    ]
    made = aq.evaluate(table, y_true="y", y_pred="guess", by="site", min_rows=36)
    assert made.to_table()["small"].to_pylist() == [False, True, True]


def test_the_interval_of_an_area_covers_it_about_as_often_as_it_says():
    rng = np.random.default_rng(4)
    truth = 0.8144  # of normal scores, 1.2649 / sqrt(2) = 0.8944 standard deviations apart
    trials, covered = 400, 0
    for _ in range(trials):
        table = pa.table({"y": [1] * 80 + [0] * 120, "s": np.r_[rng.normal(1.2649, 1, 80), rng.normal(0, 1, 120)]})
        (row,) = aq.evaluate(table, y_true="y", y_score="s", level=0.9).to_table().to_pylist()
        covered += row["roc_auc_low"] <= truth <= row["roc_auc_high"]
    assert 0.84 < covered / trials < 0.96
    low, high = area_interval(np.array([1.0, 0.5]), np.array([10, 10]), np.array([10, 10]), 0.95)
    assert low[0] == high[0] == 1.0
    assert high[1] - 0.5 == pytest.approx(0.5 - low[1])


class TestShown:
    def test_repr_and_text(self):
        made = aq.evaluate(predictions(slices=30), y_true="y", y_pred="guess", by="site")
        assert repr(made) == "Evaluation of 5,000 rows, 30 slices by site"
        assert len(made) == 31
        lines = str(made).splitlines()
        assert lines[0] == repr(made)
        assert lines[1].split() == made.to_table().column_names
        assert lines[2].split()[:2] == ["all", "5,000"]
        assert lines[-1] == "... and 10 more slices"

    def test_json_is_the_table(self):
        made = aq.evaluate(predictions(), y_true="y", y_pred="guess", y_score="score", by=["site", "group"])
        assert json.loads(made.to_json()) == made.to_table().to_pylist()

    def test_page_needs_nothing_else_and_is_well_formed(self):
        table = predictions()
        table = table.set_column(3, "site", pa.array(["<b>&"] * N))
        page = aq.evaluate(table, y_true="y", y_pred="guess", y_score="score", by="site").to_html()

        class Balanced(HTMLParser):
            open_tags = []

            def handle_starttag(self, tag, attrs):
                assert not {name for name, _ in attrs} & {"src", "href"}
                if tag != "meta":
                    self.open_tags.append(tag)

            def handle_startendtag(self, tag, attrs):
                pass

            def handle_endtag(self, tag):
                assert self.open_tags.pop() == tag

        parser = Balanced()
        parser.feed(page)
        assert parser.open_tags == []
        assert page.count("<svg") == 3
        assert "<b>" not in page
        assert "&lt;b&gt;&amp;" in page
        points = re.search(r'points="([^"]*)"', page).group(1).split()
        assert points[0] == "45.0,260.0"
        assert points[-1] == "305.0,0.0"

    def test_notebook_table(self):
        made = aq.evaluate(predictions(), y_true="y", y_pred="guess", by="site")
        assert made._repr_html_().count("<tr") == 9


ERRORS = [
    (
        {"y_true": "nope"},
        KeyError,
        "y_true: must be a column of ['y', 'guess', 'score', 'site', 'group', 'weight', 'unused'], got 'nope'",
    ),
    (
        {"by": ["site", "nope"]},
        KeyError,
        "by: must be a column of ['y', 'guess', 'score', 'site', 'group', 'weight', 'unused'], got 'nope'",
    ),
    ({"by": ["site", "site"]}, ValueError, "by: must differ from each other, got 'site' twice"),
    ({"y_pred": None}, TypeError, "y_pred: must be given unless y_score is, got None"),
    ({"y_pred": "unused"}, ValueError, "y_pred: must not be null, got null at row 0"),
    ({"y_pred": "site"}, TypeError, "y_pred: must hold numbers, as the labels before, got string"),
    (
        {"y_true": "site", "y_score": "score", "y_pred": "site"},
        TypeError,
        "positive: must say which label is the positive one of string labels, got None",
    ),
    ({"level": 95}, ValueError, "level: must be between 0 and 1, got 95"),
    ({"min_rows": -1}, ValueError, "min_rows: must be between 0 and 2**62, got -1"),
    ({"sample_weight": "site"}, TypeError, "sample_weight: must be numbers, got string"),
]


@pytest.mark.parametrize(("options", "kind", "message"), ERRORS)
def test_errors(options, kind, message):
    with pytest.raises(kind) as caught:
        aq.evaluate(predictions(50), **{"y_true": "y", "y_pred": "guess", **options})
    assert str(caught.value.args[0]) == message


def test_names_of_the_result_are_not_those_of_slices():
    table = predictions(50).rename_columns(["y", "guess", "score", "rows", "mcc", "weight", "unused"])
    for name in ("rows", "mcc"):
        with pytest.raises(ValueError, match=rf"^by: must not have the name of a column of the result, got '{name}'$"):
            aq.evaluate(table, y_true="y", y_pred="guess", by=name)
    with pytest.raises(TypeError, match=r"^y_true: must be a column name, got NoneType None$"):
        aq.evaluate(table, y_true=None, y_pred="guess")


@pytest.mark.parametrize(
    "values",
    [
        [1.5, float("nan"), None],
        [datetime.datetime(2024, 1, 1), None, datetime.datetime(2023, 1, 1)],
        [b"x", None, b"y"],
        [decimal.Decimal("1.50"), decimal.Decimal("2.25"), None],
        [True, False, None],
        pa.array(["b", None, "a"], pa.string_view()),
        pa.array(["b", None, "a"]).dictionary_encode(),
    ],
)
def test_slices_of_any_type(values):
    column = pa.array(values)
    table = pa.table({"y": [0, 1, 1], "guess": [0, 1, 0], "key": column})
    evaluation = aq.evaluate(table, y_true="y", y_pred="guess", by="key")
    made = evaluation.to_table()
    assert made["rows"].to_pylist() == [3, 1, 1, 1]
    assert sorted(map(repr, made["key"].to_pylist()[1:])) == sorted(map(repr, column.to_pylist()))
    assert len(json.loads(evaluation.to_json())) == 4


def test_rows_of_errors_count_from_the_start_of_the_source():
    table = predictions(50)
    holed = pa.concat_tables([table, table.slice(0, 10).set_column(1, "guess", pa.nulls(10, pa.int64()))])
    with pytest.raises(ValueError, match=r"^y_pred: must not be null, got null at row 50$"):
        aq.evaluate(holed, y_true="y", y_pred="guess", by="site")


class TestCommandLine:
    @pytest.fixture
    def path(self, tmp_path):
        path = str(tmp_path / "p.parquet")
        pq.write_table(predictions(), path)
        return path

    def test_table_json_and_page(self, path, tmp_path, capsys):
        made = aq.evaluate(path, y_true="y", y_pred="guess", y_score="score", by=["site", "group"])
        columns = ["evaluate", path, "--true", "y", "--pred", "guess", "--score", "score", "--by", "site,group"]
        assert cli.main(columns) == 0
        assert capsys.readouterr().out == f"{made}\n"
        assert cli.main([*columns, "--json"]) == 0
        assert json.loads(capsys.readouterr().out) == made.to_table().to_pylist()
        page = tmp_path / "report.html"
        assert cli.main([*columns, "--html", str(page)]) == 0
        assert capsys.readouterr().out == ""
        assert page.read_text() == made.to_html()
        assert sorted(os.listdir(tmp_path)) == ["p.parquet", "report.html"]

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["--true", "y"], "--pred: must be given unless --score is, got neither"),
            (
                ["--true", "y", "--pred", "guess", "--html", "/nowhere/x.html"],
                "--html: must be in a directory that is there, got '/nowhere/x.html'",
            ),
            (["--true", "y", "--score", "site"], "y_score: must be a column of numbers, got string"),
        ],
    )
    def test_mistakes_take_one_line(self, path, arguments, message, capsys):
        assert cli.main(["evaluate", path, *arguments]) == 2
        assert capsys.readouterr().err == f"aliquot: {message}\n"

    def test_a_stream_on_standard_input(self, path):
        table = pq.read_table(path)
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
        command = [
            sys.executable,
            "-m",
            "aliquot",
            "evaluate",
            "-",
            "--true",
            "y",
            "--score",
            "score",
            "--positive",
            "1",
            "--json",
        ]
        done = subprocess.run(command, input=bytes(sink.getvalue()), check=True, capture_output=True)
        expected = aq.evaluate(table, y_true="y", y_score="score").to_table().to_pylist()
        assert json.loads(done.stdout) == expected
