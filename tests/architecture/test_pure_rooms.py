"""Goal: equal journals give equal bits on every machine. Method: ban, in the source, what could make them differ."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.source_tree import (
    CYTHON_SUFFIXES,
    code_only,
    imports_of,
    line_of,
    read,
    source_files,
)

CORE = ("domain", "matching", "clearing", "exchange")
PURE = (*CORE, "gateway")
SHELLS = {Path("gateway/ws_server.py")}  # the one file of a pure room that may wait for a socket
FLOAT_FOLDER = Path("clearing/pricing")  # computes tables outside the core; never called while a command is applied
AMBIENT = {
    "time", "random", "uuid", "os", "socket", "asyncio", "secrets", "threading", "multiprocessing", "subprocess",
    "uvloop", "select", "signal", "tempfile",
}  # fmt: skip
AMBIENT_C = {"libc.time", "posix.time", "posix.unistd", "libc.math"}
CLOCK_CALLS = {"now", "utcnow", "today"}


def pure_files() -> list[Path]:
    return [path for path in source_files(*PURE) if path not in SHELLS]


def core_files(*suffixes: str) -> list[Path]:
    return [path for path in source_files(*CORE) if path.suffix in suffixes and FLOAT_FOLDER not in path.parents]


def test_pure_rooms_import_no_clock_no_randomness_no_environment_no_sockets() -> None:
    assert pure_files(), "no sources found"
    wrong = [
        f"{path}:{found.line} imports {found.module}"
        for path in pure_files()
        for found in imports_of(path)
        if found.module.split(".")[0] in AMBIENT or found.module in AMBIENT_C
    ]
    assert [] == wrong


def test_pure_rooms_ask_no_calendar_for_now() -> None:
    wrong = [
        f"{path}:{node.lineno} .{node.func.attr}()"
        for path in pure_files()
        if path.suffix == ".py"
        for node in ast.walk(ast.parse(read(path)))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CLOCK_CALLS
        if isinstance(node.func.value, ast.Name | ast.Attribute) and "date" in ast.unparse(node.func.value).lower()
    ]
    assert [] == wrong


def float_uses(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and kind of everything in Python source that is or makes a float."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, float | complex):
            yield node.lineno, f"literal {node.value}"
        elif isinstance(node, ast.Name) and node.id == "float":
            yield node.lineno, "float"
        elif isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div):
            yield node.lineno, "true division"


def test_the_core_computes_in_integers_python() -> None:
    wrong = [f"{path}:{line} {what}" for path in core_files(".py") for line, what in float_uses(ast.parse(read(path)))]
    assert [] == wrong


FLOAT_CYTHON = re.compile(
    r"\b(?:double|float)\b|(?<![\w.])\d+\.\d*(?![\w.])"
    r"|(?<![\w/<])/(?![/=])(?!\s*\))"  # `/)` ends positional arguments
)


def test_the_core_computes_in_integers_cython() -> None:
    """Types, literals and true division; C division of integers is written // under Python's rules."""
    files = core_files(*CYTHON_SUFFIXES)
    assert files, "no Cython sources found"
    wrong = []
    for path in files:
        code = code_only(read(path))
        wrong += [f"{path}:{line_of(code, found.start())} {found[0]}" for found in FLOAT_CYTHON.finditer(code)]
    assert [] == wrong


@pytest.mark.parametrize(
    ("text", "is_float"),
    [("cdef double x", True), ("x = 1.5", True), ("x = a / b", True), ("x = a // b", False), ("x = a[1]", False),
     ("range(3)", False), ("0x1F", False), ("x //= 2", False), ("order.book", False)],
)  # fmt: skip
def test_the_search_for_floats_finds_them_and_only_them(text: str, is_float: bool) -> None:
    assert is_float == bool(FLOAT_CYTHON.search(text))


def set_iterations(tree: ast.AST) -> Iterator[int]:
    """Lines that walk a set in its own order: displays, calls, and names or attributes that were given a set."""
    sets = {
        ast.unparse(target)
        for node in ast.walk(tree)
        for target, value, note in assignments(node)
        if is_set(value) or (note is not None and re.match(r"(frozen)?set\b", ast.unparse(note)))
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.For | ast.comprehension):
            walked = node.iter
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"list", "tuple"}:
            if not node.args:
                continue
            walked = node.args[0]
        else:
            continue
        if is_set(walked) or ast.unparse(walked) in sets:
            yield walked.lineno


def assignments(node: ast.AST) -> Iterator[tuple[ast.expr, ast.expr | None, ast.expr | None]]:
    if isinstance(node, ast.Assign):
        yield from ((target, node.value, None) for target in node.targets)
    elif isinstance(node, ast.AnnAssign):
        yield node.target, node.value, node.annotation


def is_set(value: ast.expr | None) -> bool:
    if isinstance(value, ast.Set | ast.SetComp):
        return True
    return isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id in {"set", "frozenset"}


def test_the_core_walks_no_set_in_its_own_order() -> None:
    wrong = [f"{path}:{line}" for path in core_files(".py") for line in set_iterations(ast.parse(read(path)))]
    assert [] == wrong


@pytest.mark.parametrize(
    ("text", "walks"),
    [("for x in {1, 2}: pass", True), ("for x in set(a): pass", True), ("[x for x in frozenset(a)]", True),
     ("s = set()\nfor x in s: pass", True), ("self.s: set[int] = f()\nlist(self.s)", True),
     ("s = set()\nfor x in sorted(s): pass", False), ("s = [1]\nfor x in s: pass", False), ("x in {1, 2}", False)],
)  # fmt: skip
def test_the_search_for_set_order_finds_it_and_only_it(text: str, walks: bool) -> None:
    assert walks == bool(list(set_iterations(ast.parse(text))))


def test_the_core_uses_neither_hash_nor_id_of_objects() -> None:
    wrong = [
        f"{path}:{node.lineno} {node.func.id}()"
        for path in core_files(".py")
        for node in ast.walk(ast.parse(read(path)))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"hash", "id"}
    ]
    assert [] == wrong


def test_pure_rooms_state_laws_with_ensure_because_asserts_can_be_switched_off() -> None:
    wrong = [
        f"{path}:{node.lineno}"
        for path in pure_files()
        if path.suffix == ".py"
        for node in ast.walk(ast.parse(read(path)))
        if isinstance(node, ast.Assert)
    ]
    for path in pure_files():
        if path.suffix in CYTHON_SUFFIXES:
            code = code_only(read(path))
            wrong += [f"{path}:{line_of(code, found.start(1))}" for found in re.finditer(r"^\s*(assert)\b", code, re.M)]
    assert [] == wrong
