"""Tickers, quotes, summaries and candles as JSON text.

Lives here: the templates over the replicas. Numbers are exact decimals; what does not exist is null, except best
prices, which are 0 when a side is empty because existing clients need a number there.
Does not know: channels, sessions.
"""

from domain.instruments import format_scaled
from domain.units import USDC_SCALE
from gateway.books import Book, mid_price_text, percent_text
from gateway.candles import Bucket, DayStats
from gateway.image import Image
from gateway.instrument_view import InstrumentView, rounded_ratio

_NS_PER_MS = 1_000_000


def volume_usd_text(view: InstrumentView, notional_ticks: int, btc_micro_usdc: int) -> str:
    """Turnover in dollars: of BTC-quoted instruments at the last known price of BTC."""
    text = view.notional(notional_ticks)
    if view.instrument.quote != "BTC":
        return text
    terms = view.instrument
    units = notional_ticks * terms.tick_price * terms.lot_amount  # 1e-16 BTC
    return format_scaled(rounded_ratio(units * btc_micro_usdc, 10**16), USDC_SCALE)


def ticker_fields(view: InstrumentView, book: Book, image: Image, stats: DayStats, now_ns: int) -> str:
    """Members shared by ticker and order book, without braces."""
    identity = view.instrument_id
    mark, index = image.marks[identity]
    last = image.last_ticks[identity]
    bid, bid_lots = book.best_bid()
    ask, ask_lots = book.best_ask()
    opened, high, low, volume, notional = stats.summary(now_ns)
    return (
        f'"instrument_name":"{view.name}","timestamp":{now_ns // _NS_PER_MS},"state":"{view.state}",'
        f'"stats":{{"high":{view.price(high) if volume else "null"},"low":{view.price(low) if volume else "null"},'
        f'"price_change":{percent_text(last, opened)},"volume":{view.amount(volume)},'
        f'"volume_notional":{view.notional(notional)},'
        f'"volume_usd":{volume_usd_text(view, notional, image.btc_micro_usdc)}}},'
        f'"open_interest":{view.amount(image.open_interest.get(identity, 0))},'
        f'"best_bid_price":{view.price(bid)},"best_bid_amount":{view.amount(bid_lots)},'
        f'"best_ask_price":{view.price(ask)},"best_ask_amount":{view.amount(ask_lots)},'
        f'"last_price":{view.price(last) if last else "null"},"mark_price":{view.price(mark)},'
        f'"index_price":{view.price(index)},"estimated_delivery_price":{view.price(index)},'
        f'"settlement_price":{view.price(mark)},'
        f'"min_price":{view.price(view.low_ticks)},"max_price":{view.price(view.high_ticks)}'
    )


def quote_json(book: Book, time_ns: int) -> str:
    """Best bid and ask."""
    view = book.view
    bid, bid_lots = book.best_bid()
    ask, ask_lots = book.best_ask()
    return (
        f'{{"timestamp":{time_ns // _NS_PER_MS},"instrument_name":"{view.name}",'
        f'"best_bid_price":{view.price(bid)},"best_bid_amount":{view.amount(bid_lots)},'
        f'"best_ask_price":{view.price(ask)},"best_ask_amount":{view.amount(ask_lots)}}}'
    )


def order_book_json(view: InstrumentView, book: Book, image: Image, stats: DayStats, now_ns: int, depth: int) -> str:
    """Result of public/get_order_book; change_id agrees with the book channels."""
    return (
        f"{{{ticker_fields(view, book, image, stats, now_ns)},"
        f'"change_id":{book.change_id},"bids":{book.ladder_json(0, depth)},"asks":{book.ladder_json(1, depth)},'
        f'"x_checksum":{book.checksum()}}}'
    )


def summary_json(view: InstrumentView, book: Book, image: Image, stats: DayStats, now_ns: int) -> str:
    """One entry of public/get_book_summary_by_*."""
    identity = view.instrument_id
    mark, index = image.marks[identity]
    last = image.last_ticks[identity]
    bid, ask = book.best_bid(), book.best_ask()
    opened, high, low, volume, notional = stats.summary(now_ns)
    terms = view.instrument
    return (
        f'{{"instrument_name":"{view.name}","base_currency":"{terms.base}","quote_currency":"{terms.quote}",'
        f'"bid_price":{view.price(bid[0]) if bid[1] else "null"},'
        f'"ask_price":{view.price(ask[0]) if ask[1] else "null"},'
        f'"mid_price":{mid_price_text(view, bid, ask)},"mark_price":{view.price(mark)},'
        f'"last":{view.price(last) if last else "null"},'
        f'"high":{view.price(high) if volume else "null"},"low":{view.price(low) if volume else "null"},'
        f'"price_change":{percent_text(last, opened)},"volume":{view.amount(volume)},'
        f'"volume_notional":{view.notional(notional)},'
        f'"volume_usd":{volume_usd_text(view, notional, image.btc_micro_usdc)},'
        f'"open_interest":{view.amount(image.open_interest.get(identity, 0))},"underlying_price":{view.price(index)},'
        f'"underlying_index":"{terms.price_index}","estimated_delivery_price":{view.price(index)},'
        f'"creation_timestamp":{now_ns // _NS_PER_MS}}}'
    )


def candle_json(view: InstrumentView, bucket: Bucket) -> str:
    """One chart notification."""
    return (
        f'{{"tick":{bucket.start_ns // _NS_PER_MS},"open":{view.price(bucket.open_ticks)},'
        f'"high":{view.price(bucket.high_ticks)},"low":{view.price(bucket.low_ticks)},'
        f'"close":{view.price(bucket.close_ticks)},"volume":{view.amount(bucket.volume_lots)},'
        f'"cost":{view.notional(bucket.notional_ticks)},"status":"ok"}}'
    )
