"""Goal: rooms depend on each other in one direction only. Method: read every import and cimport statement."""

from pathlib import Path

import pytest

from tests.architecture.source_tree import ROOMS, ROOT, cython_imports, imports_of, read, source_files

ALLOWED = {
    "domain": set(),
    "matching": {"domain"},
    "clearing": {"domain"},
    "exchange": {"domain", "matching", "clearing"},
    "gateway": {"domain"},
    "runtime": set(ROOMS),
    "hashbook": {"domain"},
}
COMPILED = {
    f"{path.parent.name}.{path.stem}" for room in ROOMS for path in (ROOT / room).rglob("*.pyx") if path.is_file()
}


def rooms_imported(path: Path) -> list[tuple[str, int]]:
    return [(found.module.split(".")[0], found.line) for found in imports_of(path)]


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_the_rooms_below_it(room: str) -> None:
    files = source_files(room)
    assert files, f"no committed source in {room}/"
    forbidden = set(ROOMS) - ALLOWED[room] - {room}
    wrong = [
        f"{path}:{line} imports {imported}"
        for path in files
        for imported, line in rooms_imported(path)
        if imported in forbidden
    ]
    assert [] == wrong


@pytest.mark.parametrize("room", ROOMS)
def test_no_room_imports_tests_or_measurements(room: str) -> None:
    wrong = [
        f"{path}:{line} imports {imported}"
        for path in source_files(room)
        for imported, line in rooms_imported(path)
        if imported in {"tests", "benchmarks", "loadtests"}
    ]
    assert [] == wrong


@pytest.mark.parametrize("room", ROOMS)
def test_imports_inside_the_product_are_absolute(room: str) -> None:
    wrong = [
        f"{path}:{found.line} imports {found.module}"
        for path in source_files(room)
        for found in imports_of(path)
        if found.module.startswith(".")
    ]
    assert [] == wrong


def test_the_sdk_reaches_no_compiled_module() -> None:
    pending = {found.module for path in source_files("hashbook") for found in imports_of(path)}
    seen: set[str] = set()
    while pending:
        module = pending.pop()
        if module in seen or module.split(".")[0] not in ROOMS:
            continue
        seen.add(module)
        for file in (Path(*module.split(".")).with_suffix(".py"), Path(*module.split("."), "__init__.py")):
            if (ROOT / file).is_file():
                pending |= {found.module for found in imports_of(file)}
    assert {module for module in seen if module.startswith("hashbook.")}, "nothing was followed"
    assert set() == seen & COMPILED


def test_cimports_name_what_they_take() -> None:
    """`from package cimport module` is not tracked for rebuilds: a stale extension would be loaded."""
    packages = set(ROOMS)
    wrong = [
        f"{path}: from {found.module.split('.')[0]} cimport {found.module.split('.')[1]}"
        for room in ROOMS
        for path in source_files(room, suffixes=(".pyx", ".pxd", ".pxi"))
        for found in cython_imports(read(path))
        if found.module.count(".") == 1
        and found.module.split(".")[0] in packages
        and f"from {found.module.split('.')[0]} cimport" in read(path)
    ]
    assert [] == wrong


def test_the_reader_of_cython_imports_sees_every_form() -> None:
    text = "\n".join(
        [
            '"""from runtime import nothing"""',
            "from libc.stdint cimport int64_t, uint8_t",
            "from matching.types cimport (A,",
            "                             B as C)",
            "import domain.wire",
            "    cimport clearing.ledger",
            "# import gateway",
        ]
    )
    found = {(item.module, item.line) for item in cython_imports(text)}
    expected = {
        ("libc.stdint", 2), ("libc.stdint.int64_t", 2), ("libc.stdint.uint8_t", 2),
        ("matching.types", 3), ("matching.types.A", 3), ("matching.types.B", 3),
        ("domain.wire", 5), ("clearing.ledger", 6),
    }  # fmt: skip
    assert expected == found


def test_the_matching_that_is_imported_is_ours() -> None:
    """An unrelated distribution installs a package of the same name."""
    import matching

    assert Path(matching.__file__).resolve().parent == ROOT / "matching"
