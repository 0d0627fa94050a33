"""Instructions that each kernel takes, counted by valgrind.

Time on a shared machine moves by a third; these counts move by 0.02 %, as seeds and hashes are fixed. What is counted
is the installed package, one call of each kernel, from Python on. Outside those calls valgrind only emulates, so that
importing costs seconds and not minutes.
"""

import ctypes
import gc
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from kernels import KERNELS

HERE = Path(__file__).parent
BUILD = HERE.parent / "build" / "callgrind"

SETTLED = {
    "PYTHONHASHSEED": "0",
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    # valgrind's processor is not this machine's: compiled for one that both are.
    "NUMBA_CPU_NAME": "x86-64-v2",
    "NUMBA_CPU_FEATURES": "",
    "NUMBA_CACHE_DIR": str(BUILD / "numba"),
}

DUMP = re.compile(r"^desc: Trigger: Client Request: ([^\n]+)$.*^totals: (\d+)$", re.MULTILINE | re.DOTALL)


class ToolMissingError(RuntimeError):
    """Something that counting needs is not installed."""


def count(python: str, *, lenient: bool = False) -> dict[str, float]:
    """Instructions a row of each kernel, with the aliquot that an interpreter has.

    ``lenient``: leave out kernels which that aliquot does not have.
    """
    for tool, package in (("valgrind", "valgrind"), ("cc", "gcc")):
        if shutil.which(tool) is None:
            raise ToolMissingError(f"{tool}: must be installed to count instructions (apt-get install {package})")
    BUILD.mkdir(parents=True, exist_ok=True)
    requests = BUILD / "requests.so"
    subprocess.run(["cc", "-O1", "-shared", "-fPIC", HERE / "callgrind.c", "-o", requests], check=True)
    inside = [python, __file__, str(requests), "lenient" if lenient else "strict"]
    with tempfile.TemporaryDirectory(dir=BUILD) as folder:
        # Outside first: what Numba compiles is in its cache then, as compiling under valgrind takes minutes.
        subprocess.run(inside, check=True, env=settled_environment())
        options = ["-q", "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={folder}/out"]
        subprocess.run(["valgrind", *options, *inside], check=True, env=settled_environment())
        found = (DUMP.search(path.read_text()) for path in Path(folder).iterdir())
        totals = {match[1]: int(match[2]) for match in found if match is not None}
    return {each.name: totals[each.name] / each.rows for each in KERNELS if each.name in totals}


def settled_environment() -> Mapping[str, str]:
    """The environment, with everything fixed that would change a count."""
    return {**os.environ, **SETTLED}


def run_kernels(requests: str, *, lenient: bool) -> None:
    """Inside valgrind: call each kernel twice, and have the second call counted."""
    library = ctypes.CDLL(requests)
    for kernel in KERNELS:
        try:
            task = kernel.make()
        except (ImportError, AttributeError, TypeError):
            if lenient:
                continue
            raise
        task()
        gc.collect()
        gc.disable()
        library.begin()
        task()
        library.end(kernel.name.encode())
        gc.enable()


if __name__ == "__main__":
    run_kernels(sys.argv[1], lenient=sys.argv[2] == "lenient")
