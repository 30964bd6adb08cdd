"""The schema, as SQLAlchemy tables: what alembic migrates and every statement is checked against.

The journal is the history; every other table is its projection, written in the same transaction. There is no
outbox table: the journal itself is the outbox, and ``outbox_cursor`` marks how far a relay has published it.
Secondary indexes are kept to what the order path can afford: each one is a page more in every commit that touches
it.
"""

from sqlalchemy import (
    Column,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from src.infrastructure.persistence.candle_table import candles as candles
from src.infrastructure.persistence.columns import (
    RowNumber,
    account_column,
    amount,
    blob,
    flag,
    maybe_amount,
    maybe_whole,
    metadata,
    text_column,
    whole,
)

account = Table(
    "account",
    metadata,
    Column("account_no", RowNumber, primary_key=True),
    Column("account_id", String(64), nullable=False, unique=True),
    *(text_column(name) for name in ("namespace", "exchange", "settle_asset")),
    # The lease: every commit names its epoch, so that a writer whose lease was taken over changes nothing.
    whole("lease_epoch"),
    text_column("lease_owner"),
    whole("head_seq"),
    blob("head_hash"),
    Column("session_id", Text),
    # No order below this number is needed to rebuild the working set.
    whole("working_from"),
    *(whole(name) for name in ("epoch", "next_intent", "next_sequence", "stream_epoch")),
    *(text_column(name) for name in ("trading_state", "trading_reason")),
    whole("day"),
    *(amount(name) for name in ("day_start_equity", "peak_equity", "max_drawdown")),
    *(amount(name) for name in ("realized_pnl", "commission", "funding", "transfers")),
    *(whole(name) for name in ("breaches", "last_ms", "income_ms")),
)

wallets = Table(
    "wallets",
    metadata,
    account_column(),
    Column("asset", String(32), nullable=False),
    amount("amount"),
    PrimaryKeyConstraint("account_no", "asset"),
    sqlite_with_rowid=False,
)

journal = Table(
    "journal",
    metadata,
    # account_no · 2^40 + seq: on SQLite the one B-tree that an appended record touches.
    Column("record_no", RowNumber, primary_key=True, autoincrement=False),
    account_column(),
    *(whole(name) for name in ("seq", "at_ms", "epoch")),
    *(text_column(name) for name in ("kind", "key")),
    *(blob(name) for name in ("payload", "prev_hash", "hash")),
)

sessions = Table(
    "sessions",
    metadata,
    Column("session_no", RowNumber, primary_key=True),
    account_column(),
    Column("session_id", String(64), nullable=False),
    # Canonical JSON of SessionOptions, compared as a whole; only its strategies ever change.
    text_column("options"),
    text_column("status"),
    whole("started_ms"),
    maybe_whole("stopped_ms"),
    flag("resume_paused"),
    text_column("reason"),
    *(whole(name) for name in ("total_trades", "winning_trades", "losing_trades")),
    *(amount(name) for name in ("total_pnl", "total_commission", "total_funding")),
    *(amount(name) for name in ("peak_equity", "max_drawdown")),
    UniqueConstraint("account_no", "session_id"),
)

orders = Table(
    "orders",
    metadata,
    Column("order_no", RowNumber, primary_key=True),
    account_column(),
    # The ticket; only an amendment changes it.
    *(text_column(name) for name in ("symbol", "side", "order_type")),
    amount("quantity"),
    *(text_column(name) for name in ("purpose", "strategy_id")),
    amount("reference_price"),
    *(maybe_amount(name) for name in ("limit_price", "stop_price")),
    Column("time_in_force", Text),
    flag("reduce_only"),
    *(text_column(name) for name in ("position_side", "working_type")),
    *(maybe_amount(name) for name in ("stop_loss_price", "take_profit_price")),
    text_column("ticket_reason"),
    flag("close_position"),
    maybe_whole("good_till_ms"),
    *(maybe_amount(name) for name in ("activation_price", "callback_pct")),
    Column("parent_id", String(64)),
    # The attempt: never changes, never repeated.
    Column("client_order_id", String(64), nullable=False),
    *(whole(name) for name in ("timestamp_ms", "recv_window_ms")),
    # The order.
    text_column("session_id"),
    *(whole(name) for name in ("intent", "created_ms")),
    *(text_column(name) for name in ("status", "attempt_state", "cancel_state")),
    *(maybe_whole(name) for name in ("exchange_order_id", "algo_id")),
    *(amount(name) for name in ("filled_quantity", "filled_cost", "claimed_quantity")),
    *(amount(name) for name in ("realized_pnl", "commission")),
    whole("updated_ms"),
    text_column("reason"),
    # Comma-separated; kept here as well as in fills, so that fills need no index by order.
    text_column("trade_ids"),
    text_column("modify_state"),
    *(maybe_amount(name) for name in ("wanted_price", "wanted_quantity")),
    maybe_whole("modify_deadline_ms"),
    flag("settled"),
    UniqueConstraint("account_no", "client_order_id"),
    # Only acknowledged orders, so that the commit before a submit does not touch it.
    Index(
        "ix_orders_exchange_order_id",
        "exchange_order_id",
        sqlite_where=text("exchange_order_id IS NOT NULL"),
        postgresql_where=text("exchange_order_id IS NOT NULL"),
    ),
)

# OCO, iceberg, TWAP and VWAP: records of our own, because no exchange knows them.
parents = Table(
    "parents",
    metadata,
    account_column(),
    Column("parent_id", String(64), nullable=False),
    # Canonical JSON of ParentTicket: written once.
    text_column("ticket"),
    text_column("session_id"),
    *(whole(name) for name in ("intent", "created_ms")),
    text_column("status"),
    *(amount(name) for name in ("filled_quantity", "filled_cost")),
    *(whole(name) for name in ("slices_done", "next_ms")),
    text_column("replaced"),
    whole("updated_ms"),
    text_column("reason"),
    flag("settled"),
    PrimaryKeyConstraint("account_no", "parent_id"),
    sqlite_with_rowid=False,
)

fills = Table(
    "fills",
    metadata,
    account_column(),
    text_column("client_order_id"),
    Column("symbol", String(32), nullable=False),
    *(whole(name) for name in ("trade_id", "exchange_order_id")),
    *(text_column(name) for name in ("side", "position_side")),
    *(amount(name) for name in ("price", "quantity", "realized_pnl", "commission")),
    text_column("commission_asset"),
    flag("is_maker"),
    whole("traded_ms"),
    *(text_column(name) for name in ("strategy_id", "margin_asset")),
    # A trade of the account with itself has one id and two fills.
    PrimaryKeyConstraint("account_no", "symbol", "trade_id", "side"),
    sqlite_with_rowid=False,
)

positions = Table(
    "positions",
    metadata,
    account_column(),
    Column("symbol", String(32), nullable=False),
    Column("position_side", String(8), nullable=False),
    *(amount(name) for name in ("quantity", "cost", "realized_pnl", "commission", "funding")),
    text_column("strategy_id"),
    *(maybe_amount(name) for name in ("stop_loss_price", "take_profit_price")),
    *(whole(name) for name in ("opened_ms", "updated_ms")),
    *(flag(name) for name in ("stop_waived", "target_waived")),
    PrimaryKeyConstraint("account_no", "symbol", "position_side"),
    sqlite_with_rowid=False,
)

lots = Table(
    "lots",
    metadata,
    account_column(),
    Column("symbol", String(32), nullable=False),
    Column("position_side", String(8), nullable=False),
    # First in, first out: the place in the queue.
    Column("place", Integer, nullable=False),
    *(amount(name) for name in ("quantity", "price", "commission")),
    whole("opened_ms"),
    text_column("strategy_id"),
    whole("trade_id"),
    PrimaryKeyConstraint("account_no", "symbol", "position_side", "place"),
    sqlite_with_rowid=False,
)

# Reservations are not stored: they are derived from the open orders at load.
symbols = Table(
    "symbols",
    metadata,
    account_column(),
    Column("symbol", String(32), nullable=False),
    *(text_column(name) for name in ("state", "reason")),
    *(whole(name) for name in ("confirmed_trade_id", "last_trade_id")),
    PrimaryKeyConstraint("account_no", "symbol"),
    sqlite_with_rowid=False,
)

income = Table(
    "income",
    metadata,
    account_column(),
    whole("transaction_id"),
    Column("income_type", String(64), nullable=False),
    Column("asset", String(32), nullable=False),
    amount("amount"),
    text_column("symbol"),
    whole("at_ms"),
    PrimaryKeyConstraint("account_no", "transaction_id", "income_type", "asset"),
    sqlite_with_rowid=False,
)

round_trips = Table(
    "round_trips",
    metadata,
    Column("trip_no", RowNumber, primary_key=True),
    account_column(),
    *(text_column(name) for name in ("symbol", "strategy_id", "side")),
    *(amount(name) for name in ("quantity", "entry_price", "exit_price", "pnl", "commission")),
    *(whole(name) for name in ("opened_ms", "closed_ms", "entry_trade_id", "exit_trade_id")),
)

equity_points = Table(
    "equity_points",
    metadata,
    account_column(),
    *(whole(name) for name in ("seq", "at_ms")),
    Column("session_id", Text),
    *(amount(name) for name in ("wallet", "unrealized_pnl", "exposure")),
    PrimaryKeyConstraint("account_no", "seq"),
    sqlite_with_rowid=False,
)

recovery_reports = Table(
    "recovery_reports",
    metadata,
    account_column(),
    *(whole(name) for name in ("seq", "at_ms")),
    text_column("cause"),
    *(whole(name) for name in ("orders_checked", "fills_added", "income_added", "unresolved", "differences")),
    flag("agrees"),
    PrimaryKeyConstraint("account_no", "seq"),
    sqlite_with_rowid=False,
)

alarms = Table(
    "alarms",
    metadata,
    account_column(),
    *(whole(name) for name in ("seq", "at_ms")),
    *(text_column(name) for name in ("subject", "text")),
    PrimaryKeyConstraint("account_no", "seq"),
    sqlite_with_rowid=False,
)

# How far a consumer outside this process has published the journal.
outbox_cursor = Table(
    "outbox_cursor",
    metadata,
    account_column(),
    Column("consumer", String(64), nullable=False),
    whole("seq"),
    PrimaryKeyConstraint("account_no", "consumer"),
    sqlite_with_rowid=False,
)

portfolios = Table(
    "portfolios",
    metadata,
    Column("portfolio_id", String(64), primary_key=True),
    text_column("name"),
)
