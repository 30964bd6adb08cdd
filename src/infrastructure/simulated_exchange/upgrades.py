"""Files of older versions, brought up to date where they are: one transaction a version, all or nothing.

Version 2 knows order kinds, position sides and margin types that version 1 had not; what an older file holds is what
those have as their defaults: one-way, cross, good till canceled. Version 3 keeps both sides of a trade that an account
makes with itself.
"""

import sqlite3
from typing import Any, Final

import msgspec

from src.infrastructure.simulated_exchange.records import BOTH

_TO_2: Final = """
ALTER TABLE orders ADD COLUMN good_till_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE orders ADD COLUMN price_match TEXT NOT NULL DEFAULT 'NONE';
ALTER TABLE orders ADD COLUMN self_trade_prevention TEXT NOT NULL DEFAULT 'EXPIRE_MAKER';
ALTER TABLE orders ADD COLUMN close_position INTEGER NOT NULL DEFAULT 0;
ALTER TABLE orders ADD COLUMN is_forced INTEGER NOT NULL DEFAULT 0;
ALTER TABLE algos ADD COLUMN price INTEGER NOT NULL DEFAULT 0;
ALTER TABLE algos ADD COLUMN close_position INTEGER NOT NULL DEFAULT 0;
ALTER TABLE algos ADD COLUMN price_protect INTEGER NOT NULL DEFAULT 0;
ALTER TABLE algos ADD COLUMN activate_price INTEGER NOT NULL DEFAULT 0;
ALTER TABLE algos ADD COLUMN callback_rate INTEGER NOT NULL DEFAULT 0;
ALTER TABLE algos ADD COLUMN is_activated INTEGER NOT NULL DEFAULT 0;
ALTER TABLE algos ADD COLUMN good_till_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE algos ADD COLUMN price_match TEXT NOT NULL DEFAULT 'NONE';
ALTER TABLE algos ADD COLUMN self_trade_prevention TEXT NOT NULL DEFAULT 'EXPIRE_MAKER';
DROP INDEX open_algos;
CREATE INDEX open_algos ON algos (algo_id) WHERE status IN ('NEW', 'TRIGGERED')
"""

_TO_3: Final = """
CREATE TABLE new_trades (
    trade_id INTEGER NOT NULL, account INTEGER NOT NULL, symbol TEXT NOT NULL, order_id INTEGER NOT NULL,
    client_order_id TEXT NOT NULL, side TEXT NOT NULL, position_side TEXT NOT NULL, price INTEGER NOT NULL,
    quantity INTEGER NOT NULL, realized INTEGER NOT NULL, commission INTEGER NOT NULL,
    commission_asset TEXT NOT NULL, is_maker INTEGER NOT NULL, time_ms INTEGER NOT NULL,
    reference_kind TEXT NOT NULL, reference_id INTEGER NOT NULL, reference_source INTEGER NOT NULL,
    reference_line INTEGER NOT NULL, PRIMARY KEY (account, symbol, trade_id, side)
) WITHOUT ROWID;
INSERT INTO new_trades SELECT * FROM trades;
DROP TABLE trades;
ALTER TABLE new_trades RENAME TO trades
"""


def upgrade(connection: sqlite3.Connection, version: int) -> None:
    """Bring a file from ``version`` to the present one; nothing happens to a file that is there already."""
    if version < 2:
        connection.execute("BEGIN IMMEDIATE")
        for statement in _TO_2.split(";"):
            connection.execute(statement)
        row = connection.execute("SELECT body FROM state WHERE id = 1").fetchone()
        if row is not None:
            body = msgspec.json.encode(_snapshot_to_2(msgspec.json.decode(row[0])))
            connection.execute("UPDATE state SET body = ? WHERE id = 1", (body,))
        connection.execute("PRAGMA user_version = 2")
        connection.execute("COMMIT")
    if version < 3:
        connection.execute("BEGIN IMMEDIATE")
        for statement in _TO_3.split(";"):
            connection.execute(statement)
        connection.execute("PRAGMA user_version = 3")
        connection.execute("COMMIT")


def _snapshot_to_2(snapshot: dict[str, Any]) -> dict[str, Any]:
    """Positions had no side and no wallet of their own, accounts no settings but leverage."""
    accounts = [
        [
            number,
            account_id,
            wallets,
            [[symbol, BOTH, *fields, 0] for symbol, fields in positions.items()],
            leverage,
            [],
            False,
            [],
        ]
        for number, account_id, wallets, positions, leverage in snapshot["accounts"]
    ]
    return snapshot | {"accounts": accounts, "trails": [], "statuses": {}, "filters": {}}
