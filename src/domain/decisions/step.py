"""One step of the ledger: the present moment, the policy, and what was decided so far.

Within a step every event is applied as soon as it is emitted, so that what is decided next already sees it.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from src.domain.decisions.effects import Effect
from src.domain.ledger.events import Event
from src.domain.ledger.evolve import evolve
from src.domain.ledger.state import Ledger
from src.domain.market.view import MarketView
from src.domain.money import ZERO
from src.domain.orders.types import WorkingType
from src.domain.risk.limits import RiskLimits


class Now(NamedTuple):
    """The present: session time and venue time, ms since the epoch, UTC."""

    session_ms: int
    venue_ms: int


@dataclass(frozen=True, slots=True)
class Policy:
    """Settings that decisions rest on; percentages are fractions of the average entry.

    ``working_type`` is the price that triggers protective orders. A zero percentage means no such order. With
    ``watches_losses`` the session restricts itself when losses or margin go beyond ``limits``.
    """

    stop_loss_pct: Decimal = Decimal("0.02")
    take_profit_pct: Decimal = Decimal("0.05")
    working_type: WorkingType = WorkingType.CONTRACT_PRICE
    recv_window_ms: int = 5_000
    trailing_stop_pct: Decimal = ZERO
    limits: RiskLimits = RiskLimits()
    watches_losses: bool = False


class Step:
    """Collects the events and effects of one decision."""

    __slots__ = ("effects", "events", "ledger", "now", "policy", "view")

    def __init__(self, ledger: Ledger, view: MarketView, policy: Policy, now: Now) -> None:
        self.ledger = ledger
        self.view = view
        self.policy = policy
        self.now = now
        self.events: list[Event] = []
        self.effects: list[Effect] = []

    def emit(self, event: Event) -> None:
        """It happened: apply it and keep it for the journal."""
        evolve(self.ledger, event, self.now.session_ms)
        self.events.append(event)

    def do(self, effect: Effect) -> None:
        """Do this after the commit."""
        self.effects.append(effect)
