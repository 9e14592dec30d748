"""What an order says, read into the fields of a NewOrder record.

Lives here: which parameters go together, and their exact reading: prices to ticks, amounts to lots.
Does not know: the book, replies, money. Every refusal here is repeated by the core.
"""

from decimal import Decimal
from typing import Any

from domain.constants import (
    BUY,
    FOK,
    GFA,
    GTC,
    GTD,
    IOC,
    LIMIT,
    MARKET,
    MARKET_TO_LIMIT,
    POST_ONLY_NO,
    POST_ONLY_REJECT,
    POST_ONLY_SLIDE,
    TRIGGER_DOWN,
    TRIGGER_UP,
)
from domain.instruments import KIND_SPOT
from domain.units import NS_PER_MS, parse_scaled
from gateway.errors import Refusal, bad_field, bad_param
from gateway.instrument_view import InstrumentView, raw
from gateway.order_terms import (
    BUDGET_DIGITS,
    CLIENT_ID_BYTES_MAX,
    LABEL_BYTES_MAX,
    LIFETIMES,
    MMP_GROUP_OF_FLAG,
    PEGS,
    REFERENCES,
    TIME_MS_MAX,
    TRAIL_BPS_MAX,
    OrderTerms,
)

Fields = dict[str, Any]  # keyword arguments of domain.commands.new_order


def read_terms(view: InstrumentView, terms: OrderTerms, side: int, best_opposite: int) -> Fields | Refusal:
    """The fields of the record, without account and session. `best_opposite` (ticks, 0 = none) sizes a budget."""
    fields: Fields = {"instrument": view.instrument_id, "side": side}
    refusal = (
        _kind(terms, fields)
        or _lifetime(terms, fields)
        or _price(view, terms, fields)
        or _quantity(view, terms, fields, best_opposite)
        or _flags(view, terms, fields)
        or _display(view, terms, fields)
        or _trigger(view, terms, fields)
        or _peg(view, terms, fields)
        or _names(terms, fields)
    )
    return refusal or fields


def _kind(terms: OrderTerms, fields: Fields) -> Refusal | None:
    fields["order_type"] = MARKET if terms.is_market else MARKET_TO_LIMIT if terms.type == "market_limit" else LIMIT
    return None


def _lifetime(terms: OrderTerms, fields: Fields) -> Refusal | None:
    lifetime = LIFETIMES[terms.time_in_force]
    if terms.x_expire_timestamp:
        if not 0 < terms.x_expire_timestamp <= TIME_MS_MAX:
            return bad_param("x_expire_timestamp", "out of range")
        if lifetime != GTC or terms.x_good_for_auction:
            return bad_param("x_expire_timestamp", "only with good_til_cancelled")
        lifetime = GTD
        fields["expire_ns"] = terms.x_expire_timestamp * NS_PER_MS
    if terms.x_good_for_auction:
        if lifetime != GTC or terms.type not in ("limit", "market"):
            return bad_param("x_good_for_auction", "only for plain limit and market orders that are good_til_cancelled")
        lifetime = GFA
    if not 0 <= terms.valid_until <= TIME_MS_MAX:
        return bad_param("valid_until", "out of range")
    fields["time_in_force"] = lifetime
    fields["valid_until_ns"] = terms.valid_until * NS_PER_MS
    return None


def _price(view: InstrumentView, terms: OrderTerms, fields: Fields) -> Refusal | None:
    if terms.is_market or terms.type == "market_limit":
        if terms.price is not None:
            return bad_param("price", f"a {terms.type} order has no price")
        fields["price_ticks"] = 0
        return None
    price = terms.price
    if terms.x_peg is not None:
        if price is not None:
            return bad_param("price", "a pegged order has x_peg.limit instead")
        price = terms.x_peg.limit
    if price is None:
        return bad_param("price", "required")
    ticks = view.price_ticks(price)
    if isinstance(ticks, Refusal):
        return ticks
    fields["price_ticks"] = ticks
    return None


def given_amount(amount: Decimal | None, contracts: Decimal | None) -> Decimal | Refusal | None:
    """The quantity by either of its names; the contract size is 1, so both names mean the same number."""
    if amount is None:
        return contracts
    if contracts is not None and contracts != amount:
        return bad_param("contracts", "differs from amount")
    return amount


def _quantity(view: InstrumentView, terms: OrderTerms, fields: Fields, best_opposite: int) -> Refusal | None:
    amount = given_amount(terms.amount, terms.contracts)
    if isinstance(amount, Refusal):
        return amount
    budget = 0
    if terms.x_budget is not None:
        if terms.type != "market" and terms.time_in_force != "fill_or_kill":
            return bad_param("x_budget", "only for market and fill_or_kill orders")
        read = budget_ticks(view, terms.x_budget)
        if isinstance(read, Refusal):
            return read
        budget = fields["budget"] = read
    if amount is None and budget:
        return _budget_lots(view, fields, budget, fields["price_ticks"] or best_opposite)
    if amount is None:
        return bad_param("amount", "required")
    lots = view.lots(amount)
    if isinstance(lots, Refusal):
        return lots
    fields["quantity_lots"] = lots
    return None


def budget_ticks(view: InstrumentView, value: Decimal) -> int | Refusal:
    """An amount of the quote currency as price x lots, rounded down: never more than was given."""
    try:
        scaled = parse_scaled(str(value), BUDGET_DIGITS)
    except ValueError as error:
        return bad_param("x_budget", str(error))
    budget = scaled // (view.instrument.tick_price * view.instrument.lot_amount)
    if budget <= 0:
        return bad_param("x_budget", "must be worth at least a tick of one lot")
    if budget >= 2**63:
        return bad_param("x_budget", "too large")
    return budget


def _budget_lots(view: InstrumentView, fields: Fields, budget: int, price_ticks: int) -> Refusal | None:
    """Without an amount: what the budget pays for at that price; one step where there is no price to go by."""
    rules = view.instrument.rules
    lots = min(budget // price_ticks, rules.lots_max) if price_ticks > 0 else rules.lot_step
    lots -= lots % rules.lot_step
    if lots <= 0:
        least = raw(view.notional(price_ticks * rules.lot_step))
        return bad_field(10002, "x_budget", "does not pay for the smallest amount", min_budget=least)
    fields["quantity_lots"] = lots
    return None


def _flags(view: InstrumentView, terms: OrderTerms, fields: Fields) -> Refusal | None:
    post_only = POST_ONLY_NO
    if terms.post_only:
        if terms.type not in ("limit", "stop_limit", "take_limit"):
            return bad_param("post_only", f"a {terms.type} order cannot be post_only")
        if fields["time_in_force"] in (IOC, FOK):
            return bad_param("post_only", "not with immediate_or_cancel or fill_or_kill")
        post_only = POST_ONLY_REJECT if terms.reject_post_only else POST_ONLY_SLIDE
    if terms.reduce_only and view.instrument.kind == KIND_SPOT:
        return bad_field(11029, "reduce_only", "a spot instrument has no position to reduce")
    fields["post_only"] = post_only
    fields["reduce_only"] = terms.reduce_only
    fields["mmp"] = MMP_GROUP_OF_FLAG if terms.mmp else 0
    return None


def _display(view: InstrumentView, terms: OrderTerms, fields: Fields) -> Refusal | None:
    """max_show (older name) or display_amount: as much as the order, or more, is an order without a reserve."""
    name = "max_show" if terms.display_amount is None else "display_amount"
    shown = terms.max_show if terms.display_amount is None else terms.display_amount
    if shown is None:
        return None
    if terms.max_show is not None and terms.display_amount is not None and terms.max_show != terms.display_amount:
        return bad_param("display_amount", "differs from max_show")
    if shown == 0:
        return bad_field(10024, name, "orders that show nothing are not offered")
    lots = view.lots(shown)
    if isinstance(lots, Refusal):
        return bad_field(10024, name, str(lots.data["reason"]), **{k: v for k, v in lots.data.items() if "amount" in k})
    if lots >= fields["quantity_lots"]:
        return None
    if fields["order_type"] != LIMIT or fields["time_in_force"] in (IOC, FOK):
        return bad_field(10024, name, "only a limit order that may rest has a reserve")
    fields["display_lots"] = lots
    return None


def _trigger(view: InstrumentView, terms: OrderTerms, fields: Fields) -> Refusal | None:
    if not terms.waits:
        if terms.trigger is None and terms.trigger_price is None and terms.trigger_offset is None:
            return bad_param("x_trigger_offset_bps", "only for trailing_stop") if terms.x_trigger_offset_bps else None
        given = [name for name in ("trigger", "trigger_price", "trigger_offset") if getattr(terms, name) is not None]
        return bad_param(given[0], f"a {terms.type} order has no trigger")
    if terms.trigger is None:
        return bad_param("trigger", "required: last_price, mark_price or index_price")
    if terms.x_peg is not None:
        return bad_param("x_peg", "a peg does not wait for a trigger")
    fields["reference"] = REFERENCES[terms.trigger]
    rises = fields["side"] == BUY
    if terms.type == "trailing_stop":
        refusal = _trail(view, terms, fields)
        if refusal is not None or terms.trigger_price is None:
            return refusal
        rises = not rises  # a sell becomes active when the price has risen to its trigger price
    else:
        for name in ("trigger_offset", "x_trigger_offset_bps"):
            if getattr(terms, name):
                return bad_param(name, "only for trailing_stop")
        rises = rises if terms.type.startswith("stop") else not rises
    if terms.trigger_price is None:
        return bad_param("trigger_price", "required")
    ticks = trigger_ticks(view, terms.trigger_price)
    if isinstance(ticks, Refusal):
        return ticks
    fields["trigger"] = TRIGGER_UP if rises else TRIGGER_DOWN
    fields["trigger_ticks"] = ticks
    return None


def trigger_ticks(view: InstrumentView, value: Decimal) -> int | Refusal:
    """A trigger price: whole ticks inside the band; the step of limits does not bind it."""
    ticks = view.distance_ticks(value, "trigger_price", 10044)
    if isinstance(ticks, Refusal):
        return ticks
    if ticks < view.low_ticks:
        least = raw(view.price(view.low_ticks))
        return bad_field(10035, "trigger_price", "below the band", min_price=least)
    if ticks > view.high_ticks:
        most = raw(view.price(view.high_ticks))
        return bad_field(10034, "trigger_price", "above the band", max_price=most)
    return ticks


def _trail(view: InstrumentView, terms: OrderTerms, fields: Fields) -> Refusal | None:
    """The distance that the trigger keeps from the extreme: in price units, or in basis points of it."""
    if (terms.trigger_offset is None) == (terms.x_trigger_offset_bps == 0):
        return bad_param("trigger_offset", "required: this or x_trigger_offset_bps")
    if terms.trigger_offset is None:
        if not 0 < terms.x_trigger_offset_bps <= TRAIL_BPS_MAX:
            return bad_param("x_trigger_offset_bps", f"1 to {TRAIL_BPS_MAX}")
        fields["trail_bps"] = terms.x_trigger_offset_bps
        return None
    ticks = view.distance_ticks(terms.trigger_offset, "trigger_offset", 10044)
    if isinstance(ticks, Refusal):
        return ticks
    if not 0 < ticks <= view.instrument.rules.band_high_ticks:
        return bad_field(11036, "trigger_offset", "must be positive and within the band")
    fields["trail_ticks"] = ticks
    return None


def _peg(view: InstrumentView, terms: OrderTerms, fields: Fields) -> Refusal | None:
    peg = terms.x_peg
    if peg is None:
        return None
    plain = terms.type == "limit" and fields["time_in_force"] == GTC
    if not plain or terms.post_only or "display_lots" in fields or "budget" in fields:
        return bad_param("x_peg", "only for a plain limit order that is good_til_cancelled")
    offset = view.distance_ticks(peg.offset, "x_peg", 10043)
    if isinstance(offset, Refusal):
        return offset
    if abs(offset) > view.instrument.rules.band_high_ticks:
        return bad_param("x_peg", "offset out of range")
    fields["peg"] = PEGS[peg.reference]
    fields["peg_offset"] = offset
    return None


def _names(terms: OrderTerms, fields: Fields) -> Refusal | None:
    if terms.label:
        label = name_bytes("label", terms.label, LABEL_BYTES_MAX)
        if isinstance(label, Refusal):
            return label
        fields["label"] = label
    if terms.x_client_order_id:
        client_id = name_bytes("x_client_order_id", terms.x_client_order_id, CLIENT_ID_BYTES_MAX)
        if isinstance(client_id, Refusal):
            return client_id
        fields["client_id"] = client_id
    return None


def name_bytes(param: str, text: str, most: int) -> bytes | Refusal:
    """A name that its owner gives: printable, bounded."""
    if not text:
        return b""
    value = text.encode()
    if len(value) > most:
        return bad_param(param, f"at most {most} bytes")
    return value if text.isprintable() else bad_param(param, "printable characters only")
