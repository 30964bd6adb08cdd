"""The text of every statement of the SQLite store, rendered at import from column names alone.

SQLAlchemy would cost start-up more than the rest of it together, so it stays out; a test proves that these columns
are those of ``tables`` and that a migrated database takes every statement.
"""

from collections.abc import Sequence
from typing import Final

from src.domain.ledger.events import AlarmRaised, EquityMarked, FillBooked, IncomeBooked, RecoveryFinished
from src.domain.ledger.state import AccountState, RecentOrder, SymbolBook
from src.domain.market.candle import Candle
from src.domain.orders.order import Order
from src.domain.orders.parents import ParentOrder
from src.domain.orders.ticket import Attempt, OrderTicket
from src.domain.orders.types import OrderStatus
from src.domain.performance.executions import Execution
from src.domain.positions.position import Lot, Position, RoundTrip
from src.domain.sessions.session import TradingSession
from src.infrastructure.persistence.row_map import RowMap

ACCOUNT_KEYS: Final = ("account_id", "namespace", "exchange", "settle_asset")
# What nearly every commit changes; the rest of the account is written only when it changed.
ACCOUNT_HEAD: Final = ("head_seq", "head_hash", "working_from", "next_intent", "next_sequence", "last_ms")

ACCOUNT: Final = RowMap(AccountState, leave_out=("wallet",))
ACCOUNT_REST: Final = tuple(
    name for name in ACCOUNT.columns if name not in ACCOUNT_HEAD and name not in ACCOUNT_KEYS
)
TICKET: Final = RowMap(OrderTicket, rename={"reason": "ticket_reason"})
ATTEMPT: Final = RowMap(Attempt)
ORDER: Final = RowMap(Order, leave_out=("ticket", "attempt"))
# What the throttles remember of an order is a part of its row.
RECENT: Final = RowMap(
    RecentOrder, rename={"at_ms": "created_ms", "price": "coalesce(limit_price,stop_price) AS price"}
)
# What the position cost is in its own row; the journal has it of each trade that was heard of out of its turn.
FILL: Final = RowMap(FillBooked, leave_out=("position_cost",))
EXECUTION: Final = RowMap(Execution, rename={"at_ms": "traded_ms"})
INCOME: Final = RowMap(IncomeBooked)
POSITION: Final = RowMap(Position, leave_out=("lots",))
PARENT: Final = RowMap(ParentOrder, leave_out=("ticket", "children"))
LOT: Final = RowMap(Lot)
SYMBOL: Final = RowMap(SymbolBook, leave_out=("pending_buy", "pending_sell", "pending_price", "trade_halves"))
TRIP: Final = RowMap(RoundTrip)
SESSION: Final = RowMap(TradingSession, leave_out=("options",), rename={"id": "session_id"})
EQUITY: Final = RowMap(EquityMarked)
RECOVERY: Final = RowMap(RecoveryFinished)
ALARM: Final = RowMap(AlarmRaised)
CANDLE: Final = RowMap(Candle)

# An order's own columns that are fixed with the intent, and the one that an index rests on.
_ORDER_FIXED: Final = ("session_id", "intent", "created_ms")
_ORDER_INDEXED: Final = "exchange_order_id"
ORDER_MOVING: Final = tuple(
    name for name in ORDER.columns if name not in _ORDER_FIXED and name != _ORDER_INDEXED
)
ORDER_COLUMNS: Final = (*TICKET.columns, *ATTEMPT.columns, *ORDER.columns)
# Where the moving columns stand in ORDER.row().
ORDER_MOVING_PLACES: Final = tuple(ORDER.columns.index(name) for name in ORDER_MOVING)


def insert(table: str, columns: Sequence[str]) -> str:
    """INSERT of one row."""
    places = ",".join("?" * len(columns))
    return f"INSERT INTO {table} ({','.join(columns)}) VALUES ({places})"


def upsert(table: str, columns: Sequence[str], keys: Sequence[str]) -> str:
    """INSERT, or UPDATE of what is not the key."""
    changes = ",".join(f"{name}=excluded.{name}" for name in columns if name not in keys)
    return f"{insert(table, columns)} ON CONFLICT ({','.join(keys)}) DO UPDATE SET {changes}"


def update(table: str, columns: Sequence[str], keys: Sequence[str]) -> str:
    """UPDATE of columns where the keys are equal."""
    changes = ",".join(f"{name}=?" for name in columns)
    return f"UPDATE {table} SET {changes} WHERE {' AND '.join(f'{key}=?' for key in keys)}"


def select(table: str, columns: Sequence[str], rest: str = "") -> str:
    """SELECT of columns, with the rest of the statement as given."""
    return f"SELECT {','.join(columns)} FROM {table} {rest}".rstrip()


JOURNAL_COLUMNS: Final = (
    "account_no",
    "seq",
    "at_ms",
    "epoch",
    "kind",
    "key",
    "payload",
    "prev_hash",
    "hash",
)

_LEASE = ("account_no", "lease_epoch")
_POSITION = ("account_no", "symbol", "position_side")

INSERT_RECORD: Final = insert("journal", ("record_no", *JOURNAL_COLUMNS))
INSERT_ACCOUNT: Final = insert(
    "account", ("lease_epoch", "lease_owner", "head_seq", "head_hash", "working_from", *ACCOUNT.columns)
)
UPDATE_HEAD: Final = update("account", ACCOUNT_HEAD, _LEASE)
UPDATE_ACCOUNT: Final = update("account", (*ACCOUNT_HEAD, "session_id", *ACCOUNT_REST), _LEASE)
UPDATE_OPENED: Final = "UPDATE account SET head_seq=?,head_hash=? WHERE account_no=?"
TAKE_LEASE: Final = "UPDATE account SET lease_epoch=lease_epoch+1,lease_owner=? WHERE account_no=?"
UPSERT_WALLET: Final = upsert("wallets", ("account_no", "asset", "amount"), ("account_no", "asset"))
# Not an upsert: an id that was used before must fail here, before a byte of it leaves.
INSERT_ORDER: Final = insert("orders", ("account_no", *ORDER_COLUMNS, "settled"))
UPDATE_ORDER: Final = update("orders", (*ORDER_MOVING, "settled"), ("order_no",))
UPDATE_ORDER_AND_ID: Final = update("orders", (*ORDER_MOVING, "settled", _ORDER_INDEXED), ("order_no",))
# What an amendment changed of an order's ticket; everything else of a ticket never changes.
UPDATE_TICKET: Final = "UPDATE orders SET limit_price=?,quantity=? WHERE account_no=? AND client_order_id=?"
UPSERT_PARENT: Final = upsert(
    "parents", ("account_no", "ticket", *PARENT.columns, "settled"), ("account_no", "parent_id")
)
INSERT_FILL: Final = insert("fills", ("account_no", *FILL.columns))
INSERT_INCOME: Final = insert("income", ("account_no", *INCOME.columns))
UPSERT_POSITION: Final = upsert("positions", ("account_no", *POSITION.columns), _POSITION)
DELETE_LOTS: Final = "DELETE FROM lots WHERE account_no=? AND symbol=? AND position_side=?"
INSERT_LOT: Final = insert("lots", (*_POSITION, "place", *LOT.columns))
UPSERT_SYMBOL: Final = upsert("symbols", ("account_no", *SYMBOL.columns), ("account_no", "symbol"))
INSERT_TRIP: Final = insert("round_trips", ("account_no", *TRIP.columns))
INSERT_SESSION: Final = insert("sessions", ("account_no", "options", *SESSION.columns))
UPDATE_SESSION: Final = update("sessions", SESSION.columns[1:], ("account_no", "session_id"))
UPDATE_OPTIONS: Final = update("sessions", ("options",), ("account_no", "session_id"))
# A portfolio is made by the first session that trades for it, under its own name.
INSERT_PORTFOLIO: Final = f"{insert('portfolios', ('portfolio_id', 'name'))} ON CONFLICT DO NOTHING"
INSERT_EQUITY: Final = insert("equity_points", ("account_no", "seq", "at_ms", "session_id", *EQUITY.columns))
INSERT_RECOVERY: Final = insert("recovery_reports", ("account_no", "seq", "at_ms", *RECOVERY.columns))
INSERT_ALARM: Final = insert("alarms", ("account_no", "seq", "at_ms", *ALARM.columns))
# A process that goes on where another was killed may see a bar again.
INSERT_CANDLE: Final = f"{insert('candles', ('account_no', *CANDLE.columns))} ON CONFLICT DO NOTHING"

SELECT_ACCOUNT: Final = select("account", ACCOUNT.columns, "WHERE account_no=?")
SELECT_WALLETS: Final = "SELECT asset,amount FROM wallets WHERE account_no=?"
SELECT_SESSION: Final = select(
    "sessions", (*SESSION.columns, "options"), "WHERE account_no=? AND session_id=?"
)
SELECT_SESSIONS: Final = select(
    "sessions", (*SESSION.columns, "options"), "WHERE account_no=? ORDER BY session_no DESC LIMIT ?"
)
_ORDERS = ("order_no", *ORDER_COLUMNS)
# The sign keeps SQLite from the index that begins with the account: it would read and sort every order there ever was.
SELECT_UNSETTLED: Final = select(
    "orders", _ORDERS, "WHERE +account_no=? AND order_no>=? AND settled=0 ORDER BY order_no"
)
SELECT_NEWEST_ORDERS: Final = select(
    "orders",
    ("order_no", *RECENT.columns),
    "WHERE +account_no=? AND order_no<? ORDER BY order_no DESC LIMIT ?",
)
SELECT_ORDER_NUMBER: Final = (
    "SELECT order_no,exchange_order_id FROM orders WHERE account_no=? AND client_order_id=?"
)
SELECT_ORDER: Final = select("orders", _ORDERS, "WHERE account_no=? AND client_order_id=?")
SELECT_ORDER_BY_EXCHANGE_ID: Final = select(
    "orders", _ORDERS, "WHERE exchange_order_id=? AND account_no=? AND symbol=?"
)
SELECT_OPEN_PARENTS: Final = select(
    "parents", (*PARENT.columns, "ticket"), "WHERE account_no=? AND settled=0 ORDER BY intent"
)
SELECT_PARENT: Final = select("parents", (*PARENT.columns, "ticket"), "WHERE account_no=? AND parent_id=?")
SELECT_PARENTS: Final = select(
    "parents", (*PARENT.columns, "ticket"), "WHERE account_no=? ORDER BY intent DESC LIMIT ?"
)
SELECT_POSITIONS: Final = select(
    "positions", POSITION.columns, "WHERE account_no=? ORDER BY symbol,position_side"
)
SELECT_LOTS: Final = select(
    "lots",
    ("symbol", "position_side", *LOT.columns),
    "WHERE account_no=? ORDER BY symbol,position_side,place",
)
SELECT_SYMBOLS: Final = select("symbols", SYMBOL.columns, "WHERE account_no=? ORDER BY symbol")
SELECT_UNCONFIRMED: Final = select(
    "fills", FILL.columns, "WHERE account_no=? AND symbol=? AND trade_id>? ORDER BY trade_id,side"
)
SELECT_CONFIRMED: Final = select(
    "fills",
    FILL.columns,
    "WHERE account_no=? AND symbol=? AND trade_id<=? ORDER BY trade_id DESC,side DESC LIMIT ?",
)
SELECT_TRADED_MS: Final = "SELECT traded_ms FROM fills WHERE account_no=? AND symbol=? AND trade_id=?"
SELECT_INCOME_IDS: Final = "SELECT transaction_id,income_type,asset FROM income WHERE account_no=?"
SELECT_RECORDS: Final = select(
    "journal", JOURNAL_COLUMNS, "WHERE record_no>? AND record_no<=? ORDER BY record_no LIMIT ?"
)

# For people. A parameter that is NULL filters nothing; it is given twice.
_OPEN_STATUSES = ",".join(f"'{status.value}'" for status in OrderStatus if not status.is_terminal)
SELECT_ACCOUNTS: Final = """
SELECT a.account_id,a.exchange,a.namespace,a.lease_epoch,a.lease_owner,a.session_id,s.status,
(SELECT count(*) FROM sessions WHERE account_no=a.account_no),a.last_ms
FROM account a LEFT JOIN sessions s ON s.account_no=a.account_no AND s.session_id=a.session_id ORDER BY a.account_no
"""
SELECT_ORDERS: Final = select(
    "orders", _ORDERS, "WHERE account_no=? AND (? IS NULL OR symbol=?) ORDER BY order_no DESC LIMIT ?"
)
SELECT_OPEN_ORDERS: Final = select(
    "orders",
    _ORDERS,
    f"""WHERE account_no=?1 AND order_no>=(SELECT working_from FROM account WHERE account_no=?1)
    AND status IN ({_OPEN_STATUSES}) AND (?2 IS NULL OR symbol=?3) ORDER BY order_no DESC LIMIT ?4""",
)
SELECT_FILLS: Final = select(
    "fills",
    FILL.columns,
    "WHERE account_no=? AND (? IS NULL OR symbol=?)"
    " ORDER BY traded_ms DESC,symbol DESC,trade_id DESC,side DESC LIMIT ?",
)
# With the price that the order was decided at, for slippage; NULL for an order that is not ours. Statistics are in the
# settle asset: what was earned in another is not among them.
SELECT_EXECUTIONS: Final = select(
    "fills f LEFT JOIN orders o ON o.account_no=f.account_no AND o.client_order_id=f.client_order_id",
    (*(f"f.{name}" for name in EXECUTION.columns[:-1]), "o.reference_price"),
    "WHERE f.account_no=? AND f.margin_asset='' ORDER BY f.traded_ms,f.symbol,f.trade_id,f.side",
)
SELECT_CANDLES: Final = select(
    "candles",
    CANDLE.columns,
    "WHERE account_no=? AND symbol=? AND timeframe=? ORDER BY open_ms DESC LIMIT ?",
)
SELECT_INCOME: Final = select("income", INCOME.columns, "WHERE account_no=? ORDER BY at_ms,transaction_id")
SELECT_TRIPS: Final = select("round_trips", TRIP.columns, "WHERE account_no=? ORDER BY trip_no DESC LIMIT ?")
SELECT_RECOVERIES: Final = select(
    "recovery_reports", ("at_ms", *RECOVERY.columns), "WHERE account_no=? ORDER BY seq DESC LIMIT ?"
)
SELECT_EQUITY: Final = select(
    "equity_points",
    ("at_ms", *EQUITY.columns),
    "WHERE account_no=? AND (? IS NULL OR session_id=?) ORDER BY seq",
)
