"""One second of one synthetic symbol: quotes, trades that consume the book, depth updates, the mark price.

A second is made from the price path at its two ends and draws keyed by (seed, symbol, second) alone; nothing else
is carried over, so any second can be made again after a restart. Quotes and trades disturb the book for the rest
of the second; its last depth update brings it to where the next one begins.
"""

from dataclasses import dataclass
from math import sqrt
from random import Random
from typing import Final

from src.infrastructure.market_data.frames import MarketEvent
from src.infrastructure.market_data.synthetic_book import Side, SyntheticBook, first_update_id
from src.infrastructure.market_data.synthetic_path import REGIMES, Draws, PathState

_TRADE_CHANCE: Final = 0.35
_SWEEP_CHANCE: Final = 0.03
_WIDE_CHANCE: Final = 0.2
_LAST_MS: Final = 999


@dataclass(frozen=True, slots=True)
class Pace:
    """How busy a second is: quotes, a depth update after every so many of them (0: only at the end), levels a side."""

    quotes: int
    depth_every: int
    levels: int


LIVELY: Final = Pace(quotes=12, depth_every=4, levels=20)
"""Some 25 frames a second of each symbol, for people to watch."""


@dataclass(frozen=True, slots=True)
class Second:
    """What a second is made from: its number, when it begins (ms), the path at both ends, and its draws."""

    number: int
    start_ms: int
    before: PathState
    after: PathState
    draws: Draws


class BlockMaker:
    """Makes the seconds of one symbol. ``volatility`` is the standard deviation of a second's return when calm."""

    def __init__(self, book: SyntheticBook, pace: Pace, volatility: float) -> None:
        self._book = book
        self._pace = pace
        self._volatility = volatility
        self._random = Random()
        self._events: list[MarketEvent] = []
        self._bid = self._ask = (0, 0)
        self._shown: tuple[Side, Side] = ({}, {})
        self._shown_id = self._update_id = self._trade_id = 0

    def events(self, second: Second) -> list[MarketEvent]:
        """The events of a second in order, the mark price first, a depth update last."""
        book, pace = self._book, self._pace
        self._begin(second)
        chance = self._random.random
        before, after = second.before, second.after
        regime = REGIMES[before.regime]
        noise = before.price * self._volatility * regime.volatility * sqrt(before.variance) * 0.4
        lean = (after.price / before.price - 1.0) / self._volatility
        buy_chance = min(0.9, max(0.1, 0.5 + 0.2 * lean))
        spread_max = 4 if regime.volatility > 1.5 else 2
        for count in range(1, pace.quotes + 1):
            share = (count - 1 + chance()) / pace.quotes
            at_ms = second.start_ms + 1 + int(share * (_LAST_MS - 2))
            price = before.price + (after.price - before.price) * share + noise * (chance() + chance() - 1.0)
            spread = int(chance() * spread_max) + 1 if chance() < _WIDE_CHANCE else 1
            self._quote(price, spread, at_ms)
            if chance() < _TRADE_CHANCE:
                self._trade(chance() < buy_chance, at_ms)
            if pace.depth_every and count % pace.depth_every == 0 and count < pace.quotes:
                book_now = book.side(*self._bid, -1), book.side(*self._ask, 1)
                self._show_depth(book_now, self._update_id + 1, at_ms)
        next_number = second.number + 1
        self._show_depth(
            book.opening(next_number, after), first_update_id(next_number), second.start_ms + _LAST_MS
        )
        return self._events

    def _begin(self, second: Second) -> None:
        self._random.seed(second.draws.micro_seed)
        self._events = [self._book.mark_price(second.before, second.draws, second.start_ms)]
        self._shown = bids, asks = self._book.opening(second.number, second.before)
        self._bid, self._ask = next(iter(bids.items())), next(iter(asks.items()))
        self._shown_id = self._update_id = self._trade_id = first_update_id(second.number)

    def _quote(self, price: float, spread: int, at_ms: int) -> None:
        """Makers move to a price."""
        chance, size = self._random.random, self._book.level_steps
        tick = self._book.bid_tick(price, spread)
        self._bid = (tick, 1 + int(chance() * size))
        self._ask = (tick + spread, 1 + int(chance() * size))
        self._show_ticker(at_ms)

    def _trade(self, is_buy: bool, at_ms: int) -> None:
        """A taker eats from the best level outward, one print a level."""
        book, chance = self._book, self._random.random
        wanted = 1 + int(book.level_steps * 0.02 / (0.02 + chance()))
        if chance() < _SWEEP_CHANCE:
            wanted *= 5
        step = 1 if is_buy else -1
        tick, steps = self._ask if is_buy else self._bid
        while wanted:
            taken = min(wanted, steps)
            self._trade_id += 1
            self._events.append(book.trade(self._trade_id, tick, taken, not is_buy, at_ms))
            wanted -= taken
            steps -= taken
            if not steps:
                tick, steps = book.next_level(tick, step)
        if is_buy:
            self._ask = (tick, steps)
        else:
            self._bid = (tick, steps)
        self._show_ticker(at_ms)

    def _show_ticker(self, at_ms: int) -> None:
        self._update_id += 1
        self._events.append(self._book.ticker(self._bid, self._ask, self._update_id, at_ms))

    def _show_depth(self, book_now: tuple[Side, Side], final_id: int, at_ms: int) -> None:
        self._events.append(
            self._book.depth_update(self._shown, book_now, self._shown_id + 1, final_id, at_ms)
        )
        self._shown = book_now
        self._shown_id = self._update_id = final_id
