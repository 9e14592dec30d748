"""The reference pages of refusals, commands and events, made from the source.

Lives here: the generator, `python -m tests.unit.domain.reference_pages`; test_reference_pages.py compares what it
makes with the committed pages.
Does not know: what a command does beyond its docstring.
"""

import ast
import re
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[3]
PAGES: Final = ROOT / "docs" / "reference"
NOTE: Final = "Made from the source by `python -m tests.unit.domain.reference_pages`; a test compares.\n"
INLINE: Final = re.compile(r"#\s*(.*)$")


def main() -> None:
    """Write both pages."""
    for name, text in pages().items():
        (PAGES / name).write_text(text, encoding="utf-8")
        print(f"wrote docs/reference/{name}")


def pages() -> dict[str, str]:
    """File name -> text."""
    return {"reject-codes.md": reject_codes(), "commands-and-events.md": commands_and_events()}


def reject_codes() -> str:
    """Every refusal with its number and remark, by layer."""
    lines = source_lines("domain/rejects.py")
    out = ["# Refusals of the core", "", NOTE]
    out += [
        "A refused command changed nothing; `code`, `detail` and `value` stand in its command frame. 0 is done.", "",
        "| code | name | remark |", "|---|---|---|",
    ]  # fmt: skip
    for line in lines:
        if found := re.match(r"    ([A-Z_]+) = (\d+)", line):
            out.append(f"| {found[2]} | `{found[1]}` | {remark(line)} |")
        elif found := re.match(r"    # (\dxxx.*|cold.*)$", line):
            out.append(f"| | | **{found[1]}** |")
    return "\n".join(out) + "\n"


def commands_and_events() -> str:
    """Hot and cold commands, packed and cold events, with their fields."""
    out = ["# Commands and events of the core", "", NOTE]
    out += ["Prices in ticks, quantities in lots, money in ledger units of its asset, times in ns since 1970.", ""]
    out += ["## Hot commands", "", "Packed records (`domain/wire.h`); they run without the interpreter.", ""]
    tree = ast.parse("\n".join(source_lines("domain/hot_commands.py")))
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and returns_bytes(node) and not node.name.startswith("_"):
            fields = ", ".join(f"`{argument.arg}`" for argument in node.args.kwonlyargs)
            out += [f"**{node.name}**: {first_paragraph(node)} Fields: {fields}.", ""]
    out += ["## Cold commands", "", "msgpack structs, tagged by `t`, decided in Python between orders.", ""]
    out += structs("domain/commands.py", "Cold")
    out += ["## Packed events", "", "The first frame of every command is `CommandApplied`.", ""]
    out += structs("domain/events.py", "NamedTuple")
    out += ["## Cold events", "", "msgpack structs, tagged by `t`.", ""]
    out += structs("domain/events.py", "ColdEvent")
    return "\n".join(out).rstrip() + "\n"


def structs(path: str, base: str) -> list[str]:
    """Each class on this base: a heading, its docstring, a table of fields with their remarks."""
    lines = source_lines(path)
    out: list[str] = []
    for node in ast.parse("\n".join(lines)).body:
        if not (isinstance(node, ast.ClassDef) and any(isinstance(b, ast.Name) and b.id == base for b in node.bases)):
            continue
        out += [f"### {node.name}", ""]
        if text := first_paragraph(node):
            out += [text, ""]
        fields = [item for item in node.body if isinstance(item, ast.AnnAssign)]
        if fields:
            out += ["| field | type | remark |", "|---|---|---|"]
        for item in fields:
            kind = ast.unparse(item.annotation).replace("Int64", "int").replace("|", "\\|")
            default = f", {ast.unparse(item.value)} if absent" if item.value is not None else ""
            out.append(f"| `{ast.unparse(item.target)}` | {kind}{default} | {remark(lines[item.lineno - 1])} |")
        out += [""] if fields else []
    return out


def returns_bytes(node: ast.FunctionDef) -> bool:
    return isinstance(node.returns, ast.Name) and node.returns.id == "bytes"


def first_paragraph(node: ast.FunctionDef | ast.ClassDef) -> str:
    return " ".join((ast.get_docstring(node) or "").split("\n\n")[0].split())


def remark(line: str) -> str:
    found = INLINE.search(line)
    return found[1].replace("|", "\\|") if found else ""


def source_lines(path: str) -> list[str]:
    return (ROOT / path).read_text(encoding="utf-8").splitlines()


if __name__ == "__main__":
    main()
