"""Samples, splits and scores of Arrow and Parquet data: exact, reproducible, in one pass.

Names load on first use, so that importing the package costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from aliquot._provenance import provenance as provenance
    from aliquot.alias import AliasTable as AliasTable
    from aliquot.auditing import verify as verify
    from aliquot.confusion import ConfusionMatrix as ConfusionMatrix
    from aliquot.evaluation import Evaluation as Evaluation
    from aliquot.evaluation import evaluate as evaluate
    from aliquot.folds import GroupKFold as GroupKFold
    from aliquot.folds import StratifiedGroupKFold as StratifiedGroupKFold
    from aliquot.folds import StratifiedKFold as StratifiedKFold
    from aliquot.folds import StratifiedShuffleSplit as StratifiedShuffleSplit
    from aliquot.leakage import leaks as leaks
    from aliquot.multiclass import MulticlassCurve as MulticlassCurve
    from aliquot.partition import split as split
    from aliquot.ranking import BinaryCurve as BinaryCurve
    from aliquot.reservoir import Reservoir as Reservoir
    from aliquot.rows import take_rows as take_rows
    from aliquot.sampling import sample as sample
    from aliquot.sampling import sample_indices as sample_indices
    from aliquot.splitter import Splitter as Splitter
    from aliquot.splitting import fold_indices as fold_indices
    from aliquot.splitting import split_indices as split_indices
    from aliquot.strata import bins as bins
    from aliquot.streaming import bernoulli as bernoulli
    from aliquot.streaming import poisson as poisson
    from aliquot.streaming import tap as tap
    from aliquot.time_splits import time_folds as time_folds
    from aliquot.time_splits import time_split as time_split
    from aliquot.weights import weight as weight

_HOMES = {
    "AliasTable": "aliquot.alias",
    "BinaryCurve": "aliquot.ranking",
    "ConfusionMatrix": "aliquot.confusion",
    "Evaluation": "aliquot.evaluation",
    "GroupKFold": "aliquot.folds",
    "MulticlassCurve": "aliquot.multiclass",
    "Reservoir": "aliquot.reservoir",
    "Splitter": "aliquot.splitter",
    "StratifiedGroupKFold": "aliquot.folds",
    "StratifiedKFold": "aliquot.folds",
    "StratifiedShuffleSplit": "aliquot.folds",
    "bernoulli": "aliquot.streaming",
    "evaluate": "aliquot.evaluation",
    "fold_indices": "aliquot.splitting",
    "leaks": "aliquot.leakage",
    "bins": "aliquot.strata",
    "poisson": "aliquot.streaming",
    "provenance": "aliquot._provenance",
    "sample": "aliquot.sampling",
    "sample_indices": "aliquot.sampling",
    "split": "aliquot.partition",
    "split_indices": "aliquot.splitting",
    "take_rows": "aliquot.rows",
    "tap": "aliquot.streaming",
    "time_folds": "aliquot.time_splits",
    "time_split": "aliquot.time_splits",
    "weight": "aliquot.weights",
    "verify": "aliquot.auditing",
}

__all__ = [
    "AliasTable",
    "BinaryCurve",
    "ConfusionMatrix",
    "Evaluation",
    "GroupKFold",
    "MulticlassCurve",
    "Reservoir",
    "Splitter",
    "StratifiedGroupKFold",
    "StratifiedKFold",
    "StratifiedShuffleSplit",
    "__version__",
    "bernoulli",
    "bins",
    "evaluate",
    "fold_indices",
    "leaks",
    "poisson",
    "provenance",
    "sample",
    "sample_indices",
    "split",
    "split_indices",
    "take_rows",
    "tap",
    "time_folds",
    "time_split",
    "verify",
    "weight",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
