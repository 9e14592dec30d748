"""All methods of this gateway: importing this module fills the table.

Lives here: the list of families. Does not know: anything else.
"""

from gateway import (
    methods_account,
    methods_books,
    methods_cancel,
    methods_orders,
    methods_protection,
    methods_public,
    methods_quotes,
    methods_session,
    methods_trading,
)
from gateway.table import METHODS

FAMILIES = (
    methods_session,
    methods_public,
    methods_books,
    methods_trading,
    methods_cancel,
    methods_quotes,
    methods_protection,
    methods_orders,
    methods_account,
)
__all__ = ["FAMILIES", "METHODS"]
