"""Goal: one time per (account, rule) decides, strictly before it. Method: edges by hand. Rules ELIG-002, ELIG-005."""

import pytest

from clearing.whitelist import Whitelist
from domain.ensure import InvariantViolation


def test_eligible_strictly_before_the_end_and_never_without_an_entry() -> None:
    whitelist = Whitelist(20, 4)
    whitelist.set_until(16, 1, 100)
    assert [whitelist.eligible(16, 1, t) for t in (0, 99, 100, 101)] == [True, True, False, False]
    assert not whitelist.eligible(17, 1, 0)
    assert not whitelist.eligible(16, 2, 0)


def test_rule_zero_asks_for_nothing() -> None:
    assert Whitelist(20, 4).eligible(19, 0, 2**62)


def test_lapsed_pairs_are_named_once_and_the_others_stay() -> None:
    whitelist = Whitelist(20, 4)
    for account, rule, until_ns in ((16, 1, 100), (16, 2, 200), (17, 1, 100), (18, 3, 50)):
        whitelist.set_until(account, rule, until_ns)
    assert whitelist.lapse(49) == []
    assert whitelist.lapse(100) == [(16, 1), (17, 1), (18, 3)]
    assert whitelist.lapse(100) == []
    assert whitelist.eligible(16, 2, 199)
    assert whitelist.lapse(2**62) == [(16, 2)]


def test_an_entry_outside_the_slab_is_a_broken_law() -> None:
    whitelist = Whitelist(20, 4)
    for account, rule in ((20, 1), (16, 4), (16, 0)):
        with pytest.raises(InvariantViolation, match="exists"):
            whitelist.set_until(account, rule, 5)
    with pytest.raises(InvariantViolation, match="exists"):
        whitelist.eligible(20, 1, 5)
