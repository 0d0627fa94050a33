"""What a reservoir is asked to keep: the options of a caller, which every state has and saves."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from aliquot._checks import check_column, check_count, check_draws, check_name, check_names, describe
from aliquot._designs import UNIFORM, design_in_use
from aliquot._numbers import check_weights
from aliquot._rng import Words
from aliquot._shares import AllThereAre, check_sizes, sizes_from_json, sizes_to_json
from aliquot._store import RowStore
from aliquot._strata_store import StrataStore
from aliquot.strata import Strata, StrataOption
from aliquot.weights import RowWeight, Weights


@dataclass(frozen=True)
class Options:
    """How many rows, of which strata, by what keys, with which columns: checked, as ``Reservoir`` describes them."""

    size: int | dict[Any, int]
    weights: Weights | None
    design: str
    strata: Strata | None
    key: str | None
    replace: bool
    columns: list[str] | None

    @classmethod
    def of(
        cls,
        size: int | Mapping[Any, int],
        weights: str | pc.Expression | RowWeight | None,
        design: str,
        strata: StrataOption,
        key: str | None,
        replace: bool,
        columns: Iterable[str] | None,
    ) -> "Options":
        """What these options mean. ValueError or TypeError for those that mean nothing, by themselves or together."""
        sizes = check_count("size", size) if strata is None else check_sizes(size)
        key = None if key is None else check_name("key", key)
        in_use = design_in_use(design, weighted=weights is not None, stratified=strata is not None, replace=replace)
        if replace:
            check_draws(sizes if isinstance(sizes, int) else sum(sizes.values()))
        if replace and key is not None:
            raise ValueError("replace: must be False with key, as the ids chosen are the same in every draw, got True")
        if weights is not None and not isinstance(weights, str | pc.Expression | RowWeight):
            raise TypeError(
                f"weights: must be a column name, an expression or a function of columns, got {describe(weights)}"
            )
        if weights is not None and key is not None:
            raise ValueError(f"key: must be None with weights, got {key!r}")
        if key is not None and design != "successive":
            raise ValueError(f"design: must be 'successive' with key, got {design!r}")
        return cls(
            sizes,
            None if weights is None else Weights(weights),
            in_use,
            None if strata is None else Strata(strata),
            key,
            replace,
            None if columns is None else check_names("columns", columns),
        )

    @property
    def weights_name(self) -> str:
        """What errors call a weight."""
        return "weights" if self.weights is None else self.weights.name

    def new_store(self, words: Words, start: int) -> RowStore | StrataStore:
        """Room for the rows, the first of which has this number."""
        if self.strata is None:
            assert isinstance(self.size, int)
            return RowStore(self.size, words, start, design=self.design, summed=self.replace)
        self.strata.find_edges(None)
        shares = AllThereAre(self.size, replace=self.replace)
        return StrataStore(self.strata, shares, words, start, design=self.design)

    def schema_of(self, schema: pa.Schema) -> pa.Schema:
        """What is kept of rows of this schema. KeyError for a column that is not there."""
        if self.key is not None:
            check_column("key", self.key, schema.names)
        if self.weights is not None:
            self.weights.columns(schema)
        if self.strata is not None:
            self.strata.columns(schema)
        if self.columns is None:
            return schema
        fields = [schema.field(check_column("columns", name, schema.names)) for name in self.columns]
        return pa.schema(fields, schema.metadata)

    def weights_of(self, batches: Sequence[pa.RecordBatch], first_row: int) -> list[NDArray[np.float64]]:
        """The weights of each batch, checked unless the store does so in passing before it takes anything in."""
        assert self.weights is not None
        weights = []
        for each in batches:
            weights.append(self.weights(each, first_row))
            if len(batches) > 1 or self.strata is not None:
                check_weights(weights[-1], self.weights_name, first_row)
            first_row += each.num_rows
        return weights

    def check_same(self, other: "Options") -> None:
        """ValueError for the first option that another asks otherwise."""
        for (name, mine), (_, theirs) in zip(self._told(), other._told(), strict=True):
            if mine != theirs:
                raise ValueError(f"other: must have {name}={mine!r} like this reservoir, got {theirs!r}")

    def to_json(self) -> dict[str, Any]:
        """The options as JSON can hold them."""
        weights = None if self.weights is None else self.weights.to_json()
        return {**dict(self._told()), "size": sizes_to_json(self.size), "weights": weights}

    @staticmethod
    def options_from_json(state: dict[str, Any]) -> dict[str, Any]:
        """What ``to_json`` gave, as a caller passes it."""
        return {
            "size": sizes_from_json(state["size"]),
            "weights": Weights.from_json(state["weights"]),
            "design": "successive" if state["design"] == UNIFORM else state["design"],
            "strata": None if state["strata"] is None else Strata.parts_of(state["strata"]),
            **{name: state[name] for name in ("key", "replace", "columns")},
        }

    def __repr__(self) -> str:
        told = {
            "size": self.size,
            "weights": None if self.weights is None else self.weights_name,
            "design": None if self.design == UNIFORM else self.design,
            "strata": None if self.strata is None else self.strata.names,
            "key": self.key,
            "columns": self.columns,
            "replace": self.replace or None,
        }
        return ", ".join(f"{name}={value!r}" for name, value in told.items() if value is not None)

    def _told(self) -> Iterator[tuple[str, Any]]:
        """The options by name, such that can be compared."""
        yield "size", self.size
        yield "design", self.design
        yield "weights", None if self.weights is None else str(self.weights.option)
        yield "strata", None if self.strata is None else self.strata.option
        yield "key", self.key
        yield "replace", self.replace
        yield "columns", self.columns
