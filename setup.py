"""Builds the extensions; everything else about the distribution stands in pyproject.toml.

Lives here: which .pyx files become modules, with which compiler flags, and what each is rebuilt for.
Does not know: versions, dependencies, the order of make's steps.

Every ``*.pyx`` in the compiled rooms becomes one extension, so that gcc, which costs most of a build, runs on all
cores. The generated C goes to ``build/cython`` and never beside the sources.

Environment:
    HASHBOOK_DEBUG=1     C assertions and integer overflow checks on, -O1 -g, for hunting a fault; slow
    HASHBOOK_MARCH=...   passed to the compiler as -march=...; unset means the plain baseline of the machine's ABI
    HASHBOOK_ANNOTATE=1  writes the annotated HTML of each module beside its C
    HASHBOOK_JOBS=n      how many compilers run at once (default: the number of processors)
"""

import json
import os
import sysconfig
from glob import glob
from pathlib import Path

from Cython import __version__ as cython_version
from Cython.Build import cythonize
from Cython.Build.Dependencies import create_dependency_tree
from setuptools import Extension, setup

ROOMS = ("domain", "matching", "clearing", "exchange", "benchmarks")
CYTHON_DIRECTORY = Path("build/cython")
OPTIONS_STAMP = Path("build/extension-options.json")

DEBUG = os.environ.get("HASHBOOK_DEBUG") == "1"
MARCH = os.environ.get("HASHBOOK_MARCH", "")
ANNOTATE = os.environ.get("HASHBOOK_ANNOTATE") == "1"
JOBS = int(os.environ.get("HASHBOOK_JOBS") or os.cpu_count() or 1)

DIRECTIVES = {
    "language_level": 3,
    "overflowcheck": DEBUG,  # bounds checks are Python's own unless a file turns them off for its C loops
    "cdivision": False,  # money is divided with Python's floor; a loop that needs C's division says so itself
    "embedsignature": True,
}


def compile_arguments(room: str) -> list[str]:
    """Flags for one room's C, after the interpreter's own: the book (and the loop that measures it) is worth -O3."""
    if DEBUG:
        flags = ["-O1", "-g", "-UNDEBUG"]
    else:
        flags = ["-O3" if room in ("matching", "benchmarks") else "-O2", "-g0"]
    if room in ("matching", "benchmarks") and not DEBUG:
        # Order flow has no loops worth vectorizing; without these two its straight path is shorter.
        flags += ["-fno-tree-vectorize", "-fno-ivopts"]
    if room == "benchmarks":
        flags.append("-Wno-unused-function")  # headers shared with programs that use the rest of them
    if MARCH:
        flags.append(f"-march={MARCH}")
    return flags


def options_changed() -> bool:
    """True when the last build used other options: files newer than their sources would then be the wrong ones."""
    now = json.dumps(
        {
            "debug": DEBUG,
            "march": MARCH,
            "annotate": ANNOTATE,
            "cython": cython_version,
            "suffix": sysconfig.get_config_var("EXT_SUFFIX"),
        },
        sort_keys=True,
    )
    if OPTIONS_STAMP.exists() and OPTIONS_STAMP.read_text() == now:
        return False
    OPTIONS_STAMP.parent.mkdir(parents=True, exist_ok=True)
    OPTIONS_STAMP.write_text(now)
    return True


def extensions() -> list[Extension]:
    """One extension per .pyx. A module is rebuilt for every .pxd and .pxi it reaches, and for every C header."""
    headers = sorted(path for room in ROOMS for path in glob(f"{room}/**/*.h", recursive=True))
    dependencies = create_dependency_tree()
    return [
        Extension(
            name=source.removesuffix(".pyx").replace("/", "."),
            sources=[source],
            depends=[*headers, *sorted(dependencies.all_dependencies(source) - {source})],
            include_dirs=[*ROOMS],
            extra_compile_args=compile_arguments(room),
        )
        for room in ROOMS
        for source in sorted(glob(f"{room}/*.pyx"))
    ]


if __name__ == "__main__":
    force = options_changed()
    setup(
        ext_modules=cythonize(
            extensions(),
            build_dir=str(CYTHON_DIRECTORY),
            compiler_directives=DIRECTIVES,
            nthreads=JOBS,
            force=force,
            annotate=ANNOTATE,
        ),
        options={"build_ext": {"parallel": JOBS, "force": force}},
    )
