"""More kinds of orders: what their tickets say, amendments, parent orders, protection that a person waived.

Revision 0002, after 0001.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from src.infrastructure.persistence.columns import ExactDecimal

revision: str = "0002"
down_revision: str | Sequence[str] | None = "0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Make the change."""
    no = sa.false()
    for column in (
        sa.Column("close_position", sa.Boolean(), nullable=False, server_default=no),
        sa.Column("good_till_ms", sa.BigInteger(), nullable=True),
        sa.Column("activation_price", ExactDecimal(), nullable=True),
        sa.Column("callback_pct", ExactDecimal(), nullable=True),
        sa.Column("parent_id", sa.String(length=64), nullable=True),
        sa.Column("modify_state", sa.Text(), nullable=False, server_default="NONE"),
        sa.Column("wanted_price", ExactDecimal(), nullable=True),
        sa.Column("wanted_quantity", ExactDecimal(), nullable=True),
        sa.Column("modify_deadline_ms", sa.BigInteger(), nullable=True),
    ):
        op.add_column("orders", column)
    for name in ("stop_waived", "target_waived"):
        op.add_column("positions", sa.Column(name, sa.Boolean(), nullable=False, server_default=no))
    op.create_table(
        "parents",
        sa.Column("account_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("parent_id", sa.String(length=64), nullable=False),
        sa.Column("ticket", sa.Text(), nullable=False),
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("intent", sa.BigInteger(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("filled_quantity", ExactDecimal(), nullable=False),
        sa.Column("filled_cost", ExactDecimal(), nullable=False),
        sa.Column("slices_done", sa.BigInteger(), nullable=False),
        sa.Column("next_ms", sa.BigInteger(), nullable=False),
        sa.Column("replaced", sa.Text(), nullable=False),
        sa.Column("updated_ms", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("settled", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_no"], ["account.account_no"], name=op.f("fk_parents_account_no_account")
        ),
        sa.PrimaryKeyConstraint("account_no", "parent_id", name=op.f("pk_parents")),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    """Undo the change; parents and amendments under way are forgotten."""
    op.drop_table("parents")
    for name in ("target_waived", "stop_waived"):
        op.drop_column("positions", name)
    for name in (
        "modify_deadline_ms",
        "wanted_quantity",
        "wanted_price",
        "modify_state",
        "parent_id",
        "callback_pct",
        "activation_price",
        "good_till_ms",
        "close_position",
    ):
        op.drop_column("orders", name)
