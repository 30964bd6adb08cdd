"""The asset that a trade's profit is in, where it is another than the account's.

Revision 0004, after 0003.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0004"
down_revision: str | Sequence[str] | None = "0003"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Make the change."""
    op.add_column("fills", sa.Column("margin_asset", sa.Text(), nullable=False, server_default=""))


def downgrade() -> None:
    """Undo the change; the assets are forgotten."""
    op.drop_column("fills", "margin_asset")
