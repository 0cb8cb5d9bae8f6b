"""Compile the data path. GATEWAY_SANITIZE=1 builds it with bounds checks and AddressSanitizer for the parser tests;
GATEWAY_COMPILE=0 compiles nothing: an editable install of a tree that is compiled in place (Makefile).
"""
import os
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

SANITIZE = os.environ.get("GATEWAY_SANITIZE") == "1"
COMPILE = os.environ.get("GATEWAY_COMPILE") != "0"
DIRECTIVES = {
    "language_level": 3,
    "boundscheck": SANITIZE,
    "wraparound": SANITIZE,
    "initializedcheck": SANITIZE,
    "cdivision": True,
}
SANITIZERS = ["-fsanitize=address,undefined", "-fno-omit-frame-pointer"]


def extension(source: Path) -> Extension:
    name = ".".join(source.with_suffix("").parts)
    compile_args = ["-O1", "-g", *SANITIZERS] if SANITIZE else ["-O3"]
    return Extension(name, [str(source)], extra_compile_args=compile_args,
                     extra_link_args=SANITIZERS if SANITIZE else [])


sources = sorted(Path("gateway").rglob("*.pyx")) if COMPILE else []
setup(ext_modules=cythonize([extension(s) for s in sources], compiler_directives=DIRECTIVES,
                            nthreads=0 if SANITIZE else 2, build_dir="build"))
