"""Reads the repository's own source for the tests beside it.

Lives here: which files are committed, what a Python or Cython file imports, its text without strings and comments.
Does not know: any law.
"""

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).resolve().parents[2]
ROOMS: Final = ("domain", "matching", "clearing", "exchange", "gateway", "runtime", "hashbook")
CYTHON_SUFFIXES: Final = (".pyx", ".pxd", ".pxi")
SOURCE_SUFFIXES: Final = (".py", ".pyi", *CYTHON_SUFFIXES)
SKIPPED_FOLDERS: Final = {
    ".git", ".venv", ".venv-ccxt", ".venv-rivals", "build", "dist", "var", "__pycache__", ".cache",
}  # fmt: skip

_STRING_OR_COMMENT: Final = re.compile(
    r"""(?P<string>(?i:[rbuf]{0,2})(?:\"\"\".*?\"\"\"|'''.*?'''|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'))|(?P<comment>\#[^\n]*)""",
    re.DOTALL,
)
_CYTHON_IMPORT: Final = re.compile(
    r"^[ \t]*(?:from[ \t]+(?P<source>[\w.]+)[ \t]+c?import[ \t]+(?P<names>\([^)]*\)|[^\n]*)"
    r"|c?import[ \t]+(?P<modules>[\w., \t]+))",
    re.MULTILINE,
)


class Import(NamedTuple):
    """One module named by an import statement."""

    module: str
    line: int


@cache
def committed_files() -> tuple[Path, ...]:
    """Files under version control, relative to the root; without a repository (an unpacked archive), all files."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode == 0 and listed.stdout:
        return tuple(Path(name) for name in listed.stdout.split("\0") if name and (ROOT / name).is_file())
    return tuple(
        sorted(
            path.relative_to(ROOT)
            for path in ROOT.rglob("*")
            if path.is_file() and not SKIPPED_FOLDERS.intersection(path.relative_to(ROOT).parts)
        )
    )


def source_files(*rooms: str, suffixes: tuple[str, ...] = SOURCE_SUFFIXES) -> list[Path]:
    """Committed sources of these rooms, relative to the root."""
    return [path for path in committed_files() if path.parts[0] in rooms and path.suffix in suffixes]


def read(path: Path) -> str:
    """Text of a file given relative to the root."""
    return (ROOT / path).read_text(encoding="utf-8")


def code_only(text: str) -> str:
    """Source text whose strings are emptied and comments removed; lines keep their numbers."""
    return _STRING_OR_COMMENT.sub(lambda found: "''" + "\n" * found[0].count("\n") if found["string"] else "", text)


def line_of(text: str, offset: int) -> int:
    """1-based line of a character offset."""
    return text.count("\n", 0, offset) + 1


def imports_of(path: Path) -> list[Import]:
    """Every module that a file imports or cimports, `from a import b` giving both `a` and `a.b`."""
    text = read(path)
    return list(_python_imports(text) if path.suffix in (".py", ".pyi") else cython_imports(text))


def _python_imports(text: str) -> Iterator[Import]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                yield Import("." * node.level + (node.module or ""), node.lineno)
                continue
            yield Import(node.module or "", node.lineno)
            yield from (Import(f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


def cython_imports(text: str) -> Iterator[Import]:
    """Imports and cimports of Cython text, which Python's own parser does not read."""
    code = code_only(text)
    for found in _CYTHON_IMPORT.finditer(code):
        line = line_of(code, found.start())
        if found["modules"]:
            yield from (Import(name.split()[0], line) for name in found["modules"].split(",") if name.strip())
            continue
        yield Import(found["source"], line)
        names = found["names"].strip("() \t\n")
        yield from (Import(f"{found['source']}.{name.split()[0]}", line) for name in names.split(",") if name.strip())
