"""The exchange changes a symbol's filters while a session trades: what it opens is protected by the new ones."""

import asyncio
from decimal import Decimal
from urllib.request import Request, urlopen

import msgspec
import pytest

from src.application.trading.services.live_trading_service import LiveTradingService
from src.application.trading.session_loop import TICK_MS
from src.application.trading.vocabulary import OrderSide
from src.domain.orders.order import Order
from src.domain.orders.transitions import AttemptState
from src.domain.orders.types import Purpose
from tests.integration.trading.places import SYMBOL, Start, TradingPlace, assert_equal_books, price_of, until


def change_filters(place: TradingPlace, **values: str) -> None:
    """A symbol's filters are nobody's: the request names no account."""
    body = msgspec.json.encode({"symbol": SYMBOL, **values})
    with urlopen(Request(f"{place.admin_url}/admin/filters", body, method="POST"), timeout=5):
        pass


def stops(service: LiveTradingService) -> list[Order]:
    orders = service._active().loop.ledger.orders.values()
    return [
        each
        for each in orders
        if each.ticket.purpose is Purpose.PROTECTIVE_STOP
        and each.is_open
        and each.attempt_state is AttemptState.ACKED
    ]


async def holding(ahead: TradingPlace, start: Start) -> LiveTradingService:
    """A session that holds 0.003 with a stop.

    No look at the clock helps it any more: neither at new filters, nor when they have been waited for in vain.
    """
    service = await start(ahead)
    await service.place_order(SYMBOL, OrderSide.BUY, Decimal("0.003"))
    await until(lambda: len(stops(service)) == 1)
    service._active().loop.tick_ms = 3_600_000
    await asyncio.sleep(TICK_MS / 1_000)
    return service


@pytest.mark.parametrize(
    "changes",
    [{"tick_size": "50", "price_min": "50"}, {"step_size": "0.005", "quantity_min": "0.005"}],
    ids=["tick", "step"],
)
async def test_a_position_opened_under_filters_that_have_just_changed_is_kept_and_protected(
    ahead: TradingPlace, start: Start, changes: dict[str, str]
):
    service = await holding(ahead, start)
    runner = service._active()
    change_filters(ahead, **changes)

    await service.place_order(SYMBOL, OrderSide.BUY, Decimal("0.005"))

    def protected() -> bool:
        return [each.quantity >= Decimal("0.008") for each in stops(service)] == [True]

    await until(protected)
    assert runner.loop.ledger.position(SYMBOL).quantity == Decimal("0.008")
    instrument = runner.parts.desk.instrument(SYMBOL)
    assert instrument is not None, "the symbol is traded"
    (stop,) = stops(service)
    assert stop.ticket.stop_price is not None, "it waits for a price"
    assert stop.ticket.stop_price % instrument.tick_size == 0
    assert stop.quantity % instrument.step_size == 0
    await assert_equal_books(service)


@pytest.mark.parametrize("changed", ["quantity_min", "price_min"])
async def test_a_position_that_no_stop_of_its_size_or_price_protects_any_more_has_the_next_and_can_be_left(
    ahead: TradingPlace, start: Start, changed: str
):
    service = await holding(ahead, start)
    runner = service._active()
    wanted = price_of(service) - 900
    size, price = (Decimal("0.02"), wanted) if changed == "quantity_min" else (Decimal("0.003"), wanted + 300)
    change_filters(ahead, **{changed: f"{size if changed == 'quantity_min' else price}"})

    await service.protect_position(SYMBOL, stop_loss=wanted)

    await until(
        lambda: [(each.quantity, each.ticket.stop_price) for each in stops(service)] == [(size, price)]
    )
    assert runner.loop.ledger.position(SYMBOL).quantity == Decimal("0.003")
    await service.close_position(SYMBOL)
    await until(lambda: runner.loop.ledger.position(SYMBOL).is_flat)
    await assert_equal_books(service)
