"""The order book that everything trades against: the depth book overlaid by the newest best bid and ask.

Depth frames and bookTicker frames come by two streams and overtake each other; a depth book alone is crossed
against the ticker about a third of the time. Both carry update ids of one sequence, so the newer of them says
what the top is: after a newer ticker, levels at or beyond its prices are gone and its best levels stand in their
place; after a newer depth frame, the depth book speaks for itself. Protocol of the depth book: Binance USDⓈ-M
Futures, "How to manage a local order book correctly".
"""

from collections import deque
from collections.abc import Iterator, Sequence
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
        "_is_bridging",
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
        self._is_bridging = False  # A snapshot was taken, and no depth frame after it yet.
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

    @property
    def has_depth(self) -> bool:
        """Whether more was ever told than the best of each side."""
        return self._depth_id > 0

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
            if self._depth_id:  # Without depth there are no levels whose best could be asked for.
                self._bids.assume_best(bid_price)
                self._asks.assume_best(ask_price)
        return True

    def apply_snapshot(self, last_update_id: int, bids: WireLevels, asks: WireLevels) -> bool:
        """Start the depth book afresh and catch up with frames that came earlier but are newer.

        Returns whether the book is whole; False means that frames between the snapshot and the waiting ones are
        missing, and another snapshot is needed. A snapshot older than a whole book is ignored.
        """
        if self.is_whole and last_update_id < self._depth_id:
            return True
        waiting = self._waiting
        self._waiting = deque(maxlen=_WAITING_MAX)
        self._bids.clear()
        self._asks.clear()
        self._bids.update(bids)
        self._asks.update(asks)
        self._depth_id = last_update_id
        self.is_whole = self._is_bridging = True
        for frame in waiting:
            self.apply_depth(*frame)
        self._settle_top()
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

        The first frame after a snapshot must span its id; each later one must name its predecessor. Frames that
        are not newer than the book are ignored.
        """
        known_id = self._depth_id
        if final_update_id <= known_id:
            return True
        is_chained = previous_final_update_id == known_id or not known_id
        if self._is_bridging:
            is_chained = is_chained or first_update_id <= known_id
            self._is_bridging = False
        if not is_chained:
            self._forget_depth()
        self._depth_id = final_update_id
        self._bids.update(bids)
        self._asks.update(asks)
        if not self.is_whole:
            self._waiting.append((first_update_id, final_update_id, previous_final_update_id, bids, asks))
        self._settle_top()
        return is_chained

    def lose(self) -> None:
        """Take it that updates are missing: the ticker alone decides the top until the next snapshot."""
        self._forget_depth()
        self._settle_top()

    def best_bid(self) -> Level | None:
        """The highest price somebody buys at, and how much; None when nothing is known."""
        if self._top_is_due:
            self._find_top()
        return self._bid

    def best_ask(self) -> Level | None:
        """The lowest price somebody sells at, and how much; None when nothing is known."""
        if self._top_is_due:
            self._find_top()
        return self._ask

    def best_prices(self) -> tuple[Decimal, Decimal] | None:
        """Best bid and best ask, or None when a side is unknown."""
        if self._top_is_due:
            self._find_top()
        bid, ask = self._bid, self._ask
        return None if bid is None or ask is None else (bid[0], ask[0])

    def mid(self) -> Decimal | None:
        """Half-way between the best prices, or None when a side is unknown."""
        if self._top_is_due:
            self._find_top()
        if self._bid is None or self._ask is None:
            return None
        return (self._bid[0] + self._ask[0]) / _TWO

    def levels(self, is_ask: bool) -> Iterator[Level]:
        """The levels of one side from the best outward. Use it up before the next change of the book."""
        top = self.best_ask() if is_ask else self.best_bid()
        if top is not None:
            yield top
            yield from (self._asks if is_ask else self._bids).beyond(top[0])

    def walk(self, buy: bool, quantity: Decimal) -> tuple[Decimal, Decimal, Decimal] | None:
        """What taking ``quantity`` would come to: (average price, quantity found, worst price).

        The quantity found is less than asked when the visible book ends; None when the side is empty.
        """
        if self._top_is_due:
            self._find_top()
        top = self._ask if buy else self._bid
        if top is None:
            return None
        if top[1] >= quantity:
            return top[0], quantity, top[0]
        cost = found = _ZERO
        worst = top[0]
        for price, available in self.levels(is_ask=buy):
            taken = min(available, quantity - found)
            cost += price * taken
            found += taken
            worst = price
            if found == quantity:
                break
        return cost / found, found, worst

    def _settle_top(self) -> None:
        """After a change of the depth: keep the ticker's top, or note that the depth's is to be looked up."""
        bid, ask = self._ticker_bid, self._ticker_ask
        if bid is None or ask is None or (self.is_whole and self._depth_id > self._ticker_id):
            self._top_is_due = True
            return
        self._bid = bid
        self._ask = ask
        self._top_is_due = False
        self.is_crossed = False
        self._bids.assume_best(bid[0])
        self._asks.assume_best(ask[0])

    def _find_top(self) -> None:
        bid, ask = self._bids.best(), self._asks.best()
        self.is_crossed = bid is not None and ask is not None and bid[0] >= ask[0]
        if self.is_crossed:
            # Cannot be while the chain holds; then the last ticker is the better witness.
            self._bids.forget_best()
            self._asks.forget_best()
            bid, ask = self._ticker_bid, self._ticker_ask
        self._bid = bid
        self._ask = ask
        self._top_is_due = False

    def _forget_depth(self) -> None:
        """Levels that may be gone would be traded against; levels that are missing only make us careful."""
        self.is_whole = False
        self._waiting.clear()
        self._bids.clear()
        self._asks.clear()
