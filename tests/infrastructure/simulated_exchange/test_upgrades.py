"""An exchange's file of version 1 goes on under this version: nothing is lost, and what is new has its default."""

import json
import sqlite3
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from src.infrastructure.simulated_exchange.rows import ALGO_COLUMNS, ORDER_COLUMNS, SCHEMA_VERSION
from tests.support.engine_builders import ACCOUNT, BTC, Frames, a_request, an_engine

NEW_ORDER_COLUMNS = ORDER_COLUMNS[ORDER_COLUMNS.index("modifications") + 1 :]
NEW_ALGO_COLUMNS = ALGO_COLUMNS[ALGO_COLUMNS.index("reject_reason") + 1 :]


def make_older(path: Path) -> None:
    """Turn a file into what version 1 would have written."""
    with closing(sqlite3.connect(path, isolation_level=None)) as file:
        for name in NEW_ORDER_COLUMNS:
            file.execute(f"ALTER TABLE orders DROP COLUMN {name}")
        file.execute("DROP INDEX open_algos")
        for name in NEW_ALGO_COLUMNS:
            file.execute(f"ALTER TABLE algos DROP COLUMN {name}")
        file.execute("CREATE INDEX open_algos ON algos (algo_id) WHERE status = 'NEW'")
        body = json.loads(file.execute("SELECT body FROM state").fetchone()[0])
        for added in ("trails", "statuses", "filters"):
            del body[added]
        body["accounts"] = [
            [number, name, wallets, {symbol: rest[:-1] for symbol, _, *rest in positions}, leverage]
            for number, name, wallets, positions, leverage, *_ in body["accounts"]
        ]
        file.execute("UPDATE state SET body = ?", (json.dumps(body).encode(),))
        key_trades_by_id(file)
        file.execute("PRAGMA user_version = 1")


def key_trades_by_id(file: sqlite3.Connection) -> None:
    """As versions 1 and 2 had them: one row of an account for a trade."""
    ((text,),) = file.execute("SELECT sql FROM sqlite_master WHERE name = 'trades'")
    file.execute("ALTER TABLE trades RENAME TO both_sides")
    file.execute(text.replace("(account, symbol, trade_id, side)", "(account, symbol, trade_id)"))
    file.execute("INSERT INTO trades SELECT * FROM both_sides")
    file.execute("DROP TABLE both_sides")


def test_a_file_of_version_1_is_brought_up_to_date_where_it_is(tmp_path: Path):
    path = tmp_path / "exchange.sqlite"
    engine, frames = an_engine(path), Frames()
    engine.on_frame(frames.ticker("76000.00", "76000.10", "2", "2"))
    engine.new_order(ACCOUNT, a_request(engine, quantity="0.5"))
    engine.new_order(ACCOUNT, a_request(engine, price="76000.00", quantity="1"))
    stop = a_request(engine, side="SELL", trigger_price="75000", reduce_only=True, client_order_id="s-1")
    engine.new_algo_order(ACCOUNT, stop)
    engine.set_leverage(ACCOUNT, BTC, 7)
    before = (engine.memory(), engine.open_orders(ACCOUNT), engine.open_algo_orders(ACCOUNT))
    make_older(path)

    again = an_engine(path)

    assert (again.memory(), again.open_orders(ACCOUNT), again.open_algo_orders(ACCOUNT)) == before
    assert all(line.holds for line in again.audit())
    with closing(sqlite3.connect(path)) as file:
        assert file.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)


def test_an_upgraded_file_trades_on_and_opens_again(tmp_path: Path):
    path = tmp_path / "exchange.sqlite"
    engine = an_engine(path)
    engine.on_frame(Frames().ticker("76000.00", "76000.10", "2", "2"))
    engine.new_order(ACCOUNT, a_request(engine, quantity="0.5"))
    make_older(path)

    again = an_engine(path)
    again.on_frame(Frames(start_ms=again.now_ms).ticker("76000.00", "76000.10", "2", "2"))
    trailing = {"type": "TRAILING_STOP_MARKET", "callback_rate": Decimal(1), "side": "SELL"}
    again.new_algo_order(ACCOUNT, a_request(again, **trailing))

    assert an_engine(path).memory() == again.memory()


def test_a_file_of_version_2_keeps_its_trades_and_takes_both_sides_of_one_from_now_on(tmp_path: Path):
    path = tmp_path / "exchange.sqlite"
    engine = an_engine(path)
    engine.on_frame(Frames().ticker("75990.00", "76000.10", "2", "2"))
    engine.new_order(ACCOUNT, a_request(engine, quantity="0.5"))
    before = engine.user_trades(ACCOUNT, BTC)
    with closing(sqlite3.connect(path, isolation_level=None)) as file:
        key_trades_by_id(file)
        file.execute("PRAGMA user_version = 2")

    again = an_engine(path)

    assert again.user_trades(ACCOUNT, BTC) == before
    again.on_frame(Frames(start_ms=again.now_ms).ticker("75990.00", "76000.10", "2", "2"))
    resting = {"price": "76000.00", "quantity": "0.1", "self_trade_prevention": "NONE"}
    for side in ("SELL", "BUY"):
        again.new_order(ACCOUNT, a_request(again, side=side, **resting))
    bought, sold = again.user_trades(ACCOUNT, BTC)[1:]
    assert bought["id"] == sold["id"] == before[0]["id"] + 1
    assert all(line.holds for line in an_engine(path).audit())


def test_an_upgrade_that_is_interrupted_has_not_begun(tmp_path: Path):
    path = tmp_path / "exchange.sqlite"
    an_engine(path)
    make_older(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as file:
        body = file.execute("SELECT body FROM state").fetchone()[0]
        file.execute("UPDATE state SET body = ?", (b"not a document",))
    with pytest.raises(ValueError, match="JSON"):
        an_engine(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as file:
        version = file.execute("PRAGMA user_version").fetchone()[0]
        columns = [row[1] for row in file.execute("PRAGMA table_info(orders)")]
        file.execute("UPDATE state SET body = ?", (body,))

    assert version == 1
    assert not set(NEW_ORDER_COLUMNS) & set(columns)
    assert an_engine(path).account_id(ACCOUNT) == "paper-1"
