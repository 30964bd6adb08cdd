"""How long a resting order had to wait, as far as a recording tells: for the fill checker.

The exchange keeps an order's time of arrival, not its place among the frames. The place lies in a span: it is not
before the first frame that is as late as the order, and before the first that is later. What is held against a
fill is only what every place in that span has in common: the least quantity that can have stood before the order,
and the most that can have traded since.
"""

from bisect import insort
from collections import defaultdict
from dataclasses import dataclass

from benchmarks.overlay import Overlay
from benchmarks.recordings import Line, units


@dataclass(slots=True)
class Wait:
    """One resting order; amounts in units of 10⁻⁸. ``fills_left`` counts its fills that are still to come."""

    order_id: int
    symbol: str
    is_buy: bool
    price: int
    created_ms: int
    fills_left: int = 0
    queue: int | None = None
    traded: int = 0
    filled: int = 0
    is_through: bool = False

    def see(self, book: Overlay) -> None:
        """The order may have arrived at this moment of the book."""
        standing = book.shown(not self.is_buy, self.price)
        self.queue = standing if self.queue is None else min(self.queue, standing)

    def see_print(self, price: int, quantity: int) -> None:
        """A print on the side that hits the order; one through its price proves the queue gone."""
        if price == self.price:
            self.traded += quantity
        elif (price < self.price) is self.is_buy:
            self.is_through = True

    @property
    def missing(self) -> int:
        """What would still have had to trade at the price before the order got what it has; 0 or less is right."""
        return 0 if self.is_through else (self.queue or 0) + self.filled - self.traded


class Queues:
    """All orders that wait. Call :meth:`before` and :meth:`after` around each line's effect on the books."""

    def __init__(self) -> None:
        self._to_come: list[Wait] = []  # Sorted, the latest first.
        self._arriving: list[Wait] = []
        self._standing: dict[str, dict[int, Wait]] = defaultdict(dict)

    def add(self, wait: Wait) -> None:
        """An order that will arrive; all are added before the first line."""
        insort(self._to_come, wait, key=lambda w: -w.created_ms)

    def before(self, line: Line, exchange_ms: int, books: dict[str, Overlay]) -> None:
        """Orders older than ``exchange_ms`` have arrived by now; ``line`` is the first frame after them at most."""
        while self._to_come and self._to_come[-1].created_ms < exchange_ms:
            self._open(self._to_come.pop())
        still = []
        for wait in self._arriving:
            if wait.created_ms < exchange_ms:
                wait.see(books[wait.symbol])
            else:
                still.append(wait)
        self._arriving = still
        if line.kind in ("trade", "aggTrade"):
            for wait in self._standing[line.symbol].values():
                if wait.is_buy is bool(line.body["m"]):
                    wait.see_print(units(line.body["p"]), units(line.body["q"]))

    def after(self, line: Line, exchange_ms: int, books: dict[str, Overlay]) -> None:
        """Orders as old as this line may have arrived right after it."""
        now_ms = max(exchange_ms, line.received_ns // 1_000_000)
        while self._to_come and self._to_come[-1].created_ms <= now_ms:
            self._open(self._to_come.pop())
        for wait in self._arriving:
            wait.see(books[wait.symbol])

    def fill(self, symbol: str, order_id: int, quantity: int) -> Wait | None:
        """Book a fill of an order that stands; None when it cannot have arrived yet."""
        wait = self._standing[symbol].get(order_id)
        if wait is not None:
            wait.filled += quantity
            wait.fills_left -= 1
            if not wait.fills_left:
                del self._standing[symbol][order_id]
        return wait

    def _open(self, wait: Wait) -> None:
        self._arriving.append(wait)
        self._standing[wait.symbol][wait.order_id] = wait
