"""What the user stream can testify about an attempt that left no trace: nothing, unless it never broke since.

The exchange tells events of one user and kind over one connection in the order of their time. So an event of an own
order, made after the attempt could arrive at the latest and heard on a stream that was open before the attempt was
sent, says that nothing about the attempt is still to come. It promises order, not completeness: an event that could not
be read ends the testimony, and so does a new connection. Source: user data streams of USDⓈ-M futures.
"""

from src.domain.orders.client_order_ids import NAMESPACE_LENGTH, is_emergency
from src.domain.orders.news import OrderNews
from src.domain.orders.order import Order


class StreamWitness:
    """Listens to the stream of one session; everything is forgotten when the stream breaks.

    Ordinary and conditional orders are told of by events of two kinds, whose order among each other is not promised:
    each kind testifies for its own orders only, and, as the cautious reading, for its own symbol.
    """

    __slots__ = ("_epoch", "_heard", "_since_intent")

    def __init__(self) -> None:
        self._epoch = -1
        # The first intent that the present stream has heard everything about; None when it has not.
        self._since_intent: int | None = None
        self._heard: dict[tuple[str, bool], int] = {}

    def opened(self, stream_epoch: int, next_intent: int) -> None:
        """A new stream is open: it testifies for attempts from ``next_intent`` on."""
        self._epoch, self._since_intent = stream_epoch, next_intent
        self._heard.clear()

    def broken(self) -> None:
        """The stream ended, or something on it could not be understood."""
        self._since_intent = None
        self._heard.clear()

    def heard(self, stream_epoch: int, meaning: tuple[object, ...], trouble: str) -> None:
        """An event and what it means; one of an earlier stream testifies nothing."""
        if stream_epoch != self._epoch:
            return
        if trouble:
            self.broken()
        for item in meaning:
            if type(item) is OrderNews:
                report = item.order
                key = (report.symbol, report.algo_id is not None)
                if report.updated_ms > self._heard.get(key, 0):
                    self._heard[key] = report.updated_ms

    def listens_since(self, order: Order) -> bool:
        """Whether the stream is open without a break since before the order was sent.

        The intent of an order that was sent around the session says when it was imported, not when it was sent.
        """
        name = order.client_order_id
        if self._since_intent is None or is_emergency(name, name[:NAMESPACE_LENGTH]):
            return False
        return order.intent >= self._since_intent

    def fence_ms(self, order: Order) -> int | None:
        """Venue time of the latest event that could testify for an order; None when the stream cannot."""
        if not self.listens_since(order):
            return None
        return self._heard.get((order.symbol, order.ticket.order_type.is_conditional))
