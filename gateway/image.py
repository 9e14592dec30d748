"""The gateway's replica of what is public or needed for early refusals: fed by the image and then by events.

Lives here: assets, instruments, accounts, rules and eligibility, marks, index, tip of the chain, recent trades.
Does not know: subscribers, orders of anybody. A replica may lag the core by one group: the core checks again.
"""

from collections import deque
from typing import Final

from domain import events
from domain.events import Phase, Trade
from domain.instruments import Instrument
from domain.reads import ImageAnswer
from gateway.instrument_view import InstrumentView

RECENT_TRADES_MAX: Final = 1_000


class Image:
    """Replica as of `sequence`. One writer: the venue's event walk."""

    def __init__(self, answer: ImageAnswer) -> None:
        self.sequence = answer.sequence
        self.time_ns = answer.time_ns
        self.assets: list[tuple[str, int, str]] = list(answer.assets)
        self.scales: dict[str, int] = {name: scale for name, scale, _ in answer.assets}
        self.views: dict[int, InstrumentView] = {}
        self.by_name: dict[str, InstrumentView] = {}
        self.quote_scales: dict[int, int] = {}
        self.marks: dict[int, tuple[int, int]] = {}  # instrument -> mark, index (ticks)
        self.last_ticks: dict[int, int] = {}
        self.open_interest: dict[int, int] = {}
        self.recent: dict[int, deque[tuple[int, Trade]]] = {}  # instrument -> (time_ns, trade), oldest first
        self.phases: dict[int, Phase] = {}  # instrument -> the last phase told
        self.accounts: dict[int, str] = dict(answer.accounts)
        self.rules: dict[int, tuple[str, tuple[str, ...]]] = {rule: (name, needs) for rule, name, needs in answer.rules}
        self.until_ns: dict[int, dict[int, int]] = {}
        self.reasons: dict[int, dict[int, str]] = {}
        self.index_msat = answer.index_msat
        self.index_micro_usdc = answer.index_micro_usdc
        self.btc_micro_usdc = answer.btc_micro_usdc
        self.tip_height = 0
        self.tip_hash = ""
        for account, until, reasons in answer.eligible_until_ns:
            self.until_ns[account] = until
            self.reasons[account] = reasons
        for book in answer.books:
            view = self._list(book.instrument, is_open=book.open)
            view.phase = book.phase
            identity = book.instrument.instrument_id
            self.phases[identity] = Phase(identity, book.phase, book.until_ns, *book.indicative)
            self.marks[identity] = (book.mark_ticks, book.index_ticks)
            self.last_ticks[identity] = book.last_ticks
            self.open_interest[identity] = book.open_interest_lots

    def _list(self, instrument: Instrument, *, is_open: bool) -> InstrumentView:
        view = InstrumentView(instrument, is_open=is_open)
        identity = instrument.instrument_id
        self.views[identity] = view
        self.by_name[instrument.name] = view
        self.quote_scales[identity] = self.scales[instrument.quote]
        self.recent[identity] = deque(maxlen=RECENT_TRADES_MAX)
        self.marks.setdefault(identity, (0, 0))
        self.last_ticks.setdefault(identity, 0)
        return view

    # -- questions --------------------------------------------------------------------------------------------

    def eligible(self, account: int, rule_id: int, now_ns: int) -> bool:
        """Whether the replica knows the account to satisfy the rule at this time."""
        return rule_id == 0 or self.until_ns.get(account, {}).get(rule_id, 0) > now_ns

    def asset_name(self, index: int) -> str:
        """Name of the asset in a refusal's detail, or its number when the replica does not know it yet."""
        return self.assets[index][0] if 0 <= index < len(self.assets) else str(index)

    def asset_scale(self, index: int) -> int:
        """Ledger units per unit of the asset with this index; 1 when unknown."""
        return self.assets[index][1] if 0 <= index < len(self.assets) else 1

    def selected(self, currency: str, kind: str) -> list[InstrumentView]:
        """Instruments that a currency (base or quote, any) and kind (any) filter lets through, by id."""
        wanted = currency.upper()
        return [
            view
            for view in self.views.values()
            if (wanted in ("", "ANY") or wanted in view.currencies) and (kind in ("", "any") or kind == view.kind)
        ]

    def combos_with(self, instrument: int) -> list[InstrumentView]:
        """Combos that have this instrument among their legs."""
        return [view for view in self.views.values() if any(leg == instrument for leg, _ in view.instrument.legs)]

    @property
    def has_combos(self) -> bool:
        """Whether any combo is listed."""
        return any(view.instrument.legs for view in self.views.values())

    @property
    def index_names(self) -> frozenset[str]:
        """Names of the indexes that instruments are quoted against."""
        return frozenset(view.price_index for view in self.views.values())

    # -- events -----------------------------------------------------------------------------------------------

    def on_trade(self, trade: Trade, time_ns: int) -> None:
        """Remember a public trade."""
        self.recent[trade.instrument].append((time_ns, trade))
        self.last_ticks[trade.instrument] = trade.price_ticks

    def on_mark(self, mark: events.Mark) -> None:
        """A new mark and index of one instrument."""
        self.marks[mark.instrument] = (mark.mark_ticks, mark.index_ticks)

    def on_phase(self, phase: Phase) -> bool:
        """A book's phase, or what its call would trade; whether the phase itself is another one."""
        view = self.views[phase.instrument]
        changed = view.phase != phase.phase
        view.phase = phase.phase
        self.phases[phase.instrument] = phase
        return changed

    def on_cold(self, event: events.ColdEventType) -> None:
        """Registry and chain facts. Kinds that concern nobody here are other readers' business."""
        if isinstance(event, events.AssetCreated):
            self.assets.append((event.name, event.scale, event.kind))
            self.scales[event.name] = event.scale
        elif isinstance(event, events.InstrumentListed):
            self._list(event.instrument, is_open=True)
        elif isinstance(event, events.InstrumentClosed):
            self.views[event.instrument_id].is_open = False
        elif isinstance(event, events.AccountOpened):
            self.accounts[event.account] = event.name
        elif isinstance(event, events.RuleSet):
            self.rules[event.rule_id] = (event.name, event.requires)
        elif isinstance(event, events.EligibilityChanged):
            self.until_ns[event.account] = event.until_ns
            self.reasons[event.account] = event.reasons
        elif isinstance(event, events.BlockAccepted):
            self.index_msat = event.index_msat
            self.index_micro_usdc = event.index_micro_usdc
            self.tip_height = event.tip_height
            if event.connected:
                self.tip_hash = event.connected[-1]
