"""Every row that a step changed is named to the store: what is not named is lost with the process."""

from dataclasses import asdict
from typing import Any

from hypothesis import settings

from src.domain.ledger.state import SymbolBook
from tests.domain.decisions.exchange_model import Exchange
from tests.domain.decisions.history_machine import AnyHistory
from tests.domain.decisions.session_model import Session
from tests.domain.decisions.test_any_parent import AnyParent
from tests.support.ledger_builders import ledger_snapshot

# Derived at every load, not stored: reservations and children from open orders, booked trades from the fills.
DERIVED = {"pending_buy", "pending_sell", "pending_price", "trade_halves", "symbol", "children"}
# What a row that was never stored is worth; an order, a position or a parent that is new has to be named.
NEW: dict[str, dict[str, Any]] = {
    "orders": {},
    "positions": {},
    "symbols": asdict(SymbolBook("")),
    "parents": {},
}


class WatchedSession(Session):
    """A session that compares its whole ledger before and after each decision with what it named."""

    def __init__(self, exchange: Exchange) -> None:
        super().__init__(exchange)
        self.before = ledger_snapshot(self.ledger)

    def decide(self, news: Any) -> Any:
        self.before = ledger_snapshot(self.ledger)
        return super().decide(news)

    def store(self) -> None:
        changes, after = self.ledger.changes, ledger_snapshot(self.ledger)
        for kind in NEW:
            named: dict[Any, Any] = getattr(changes, kind)
            for key, row in after[kind].items():
                old = self.before[kind].get(key, NEW[kind])
                assert key in named or stored(row) == stored(old), f"{kind} {key} changed, and nobody said so"
        assert changes.session is not None or after["session"] == self.before["session"]
        assert changes.account or after["account"] == self.before["account"]
        super().store()


def stored(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in DERIVED}


class EveryChange(AnyHistory):
    """The same histories, with every step watched."""

    session_class = WatchedSession

    def teardown(self) -> None:
        self.deliver_everything()


class EveryChangeOfAParent(AnyParent):
    """Histories with parents and amendments, watched alike."""

    session_class = WatchedSession

    def teardown(self) -> None:
        self.deliver_amendments()
        self.deliver_everything()


TestEveryChangeOfAParent = EveryChangeOfAParent.TestCase
TestEveryChangeOfAParent.settings = settings(max_examples=30, stateful_step_count=40)
TestEveryChange = EveryChange.TestCase
TestEveryChange.settings = settings(max_examples=30, stateful_step_count=40)
