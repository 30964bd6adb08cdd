"""A bench to try rules on: one session, one ticket, and every limit so wide that only the rule in question speaks."""

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from src.domain.ledger.state import RecentOrder
from src.domain.orders.ticket import OrderTicket
from src.domain.risk.clearance import Clearance
from src.domain.risk.limits import RiskLimits
from src.domain.risk.review import Verdict, review
from src.domain.risk.rules import ENTRY_RULES, Objection, Review
from src.domain.risk.rules.review import Rule
from tests.support.domain_builders import a_ticket, an_instrument
from tests.support.domain_scene import Scene

WIDE: dict[str, Any] = {
    "position_size_pct": Decimal(1_000),
    "leverage_max": Decimal(1_000),
    "free_margin_pct_min": Decimal(0),
    "daily_loss_pct_max": Decimal(1),
    "positions_max": 100,
    "order_value_max": Decimal(10**9),
    "price_collar_pct": Decimal("0.5"),
    "slippage_pct_max": Decimal("0.5"),
    "duplicate_window_ms": 0,
    "orders_per_second_max": 1_000,
    "orders_per_minute_max": 1_000,
    "entries_per_minute_max": 1_000,
    "drawdown_pct_max": Decimal(1),
    "symbol_exposure_max": Decimal(10**9),
    "gross_exposure_max": Decimal(10**9),
    "net_exposure_pct_max": Decimal(1_000),
    "concentration_symbols_min": 100,
    "open_orders_max": 10_000,
    "correlation_max": Decimal(1),
    "volatility_max": Decimal(1_000),
    "volatility_ratio_max": Decimal(1_000),
}


def rule(name: str) -> Rule:
    """The entry rule of this name."""
    (found,) = [each for each in ENTRY_RULES if each.name == name]
    return found


@dataclass
class Bench:
    """Change what the case is about, then ask one rule, or all of them."""

    scene: Scene = field(default_factory=Scene)
    limits: dict[str, Any] = field(default_factory=lambda: dict(WIDE))
    ticket: dict[str, Any] = field(default_factory=dict)
    instrument: dict[str, Any] = field(default_factory=dict)
    confidence: Decimal | None = None
    unenforced: Counter[str] = field(default_factory=Counter)

    def a_ticket(self) -> OrderTicket:
        return a_ticket(**self.ticket)

    def objection(self, name: str) -> Objection | None:
        """What one rule says."""
        return rule(name).objection(self.review())

    def review(self) -> Review:
        """What the rules look at."""
        scene = self.scene
        return Review(
            scene.ledger,
            scene.view,
            RiskLimits(**self.limits),
            self.a_ticket(),
            an_instrument(**self.instrument),
            scene.now_ms,
            self.confidence,
            self.unenforced,
        )

    def verdict(self, *, cleared: bool = False) -> Verdict:
        """What the whole review says; with ``cleared`` by the way of the session, which asks the rules if need be."""
        ticket, scene = self.a_ticket(), self.scene
        scene.view.instruments[ticket.symbol] = an_instrument(ticket.symbol, **self.instrument)
        limits = RiskLimits(**self.limits)
        return review(
            scene.ledger,
            scene.view,
            limits,
            ticket,
            scene.now_ms,
            self.confidence,
            self.unenforced,
            clearance=Clearance(limits) if cleared else None,
        )

    def sent_before(self, age_ms: int, count: int = 1, **changes: Any) -> None:
        """The like was sent so long ago; the oldest must be told first."""
        ticket = a_ticket(**(self.ticket | changes))
        self.scene.ledger.recent_orders += [
            RecentOrder(
                self.scene.now_ms - age_ms,
                ticket.symbol,
                ticket.side,
                ticket.quantity,
                ticket.limit_price or ticket.stop_price,
                ticket.strategy_id,
                ticket.purpose,
            )
        ] * count
