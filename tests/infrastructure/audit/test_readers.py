"""The auditor's readers: the same books from a file, over REST, and from either database; and what they refuse."""

import asyncio
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings

from src.infrastructure.audit import venue_reader
from src.infrastructure.audit.auditor import run_audit
from src.infrastructure.audit.paper_reader import read_exchange_file
from src.infrastructure.audit.records import AuditFailure, ExchangeBooks
from src.infrastructure.audit.request import AuditRequest, Credentials
from src.infrastructure.audit.session_reader import read_postgres, read_sqlite
from src.infrastructure.audit.venue_reader import WEIGHT_MAX, VenueReader
from src.infrastructure.persistence.database_url import parse_database_url
from src.infrastructure.persistence.databases import PostgresDatabase, SqliteDatabase
from tests.infrastructure.audit.conftest import Files
from tests.support.exchange_server import KEY, Client, served
from tests.support.ledger_builders import ACCOUNT, History, histories
from tests.support.postgres_server import PostgresServer
from tests.support.store_writer import replay


def credentials(client: Client, secret: str = KEY.secret) -> Credentials:
    return Credentials(client.server.url, KEY.key, secret)


def read(given: Credentials, symbols: set[str], since_ms: int) -> ExchangeBooks:
    with closing(VenueReader(given)) as reader:
        return reader.read(symbols, since_ms)


async def trade(client: Client, **order: Any) -> None:
    status, answer = await client.signed("POST", "/fapi/v1/order", type="MARKET", **order)
    assert status == 200, answer


async def test_over_rest_the_books_are_those_of_the_exchanges_file(tmp_path: Path):
    async with served(tmp_path) as client:
        await client.price("BTCUSDT")
        await client.price("ETHUSDT")
        for side in ("BUY", "SELL", "SELL"):
            await trade(client, symbol="BTCUSDT", side=side, quantity="0.011")
        await trade(client, symbol="ETHUSDT", side="BUY", quantity="0.5")
        now_ms = client.server.services.venue.clock.now_ms()

        told = await asyncio.to_thread(read, credentials(client), {"BTCUSDT"}, now_ms - 3_600_000)

    (file,) = tmp_path.rglob("*.db")
    kept = read_exchange_file(file, 1, now_ms - 3_600_000)
    assert told.trades == kept.trades
    assert len({symbol for symbol, *_ in told.trades}) == 2
    assert sorted(told.income, key=lambda entry: entry.transaction_id) == kept.income
    assert any(entry.trade_id for entry in told.income)


@pytest.mark.parametrize("page", [3, 4, 5, 1_000])
async def test_a_page_of_trades_that_ends_between_both_sides_of_one_loses_neither(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: int
):
    async with served(tmp_path) as client:
        price = f"{await client.price('BTCUSDT') * 1.001:.1f}"
        for _ in range(3):
            resting = {"symbol": "BTCUSDT", "side": "SELL", "price": price, "quantity": "0.004"}
            await client.signed("POST", "/fapi/v1/order", type="LIMIT", timeInForce="GTC", **resting)
        await client.admin("POST", "deposits", account=1, amount=10_000_000)
        by_hand = {"symbol": "BTCUSDT", "side": "BUY", "quantity": "99", "price": price}
        prevention = {"self_trade_prevention": "NONE"}
        await client.admin("POST", "owner_trades", account=1, **by_hand, **prevention)
        now_ms = client.server.services.venue.clock.now_ms()
        client.server.services.venue.flush()
        monkeypatch.setattr(venue_reader, "PAGE", page)
        with closing(VenueReader(credentials(client))) as reader:
            told = await asyncio.to_thread(reader._trades, "BTCUSDT", now_ms - 3_600_000, now_ms)
        (file,) = tmp_path.rglob("*.db")
        kept = read_exchange_file(file, 1, now_ms - 3_600_000).trades

    assert sorted(each.key for each in told) == sorted(kept)
    assert len(told) - len({each.trade_id for each in told}) == 3


async def test_a_wrong_secret_is_refused_in_one_line_without_it(tmp_path: Path):
    async with served(tmp_path) as client:
        with pytest.raises(AuditFailure, match="-1022") as refused:
            await asyncio.to_thread(read, credentials(client, "x" * 32), {"BTCUSDT"}, 0)

    assert "xxx" not in str(refused.value)
    assert "signature=" not in str(refused.value)


def test_an_exchange_that_is_not_there_is_said_so():
    with pytest.raises(AuditFailure, match="did not answer"):
        read(Credentials("http://127.0.0.1:9", "k", "s"), set(), 0)


@pytest.mark.parametrize("operation", ["income", "trades.user"])
async def test_what_is_no_list_is_no_account(tmp_path: Path, operation: str):
    rule = {"operation": operation, "fault": "respond", "body": "error_200", "count": None}
    async with served(tmp_path) as client:
        await client.admin("POST", "faults", rules=[rule])
        now_ms = client.server.services.venue.clock.now_ms()

        with pytest.raises(AuditFailure, match="answers with no list"):
            await asyncio.to_thread(read, credentials(client), {"BTCUSDT"}, now_ms - 3_600_000)


async def test_half_of_the_minutes_weight_is_left_to_those_who_trade(tmp_path: Path):
    pauses: list[float] = []
    async with served(tmp_path) as client:
        reader = VenueReader(credentials(client), pauses.append)
        reader._spare(str(WEIGHT_MAX))
        reader._spare(str(WEIGHT_MAX + 1))

    assert len(pauses) == 1
    assert 0 < pauses[0] <= 60


def test_secrets_are_in_no_representation(tmp_path: Path):
    request = AuditRequest(
        "a", "postgresql://u:topsecret@h/d", True, venue=Credentials("http://h", "kkk", "sss")
    )

    assert not {"topsecret", "kkk", "sss"} & set(repr(request).replace("'", " ").split())
    assert AuditRequest.of_document(request.as_document()) == request


def test_an_account_that_is_not_there_and_files_that_are_not_are_named(files: Files, tmp_path: Path):
    with pytest.raises(AuditFailure, match="has no account nobody"):
        read_sqlite(files.database, "nobody")
    with pytest.raises(AuditFailure, match=r"missing\.db cannot be audited"):
        read_sqlite(tmp_path / "missing.db", "nobody")
    with pytest.raises(AuditFailure, match=r"missing\.db cannot be audited"):
        run_audit(AuditRequest(account_of(files), str(files.database), file=tmp_path / "missing.db"))
    assert not (tmp_path / "missing.db").exists()


def account_of(files: Files) -> str:
    return files.audit().account_id


@settings(max_examples=10)
@given(history=histories())
def test_both_databases_tell_the_same_books(postgres_server: PostgresServer, history: History):
    with TemporaryDirectory() as folder:
        url = postgres_server.new_database_with_tables()
        sqlite = SqliteDatabase(Path(folder) / "steadyhand.db")
        sqlite.create()
        for database in (sqlite, PostgresDatabase(parse_database_url(url))):
            asyncio.run(replay(database, [history[1:]]))

        here, there = read_sqlite(sqlite.path, ACCOUNT.account_id), read_postgres(url, ACCOUNT.account_id)

    assert here == there
