"""What becomes of amendments that nobody has confirmed: when reads prove that one never happened.

Like an attempt (:mod:`unknown_outcomes`), an amendment can arrive until its deadline and the exchange's margin have
passed, in the lowest venue time that is possible; before that no read of the order as it was proves anything. After it
one read does where an exchange shows every write at once. Where reads may lag it takes a fence, or reads that agree
and the longest lag. What proves that an amendment happened is seen in the order itself, and needs none of this.

Nothing here is stored. A new process counts its reads anew, which can only make it slower.
"""

from collections.abc import Iterable

from src.application.ports.broker import Consistency
from src.application.trading.services.unknown_outcomes import READS_MIN, Trail
from src.application.trading.stream_witness import StreamWitness
from src.domain.decisions.amending import is_as_wanted
from src.domain.orders.news import OrderReport
from src.domain.orders.order import Order


class UnknownAmendments:
    """Judges the amendments under way of one session at one exchange."""

    def __init__(self, consistency: Consistency, witness: StreamWitness) -> None:
        self._promises = consistency
        self._witness = witness
        self._trails: dict[tuple[str, int], Trail] = {}

    def judge(
        self, orders: Iterable[Order], reports: Iterable[OrderReport], now_ms: int
    ) -> tuple[tuple[str, int], ...]:
        """The amendments that a read proves never to have happened, each as its order's id and its deadline.

        ``now_ms`` is the lowest venue time that is possible, taken before the orders were asked for.
        """
        before, self._trails = self._trails, {}
        found = {report.client_order_id: report for report in reports}
        never = []
        for order in orders:
            name, deadline_ms = order.client_order_id, order.modify_deadline_ms
            if deadline_ms is None:
                continue
            trail = self._trails[name, deadline_ms] = before.get((name, deadline_ms)) or Trail()
            until_ms = deadline_ms + self._promises.arrival_margin_ms
            report = found.get(name)
            if (
                report is None
                or now_ms <= until_ms
                or is_as_wanted(order, report.limit_price, report.quantity)
            ):
                continue
            trail.count(now_ms)
            if self._proves(order, trail, now_ms, until_ms):
                never.append((name, deadline_ms))
        return tuple(never)

    def _proves(self, order: Order, trail: Trail, now_ms: int, until_ms: int) -> bool:
        """Whether one more read of an order that is not as wanted ends the doubt about its amendment."""
        if self._promises.read_your_writes:
            return True
        fence_ms = self._witness.fence_ms(order)
        if fence_ms is not None and fence_ms > until_ms:
            return True
        return trail.reads >= READS_MIN and now_ms - until_ms > self._promises.quiescence_ms
