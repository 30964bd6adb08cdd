"""A trade of the account with itself has one id and two fills: the one that bought and the one that sold.

Revision 0005, after 0004.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from src.infrastructure.persistence.columns import ExactDecimal

revision: str = "0005"
down_revision: str | Sequence[str] | None = "0004"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_OF_A_TRADE = ("account_no", "symbol", "trade_id")


def upgrade() -> None:
    """Make the change."""
    _key_fills_by(*_OF_A_TRADE, "side")


def downgrade() -> None:
    """Undo the change; it fails, and changes nothing, where the account has traded with itself."""
    _key_fills_by(*_OF_A_TRADE)


def _key_fills_by(*key: str) -> None:
    if op.get_context().dialect.name != "sqlite":
        op.drop_constraint("pk_fills", "fills", type_="primary")
        op.create_primary_key("pk_fills", "fills", list(key))
        return
    # SQLite keeps such a table in the order of its key: it is written anew.
    columns = _columns()
    op.create_table(
        "new_fills",
        *columns,
        sa.ForeignKeyConstraint(
            ["account_no"], ["account.account_no"], name=op.f("fk_fills_account_no_account")
        ),
        sa.PrimaryKeyConstraint(*key, name=op.f("pk_fills")),
        sqlite_with_rowid=False,
    )
    names = ", ".join(column.name for column in columns)
    op.execute(f"INSERT INTO new_fills ({names}) SELECT {names} FROM fills")
    op.drop_table("fills")
    op.rename_table("new_fills", "fills")


def _columns() -> list[sa.Column[object]]:
    return [
        sa.Column("account_no", sa.Integer(), nullable=False),
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
        sa.Column("margin_asset", sa.Text(), nullable=False),
    ]
