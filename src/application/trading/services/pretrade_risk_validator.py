"""The risk gate: every ticket passes it. What follows from a refusal is an event, and counted there."""

from collections import Counter
from collections.abc import Callable
from decimal import Decimal

from src.application.trading.order_execution_bridge import NothingToDo
from src.domain.ledger.state import Ledger
from src.domain.market.view import MarketView
from src.domain.orders.ticket import OrderTicket
from src.domain.risk.clearance import Clearance
from src.domain.risk.limits import RiskLimits
from src.domain.risk.review import Denied, Verdict, review
from src.domain.signals import Signal


class PretradeRiskValidator:
    """Reviews tickets against the limits, on the worst case that open and unknown orders could lead to.

    ``unenforced`` counts the reviews in which a rule had too little data to judge.
    """

    def __init__(self, ledger: Ledger, view: MarketView, limits: RiskLimits) -> None:
        self._ledger = ledger
        self._view = view
        self.limits = limits
        self._clearance = Clearance(limits)
        self.unenforced: Counter[str] = Counter()
        self.ticket_for: Callable[[Signal], OrderTicket] | None = None

    async def validate_signal(self, signal: Signal) -> bool:
        """Whether the order that would follow a signal passes every rule now; a signal that leads to none does not.

        Only :meth:`review` approves: between this answer and an order the market and the account may change.
        """
        if self.ticket_for is None:
            raise ValueError(
                "without a session there is nothing to size a signal with: use service.validator"
            )
        if self._view.instrument(signal.symbol) is None:
            return False
        try:
            ticket = self.ticket_for(signal)
        except (NothingToDo, LookupError):
            return False
        now_ms = max(self._ledger.account.last_ms, signal.at_ms)
        return not isinstance(self.review(ticket, now_ms, signal.confidence), Denied)

    def review(self, ticket: OrderTicket, now_ms: int, confidence: Decimal | None = None) -> Verdict:
        """Approve the ticket or name the first rule that objects; changes nothing but that count.

        ``confidence`` is that of the signal that led to it, None for an order by hand.
        """
        if self._clearance.limits is not self.limits:
            self._clearance = Clearance(self.limits)
        return review(
            self._ledger,
            self._view,
            self.limits,
            ticket,
            now_ms,
            confidence,
            self.unenforced,
            clearance=self._clearance,
        )
