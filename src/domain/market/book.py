"""The order book that everything trades against: the depth book overlaid by the newest best bid and ask.

Depth frames and bookTicker frames come by two streams and overtake each other; a depth book alone is crossed
against the ticker about a third of the time. Both carry update ids of one sequence, so the newer of them says
what the top is: after a newer ticker, levels at or beyond its prices are gone and its best levels stand in their
place; after a newer depth frame, the depth book speaks for itself. Protocol of the depth book: Binance USDⓈ-M
Futures, "How to manage a local order book correctly".
"""

from collections import deque
from collections.abc import Sequence
from decimal import Decimal
from typing import Final, TypeAlias

from src.domain.market.ladder import Ladder, Level

_ZERO: Final = Decimal(0)
_TWO: Final = Decimal(2)
_WAITING_MAX: Final = 1_000

WireLevels: TypeAlias = Sequence[tuple[str, str]]
"""Price levels as the wire spells them: (price, quantity)."""


class OverlayBook:
    """The book of one symbol. Prices in quote asset per base asset, quantities in base asset; never crossed.

    Until a snapshot comes, and after a break of the chain, the depth levels known are true but not all: then the
    ticker alone decides the top (``is_whole`` is False).
    """

    __slots__ = (
        "_ask",
        "_asks",
        "_bid",
        "_bids",
        "_depth_id",
        "_ticker_ask",
        "_ticker_bid",
        "_ticker_id",
        "_top_is_due",
        "_waiting",
        "is_crossed",
        "is_whole",
        "symbol",
    )

    def __init__(self, symbol: str) -> None:
        self.symbol = symbol
        self.is_whole = False
        self.is_crossed = False
        self._bids = Ladder(is_ask=False)
        self._asks = Ladder(is_ask=True)
        self._depth_id = 0
        self._ticker_id = 0
        self._ticker_bid: Level | None = None
        self._ticker_ask: Level | None = None
        self._bid: Level | None = None
        self._ask: Level | None = None
        self._top_is_due = False
        # Frames that came before the snapshot they follow: (first id, final id, previous final id, bids, asks).
        self._waiting: deque[tuple[int, int, int, WireLevels, WireLevels]] = deque(maxlen=_WAITING_MAX)

    @property
    def update_id(self) -> int:
        """The id of the newest update in the book; 0 for an empty book."""
        return max(self._depth_id, self._ticker_id)

    def apply_ticker(
        self,
        bid_price: Decimal,
        bid_quantity: Decimal,
        ask_price: Decimal,
        ask_quantity: Decimal,
        update_id: int,
    ) -> bool:
        """Take a best bid and ask; return False when it is older than the last one or crossed, and ignored."""
        if update_id < self._ticker_id or bid_price >= ask_price:
            return False
        self._ticker_id = update_id
        self._ticker_bid = bid = (bid_price, bid_quantity)
        self._ticker_ask = ask = (ask_price, ask_quantity)
        if update_id >= self._depth_id or not self.is_whole:
            self._bid = bid
            self._ask = ask
            self._top_is_due = False
            self.is_crossed = False
            self._bids.assume_best(bid_price)
            self._asks.assume_best(ask_price)
        return True

    def apply_snapshot(self, last_update_id: int, bids: WireLevels, asks: WireLevels) -> bool:
        """Start the depth book afresh and catch up with frames that came earlier but are newer.

        Returns whether the chain holds; False means that frames between the snapshot and the waiting ones are
        missing, and another snapshot is needed.
        """
        if self.is_whole and last_update_id < self._depth_id:
            return True
        waiting = self._waiting
        self._waiting = deque(maxlen=_WAITING_MAX)
        self._clear()
        self._bids.update(bids)
        self._asks.update(asks)
        self._depth_id = last_update_id
        self.is_whole = True
        self._top_is_due = True
        first = True
        for first_id, final_id, previous_id, its_bids, its_asks in waiting:
            if final_id < last_update_id:
                continue
            chained = first_id <= last_update_id if first else previous_id == self._depth_id
            first = False
            if not chained:
                self._break_chain()
            self._take(final_id, its_bids, its_asks)
        self._starting = first
        return self.is_whole

    def apply_depth(
        self,
        first_update_id: int,
        final_update_id: int,
        previous_final_update_id: int,
        bids: WireLevels,
        asks: WireLevels,
    ) -> bool:
        """Take changed levels; return False when the chain broke here and the book forgot what it knew.

        The first frame after a snapshot must span its id; each later one must name its predecessor.
        """
        raise NotImplementedError
