"""An exit trades while an order turns its position, over REST and WebSockets: what was approved is held in the end."""

from decimal import Decimal

from src.application.trading.services.live_trading_service import LiveTradingService
from src.domain.decisions.news import PlaceOrder
from src.domain.market.sides import OrderSide
from src.domain.orders.order import Order
from src.domain.orders.ticket import OrderTicket
from src.domain.orders.types import OrderType, Purpose
from src.domain.risk.review import Approved, review_reducing
from tests.integration.trading.places import SYMBOL, Start, TradingPlace, assert_equal_books, lost, until

HELD, OPENS = Decimal("0.01"), Decimal("0.005")
STRATEGY = "sma_cross"


def position(service: LiveTradingService) -> Decimal:
    return service._active().loop.ledger.position(SYMBOL).quantity


def decide(service: LiveTradingService, side: OrderSide, quantity: Decimal, *, leaves: bool = False) -> Order:
    """Decide a strategy's order; it leaves with the next commit."""
    runner = service._active()
    prices = runner.parts.desk.best_prices(SYMBOL)
    assert prices is not None, "the market has begun"
    ticket = OrderTicket(
        SYMBOL,
        side,
        OrderType.MARKET,
        quantity,
        Purpose.EXIT if leaves else Purpose.ENTRY,
        STRATEGY,
        prices[0],
        reduce_only=leaves,
    )
    verdict = (
        review_reducing(runner.loop.ledger, ticket)
        if leaves
        else runner.validator.review(ticket, runner.loop.now_ms())
    )
    assert isinstance(verdict, Approved), verdict
    runner.loop.decide(PlaceOrder(verdict))
    return next(reversed(runner.loop.ledger.orders.values()))


async def raced(service: LiveTradingService) -> tuple[Order, Order]:
    """Hold, then leave and turn at the same time."""
    decide(service, OrderSide.BUY, HELD)
    await service._active().loop.flush()
    await until(lambda: position(service) == HELD)
    leaving = decide(service, OrderSide.SELL, HELD, leaves=True)
    turning = decide(service, OrderSide.SELL, HELD + OPENS)
    await service._active().loop.flush()
    return leaving, turning


async def test_what_an_exit_and_a_turning_order_open_between_them_is_taken_back(
    local: TradingPlace, start: Start
):
    service = await start(local)

    leaving, turning = await raced(service)

    await until(lambda: not leaving.is_open and not turning.is_open)
    assert (leaving.filled_quantity, turning.filled_quantity) == (HELD, HELD + OPENS)
    await until(lambda: position(service) == -OPENS)
    await assert_equal_books(service)
    await service.stop_session(flatten=True)


async def test_a_session_that_died_in_the_race_takes_back_what_it_finds(local: TradingPlace, start: Start):
    service = await start(local)
    await raced(service)
    await lost(service)

    service = await start(local)

    await until(lambda: position(service) == -OPENS)
    await assert_equal_books(service)
    await service.stop_session(flatten=True)
