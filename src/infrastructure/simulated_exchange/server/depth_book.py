"""The depth book as REST and the depth streams show it: levels as texts, and the ids that chain the updates.

Separate from the engine's book, which lays bookTicker over the depth: a client that follows the documented protocol
must come to exactly what is here.
"""

from decimal import Decimal
from typing import Final

from src.infrastructure.market_data.frames import BookTicker, DepthSnapshot, DepthUpdate

_ZERO: Final = Decimal(0)


class DepthBook:
    """One symbol's levels; quantity zero removes one."""

    __slots__ = ("asks", "bids", "final_id", "updated_ms")

    def __init__(self) -> None:
        self.bids: dict[str, str] = {}
        self.asks: dict[str, str] = {}
        self.final_id = 0
        self.updated_ms = 0

    def restart(self, snapshot: DepthSnapshot) -> None:
        """Begin anew from a snapshot."""
        self.bids = dict(snapshot.bids)
        self.asks = dict(snapshot.asks)
        self.final_id = snapshot.last_update_id
        self.updated_ms = snapshot.event_ms

    def follow(self, ticker: BookTicker) -> DepthUpdate:
        """The change that makes this a book of one level a side: for markets that tell nothing deeper."""
        bid, ask = str(ticker.bid_price), str(ticker.ask_price)
        gone_bids = [(price, "0") for price in self.bids if price != bid]
        gone_asks = [(price, "0") for price in self.asks if price != ask]
        return DepthUpdate(
            ticker.symbol,
            ticker.update_id,
            ticker.update_id,
            self.final_id or ticker.update_id,
            [*gone_bids, (bid, str(ticker.bid_quantity))],
            [*gone_asks, (ask, str(ticker.ask_quantity))],
            ticker.transaction_ms,
            ticker.event_ms,
        )

    def update(self, update: DepthUpdate) -> None:
        """Set the changed levels."""
        for side, changes in ((self.bids, update.bids), (self.asks, update.asks)):
            for price, quantity in changes:
                if Decimal(quantity) == _ZERO:
                    side.pop(price, None)
                else:
                    side[price] = quantity
        self.final_id = update.final_update_id
        self.updated_ms = update.event_ms

    def top(self, count: int) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
        """The best bids and asks, best first."""
        bids = sorted(self.bids.items(), key=_price, reverse=True)[:count]
        asks = sorted(self.asks.items(), key=_price)[:count]
        return bids, asks


def _price(level: tuple[str, str]) -> Decimal:
    return Decimal(level[0])


class DepthChannel:
    """The changes of one speed that have not been sent: first and final id, levels, and the id sent last.

    Where the market's own chain breaks, so does the channel's: a client that checks it asks for the book again.
    """

    __slots__ = ("asks", "bids", "final_id", "first_id", "previous_id")

    def __init__(self) -> None:
        self.bids: dict[str, str] = {}
        self.asks: dict[str, str] = {}
        self.first_id = self.final_id = self.previous_id = 0

    def add(self, update: DepthUpdate) -> None:
        """Put an update on top of what waits; one that does not follow the one before takes the place of all that."""
        if self.final_id and update.previous_final_update_id != self.final_id:
            self.bids, self.asks = {}, {}
            self.first_id = self.previous_id = 0
        if not self.first_id:
            self.first_id = update.first_update_id
            if not self.previous_id:
                self.previous_id = update.previous_final_update_id
        self.bids.update(update.bids)
        self.asks.update(update.asks)
        self.final_id = update.final_update_id

    def take(self) -> tuple[tuple[int, int, int], list[tuple[str, str]], list[tuple[str, str]]] | None:
        """What waits, as (U, u, pu), bids and asks; None when nothing does."""
        if not self.first_id:
            return None
        ids = (self.first_id, self.final_id, self.previous_id)
        taken = ids, list(self.bids.items()), list(self.asks.items())
        self.bids, self.asks = {}, {}
        self.previous_id = self.final_id
        self.first_id = 0
        return taken
