"""Goal: the repository stands alone and can be read. Method: look at every committed file."""

import re
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.architecture.source_tree import ROOMS, ROOT, committed_files, read

LINES_MAX = 400
# Longer than that, and known to be: each is one flat list of rules or checks that reads better in one piece.
LONG: dict[Path, int] = {}
TEXT_SUFFIXES = {
    ".py", ".pyi", ".pyx", ".pxd", ".pxi", ".h", ".c", ".md", ".toml", ".cfg", ".txt", ".lock", ".json", ".yml",
    ".yaml", ".csv", ".sh", ".html", ".js", "",
}  # fmt: skip
MACHINE_PATHS = re.compile("(?<![A-Za-z0-9_.*-])/(?:" + "|".join(("work", "root", "home", "Users")) + ")/")
LINK = re.compile(r"(?<!!)\[[^\]\n]*\]\(([^)\s]+)\)")


def text_files() -> list[Path]:
    return [path for path in committed_files() if path.suffix in TEXT_SUFFIXES]


def folders_with_code() -> list[Path]:
    code = {".py", ".pyx", ".c"}
    return sorted(
        {path.parent for path in committed_files() if path.suffix in code and 1 <= len(path.parent.parts) <= 2}
    )


@pytest.mark.parametrize("folder", folders_with_code(), ids=str)
def test_every_folder_says_what_lives_there(folder: Path) -> None:
    readme = ROOT / folder / "README.md"
    assert readme.is_file(), f"{folder}/README.md is missing"
    assert readme.read_text(encoding="utf-8").startswith("# ")


@pytest.mark.parametrize("room", ROOMS)
def test_every_module_of_a_room_begins_with_what_lives_there(room: str) -> None:
    files = [path for path in committed_files() if path.parts[0] == room and path.suffix in {".py", ".pyx", ".pxd"}]
    wrong = [str(path) for path in files if not re.match(r'(#[^\n]*\n|\s)*(r?""")', read(path)) and read(path).strip()]
    assert [] == wrong


def test_no_committed_file_names_a_path_of_somebodys_machine() -> None:
    wrong = [
        f"{path}:{number}: {line.strip()[:100]}"
        for path in text_files()
        for number, line in enumerate(read(path).splitlines(), 1)
        if MACHINE_PATHS.search(line)
    ]
    assert [] == wrong


def test_links_between_documents_resolve() -> None:
    documents = [path for path in committed_files() if path.suffix == ".md"]
    assert documents
    wrong = []
    for path in documents:
        for target in LINK.findall(re.sub(r"```.*?```", "", read(path), flags=re.DOTALL)):
            if re.match(r"[a-z]+:", target) or target.startswith("#"):
                continue
            file = (ROOT / path).parent / unquote(target.split("#")[0])
            if not file.exists():
                wrong.append(f"{path} -> {target}")
    assert [] == wrong


def test_sources_stay_short_enough_to_be_read() -> None:
    lengths = {
        path: read(path).count("\n") + 1
        for path in committed_files()
        if path.suffix in {".py", ".pyx", ".pxd", ".c", ".h"}
    }
    too_long = [f"{path}: {lines} lines" for path, lines in lengths.items() if lines > LONG.get(path, LINES_MAX)]
    assert [] == too_long
    needless = [str(path) for path in LONG if lengths.get(path, 0) <= LINES_MAX]
    assert [] == needless, "these are no longer long: take them off the list"


@pytest.mark.parametrize("name", ["run.lock", "dev.lock"])
def test_every_pinned_package_has_its_hashes_and_no_host_is_named(name: str) -> None:
    text = read(Path("requirements") / name)
    packages = re.findall(r"^[a-z0-9][\w.-]*(.*?)(?=^[a-z0-9]|\Z)", text, re.MULTILINE | re.DOTALL)
    assert packages
    assert all(block.startswith("==") and "--hash=sha256:" in block for block in packages)
    assert "://" not in text
    assert "--index" not in text


def test_what_the_run_needs_is_pinned_alike_for_the_tests() -> None:
    pin = re.compile(r"^([a-z0-9][\w.-]*)==(\S+)", re.MULTILINE)
    run, dev = (
        dict(pin.findall(read(Path("requirements/run.lock")))),
        dict(pin.findall(read(Path("requirements/dev.lock")))),
    )
    assert run
    assert {name: dev.get(name) for name in run} == run


def test_the_version_stands_in_one_place() -> None:
    version = read(Path("VERSION")).strip()
    assert re.fullmatch(r"\d+\.\d+\.\d+", version)
    assert 'dynamic = ["version"]' in read(Path("pyproject.toml"))
    assert version in read(Path("CHANGELOG.md"))
