"""The group commit: nothing leaves before it, everything of a turn shares it, and nobody is told what failed."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from src.infrastructure.market_data.instruments import shipped_instrument
from src.infrastructure.simulated_exchange.engine import Engine
from src.infrastructure.simulated_exchange.errors import ExchangeFailure
from src.infrastructure.simulated_exchange.records import UserEvent
from src.infrastructure.simulated_exchange.server.clock import ServerClock
from src.infrastructure.simulated_exchange.server.venue import Venue
from src.infrastructure.simulated_exchange.store import ExchangeStore


def nothing_fails(name: str) -> None:
    """No failpoint is armed."""


@contextmanager
def a_venue(
    folder: Path, told: list[UserEvent], failpoint: Callable[[str], None] = nothing_fails
) -> Iterator[Venue]:
    instrument = shipped_instrument("BTCUSDT")
    assert instrument is not None
    store = ExchangeStore(folder / "exchange.db", synchronous="OFF", failpoint=failpoint)
    engine = Engine(store, [instrument])
    engine.create_account(1, "one")
    try:
        yield Venue(engine, ServerClock(), told.extend)
    finally:
        store.close()


def deposits(folder: Path) -> int:
    with sqlite3.connect(folder / "exchange.db") as file:
        count: int = file.execute("SELECT count(*) FROM postings WHERE book = 'WALLET'").fetchone()[0]
    return count


async def test_what_one_turn_brings_shares_one_commit(tmp_path: Path):
    told: list[UserEvent] = []
    with a_venue(tmp_path, told) as venue:

        async def deposit() -> int:
            venue.writing().deposit(1, "USDT", Decimal(1))
            await venue.durable()
            return deposits(tmp_path)

        seen = await asyncio.gather(*(deposit() for _ in range(20)))

        assert seen == [20] * 20
        assert venue.commits == 1
        assert len(told) == 20


async def test_events_are_held_back_until_the_commit(tmp_path: Path):
    told: list[UserEvent] = []
    with a_venue(tmp_path, told) as venue:
        venue.writing().deposit(1, "USDT", Decimal(1))

        before = len(told)
        await venue.durable()

        assert (before, len(told)) == (0, 1)


async def test_a_reader_ends_the_group_and_sees_what_is_durable(tmp_path: Path):
    with a_venue(tmp_path, []) as venue:
        venue.writing().deposit(1, "USDT", Decimal(7))

        row = venue.reading().balance(1)[0]

        assert row["balance"] == "7"
        assert deposits(tmp_path) == 1


async def test_after_a_failed_commit_nobody_is_answered_and_nothing_is_told(tmp_path: Path):
    told: list[UserEvent] = []
    armed = False

    def failpoint(name: str) -> None:
        if armed and name == "exchange.before_commit":
            raise sqlite3.OperationalError("database or disk is full")

    with a_venue(tmp_path, told, failpoint) as venue:
        armed = True
        venue.writing().deposit(1, "USDT", Decimal(1))

        with pytest.raises(ExchangeFailure, match="full"):
            await venue.durable()

        assert told == []
        assert isinstance(await venue.failed, ExchangeFailure)
        with pytest.raises(ExchangeFailure):
            venue.writing().deposit(1, "USDT", Decimal(1))
    assert deposits(tmp_path) == 0


async def test_an_amount_that_the_file_cannot_hold_is_a_failed_commit_with_its_text(tmp_path: Path):
    with a_venue(tmp_path, []) as venue:
        venue.writing().deposit(1, "USDT", Decimal("1e30"))

        with pytest.raises(ExchangeFailure, match=r"exchange\.db: .*too large.*start again"):
            await venue.durable()

        assert "too large" in str(await venue.failed)
    assert deposits(tmp_path) == 0
