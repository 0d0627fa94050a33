"""Builds of aliquot side by side, and processes that time the kernels of one of them.

Each has a work tree and a virtual environment in build/sides. The other packages are those of the environment that
runs this, so that nothing but aliquot differs.
"""

import json
import resource
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import Any, Self

ROOT = Path(__file__).parents[1]
BUILD = ROOT / "build" / "sides"


def build(revision: str) -> str:
    """The interpreter of an environment with aliquot as of a revision, built unless it is there."""
    sha = _git("rev-parse", "--short=12", f"{revision}^{{commit}}")
    tree = BUILD / sha
    python = tree / ".venv" / "bin" / "python"
    if not (tree / ".ready").exists():
        _git("worktree", "prune")
        if not tree.exists():
            _git("worktree", "add", "--detach", str(tree), sha)
        install(tree)
        (tree / ".ready").touch()
    return str(python)


def install(tree: Path) -> str:
    """Build the aliquot in a tree, into an environment there, and give its interpreter."""
    venv = tree / ".venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    place = sysconfig.get_path("purelib", vars={"base": str(venv), "platbase": str(venv)})
    Path(place, "others.pth").write_text(sysconfig.get_path("purelib") + "\n")
    python = str(venv / "bin" / "python")
    pip = [sys.executable, "-m", "pip", "-q", "--python", python, "install"]
    subprocess.run([*pip, "--no-deps", "--force-reinstall", tree], check=True)
    return python


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", "-C", ROOT, *arguments], check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout.strip()


class Side:
    """A process in which the kernels of one build are called."""

    def __init__(self, python: str) -> None:
        self._process = subprocess.Popen(
            [python, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=BUILD
        )

    def ask(self, **request: Any) -> Any:
        """One answer of ``serve``."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"{self._process.args}: must answer, got exit status {self._process.wait()}")
        return json.loads(answer)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._process.communicate()


def import_seconds(python: str, statement: str) -> float:
    """Processor time of an interpreter that runs a statement and ends."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([python, "-c", statement], check=True, cwd=BUILD)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def serve() -> None:
    """Answer requests on standard input: a kernel by place, how often to call it; seconds a call, or bytes at most."""
    from kernels import KERNELS

    tasks: dict[int, Any] = {}
    for line in sys.stdin:
        request = json.loads(line)
        place = request["kernel"]
        answer: float | None
        try:
            if place not in tasks:
                tasks[place] = KERNELS[place].make()
                tasks[place]()
            if request.get("peak"):
                from aliquot._timing import peak_bytes
        except (ImportError, AttributeError, TypeError):
            answer = None  # this build does not have it
        else:
            if request.get("peak"):
                answer = peak_bytes(tasks[place])
            else:
                start = perf_counter()
                for _ in range(request["calls"]):
                    tasks[place]()
                answer = (perf_counter() - start) / request["calls"]
        print(json.dumps(answer), flush=True)


def turns(sides: Sequence[Side], place: int, calls: int, rounds: int) -> list[float]:
    """Ratios of the second side's time to the first's, of one kernel, in turns A B B A."""
    ratios = []
    for _ in range(rounds):
        first, second, again, last = (sides[i].ask(kernel=place, calls=calls) for i in (0, 1, 1, 0))
        ratios.append((second + again) / (first + last))
    return ratios


if __name__ == "__main__":
    serve()
