"""An order: the ticket, its one attempt, and everything that became of it.

An order belongs to the ledger, which alone changes it, and only while it evolves over an event.
"""

from dataclasses import dataclass, field
from decimal import Decimal

from src.domain.market.sides import OrderSide
from src.domain.money import ZERO
from src.domain.orders.ticket import Attempt, OrderTicket
from src.domain.orders.transitions import AttemptState, CancelState, ModifyState
from src.domain.orders.types import OrderStatus


@dataclass(slots=True)
class Order:
    """Quantities in base asset, ``filled_cost`` and ``realized_pnl`` in quote asset, times in ms UTC.

    ``claimed_quantity`` is the most the exchange has said to be filled; when it exceeds ``filled_quantity``, a
    trade has not reached us yet and the order is not settled, whatever its status. The ticket is the order as it
    stands: an amendment that happened has changed its price and quantity. ``wanted_price`` and ``wanted_quantity``
    are those of an amendment that may or may not have happened; after ``modify_deadline_ms`` it no longer can.
    ``created_ms`` is session time, ``updated_ms`` venue time: of the newest word of the exchange, 0 before the first.
    """

    ticket: OrderTicket
    attempt: Attempt
    session_id: str
    intent: int
    created_ms: int
    status: OrderStatus = OrderStatus.PENDING_NEW
    attempt_state: AttemptState = AttemptState.OPEN
    cancel_state: CancelState = CancelState.NONE
    exchange_order_id: int | None = None
    algo_id: int | None = None
    filled_quantity: Decimal = ZERO
    filled_cost: Decimal = ZERO
    claimed_quantity: Decimal = ZERO
    realized_pnl: Decimal = ZERO
    commission: Decimal = ZERO
    updated_ms: int = 0
    reason: str = ""
    trade_ids: set[int] = field(default_factory=set)
    modify_state: ModifyState = ModifyState.NONE
    wanted_price: Decimal | None = None
    wanted_quantity: Decimal | None = None
    modify_deadline_ms: int | None = None

    @property
    def client_order_id(self) -> str:
        """Our id of the order: never reused, recognisable as ours."""
        return self.attempt.client_order_id

    @property
    def id(self) -> str:
        """The client order id, under the name that the document's examples use."""
        return self.attempt.client_order_id

    @property
    def symbol(self) -> str:
        """The instrument."""
        return self.ticket.symbol

    @property
    def side(self) -> OrderSide:
        """BUY or SELL."""
        return self.ticket.side

    @property
    def quantity(self) -> Decimal:
        """Ordered quantity, base asset."""
        return self.ticket.quantity

    @property
    def remaining_quantity(self) -> Decimal:
        """What may still be filled, base asset; zero once the order is over."""
        if self.status.is_terminal:
            return ZERO
        return max(ZERO, self.ticket.quantity - self.filled_quantity)

    @property
    def quantity_max(self) -> Decimal:
        """The most that may be ordered by now, base asset: an amendment of unknown outcome may have happened."""
        wanted = self.wanted_quantity
        return self.ticket.quantity if wanted is None else max(wanted, self.ticket.quantity)

    @property
    def exposed_quantity(self) -> Decimal:
        """The most that may be filled in all, whatever becomes of an amendment; what is filled once it is over."""
        return self.filled_quantity if self.status.is_terminal else self.quantity_max

    @property
    def average_price(self) -> Decimal | None:
        """Mean fill price, quote asset per base asset; None before the first fill."""
        return self.filled_cost / self.filled_quantity if self.filled_quantity else None

    @property
    def is_open(self) -> bool:
        """Whether the order can still change the position."""
        return not self.status.is_terminal

    @property
    def is_live(self) -> bool:
        """Open, and not of unknown outcome: it can be counted on."""
        return not self.status.is_terminal and self.attempt_state is not AttemptState.UNKNOWN

    @property
    def is_settled(self) -> bool:
        """Over, with every fill the exchange spoke of booked: nothing more is expected."""
        return self.status.is_terminal and self.filled_quantity >= self.claimed_quantity

    def debug_info(self) -> str:
        """One line with everything a person needs to judge the order."""
        ticket = self.ticket
        price = ticket.limit_price or ticket.stop_price or "market"
        return (
            f"{self.client_order_id} {ticket.purpose.value} {ticket.side.value} {ticket.quantity:f} {ticket.symbol} "
            f"{ticket.order_type.value} @ {price} {self.status.value} attempt={self.attempt_state.value} "
            f"cancel={self.cancel_state.value} filled={self.filled_quantity:f} "
            f"ids={self.exchange_order_id}/{self.algo_id}"
            f"{' ' + self.reason if self.reason else ''}"
        )
