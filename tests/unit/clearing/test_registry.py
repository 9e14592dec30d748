"""Goal: the slab always says what the pure rule says of the newest identity and rule. Method: changes in every order.

Rules ELIG-001..006.
"""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearing.registry import Registry
from domain.commands import Claim, SetIdentity, SetRule

NOW = 1_000
KYC = SetRule(1, "hashrate_investor", ("kyc",), ("KP",))
PRO = SetRule(2, "professional", ("kyc", "professional"))
ANN = SetIdentity(16, "CH", (Claim("kyc", 5_000), Claim("professional", 3_000)))
BEN = SetIdentity(17, "KP", (Claim("kyc", 5_000),))


def told(*commands: SetRule | SetIdentity) -> Registry:
    registry = Registry(20, 4)
    for command in commands:
        if isinstance(command, SetRule):
            assert registry.set_rule(command, NOW)
        else:
            registry.set_identity(command, NOW)
    registry.check_invariants()
    return registry


@pytest.mark.parametrize("order", list(permutations((KYC, PRO, ANN, BEN))), ids=lambda _: "")
def test_rules_and_identities_may_come_in_any_order(order: tuple[SetRule | SetIdentity, ...]) -> None:
    registry = told(*order)
    found = {(a, r): [registry.whitelist.eligible(a, r, t) for t in (NOW, 2_999, 3_000, 4_999, 5_000)]
             for a in (16, 17) for r in (1, 2)}  # fmt: skip
    assert found == {
        (16, 1): [True] * 4 + [False], (16, 2): [True, True, False, False, False], (17, 1): [False] * 5,
        (17, 2): [False] * 5,
    }  # fmt: skip


def test_a_claim_that_ended_before_it_was_told_gives_nothing() -> None:
    registry = told(KYC, SetIdentity(16, "CH", (Claim("kyc", NOW),)))
    assert not registry.whitelist.eligible(16, 1, 0)
    assert registry.verdict(16, 1).reason == "claim_expired:kyc"


@pytest.mark.parametrize("rule_id", [0, -1, 4, 2**40])
def test_a_rule_id_out_of_range_is_refused(rule_id: int) -> None:
    assert not Registry(20, 4).set_rule(SetRule(rule_id, "x"), NOW)


def test_nobody_and_rule_zero() -> None:
    registry = told(KYC)
    assert registry.verdict(19, 1).reason == "not_registered"
    assert registry.verdict(19, 0).until_ns == 2**63 - 1


@given(st.permutations([KYC, PRO, ANN, BEN]), st.integers(0, 6_000))
def test_a_loaded_registry_says_the_same(order: list[SetRule | SetIdentity], later: int) -> None:
    registry = told(*order)
    copy = Registry(20, 4)
    copy.load(registry.dump(), NOW)
    assert copy.dump() == registry.dump()
    for account in (16, 17, 18):
        for rule_id in (0, 1, 2):
            assert copy.whitelist.eligible(account, rule_id, NOW + later) == registry.whitelist.eligible(
                account, rule_id, NOW + later
            )
    assert copy.whitelist.lapse(NOW + later) == registry.whitelist.lapse(NOW + later)
