"""Coordinated samples: the same ids in every table, whatever their type and the order of rows."""

import numpy as np
import pyarrow as pa
import pytest

import aliquot as aq
from numbered_rows import N


class TestCoordination:
    IDS = pa.array([f"user{i % 300}" for i in range(N)])

    def table(self, ids):
        return pa.record_batch({"id": ids, "x": np.arange(len(ids))})

    def chosen(self, ids, k=100, rng=7):
        reservoir = aq.Reservoir(k, key="id", rng=rng)
        reservoir.update(self.table(ids))
        return reservoir.result()

    def test_whole_ids_are_chosen_whatever_the_row_order(self):
        per_id = len(self.IDS) // 300 + 1
        forward = self.chosen(self.IDS, 10 * per_id)
        backward = self.chosen(self.IDS.take(pa.array(np.arange(N)[::-1])), 10 * per_id)
        whole = {
            id
            for id, count in zip(*np.unique(forward["id"].to_pylist(), return_counts=True), strict=True)
            if count >= 66
        }
        assert len(whole) >= 9
        assert whole <= set(backward["id"].to_pylist())

    @pytest.mark.parametrize(
        "kind", [pa.large_string(), pa.string_view(), pa.binary(), pa.dictionary(pa.int16(), pa.string())]
    )
    def test_strings_of_all_layouts_hash_alike(self, kind):
        ids = self.IDS.dictionary_encode().cast(kind) if pa.types.is_dictionary(kind) else self.IDS.cast(kind)
        assert self.chosen(ids)["x"].equals(self.chosen(self.IDS)["x"])

    @pytest.mark.parametrize(
        "kind", [pa.int16(), pa.uint32(), pa.int64(), pa.float64(), pa.dictionary(pa.int8(), pa.int64())]
    )
    def test_numbers_of_all_widths_hash_alike(self, kind):
        ids = pa.array(np.arange(N) % 100, pa.int32())
        cast = ids.cast(pa.int64()).dictionary_encode().cast(kind) if pa.types.is_dictionary(kind) else ids.cast(kind)
        assert self.chosen(cast)["x"].equals(self.chosen(ids)["x"])

    def test_ties_go_to_the_lower_row_number_in_every_batching_and_merge(self):
        ids = pa.array([1] * 50 + [2] * 50)
        whole = self.chosen(ids, 10)
        pieces = [aq.Reservoir(10, key="id", start=start, rng=7) for start in (0, 30, 60)]
        for piece, start in zip(pieces, (0, 30, 60), strict=True):
            piece.update(self.table(ids).slice(start, 30 if start < 60 else 40))
        merged = pieces[2]
        merged.merge(pieces[0])
        merged.merge(pieces[1])
        assert merged.result().equals(whole)
        assert np.ptp(whole["x"].to_numpy()) == 9

    def test_other_seeds_do_not_merge(self):
        with pytest.raises(ValueError, match=r"^other: must have rng=7 like this reservoir to hash alike, got 8$"):
            aq.Reservoir(5, key="id", rng=7).merge(aq.Reservoir(5, key="id", rng=8))

    def test_errors(self):
        with pytest.raises(KeyError, match="key: must be a column of .* got 'nope'"):
            aq.Reservoir(5, key="nope").update(self.table(self.IDS))
        with pytest.raises(
            TypeError,
            match=r"^id: must be a column of numbers, strings, dates, times or dictionaries of these, got list<item: int64>$",
        ):
            aq.Reservoir(5, key="id").update(pa.record_batch({"id": [[1]]}))
        with pytest.raises(ValueError, match="design_weight: must be None with key"):
            aq.Reservoir(5, key="id").result(design_weight="w")
        with pytest.raises(ValueError, match=r"^design: must be 'successive' with key, got 'priority'$"):
            aq.Reservoir(5, key="id", design="priority")
