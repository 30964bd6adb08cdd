"""The repositories of the library over the read models: each call opens them, reads one commit, and closes them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from src.application.ports.repositories import PortfolioState
from src.application.ports.store import AccountRow, ReadModels
from src.domain.ledger.state import Ledger
from src.domain.market.symbols import canonical_symbol
from src.domain.orders.order import Order
from src.domain.positions.position import Position

OpenReads = Callable[[], ReadModels]


@dataclass(frozen=True, slots=True)
class _ReadRepository:
    """What all of them have: the database's address, and the way into it."""

    open_reads: OpenReads
    database_url: str

    @contextmanager
    def _reading(self) -> Iterator[tuple[ReadModels, list[AccountRow]]]:
        """The read models and the accounts, last traded first."""
        reads = self.open_reads()
        try:
            yield reads, sorted(reads.accounts(), key=lambda row: -row.last_ms)
        finally:
            reads.close()


class StoredPortfolios(_ReadRepository):
    """Implements PortfolioRepository."""

    def get(self, portfolio_id: str) -> PortfolioState | None:
        """The account that was last traded for the portfolio; None when none was."""
        return next((each for each in self.all() if each.portfolio_id == portfolio_id), None)

    def all(self) -> list[PortfolioState]:
        """Every account that has had a session, last traded first."""
        with self._reading() as (reads, rows):
            ledgers = [reads.ledger(row.account_id) for row in rows if row.session_id is not None]
        return [PortfolioState.of(ledger) for ledger in ledgers if ledger is not None]


class StoredOrders(_ReadRepository):
    """Implements OrderRepository."""

    def get(self, order_id: str) -> Order | None:
        """One order by our id."""
        with self._reading() as (reads, rows):
            found = (reads.order(row.account_id, order_id) for row in rows)
            return next((order for order in found if order is not None), None)

    def all(self, *, open_only: bool = False, symbol: str | None = None, limit: int = 100) -> list[Order]:
        """Orders, newest first; raises ValueError for a symbol that cannot be one."""
        wanted = None if symbol is None else canonical_symbol(symbol)
        with self._reading() as (reads, rows):
            orders = [
                order
                for row in rows
                for order in reads.orders(row.account_id, open_only=open_only, symbol=wanted, limit=limit)
            ]
        return sorted(orders, key=lambda order: -order.created_ms)[:limit]


class StoredPositions(_ReadRepository):
    """Implements PositionRepository."""

    def get(self, symbol: str) -> Position | None:
        """The position of a symbol; None when it is flat everywhere, ValueError when it cannot be a symbol."""
        wanted = canonical_symbol(symbol)
        return next((position for position in self.all() if position.symbol == wanted), None)

    def all(self) -> list[Position]:
        """Every open position."""
        with self._reading() as (reads, rows):
            return [position for row in rows for position in reads.positions(row.account_id)]


class StoredSessions(_ReadRepository):
    """Implements SessionRepository."""

    def ledger(self, session_id: str) -> Ledger:
        """As last committed; raises LookupError for a session that is not the newest of its account."""
        with self._reading() as (reads, rows):
            row = next((row for row in rows if row.session_id == session_id), None)
            ledger = None if row is None else reads.ledger(row.account_id)
        if ledger is None:
            raise LookupError(
                f"no account has {session_id} as its newest session: `status` shows which it has"
            )
        return ledger
