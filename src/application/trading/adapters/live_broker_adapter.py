"""Turns a wish into a ticket that the exchange will take: rounding, reduce-only, position side, order type.

No I/O. Quantities are rounded down to the step, a buyer's limit down and a seller's up to the tick (never further
into the book than asked), stops towards the entry: rounding never adds risk. What cannot be rounded into something
the exchange takes becomes None, with the reason, rather than an order that is bound to be refused.
"""

from dataclasses import dataclass
from decimal import Decimal

from src.application.trading.requests import OrderRequest
from src.domain.market.instrument import Instrument
from src.domain.market.sides import OrderSide, PositionSide
from src.domain.market.view import MarketView
from src.domain.money import ZERO, round_price_down_to_tick, round_price_up_to_tick
from src.domain.orders.soundness import nearest_share, too_near, unsoundness
from src.domain.orders.ticket import OrderTicket, make_ticket
from src.domain.orders.types import OrderType, Purpose, TimeInForce
from src.domain.positions.position import Position

# Bound once: a member of an enum is looked up through its class at several times the price of a name.
_BOTH = PositionSide.BOTH
_BUY = OrderSide.BUY
_MARKET = OrderType.MARKET
_LIMIT = OrderType.LIMIT
_ENTRY = Purpose.ENTRY


class UnknownSymbol(LookupError):
    """The exchange does not list the symbol."""


class NoPrice(LookupError):
    """There is no quote yet to size or price an order with."""


@dataclass(frozen=True, slots=True)
class LiveBrokerAdapter:
    """Builds tickets. ``slippage_tolerance`` is a fraction of the best price; ``hedged``: LONG and SHORT are apart.

    ``stop_loss_pct`` and ``take_profit_pct`` are what a position gets whose entry names no prices of its own: fractions
    of its entry, zero for none.
    """

    view: MarketView
    use_market_orders: bool = True
    slippage_tolerance: Decimal = Decimal("0.001")
    hedged: bool = False
    stop_loss_pct: Decimal = ZERO
    take_profit_pct: Decimal = ZERO

    def instrument(self, symbol: str) -> Instrument:
        """The instrument; raises :class:`UnknownSymbol`."""
        instrument = self.view.instrument(symbol)
        if instrument is None:
            raise UnknownSymbol(f"{symbol} is not listed here")
        return instrument

    def side_opened(self, side: OrderSide) -> PositionSide:
        """The position that an order of this side opens: BOTH, or in hedge mode LONG or SHORT."""
        if not self.hedged:
            return _BOTH
        return PositionSide.LONG if side is OrderSide.BUY else PositionSide.SHORT

    def best_price(self, symbol: str, side: OrderSide) -> Decimal:
        """What an order of this side would pay or get at the top of the book; raises :class:`NoPrice`."""
        prices = self.view.best_prices(symbol)
        if prices is None:
            raise NoPrice(f"there is no quote of {symbol} yet")
        return prices[1] if side is _BUY else prices[0]

    def entry_limit(self, symbol: str, side: OrderSide, price: Decimal) -> Decimal | None:
        """The worst price that an entry at a best price takes; None for a market order."""
        if self.use_market_orders:
            return None
        tick = self.instrument(symbol).tick_size
        if side is OrderSide.BUY:
            return round_price_down_to_tick(price * (1 + self.slippage_tolerance), tick)
        return round_price_up_to_tick(price * (1 - self.slippage_tolerance), tick)

    def entry(
        self,
        symbol: str,
        side: OrderSide,
        quantity: Decimal,
        strategy_id: str,
        reason: str,
        position_side: PositionSide | None = None,
        price: Decimal | None = None,
    ) -> OrderTicket:
        """A ticket that trades at once: MARKET, or LIMIT IOC at best ± tolerance. ``quantity`` is on the step.

        ``price`` is the best price, for callers that know it already.
        """
        if price is None:
            price = self.best_price(symbol, side)
        limit = self.entry_limit(symbol, side, price)
        # By place as far as it goes: names cost, and this is on the way of every order.
        return make_ticket(
            symbol,
            side,
            _MARKET if limit is None else _LIMIT,
            quantity,
            _ENTRY,
            strategy_id,
            price,
            limit,
            time_in_force=None if limit is None else TimeInForce.IOC,
            position_side=position_side or self.side_opened(side),
            reason=reason,
        )

    def exit(self, position: Position, quantity: Decimal, strategy_id: str, reason: str) -> OrderTicket:
        """A reduce-only market order against a position; it needs no quote, as none has to be there to leave.

        The whole of it becomes what an order may have, which the exchange caps at the position; a part stays as asked.
        What is more than one order may have is left for the next.
        """
        side, instrument = position.side.opposite, self.view.instrument(position.symbol)
        if instrument is not None:
            if quantity >= abs(position.quantity):
                quantity = instrument.covering_quantity(quantity)
            quantity = min(quantity, instrument.market_part_max)
        try:
            price = self.best_price(position.symbol, side)
        except NoPrice:
            price = self.view.mark_price(position.symbol) or position.entry_price
        return make_ticket(
            symbol=position.symbol,
            side=side,
            order_type=OrderType.MARKET,
            quantity=quantity,
            purpose=Purpose.EXIT,
            strategy_id=strategy_id,
            reference_price=price,
            reduce_only=True,
            position_side=position.position_side,
            reason=reason,
        )

    def asked_for(self, request: OrderRequest, venue_ms: int = 0) -> OrderTicket:
        """A request of a person, as asked: nothing of it is rounded, what the exchange would refuse a rule names.

        Only percentages become prices on the tick. Raises :class:`UnknownSymbol` and :class:`NoPrice`, and ValueError,
        in one line, for a type without its price and for prices that make no sense.
        """
        instrument = self.instrument(request.symbol)
        position_side, reduce_only = self._position_of(request)
        kind, reference = request.order_type, self.best_price(request.symbol, request.side)
        limit, trigger = request.price if kind.has_limit else None, request.stop_price
        if trigger is None and kind.has_trigger and not kind.has_limit:
            trigger = request.price
        elif request.price is not None and not kind.has_limit:
            limit = request.price
        entry = limit or trigger or reference
        ticket = make_ticket(
            symbol=request.symbol,
            side=request.side,
            order_type=kind,
            quantity=request.quantity,
            purpose=Purpose.EXIT if reduce_only else Purpose.ENTRY,
            strategy_id=request.strategy_id,
            reference_price=reference,
            limit_price=limit,
            stop_price=trigger,
            time_in_force=request.time_in_force,
            reduce_only=reduce_only,
            position_side=position_side,
            stop_loss_price=request.stop_loss
            or _away(instrument, request.side, entry, request.stop_loss_pct, -1),
            take_profit_price=request.take_profit
            or _away(instrument, request.side, entry, request.take_profit_pct, 1),
            reason="by hand",
            close_position=request.close_position,
            good_till_ms=request.good_till_ms,
            activation_price=request.activation_price,
            callback_pct=request.callback_pct,
        )
        problem = unsoundness(ticket, instrument, venue_ms) or self.too_near(ticket)
        if problem is not None:
            raise ValueError(problem)
        return ticket

    def too_near(self, ticket: OrderTicket) -> str | None:
        """Why the stop or target that follows an entry would close it at once, in one line; None if it would not."""
        if ticket.reduce_only:
            return None
        nearest = nearest_share(
            ZERO if ticket.stop_loss_price else self.stop_loss_pct,
            ZERO if ticket.take_profit_price else self.take_profit_pct,
        )
        entry = ticket.limit_price or ticket.stop_price or ticket.reference_price
        return too_near(entry, self.instrument(ticket.symbol).tick_size, nearest)

    def _position_of(self, request: OrderRequest) -> tuple[PositionSide, bool]:
        """The position that a request is about, and whether it can only shrink it.

        In hedge mode the exchange closes what is named with the opposite side, reduce-only or not (Binance USDⓈ-M, New
        Order: reduceOnly cannot be sent there). ValueError, in one line, for a side that is not kept or not closed so.
        """
        opens, closes = self.side_opened(request.side), self.side_opened(request.side.opposite)
        named = request.position_side
        if named is None:
            return (closes, True) if request.reduce_only else (opens, False)
        if not self.hedged:
            if named is not PositionSide.BOTH:
                raise ValueError(
                    f"{named.value} is kept apart in hedge mode only: leave the position side out"
                )
            return named, request.reduce_only
        if named is PositionSide.BOTH:
            raise ValueError(
                "in hedge mode an order is about LONG or SHORT: say which with the position side"
            )
        if named is opens and request.reduce_only:
            raise ValueError(f"a {request.side.value} opens a {named.value} position, it cannot reduce one")
        return named, named is closes


def _away(
    instrument: Instrument, side: OrderSide, entry: Decimal, share: Decimal | None, direction: int
) -> Decimal | None:
    """``share`` of the entry away from it, to the winning side (+1) or the losing one (-1), rounded towards it."""
    if share is None:
        return None
    sign = side.sign * direction
    price = entry * (1 + share * sign)
    tick = instrument.tick_size
    return round_price_down_to_tick(price, tick) if sign > 0 else round_price_up_to_tick(price, tick)
