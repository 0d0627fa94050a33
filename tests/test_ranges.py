"""Bytes of files: joined where a gap is cheaper than a request, asked for side by side, and no more than is needed."""

import os
from concurrent.futures import ThreadPoolExecutor

import fsspec
import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.fs as pafs
import pyarrow.parquet as pq
import pytest

import aliquot as aq
from aliquot._files import FilePart
from aliquot._source import picker
from aliquot.parquet import Parquet
from aliquot.ranges import REMOTE_PIECE, Ranges, coalesce
from slow_store import SlowStore

N = 200_000
TABLE = pa.table({"x": np.random.default_rng(1).random(N), "y": np.arange(N), "s": [f"s{i % 100}" for i in range(N)]})


@pytest.fixture(scope="module", params=[True, False], ids=["index", "no index"])
def folder(request, tmp_path_factory):
    """Four files of ten row groups, in pages of 8 KiB."""
    folder = tmp_path_factory.mktemp("store")
    for i in range(4):
        pq.write_table(
            TABLE.slice(i * N // 4, N // 4), folder / f"{i}.parquet", row_group_size=5000, data_page_size=8192,
            write_page_index=request.param, write_batch_size=128, compression="none", use_dictionary=["s"],
        )  # fmt: skip
    return folder


def paths(folder):
    return [str(folder / f"{i}.parquet") for i in range(4)]


def open_slowly(folder, store, gap=None):
    return Parquet([FilePart(store.filesystem, path) for path in paths(folder)], gap)


@pytest.mark.parametrize(("stretches", "gap", "joined"), [
    ([(0, 10)], 0, [(0, 10)]),
    ([(0, 10), (12, 20), (100, 110), (110, 120)], 2, [(0, 20), (100, 120)]),
    ([(0, 10), (12, 20), (100, 110), (110, 120)], 0, [(0, 10), (12, 20), (100, 120)]),
    ([(0, 10), (12, 20), (100, 110), (110, 120)], 80, [(0, 120)]),
])  # fmt: skip
def test_stretches_join_across_small_gaps(stretches, gap, joined):
    assert coalesce(stretches, gap) == joined


@pytest.mark.parametrize("slow", [False, True])
def test_segments_hold_what_was_asked_for(tmp_path, slow):
    data = np.random.default_rng(1).integers(0, 256, 3 * REMOTE_PIECE, np.uint8).tobytes()
    (tmp_path / "x").write_bytes(data)
    system = SlowStore().filesystem if slow else pafs.LocalFileSystem()
    with ThreadPoolExecutor(4) as pool, Ranges(FilePart(system, str(tmp_path / "x")), pool, gap=100) as source:
        segments = source.read_all([(5, 10), (50, 60), (1000, 5000), (10_000, 2 * REMOTE_PIECE + 7)])
        assert [(start, len(part)) for start, part in segments] == [
            (5, 55),
            (1000, 4000),
            (10_000, 2 * REMOTE_PIECE + 7 - 10_000),
        ]
        assert all(data[start : start + len(part)] == part for start, part in segments)
        assert source.count == sum(len(part) for _, part in segments)
        assert source.read_all([]) == []
        with pytest.raises(ValueError, match=r"^must be a readable Parquet file, got 3 for 10 bytes at "):
            source.read(len(data) - 3, len(data) + 7)


class TestStores:
    def test_samples_are_those_of_the_table(self, folder):
        for k in (1, 20, 3000):
            sampled = aq.sample(open_slowly(folder, SlowStore()), k, rng=7)
            assert sampled.to_pydict() == aq.sample(TABLE, k, rng=7).to_pydict()
        rows = [N - 1, 5, 5, 100_000]
        assert aq.take_rows(open_slowly(folder, SlowStore()), rows).to_pydict() == TABLE.take(rows).to_pydict()

    def test_datasets_keep_their_file_system(self, folder):
        store = SlowStore()
        dataset = ds.dataset(paths(folder), filesystem=store.filesystem)
        assert aq.sample(dataset, 20, rng=7).to_pydict() == aq.sample(TABLE, 20, rng=7).to_pydict()
        assert store.reads

    def test_fsspec_serves_what_pyarrow_does_not_know(self, folder):
        store = fsspec.filesystem("memory")
        for path in paths(folder):
            store.put(path, f"/aliquot/{os.path.basename(path)}")
        for source in ("memory://aliquot", "memory://aliquot/*.parquet"):
            assert aq.sample(source, 20, rng=7).to_pydict() == aq.sample(TABLE, 20, rng=7).to_pydict()
        dataset = ds.dataset("/aliquot", filesystem=store)
        assert aq.sample(dataset, 20, rng=7).to_pydict() == aq.sample(TABLE, 20, rng=7).to_pydict()

    def test_a_uri_of_nothing_known(self):
        with pytest.raises(
            ValueError, match=r"^source: must be a path or a URI of a known file system, got 'nope://x'$"
        ):
            aq.sample("nope://x", 1)

    def test_a_footer_takes_one_request(self, folder):
        store = SlowStore()
        open_slowly(folder, store)
        assert sorted(path for path, _, _ in store.reads) == paths(folder)
        assert all(size <= 65_536 for _, _, size in store.reads)

    def test_a_row_group_takes_few_requests(self, folder):
        store = SlowStore()
        source = open_slowly(folder, store)
        store.reads.clear()
        aq.take_rows(source, [7, 2000, 4999])
        # The end of the file, which may not have changed; the page index, unless it came with the footer; the pages.
        assert len(store.reads) <= 3

    def test_gaps_are_a_choice(self, folder):
        wide, narrow = SlowStore(), SlowStore()
        for store, gap in ((wide, None), (narrow, 0)):
            source = open_slowly(folder, store, gap)
            store.reads.clear()
            aq.take_rows(source, [0, 4999], columns=["x"])
        if (
            source.explain(picker(np.array([0])), ["x"]).columns["x"].pages_there
        ):  # else all pages are read to find them
            assert len(wide.reads) < len(narrow.reads)
            assert narrow.bytes < wide.bytes

    def test_requests_are_made_side_by_side(self, folder):
        store = SlowStore(delay=0.02)
        source = open_slowly(folder, store, gap=0)
        store.most_under_way = 0
        aq.take_rows(source, np.arange(0, N, 1000))
        assert store.most_under_way >= 4

    def test_footers_are_read_side_by_side(self, folder):
        store = SlowStore(delay=0.05)
        open_slowly(folder, store)
        assert store.most_under_way >= 2

    def test_a_store_that_fails_is_an_error_that_names_the_file(self, folder, monkeypatch):
        store = SlowStore()
        source = open_slowly(folder, store)

        def fail(path, start, data):
            raise OSError("connection lost")

        monkeypatch.setattr(store, "answer", fail)
        with pytest.raises(ValueError, match=r"0\.parquet: must be a readable Parquet file, got .*connection lost"):
            aq.take_rows(source, [5])
