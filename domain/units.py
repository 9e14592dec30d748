"""Units of money and the exact reading of decimals.

Lives here: ledger units per asset, constants of the chain, and the parser of decimal text to scaled integers.
Does not know: instruments, JSON.
"""

import re
from functools import lru_cache
from typing import Final, NewType

Ticks = NewType("Ticks", int)
Lots = NewType("Lots", int)
Msat = NewType("Msat", int)
TimeNs = NewType("TimeNs", int)

MSAT_PER_SAT: Final = 1_000  # ledger unit of BTC: one block pays a 1 TH/s token about 0.3 sat
SAT_PER_BTC: Final = 100_000_000
BTC_SCALE: Final = MSAT_PER_SAT * SAT_PER_BTC  # ledger units per BTC
USDC_SCALE: Final = 1_000_000  # ledger units (micro-dollars) per USDC
TOKEN_SCALE: Final = 1_000  # ledger units per TH/s
NS_PER_S: Final = 1_000_000_000
NS_PER_MS: Final = 1_000_000
DECIMAL_CHARACTERS_MAX: Final = 40

_DECIMAL: Final = re.compile(r"(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]{1,3}))?\Z")


class NotExact(ValueError):
    """The text is a number, but not a whole multiple of the unit asked for."""


@lru_cache(maxsize=65_536)
def parse_scaled(text: str, scale_digits: int) -> int:
    """Read a JSON number's text as an integer count of 10**-scale_digits, exactly. Remembered: prices repeat.

    Raises:
        NotExact: more precision than the unit has.
        ValueError: not a JSON number, or absurdly long.

    >>> parse_scaled("1.50", 2), parse_scaled("2e-8", 8), parse_scaled("-3", 0)
    (150, 2, -3)
    """
    if len(text) > DECIMAL_CHARACTERS_MAX:
        raise ValueError("number too long")
    match = _DECIMAL.match(text)
    if match is None:
        raise ValueError("not a decimal number")
    sign, whole, fraction, exponent = match.groups()
    fraction = fraction or ""
    digits = int(whole + fraction)
    shift = scale_digits - len(fraction) + int(exponent or 0)
    if shift >= 0:
        if digits and shift > DECIMAL_CHARACTERS_MAX:
            raise ValueError("number too large")
        value = digits * 10**shift if digits else 0
    else:
        value, remainder = divmod(digits, 10 ** min(-shift, 2 * DECIMAL_CHARACTERS_MAX))
        if remainder:
            raise NotExact("more precision than the unit has")
    return -value if sign else value
