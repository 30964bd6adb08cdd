"""The risk gate: every ticket passes it, and it keeps count of what it refused and why."""

from collections import Counter

from src.domain.ledger.state import Ledger
from src.domain.market.view import MarketView
from src.domain.orders.ticket import OrderTicket
from src.domain.risk.limits import RiskLimits
from src.domain.risk.review import Denied, Verdict, review


class PretradeRiskValidator:
    """Reviews tickets against the limits, on the worst case that open and unknown orders could lead to."""

    def __init__(self, ledger: Ledger, view: MarketView, limits: RiskLimits) -> None:
        self._ledger = ledger
        self._view = view
        self.limits = limits
        self.refusals: Counter[str] = Counter()

    def review(self, ticket: OrderTicket, now_ms: int) -> Verdict:
        """Approve the ticket or name the first rule that objects; changes nothing but the count of refusals."""
        verdict = review(self._ledger, self._view, self.limits, ticket, now_ms)
        if isinstance(verdict, Denied):
            self.refusals[verdict.objection.rule] += 1
        return verdict
