"""What a decision wants done in the world; every effect runs only after the commit that recorded its reason."""

from dataclasses import dataclass

from src.domain.orders.ticket import Amendment, Attempt, OrderTicket


@dataclass(frozen=True, slots=True)
class SubmitOrder:
    """Send this attempt, once."""

    ticket: OrderTicket
    attempt: Attempt


@dataclass(frozen=True, slots=True)
class CancelOrder:
    """Ask for the end of an order; ``conditional`` says in which of the exchange's books it rests."""

    symbol: str
    client_order_id: str
    conditional: bool


@dataclass(frozen=True, slots=True)
class ModifyOrder:
    """Send this amendment, once; ``reduce_only`` says that the order cannot grow a position."""

    amendment: Amendment
    reduce_only: bool


@dataclass(frozen=True, slots=True)
class Reconcile:
    """Run the recovery procedure: something can only be settled by asking the exchange."""

    reason: str


Effect = SubmitOrder | CancelOrder | ModifyOrder | Reconcile
