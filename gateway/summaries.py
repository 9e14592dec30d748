"""Balances and positions as the dialect shows them.

Lives here: one template per asset and per position, from the core's answers.
Does not know: who asked.
"""

from typing import Any, Final

from domain.instruments import PRICE_SCALE, format_scaled
from domain.reads import BalanceView, PositionView
from gateway.codec import encode
from gateway.image import Image
from gateway.instrument_view import AVERAGE_EXTRA, raw

ZERO_GREEKS: Final = {"gamma": 0, "theta": 0, "vega": 0}


def balance_summary(image: Image, balance: BalanceView) -> dict[str, Any]:
    """One currency of an account. `balance` is settled money, `equity` adds what the next margin cycle will pay or
    take; money in open spot orders is part of both and is missing from `available_funds` only."""
    scale = image.scales[balance.asset]

    def money(amount: int) -> Any:
        return raw(format_scaled(amount, scale))

    return {
        "currency": balance.asset,
        "balance": money(balance.posted),
        "equity": money(balance.posted + balance.unsettled),
        "available_funds": money(balance.available),
        "available_withdrawal_funds": money(max(0, min(balance.available, balance.posted - balance.held))),
        "margin_balance": money(balance.equity),
        "initial_margin": money(balance.initial_margin),
        "maintenance_margin": money(balance.maintenance_margin),
        "projected_initial_margin": money(balance.initial_margin),
        "projected_maintenance_margin": money(balance.maintenance_margin),
        "spot_reserve": money(balance.held),
        "additional_reserve": 0,
        "fee_balance": 0,
        "session_upl": money(balance.unsettled),
        "session_rpl": 0,
        "futures_session_upl": money(balance.unsettled),
        "futures_session_rpl": 0,
        "futures_pl": money(balance.unsettled),
        "total_pl": money(balance.unsettled),
        "options_value": 0,
        "options_pl": 0,
        "options_session_upl": 0,
        "options_session_rpl": 0,
        "options_delta": 0,
        "options_gamma": 0,
        "options_theta": 0,
        "options_vega": 0,
        "delta_total": 0,
        "projected_delta_total": 0,
        "delta_total_map": {},
        "portfolio_margining_enabled": False,
        "cross_collateral_enabled": False,
        "margin_model": "segregated_sm",
        "x_pending": money(balance.pending),
    }


def balance_summaries(image: Image, balances: tuple[BalanceView, ...]) -> list[tuple[str, bytes]]:
    """(currency, JSON) per asset."""
    return [(balance.asset, encode(balance_summary(image, balance))) for balance in balances]


def position_dict(image: Image, position: PositionView) -> dict[str, Any]:
    """One position. `size` is signed, in PH/s-days like every amount; money is in the settlement currency."""
    view = image.views[position.instrument]
    terms = view.instrument
    scale = image.quote_scales[position.instrument]
    size = raw(view.amount(position.lots))
    direction = "buy" if position.lots > 0 else "sell" if position.lots < 0 else "zero"

    def money(amount: int) -> Any:
        return raw(format_scaled(amount, scale))

    average = format_scaled(position.average_price_ticks_e6 * terms.tick_price, PRICE_SCALE * AVERAGE_EXTRA)
    mark = raw(view.price(position.mark_ticks))
    return {
        "instrument_name": view.name,
        "kind": view.kind,
        "direction": direction,
        "size": size,
        "size_currency": size,
        "average_price": raw(average),
        "mark_price": mark,
        "index_price": raw(view.price(image.marks[position.instrument][1])),
        "settlement_price": mark,
        "initial_margin": money(position.initial_margin),
        "maintenance_margin": money(position.maintenance_margin),
        "open_orders_margin": 0,
        "floating_profit_loss": money(position.unsettled),
        "realized_profit_loss": money(position.realized),
        "total_profit_loss": money(position.unsettled + position.realized),
        "realized_funding": 0,
        "interest_value": 0,
        "delta": size,
        **ZERO_GREEKS,
        "leverage": 1,
        "estimated_liquidation_price": None,
        "x_lots": position.lots,
        "x_open_buy_lots": position.buy_lots,
        "x_open_sell_lots": position.sell_lots,
    }


def position_texts(image: Image, positions: tuple[PositionView, ...]) -> dict[int, bytes]:
    """JSON per instrument."""
    return {position.instrument: encode(position_dict(image, position)) for position in positions}
