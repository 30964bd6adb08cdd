"""The risk gate: every ticket passes it, and it keeps count of what it refused and why."""

from collections import Counter
from decimal import Decimal

from src.domain.ledger.state import Ledger
from src.domain.market.view import MarketView
from src.domain.orders.ticket import OrderTicket
from src.domain.risk.limits import RiskLimits
from src.domain.risk.review import Denied, Verdict, review


class PretradeRiskValidator:
    """Reviews tickets against the limits, on the worst case that open and unknown orders could lead to.

    ``refusals`` counts refusals by rule, ``unenforced`` the reviews in which a rule had too little data to judge.
    """

    def __init__(self, ledger: Ledger, view: MarketView, limits: RiskLimits) -> None:
        self._ledger = ledger
        self._view = view
        self.limits = limits
        self.refusals: Counter[str] = Counter()
        self.unenforced: Counter[str] = Counter()

    def review(self, ticket: OrderTicket, now_ms: int, confidence: Decimal | None = None) -> Verdict:
        """Approve the ticket or name the first rule that objects; changes nothing but the counts.

        ``confidence`` is that of the signal that led to it, None for an order by hand.
        """
        verdict = review(self._ledger, self._view, self.limits, ticket, now_ms, confidence, self.unenforced)
        if isinstance(verdict, Denied):
            self.refusals[verdict.objection.rule] += 1
        return verdict
