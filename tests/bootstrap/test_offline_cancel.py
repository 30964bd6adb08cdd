"""An order canceled while no session runs: recorded by the one writer, and carried out by the next start."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from src.application.ports.store import AccountBusy
from src.application.trading.services.live_trading_service import OrderNotFound
from src.bootstrap.offline import cancel_order
from src.domain.orders.types import OrderStatus
from src.infrastructure.persistence.databases import SqliteDatabase
from tests.application.trading.sessions import begin, calm, die, pass_time, resting


async def a_resting_order(folder: Path) -> tuple[SqliteDatabase, str, str]:
    """A database whose process died with an order at the exchange: it, the account, the order."""
    runner = await begin(config := calm(folder))
    order = resting(runner)
    await runner.loop.flush()
    await pass_time(runner.loop, 1_000)
    account_id = runner.parts.account.account_id
    await die(runner)
    return SqliteDatabase(config.database), account_id, order.id


def records(database: SqliteDatabase, account_id: str) -> int:
    reads = database.reads()
    try:
        return reads.head(account_id).seq
    finally:
        reads.close()


async def run_off_loop(call: Callable[..., Any], *arguments: object) -> Any:
    """The command's own event loop is another one."""
    import asyncio

    return await asyncio.to_thread(call, *arguments)


async def test_the_next_start_carries_out_what_was_recorded(tmp_path: Path):
    database, account_id, order_id = await a_resting_order(tmp_path)

    canceled = await run_off_loop(cancel_order, database, account_id, order_id)
    runner = await begin(calm(tmp_path))
    await pass_time(runner.loop, 3_000)

    assert (canceled.client_order_id, canceled.running) == (order_id, False)
    order = runner.loop.ledger.orders.get(order_id) or await runner.loop.store.find_order(order_id)
    assert order is not None and order.status is OrderStatus.CANCELED
    assert order_id not in {each.client_order_id for each in await runner.parts.broker.open_orders()}
    await die(runner)


async def test_a_second_wish_and_a_wrong_one_change_nothing(tmp_path: Path):
    database, account_id, order_id = await a_resting_order(tmp_path)
    await run_off_loop(cancel_order, database, account_id, order_id)
    before = records(database, account_id)

    await run_off_loop(cancel_order, database, account_id, order_id)
    with pytest.raises(OrderNotFound, match="orders --open"):
        await run_off_loop(cancel_order, database, account_id, "nobody")

    assert records(database, account_id) == before


async def test_while_a_session_holds_the_account_nobody_else_writes(tmp_path: Path):
    runner = await begin(config := calm(tmp_path))
    order = resting(runner)
    await runner.loop.flush()

    with pytest.raises(AccountBusy):
        await run_off_loop(
            cancel_order, SqliteDatabase(config.database), runner.parts.account.account_id, order.id
        )

    await die(runner)
