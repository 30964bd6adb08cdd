from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from decimal import Decimal

import pytest

from src.application.ports.store import ReadModels, StoreError
from src.domain.ledger import events as e
from src.domain.ledger.evolve import evolve
from src.domain.market.sides import OrderSide
from src.domain.orders.transitions import AttemptTrigger, OrderTrigger
from src.domain.sessions.session import SessionTrigger
from src.infrastructure.persistence.databases import Database
from src.infrastructure.persistence.read_models import SqlReadModels
from tests.support.ledger_builders import (
    ACCOUNT,
    START_MS,
    SYMBOLS,
    a_fill,
    a_ticket,
    an_intent,
    ledger_snapshot,
    some_options,
)
from tests.support.store_writer import run_sql

NAME = ACCOUNT.account_id
AMOUNT = Decimal("12.5")


class Session:
    """A session that goes on writing while it is read."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.store = database.store("OFF")
        self.at_ms = START_MS

    async def open(self) -> None:
        await self.store.open_account(ACCOUNT, START_MS)
        await self.store.acquire(NAME, "pid 7")
        ledger = await self.store.load(NAME)
        assert ledger is not None
        self.ledger = ledger

    async def write(self, *events: e.Event) -> None:
        for event in events:
            self.at_ms += 1
            self.store.stage(self.at_ms, [event])
            evolve(self.ledger, event, self.at_ms)
        await self.store.commit(self.ledger)


@pytest.fixture
async def session(database: Database) -> AsyncIterator[Session]:
    """A session with an open order, a filled one and a round trip."""
    session = Session(database)
    await session.open()
    entry, rest = an_intent(1), an_intent(3, a_ticket(symbol="ETHUSDT"))
    leave = an_intent(2, a_ticket(side=OrderSide.SELL, quantity=Decimal("0.04")))
    await session.write(e.SessionOpened("session-1", some_options()), e.EquityMarked(AMOUNT, AMOUNT, AMOUNT))
    await session.write(entry, a_fill(entry, 1, traded_ms=1), leave, a_fill(leave, 2, traded_ms=2))
    await session.write(rest, e.AttemptMoved(rest.attempt.client_order_id, AttemptTrigger.ACCEPTED, 77))
    yield session
    await session.store.close()


@pytest.fixture
def reads(session: Session) -> Iterator[ReadModels]:
    reads = session.database.reads()
    yield reads
    reads.close()


async def test_the_first_session_of_a_portfolio_makes_it(session: Session):
    await session.write(e.SessionOpened("session-2", some_options()))

    made = await run_sql(session.database, "SELECT portfolio_id,name FROM portfolios")

    assert made == [(some_options().portfolio_id, some_options().portfolio_id)]


def test_an_account_is_listed_with_its_session(reads: ReadModels, session: Session):
    (account,) = reads.accounts()

    assert (account.account_id, account.exchange, account.namespace) == (NAME, "paper", "abc")
    # A server is reached from several machines, so its owner is named with the machine.
    assert account.lease_owner.partition(" on ")[0] == "pid 7"
    assert (account.epoch, account.sessions) == (1, 1)
    assert (account.session_id, account.session_status) == ("session-1", "STOPPED")
    assert account.last_ms == session.at_ms


async def test_a_reader_sees_each_commit_while_the_session_runs(reads: ReadModels, session: Session):
    before = reads.head(NAME)

    await session.write(e.StreamOpened(1))

    assert reads.head(NAME) == session.store.head != before


def test_the_ledger_is_read_as_last_committed(reads: ReadModels, session: Session):
    session.store.stage(session.at_ms, [event := e.StreamOpened(9)])
    held = ledger_snapshot(session.ledger)
    evolve(session.ledger, event, session.at_ms)

    ledger = reads.ledger(NAME)

    assert ledger is not None
    assert ledger_snapshot(ledger) == held


def test_orders_come_newest_first(reads: ReadModels):
    intents = [order.intent for order in reads.orders(NAME)]

    assert intents == [3, 2, 1]
    assert [order.intent for order in reads.orders(NAME, limit=2)] == [3, 2]
    assert [order.intent for order in reads.orders(NAME, symbol="BTCUSDT")] == [2, 1]
    assert [order.intent for order in reads.orders(NAME, open_only=True)] == [3]
    assert reads.orders(NAME, open_only=True, symbol="BTCUSDT") == []


async def test_an_unsettled_order_that_is_over_is_not_open(reads: ReadModels, session: Session):
    name = an_intent(3).attempt.client_order_id

    await session.write(e.OrderMoved(name, OrderTrigger.CANCEL, Decimal("0.05"), session.at_ms))

    assert name in session.ledger.orders, "a fill that the exchange spoke of is missing"
    assert reads.orders(NAME, open_only=True) == []


def test_one_order_is_found_by_its_id(reads: ReadModels):
    order = reads.order(NAME, an_intent(1).attempt.client_order_id)

    assert order is not None
    assert (order.intent, order.trade_ids) == (1, {1})
    assert reads.order(NAME, "nothing") is None


async def test_positions_are_those_that_are_held_with_their_lots(reads: ReadModels, session: Session):
    (position,) = reads.positions(NAME)
    close = an_intent(4, a_ticket(side=OrderSide.SELL, quantity=Decimal("0.06")))

    await session.write(close, a_fill(close, 4))

    assert (position.symbol, position.quantity) == ("BTCUSDT", Decimal("0.06"))
    assert [(lot.trade_id, lot.quantity) for lot in position.lots] == [(1, Decimal("0.06"))]
    assert reads.positions(NAME) == []


def test_fills_come_newest_first(reads: ReadModels):
    assert [fill.trade_id for fill in reads.fills(NAME)] == [2, 1]
    assert [fill.trade_id for fill in reads.fills(NAME, limit=1)] == [2]
    assert reads.fills(NAME, symbol="ETHUSDT") == []
    assert reads.fills(NAME)[1] == a_fill(an_intent(1), 1, traded_ms=1)


async def test_income_comes_oldest_first(reads: ReadModels, session: Session):
    paid = [e.IncomeBooked(n, "FUNDING_FEE", "USDT", AMOUNT, SYMBOLS[0], 100 - n) for n in (1, 2)]

    await session.write(*paid)

    assert reads.income(NAME) == paid[::-1]


async def test_round_trips_come_newest_first(reads: ReadModels, session: Session):
    close = an_intent(4, a_ticket(side=OrderSide.SELL, quantity=Decimal("0.06")))

    await session.write(close, a_fill(close, 4))

    assert [trip.exit_trade_id for trip in reads.round_trips(NAME)] == [4, 2]
    assert [trip.exit_trade_id for trip in reads.round_trips(NAME, limit=1)] == [4]


async def test_the_equity_curve_knows_its_session(reads: ReadModels, session: Session):
    more = e.SessionOpened("session-2", some_options())

    await session.write(more, e.EquityMarked(AMOUNT * 2, AMOUNT, AMOUNT))

    assert [point.wallet for point in reads.equity_curve(NAME)] == [AMOUNT, AMOUNT * 2]
    assert [point.wallet for point in reads.equity_curve(NAME, "session-2")] == [AMOUNT * 2]


async def test_sessions_come_newest_first(reads: ReadModels, session: Session):
    await session.write(
        e.SessionOpened("session-2", some_options(seed=8)),
        e.SessionMoved("session-2", SessionTrigger.START, "a reason"),
    )

    newest, oldest = reads.sessions(NAME)

    assert (newest.id, newest.options.seed, newest.status.value) == ("session-2", 8, "STARTING")
    assert oldest.id == "session-1"
    assert [one.id for one in reads.sessions(NAME, limit=1)] == ["session-2"]


def test_the_journal_is_read_in_order_and_by_kind(reads: ReadModels, session: Session):
    records = list(reads.journal(NAME))

    assert [record.seq for record in records] == list(range(1, session.store.head.seq + 1))
    assert records[-1].hash == session.store.head.hash
    assert [record.prev_hash for record in records[1:]] == [record.hash for record in records[:-1]]
    assert [record.seq for record in reads.journal(NAME, after_seq=6)] == [7, 8, 9]
    assert [record.key for record in reads.journal(NAME, kind="session_opened")] == ["session-1"]


async def test_a_long_journal_is_read_page_by_page(reads: ReadModels, session: Session):
    await session.write(*[e.StreamOpened(number) for number in range(1_200)])

    assert len(list(reads.journal(NAME))) == session.store.head.seq == reads.verify(NAME)


def test_an_unknown_account_has_nothing(reads: ReadModels):
    assert reads.ledger("nobody") is None
    assert not reads.orders("nobody")
    assert not reads.positions("nobody")
    assert not reads.fills("nobody")
    assert list(reads.journal("nobody")) == []
    with pytest.raises(StoreError, match="no account nobody"):
        reads.head("nobody")


def test_reading_never_writes(reads: ReadModels):
    assert isinstance(reads, SqlReadModels)
    with pytest.raises(StoreError, match="be written"):
        reads._query("UPDATE account SET last_ms = 0")


async def test_another_account_of_the_database_is_not_mixed_in(reads: ReadModels, session: Session):
    await session.store.open_account(replace(ACCOUNT, account_id="account-2"), START_MS)

    assert reads.orders("account-2") == []
    assert reads.head("account-2").seq == 1
    assert len(reads.accounts()) == 2


async def test_comparisons_are_listed_newest_first(reads: ReadModels, session: Session):
    first = e.RecoveryFinished("start", 3, 1, 0, 0, 0, True)
    second = e.RecoveryFinished("timer", 2, 0, 0, 1, 1, False)
    await session.write(first)
    await session.write(second)

    assert [row.report for row in reads.recoveries(NAME)] == [second, first]
    assert [row.at_ms for row in reads.recoveries(NAME, limit=1)] == [session.at_ms]
