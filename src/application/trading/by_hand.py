"""What people do with positions by hand: close one, or bring it to a size. Tickets, and how they are sent."""

from decimal import Decimal
from typing import Protocol

from src.application.plain_text import plain
from src.application.trading.adapters.live_broker_adapter import LiveBrokerAdapter
from src.application.trading.requests import ExecutionResult
from src.application.trading.services.pretrade_risk_validator import PretradeRiskValidator
from src.application.trading.session_loop import SessionLoop
from src.domain.decisions.news import PlaceOrder, RefuseOrder, RequestProtection
from src.domain.ledger.state import Ledger
from src.domain.market.sides import OrderSide, PositionSide
from src.domain.market.symbols import canonical_symbol
from src.domain.orders.soundness import unsound_protection
from src.domain.orders.ticket import OrderTicket
from src.domain.positions.position import Position
from src.domain.risk.review import Denied
from src.domain.risk.rules import MANUAL


class PositionNotFound(LookupError):
    """There is no such position."""


class Desk(Protocol):
    """The parts of a running session that orders by hand need."""

    loop: SessionLoop
    adapter: LiveBrokerAdapter
    validator: PretradeRiskValidator


def find_position(ledger: Ledger, symbol: str, side: PositionSide | str | None) -> Position:
    """The open position of a symbol, in any spelling.

    ``side`` tells LONG from SHORT where both are open. Raises :class:`PositionNotFound` when there is none, and
    ValueError when it has to be said which.
    """
    name = canonical_symbol(symbol)
    wanted = PositionSide(side) if side else None
    found = [
        position
        for position in ledger.positions.values()
        if position.symbol == name
        and not position.is_flat
        and wanted in (None, PositionSide.BOTH, position.position_side)
    ]
    one_way = ledger.positions.get((name, PositionSide.BOTH))
    if not found and one_way is not None and not one_way.is_flat:
        raise PositionNotFound(f"{name} is held one-way, not LONG beside SHORT: leave out the position side")
    if not found:
        raise PositionNotFound(f"there is no position in {name}{f' {wanted.value}' if wanted else ''}")
    if len(found) > 1:
        raise ValueError(f"{name} is held LONG and SHORT: say which with the position side")
    return found[0]


def closing_ticket(desk: Desk, symbol: str, reason: str, side: PositionSide | str | None) -> OrderTicket:
    """A market order that takes all of a position that is not on its way out already."""
    position = find_position(desk.loop.ledger, symbol, side)
    return desk.adapter.exit(
        position, abs(position.quantity), position.strategy_id or MANUAL, plain(reason or "closed by hand")
    )


def adjusting_ticket(
    desk: Desk, symbol: str, target: Decimal, side: PositionSide | str | None
) -> OrderTicket | None:
    """The market order from what is held to ``target`` (base asset, below zero for short); None when it is there.

    What grows the position, or turns it around, is an entry and meets every rule; what shrinks it is an exit. Rounded
    down to the step, unless nothing is to be left. In hedge mode ``side`` is LONG or SHORT, and the target keeps its
    sign; ValueError for 0 without ``side`` where both are held, and for what its stop or target would close at once.
    """
    name = canonical_symbol(symbol)
    wanted = PositionSide(side) if side else PositionSide.BOTH
    if desk.loop.ledger.is_hedged and wanted is PositionSide.BOTH:
        wanted = _side_meant(desk.loop.ledger, name, target)
    if (wanted is PositionSide.LONG and target < 0) or (wanted is PositionSide.SHORT and target > 0):
        raise ValueError(f"a {wanted.value} position cannot be {target:f}: its sign is the other one")
    position = desk.loop.ledger.position(name, wanted)
    if position.misses_a_trade:
        raise ValueError(
            f"a trade of {name} {wanted.value} has not been heard of yet: it is asked for, try again"
        )
    difference = target - position.quantity
    quantity = desk.adapter.instrument(name).round_quantity(abs(difference)) if target else abs(difference)
    if not quantity:
        return None
    order_side = OrderSide.BUY if difference > 0 else OrderSide.SELL
    owner = position.strategy_id if not position.is_flat else MANUAL
    shrinks = (
        not position.is_flat and position.side is not order_side and abs(difference) <= abs(position.quantity)
    )
    if shrinks:
        return desk.adapter.exit(position, quantity, owner or MANUAL, "adjusted by hand")
    ticket = desk.adapter.entry(name, order_side, quantity, owner or MANUAL, "adjusted by hand", wanted)
    problem = desk.adapter.too_near(ticket)
    if problem is not None:
        raise ValueError(problem)
    return ticket


def check_protection(desk: Desk, news: RequestProtection) -> None:
    """ValueError, in one line, for a new stop or target that would end its position at once, or that is no price."""
    position = desk.loop.ledger.position(news.symbol, news.position_side)
    view = desk.adapter.view
    instrument, prices = view.instrument(news.symbol), view.best_prices(news.symbol)
    if position.is_flat or instrument is None:
        return
    market = None if prices is None else prices[0 if position.side is OrderSide.BUY else 1]
    problem = unsound_protection(position, news.stop_loss_price, news.take_profit_price, market, instrument)
    if problem is not None:
        raise ValueError(problem)


def _side_meant(ledger: Ledger, symbol: str, target: Decimal) -> PositionSide:
    """The side of hedge mode that a target is about: by its sign, or, where nothing is to be left, the one held."""
    if target:
        return PositionSide.LONG if target > 0 else PositionSide.SHORT
    try:
        return find_position(ledger, symbol, None).position_side
    except PositionNotFound:
        return PositionSide.BOTH


def send_by_hand(desk: Desk, ticket: OrderTicket) -> str | ExecutionResult:
    """Review a ticket and make it an order; returns its id, or the refusal."""
    verdict = desk.validator.review(ticket, desk.loop.now_ms())
    if isinstance(verdict, Denied):
        desk.loop.decide(RefuseOrder(verdict))
        return ExecutionResult(False, "", f"{verdict.objection.rule}: {verdict.objection.text}")
    desk.loop.decide(PlaceOrder(verdict))
    return next(reversed(desk.loop.ledger.orders))
