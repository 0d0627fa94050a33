"""What is read for given rows, said before it is read."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import aliquot as aq
from aliquot._files import FilePart
from aliquot._progress import Progress
from aliquot._source import picker
from aliquot.cli import main
from aliquot.footers import CHECKED_BYTES, TAIL_BYTES
from aliquot.pages import HEADER_BYTES
from aliquot.parquet import Parquet, open_paths
from aliquot.plan import Way, choose
from aliquot.row_groups import units_picked
from slow_store import SlowStore
from test_ranges import open_slowly

N = 200_000
GROUP = 50_000


@pytest.fixture(scope="module", params=[True, False], ids=["index", "no index"])
def path(request, tmp_path_factory):
    """One file of four row groups: numbers in 49 pages each, lists in one."""
    path = tmp_path_factory.mktemp("plan") / "x.parquet"
    table = pa.table({"x": np.random.default_rng(1).random(N), "l": [[i] for i in range(N)]})
    pq.write_table(
        table, path, row_group_size=GROUP, data_page_size=8192, write_page_index=request.param, write_batch_size=1024,
        compression="none", use_dictionary=False,
    )  # fmt: skip
    return str(path)


@pytest.fixture(scope="module")
def indexed(tmp_path_factory):
    """The same column in pages of 8 KiB, listed."""
    path = tmp_path_factory.mktemp("indexed") / "x.parquet"
    table = pa.table({"x": np.random.default_rng(1).random(N)})
    pq.write_table(
        table, path, row_group_size=GROUP, data_page_size=8192, write_page_index=True, write_batch_size=1024,
        compression="none", use_dictionary=False,
    )  # fmt: skip
    return str(path)


def test_the_cheaper_way_is_chosen():
    rows, shares = np.array([1, 250, 251, 400, 1000]), np.array([0.01, 1.0, 1.0, 0.4, 1.0])
    # Those 400 are side by side in a few pages.
    assert choose(rows, 1000, shares).tolist() == [Way.PAGES, Way.PAGES, Way.SCAN, Way.PAGES, Way.SCAN]


def test_plans_count_rows_groups_pages_and_bytes(path):
    source = open_paths(path)
    plan = source.explain(picker(np.array([0, 1, 1, 3 * GROUP])), ["x", "l"])
    facts = plan.facts()
    assert (facts["rows"], facts["row_groups"], facts["row_groups_there"]) == (4, 2, 4)
    assert plan.columns["x"].chunks == [2, 0, 0]
    assert (plan.columns["x"].pages, plan.columns["x"].pages_there) == (2, 2 * 49)
    assert 2 * 8192 <= plan.columns["x"].bytes < 2 * 8300
    assert plan.columns["l"].chunks == [0, 0, 2]
    assert plan.columns["l"].bytes == plan.columns["l"].bytes_there


def test_what_is_read_is_what_was_planned(path):
    for rows in (np.array([5]), np.arange(0, N, 5000), np.arange(N)):
        source = open_paths(path)
        plan = source.explain(picker(rows), ["x", "l"])
        before = source.bytes_read
        source.take(rows, ["x", "l"], aq._progress.Progress(None))
        assert source.plan.facts() == plan.facts()
        planned = plan.facts()["bytes"]
        # To find small pages without an index, all of them are read along.
        assert planned <= source.bytes_read - before + TAIL_BYTES
        assert source.bytes_read - before <= planned + plan.columns["x"].bytes_there


class TestBytes:
    """What is read, against what holds the rows and against what is there."""

    def hit_bytes(self, path, rows):
        source = open_paths(path)
        return source.explain(picker(rows), ["x"]).columns["x"].bytes

    def test_an_index_leaves_nothing_to_read_but_hit_pages(self, indexed):
        rows = np.arange(7, N, N // 60)
        expected = self.hit_bytes(indexed, rows)
        store = SlowStore()
        source = Parquet([FilePart(store.filesystem, indexed)], gap=0)
        before = store.bytes
        aq.take_rows(source, rows, columns=["x"])
        assert 0 < store.bytes - before <= 1.3 * expected  # less where pages came along with the footer
        footer = int.from_bytes(Path(indexed).read_bytes()[-8:-4], "little") + 8
        checks = source.plan.facts()["row_groups"] * min(footer, CHECKED_BYTES)
        assert source.bytes_read == store.bytes - checks

    def test_dictionaries_are_read_where_codes_are(self, tmp_path):
        half = [f"value {i % 3000}" for i in range(N // 2)]
        table = pa.table({"s": half + [f"unique {i}" for i in range(N // 2)]})
        path = str(tmp_path / "x.parquet")
        pq.write_table(
            table, path, row_group_size=N, data_page_size=8192, write_page_index=True, compression="none",
            dictionary_pagesize_limit=65_536,
        )  # fmt: skip
        read = []
        for row in (N - 5, 5):
            source = open_paths(path)
            before = source.bytes_read
            assert aq.take_rows(source, [row])["s"].to_pylist() == [table["s"][row].as_py()]
            read.append(source.bytes_read - before)
        assert read[1] > read[0] + 30_000

    @pytest.mark.parametrize("k", [1, 20, 500, 20_000, N])
    @pytest.mark.parametrize("row_group_size", [500, GROUP])
    def test_no_byte_is_read_twice(self, tmp_path, row_group_size, k):
        table = pa.table({"x": np.random.default_rng(1).random(N), "s": [f"s{i % 50}" for i in range(N)]})
        for index in (True, False):
            path = tmp_path / f"{index}.parquet"
            pq.write_table(
                table,
                path,
                row_group_size=row_group_size,
                data_page_size=8192,
                write_page_index=index,
                write_batch_size=256,
            )
            source = open_paths(path)
            sampled = aq.sample(source, k, rng=7)
            assert source.bytes_read <= path.stat().st_size
            if k == N and not index:
                assert source.bytes_read == path.stat().st_size - len(
                    b"PAR1"
                )  # which stands before the first row group
            assert sampled.to_pydict() == aq.sample(table, k, rng=7).to_pydict()

    def test_hopping_costs_a_header_a_page(self, tmp_path):
        path = tmp_path / "x.parquet"
        table = pa.table({"x": np.random.default_rng(1).random(N)})
        pq.write_table(table, path, data_page_size=65_536, compression="none", use_dictionary=False)
        pages = open_paths(path).explain(picker(np.array([5])), ["x"]).columns["x"].pages_there
        source = open_paths(path)
        before = source.bytes_read
        aq.take_rows(source, [5, N // 2])
        page = 65_536 * 1.3
        assert source.bytes_read - before <= 2 * page + pages * HEADER_BYTES


def test_the_provenance_says_what_was_planned(path):
    plan = aq.provenance(aq.sample(path, 3, rng=7))["plan"]
    assert plan["rows"] == 3
    assert plan["row_groups_there"] == 4
    assert plan["bytes"] < plan["bytes_there"]
    assert aq.provenance(aq.sample(path, 0, rng=7))["plan"]["row_groups"] == 0


def test_row_groups_are_read_together_up_to_so_many_rows_and_bytes(path, monkeypatch):
    (part,) = open_paths(path)._parts

    def together(step):
        rows = picker(np.arange(0, N, step))
        return [unit.groups for unit in units_picked(part, 0, rows, 3, Progress(None))]

    assert together(10) == [[0, 1, 2], [3]]
    assert together(1) == [[0, 1], [2, 3]]
    monkeypatch.setattr("aliquot.row_groups.UNIT_BYTES", part.size // 20)
    assert together(100) == [[0, 1, 2], [3]]
    assert together(10) == [[0, 1], [2, 3]]


def test_nothing_is_read_for_columns_that_stand_in_the_path(tmp_path):
    table = pa.table({"x": np.arange(30), "part": np.arange(30) // 10})
    pq.write_to_dataset(table, tmp_path, partition_cols=["part"])
    source = open_paths(tmp_path)
    rows = [3, 5, 25]
    assert aq.take_rows(source, rows, columns=["part"])["part"].to_pylist() == [0, 0, 2]
    facts = source.plan.facts()
    assert facts == source.explain(picker(np.array(rows)), ["part"]).facts()
    assert (facts["rows"], facts["row_groups"], facts["bytes"]) == (3, 2, 0)


def test_explaining_reads_no_payload(tmp_path):
    table = pa.table({"x": np.random.default_rng(1).random(N)})
    for i in range(4):
        pq.write_table(
            table.slice(i * N // 4, N // 4), tmp_path / f"{i}.parquet", data_page_size=8192, write_page_index=True
        )
    store = SlowStore()
    source = open_slowly(tmp_path, store)
    store.reads.clear()
    source.explain(picker(np.arange(0, N, 1000)), ["x"])
    assert store.reads == []  # the index came with the footer


class TestCommand:
    def test_it_prints_the_plan_and_draws_nothing(self, path, capsys):
        assert main(["sample", path, "-n", "3", "--seed", "7", "--explain", "--columns", "x"]) == 0
        out, err = capsys.readouterr()
        assert err == ""
        assert out.splitlines() == [
            "3 of 200,000 rows, seed 7",
            "read to choose them: 0.1 MB",
            "row groups: 3 of 4",
            "pages: 3 of 147 in these row groups, where they are known",
            "to read: 0.0 MB at most, of 3.2 MB in files",
            "",
            "column  row groups by pages, chunk, scan              pages                   MB",
            "x                                3, 0, 0           3 of 147           0.0 of 1.2",
        ]

    def test_rows_are_chosen_as_for_the_sample(self, path, capsys):
        assert main(["sample", path, "-n", "3", "--seed", "7", "--explain", "--weights", "x"]) == 0
        assert "read to choose them: 1.7 MB\n" in capsys.readouterr().out

    @pytest.mark.parametrize(("arguments", "message"), [
        (["-o", "x.parquet"], "output: must be left out with --explain, which writes no sample, got 'x.parquet'"),
        (["-n", "200001"], "size: must be at most the population of 200000 rows, got 200001"),
        (["--columns", "nope"], "columns: must be a column of ['x', 'l'], got 'nope'"),
    ])  # fmt: skip
    def test_mistakes_are_one_line(self, path, capsys, arguments, message):
        assert main(["sample", path, "-n", "3", "--explain", *arguments]) == 2
        assert capsys.readouterr().err == f"aliquot: {message}\n"

    def test_streams_have_no_plan(self, capsys):
        assert main(["sample", "-", "-n", "3", "--explain"]) == 2
        assert capsys.readouterr().err == "aliquot: SOURCE: must be Parquet files with --explain, got -\n"
