"""The schema, as SQLAlchemy tables: what alembic migrates and every statement is checked against.

The journal is the history; every other table is its projection, written in the same transaction. There is no
outbox table: the journal itself is the outbox, and ``outbox_cursor`` marks how far a relay has published it.
Amounts are :class:`ExactDecimal`. Secondary indexes are kept to what the order path can afford: each one is a
page more in every commit that touches it.
"""

from decimal import Decimal
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.types import TypeDecorator, TypeEngine

from src.domain.money import canonical

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite only makes INTEGER PRIMARY KEY the row id itself.
RowNumber = BigInteger().with_variant(Integer(), "sqlite")


class ExactDecimal(TypeDecorator[Decimal]):
    """A finite decimal kept exactly: TEXT on SQLite (its NUMERIC is binary floating point), NUMERIC elsewhere."""

    impl = Numeric(38, 18)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Decimal]:
        """TEXT on SQLite."""
        kind: TypeEngine[Any] = Text() if dialect.name == "sqlite" else Numeric(38, 18)
        return dialect.type_descriptor(kind)

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Decimal | str | None:
        """The canonical spelling on SQLite; ValueError for NaN and infinity, which PostgreSQL would take."""
        if value is None:
            return None
        if not value.is_finite():
            raise ValueError(f"only finite decimals are stored, not {value}")
        return canonical(value) if dialect.name == "sqlite" else value

    def process_result_value(self, value: Decimal | str | None, dialect: Dialect) -> Decimal | None:
        """The same number."""
        return None if value is None else Decimal(value)


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)


def _whole(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False)


def _maybe_whole(name: str) -> Column[int]:
    return Column(name, BigInteger)


def _amount(name: str) -> Column[Decimal]:
    return Column(name, ExactDecimal, nullable=False)


def _maybe_amount(name: str) -> Column[Decimal]:
    return Column(name, ExactDecimal)


def _flag(name: str) -> Column[bool]:
    return Column(name, Boolean, nullable=False)


def _hash(name: str) -> Column[bytes]:
    return Column(name, LargeBinary, nullable=False)


def _account() -> Column[int]:
    return Column("account_no", RowNumber, ForeignKey("account.account_no"), nullable=False)


account = Table(
    "account",
    metadata,
    Column("account_no", RowNumber, primary_key=True),
    Column("account_id", String(64), nullable=False, unique=True),
    *(_text(name) for name in ("namespace", "exchange", "settle_asset")),
    # The lease: every commit names its epoch, so that a writer whose lease was taken over changes nothing.
    _whole("lease_epoch"),
    _text("lease_owner"),
    _whole("head_seq"),
    _hash("head_hash"),
    Column("session_id", Text),
    # No order below this number is needed to rebuild the working set.
    _whole("working_from"),
    *(_whole(name) for name in ("epoch", "next_intent", "next_sequence", "stream_epoch")),
    *(_text(name) for name in ("trading_state", "trading_reason")),
    _whole("day"),
    *(_amount(name) for name in ("day_start_equity", "peak_equity", "max_drawdown")),
    *(_amount(name) for name in ("realized_pnl", "commission", "funding", "transfers")),
    *(_whole(name) for name in ("breaches", "last_ms", "income_ms")),
)

wallets = Table(
    "wallets",
    metadata,
    _account(),
    Column("asset", String(32), nullable=False),
    _amount("amount"),
    PrimaryKeyConstraint("account_no", "asset"),
    sqlite_with_rowid=False,
)

journal = Table(
    "journal",
    metadata,
    # account_no · 2^40 + seq: on SQLite the one B-tree that an appended record touches.
    Column("record_no", RowNumber, primary_key=True, autoincrement=False),
    _account(),
    *(_whole(name) for name in ("seq", "at_ms", "epoch")),
    *(_text(name) for name in ("kind", "key")),
    *(_hash(name) for name in ("payload", "prev_hash", "hash")),
)

sessions = Table(
    "sessions",
    metadata,
    Column("session_no", RowNumber, primary_key=True),
    _account(),
    Column("session_id", String(64), nullable=False),
    # Canonical JSON of SessionOptions: written once, compared as a whole.
    _text("options"),
    _text("status"),
    _whole("started_ms"),
    _maybe_whole("stopped_ms"),
    _flag("resume_paused"),
    _text("reason"),
    *(_whole(name) for name in ("total_trades", "winning_trades", "losing_trades")),
    *(_amount(name) for name in ("total_pnl", "total_commission", "total_funding")),
    *(_amount(name) for name in ("peak_equity", "max_drawdown")),
    UniqueConstraint("account_no", "session_id"),
)

orders = Table(
    "orders",
    metadata,
    Column("order_no", RowNumber, primary_key=True),
    _account(),
    # The ticket: never changes.
    *(_text(name) for name in ("symbol", "side", "order_type")),
    _amount("quantity"),
    *(_text(name) for name in ("purpose", "strategy_id")),
    _amount("reference_price"),
    *(_maybe_amount(name) for name in ("limit_price", "stop_price")),
    Column("time_in_force", Text),
    _flag("reduce_only"),
    *(_text(name) for name in ("position_side", "working_type")),
    *(_maybe_amount(name) for name in ("stop_loss_price", "take_profit_price")),
    _text("ticket_reason"),
    # The attempt: never changes, never repeated.
    Column("client_order_id", String(64), nullable=False),
    *(_whole(name) for name in ("timestamp_ms", "recv_window_ms")),
    # The order.
    _text("session_id"),
    *(_whole(name) for name in ("intent", "created_ms")),
    *(_text(name) for name in ("status", "attempt_state", "cancel_state")),
    *(_maybe_whole(name) for name in ("exchange_order_id", "algo_id")),
    *(_amount(name) for name in ("filled_quantity", "filled_cost", "claimed_quantity")),
    *(_amount(name) for name in ("realized_pnl", "commission")),
    _whole("updated_ms"),
    _text("reason"),
    # Comma-separated; kept here as well as in fills, so that fills need no index by order.
    _text("trade_ids"),
    _flag("settled"),
    UniqueConstraint("account_no", "client_order_id"),
    # Only acknowledged orders, so that the commit before a submit does not touch it.
    Index(
        "ix_orders_exchange_order_id",
        "exchange_order_id",
        sqlite_where=text("exchange_order_id IS NOT NULL"),
        postgresql_where=text("exchange_order_id IS NOT NULL"),
    ),
)

fills = Table(
    "fills",
    metadata,
    _account(),
    _text("client_order_id"),
    Column("symbol", String(32), nullable=False),
    *(_whole(name) for name in ("trade_id", "exchange_order_id")),
    *(_text(name) for name in ("side", "position_side")),
    *(_amount(name) for name in ("price", "quantity", "realized_pnl", "commission")),
    _text("commission_asset"),
    _flag("is_maker"),
    _whole("traded_ms"),
    _text("strategy_id"),
    PrimaryKeyConstraint("account_no", "symbol", "trade_id"),
    sqlite_with_rowid=False,
)

positions = Table(
    "positions",
    metadata,
    _account(),
    Column("symbol", String(32), nullable=False),
    Column("position_side", String(8), nullable=False),
    *(_amount(name) for name in ("quantity", "cost", "realized_pnl", "commission", "funding")),
    _text("strategy_id"),
    *(_maybe_amount(name) for name in ("stop_loss_price", "take_profit_price")),
    *(_whole(name) for name in ("opened_ms", "updated_ms")),
    PrimaryKeyConstraint("account_no", "symbol", "position_side"),
    sqlite_with_rowid=False,
)

lots = Table(
    "lots",
    metadata,
    _account(),
    Column("symbol", String(32), nullable=False),
    Column("position_side", String(8), nullable=False),
    # First in, first out: the place in the queue.
    Column("place", Integer, nullable=False),
    *(_amount(name) for name in ("quantity", "price", "commission")),
    _whole("opened_ms"),
    _text("strategy_id"),
    _whole("trade_id"),
    PrimaryKeyConstraint("account_no", "symbol", "position_side", "place"),
    sqlite_with_rowid=False,
)

# Reservations are not stored: they are derived from the open orders at load.
symbols = Table(
    "symbols",
    metadata,
    _account(),
    Column("symbol", String(32), nullable=False),
    *(_text(name) for name in ("state", "reason")),
    *(_whole(name) for name in ("confirmed_trade_id", "last_trade_id")),
    PrimaryKeyConstraint("account_no", "symbol"),
    sqlite_with_rowid=False,
)

income = Table(
    "income",
    metadata,
    _account(),
    _whole("transaction_id"),
    Column("income_type", String(64), nullable=False),
    Column("asset", String(32), nullable=False),
    _amount("amount"),
    _text("symbol"),
    _whole("at_ms"),
    PrimaryKeyConstraint("account_no", "transaction_id", "income_type", "asset"),
    sqlite_with_rowid=False,
)

round_trips = Table(
    "round_trips",
    metadata,
    Column("trip_no", RowNumber, primary_key=True),
    _account(),
    *(_text(name) for name in ("symbol", "strategy_id", "side")),
    *(_amount(name) for name in ("quantity", "entry_price", "exit_price", "pnl", "commission")),
    *(_whole(name) for name in ("opened_ms", "closed_ms", "entry_trade_id", "exit_trade_id")),
)

equity_points = Table(
    "equity_points",
    metadata,
    _account(),
    *(_whole(name) for name in ("seq", "at_ms")),
    Column("session_id", Text),
    *(_amount(name) for name in ("wallet", "unrealized_pnl", "exposure")),
    PrimaryKeyConstraint("account_no", "seq"),
    sqlite_with_rowid=False,
)

recovery_reports = Table(
    "recovery_reports",
    metadata,
    _account(),
    *(_whole(name) for name in ("seq", "at_ms")),
    _text("cause"),
    *(
        _whole(name)
        for name in ("orders_checked", "fills_added", "income_added", "unresolved", "differences")
    ),
    _flag("agrees"),
    PrimaryKeyConstraint("account_no", "seq"),
    sqlite_with_rowid=False,
)

alarms = Table(
    "alarms",
    metadata,
    _account(),
    *(_whole(name) for name in ("seq", "at_ms")),
    *(_text(name) for name in ("subject", "text")),
    PrimaryKeyConstraint("account_no", "seq"),
    sqlite_with_rowid=False,
)

# How far a consumer outside this process has published the journal.
outbox_cursor = Table(
    "outbox_cursor",
    metadata,
    _account(),
    Column("consumer", String(64), nullable=False),
    _whole("seq"),
    PrimaryKeyConstraint("account_no", "consumer"),
    sqlite_with_rowid=False,
)

portfolios = Table(
    "portfolios",
    metadata,
    Column("portfolio_id", String(64), primary_key=True),
    _text("name"),
)
