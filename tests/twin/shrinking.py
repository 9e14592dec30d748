"""Makes a failing list of commands short, and prints it as an entry of regressions.py.

Lives here: `shrink` (delta debugging: Zeller, Hildebrandt 2002), `as_source`.
Does not know: why the engines differ; a difference of the same sort will do.
"""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from domain.book_rules import BookRules
from tests.twin.differential import Difference, EngineType, first_difference
from tests.twin.flow_state import Command
from tests.twin.flow_world import OpenBook, Setting

Test = Callable[[Setting, Sequence[Command]], Difference | None]


def shrink(compiled_type: EngineType, reference_type: EngineType, found: Difference) -> Difference:
    """A short list of commands, with simple books, on which two engines still differ."""
    state_every = 1 if found.what == "state" else 0

    def test(setting: Setting, commands: Sequence[Command]) -> Difference | None:
        other = first_difference(compiled_type, reference_type, setting, commands, state_every=state_every)
        return other if other is not None and _sort_of(other) == sort else None

    again = first_difference(compiled_type, reference_type, found.setting, found.commands, state_every=state_every)
    if again is None:
        return found
    sort = _sort_of(again)
    smaller = _fewer_commands(test, again)
    smaller = _simpler_commands(test, smaller)
    smaller = _simpler_books(test, smaller)
    return _fewer_commands(test, smaller)


def _sort_of(found: Difference) -> tuple[Any, ...]:
    """What two showings of one fault have in common: kinds and reasons of the first events that differ."""
    mine, theirs = found.compiled, found.reference
    if not isinstance(mine, list) or not isinstance(theirs, list):
        return found.what, *(said[1].split(":")[-1] if isinstance(said, tuple) else "" for said in (mine, theirs))
    if found.what == "state":
        return ("state",)
    pairs = enumerate(zip(mine, theirs, strict=False))
    place = next((at for at, (one, other) in pairs if one != other), min(len(mine), len(theirs)))
    return ("events", *(_kind_of(said[place]) if place < len(said) else "" for said in (mine, theirs)))


def _kind_of(event: Any) -> str:
    return f"{event[0]} {event[2] if event[0] == 'refused' else event[3] if event[0] == 'cancelled' else ''}"


def _fewer_commands(test: Test, found: Difference) -> Difference:
    size = max(len(found.commands) // 2, 1)
    while True:
        start = len(found.commands)  # from the end: what came last matters most, so try to drop what came early later
        dropped = False
        while start > 0:
            begin = max(start - size, 0)
            kept = found.commands[:begin] + found.commands[start:]
            smaller = test(found.setting, kept) if kept else None
            if smaller is not None:
                found, dropped = smaller, True
                start = min(begin, len(found.commands))
            else:
                start = begin
        if size == 1 and not dropped:
            return found
        size = max(size // 2, 1)


def _simpler_commands(test: Test, found: Difference) -> Difference:
    """Without options that do not matter."""
    place = 0
    while place < len(found.commands):
        for name in list(found.commands[place][2]):
            if place < len(found.commands):
                method, args, options = found.commands[place]
                fewer = {key: value for key, value in options.items() if key != name}
                commands = [*found.commands[:place], (method, args, fewer), *found.commands[place + 1 :]]
                found = test(found.setting, commands) or found
        place += 1
    return found


def _simpler_books(test: Test, found: Difference) -> Difference:
    """Without books that nobody names, and with rules that say nothing but what matters."""
    for opened in reversed(found.setting.books):
        books = tuple(book for book in found.setting.books if book.number != opened.number)
        named: set[Any] = {leg for book in books for leg, _ in book.legs}
        for method, args, options in found.commands:
            if method == "quote":
                named.add(args[2])
            elif method not in ("cancel", "amend", "cancel_owner", "set_mmp", "reset_mmp", "set_now", "set_group"):
                named.add(args[0])
            named.add(options.get("book"))
        if opened.number not in named:
            found = test(found.setting._replace(books=books), found.commands) or found
    for place in range(len(found.setting.books)):
        for name in BookRules.__struct_fields__:
            books_now = found.setting.books
            rules = books_now[place].rules
            plain = getattr(BookRules(), name)
            if getattr(rules, name) == plain:
                continue
            simpler = books_now[place]._replace(rules=msgspec.structs.replace(rules, **{name: plain}))
            changed = (*books_now[:place], simpler, *books_now[place + 1 :])
            found = test(found.setting._replace(books=changed), found.commands) or found
    return test(Setting(found.setting.books), found.commands) or found


def as_source(found: Difference, name: str = "what it is about") -> str:
    """An entry of regressions.py."""
    sizes = "".join(
        f", {size}={getattr(found.setting, size)}"
        for size, plain in Setting._field_defaults.items()
        if getattr(found.setting, size) != plain
    )
    books = "\n".join(f"            {_book(book)}," for book in found.setting.books)
    commands = "\n".join(f"            {_command(command)}," for command in found.commands)
    return (
        f'    Regression(\n        "{name}",\n        Setting((\n{books}\n        ){sizes}),\n'
        f"        [\n{commands}\n        ],\n    ),"
    )


def _book(book: OpenBook) -> str:
    plain = BookRules()
    said = [
        f"{name}={getattr(book.rules, name)!r}"
        for name in BookRules.__struct_fields__
        if getattr(book.rules, name) != getattr(plain, name)
    ]
    legs = f", {book.legs!r}" if book.legs else ""
    return f"OpenBook({book.number}, BookRules({', '.join(said)}){legs})"


def _command(command: Command) -> str:
    method, args, options = command
    return f'("{method}", {args!r}, {_dict(options)})'


def _dict(options: dict[str, Any]) -> str:
    return "{" + ", ".join(f'"{key}": {value!r}' for key, value in options.items()) + "}"
