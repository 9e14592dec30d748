"""Goal: the pages say what the source says. Method: make the reference again and compare; look up every rule's code."""

import re
import typing

import pytest

from domain import commands, events
from domain.rejects import RejectCode
from tests.unit.domain.reference_pages import PAGES, ROOT, pages

ROOMS = ("domain", "matching", "clearing", "exchange", "tests")
RULE = re.compile(r"\b(?:MATCH|HOLD|DVP|FEE|MARGIN|VM|MARK|ELIG|EXP|DIV|HPI|CHAIN)-\d{3}\b")


@pytest.mark.parametrize("name", sorted(pages()))
def test_a_committed_page_is_what_the_source_gives(name: str) -> None:
    assert pages()[name] == (PAGES / name).read_text(encoding="utf-8"), (
        "run `python -m tests.unit.domain.reference_pages`"
    )


def test_every_refusal_is_listed_once() -> None:
    text = pages()["reject-codes.md"]
    for code in RejectCode:
        assert text.count(f"| {int(code)} | `{code.name}` |") == 1


def test_every_command_and_event_is_listed_with_its_fields() -> None:
    text = pages()["commands-and-events.md"]
    kinds = [*typing.get_args(commands.ColdCommand), *typing.get_args(events.Event)]
    for kind in kinds:
        section = text.split(f"### {kind.__name__}\n")[1].split("###")[0]
        fields = getattr(kind, "__struct_fields__", None) or getattr(kind, "_fields", ())
        assert all(f"| `{field}` |" in section for field in fields), kind.__name__
    for name in ("new_order", "cancel_order", "amend_order", "cancel_all", "cancel_session", "cancel_gateway"):
        assert f"**{name}**" in text


def test_every_rule_that_is_cited_is_written_down_with_its_code() -> None:
    written = "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "docs" / "rules").glob("*.md")))
    cited = {
        code: path
        for room in ROOMS
        for path in sorted((ROOT / room).rglob("*.p[yx]*"))
        if path.suffix in (".py", ".pyx", ".pxd")
        for code in RULE.findall(path.read_text(encoding="utf-8"))
    }
    assert len(cited) > 40
    missing = {
        f"{code} in {path.relative_to(ROOT)}"
        for code, path in cited.items()
        if not re.search(rf"^(?:\| {code} \||\*\*{code}\b)", written, re.MULTILINE)
    }
    assert missing == set()
