# cython: language_level=3
"""Sizes and offsets of the C view, for the test that compares them with the Python view."""
from domain.wire cimport (amend_order_t, cancel_all_t, cancel_order_t, command_event_t, command_header_t,
                          depth_event_t, mark_event_t, new_order_t, order_event_t, trade_event_t)

SIZES = {
    "command_header_t": sizeof(command_header_t),
    "new_order_t": sizeof(new_order_t),
    "cancel_order_t": sizeof(cancel_order_t),
    "amend_order_t": sizeof(amend_order_t),
    "cancel_all_t": sizeof(cancel_all_t),
    "command_event_t": sizeof(command_event_t),
    "order_event_t": sizeof(order_event_t),
    "trade_event_t": sizeof(trade_event_t),
    "depth_event_t": sizeof(depth_event_t),
    "mark_event_t": sizeof(mark_event_t),
}
