"""The whitelist rule, pure: who may hold or trade what, until when.

Lives here: one function used by the core at the sequence and by the gateway's early refusal.
Does not know: accounts' money, instruments' books, the clock (the caller compares with its time).
Source: ERC-3643 order of checks (frozen, registered, every claim topic present and unexpired, compliance).
"""

from typing import Final

import msgspec

from domain.commands import Claim

NEVER_NS: Final = 0
FOREVER_NS: Final = 2**63 - 1


class Identity(msgspec.Struct, frozen=True):
    """Who stands behind an account."""

    country: str
    claims: tuple[Claim, ...]
    frozen: bool


class Rule(msgspec.Struct, frozen=True):
    """What an instrument asks of its holders. Rule id 0 asks for nothing and is not stored."""

    rule_id: int
    name: str
    requires: tuple[str, ...]
    countries_denied: tuple[str, ...]


class Verdict(msgspec.Struct, frozen=True):
    """Eligible strictly before `until_ns` (NEVER_NS = not at all); `reason` names what fails or lapses first."""

    until_ns: int
    reason: str


def judge(identity: Identity | None, rule: Rule) -> Verdict:
    """Decide until when the identity satisfies the rule. Rules ELIG-001..005. Cost: claims x requires.

    >>> judge(None, Rule(1, "professional_investor", ("kyc",), ())).reason
    'not_registered'
    """
    if identity is None:
        return Verdict(NEVER_NS, "not_registered")
    if identity.frozen:
        return Verdict(NEVER_NS, "frozen")
    if identity.country in rule.countries_denied:
        return Verdict(NEVER_NS, f"country:{identity.country}")
    until_ns, reason = FOREVER_NS, ""
    for topic in rule.requires:
        expires_ns = max((claim.expires_ns for claim in identity.claims if claim.topic == topic), default=NEVER_NS)
        if expires_ns == NEVER_NS:
            return Verdict(NEVER_NS, f"claim_missing:{topic}")
        if expires_ns < until_ns:
            until_ns, reason = expires_ns, f"claim_expired:{topic}"
    return Verdict(until_ns, reason)
