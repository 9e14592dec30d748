"""What a step of a session prints, and how it fails.

Lives here: the line per step, comparisons that say what was expected, refusals read from an exception's text.
Does not know: any client's calls.
"""

import json
from typing import Any


class StepFailed(Exception):
    """The venue did not do what the step expects; the text says what differs."""


def ok(what: str, figures: str = "") -> None:
    """Report one step that went well."""
    print(f"ok {what}" + (f": {figures}" if figures else ""), flush=True)


def check(condition: object, text: str) -> None:
    """Fail the session unless the condition holds."""
    if not condition:
        raise StepFailed(text)


def equal(expected: object, actual: object, what: str) -> None:
    """Fail the session unless both are the same."""
    if expected != actual:
        raise StepFailed(f"{what}: expected {expected}, got {actual}")


def error_of(error: BaseException) -> dict[str, Any]:
    """The `error` member inside a ccxt exception ("deribit {json}"). Raises StepFailed when there is none."""
    text = str(error)
    start = text.find("{")
    try:
        body = json.loads(text[start:])
        return dict(body["error"])
    except (ValueError, KeyError, TypeError) as broken:
        raise StepFailed(f"no error of the venue in {type(error).__name__}: {text[:300]}") from broken
