"""Goal: who may trade is decided at the sequence, named by rule, and ends when the claim ends.

Method: identities and claims through the state machine. Rules ELIG-001..006.
"""

from domain import commands
from domain.commands import AdvanceTime, Claim, SetIdentity, SetRule, cold
from domain.constants import BUY, ORDER_CANCELLED, REASON_ELIGIBILITY, SELL
from domain.events import CommandApplied, EligibilityChanged, OrderState
from domain.rejects import RejectCode
from exchange.state_machine import StateMachine
from tests.support.venue import BTC, NS, TOKEN, Venue, basic_venue, btc_spot, fund, open_accounts, token_spot


def venue_with(claims: tuple[Claim, ...] | None, country: str = "CH") -> tuple[Venue, int]:
    """Tokens need the claim "kyc" and exclude KP; bitcoin is open to everybody."""
    venue = basic_venue((token_spot(0, rule_id=1), 1_000), (btc_spot(1), 4_000_000))
    (account,) = open_accounts(venue, "client", country=country, claims=claims)
    fund(venue, account, BTC=BTC, TH1A=100 * TOKEN)
    return venue, account


def sell(venue: Venue, account: int, instrument: int = 0) -> CommandApplied:
    """Offer one lot at a price nobody pays."""
    return venue.order(account=account, instrument=instrument, side=SELL, price_ticks=900_000, quantity_lots=1)


def test_an_account_that_is_not_whitelisted_is_refused_by_the_rule_s_id_and_may_trade_the_rest() -> None:
    for claims, country in (((), "CH"), ((Claim("kyc", 1),), "CH"), ((Claim("aml", 2**62),), "CH"), (None, "KP")):
        venue, account = venue_with(claims, country)
        answer = sell(venue, account)
        assert (answer.code, answer.detail, answer.events) == (RejectCode.NOT_ELIGIBLE, 1, 0)
        assert sell(venue, account, 1).code == 0


def test_an_account_without_identity_is_refused() -> None:
    venue, _ = venue_with(None)
    venue.tell(commands.OpenAccount("unknown"))
    assert sell(venue, 17).code == RejectCode.NOT_ELIGIBLE


def test_a_claim_that_ends_takes_its_orders_with_it_in_the_command_that_moves_time() -> None:
    venue, account = venue_with(None)
    end_ns = venue.time_ns + 10 * NS
    venue.tell(SetIdentity(account, "CH", (Claim("kyc", end_ns),)))
    token, bitcoin = sell(venue, account).sequence, sell(venue, account, 1).sequence

    venue.time_ns = end_ns - 2
    venue.do(commands.cancel_order(account=account, order_id=1), after_ns=1)
    assert venue.of(OrderState) == [], "the claim counts strictly before its end"
    venue.do(commands.cancel_order(account=account, order_id=1), after_ns=1)

    lapse, command = venue.of(CommandApplied)
    assert lapse.sequence == command.sequence
    assert (lapse.code, command.code) == (0, RejectCode.UNKNOWN_ORDER)
    assert [(o.order_id, o.state, o.reason) for o in venue.of(OrderState)] == [
        (token, ORDER_CANCELLED, REASON_ELIGIBILITY)
    ]
    assert [o.order_id for o in venue.resting(account)] == [bitcoin]
    assert venue.of(EligibilityChanged)[0].reasons == {1: "claim_expired:kyc"}
    assert sell(venue, account).code == RejectCode.NOT_ELIGIBLE
    venue.machine.check_invariants()


def test_an_order_that_arrives_with_the_end_of_its_claim_is_refused() -> None:
    venue, account = venue_with(None)
    venue.tell(SetIdentity(account, "CH", (Claim("kyc", venue.time_ns + 5_000),)), after_ns=0)
    order = commands.new_order(account=account, instrument=0, side=SELL, price_ticks=5, quantity_lots=1)
    venue.do(order, after_ns=5_000)
    assert venue.of(CommandApplied)[-1].code == RejectCode.NOT_ELIGIBLE


def test_a_renewed_claim_says_nothing_when_the_old_end_passes_and_a_loaded_core_says_the_same() -> None:
    venue, account = venue_with(None)
    old_end_ns = venue.time_ns + 10 * NS
    venue.tell(SetIdentity(account, "CH", (Claim("kyc", old_end_ns),)))
    venue.tell(SetIdentity(account, "CH", (Claim("kyc", old_end_ns + 10 * NS),)))
    order_id = sell(venue, account).sequence
    live, loaded = venue.machine, StateMachine.load_state(venue.machine.dump_state())
    venue.time_ns = old_end_ns
    answers = []
    for machine in (live, loaded):
        venue.machine, venue.time_ns = machine, old_end_ns
        answers.append(venue.do(cold(AdvanceTime())))
    assert answers[0] == answers[1]
    assert [type(event) for event in answers[0]] == [CommandApplied]
    assert [o.order_id for o in venue.resting(account)] == [order_id]


def test_freezing_an_identity_or_tightening_a_rule_takes_the_orders_at_once() -> None:
    venue, account = venue_with(None)
    sell(venue, account)
    venue.tell(SetRule(1, "hashrate_investor", ("kyc", "professional")))
    assert venue.resting(account) == []
    venue.tell(SetRule(1, "hashrate_investor", ("kyc",)))
    assert sell(venue, account).code == 0
    venue.tell(SetIdentity(account, "CH", (Claim("kyc", 2**62),), frozen=True))
    assert venue.resting(account) == []
    assert venue.order(account=account, instrument=0, side=BUY, price_ticks=5, quantity_lots=1).detail == 1


def test_an_amend_after_losing_eligibility_cannot_happen_because_the_order_is_gone() -> None:
    venue, account = venue_with(None)
    order_id = sell(venue, account).sequence
    venue.tell(SetIdentity(account, "KP", (Claim("kyc", 2**62),)))
    answer = venue.answer(commands.amend_order(account=account, order_id=order_id, price_ticks=5, total_lots=1))
    assert (answer.code, answer.detail) == (RejectCode.ORDER_ALREADY_CLOSED, REASON_ELIGIBILITY)
