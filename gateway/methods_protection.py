"""Market maker protection: limits of an account's groups, their state, and the reset.

Lives here: parameters, settings as cold commands, what this gateway knows of them. The core keeps the settings and does
not tell them again, so after a restart of the gateway a group is shown once it is set anew or frozen.
Does not know: when a group reaches a limit (MATCH-102).
"""

from decimal import Decimal
from typing import Any, Final

from domain import commands
from domain.events import ProtectionTriggered
from domain.units import NS_PER_MS, NS_PER_S
from gateway.codec import encode
from gateway.errors import Refusal, bad_param
from gateway.quote_params import group_number
from gateway.table import ANSWER_OK, TRADE, TRADE_READ, Call, Command, Outcome, Part, PrivateParams, method
from gateway.venue import Venue

SECONDS_MAX: Final = 24 * 3_600
OK: Final = b'"ok"'


class GroupParams(PrivateParams, frozen=True, kw_only=True):
    index_name: str = "all"
    mmp_group: str = ""
    block_rfq: bool = False


class MmpConfigParams(GroupParams, frozen=True, kw_only=True):
    interval: int  # s
    frozen_time: int  # s
    quantity_limit: Decimal | None = None  # lots
    delta_limit: Decimal | None = None
    vega_limit: Decimal | None = None
    max_quote_quantity: Decimal | None = None
    trade_count_limit: int | None = None


def _group(venue: Venue, params: GroupParams) -> int | Refusal:
    if params.index_name not in ("all", "any") and params.index_name not in venue.image.index_names:
        return bad_param("index_name", "unknown index")
    return bad_param("block_rfq", "not offered") if params.block_rfq else group_number(params.mmp_group)


def _whole(name: str, value: Decimal | None) -> int | Refusal:
    if value is None:
        return 0
    if not value.is_finite() or value < 0 or value != value.to_integral_value() or value >= 2**62:
        return bad_param(name, "a whole number of lots, 0 or more")
    return int(value)


@method("private/set_mmp_config", MmpConfigParams, scope=TRADE, pipelined=True)
def set_mmp_config(venue: Venue, call: Call, params: MmpConfigParams) -> Outcome:
    """Set the limits of one protection group; they count lots, over all instruments of the account."""
    group = _group(venue, params)
    if isinstance(group, Refusal):
        return group
    for name in ("interval", "frozen_time"):
        if not 0 <= getattr(params, name) <= SECONDS_MAX:
            return bad_param(name, f"0 to {SECONDS_MAX} s")
    if params.max_quote_quantity is not None or params.trade_count_limit is not None:
        name = "trade_count_limit" if params.max_quote_quantity is None else "max_quote_quantity"
        return bad_param(name, "not offered")
    limits: dict[str, int] = {}
    for name in ("quantity_limit", "delta_limit", "vega_limit"):
        limit = _whole(name, getattr(params, name))
        if isinstance(limit, Refusal):
            return limit
        limits[name] = limit if params.interval else 0  # without a window there is no limit
    command = commands.SetProtection(
        account=call.principal.account,
        group=group,
        lots=limits["quantity_limit"],
        delta=limits["delta_limit"],
        vega=limits["vega_limit"],
        window_ns=max(params.interval, 1) * NS_PER_S,
        frozen_ns=params.frozen_time * NS_PER_S,
    )

    def done() -> bytes:
        venue.protections[command.account, group] = command
        return encode([config_dict(command)])

    return _cold(venue, call, command, done)


def _cold(venue: Venue, call: Call, command: commands.ClientCommand, done: Any) -> Command:
    request = venue.desk.next_request()
    record = commands.cold(command, origin=call.connection.origin, request=request)

    def then(part: Part) -> bytes | Refusal:
        answer: bytes | Refusal = part.outcome if isinstance(part.outcome, Refusal) else done()
        return answer

    return Command(record, request, ANSWER_OK, then=then)


@method("private/reset_mmp", GroupParams, scope=TRADE, pipelined=True)
def reset_mmp(venue: Venue, call: Call, params: GroupParams) -> Outcome:
    """Unfreeze a group; its sums begin at nothing."""
    group = _group(venue, params)
    if isinstance(group, Refusal):
        return group
    account = call.principal.account

    def done() -> bytes:
        venue.frozen_groups.pop((account, group), None)
        return OK

    return _cold(venue, call, commands.ResetProtection(account=account, group=group), done)


def _wanted(venue: Venue, call: Call, params: GroupParams) -> range | Refusal:
    """One group, or all of them where none is named."""
    group = _group(venue, params)
    if isinstance(group, Refusal):
        return group
    return range(1, 17) if params.mmp_group == "" else range(group, group + 1)


@method("private/get_mmp_config", GroupParams, scope=TRADE_READ)
def get_mmp_config(venue: Venue, call: Call, params: GroupParams) -> Outcome:
    """Limits of the account's groups that were set through this gateway."""
    groups = _wanted(venue, call, params)
    if isinstance(groups, Refusal):
        return groups
    found = [venue.protections.get((call.principal.account, group)) for group in groups]
    return encode([config_dict(command) for command in found if command is not None])


@method("private/get_mmp_status", GroupParams, scope=TRADE_READ)
def get_mmp_status(venue: Venue, call: Call, params: GroupParams) -> Outcome:
    """The account's groups that are frozen now; `frozen_until` 0 = until private/reset_mmp."""
    groups = _wanted(venue, call, params)
    if isinstance(groups, Refusal):
        return groups
    found = [venue.frozen_groups.get((call.principal.account, group)) for group in groups]
    return encode([_status(event) for event in found if event is not None and _frozen(venue, event)])


def _frozen(venue: Venue, event: ProtectionTriggered) -> bool:
    return event.frozen_until_ns == 0 or event.frozen_until_ns > venue.image.time_ns


def _status(event: ProtectionTriggered) -> dict[str, Any]:
    until_ms = event.frozen_until_ns // NS_PER_MS
    return {"index_name": "all", "mmp_group": str(event.group), "frozen_until": until_ms, "block_rfq": False}


def config_dict(command: commands.SetProtection) -> dict[str, Any]:
    """One group's limits as the dialect shows them."""
    return {
        "index_name": "all",
        "mmp_group": str(command.group),
        "interval": command.window_ns // NS_PER_S,
        "frozen_time": command.frozen_ns // NS_PER_S,
        "quantity_limit": command.lots,
        "delta_limit": command.delta,
        "vega_limit": command.vega,
        "block_rfq": False,
    }
