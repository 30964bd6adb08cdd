"""One symbol's market: the book as it stands, last and mark price, what rests in it, what waits for a trigger.

The market is given, not made: our orders never change it. What takers took from a level is remembered instead,
until that level shows another quantity, so that nobody gets the same quantity twice. (The memory is compared when
somebody looks at the level again; a level that changed and came back counts as unchanged, which only gives less.)
"""

from bisect import insort
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from src.domain.market.book import OverlayBook
from src.domain.market.instrument import Instrument
from src.infrastructure.market_data.frames import (
    BarPoint,
    BookTicker,
    DepthUpdate,
    MarketFrame,
    MarkPrice,
    TradePrint,
)
from src.infrastructure.simulated_exchange.errors import refusal
from src.infrastructure.simulated_exchange.records import BUY, CONTRACT_PRICE, SELL, MarketReference, Order
from src.infrastructure.simulated_exchange.rules import SymbolRules
from src.infrastructure.simulated_exchange.triggers import TriggerBook
from src.infrastructure.simulated_exchange.units import to_units

CONSUMED_MAX: Final = 64
"""How many levels of a book are remembered as taken from; of a book that shows only its best, fewer come back."""
CONSUMED_OF_TOPS_MAX: Final = 8
BOUNDLESS: Final = Decimal("Infinity")
TRADING: Final = "TRADING"
HALTED: Final = "TRADING_HALT"
STATUSES: Final = (
    *("PENDING_TRADING", TRADING, HALTED, "TRADING_CANCEL_ONLY", "PRE_DELIVERING", "DELIVERING", "DELIVERED"),
    *("PRE_SETTLE", "SETTLING", "CLOSE"),
)
"""What the exchange calls the states of a symbol."""
# Of the symbol's statuses, those after which it does not come back.
CLOSED_STATUSES: Final = frozenset({"PRE_SETTLE", "SETTLING", "DELIVERED", "CLOSE"})


def _buy_priority(order: Order) -> tuple[int, int]:
    return -order.price, order.rank


def _sell_priority(order: Order) -> tuple[int, int]:
    return order.price, order.rank


class SymbolMarket:
    """What the exchange knows of one symbol; prices of the market as it sent them, everything else in units.

    As long as no ask is above ``calm_below``, the last look at margins holds.
    """

    __slots__ = (
        "book",
        "book_frame",
        "calm_below",
        "consumed",
        "contract_triggers",
        "filters",
        "funding_rate",
        "instrument",
        "is_unknown",
        "last_price",
        "mark_price",
        "mark_triggers",
        "remembered_mark",
        "resting_buys",
        "resting_sells",
        "rules",
        "status",
        "triggers_hang",
    )

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.rules = SymbolRules.of(instrument)
        self.status = TRADING
        self.is_unknown = False
        self.triggers_hang = False
        self.filters: dict[str, str] = {}
        self.book = OverlayBook(instrument.symbol)
        self.book_frame: MarketFrame | None = None
        self.last_price: Decimal | None = None
        self.mark_price: Decimal | None = None
        self.funding_rate: Decimal | None = None
        self.remembered_mark = 0
        self.contract_triggers = TriggerBook()
        self.mark_triggers = TriggerBook()
        self.resting_buys: list[Order] = []
        self.resting_sells: list[Order] = []
        self.calm_below = BOUNDLESS
        self.consumed: dict[tuple[str, int], tuple[int, int]] = {}

    @property
    def is_trading(self) -> bool:
        """Whether orders are taken and trade: nobody halted the symbol, and what its market is like is known."""
        return self.status == TRADING and not self.is_unknown

    def change_filters(self, filters: dict[str, str]) -> None:
        """Give the instrument other values by field, as text; raises TypeError or ValueError and changes nothing."""
        now = {name: getattr(self.instrument, name) for name in filters}
        values: dict[str, Any] = {name: type(now[name])(text) for name, text in filters.items()}
        changed = replace(self.instrument, **values)
        self.rules = SymbolRules.of(changed)
        self.instrument = changed
        self.filters = self.filters | filters

    def show(self, frame: MarketFrame) -> None:
        """Let the book, the mark price or the last price learn from a frame; of a bar's point, the quote."""
        event = frame[3]
        if isinstance(event, (BookTicker, BarPoint)):
            self.book.apply_ticker(
                event.bid_price, event.bid_quantity, event.ask_price, event.ask_quantity, event.update_id
            )
            self.book_frame = frame
        elif isinstance(event, DepthUpdate):
            self.book.apply_depth(
                event.first_update_id,
                event.final_update_id,
                event.previous_final_update_id,
                event.bids,
                event.asks,
            )
            self.book_frame = frame
        elif isinstance(event, MarkPrice):
            self.mark_price = event.mark_price
            self.funding_rate = event.funding_rate
        elif isinstance(event, TradePrint):
            self.last_price = event.price
        else:
            self.book.apply_snapshot(event.last_update_id, event.bids, event.asks)
            self.book_frame = frame

    def mark(self) -> int:
        """The mark price in units: as the market states it, else the book's mid; 0 when nothing is known.

        Before the first frame after a restart it is the one of the last commit.
        """
        price = self.stated_mark()
        return to_units(price) if price is not None else self.remembered_mark

    def stated_mark(self) -> Decimal | None:
        """The mark price that the frames of this run give, or None before the first."""
        if self.mark_price is not None:
            return self.mark_price
        return self.book.mid()

    def is_marked_within(self, bound: Decimal) -> bool:
        """Whether the mark price is known and not above ``bound``. Of a book's mid mostly the ask says so."""
        if self.mark_price is None:
            prices = self.book.best_prices()
            if prices is not None and prices[1] <= bound:
                return True
        mark = self.stated_mark()
        return mark is not None and mark <= bound

    def best_opposite(self, side: str) -> int:
        """The best price, in units, that an order of ``side`` could take, from the market or from what rests here.

        0 when there is none.
        """
        best = self.book.best_ask() if side == BUY else self.book.best_bid()
        price = to_units(best[0]) if best is not None else 0
        resting = self.resting_sells if side == BUY else self.resting_buys
        if not resting:
            return price
        inside = resting[0].price
        if not price:
            return inside
        return min(price, inside) if side == BUY else max(price, inside)

    def working_price(self, working_type: str) -> Decimal | None:
        """The price that conditional orders of this working type watch, or None while there is none."""
        return self.last_price if working_type == CONTRACT_PRICE else self.stated_mark()

    def matched_price(self, side: str, match: str) -> int:
        """The price, in units, that a priceMatch names: the n-th level of the other side, or of the own (-5041)."""
        name, _, place = match.partition("_")
        is_ask = (side == BUY) is (name == "OPPONENT")
        wanted = int(place or 1)
        for number, (price, _) in enumerate(self.book.levels(is_ask=is_ask), start=1):
            if number == wanted:
                return to_units(price)
        raise refusal(-5041)

    def offers(self, side: str) -> Iterator[tuple[int, int, int]]:
        """What an order of ``side`` could take, best first: price, quantity shown, quantity left for us."""
        for level_price, level_quantity in self.book.levels(is_ask=side == BUY):
            price, shown = to_units(level_price), to_units(level_quantity)
            seen, used = self.consumed.get((side, price), (shown, 0))
            yield price, shown, shown - used if seen == shown else shown

    def consume(self, side: str, price: int, shown: int, left: int) -> None:
        """Remember that of a level showing ``shown`` only ``left`` remains for our takers."""
        if len(self.consumed) >= (CONSUMED_MAX if self.book.has_depth else CONSUMED_OF_TOPS_MAX):
            self._forget_changed_levels()
        self.consumed[side, price] = (shown, shown - left)

    def book_reference(self) -> MarketReference:
        """Where the book as it stands comes from."""
        source, line = (self.book_frame[1], self.book_frame[2]) if self.book_frame is not None else (0, 0)
        return MarketReference("book", self.book.update_id, source, line)

    def standing_at(self, side: str, price: int) -> int:
        """The quantity that stands on ``side`` at ``price``: what an order resting there now has before it."""
        for level_price, level_quantity in self.book.levels(is_ask=side == SELL):
            level = to_units(level_price)
            if level == price:
                return to_units(level_quantity)
            if (level < price) is (side == BUY):
                break
        return 0

    def triggers(self, working_type: str) -> TriggerBook:
        """The conditional orders that watch one kind of price."""
        return self.contract_triggers if working_type == CONTRACT_PRICE else self.mark_triggers

    def rest(self, order: Order) -> None:
        """Put an order among the resting ones, in price-time priority."""
        if order.side == BUY:
            insort(self.resting_buys, order, key=_buy_priority)
        else:
            insort(self.resting_sells, order, key=_sell_priority)

    def unrest(self, order: Order) -> None:
        """Take an order out of the resting ones."""
        (self.resting_buys if order.side == BUY else self.resting_sells).remove(order)

    def _forget_changed_levels(self) -> None:
        showing = {(side, price): shown for side in (BUY, SELL) for price, shown, _ in self.offers(side)}
        self.consumed = {key: kept for key, kept in self.consumed.items() if showing.get(key) == kept[0]}
