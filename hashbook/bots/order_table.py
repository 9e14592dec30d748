"""Which of our orders stands in which slot, kept from replies and notices that may be looked at in either order.

Lives here: the newest known state of each own order. Does not know: the network, what is wanted.
Theory: the venue sends the reply before the notices that follow it, but the coroutine that waits for the reply may run
after the notices were handled. So an older state must never replace a newer one: fills only grow, and an order that has
ended stays ended.
"""

from hashbook.bots.quoting import Slot, slot_of_label
from hashbook.protocol import Order


class OrderTable:
    """Own open orders, found by instrument and slot. Cost: O(1) per order seen."""

    def __init__(self, label_prefix: str) -> None:
        self._prefix = label_prefix
        self._slots: dict[str, dict[Slot, Order]] = {}  # by instrument name
        self._places: dict[str, tuple[str, Slot]] = {}  # by order id
        self._ended: set[str] = set()

    def see(self, order: Order) -> bool:
        """Take in one state of an order; False when its slot belongs to another open order: it is one too many."""
        slot = slot_of_label(order.label, self._prefix)
        if slot is None:
            return True  # somebody else's, on the same account
        if not order.is_open:
            self.end(order.order_id)
            return True
        slots = self._slots.setdefault(order.instrument_name, {})
        known = slots.get(slot)
        if known is not None and known.order_id != order.order_id:
            return False
        stale = known is not None and order.filled_amount < known.filled_amount
        if not stale and order.order_id not in self._ended:
            slots[slot] = order
            self._places[order.order_id] = (order.instrument_name, slot)
        return True

    def end(self, order_id: str) -> None:
        """The order is filled, cancelled, or unknown to the venue."""
        self._ended.add(order_id)
        place = self._places.pop(order_id, None)
        if place is not None:
            del self._slots[place[0]][place[1]]

    def open_orders(self, instrument_name: str) -> dict[Slot, Order]:
        """Our open orders in one instrument."""
        return self._slots.get(instrument_name, {})

    def forget_all(self) -> None:
        """Know nothing: they are about to be read back."""
        self._slots.clear()
        self._places.clear()

    def forget_ended(self) -> None:
        """To be called when no reply is outstanding; keeps the memory of ended orders small."""
        self._ended.clear()

    def __len__(self) -> int:
        return len(self._places)
