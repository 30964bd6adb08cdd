"""What every store promises, on a file and on a server."""

import asyncio
from dataclasses import replace
from decimal import Decimal

import pytest

from src.application.ports.store import AccountBusy, LeaseLost, StoreCorrupt, StoreError
from src.domain.ledger import events as e
from src.domain.ledger.evolve import evolve
from src.domain.market.sides import OrderSide
from src.domain.orders.transitions import AttemptTrigger, OrderTrigger
from src.domain.orders.types import OrderStatus
from src.domain.sessions.session import SessionTrigger
from src.infrastructure.persistence.databases import Database
from tests.support.ledger_builders import (
    ACCOUNT,
    START_MS,
    a_fill,
    a_ticket,
    an_intent,
    ledger_snapshot,
    some_options,
)
from tests.support.store_writer import Writer, run_sql


async def test_a_commit_with_nothing_to_write_makes_no_transaction(database: Database, failpoints: list[str]):
    writer = await Writer.open(database)
    failpoints.clear()

    await writer.store.commit(writer.ledger)

    assert failpoints == []
    await writer.end()


async def test_a_settled_order_leaves_the_working_set_and_is_found_again(database: Database):
    writer = await Writer.open(database)
    intent = an_intent()
    name = intent.attempt.client_order_id
    await writer.write(intent, e.AttemptMoved(name, AttemptTrigger.ACCEPTED, 77))

    await writer.write(a_fill(intent, trade_id=5))

    found = await writer.store.find_order(name)
    assert name not in writer.ledger.orders
    assert found is not None
    assert (found.status, found.trade_ids, found.ticket) == (OrderStatus.FILLED, {5}, intent.ticket)
    assert await writer.store.find_order_by_exchange_id("BTCUSDT", 77) == found
    assert await writer.store.find_order_by_exchange_id("ETHUSDT", 77) is None
    await writer.end()


async def test_the_time_of_a_booked_trade_is_found_and_of_no_other(database: Database):
    writer = await Writer.open(database)
    intent = an_intent()
    fill = a_fill(intent, trade_id=5)
    await writer.write(intent, fill)

    assert await writer.store.traded_ms("BTCUSDT", 5) == fill.traded_ms
    assert await writer.store.traded_ms("BTCUSDT", 6) is None
    assert await writer.store.traded_ms("ETHUSDT", 5) is None
    await writer.end()


async def test_a_late_fill_of_a_settled_order_is_written_to_its_row(database: Database):
    writer = await Writer.open(database)
    intent = an_intent()
    name = intent.attempt.client_order_id
    await writer.write(intent, e.OrderMoved(name, OrderTrigger.CANCEL, Decimal(0), START_MS))
    assert name not in writer.ledger.orders

    await writer.write(a_fill(intent, quantity=Decimal("0.04")))

    found = await writer.store.find_order(name)
    assert found is not None
    assert (found.status, found.filled_quantity) == (OrderStatus.CANCELED, Decimal("0.04"))
    await writer.end()


async def test_a_start_reads_no_order_before_the_oldest_open_one(database: Database):
    writer = await Writer.open(database)
    for number in range(1, 4):
        await writer.write(intent := an_intent(number), a_fill(intent, number))
    await writer.write(an_intent(4))

    (found,) = await run_sql(database, "SELECT working_from FROM account")
    (oldest,) = await run_sql(database, "SELECT order_no FROM orders WHERE NOT settled")
    (first,) = await run_sql(database, "SELECT min(order_no) FROM orders")

    assert found == oldest > first
    await writer.end()


async def test_a_start_reads_a_settled_order_that_waits_for_trades_again(database: Database):
    writer = await Writer.open(database)
    name = (ended := an_intent(1)).attempt.client_order_id
    await writer.write(ended, e.OrderMoved(name, OrderTrigger.CANCEL, Decimal(0), START_MS))
    await writer.write(an_intent(2))

    # In one commit with an order that is new.
    await writer.write(e.OrderMoved(name, OrderTrigger.CANCEL, Decimal("0.04"), START_MS), an_intent(3))
    held = await writer.end()

    again = await Writer.open(database)
    assert name in again.ledger.orders and len(again.ledger.orders) == 3
    assert ledger_snapshot(again.ledger) == held
    await again.end()


async def test_a_client_order_id_is_never_stored_twice(database: Database):
    writer = await Writer.open(database)
    await writer.write(intent := an_intent(1))

    with pytest.raises(StoreError, match=r"(?i)unique"):
        await writer.write(replace(intent, intent=2))


async def test_a_fill_is_never_stored_twice(database: Database):
    writer = await Writer.open(database)
    await writer.write(intent := an_intent(), a_fill(intent, quantity=Decimal("0.01")))

    with pytest.raises(StoreError, match=r"(?i)unique"):
        await writer.write(a_fill(intent, quantity=Decimal("0.01")))


async def test_what_was_staged_and_not_committed_is_gone(database: Database):
    writer = await Writer.open(database)
    await writer.write(an_intent(1))
    head = writer.store.head

    await writer.tell(an_intent(2))
    await writer.store.close()

    again = await Writer.open(database)
    assert again.store.head == head
    assert len(again.ledger.orders) == 1
    await again.end()


async def test_a_rehearsed_event_leaves_no_trace(database: Database):
    writer = await Writer.open(database)
    await writer.write(an_intent(1))
    head = writer.store.head

    writer.store.rehearse(START_MS, [an_intent(2)])
    await writer.store.commit(writer.ledger)

    assert writer.store.head == head
    await writer.write(an_intent(2))
    assert writer.store.head.seq == head.seq + 1
    await writer.end()


async def test_nothing_is_staged_without_the_lease(database: Database):
    store = database.store()
    await store.open_account(ACCOUNT, START_MS)
    await store.load(ACCOUNT.account_id)

    with pytest.raises(StoreError, match="acquire the account first"):
        store.stage(START_MS, [an_intent()])
    await store.close()


async def test_an_unknown_account_cannot_be_acquired_or_loaded(database: Database):
    store = database.store()

    assert await store.load("nobody") is None
    with pytest.raises(StoreError, match="init-db"):
        await store.acquire("nobody", "a test")
    await store.close()


async def test_opening_an_account_twice_changes_nothing(database: Database):
    writer = await Writer.open(database)
    head = writer.store.head

    await writer.store.open_account(replace(ACCOUNT, namespace="xyz"), START_MS)

    assert writer.store.head == head
    assert database.reads().verify(ACCOUNT.account_id) == 1
    await writer.end()


async def test_two_accounts_of_one_database_do_not_touch_each_other(database: Database):
    first = await Writer.open(database)
    await first.write(an_intent(1))
    other = replace(ACCOUNT, account_id="account-2", namespace="def")
    await first.store.open_account(other, START_MS)
    second = database.store("OFF")
    await second.acquire("account-2", "another test")
    ledger = await second.load("account-2")
    assert ledger is not None
    second.stage(START_MS, [intent := an_intent(1)])
    evolve(ledger, intent, START_MS)
    await second.commit(ledger)

    await first.write(e.AttemptMoved(intent.attempt.client_order_id, AttemptTrigger.ACCEPTED, 77))

    reads = database.reads()
    assert (reads.verify(ACCOUNT.account_id), reads.verify("account-2")) == (3, 2)
    assert await second.find_order_by_exchange_id("BTCUSDT", 77) is None
    await second.close()
    await first.end()


async def test_a_writer_whose_lease_was_taken_over_writes_nothing(database: Database):
    writer = await Writer.open(database)
    await run_sql(database, "UPDATE account SET lease_epoch = lease_epoch + 1")

    with pytest.raises(LeaseLost):
        await writer.write(an_intent())

    with pytest.raises(StoreError, match="closed to everything"):
        await writer.write(an_intent())
    await writer.store.close()
    assert database.reads().verify(ACCOUNT.account_id) == 1


async def test_a_writer_whose_lease_is_lost_in_a_large_commit_writes_nothing(database: Database):
    writer = await Writer.open(database)
    await run_sql(database, "UPDATE account SET lease_epoch = lease_epoch + 1")

    with pytest.raises(LeaseLost, match="another process took the account over"):
        await writer.write(*(an_intent(number) for number in range(1, 60)))

    await writer.store.close()
    assert await run_sql(database, "SELECT count(*) FROM orders") == [(0,)]


async def test_an_account_is_held_by_one_store_at_a_time(database: Database):
    writer = await Writer.open(database)
    second = database.store()

    with pytest.raises(AccountBusy, match=r"held by a test.*: stop that session first") as refused:
        await second.acquire(ACCOUNT.account_id, "another")

    assert "\n" not in str(refused.value)
    await second.close()
    await writer.end()
    third = database.store()
    assert await third.acquire(ACCOUNT.account_id, "another") == 2
    await third.close()


async def test_who_holds_an_account_can_be_asked_without_taking_it(database: Database):
    assert database.holder("no such account") is None
    writer = await Writer.open(database)

    holder = await asyncio.to_thread(database.holder, ACCOUNT.account_id)

    assert holder is not None and holder.startswith("a test")
    await writer.write(an_intent(1))
    await writer.end()
    assert await asyncio.to_thread(database.holder, ACCOUNT.account_id) is None


async def test_every_start_has_an_epoch_of_its_own(database: Database):
    epochs = []

    for _ in range(3):
        writer = await Writer.open(database)
        epochs.append(writer.epoch)
        await writer.end()

    assert epochs == [1, 2, 3]


async def test_everything_that_a_commit_writes_is_loaded_as_it_was(database: Database):
    writer = await Writer.open(database)
    first, second = an_intent(1), an_intent(2, a_ticket(side=OrderSide.SELL, quantity=Decimal("0.03")))
    amount = Decimal("0.123456789012345678901234567890")
    await writer.write(e.SessionOpened("session-1", some_options()), first)
    await writer.write(
        e.AttemptMoved(first.attempt.client_order_id, AttemptTrigger.ACCEPTED, 77),
        a_fill(first, 1, quantity=Decimal("0.04")),
        e.EquityMarked(amount, amount, -amount),
    )
    await writer.write(second, a_fill(second, 2, quantity=Decimal("0.03"), side=OrderSide.SELL))
    await writer.write(e.IncomeBooked(1, "FUNDING_FEE", "USDT", amount, "BTCUSDT", START_MS))
    await writer.write(
        e.AlarmRaised("a subject", "Überraschung"), e.RecoveryFinished("a cause", 1, 2, 3, 4, 5, False)
    )

    held = await writer.end()

    reads = database.reads()
    loaded = reads.ledger(ACCOUNT.account_id)
    (point,) = reads.equity_curve(ACCOUNT.account_id)
    reads.close()
    assert loaded is not None
    assert ledger_snapshot(loaded) == held
    assert (point.wallet, point.exposure) == (amount, -amount), "amounts are exact at any length"


async def test_a_large_commit_is_one_transaction(database: Database):
    writer = await Writer.open(database)
    intents = [an_intent(number) for number in range(1, 1_101)]
    fills = [a_fill(intent, number, quantity=Decimal("0.001")) for number, intent in enumerate(intents, 1)]

    await writer.write(*intents, *fills)

    held = await writer.end()
    reads = database.reads()
    loaded = reads.ledger(ACCOUNT.account_id)
    assert loaded is not None
    assert ledger_snapshot(loaded) == held
    assert reads.verify(ACCOUNT.account_id) == 2_201
    reads.close()


async def test_what_changes_a_row_twice_in_one_commit_is_stored_in_full(database: Database):
    writer = await Writer.open(database)
    await writer.write(e.SessionOpened("session-1", some_options()))

    await writer.write(
        e.SessionMoved("session-1", SessionTrigger.START, "a reason"),
        e.StrategiesChosen("session-1", ("rsi",), "a reason"),
    )

    held = await writer.end()
    reads = database.reads()
    loaded = reads.ledger(ACCOUNT.account_id)
    reads.close()
    assert loaded is not None and loaded.session is not None
    assert ledger_snapshot(loaded) == held
    assert (loaded.session.status.value, loaded.session.options.strategies) == ("STARTING", ("rsi",))


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE journal SET kind='session_opened' WHERE seq=2",
        "DELETE FROM journal WHERE seq=3",
        "UPDATE account SET head_seq=3",
    ],
    ids=["changed", "lost", "added"],
)
async def test_a_journal_that_was_tampered_with_is_noticed_by_the_next_start_and_by_a_check(
    database: Database, damage: str
):
    writer = await Writer.open(database)
    await writer.write(*(e.StreamOpened(number) for number in range(3)))
    await writer.end()

    await run_sql(database, damage)

    store = database.store()
    for check in (lambda: store.load(ACCOUNT.account_id), lambda: asyncio.to_thread(verify, database)):
        with pytest.raises(StoreCorrupt, match="restore the database from a backup"):
            await check()
    await store.close()


def verify(database: Database) -> int:
    reads = database.reads()
    try:
        return reads.verify(ACCOUNT.account_id)
    finally:
        reads.close()
