"""Builds one extension module for every src/aliquot/_kernels/*.pyx; everything else is in pyproject.toml."""

import os
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

# Contraction into FMA would change the last bits of keys from one instruction set to another.
CXX_FLAGS = ["-std=c++20", "-O3", "-ffp-contract=off", "-fvisibility=hidden", "-g0"]
SANITIZE = ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined", "-g", "-O1", "-D_GLIBCXX_ASSERTIONS"]

sanitize = SANITIZE if os.environ.get("ALIQUOT_SANITIZE") == "1" else []
# Cython sees the headers a .pyx names, not those they include, so every module depends on all of them.
headers = sorted(str(path) for path in Path("csrc").rglob("*.h*"))

setup(
    ext_modules=cythonize(
        [
            Extension(
                f"aliquot._kernels.{path.stem}",
                [str(path)],
                include_dirs=["csrc"],
                depends=headers,
                language="c++",
                extra_compile_args=[*CXX_FLAGS, *sanitize],
                extra_link_args=sanitize,
            )
            for path in sorted(Path("src/aliquot/_kernels").glob("*.pyx"))
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
)
