"""From a signal to the tickets that would follow it.

A signal that agrees with the position held changes nothing; one against it turns the position around with a single
order, and if a rule forbids the opening half, or it has no size, the exit alone goes out: exits are never blocked by
entry rules. In hedge mode no single order can turn it: the signal closes the side held, and the other is opened by the
next one.
"""

from collections.abc import Container
from decimal import Decimal

from src.application.sizing import PositionSizer, Sized
from src.application.trading.adapters.live_broker_adapter import LiveBrokerAdapter
from src.domain.ledger.events import SignalNote, make_signal_note
from src.domain.ledger.state import Ledger
from src.domain.market.sides import OrderSide, PositionSide
from src.domain.market.view import MarketView
from src.domain.money import ZERO
from src.domain.orders.soundness import nearest_share, too_near
from src.domain.orders.ticket import OrderTicket
from src.domain.portfolio.exposure import equity
from src.domain.positions.position import Position
from src.domain.risk.review import EXITS
from src.domain.signals import Signal, SignalType

_SIDE = {SignalType.BUY: OrderSide.BUY, SignalType.SELL: OrderSide.SELL}
# Bound once: a member of an enum is looked up through its class at several times the price of a name.
_EXIT = SignalType.EXIT
_BUY = OrderSide.BUY
_WHOLE = Decimal(1)
_TOGETHER = (PositionSide.BOTH,)
_APART = (PositionSide.LONG, PositionSide.SHORT)


class NothingToDo(Exception):
    """Why a signal leads to no ticket: a sentence for the why-not line."""


class OrderExecutionBridge:
    """Sizes signals and words them as tickets; sends nothing."""

    def __init__(
        self,
        ledger: Ledger,
        view: MarketView,
        adapter: LiveBrokerAdapter,
        sizer: PositionSizer,
        stop_loss_pct: Decimal,
        take_profit_pct: Decimal,
    ) -> None:
        self._ledger = ledger
        self._view = view
        self._adapter = adapter
        self._sizer = sizer
        self._nearest = nearest_share(stop_loss_pct, take_profit_pct)
        # What the price is multiplied with to get the stop of an entry; None where there is none.
        self._stop_of_buy = 1 - stop_loss_pct if stop_loss_pct else None
        self._stop_of_sell = 1 + stop_loss_pct if stop_loss_pct else None
        self.size_note = ""
        """What limited the last size, or what it rests on; for the why-not line."""

    def ticket_for(self, signal: Signal) -> OrderTicket:
        """The one ticket that follows a signal; raises :class:`NothingToDo` when none does."""
        if signal.signal_type is _EXIT:
            return self._exit(signal, self._held(signal))
        symbol, side = signal.symbol, _SIDE[signal.signal_type]
        against = self._hedged_against(signal, side)
        if against is not None:
            return self._exit(signal, against)
        position_side = self._adapter.side_opened(side)
        position = self._ledger.position(symbol, position_side)
        held = position.quantity
        if position.misses_a_trade:
            raise NothingToDo(f"a trade of {symbol} {position_side.value} has not been heard of yet")
        if held and (held > 0) is (side is _BUY):
            raise NothingToDo(f"{symbol} is already {'long' if side is _BUY else 'short'}")
        if self._entering(symbol):
            raise NothingToDo(f"an entry in {symbol} is already on its way")
        price = self._adapter.best_price(symbol, side)
        quantity, note = self._sized(symbol, side, signal.confidence, price)
        if not quantity:
            return self._without_size(signal, position, note)
        self.size_note = note
        return self._adapter.entry(
            symbol, side, quantity + abs(held), signal.strategy_id, signal.reason, position_side, price
        )

    def _without_size(self, signal: Signal, position: Position, note: str) -> OrderTicket:
        """What remains of a turn whose new position has no size: the exit."""
        if position.is_flat:
            raise NothingToDo(f"no size for {signal.symbol}: {note}")
        return self._exit(signal, position)

    @property
    def builds_gradually(self) -> bool:
        """Whether positions are built in steps, for which :meth:`next_step` has to be asked."""
        return self._sizer.steps > 1

    def next_step(self, symbol: str, strategies: Container[str]) -> OrderTicket | None:
        """The next part of a position that stands at a gain and is not whole yet, or None.

        Parts are sized anew each time; a position within half a part of the whole is whole. One that is being closed
        gets no more, nor does one that none of ``strategies`` (ids) has opened.
        """
        if self._entering(symbol):
            return None
        own = (position for position in self._positions(symbol) if position.strategy_id in strategies)
        steps = (self._step(position) for position in own)
        return next((ticket for ticket in steps if ticket is not None), None)

    def _step(self, position: Position) -> OrderTicket | None:
        if position.is_flat or position.misses_a_trade or self._leaving(position):
            return None
        symbol, mark = position.symbol, self._view.mark_price(position.symbol)
        side, held = position.side, abs(position.quantity)
        if mark is None or (mark - position.entry_price) * side.sign <= 0:
            return None
        part = self._sized(symbol, side, _WHOLE, self._adapter.best_price(symbol, side)).quantity
        if not part or held + part / 2 >= part * self._sizer.steps:
            return None
        step = int(held / part + Decimal("1.5"))
        reason = f"Step {step} of {self._sizer.steps}: the position stands at a gain."
        return self._adapter.entry(symbol, side, part, position.strategy_id, reason, position.position_side)

    def fallback_for(self, signal: Signal) -> OrderTicket | None:
        """The exit that remains when the turning order of a signal was denied; None when nothing is held."""
        position = self._held(signal)
        against = signal.signal_type is SignalType.EXIT or position.side is not _SIDE[signal.signal_type]
        if position.is_flat or not against or position.strategy_id != signal.strategy_id:
            return None
        return self._adapter.exit(position, abs(position.quantity), signal.strategy_id, signal.reason)

    def note(self, signal: Signal) -> SignalNote:
        """What the journal keeps of a signal that led to an order."""
        return make_signal_note(signal.signal_type, signal.confidence, signal.reason, signal.numbers)

    def _exit(self, signal: Signal, position: Position) -> OrderTicket:
        if position.is_flat:
            raise NothingToDo(f"{signal.symbol} is flat already")
        if position.strategy_id != signal.strategy_id:
            raise NothingToDo(f"{signal.symbol} belongs to {position.strategy_id}")
        return self._adapter.exit(position, abs(position.quantity), signal.strategy_id, signal.reason)

    def _hedged_against(self, signal: Signal, side: OrderSide) -> Position | None:
        """What the signal's own strategy holds against it in hedge mode, None in one-way mode.

        Of a side that misses a trade it is not known what is held: neither side is opened then.
        """
        if not self._adapter.hedged:
            return None
        symbol, position_side = signal.symbol, self._adapter.side_opened(side.opposite)
        position = self._ledger.position(symbol, position_side)
        if position.misses_a_trade:
            raise NothingToDo(f"a trade of {symbol} {position_side.value} has not been heard of yet")
        return position if not position.is_flat and position.strategy_id == signal.strategy_id else None

    def _held(self, signal: Signal) -> Position:
        """The position that an exit of this signal is about: its own, in hedge mode the one it holds."""
        sides = self._positions(signal.symbol)
        own = [p for p in sides if not p.is_flat and p.strategy_id == signal.strategy_id]
        return own[0] if own else sides[0]

    def _positions(self, symbol: str) -> list[Position]:
        """What may be held of a symbol: one position, in hedge mode two."""
        sides = _APART if self._ledger.is_hedged else _TOGETHER
        return [self._ledger.position(symbol, side) for side in sides]

    def _entering(self, symbol: str) -> bool:
        """Whether an order that may grow the position is still open: it has a reservation for as long as it is."""
        book = self._ledger.symbols.get(symbol)
        return book is not None and bool(book.pending_buy or book.pending_sell)

    def _leaving(self, position: Position) -> bool:
        """Whether an order that is to close the position, or a part of it, is still open."""
        key = (position.symbol, position.position_side)
        tickets = (order.ticket for order in self._ledger.orders.values() if order.is_open)
        return any(t.purpose in EXITS and (t.symbol, t.position_side) == key for t in tickets)

    def _sized(self, symbol: str, side: OrderSide, confidence: Decimal, price: Decimal) -> Sized:
        """The size of an entry at the best price.

        The rules value a position at the highest of that price, the order's limit and the mark price; so does its size.
        The stop is measured from there, too: as a share of a higher price it is never nearer than the one that will be
        placed. Where a stop or target would be too near, there is no size.
        """
        view = self._view
        instrument = self._adapter.instrument(symbol)
        factor = self._stop_of_buy if side is _BUY else self._stop_of_sell
        volatility, mark = view.volatility(symbol), view.mark_price(symbol)
        limit = self._adapter.entry_limit(symbol, side, price)
        price = max(price, limit or price, mark or price)
        trouble = too_near(price, instrument.tick_size, self._nearest)
        if trouble is not None:
            return Sized(ZERO, trouble)
        return self._sizer.size(
            equity(self._ledger, view),
            price,
            None if factor is None else price * factor,
            instrument,
            confidence,
            volatility.now if volatility is not None else None,
        )
