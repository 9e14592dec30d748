"""An instrument as the dialect shows it, with what the hot path needs precomputed.

Lives here: prices, amounts and money between the wire's decimals and the book's integers; the instrument's dictionary.
Does not know: the book, orders, sessions. Every number is formatted from integers; nothing passes through a float.
"""

from decimal import Decimal
from typing import Any, Final

import msgspec

from domain.constants import (
    PHASE_CLOSED,
    PHASE_CONTINUOUS,
    PHASE_EXPIRED,
    PHASE_HALT,
    PHASE_OPENING,
    PHASE_PRE_OPEN,
    PHASE_VOLATILITY,
)
from domain.instruments import (
    AMOUNT_SCALE,
    KIND_COMBO,
    KIND_FORWARD,
    KIND_SPOT,
    PRICE_SCALE,
    Instrument,
    amount_text,
    expiry_ms,
    format_scaled,
    price_text,
)
from domain.units import NS_PER_MS, NotExact, parse_scaled
from gateway.errors import Refusal, bad_field

AMOUNT_DIGITS: Final = 8  # of AMOUNT_SCALE
PRICE_DIGITS: Final = 8  # of PRICE_SCALE
PPM_SCALE: Final = 10**6
AVERAGE_EXTRA: Final = 10**6  # average prices are shown to 1e-6 ticks
_CACHE_MAX: Final = 16_384

KIND_NAMES: Final[dict[int, str]] = {KIND_SPOT: "spot", KIND_FORWARD: "future", KIND_COMBO: "future_combo"}
STATES: Final = {PHASE_HALT: "halted", PHASE_CLOSED: "inactive", PHASE_EXPIRED: "archivized"}
PHASE_WORDS: Final = {
    PHASE_CONTINUOUS: "continuous",
    PHASE_PRE_OPEN: "pre_open",
    PHASE_OPENING: "opening_auction",
    PHASE_VOLATILITY: "volatility_auction",
    PHASE_HALT: "halt",
    PHASE_CLOSED: "closed",
    PHASE_EXPIRED: "expired",
}
DIRECTIONS: Final = ("buy", "sell")


def raw(text: str) -> msgspec.Raw:
    """Text that already is JSON, for use inside a dictionary."""
    return msgspec.Raw(text.encode())


def rounded_ratio(numerator: int, denominator: int) -> int:
    """numerator / denominator, half to even; denominator > 0."""
    quotient, remainder = divmod(numerator, denominator)
    doubled = 2 * remainder
    if doubled > denominator or (doubled == denominator and quotient & 1):
        quotient += 1
    return quotient


class InstrumentView:
    """One instrument with caches of the texts that repeat. Mutable only in `is_open` and `phase`."""

    def __init__(self, instrument: Instrument, *, is_open: bool = True) -> None:
        self.instrument = instrument
        self.instrument_id = instrument.instrument_id
        self.name = instrument.name
        self.kind = KIND_NAMES.get(instrument.kind, "option")
        self.is_open = is_open
        self.phase = PHASE_CONTINUOUS
        self.currencies = frozenset((instrument.base, instrument.quote))
        self.price_index = instrument.price_index or f"{instrument.base}_{instrument.quote}".lower()
        rules = instrument.rules
        # A combo's rules speak of prices as its book keeps them: higher by a bias, so that negative ones fit.
        self.low_ticks = rules.band_low_ticks - rules.price_bias_ticks
        self.high_ticks = rules.band_high_ticks - rules.price_bias_ticks
        self.order_prefix = f"{instrument.instrument_id}-"
        self._shown: dict[tuple[bool, int], bytes] = {}  # open and phase -> what to_json says then
        self._prices: dict[int, str] = {}
        self._amounts: dict[int, str] = {}

    # -- integers to text -------------------------------------------------------------------------------------

    def price(self, price_ticks: int) -> str:
        """A price as JSON number text."""
        text = self._prices.get(price_ticks)
        if text is None:
            if len(self._prices) >= _CACHE_MAX:
                self._prices.clear()
            text = self._prices[price_ticks] = price_text(self.instrument, price_ticks)
        return text

    def amount(self, quantity_lots: int) -> str:
        """A quantity as JSON number text, in base units."""
        text = self._amounts.get(quantity_lots)
        if text is None:
            if len(self._amounts) >= _CACHE_MAX:
                self._amounts.clear()
            text = self._amounts[quantity_lots] = amount_text(self.instrument, quantity_lots)
        return text

    def average_price(self, notional_ticks: int, lots: int) -> str:
        """notional / lots as a price, to a millionth of a tick, half to even; 0 without lots."""
        if lots == 0:
            return "0"
        if notional_ticks % lots == 0:
            return self.price(notional_ticks // lots)
        micro_ticks = rounded_ratio(notional_ticks * AVERAGE_EXTRA, lots)
        return format_scaled(micro_ticks * self.instrument.tick_price, PRICE_SCALE * AVERAGE_EXTRA)

    def notional(self, notional_ticks: int) -> str:
        """Sum of price x lots as an amount of the quote."""
        value = notional_ticks * self.instrument.tick_price * self.instrument.lot_amount
        return format_scaled(value, PRICE_SCALE * AMOUNT_SCALE)

    def order_id(self, order_id: int) -> str:
        """An order id as clients see it: it names its instrument, so that an edit needs no lookup."""
        return f"{self.order_prefix}{order_id}"

    # -- text to integers -------------------------------------------------------------------------------------

    def price_ticks(self, value: Decimal) -> int | Refusal:
        """Read a price. Refuses what is off tick, naming the tick and the nearest prices."""
        try:
            scaled = parse_scaled(str(value), PRICE_DIGITS)
        except NotExact:
            return self._off_tick(value)
        except ValueError as error:
            return bad_field(10023, "price", str(error))
        if scaled % self.instrument.tick_price:
            return self._off_tick(value)
        ticks = scaled // self.instrument.tick_price
        step = self.step_at(ticks)
        if (ticks + self.instrument.rules.price_bias_ticks) % step:
            return self._off_tick(value, step)
        if ticks < self.low_ticks:
            return bad_field(10005, "price", "below the band", min_price=raw(self.price(self.low_ticks)))
        if ticks > self.high_ticks:
            return bad_field(10007, "price", "above the band", max_price=raw(self.price(self.high_ticks)))
        return ticks

    def distance_ticks(self, value: Decimal, param: str, code: int) -> int | Refusal:
        """Read a price or a difference of prices to whole ticks, signed, whatever the step and the band are."""
        tick = self.instrument.tick_price
        try:
            scaled = parse_scaled(str(value), PRICE_DIGITS)
        except NotExact:
            scaled = None
        except ValueError as error:
            return bad_field(code, param, str(error))
        if scaled is None or scaled % tick:
            return bad_field(code, param, "not a whole number of ticks", tick_size=raw(self.price(1)))
        return scaled // tick

    def step_at(self, price_ticks: int) -> int:
        """The price step that holds at this price: the tick table's last row at or below it (MATCH-037)."""
        rules = self.instrument.rules
        step = rules.price_step_ticks
        for from_ticks, row_step in rules.tick_table:
            if price_ticks + rules.price_bias_ticks >= from_ticks:
                step = row_step
        return step

    def _off_tick(self, value: Decimal, step: int = 0) -> Refusal:
        step = step or self.instrument.rules.price_step_ticks
        return bad_field(
            10043, "price", "price is not on a tick", tick_size=raw(self.price(step)), price=str(value)[:40]
        )

    def lots(self, value: Decimal) -> int | Refusal:
        """Read an amount. Refuses what is not a whole number of lots, naming the lot and the nearest amounts."""
        try:
            scaled = parse_scaled(str(value), AMOUNT_DIGITS)
        except NotExact:
            scaled = None
        except ValueError as error:
            return bad_field(10021, "amount", str(error))
        rules = self.instrument.rules
        lot = self.instrument.lot_amount * rules.lot_step
        if scaled is None or scaled % lot:
            return self._off_lot(value, rules.lot_step)
        lots = scaled // self.instrument.lot_amount
        if lots <= 0:
            return bad_field(
                10002, "amount", "amount must be positive", min_trade_amount=raw(self.amount(rules.lot_step))
            )
        if lots > rules.lots_max:
            return bad_field(10021, "amount", "amount too large", max_amount=raw(self.amount(rules.lots_max)))
        return lots

    def _off_lot(self, value: Decimal, lot_step: int) -> Refusal:
        """The refusal that teaches the step: forwards are sized in PH/s-days, so a round number is rarely a lot."""
        step = Decimal(self.amount(lot_step))
        below = int(value // step)
        nearest = [raw(self.amount(count * lot_step)) for count in (below, below + 1) if count > 0]
        reason = f"amount must be a multiple of {step}"
        return bad_field(10021, "amount", reason, min_trade_amount=raw(self.amount(lot_step)), nearest_amounts=nearest)

    # -- the instrument's dictionary --------------------------------------------------------------------------

    def to_json(self) -> msgspec.Raw:
        """`to_dict` as JSON; made once per state, because everybody asks for all instruments."""
        text = self._shown.get((self.is_open, self.phase))
        if text is None:
            text = self._shown[self.is_open, self.phase] = msgspec.json.encode(self.to_dict())
        return msgspec.Raw(text)

    def to_dict(self) -> dict[str, Any]:
        """What public/get_instruments shows."""
        terms = self.instrument
        lot = raw(self.amount(terms.rules.lot_step))
        fields: dict[str, Any] = {
            "instrument_name": terms.name,
            "instrument_id": terms.instrument_id,
            "kind": self.kind,
            "base_currency": terms.base,
            "quote_currency": terms.quote,
            "counter_currency": terms.quote,
            "is_active": self.is_open,
            "state": self.state,
            "x_phase": PHASE_WORDS[self.phase],
            "tick_size": raw(self.price(terms.rules.price_step_ticks)),
            "tick_size_steps": [
                {
                    "above_price": raw(self.price(from_ticks - terms.rules.price_bias_ticks)),
                    "tick_size": raw(self.price(step)),
                }
                for from_ticks, step in terms.rules.tick_table
            ],
            "min_trade_amount": lot,
            "contract_size": 1,
            "x_lot": lot,
            "taker_commission": raw(format_scaled(terms.taker_fee_ppm, PPM_SCALE)),
            "maker_commission": raw(format_scaled(terms.maker_fee_ppm, PPM_SCALE)),
            "creation_timestamp": terms.created_ns // NS_PER_MS,
            "expiration_timestamp": expiry_ms(terms),
            "price_index": self.price_index,
            "x_min_price": raw(self.price(self.low_ticks)),
            "x_max_price": raw(self.price(self.high_ticks)),
            "x_rule_id": terms.rule_id,
            "block_trade_commission": 0,
            "block_trade_min_trade_amount": lot,
            "block_trade_tick_size": raw(self.price(1)),
        }
        if terms.kind == KIND_COMBO:
            fields |= {"instrument_type": "linear", "settlement_currency": terms.quote, "settlement_period": "month"}
        if terms.kind == KIND_FORWARD:
            day_ms = 86_400_000
            from_ms = terms.delivery_from_ns // NS_PER_MS
            fields |= {
                "instrument_type": "linear",
                "future_type": "linear",
                "settlement_currency": terms.quote,
                "settlement_period": "month",
                "max_leverage": 2,
                "max_liquidation_commission": 0,
                "x_settlement": {
                    "method": "mean",
                    "from": from_ms,
                    "to": from_ms + terms.delivery_days * day_ms,
                    "days": terms.delivery_days,
                    "index": terms.price_index,
                },
                "x_position_limit": raw(self.amount(terms.position_lots_max)),
            }
        return fields

    @property
    def state(self) -> str:
        """The dialect's instrument state."""
        return STATES.get(self.phase, "open") if self.is_open else "inactive"

    def money(self, amount: int, scale: int) -> str:
        """A fee or balance in ledger units as JSON number text."""
        return format_scaled(amount, scale)
