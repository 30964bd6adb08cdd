"""An account that somebody has used before: its books begin with what it holds, not with how it came to it."""

from decimal import Decimal
from pathlib import Path

import pytest

from src.application.trading.vocabulary import Order, OrderSide
from src.domain.ledger.events import FillBooked, IncomeBooked
from src.domain.ledger.events.account import OPENING_BALANCE
from src.infrastructure.persistence.codec import decode
from src.infrastructure.persistence.read_models import SqliteReadModels
from tests.integration.trading.places import SYMBOL, Start, TradingPlace, assert_equal_books, until


async def used_before(local: TradingPlace) -> None:
    """Somebody has traded with another client, still holds something, and lost a little."""
    other = local.broker()
    for side, quantity in ((OrderSide.BUY, 0.05), (OrderSide.SELL, 0.05), (OrderSide.BUY, 0.02)):
        assert (await other.place_order(Order.of(SYMBOL, side, quantity))).success
    await until(other.get_positions, every_s=0.2)
    await other.close()


def booked(folder: Path) -> tuple[list[IncomeBooked], list[FillBooked]]:
    reads = SqliteReadModels(folder / "steadyhand.db")
    try:
        (account,) = reads.accounts()
        events = [decode(row.kind, row.payload) for row in reads.journal(account.account_id)]
    finally:
        reads.close()
    return (
        [event for event in events if isinstance(event, IncomeBooked)],
        [event for event in events if isinstance(event, FillBooked)],
    )


async def test_the_first_session_books_the_balance_and_what_is_held(
    local: TradingPlace, start: Start, data_folder: Path
):
    await used_before(local)

    service = await start(local)

    broker = service._active().parts.broker
    (wallet,) = [b.wallet_balance for b in await broker.balances() if b.asset == "USDT"]
    income, fills = booked(data_folder)
    assert [(row.income_type, row.asset, row.amount) for row in income] == [(OPENING_BALANCE, "USDT", wallet)]
    assert [(fill.trade_id, fill.quantity, fill.strategy_id) for fill in fills] == [
        (0, Decimal("0.02"), "external")
    ]
    await assert_equal_books(service)
    stop = [o for o in service._active().loop.ledger.orders.values() if o.ticket.order_type == "STOP_MARKET"]
    assert [o.quantity for o in stop] == [Decimal("0.02")], "what is held is protected"
    assert service.snapshot().trading_state == "ACTIVE"


async def test_from_there_on_everything_is_booked_and_the_next_session_begins_there(
    local: TradingPlace, start: Start, data_folder: Path
):
    await used_before(local)
    service = await start(local)
    await service.place_order(SYMBOL, OrderSide.BUY, "0.01")
    await until(lambda: service.snapshot().positions[0].quantity == Decimal("0.03"))
    local.admin("POST deposits", amount=100)
    local.admin("POST owner_trades", symbol="ETHUSDT", side="BUY", quantity="0.1")
    await until(lambda: len(service.snapshot().positions) == 2)
    await service._active().recovery.recover("a test", new_stream=False)
    await assert_equal_books(service)
    await service.stop_session()

    again = await start(local)

    await assert_equal_books(again)
    income, fills = booked(data_folder)
    assert [row.income_type for row in income] == [OPENING_BALANCE, "TRANSFER"]
    assert len({(fill.symbol, fill.trade_id) for fill in fills}) == len(fills)


async def test_a_new_symbol_does_not_bring_its_past_with_it(local: TradingPlace, start: Start):
    other = local.broker()
    for side in (OrderSide.BUY, OrderSide.SELL):
        assert (await other.place_order(Order.of("ETHUSDT", side, 0.3))).success
    await other.close()
    service = await start(local)

    local.admin("POST owner_trades", symbol="ETHUSDT", side="BUY", quantity="0.1")

    await until(lambda: service.snapshot().positions)
    report = await service._active().recovery.recover("a test", new_stream=False)
    assert report.agrees
    await assert_equal_books(service)


@pytest.mark.parametrize(
    ("policy", "owner", "state"),
    [("adopt", "manual", "ACTIVE"), ("count", "external", "ACTIVE"), ("halt", "external", "HALTED")],
)
async def test_what_is_held_belongs_to_whom_the_policy_says(
    local: TradingPlace,
    start: Start,
    data_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    policy: str,
    owner: str,
    state: str,
):
    monkeypatch.setenv("STEADYHAND_EXTERNAL_ORDERS", policy)
    await used_before(local)

    service = await start(local)

    _, fills = booked(data_folder)
    assert fills[0].strategy_id == owner
    assert service._active().loop.ledger.account.trading_state == state
    await service.stop_session()
