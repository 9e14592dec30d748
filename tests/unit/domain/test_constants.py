"""Goal: numbers written twice, in Python and in Cython, are the same numbers.

Method: read the enum blocks out of the Cython text and look each name up in domain.constants, domain.rejects and the
few modules that own a limit. A name that nobody owns must be listed here as private to its room.
"""

import re
from pathlib import Path
from typing import Final

import pytest

from clearing.scenarios import MOVES_PER_300
from domain import book_rules, commands, constants, instruments, wire
from domain.constants import REASON_TEXTS
from domain.rejects import BOOK_REASON_TEXTS, RejectCode

ROOT: Final = Path(__file__).parents[3]
ROOMS: Final = ("matching", "clearing", "exchange")
BLOCK: Final = re.compile(r"^cdef enum:.*\n((?:[ \t]+.*\n|\n)+)", re.MULTILINE)
ENTRY: Final = re.compile(r"^[ \t]+([A-Z][A-Z0-9_]*) *= *(-?(?:0x[0-9A-Fa-f]+|\d+))\b", re.MULTILINE)

ALIASES: Final = {  # Cython's name -> the Python name, where they differ to avoid a clash
    "STP_NEWEST": "STP_CANCEL_NEWEST", "STP_OLDEST": "STP_CANCEL_OLDEST", "STP_BOTH": "STP_CANCEL_BOTH",
    "UNKNOWN_BOOK": "UNKNOWN_INSTRUMENT", "ACCOUNT_REDUCE_ONLY_CODE": "ACCOUNT_REDUCE_ONLY",
    "SLIDE": "POST_ONLY_SLIDE", "UP": "TRIGGER_UP", "DOWN": "TRIGGER_DOWN", "REASON_OCO_FILL": "REASON_OCO",
    "REASON_MMP_FILL": "REASON_MMP", "AS_IT_WAS": "POST_ONLY_AS_IT_WAS",
    **{phase: f"PHASE_{phase}" for phase in (
        "CONTINUOUS", "PRE_OPEN", "OPENING", "VOLATILITY", "HALT", "CLOSED", "EXPIRED",
    )},
    **{kind: f"COMMAND_{kind}" for kind in (
        "NEW_ORDER", "CANCEL_ORDER", "AMEND_ORDER", "CANCEL_ALL", "CANCEL_SESSION", "CANCEL_GATEWAY", "COLD",
    )},
}  # fmt: skip
PRIVATE: Final = {  # meaning inside one room only
    "NO_BID", "NO_ASK", "PAGE_BITS", "SUMMARY_DEPTH_MAX", "NO_MARGIN", "MARGIN_SLOTS", "ACCOUNT_NONE", "ACCOUNT_ACTIVE",
    "SPARE_BYTES", "MODE_SHIFT", "MODE_DEFAULT", "EVENTS_PAUSE", "TICK_ROWS", "MMP_GROUPS", "MMP_FILLS", "LEGS_MAX",
    "TRIGGER_BOOKS", "DISPLAY_PEAKS_MAX", "FAR", "NEAR", "PIECE", "TAKER_ITSELF", "KEYS_MAX", "EXTENSIONS_MAX",
}  # fmt: skip
# Events, flags and fields inside the core.
PRIVATE_FAMILIES: Final = ("BOOK_", "WATCH_", "STATE_", "SPECIAL_", "FIELD_", "FLAG_", "COMMAND_")
OWNED: Final = {
    **{code.name: int(code) for code in RejectCode},
    **{name: value for name, value in vars(constants).items() if isinstance(value, int)},
    "POST_ONLY_AS_IT_WAS": commands.POST_ONLY_AS_IT_WAS,
    "KIND_SPOT": instruments.KIND_SPOT,
    "KIND_FORWARD": instruments.KIND_FORWARD,
    "KIND_COMBO": instruments.KIND_COMBO,
    "HAS_TERMS": wire.HAS_TERMS,
    "CLIENT_ID_BYTES_MAX": wire.CLIENT_ID_BYTES_MAX,
    "SCENARIOS": len(MOVES_PER_300),
    "COLD_PREFIX_BYTES": wire.COLD_PREFIX.size,
    "LABEL_BYTES_MAX": wire.LABEL_BYTES_MAX,
    "RECORD_BYTES_MAX": wire.RECORD_BYTES_MAX,
    "PRICE_TICKS_LIMIT": book_rules.PRICE_TICKS_LIMIT,
}
# The same word in the account's state and in the refusal: the state is private, the refusal has the suffix _CODE.
STATE_AND_CODE: Final = ("ACCOUNT_REDUCE_ONLY", 2)


def entries() -> list[tuple[str, str, int]]:
    """(file, name, value) of every entry of every enum block."""
    found = []
    for room in ROOMS:
        for path in sorted((ROOT / room).glob("*.p[yx][xd]")):
            for block in BLOCK.findall(path.read_text(encoding="utf-8")):
                found += [(f"{room}/{path.name}", name, int(value, 0)) for name, value in ENTRY.findall(block)]
    return found


def test_enum_blocks_are_found_in_every_room() -> None:
    assert {file.split("/")[0] for file, _, _ in entries()} == set(ROOMS)
    assert len(entries()) > 60


def is_private_family(name: str) -> bool:
    """A number of one of the core's own sets; a refusal that is called like one is still compared."""
    return name.startswith(PRIVATE_FAMILIES) and name not in OWNED


@pytest.mark.parametrize(("file", "name", "value"), entries(), ids=lambda x: str(x))
def test_a_number_in_cython_is_the_number_of_its_name(file: str, name: str, value: int) -> None:
    if (name, value) == STATE_AND_CODE or name in PRIVATE or is_private_family(name):
        return
    owner = ALIASES.get(name, name)
    assert owner in OWNED, f"{file}: {name} has no owner in Python; name one or list it as private"
    assert OWNED[owner] == value, f"{file}: {name}"


def test_every_end_of_an_order_has_its_text() -> None:
    named = {name: value for name, value in vars(constants).items() if name.startswith("REASON_")}
    reasons = {value for value in named.values() if isinstance(value, int)}
    assert reasons == set(range(len(REASON_TEXTS)))
    assert len(set(REASON_TEXTS)) == len(REASON_TEXTS)


def test_refusal_codes_are_unique_and_of_a_known_layer() -> None:
    assert len({int(code) for code in RejectCode}) == len(list(RejectCode))
    assert all(code == 0 or int(code) // 1_000 in (2, 3, 4, 5, 9) for code in RejectCode)
    assert set(BOOK_REASON_TEXTS) <= set(RejectCode)
