"""Goal: the whitelist rule says until when, and names what fails first. Method: one table, then a law.

Rules ELIG-001..003.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.commands import Claim
from domain.eligibility import FOREVER_NS, NEVER_NS, Identity, Rule, judge

RULE = Rule(1, "hashrate_investor", ("kyc", "professional"), ("KP",))
KYC, PRO = Claim("kyc", 100), Claim("professional", 50)


@pytest.mark.parametrize(
    ("identity", "until_ns", "reason"),
    [
        (None, NEVER_NS, "not_registered"),
        (Identity("CH", (KYC, PRO), True), NEVER_NS, "frozen"),
        (Identity("KP", (KYC, PRO), False), NEVER_NS, "country:KP"),
        (Identity("CH", (), False), NEVER_NS, "claim_missing:kyc"),
        (Identity("CH", (KYC,), False), NEVER_NS, "claim_missing:professional"),
        (Identity("CH", (KYC, PRO), False), 50, "claim_expired:professional"),
        (Identity("CH", (KYC, PRO, Claim("professional", 200)), False), 100, "claim_expired:kyc"),
        (Identity("KP", (), True), NEVER_NS, "frozen"),
    ],
)
def test_the_first_failing_check_is_named(identity: Identity | None, until_ns: int, reason: str) -> None:
    verdict = judge(identity, RULE)
    assert (verdict.until_ns, verdict.reason) == (until_ns, reason)


def test_a_rule_that_asks_for_nothing_holds_for_ever() -> None:
    assert judge(Identity("CH", (), False), Rule(2, "anybody", (), ())).until_ns == FOREVER_NS


@given(st.lists(st.tuples(st.sampled_from(("kyc", "professional", "aml")), st.integers(1, 1_000)), max_size=8))
def test_one_more_claim_never_shortens_eligibility(found: list[tuple[str, int]]) -> None:
    claims = tuple(Claim(topic, expires_ns) for topic, expires_ns in found)
    for count in range(len(claims)):
        fewer = judge(Identity("CH", claims[:count], False), RULE).until_ns
        assert fewer <= judge(Identity("CH", claims[: count + 1], False), RULE).until_ns
