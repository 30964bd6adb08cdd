"""What the simulated trader does beyond orders and parents: conditional entries, exits that rest, positions laid bare.

Each takes the running session and a seeded source of chance; what cannot be done just now is left alone.
"""

import random
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from src.application.trading.session_runner import SessionRunner
from src.domain.decisions.news import MoveTrading, PlaceOrder, RequestCancel, RequestProtection
from src.domain.market.sides import OrderSide
from src.domain.orders.ticket import OrderTicket
from src.domain.orders.types import OrderType, Purpose, TimeInForce
from src.domain.positions.position import Position
from src.domain.risk.review import Approved
from src.domain.sessions.trading_states import TradingTrigger
from tests.simulation.market import SYMBOL, TICK

TRADER: Final = "trader"
CALLBACK: Final = Decimal("0.001")

Deed = Callable[[SessionRunner, random.Random], None]


def enter_on_a_trigger(runner: SessionRunner, rng: random.Random) -> None:
    """An entry of any conditional kind, its trigger a few ticks away on the side where it waits."""
    prices = runner.loop.desk.best_prices(SYMBOL)
    if prices is None:
        return
    side = rng.choice(tuple(OrderSide))
    kind = rng.choice([each for each in OrderType if each.is_conditional])
    waits_for_gain = kind in (OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_MARKET)
    trigger = prices[0] + TICK * rng.randrange(3, 40) * (-side.sign if waits_for_gain else side.sign)
    more: dict[str, Any] = {"stop_price": trigger} if kind.has_trigger else {"callback_pct": CALLBACK}
    if kind.has_limit:
        more |= {
            "limit_price": trigger + TICK * rng.randrange(-5, 6),
            "time_in_force": TimeInForce.GTC,
        }
    ticket = OrderTicket(
        SYMBOL,
        side,
        kind,
        Decimal(rng.choice((2, 3, 10))) / 1000,
        Purpose.ENTRY,
        TRADER,
        prices[0],
        position_side=runner.adapter.side_opened(side),
        **more,
    )
    place(runner, ticket)


def exit_that_rests(runner: SessionRunner, rng: random.Random) -> None:
    """A reduce-only limit order beside the protection, or a stop that closes whatever is held."""
    position, prices = _one_of(runner, rng), runner.loop.desk.best_prices(SYMBOL)
    if position is None or prices is None:
        return
    ticket = runner.adapter.exit(position, abs(position.quantity), TRADER, "at random")
    if rng.random() < 0.5:
        limit = prices[0] + TICK * rng.randrange(-20, 21)
        changes: dict[str, Any] = {
            "order_type": OrderType.LIMIT,
            "limit_price": limit,
            "time_in_force": TimeInForce.GTC,
        }
        place(runner, replace(ticket, **changes))
        return
    trigger = prices[0] + TICK * rng.randrange(3, 60) * ticket.side.sign
    changes = {
        "order_type": OrderType.STOP_MARKET,
        "stop_price": trigger,
        "close_position": rng.random() < 0.5,
    }
    place(runner, replace(ticket, **changes))


def close_one(runner: SessionRunner, rng: random.Random) -> None:
    """Close a position at the market."""
    position = _one_of(runner, rng)
    if position is not None:
        place(runner, runner.adapter.exit(position, abs(position.quantity), TRADER, "at random"))


def lay_bare(runner: SessionRunner, rng: random.Random) -> None:
    """Cancel a stop or a target by hand; a little later protection is wanted back."""
    loop = runner.loop
    guards = [o for o in loop.ledger.orders.values() if o.is_open and o.ticket.purpose.is_protective]
    if not guards:
        return
    loop.decide(RequestCancel(rng.choice(guards).client_order_id, "at random"))
    loop.inputs.after(rng.randrange(50, 2_000), lambda: protect_again(runner))


def protect_again(runner: SessionRunner) -> None:
    """Want a stop and a target for whatever is held."""
    for position in _held(runner):
        runner.loop.decide(RequestProtection(position.symbol, position.position_side))


def flatten(runner: SessionRunner, rng: random.Random) -> None:
    """Halt and close everything; trading is armed again as after any halt of the trader's."""
    runner.loop.decide(MoveTrading(TradingTrigger.HALT, "at random", TRADER, flatten=True))


DEEDS: Final[tuple[Deed, ...]] = (enter_on_a_trigger, enter_on_a_trigger, exit_that_rests, lay_bare, flatten)


def place(runner: SessionRunner, ticket: OrderTicket) -> None:
    """Place it if the rules allow."""
    verdict = runner.validator.review(ticket, runner.loop.now_ms())
    if isinstance(verdict, Approved):
        runner.loop.decide(PlaceOrder(verdict))


def _held(runner: SessionRunner) -> list[Position]:
    return [position for position in runner.loop.ledger.positions.values() if not position.is_flat]


def _one_of(runner: SessionRunner, rng: random.Random) -> Position | None:
    held = _held(runner)
    return rng.choice(held) if held else None
