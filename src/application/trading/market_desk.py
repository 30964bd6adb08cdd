"""The market as the session sees it: one order book, one set of candles and one set of gates per symbol.

Rebuilt from frames at every start, never journalled. Frames come at tens of thousands a second, so a frame makes
no objects here unless it closes a candle; values are built when a decision asks for them.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from src.application.ports.market_data import (
    DepthFrame,
    MarkFrame,
    PointFrame,
    SnapshotFrame,
    TickerFrame,
    TradeFrame,
)
from src.application.trading.market_statistics import MarketStatistics
from src.application.trading.volume_profile import VolumeProfile
from src.domain.market.book import OverlayBook
from src.domain.market.candle import Candle, CandleBuilder
from src.domain.market.instrument import Instrument
from src.domain.market.quality import QualityGates, QualityLimits
from src.domain.market.sides import PositionSide
from src.domain.market.view import MarginBracket
from src.domain.money import ZERO


class SymbolDesk:
    """One symbol. ``mark_price`` is the exchange's own if it publishes one, else the middle of the book.

    ``told_price`` is the mark price that a read of the exchange named, for as long as the market is not heard.
    """

    __slots__ = ("book", "candles", "gates", "instrument", "mark_price", "quoted_ms", "told_price")

    def __init__(self, instrument: Instrument, timeframe: str, limits: QualityLimits) -> None:
        self.instrument = instrument
        self.book = OverlayBook(instrument.symbol)
        self.candles = CandleBuilder(instrument.symbol, timeframe)
        self.gates = QualityGates(instrument.symbol, limits)
        self.mark_price: Decimal | None = None
        self.told_price: Decimal | None = None
        self.quoted_ms = 0


class MarketDesk:
    """All symbols of a session; a frame of any other symbol is none of its business and dropped."""

    def __init__(self, instruments: dict[str, Instrument], timeframe: str, limits: QualityLimits) -> None:
        self._desks = {
            symbol: SymbolDesk(instrument, timeframe, limits) for symbol, instrument in instruments.items()
        }
        # Why nothing may be opened at all; empty while the session agrees with its exchange.
        self.suspension = ""
        # By how much session time, in which the session asks, is ahead of the time at which frames come.
        self.ahead_ms = 0
        # After how long without a look at the time (ms) trades count as missed; None: never, in virtual time.
        self.patience_ms: int | None = None
        self._looked_ms = 0
        self._is_deaf = False
        self._brackets: dict[str, tuple[MarginBracket, ...]] = {}
        # Of each isolated position: when it was opened, and what its wallet has beyond cost over leverage.
        self._added: dict[tuple[str, PositionSide], tuple[int, Decimal]] = {}
        self.statistics = MarketStatistics(instruments, timeframe)
        self.volume = VolumeProfile()
        # Parts of the view of decisions, as of the last closed bars.
        self.volatility = self.statistics.volatility
        self.correlation = self.statistics.correlation

    # --- frames ---------------------------------------------------------------------------------------------

    def on_ticker(self, frame: TickerFrame, now_ms: int) -> None:
        """Best prices."""
        desk = self._desks.get(frame.symbol)
        if desk is None:
            return
        if desk.gates.on_quote(frame.bid_price, frame.ask_price, frame.update_id, frame.event_ms, now_ms):
            desk.book.apply_ticker(
                frame.bid_price, frame.bid_quantity, frame.ask_price, frame.ask_quantity, frame.update_id
            )
            desk.quoted_ms = now_ms

    def on_trade(self, frame: TradeFrame, now_ms: int) -> tuple[Candle, ...]:
        """A public trade; returns the candles that closed before it."""
        desk = self._desks.get(frame.symbol)
        if desk is None:
            return ()
        desk.gates.on_trade(frame.event_ms, now_ms)
        closed = desk.candles.add_trade(frame.price, frame.quantity, now_ms)
        if closed:
            self._learn_from(closed)
        return closed

    def on_point(self, frame: PointFrame, now_ms: int) -> tuple[Candle, ...]:
        """Best prices and a public trade after them, judged once; returns the candles that closed before it."""
        desk = self._desks.get(frame.symbol)
        if desk is None:
            return ()
        bid, ask, number = frame.bid_price, frame.ask_price, frame.update_id
        if desk.gates.on_quote(bid, ask, number, frame.event_ms, now_ms):
            desk.book.apply_ticker(bid, frame.bid_quantity, ask, frame.ask_quantity, number)
            desk.quoted_ms = now_ms
        closed = desk.candles.add_trade(frame.price, frame.quantity, now_ms)
        if closed:
            self._learn_from(closed)
        return closed

    def on_depth(self, frame: DepthFrame, now_ms: int) -> None:
        """Changed levels; a break of their chain is a gap until the next snapshot."""
        desk = self._desks.get(frame.symbol)
        if desk is not None:
            intact = desk.book.apply_depth(
                frame.first_update_id,
                frame.final_update_id,
                frame.previous_final_update_id,
                frame.bids,
                frame.asks,
            )
            desk.gates.on_depth(intact, frame.event_ms, now_ms)

    def on_gap(self, symbol: str, now_ms: int) -> None:
        """Updates of a book are missing, as its stream says: what it knew below the top is not traded on any more."""
        desk = self._desks.get(symbol)
        if desk is not None and desk.book.is_whole:
            desk.book.lose()
            desk.gates.on_gap(now_ms)

    def on_trades(self, now_ms: int, *, are_heard: bool) -> None:
        """Public trades and mark prices are heard from now on, or not.

        While they are not, no bar ends, none goes on later, and the middle of the book stands for the mark price.
        """
        self._is_deaf = not are_heard
        if are_heard:
            self._miss(now_ms)
            return
        # The exchange tells both by one connection: losses are not measured by a price of long ago.
        for desk in self._desks.values():
            desk.mark_price = None

    def forget_lags(self) -> None:
        """Session time has leapt: how late quotes came before it says nothing about those that come now."""
        for desk in self._desks.values():
            desk.gates.forget_lag()

    def on_snapshot(self, frame: SnapshotFrame, now_ms: int) -> None:
        """The whole book."""
        desk = self._desks.get(frame.symbol)
        if desk is not None:
            desk.book.apply_snapshot(frame.last_update_id, frame.bids, frame.asks)

    def on_mark_price(self, frame: MarkFrame, now_ms: int) -> None:
        """The exchange's own mark price."""
        desk = self._desks.get(frame.symbol)
        if desk is not None:
            desk.mark_price = frame.mark_price

    def advance(self, now_ms: int) -> list[Candle]:
        """Let time pass; returns the candles that ended without a trade after them.

        A bar that ended while nobody listened, or nobody looked, is none: it would be as flat as no market is.
        """
        if self.patience_ms is not None:
            was_away, self._looked_ms = now_ms - self._looked_ms > self.patience_ms, now_ms
            if was_away:
                self._miss(now_ms)
        if self._is_deaf:
            return []
        closed = [candle for desk in self._desks.values() for candle in desk.candles.advance(now_ms)]
        self._learn_from(closed)
        return closed

    def _miss(self, now_ms: int) -> None:
        for desk in self._desks.values():
            desk.candles.lose(now_ms)

    def _learn_from(self, closed: Iterable[Candle]) -> None:
        for candle in closed:
            self.statistics.add(candle)
            self.volume.add(candle)

    def learn(self, instruments: Iterable[Instrument]) -> None:
        """Take over filters that the exchange has changed."""
        for instrument in instruments:
            desk = self._desks.get(instrument.symbol)
            if desk is not None:
                desk.instrument = instrument

    # --- the view of decisions ------------------------------------------------------------------------------

    def instrument(self, symbol: str) -> Instrument | None:
        """The instrument, or None when it is not traded here."""
        desk = self._desks.get(symbol)
        return desk.instrument if desk is not None else None

    def best_prices(self, symbol: str) -> tuple[Decimal, Decimal] | None:
        """Best bid and best ask."""
        desk = self._desks.get(symbol)
        return desk.book.best_prices() if desk is not None else None

    def mark_price(self, symbol: str) -> Decimal | None:
        """Mark price, or the middle of the book where none is published; before either, what a read named."""
        desk = self._desks.get(symbol)
        if desk is None:
            return None
        mark = desk.mark_price
        if mark is None:
            mark = desk.book.mid()
        return desk.told_price if mark is None else mark

    def opening_objection(self, symbol: str, now_ms: int) -> str | None:
        """Why no position may be opened on this data now."""
        desk = self._desks.get(symbol)
        if desk is None:
            return f"{symbol} is not followed"
        if self.suspension:
            return self.suspension
        return desk.gates.opening_objection(now_ms - self.ahead_ms)

    def worst_price(self, symbol: str, buy: bool, quantity: Decimal) -> Decimal | None:
        """The price of the last unit of a walk through the visible book; None when it is too thin."""
        desk = self._desks.get(symbol)
        found = desk.book.walk(buy, quantity) if desk is not None else None
        return found[2] if found is not None and found[1] >= quantity else None

    def has_whole_book(self, symbol: str) -> bool:
        """Whether a snapshot came, and every change since."""
        desk = self._desks.get(symbol)
        return desk is not None and desk.book.is_whole

    def brackets(self, symbol: str) -> Sequence[MarginBracket]:
        """The brackets that the exchange named, else the instrument's one rate for every size."""
        known = self._brackets.get(symbol)
        if known is None:
            desk = self._desks.get(symbol)
            known = () if desk is None else _only_bracket(desk.instrument)
            self._brackets[symbol] = known
        return known

    def set_brackets(self, symbol: str, brackets: Sequence[MarginBracket]) -> None:
        """What the exchange says of a symbol's margin, lowest bracket first."""
        if brackets:
            self._brackets[symbol] = tuple(brackets)

    def set_told_price(self, symbol: str, mark_price: Decimal) -> None:
        """The mark price as the exchange named it when it was read."""
        desk = self._desks.get(symbol)
        if desk is not None and mark_price > 0:
            desk.told_price = mark_price

    def margin_added(self, symbol: str, side: PositionSide, opened_ms: int) -> Decimal:
        """What was added to an isolated position by hand, as of the last comparison with the exchange."""
        known = self._added.get((symbol, side))
        return known[1] if known is not None and known[0] == opened_ms else ZERO

    def set_margin_added(self, symbol: str, side: PositionSide, opened_ms: int, amount: Decimal) -> None:
        """What the exchange's wallet of a position has beyond cost over leverage; below zero if it has less."""
        self._added[symbol, side] = opened_ms, amount

    # --- for screens ----------------------------------------------------------------------------------------

    def age_ms(self, symbol: str, now_ms: int) -> int | None:
        """Session time since the last quote, or None before the first."""
        desk = self._desks.get(symbol)
        return now_ms - self.ahead_ms - desk.quoted_ms if desk is not None and desk.quoted_ms else None

    def quality(self) -> dict[str, dict[str, int]]:
        """What the gates counted, by symbol and kind of trouble."""
        return {symbol: dict(desk.gates.counts) for symbol, desk in self._desks.items()}


def _only_bracket(instrument: Instrument) -> tuple[MarginBracket, ...]:
    rate, leverage = instrument.maintenance_rate, instrument.leverage_max
    return (MarginBracket(Decimal("Infinity"), rate, Decimal(0), leverage),)
