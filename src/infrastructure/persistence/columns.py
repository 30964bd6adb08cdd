"""What the tables are built from: the kinds of column, and the names that constraints get.

Columns are made by functions, because a column belongs to one table.
"""

from decimal import Decimal
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Dialect,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    Text,
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
    """A finite decimal kept exactly: TEXT on SQLite (its NUMERIC is binary floating point), NUMERIC elsewhere.

    Without a scale, because PostgreSQL silently rounds to one that is given.
    """

    impl = Numeric()
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Decimal]:
        """TEXT on SQLite."""
        kind: TypeEngine[Any] = Text() if dialect.name == "sqlite" else Numeric()
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


def text_column(name: str) -> Column[str]:
    """Text that is always there."""
    return Column(name, Text, nullable=False)


def whole(name: str) -> Column[int]:
    """A whole number that is always there."""
    return Column(name, BigInteger, nullable=False)


def maybe_whole(name: str) -> Column[int]:
    """A whole number, or NULL."""
    return Column(name, BigInteger)


def amount(name: str) -> Column[Decimal]:
    """An exact amount that is always there."""
    return Column(name, ExactDecimal, nullable=False)


def maybe_amount(name: str) -> Column[Decimal]:
    """An exact amount, or NULL."""
    return Column(name, ExactDecimal)


def flag(name: str) -> Column[bool]:
    """Truth."""
    return Column(name, Boolean, nullable=False)


def blob(name: str) -> Column[bytes]:
    """Bytes that are always there."""
    return Column(name, LargeBinary, nullable=False)


def account_column() -> Column[int]:
    """The account that a row belongs to."""
    return Column("account_no", RowNumber, ForeignKey("account.account_no"), nullable=False)
