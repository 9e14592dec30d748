"""The one way to state an invariant.

Lives here: ``ensure`` and the exception it raises.
Does not know: what is done about a violation (the sequencer stops).
"""


class InvariantViolation(AssertionError):
    """A law of the system does not hold: a bug, never a client's fault. The core stops before anything leaves."""


def ensure(condition: object, law: str) -> None:
    """Raise InvariantViolation with `law` unless `condition` is true. Stays active under ``python -O``."""
    if not condition:
        raise InvariantViolation(law)
