"""All methods of this gateway: importing this module fills the table.

Lives here: the list of families. Does not know: anything else.
"""

from gateway import methods_account, methods_orders, methods_public, methods_session, methods_trading
from gateway.table import METHODS

FAMILIES = (methods_session, methods_public, methods_trading, methods_orders, methods_account)
__all__ = ["FAMILIES", "METHODS"]
