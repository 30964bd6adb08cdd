"""Tables of the exchange's file, and the way between their rows and the records.

Columns have the records' names and stand in their order; amounts are integers in units of 10⁻⁸.
"""

from collections.abc import Sequence
from dataclasses import fields
from operator import attrgetter
from typing import Any, Final

from src.infrastructure.simulated_exchange.algo_orders import AlgoOrder
from src.infrastructure.simulated_exchange.records import (
    MarketReference,
    Order,
    Posting,
    Trade,
)

SCHEMA_VERSION: Final = 3

SCHEMA: Final = """
CREATE TABLE state (id INTEGER PRIMARY KEY CHECK (id = 1), body BLOB NOT NULL);
CREATE TABLE orders (
    order_id INTEGER PRIMARY KEY, account INTEGER NOT NULL, symbol TEXT NOT NULL, client_order_id TEXT NOT NULL,
    side TEXT NOT NULL, type TEXT NOT NULL, time_in_force TEXT NOT NULL, quantity INTEGER NOT NULL,
    price INTEGER NOT NULL, reduce_only INTEGER NOT NULL, position_side TEXT NOT NULL,
    created_ms INTEGER NOT NULL, updated_ms INTEGER NOT NULL, algo_id INTEGER NOT NULL, status TEXT NOT NULL,
    executed INTEGER NOT NULL, quote INTEGER NOT NULL, expiry_reason TEXT NOT NULL, modifications INTEGER NOT NULL,
    good_till_ms INTEGER NOT NULL, price_match TEXT NOT NULL, self_trade_prevention TEXT NOT NULL,
    close_position INTEGER NOT NULL, is_forced INTEGER NOT NULL
);
CREATE INDEX orders_by_client_id ON orders (account, client_order_id);
CREATE INDEX open_orders ON orders (order_id) WHERE status IN ('NEW', 'PARTIALLY_FILLED');
CREATE TABLE algos (
    algo_id INTEGER PRIMARY KEY, account INTEGER NOT NULL, symbol TEXT NOT NULL, client_algo_id TEXT NOT NULL,
    side TEXT NOT NULL, type TEXT NOT NULL, time_in_force TEXT NOT NULL, quantity INTEGER NOT NULL,
    trigger_price INTEGER NOT NULL, working_type TEXT NOT NULL, reduce_only INTEGER NOT NULL,
    position_side TEXT NOT NULL, created_ms INTEGER NOT NULL, updated_ms INTEGER NOT NULL, status TEXT NOT NULL,
    triggered_ms INTEGER NOT NULL, actual_order_id INTEGER NOT NULL, actual_price INTEGER NOT NULL,
    actual_quantity INTEGER NOT NULL, reject_reason TEXT NOT NULL, price INTEGER NOT NULL,
    close_position INTEGER NOT NULL, price_protect INTEGER NOT NULL, activate_price INTEGER NOT NULL,
    callback_rate INTEGER NOT NULL, is_activated INTEGER NOT NULL, good_till_ms INTEGER NOT NULL,
    price_match TEXT NOT NULL, self_trade_prevention TEXT NOT NULL
);
CREATE INDEX algos_by_client_id ON algos (account, client_algo_id);
CREATE INDEX open_algos ON algos (algo_id) WHERE status IN ('NEW', 'TRIGGERED');
CREATE TABLE trades (
    trade_id INTEGER NOT NULL, account INTEGER NOT NULL, symbol TEXT NOT NULL, order_id INTEGER NOT NULL,
    client_order_id TEXT NOT NULL, side TEXT NOT NULL, position_side TEXT NOT NULL, price INTEGER NOT NULL,
    quantity INTEGER NOT NULL, realized INTEGER NOT NULL, commission INTEGER NOT NULL,
    commission_asset TEXT NOT NULL, is_maker INTEGER NOT NULL, time_ms INTEGER NOT NULL,
    reference_kind TEXT NOT NULL, reference_id INTEGER NOT NULL, reference_source INTEGER NOT NULL,
    reference_line INTEGER NOT NULL, PRIMARY KEY (account, symbol, trade_id, side)
) WITHOUT ROWID;
CREATE TABLE postings (
    tran_id INTEGER NOT NULL, book TEXT NOT NULL, account INTEGER NOT NULL, asset TEXT NOT NULL,
    amount INTEGER NOT NULL, income_type TEXT NOT NULL, symbol TEXT NOT NULL, time_ms INTEGER NOT NULL,
    trade_id INTEGER NOT NULL
);
CREATE INDEX incomes ON postings (account, time_ms) WHERE book = 'WALLET'
"""

_VOLATILE: Final = frozenset({"rank", "queue_ahead", "extreme"})

ORDER_COLUMNS: Final = tuple(field.name for field in fields(Order) if field.name not in _VOLATILE)
ALGO_COLUMNS: Final = tuple(field.name for field in fields(AlgoOrder) if field.name not in _VOLATILE)
POSTING_COLUMNS: Final = Posting.__struct_fields__
TRADE_COLUMNS: Final = (
    *(name for name in Trade.__struct_fields__ if name != "reference"),
    "reference_kind",
    "reference_id",
    "reference_source",
    "reference_line",
)

order_row: Final = attrgetter(*ORDER_COLUMNS)
algo_row: Final = attrgetter(*ALGO_COLUMNS)
posting_row: Final = attrgetter(*POSTING_COLUMNS)
trade_row: Final = attrgetter(
    *(column for column in TRADE_COLUMNS if not column.startswith("reference_")),
    "reference.kind",
    "reference.event_id",
    "reference.source",
    "reference.line",
)


def order_from_row(row: Sequence[Any]) -> Order:
    """The order of a row; its place in the queue is not in the row."""
    order = Order(*row)
    order.reduce_only = bool(order.reduce_only)
    order.close_position = bool(order.close_position)
    order.is_forced = bool(order.is_forced)
    return order


def algo_from_row(row: Sequence[Any]) -> AlgoOrder:
    """The conditional order of a row; the best price that a trailing stop has seen is not in the row."""
    algo = AlgoOrder(*row)
    for flag in ("reduce_only", "close_position", "price_protect", "is_activated"):
        setattr(algo, flag, bool(getattr(algo, flag)))
    return algo


def trade_from_row(row: Sequence[Any]) -> Trade:
    """The trade of a row, with its market reference."""
    values = dict(zip(TRADE_COLUMNS[:-4], row, strict=False))
    values["is_maker"] = bool(values["is_maker"])
    return Trade(**values, reference=MarketReference(*row[-4:]))


def posting_from_row(row: Sequence[Any]) -> Posting:
    """The posting of a row."""
    return Posting(*row)


def insert(table: str, columns: Sequence[str]) -> str:
    """The statement that adds a row."""
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"


def upsert(table: str, columns: Sequence[str], key: str) -> str:
    """The statement that adds a row, or changes what may change of the one with this key."""
    fixed = {key, "account", "symbol", "client_order_id", "client_algo_id", "side", "type", "created_ms"}
    changing = ", ".join(f"{column} = excluded.{column}" for column in columns if column not in fixed)
    return f"{insert(table, columns)} ON CONFLICT ({key}) DO UPDATE SET {changing}"
