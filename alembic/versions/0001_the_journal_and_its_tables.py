"""The journal and its tables.

Revision 0001, the first.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from src.infrastructure.persistence.columns import ExactDecimal

revision: str = "0001"
down_revision: str | Sequence[str] | None = None
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Make the change."""
    op.create_table(
        "account",
        sa.Column("account_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("account_id", sa.String(length=64), nullable=False),
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("exchange", sa.Text(), nullable=False),
        sa.Column("settle_asset", sa.Text(), nullable=False),
        sa.Column("lease_epoch", sa.BigInteger(), nullable=False),
        sa.Column("lease_owner", sa.Text(), nullable=False),
        sa.Column("head_seq", sa.BigInteger(), nullable=False),
        sa.Column("head_hash", sa.LargeBinary(), nullable=False),
        sa.Column("session_id", sa.Text(), nullable=True),
        sa.Column("working_from", sa.BigInteger(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("next_intent", sa.BigInteger(), nullable=False),
        sa.Column("next_sequence", sa.BigInteger(), nullable=False),
        sa.Column("stream_epoch", sa.BigInteger(), nullable=False),
        sa.Column("trading_state", sa.Text(), nullable=False),
        sa.Column("trading_reason", sa.Text(), nullable=False),
        sa.Column("day", sa.BigInteger(), nullable=False),
        sa.Column("day_start_equity", ExactDecimal(), nullable=False),
        sa.Column("peak_equity", ExactDecimal(), nullable=False),
        sa.Column("max_drawdown", ExactDecimal(), nullable=False),
        sa.Column("realized_pnl", ExactDecimal(), nullable=False),
        sa.Column("commission", ExactDecimal(), nullable=False),
        sa.Column("funding", ExactDecimal(), nullable=False),
        sa.Column("transfers", ExactDecimal(), nullable=False),
        sa.Column("breaches", sa.BigInteger(), nullable=False),
        sa.Column("last_ms", sa.BigInteger(), nullable=False),
        sa.Column("income_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account_no", name=op.f("pk_account")),
        sa.UniqueConstraint("account_id", name=op.f("uq_account_account_id")),
    )
    op.create_table(
        "portfolios",
        sa.Column("portfolio_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("portfolio_id", name=op.f("pk_portfolios")),
    )
    op.create_table(
        "alarms",
        sa.Column("account_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_no"], ["account.account_no"], name=op.f("fk_alarms_account_no_account")
        ),
        sa.PrimaryKeyConstraint("account_no", "seq", name=op.f("pk_alarms")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "equity_points",
        sa.Column("account_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("session_id", sa.Text(), nullable=True),
        sa.Column("wallet", ExactDecimal(), nullable=False),
        sa.Column("unrealized_pnl", ExactDecimal(), nullable=False),
        sa.Column("exposure", ExactDecimal(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_no"], ["account.account_no"], name=op.f("fk_equity_points_account_no_account")
        ),
        sa.PrimaryKeyConstraint("account_no", "seq", name=op.f("pk_equity_points")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "fills",
        sa.Column("account_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("client_order_id", sa.Text(), nullable=False),
        sa.Column("symbol", sa.String(length=32), nullable=False),
        sa.Column("trade_id", sa.BigInteger(), nullable=False),
        sa.Column("exchange_order_id", sa.BigInteger(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("position_side", sa.Text(), nullable=False),
        sa.Column("price", ExactDecimal(), nullable=False),
        sa.Column("quantity", ExactDecimal(), nullable=False),
        sa.Column("realized_pnl", ExactDecimal(), nullable=False),
        sa.Column("commission", ExactDecimal(), nullable=False),
        sa.Column("commission_asset", sa.Text(), nullable=False),
        sa.Column("is_maker", sa.Boolean(), nullable=False),
        sa.Column("traded_ms", sa.BigInteger(), nullable=False),
        sa.Column("strategy_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_no"], ["account.account_no"], name=op.f("fk_fills_account_no_account")
        ),
        sa.PrimaryKeyConstraint("account_no", "symbol", "trade_id", name=op.f("pk_fills")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "income",
        sa.Column("account_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("transaction_id", sa.BigInteger(), nullable=False),
        sa.Column("income_type", sa.String(length=64), nullable=False),
        sa.Column("asset", sa.String(length=32), nullable=False),
        sa.Column("amount", ExactDecimal(), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_no"], ["account.account_no"], name=op.f("fk_income_account_no_account")
        ),
        sa.PrimaryKeyConstraint(
            "account_no", "transaction_id", "income_type", "asset", name=op.f("pk_income")
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "journal",
        sa.Column(
            "record_no",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("account_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("prev_hash", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_no"], ["account.account_no"], name=op.f("fk_journal_account_no_account")
        ),
        sa.PrimaryKeyConstraint("record_no", name=op.f("pk_journal")),
    )
    op.create_table(
        "lots",
        sa.Column("account_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("symbol", sa.String(length=32), nullable=False),
        sa.Column("position_side", sa.String(length=8), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("quantity", ExactDecimal(), nullable=False),
        sa.Column("price", ExactDecimal(), nullable=False),
        sa.Column("commission", ExactDecimal(), nullable=False),
        sa.Column("opened_ms", sa.BigInteger(), nullable=False),
        sa.Column("strategy_id", sa.Text(), nullable=False),
        sa.Column("trade_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_no"], ["account.account_no"], name=op.f("fk_lots_account_no_account")
        ),
        sa.PrimaryKeyConstraint("account_no", "symbol", "position_side", "place", name=op.f("pk_lots")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "orders",
        sa.Column("order_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("account_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("order_type", sa.Text(), nullable=False),
        sa.Column("quantity", ExactDecimal(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("strategy_id", sa.Text(), nullable=False),
        sa.Column("reference_price", ExactDecimal(), nullable=False),
        sa.Column("limit_price", ExactDecimal(), nullable=True),
        sa.Column("stop_price", ExactDecimal(), nullable=True),
        sa.Column("time_in_force", sa.Text(), nullable=True),
        sa.Column("reduce_only", sa.Boolean(), nullable=False),
        sa.Column("position_side", sa.Text(), nullable=False),
        sa.Column("working_type", sa.Text(), nullable=False),
        sa.Column("stop_loss_price", ExactDecimal(), nullable=True),
        sa.Column("take_profit_price", ExactDecimal(), nullable=True),
        sa.Column("ticket_reason", sa.Text(), nullable=False),
        sa.Column("client_order_id", sa.String(length=64), nullable=False),
        sa.Column("timestamp_ms", sa.BigInteger(), nullable=False),
        sa.Column("recv_window_ms", sa.BigInteger(), nullable=False),
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("intent", sa.BigInteger(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("attempt_state", sa.Text(), nullable=False),
        sa.Column("cancel_state", sa.Text(), nullable=False),
        sa.Column("exchange_order_id", sa.BigInteger(), nullable=True),
        sa.Column("algo_id", sa.BigInteger(), nullable=True),
        sa.Column("filled_quantity", ExactDecimal(), nullable=False),
        sa.Column("filled_cost", ExactDecimal(), nullable=False),
        sa.Column("claimed_quantity", ExactDecimal(), nullable=False),
        sa.Column("realized_pnl", ExactDecimal(), nullable=False),
        sa.Column("commission", ExactDecimal(), nullable=False),
        sa.Column("updated_ms", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("trade_ids", sa.Text(), nullable=False),
        sa.Column("settled", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_no"], ["account.account_no"], name=op.f("fk_orders_account_no_account")
        ),
        sa.PrimaryKeyConstraint("order_no", name=op.f("pk_orders")),
        sa.UniqueConstraint(
            "account_no", "client_order_id", name=op.f("uq_orders_account_no_client_order_id")
        ),
    )
    with op.batch_alter_table("orders", schema=None) as batch_op:
        batch_op.create_index(
            "ix_orders_exchange_order_id",
            ["exchange_order_id"],
            unique=False,
            sqlite_where=sa.text("exchange_order_id IS NOT NULL"),
            postgresql_where=sa.text("exchange_order_id IS NOT NULL"),
        )

    op.create_table(
        "outbox_cursor",
        sa.Column("account_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("consumer", sa.String(length=64), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_no"], ["account.account_no"], name=op.f("fk_outbox_cursor_account_no_account")
        ),
        sa.PrimaryKeyConstraint("account_no", "consumer", name=op.f("pk_outbox_cursor")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "positions",
        sa.Column("account_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("symbol", sa.String(length=32), nullable=False),
        sa.Column("position_side", sa.String(length=8), nullable=False),
        sa.Column("quantity", ExactDecimal(), nullable=False),
        sa.Column("cost", ExactDecimal(), nullable=False),
        sa.Column("realized_pnl", ExactDecimal(), nullable=False),
        sa.Column("commission", ExactDecimal(), nullable=False),
        sa.Column("funding", ExactDecimal(), nullable=False),
        sa.Column("strategy_id", sa.Text(), nullable=False),
        sa.Column("stop_loss_price", ExactDecimal(), nullable=True),
        sa.Column("take_profit_price", ExactDecimal(), nullable=True),
        sa.Column("opened_ms", sa.BigInteger(), nullable=False),
        sa.Column("updated_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_no"], ["account.account_no"], name=op.f("fk_positions_account_no_account")
        ),
        sa.PrimaryKeyConstraint("account_no", "symbol", "position_side", name=op.f("pk_positions")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "recovery_reports",
        sa.Column("account_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("orders_checked", sa.BigInteger(), nullable=False),
        sa.Column("fills_added", sa.BigInteger(), nullable=False),
        sa.Column("income_added", sa.BigInteger(), nullable=False),
        sa.Column("unresolved", sa.BigInteger(), nullable=False),
        sa.Column("differences", sa.BigInteger(), nullable=False),
        sa.Column("agrees", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_no"], ["account.account_no"], name=op.f("fk_recovery_reports_account_no_account")
        ),
        sa.PrimaryKeyConstraint("account_no", "seq", name=op.f("pk_recovery_reports")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "round_trips",
        sa.Column("trip_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("account_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("strategy_id", sa.Text(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("quantity", ExactDecimal(), nullable=False),
        sa.Column("entry_price", ExactDecimal(), nullable=False),
        sa.Column("exit_price", ExactDecimal(), nullable=False),
        sa.Column("pnl", ExactDecimal(), nullable=False),
        sa.Column("commission", ExactDecimal(), nullable=False),
        sa.Column("opened_ms", sa.BigInteger(), nullable=False),
        sa.Column("closed_ms", sa.BigInteger(), nullable=False),
        sa.Column("entry_trade_id", sa.BigInteger(), nullable=False),
        sa.Column("exit_trade_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_no"], ["account.account_no"], name=op.f("fk_round_trips_account_no_account")
        ),
        sa.PrimaryKeyConstraint("trip_no", name=op.f("pk_round_trips")),
    )
    op.create_table(
        "sessions",
        sa.Column("session_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("account_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("session_id", sa.String(length=64), nullable=False),
        sa.Column("options", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("started_ms", sa.BigInteger(), nullable=False),
        sa.Column("stopped_ms", sa.BigInteger(), nullable=True),
        sa.Column("resume_paused", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("total_trades", sa.BigInteger(), nullable=False),
        sa.Column("winning_trades", sa.BigInteger(), nullable=False),
        sa.Column("losing_trades", sa.BigInteger(), nullable=False),
        sa.Column("total_pnl", ExactDecimal(), nullable=False),
        sa.Column("total_commission", ExactDecimal(), nullable=False),
        sa.Column("total_funding", ExactDecimal(), nullable=False),
        sa.Column("peak_equity", ExactDecimal(), nullable=False),
        sa.Column("max_drawdown", ExactDecimal(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_no"], ["account.account_no"], name=op.f("fk_sessions_account_no_account")
        ),
        sa.PrimaryKeyConstraint("session_no", name=op.f("pk_sessions")),
        sa.UniqueConstraint("account_no", "session_id", name=op.f("uq_sessions_account_no_session_id")),
    )
    op.create_table(
        "symbols",
        sa.Column("account_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("symbol", sa.String(length=32), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("confirmed_trade_id", sa.BigInteger(), nullable=False),
        sa.Column("last_trade_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_no"], ["account.account_no"], name=op.f("fk_symbols_account_no_account")
        ),
        sa.PrimaryKeyConstraint("account_no", "symbol", name=op.f("pk_symbols")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "wallets",
        sa.Column("account_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("asset", sa.String(length=32), nullable=False),
        sa.Column("amount", ExactDecimal(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_no"], ["account.account_no"], name=op.f("fk_wallets_account_no_account")
        ),
        sa.PrimaryKeyConstraint("account_no", "asset", name=op.f("pk_wallets")),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    """Undo it."""
    op.drop_table("wallets")
    op.drop_table("symbols")
    op.drop_table("sessions")
    op.drop_table("round_trips")
    op.drop_table("recovery_reports")
    op.drop_table("positions")
    op.drop_table("outbox_cursor")
    with op.batch_alter_table("orders", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_orders_exchange_order_id",
            sqlite_where=sa.text("exchange_order_id IS NOT NULL"),
            postgresql_where=sa.text("exchange_order_id IS NOT NULL"),
        )

    op.drop_table("orders")
    op.drop_table("lots")
    op.drop_table("journal")
    op.drop_table("income")
    op.drop_table("fills")
    op.drop_table("equity_points")
    op.drop_table("alarms")
    op.drop_table("portfolios")
    op.drop_table("account")
