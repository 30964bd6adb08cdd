"""Public trades of one symbol: the newest ones, and those joined by price and side as aggTrade shows them."""

from collections import deque
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from src.infrastructure.market_data.frames import TradePrint

KEPT: Final = 1_000
JOIN_MS: Final = 100


@dataclass(slots=True)
class Aggregate:
    """Trades of one price and taker side within 100 ms (Binance, "Aggregate Trade Streams")."""

    number: int
    price: Decimal
    quantity: Decimal
    first_id: int
    last_id: int
    time_ms: int
    buyer_is_maker: bool


class Prints:
    """The newest 1,000 trades and as many aggregates; ``open`` is the aggregate that may still grow."""

    __slots__ = ("_number", "aggregates", "open", "trades")

    def __init__(self) -> None:
        self.trades: deque[TradePrint] = deque(maxlen=KEPT)
        self.aggregates: deque[Aggregate] = deque(maxlen=KEPT)
        self.open: Aggregate | None = None
        self._number = 0

    def add(self, print_: TradePrint) -> Aggregate | None:
        """Take a trade; return the aggregate that it ended, if it did."""
        self.trades.append(print_)
        running = self.open
        if (
            running is not None
            and running.price == print_.price
            and running.buyer_is_maker is print_.buyer_is_maker
            and print_.event_ms - running.time_ms < JOIN_MS
        ):
            running.quantity += print_.quantity
            running.last_id = print_.trade_id
            return None
        ended = self.close()
        self._number += 1
        self.open = Aggregate(
            self._number,
            print_.price,
            print_.quantity,
            print_.trade_id,
            print_.trade_id,
            print_.event_ms,
            print_.buyer_is_maker,
        )
        return ended

    def close(self) -> Aggregate | None:
        """End the running aggregate and return it."""
        ended, self.open = self.open, None
        if ended is not None:
            self.aggregates.append(ended)
        return ended
