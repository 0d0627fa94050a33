"""The package itself: light to import, at work where it cannot write, documented, typed, and nothing named that does not work."""

import inspect
import os
import shutil
import subprocess
import sys
from pathlib import Path

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


@pytest.mark.slow
def test_works_where_no_cache_folder_can_be_written(tmp_path):
    code = "import aliquot as aq; print(aq.split_indices(10, {'a': 0.5, 'b': 0.5}, rng=7)['a'].tolist())"
    package = tmp_path / "site" / "aliquot"
    shutil.copytree(Path(aq.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    (package / "_kernels" / "__pycache__").write_text("a file where numba wants a folder")
    environment = {
        **os.environ,
        "PYTHONPATH": str(tmp_path / "site"),
        "HOME": "/dev/null",
        "XDG_CACHE_HOME": "/dev/null",
        "NUMBA_CACHE_DIR": "",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    ran = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == str(aq.split_indices(10, {"a": 0.5, "b": 0.5}, rng=7)["a"].tolist())
    assert ran.stderr == ""


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
