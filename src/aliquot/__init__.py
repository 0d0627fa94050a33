"""Exact, reproducible samples of Arrow and Parquet data.

Names load on first use, so that importing the package costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from aliquot._provenance import provenance as provenance
    from aliquot.alias import AliasTable as AliasTable
    from aliquot.multiclass import MulticlassCurve as MulticlassCurve
    from aliquot.ranking import BinaryCurve as BinaryCurve
    from aliquot.reservoir import Reservoir as Reservoir
    from aliquot.rows import take_rows as take_rows
    from aliquot.sampling import sample as sample
    from aliquot.sampling import sample_indices as sample_indices
    from aliquot.splitter import Splitter as Splitter
    from aliquot.splitting import fold_indices as fold_indices
    from aliquot.splitting import split_indices as split_indices
    from aliquot.streaming import bernoulli as bernoulli
    from aliquot.streaming import poisson as poisson
    from aliquot.streaming import tap as tap

_HOMES = {
    "AliasTable": "aliquot.alias",
    "BinaryCurve": "aliquot.ranking",
    "MulticlassCurve": "aliquot.multiclass",
    "Reservoir": "aliquot.reservoir",
    "Splitter": "aliquot.splitter",
    "bernoulli": "aliquot.streaming",
    "fold_indices": "aliquot.splitting",
    "poisson": "aliquot.streaming",
    "provenance": "aliquot._provenance",
    "sample": "aliquot.sampling",
    "sample_indices": "aliquot.sampling",
    "split_indices": "aliquot.splitting",
    "take_rows": "aliquot.rows",
    "tap": "aliquot.streaming",
}

__all__ = [
    "AliasTable",
    "BinaryCurve",
    "MulticlassCurve",
    "Reservoir",
    "Splitter",
    "__version__",
    "bernoulli",
    "fold_indices",
    "poisson",
    "provenance",
    "sample",
    "sample_indices",
    "take_rows",
    "tap",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
