"""What is done so that an operation happens in a phase: orders, cancels, closes, silence, a kill."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

from src.application.ports.failpoints import install_hook
from src.application.trading.session_runner import SessionRunner
from src.domain.decisions.news import PlaceOrder, RequestCancel, RequestModify
from src.domain.market.sides import OrderSide
from src.domain.orders.order import Order
from src.domain.orders.ticket import OrderTicket
from src.domain.orders.transitions import UNRESOLVED, AttemptState
from src.domain.orders.types import OrderType, Purpose, TimeInForce
from src.domain.risk.review import Approved
from src.infrastructure.simulated_exchange.server.fault_rules import FaultRule
from tests.matrix.phases import Phase
from tests.matrix.world import World
from tests.support.engine_builders import BTC

QUANTITY: Final = Decimal("0.010")
RESTING: Final = Decimal("75620.0")
FILLS_RESTING: Final = Decimal("75600.0")
"""Below the resting entry, above the stop of a position entered at 76000."""
LOST_ENTRY: Final = FaultRule("order.place", "drop_request")
LOST_CANCEL: Final = FaultRule("order.cancel", "drop_request")


async def bring_to(world: World, phase: Phase) -> None:
    """Bring a new world to a phase; for those before a session runs, as far as the process before it came."""
    await world.start()
    if phase is Phase.ENTRY:
        await rest(world)
    if phase in (Phase.START, Phase.POSITION, Phase.RECOVERY, Phase.STOPPING):
        await enter(world)
        await world.until(is_protected)
    if phase in (Phase.RECOVERY, Phase.STOPPING):
        await rest(world)
    if phase is Phase.START:
        await world.stop()
    if phase is Phase.RECOVERY:
        await world.kill()


def is_protected(runner: SessionRunner) -> bool:
    """Whether the position has both its protective orders, acknowledged."""
    guards = [
        order
        for order in runner.loop.ledger.orders.values()
        if order.is_open and order.ticket.purpose.is_protective and order.attempt_state is AttemptState.ACKED
    ]
    return len(guards) == 2


def is_quiet(runner: SessionRunner) -> bool:
    """Whether nothing is unclear and the session is in step with its exchange."""
    loop = runner.loop
    if loop.desk.suspension or loop.reconcile_wanted or loop.stream_lost or runner.synchrony.is_comparing:
        return False
    return not any(order.attempt_state in UNRESOLVED for order in loop.ledger.orders.values())


async def enter(world: World) -> None:
    """A market entry."""
    await _place(world, order_type=OrderType.MARKET)


async def rest_lower(world: World) -> None:
    """Another limit entry, below the first."""
    await rest(world, RESTING - 50)


async def rest(world: World, limit_price: Decimal = RESTING) -> None:
    """A limit entry half a percent below the market, and its acknowledgement if there is one soon."""
    await _place(world, order_type=OrderType.LIMIT, limit_price=limit_price, time_in_force=TimeInForce.GTC)


async def _place(world: World, **changes: Any) -> None:
    def place(runner: SessionRunner) -> bool:
        prices = runner.loop.desk.best_prices(BTC)
        if prices is None:
            return False
        ticket = OrderTicket(
            symbol=BTC,
            side=OrderSide.BUY,
            quantity=QUANTITY,
            purpose=Purpose.ENTRY,
            strategy_id="trader",
            reference_price=prices[0],
            **changes,
        )
        verdict = runner.validator.review(ticket, runner.loop.now_ms())
        if isinstance(verdict, Approved):
            runner.loop.decide(PlaceOrder(verdict))
        return isinstance(verdict, Approved)

    await _insist(world, place)
    await world.until(lambda runner: not _has_open_attempt(runner), 1.0)


def _has_open_attempt(runner: SessionRunner) -> bool:
    return any(order.attempt_state is AttemptState.OPEN for order in runner.loop.ledger.orders.values())


async def _insist(world: World, deed: Callable[[SessionRunner], bool]) -> bool:
    """Ask every tenth of a second until the session agrees; what it does not agree to does not happen."""
    for _ in range(100):
        if not world.is_alive:
            return False
        if await world.tell(deed):
            return True
        await world.until(lambda runner: False, 0.1)
    return False


async def close(world: World) -> None:
    """Close the position at market."""

    def leave(runner: SessionRunner) -> bool:
        position = runner.loop.ledger.position(BTC)
        if position.is_flat:
            return False
        ticket = runner.adapter.exit(position, abs(position.quantity), "trader", "asked for")
        verdict = runner.validator.review(ticket, runner.loop.now_ms())
        if isinstance(verdict, Approved):
            runner.loop.decide(PlaceOrder(verdict))
        return isinstance(verdict, Approved)

    await _insist(world, leave)


def _resting(runner: SessionRunner) -> Order | None:
    orders = runner.loop.ledger.orders.values()
    return next((o for o in orders if o.is_open and o.ticket.order_type is OrderType.LIMIT), None)


async def cancel(world: World) -> None:
    """Cancel the resting entry."""

    def wish(runner: SessionRunner) -> None:
        order = _resting(runner)
        if order is not None:
            runner.loop.decide(RequestCancel(order.client_order_id, "asked for"))

    await world.tell(wish)


async def amend(world: World) -> None:
    """Another price and quantity for the resting entry."""

    def wish(runner: SessionRunner) -> None:
        order = _resting(runner)
        assert order is not None, "an entry rests"
        price, quantity = RESTING - 10, QUANTITY + Decimal("0.002")
        runner.loop.decide(RequestModify(order.client_order_id, price, quantity, "asked for"))

    await world.tell(wish)


async def compare(world: World) -> None:
    """Compare with the exchange."""

    def wish(runner: SessionRunner) -> None:
        runner.loop.reconcile_wanted = runner.loop.reconcile_wanted or "asked for"

    await world.tell(wish)


async def round_trip(world: World) -> None:
    """Enter, be protected, close."""
    await enter(world)
    await world.until(is_protected, 3.0)
    await close(world)


def in_recovery(deed: Callable[[], object]) -> None:
    """Do it in the middle of the next recovery: the stream is open, nothing has been read."""
    done: list[str] = []

    def hook(name: str) -> None:
        if name == "recovery.stream_opened" and not done:
            done.append(name)
            deed()

    install_hook(hook)


def owner_trades(world: World, side: str, quantity: str, **more: Any) -> None:
    """The account's owner trades by hand."""
    world.admin("POST owner_trades", account=1, symbol=BTC, side=side, quantity=quantity, **more)


def has_the_right_stop(world: World) -> Callable[[SessionRunner], bool]:
    """Whether the one stop that stands at the exchange is one percent below what is held costs there."""

    def look(runner: SessionRunner) -> bool:
        engine = world.server.services.venue.engine
        (held,) = [row for row in engine.position_risk(1) if float(row["positionAmt"])]
        stops = [row for row in engine.open_algo_orders(1) if row["orderType"] == "STOP_MARKET"]
        right = Decimal(held["entryPrice"]) * Decimal("0.99")
        return [0 <= Decimal(row["triggerPrice"]) - right < Decimal("0.1") for row in stops] == [True]

    return look
