"""The state of a session as a caller of the library sees it: one picture of what the ledger holds.

A session's state is durable at every moment, because nothing is acted on before its commit. So ``recover`` is a
plain read, and ``save`` has nothing to write: it asks the database whether it holds this state, and fails if not.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self
from uuid import UUID

from src.application.ports.repositories import PortfolioState
from src.application.ports.store import StoreError
from src.application.trading.default_assembly import session_repository
from src.domain.ledger.state import Ledger
from src.domain.orders.order import Order
from src.domain.positions.position import Position
from src.domain.signals import Signal


@dataclass(frozen=True, slots=True)
class TradingState:
    """What a session has, at ``last_update`` (session time, UTC).

    ``pending_signals`` is always empty: a signal becomes an order, or a reason why not, in the step that sees it,
    so none is ever waiting to be lost.
    """

    session_id: UUID
    portfolio_state: PortfolioState
    open_orders: list[Order]
    positions: list[Position]
    pending_signals: list[Signal]
    last_update: datetime

    @classmethod
    def of(cls, ledger: Ledger) -> Self:
        """The state that a ledger holds; raises LookupError when it has had no session."""
        portfolio = PortfolioState.of(ledger)
        assert ledger.session is not None, "a portfolio's state comes with its session"
        return cls(
            UUID(ledger.session.id),
            portfolio,
            [order for order in ledger.orders.values() if order.is_open],
            [position for position in ledger.positions.values() if not position.is_flat],
            [],
            datetime.fromtimestamp(ledger.account.last_ms / 1_000, UTC),
        )

    @classmethod
    def recover(cls, session_id: UUID | str) -> Self:
        """Read a session's state from the database; raises LookupError for an unknown session, and StoreError."""
        return cls.of(session_repository().ledger(str(session_id)))

    def save(self) -> None:
        """Make sure that the database holds this state; raises StoreError when it does not, LookupError as above."""
        stored = self.recover(self.session_id)
        if stored.last_update < self.last_update:
            raise StoreError(
                f"the database ends at {stored.last_update:%H:%M:%S.%f}, before this state of "
                f"{self.last_update:%H:%M:%S.%f}: take the state after the session's next commit"
            )
        if stored.last_update == self.last_update and stored != self:
            raise StoreError("the database holds another state of this moment: recover from it instead")
