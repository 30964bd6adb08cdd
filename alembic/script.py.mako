"""${message}

Revision ${up_revision}, after ${down_revision | comma,n}; written ${create_date.date()}.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
${"\n" + imports if imports else ""}

revision: str = ${repr(up_revision)}
down_revision: str | Sequence[str] | None = ${repr(down_revision)}
branch_labels: str | Sequence[str] | None = ${repr(branch_labels)}
depends_on: str | Sequence[str] | None = ${repr(depends_on)}


def upgrade() -> None:
    """Make the change."""
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    """Undo it."""
    ${downgrades if downgrades else "pass"}
