"""Builds one extension module for every src/aliquot/_kernels/*.pyx; everything else is in pyproject.toml."""

import os
import re
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

# Contraction into FMA would change the last bits of keys from one instruction set to another.
CXX_FLAGS = ["-std=c++20", "-O3", "-ffp-contract=off", "-fvisibility=hidden", "-g0"]
SANITIZE = ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined", "-g", "-O1", "-D_GLIBCXX_ASSERTIONS"]

sanitize = SANITIZE if os.environ.get("ALIQUOT_SANITIZE") == "1" else []
KERNELS = Path("src/aliquot/_kernels")


def headers_of(path: Path, found: set[Path]) -> set[Path]:
    """What a module, declaration file or header reaches. Cython sees the headers it names, not what they include."""
    text = path.read_text()
    named = [Path("csrc/aliquot") / name for name in re.findall(r'(?:from|include) "(?:aliquot/)?([\w.]+)"', text)]
    modules = re.findall(r"from aliquot\._kernels\.(\w+) cimport", text)
    declared = [KERNELS / f"{module}.pxd" for module in modules] + [path.with_suffix(".pxd")] * (path.suffix == ".pyx")
    for each in [*named, *declared]:
        if each not in found and each.exists():
            found.add(each)
            headers_of(each, found)
    return found


setup(
    ext_modules=cythonize(
        [
            Extension(
                f"aliquot._kernels.{path.stem}",
                [str(path)],
                include_dirs=["csrc"],
                depends=sorted(map(str, headers_of(path, set()))),
                language="c++",
                extra_compile_args=[*CXX_FLAGS, *sanitize],
                extra_link_args=sanitize,
            )
            for path in sorted(KERNELS.glob("*.pyx"))
        ],
        include_path=["src"],
        build_dir="build/cython",
        compiler_directives={
            "language_level": 3,
            "boundscheck": False,
            "wraparound": False,
            "initializedcheck": False,
            "cdivision": True,
            "freethreading_compatible": False,
            "embedsignature": False,
        },
    ),
    options={"build_ext": {"parallel": os.cpu_count()}},
)
