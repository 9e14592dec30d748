"""Account methods: balances, positions, dividends and eligibility of the caller's own account.

Lives here: parameters and reads from the core.
Does not know: other accounts: the account is always the principal's, never a parameter.
"""

from typing import Any

from domain.instruments import format_scaled
from domain.reads import (
    BalancesAnswer,
    DividendsAnswer,
    EligibilityAnswer,
    PositionsAnswer,
    ReadBalances,
    ReadDividends,
    ReadEligibility,
    ReadPositions,
)
from domain.units import NS_PER_MS
from gateway.codec import encode
from gateway.errors import UNKNOWN_INSTRUMENT, bad_param
from gateway.history_reader import TIME_NS_MAX
from gateway.instrument_view import raw
from gateway.methods_public import COUNT_MAX, Kind
from gateway.summaries import balance_summary, position_dict, position_texts
from gateway.table import ACCOUNT_READ, TRADE_READ, Call, Outcome, PrivateParams, method
from gateway.venue import Venue

FOREVER_MS = TIME_NS_MAX // NS_PER_MS


class CurrencyParams(PrivateParams, frozen=True, kw_only=True):
    currency: str
    extended: bool = False
    subaccount_id: int = 0


class SummariesParams(PrivateParams, frozen=True, kw_only=True):
    extended: bool = False
    subaccount_id: int = 0


class PositionsParams(PrivateParams, frozen=True, kw_only=True):
    currency: str = "any"
    kind: Kind = ""
    subaccount_id: int = 0


class PositionParams(PrivateParams, frozen=True, kw_only=True):
    instrument_name: str


class SubaccountsParams(PrivateParams, frozen=True, kw_only=True):
    with_portfolio: bool = False


class DividendsParams(PrivateParams, frozen=True, kw_only=True):
    currency: str = ""
    count: int = 100


# -- balances and positions -----------------------------------------------------------------------------------


@method("private/get_account_summary", CurrencyParams, scope=ACCOUNT_READ)
async def get_account_summary(venue: Venue, call: Call, params: CurrencyParams) -> Outcome:
    """Balance and margin of one currency."""
    answer = await venue.read(ReadBalances(call.principal.account), BalancesAnswer)
    for balance in answer.balances:
        if balance.asset == params.currency.upper():
            result = balance_summary(venue.image, balance) | _person(venue, call)
            result["limits"] = {"matching_engine": {}, "non_matching_engine": {}}
            result["fees"] = _fees(venue)
            return encode(result)
    return bad_param("currency", "unknown currency")


def _person(venue: Venue, call: Call) -> dict[str, Any]:
    account = call.principal.account
    name = venue.image.accounts.get(account, "")
    return {"id": account, "username": name, "system_name": name, "type": "main", "email": ""}


def _fees(venue: Venue) -> list[dict[str, Any]]:
    """Fees per instrument, which are the same for everybody."""
    return [
        {
            "instrument_name": view.name,
            "kind": view.kind,
            "instrument_type": "linear",
            "index_name": view.instrument.price_index,
            "value": {
                "default": {
                    "maker": raw(format_scaled(view.instrument.maker_fee_ppm, 10**6)),
                    "taker": raw(format_scaled(view.instrument.taker_fee_ppm, 10**6)),
                    "type": "relative",
                }
            },
        }
        for view in venue.image.views.values()
    ]


@method("private/get_account_summaries", SummariesParams, scope=ACCOUNT_READ)
async def get_account_summaries(venue: Venue, call: Call, params: SummariesParams) -> Outcome:
    """Balances and margin of every currency."""
    answer = await venue.read(ReadBalances(call.principal.account), BalancesAnswer)
    summaries = [balance_summary(venue.image, balance) for balance in answer.balances]
    return encode(_person(venue, call) | {"summaries": summaries})


@method("private/get_positions", PositionsParams, scope=TRADE_READ)
async def get_positions(venue: Venue, call: Call, params: PositionsParams) -> Outcome:
    """Positions in margined instruments, flat ones left out."""
    answer = await venue.read(ReadPositions(call.principal.account), PositionsAnswer)
    wanted = {view.instrument_id for view in venue.image.selected(params.currency, params.kind)}
    chosen = [position for position in answer.positions if position.instrument in wanted and position.lots]
    return encode([position_dict(venue.image, position) for position in chosen])


@method("private/get_position", PositionParams, scope=TRADE_READ)
async def get_position(venue: Venue, call: Call, params: PositionParams) -> Outcome:
    """One position; a flat one shows zeros."""
    view = venue.image.by_name.get(params.instrument_name)
    if view is None:
        return UNKNOWN_INSTRUMENT
    answer = await venue.read(ReadPositions(call.principal.account), PositionsAnswer)
    texts = position_texts(venue.image, answer.positions)
    if view.instrument_id in texts:
        return texts[view.instrument_id]
    return encode(
        {
            "instrument_name": view.name,
            "kind": view.kind,
            "direction": "zero",
            "size": 0,
            "average_price": 0,
            "mark_price": raw(view.price(venue.image.marks[view.instrument_id][0])),
            "index_price": raw(view.price(venue.image.marks[view.instrument_id][1])),
            "initial_margin": 0,
            "maintenance_margin": 0,
            "floating_profit_loss": 0,
            "realized_profit_loss": 0,
            "total_profit_loss": 0,
            "leverage": 1,
        }
    )


@method("private/get_subaccounts", SubaccountsParams, scope=ACCOUNT_READ)
def get_subaccounts(venue: Venue, call: Call, params: SubaccountsParams) -> Outcome:
    """The account itself: there are no others behind a key."""
    return encode([_person(venue, call) | {"login_enabled": True, "margin_model": "segregated_sm"}])


# -- our own ---------------------------------------------------------------------------------------------------


@method("private/x/get_dividends", DividendsParams, scope=ACCOUNT_READ)
async def get_dividends(venue: Venue, call: Call, params: DividendsParams) -> Outcome:
    """What the account's tokens earned, newest first."""
    if not 1 <= params.count <= COUNT_MAX:
        return bad_param("count", f"1 to {COUNT_MAX}")
    if params.currency and params.currency.upper() not in venue.image.scales:
        return bad_param("currency", "unknown currency")
    answer = await venue.read(ReadDividends(call.principal.account, params.count), DividendsAnswer)
    scales = venue.image.scales
    return encode(
        [
            {
                "token": row.token,
                "block_height": row.block_height,
                "block_hash": row.block_hash,
                "record_timestamp": row.record_time_ns // NS_PER_MS,
                "seen_timestamp": row.seen_time_ns // NS_PER_MS,
                "quantity": raw(format_scaled(row.quantity, scales[row.token])),
                "amount": raw(format_scaled(row.amount, scales[row.currency])),
                "currency": row.currency,
                "state": row.state,
            }
            for row in answer.dividends
            if not params.currency or params.currency.upper() in (row.currency, row.token)
        ]
    )


@method("private/x/get_eligibility", PrivateParams, scope=ACCOUNT_READ)
async def get_eligibility(venue: Venue, call: Call, params: PrivateParams) -> Outcome:
    """Which rules the account satisfies, until when, and which instruments ask for them."""
    answer = await venue.read(ReadEligibility(call.principal.account), EligibilityAnswer)
    return encode(
        {
            "account": answer.account,
            "name": answer.name,
            "country": answer.country,
            "timestamp": answer.time_ns // NS_PER_MS,
            "rules": [
                {
                    "rule": rule.rule,
                    "requires": list(rule.requires),
                    "eligible": rule.eligible,
                    "until_timestamp": min(rule.until_ns // NS_PER_MS, FOREVER_MS),
                    "reason": rule.reason,
                    "instruments": list(rule.instruments),
                }
                for rule in answer.rules
            ],
        }
    )
