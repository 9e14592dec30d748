"""Builders of the packed hot records: orders, amends, cancels.

Lives here: one function per record; a record is not yet stamped. Does not know: validity; the core decides.
Units: prices in ticks, quantities in lots, times in ns since 1970.
"""

from typing import Final

from domain import wire
from domain.arithmetic import INT64_MAX, INT64_MIN
from domain.constants import (
    ANY,
    ANY_ASSET,
    ANY_INSTRUMENT,
    COMMAND_AMEND_ORDER,
    COMMAND_CANCEL_ALL,
    COMMAND_CANCEL_GATEWAY,
    COMMAND_CANCEL_ORDER,
    COMMAND_CANCEL_SESSION,
    COMMAND_NEW_ORDER,
    GTC,
    LIMIT,
    POST_ONLY_NO,
    STP_CANCEL_NEWEST,
)

POST_ONLY_AS_IT_WAS: Final = 255


def new_order(
    *,
    account: int,
    instrument: int,
    side: int,
    price_ticks: int,
    quantity_lots: int,
    order_type: int = LIMIT,
    time_in_force: int = GTC,
    post_only: int = POST_ONLY_NO,
    reduce_only: bool = False,
    stp: int = STP_CANCEL_NEWEST,
    cancel_on_disconnect: bool = False,
    valid_until_ns: int = 0,
    label: bytes = b"",
    display_lots: int = 0,
    budget: int = 0,
    trigger: int = 0,
    trigger_ticks: int = 0,
    reference: int = 0,
    trail_ticks: int = 0,
    trail_bps: int = 0,
    peg: int = 0,
    peg_offset: int = 0,
    oco: int = 0,
    expire_ns: int = 0,
    mmp: int = 0,
    quote: bool = False,
    quote_set: int = 0,
    key: int = 0,
    client_id: bytes = b"",
    origin: int = 0,
    request: int = 0,
) -> bytes:
    """A NewOrder record, not yet stamped. `price_ticks` 0 for market orders; `label` at most 64 bytes, `client_id` 36.

    The terms from `display_lots` on take room only when one of them is given.
    """
    terms = b""
    if (display_lots or budget or trigger or trigger_ticks or reference or trail_ticks or trail_bps or peg or peg_offset
            or oco or expire_ns or mmp or quote or quote_set or key or client_id):  # fmt: skip
        terms = wire.ORDER_TERMS.pack(
            display_lots, budget, trigger_ticks, trail_ticks, expire_ns, oco, quote_set, peg_offset, trail_bps,
            trigger, reference, peg, mmp, quote, len(client_id), key,
        )  # fmt: skip
    length = wire.padded(wire.NEW_ORDER.size + len(terms) + len(label) + len(client_id))
    head = wire.NEW_ORDER.pack(
        length, COMMAND_NEW_ORDER, wire.HAS_TERMS if terms else 0, 0, 0, origin, request,
        account, instrument, price_ticks, quantity_lots, valid_until_ns,
        side, order_type, time_in_force, stp,
        post_only, reduce_only, cancel_on_disconnect, len(label),
    )  # fmt: skip
    return (head + terms + label + client_id).ljust(length, b"\0")


def cancel_order(
    *, account: int, order_id: int, instrument: int | None = None, origin: int = 0, request: int = 0
) -> bytes:
    """A CancelOrder record; a foreign, filled or unknown id, or one of another `instrument`, is refused alike."""
    market = 0 if instrument is None else instrument + 1
    return wire.CANCEL_ORDER.pack(
        wire.CANCEL_ORDER.size, COMMAND_CANCEL_ORDER, 0, 0, 0, origin, request, account, market, order_id
    )


def amend_order(
    *,
    account: int,
    order_id: int,
    price_ticks: int,
    total_lots: int,
    instrument: int | None = None,
    post_only: int = POST_ONLY_AS_IT_WAS,
    trigger_ticks: int = 0,
    open_lots: bool = False,
    valid_until_ns: int = 0,
    origin: int = 0,
    request: int = 0,
) -> bytes:
    """An AmendOrder record; `total_lots` = filled + wanted open, or with `open_lots` the wanted open quantity alone.

    Keeps its place only for less at the same price. `trigger_ticks` is for orders that wait, 0 = as it was.
    """
    market = 0 if instrument is None else instrument + 1
    return wire.AMEND_ORDER.pack(
        wire.AMEND_ORDER.size, COMMAND_AMEND_ORDER, 0, 0, 0, origin, request,
        account, market, order_id, price_ticks, total_lots, valid_until_ns, trigger_ticks, post_only, open_lots,
    )  # fmt: skip


def cancel_all(
    *,
    account: int,
    instrument: int = ANY_INSTRUMENT,
    quote_asset: int = ANY_ASSET,
    instrument_kind: int = ANY,
    side: int = ANY,
    price_low_ticks: int | None = None,
    price_high_ticks: int | None = None,
    label: bytes = b"",
    only_quotes: bool = False,
    quote_set: int | None = None,
    mmp: int = 0,
    origin: int = 0,
    request: int = 0,
) -> bytes:
    """Cancel the account's orders that pass every filter, oldest first; `value` of the answer counts them.

    A price range takes limits only, both ends included; `quote_set` names the quotes of one set.
    """
    length = wire.padded(wire.CANCEL_ALL.size + len(label))
    ranged = price_low_ticks is not None or price_high_ticks is not None
    head = wire.CANCEL_ALL.pack(
        length, COMMAND_CANCEL_ALL, 0, 0, 0, origin, request,
        account, instrument, quote_asset, instrument_kind, side, ranged, len(label), only_quotes, mmp,
        INT64_MIN if price_low_ticks is None else price_low_ticks,
        INT64_MAX if price_high_ticks is None else price_high_ticks,
        quote_set or 0, quote_set is not None,
    )  # fmt: skip
    return (head + label).ljust(length, b"\0")


def cancel_session(*, origin: int, account: int = 0) -> bytes:
    """Cancel the cancel-on-disconnect orders of one session; with `account`, whose last session it was, all of that
    account's orders if it asked for that (SetCancelOnDisconnect)."""
    return _disconnect(COMMAND_CANCEL_SESSION, origin, account)


def cancel_gateway(*, origin: int) -> bytes:
    """Cancel the cancel-on-disconnect orders of every session of gateway `origin >> 32`; origin 0 = of all gateways."""
    return _disconnect(COMMAND_CANCEL_GATEWAY, origin, 0)


def _disconnect(kind: int, origin: int, account: int) -> bytes:
    head = (wire.CANCEL_ALL.size, kind, 0, 0, 0, origin, 0)
    return wire.CANCEL_ALL.pack(*head, account, ANY_INSTRUMENT, ANY_ASSET, ANY, ANY, 0, 0, 0, 0, 0, 0, 0, 0)
