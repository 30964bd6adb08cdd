"""What a person does in a scripted session: orders of every kind, parents, halts, at fixed moments of session time.

An act that a kill took away is not done again: its author had no answer and has to look. One that finds nothing to
act on, because the kill took away what it was about, does nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from src.application.trading.by_hand import closing_ticket, send_by_hand
from src.application.trading.parent_requests import iceberg_ticket, oco_ticket, schedule_ticket
from src.application.trading.requests import OrderRequest
from src.application.trading.session_runner import SessionRunner
from src.domain.decisions.news import (
    MoveParent,
    MoveSession,
    MoveTrading,
    OpenParent,
    RequestCancel,
    RequestCancelAll,
    RequestModify,
)
from src.domain.orders.order import Order
from src.domain.orders.parents import ParentTicket, ParentTrigger
from src.domain.orders.types import OrderType
from src.domain.sessions.session import SessionTrigger
from src.domain.sessions.trading_states import TradingTrigger
from src.domain.shared.errors import IllegalTransition

SYMBOL = "BTCUSDT"
TICK = Decimal("0.1")
Do = Callable[[SessionRunner], None]


@dataclass(frozen=True, slots=True)
class Act:
    """Something done ``at_ms`` after the session was opened, session time."""

    at_ms: int
    do: Do


def schedule(runner: SessionRunner, script: tuple[Act, ...]) -> None:
    """Put every act that still lies ahead into the session's inbox."""
    inputs = runner.loop.inputs
    for act in script:
        ahead_ms = runner.session.started_ms + act.at_ms - inputs.now_ms()
        if ahead_ms > 0:
            inputs.after(ahead_ms, _tolerant(runner, act.do))


def _tolerant(runner: SessionRunner, do: Do) -> Callable[[], None]:
    def act() -> None:
        try:
            do(runner)
        except (IllegalTransition, ValueError, LookupError):
            # As the session answers a command that has nothing to act on any more.
            runner.parts.bus.publish("act.refused", None)

    return act


def buy(quantity: str, away: str | None = None, **more: Any) -> Do:
    """A market order, or with ``away`` a limit so far (a share of the price) below the market."""
    return lambda runner: _enter(runner, "BUY", quantity, away, more)


def sell(quantity: str, away: str | None = None, **more: Any) -> Do:
    """The same on the other side; ``away`` is above the market."""
    return lambda runner: _enter(runner, "SELL", quantity, away, more)


def _enter(runner: SessionRunner, side: str, quantity: str, away: str | None, more: dict[str, Any]) -> None:
    send_by_hand(
        runner, runner.adapter.asked_for(_request(runner, side, quantity, away, more), _venue(runner))
    )


def _request(
    runner: SessionRunner, side: str, quantity: str, away: str | None, more: dict[str, Any]
) -> OrderRequest:
    if away is None:
        return OrderRequest.of(SYMBOL, side, quantity, **more)
    price = _price(runner, side, away)
    return OrderRequest.of(SYMBOL, side, quantity, more.pop("order_type", OrderType.LIMIT), price, **more)


def _price(runner: SessionRunner, side: str, away: str) -> Decimal:
    prices = runner.loop.desk.best_prices(SYMBOL)
    if prices is None:
        raise LookupError("the market has no price yet")
    sign = -1 if side == "BUY" else 1
    best = prices[1] if side == "BUY" else prices[0]
    return (best * (1 + sign * Decimal(away))).quantize(TICK)


def _venue(runner: SessionRunner) -> int:
    return runner.loop.broker.venue_time().now_ms


def close(runner: SessionRunner) -> None:
    """Close what is held, at the market."""
    send_by_hand(runner, closing_ticket(runner, SYMBOL, "by script", None))


def _resting(runner: SessionRunner) -> Order:
    for order in runner.loop.ledger.orders.values():
        if order.is_open and order.ticket.order_type is OrderType.LIMIT and order.ticket.parent_id is None:
            return order
    raise LookupError("no order rests")


def modify(away: str, quantity: str | None = None) -> Do:
    """Another price, and quantity, for the oldest order that rests."""

    def act(runner: SessionRunner) -> None:
        order = _resting(runner)
        price = _price(runner, order.side.value, away)
        total = None if quantity is None else Decimal(quantity)
        runner.loop.decide(RequestModify(order.client_order_id, price, total, "by script"))

    return act


def cancel(runner: SessionRunner) -> None:
    """Cancel the oldest order that rests."""
    runner.loop.decide(RequestCancel(_resting(runner).client_order_id, "by script"))


def cancel_all(runner: SessionRunner) -> None:
    """Cancel every order that protects nothing."""
    runner.loop.decide(RequestCancelAll(None, "by script"))


def oco(side: str, quantity: str, away: str) -> Do:
    """A pair around the market: a limit ``away`` from it on the good side, a stop on the other."""

    def act(runner: SessionRunner) -> None:
        first = _request(runner, side, quantity, away, {})
        trigger = _price(runner, side, f"-{away}")
        second = OrderRequest.of(SYMBOL, side, quantity, OrderType.STOP_MARKET, stop_price=trigger)
        _open(runner, oco_ticket(runner.adapter, first, second, _venue(runner)))

    return act


def iceberg(side: str, quantity: str, visible: str, away: str) -> Do:
    """A limit order that shows a part."""

    def act(runner: SessionRunner) -> None:
        request = _request(runner, side, quantity, away, {})
        _open(runner, iceberg_ticket(runner.adapter, request, Decimal(visible), _venue(runner)))

    return act


def twap(side: str, quantity: str, duration_ms: int, slices: int) -> Do:
    """Parts at the market, spread over time."""

    def act(runner: SessionRunner) -> None:
        request = OrderRequest.of(SYMBOL, side, quantity)
        now_ms = runner.loop.inputs.now_ms()
        _open(runner, schedule_ticket(runner.adapter, request, duration_ms, slices, now_ms, None))

    return act


def _open(runner: SessionRunner, ticket: ParentTicket) -> None:
    runner.loop.decide(OpenParent(ticket))


def parent(trigger: ParentTrigger) -> Do:
    """Pause, resume or cancel every parent at work."""

    def act(runner: SessionRunner) -> None:
        for name, each in list(runner.loop.ledger.parents.items()):
            if not each.status.is_over:
                runner.loop.decide(MoveParent(name, trigger, "by script"))

    return act


def session(trigger: SessionTrigger) -> Do:
    """Pause or resume the session."""
    return lambda runner: _ignore(runner.loop.decide(MoveSession(trigger, "by script")))


def trading(trigger: TradingTrigger, *, flatten: bool = False) -> Do:
    """Halt, reduce, re-arm; with ``flatten`` everything is closed as well."""
    return lambda runner: _ignore(
        runner.loop.decide(MoveTrading(trigger, "by script", "the script", flatten=flatten))
    )


def _ignore(step: object) -> None:
    """What was decided is committed by the loop."""
