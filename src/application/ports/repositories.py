"""What callers of the library look up: the portfolio, its orders and its positions, as last committed.

They are read models of one database and carry its address, so that a service that is handed one trades on the
same. Nothing is written through them: only a session writes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from src.domain.ledger.state import Ledger
from src.domain.orders.order import Order
from src.domain.positions.position import Position


@dataclass(frozen=True, slots=True)
class PortfolioState:
    """One account and what it is traded for; money in the settle asset. ``capital`` is what was paid in."""

    portfolio_id: str
    account_id: str
    exchange: str
    trading_state: str
    wallet_balance: Decimal
    capital: Decimal
    realized_pnl: Decimal
    commission: Decimal
    funding: Decimal

    @classmethod
    def of(cls, ledger: Ledger) -> "PortfolioState":
        """The account of a ledger that has had a session; raises LookupError otherwise."""
        account, session = ledger.account, ledger.session
        if session is None:
            raise LookupError(f"account {account.account_id[:8]} has had no session yet")
        return cls(
            session.portfolio_id,
            account.account_id,
            account.exchange,
            account.trading_state.value,
            ledger.wallet_balance,
            account.transfers,
            account.realized_pnl,
            account.commission,
            account.funding,
        )


class Repository(Protocol):
    """A read model of a database. Every call may raise StoreError."""

    @property
    def database_url(self) -> str:
        """The database's address, as the setting DATABASE_URL takes it."""
        ...


class PortfolioRepository(Repository, Protocol):
    """Portfolios by the name that sessions trade for them under."""

    def get(self, portfolio_id: str) -> PortfolioState | None:
        """The account that was last traded for the portfolio; None when none was."""
        ...

    def all(self) -> Sequence[PortfolioState]:
        """Every account that has had a session."""
        ...


class OrderRepository(Repository, Protocol):
    """Orders of every account, open and settled."""

    def get(self, order_id: str) -> Order | None:
        """One order by our id."""
        ...

    def all(self, *, open_only: bool = False, symbol: str | None = None, limit: int = 100) -> Sequence[Order]:
        """Orders, newest first."""
        ...


class PositionRepository(Repository, Protocol):
    """Positions of every account that are not flat."""

    def get(self, symbol: str) -> Position | None:
        """The position of a symbol; None when it is flat everywhere."""
        ...

    def all(self) -> Sequence[Position]:
        """Every open position."""
        ...


class SessionRepository(Repository, Protocol):
    """What sessions hold."""

    def ledger(self, session_id: str) -> Ledger:
        """As last committed; raises LookupError for a session that is not the newest of its account."""
        ...
