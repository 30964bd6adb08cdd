"""An order that was sent around its session, in an emergency, as the side journal has it."""

from dataclasses import dataclass

from src.domain.orders.ticket import Attempt, OrderTicket
from src.domain.orders.transitions import AttemptTrigger


@dataclass(frozen=True, slots=True)
class EmergencyOrder:
    """A ticket with its one attempt, recorded before it was sent, and what was recorded of its outcome since.

    Without a ``trigger`` nothing was: the process may have died before the order left, or after. ``code`` and
    ``reason`` are those of a refusal, 0 and empty without one.
    """

    ticket: OrderTicket
    attempt: Attempt
    trigger: AttemptTrigger | None = None
    exchange_order_id: int | None = None
    code: int = 0
    reason: str = ""

    @property
    def client_order_id(self) -> str:
        """The id of its attempt."""
        return self.attempt.client_order_id

    @property
    def is_unknown(self) -> bool:
        """Whether nobody knows yet if the exchange took it."""
        return self.trigger in (None, AttemptTrigger.LOST)
