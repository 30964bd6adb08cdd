"""A trade of the account with itself has one id and two fills; what was paid in is transfers alone.

Revision 0005, after 0004.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal, localcontext

import sqlalchemy as sa
from alembic import context, op

from src.domain.money import MONEY_CONTEXT
from src.infrastructure.persistence.columns import ExactDecimal

revision: str = "0005"
down_revision: str | Sequence[str] | None = "0004"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_FUNDING = ("FUNDING_FEE", "SPECIAL_FUNDING_FEE")
_PAID_IN = (
    "OPENING_BALANCE",
    "TRANSFER",
    "INTERNAL_TRANSFER",
    "CROSS_COLLATERAL_TRANSFER",
    "WELCOME_BONUS",
    "COIN_SWAP_DEPOSIT",
    "COIN_SWAP_WITHDRAW",
    "STRATEGY_UMFUTURES_TRANSFER",
)
_OF_A_TRADE = ("account_no", "symbol", "trade_id")


def upgrade() -> None:
    """Make the change."""
    _key_fills_by(*_OF_A_TRADE, "side")
    _sum_up_transfers(lambda kind: kind in _PAID_IN)


def downgrade() -> None:
    """Undo the change; it fails, and changes nothing, where the account has traded with itself."""
    _key_fills_by(*_OF_A_TRADE)
    _sum_up_transfers(lambda kind: kind not in _FUNDING)


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


def _sum_up_transfers(counts: Callable[[str], bool]) -> None:
    """What counts of the income in each account's settle asset, exactly, as the journal's fold comes to it."""
    if context.is_offline_mode():
        # A script for a new database: nothing was paid in yet.
        return
    amount = ExactDecimal()
    account = sa.table(
        "account", *map(sa.column, ("account_no", "settle_asset")), sa.column("transfers", amount)
    )
    income = sa.table(
        "income", *map(sa.column, ("account_no", "income_type", "asset")), sa.column("amount", amount)
    )
    connection = op.get_bind()
    with localcontext(MONEY_CONTEXT):
        for number, asset in connection.execute(
            sa.select(account.c.account_no, account.c.settle_asset)
        ).all():
            rows = connection.execute(
                sa.select(income.c.income_type, income.c.amount).where(
                    income.c.account_no == number, income.c.asset == asset
                )
            )
            total = sum((paid for kind, paid in rows if counts(kind)), Decimal(0))
            connection.execute(
                sa.update(account).where(account.c.account_no == number).values(transfers=total)
            )


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
