"""The package itself: light to import, documented, typed, and nothing named that does not work."""

import inspect
import subprocess
import sys

import pytest

import aliquot as aq


def imported_by(statement):
    code = f"import sys\n{statement}\nprint(*sys.modules)"
    return set(
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
        .stdout.splitlines()[-1]
        .split()
    )


def test_importing_loads_nothing_heavy():
    loaded = imported_by("import aliquot")
    assert not loaded & {
        "numba",
        "numpy",
        "pyarrow",
        "pyarrow.dataset",
        "pandas",
        "polars",
        "duckdb",
        "tqdm",
        "aliquot.sampling",
    }


def test_sampling_loads_only_numpy_and_pyarrow():
    loaded = imported_by("import aliquot, pyarrow as pa; aliquot.sample(pa.table({'x': [1, 2]}), 1)")
    assert not loaded & {"numba", "pyarrow.dataset", "pyarrow.parquet", "polars", "duckdb", "tqdm", "scipy"}


def test_help_loads_only_argument_parsing():
    loaded = imported_by("from aliquot import cli\ntry: cli.main(['--help'])\nexcept SystemExit: pass")
    assert not loaded & {"numpy", "pyarrow"}


@pytest.mark.parametrize("name", [name for name in aq.__all__ if name != "__version__"])
def test_public_names_are_documented(name):
    made = getattr(aq, name)
    doc = inspect.getdoc(made)
    for section in ("Parameters", "Examples") if name != "provenance" else ("Parameters", "Returns", "Raises"):
        assert section in doc
    assert name in dir(aq)


def test_unknown_names():
    with pytest.raises(AttributeError, match="module 'aliquot' has no attribute 'nope'"):
        _ = aq.nope
