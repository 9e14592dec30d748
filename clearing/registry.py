"""Identities and the whitelist: who stands behind an account and what each rule says of it.

Lives here: identities, rules, and the verdicts of the pure rule (domain/eligibility.py) for every pair.
Does not know: orders, balances. Changes only by sequenced commands.
"""

import msgspec

from clearing.whitelist import Whitelist
from domain.commands import SetIdentity, SetRule
from domain.eligibility import FOREVER_NS, Identity, Rule, Verdict, judge
from domain.ensure import ensure


class _Image(msgspec.Struct, frozen=True):
    identities: list[tuple[int, Identity]]
    rules: list[Rule]


class Registry:
    """Identities by account and rules by id. O(rules) per identity change, O(accounts) per rule change."""

    def __init__(self, accounts_max: int, rules_max: int) -> None:
        self.rules_max = rules_max
        self.whitelist = Whitelist(accounts_max, rules_max)
        self.identities: dict[int, Identity] = {}
        self.rules: dict[int, Rule] = {}

    def set_rule(self, command: SetRule, now_ns: int) -> bool:
        """Define or replace a rule and judge every identity again. False if the id is out of range."""
        if not 0 < command.rule_id < self.rules_max:
            return False
        self.rules[command.rule_id] = Rule(
            command.rule_id, command.name, command.requires, command.countries_denied
        )
        for account in self.identities:
            self._judge(account, command.rule_id, now_ns)
        return True

    def set_identity(self, command: SetIdentity, now_ns: int) -> None:
        """Replace the identity behind an account."""
        self.identities[command.account] = Identity(command.country, command.claims, command.frozen)
        for rule_id in self.rules:
            self._judge(command.account, rule_id, now_ns)

    def verdict(self, account: int, rule_id: int) -> Verdict:
        """What the rule says of the account, independent of the time asked at."""
        if rule_id == 0:
            return Verdict(FOREVER_NS, "")
        return judge(self.identities.get(account), self.rules[rule_id])

    def _judge(self, account: int, rule_id: int, now_ns: int) -> None:
        until_ns = self.verdict(account, rule_id).until_ns
        self.whitelist.set_until(account, rule_id, until_ns if until_ns > now_ns else 0)

    def check_invariants(self) -> None:
        """Every identity has been judged by existing rules only."""
        for rule_id in self.rules:
            ensure(0 < rule_id < self.rules_max, "rule ids are within range")

    def dump(self) -> bytes:
        """Identities and rules in key order."""
        return msgspec.msgpack.encode(
            _Image(sorted(self.identities.items()), [rule for _, rule in sorted(self.rules.items())])
        )

    def load(self, data: bytes, now_ns: int) -> None:
        """Fill a fresh registry and judge everybody again."""
        image = msgspec.msgpack.decode(data, type=_Image)
        self.rules = {rule.rule_id: rule for rule in image.rules}
        self.identities = dict(image.identities)
        for account in self.identities:
            for rule_id in self.rules:
                self._judge(account, rule_id, now_ns)
