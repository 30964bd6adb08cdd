"""A tiny exchange for property tests: it takes or refuses requests, fills, triggers and cancels, and keeps the truth.

It promises what a real one promises and nothing more: fills are in its trade list from the moment they happen, an
order that arrived can be found, a reduce-only order never turns a position around. What it tells (``told``) may be
delivered in any order, again, late, or never; then only a read of the truth helps.
"""

from dataclasses import dataclass, field
from decimal import Decimal

from src.domain.decisions.effects import CancelOrder, SubmitOrder
from src.domain.market.sides import OrderSide, PositionSide
from src.domain.orders.news import FillReport, IncomeReport, OrderNews, OrderReport
from src.domain.orders.ticket import Amendment
from src.domain.orders.types import OrderStatus, OrderType
from tests.support.domain_builders import BTC, a_fill, some_income

ZERO = Decimal(0)
OPEN = (OrderStatus.NEW, OrderStatus.TRIGGERED, OrderStatus.PARTIALLY_FILLED)


@dataclass
class Held:
    """An order as the exchange holds it."""

    name: str
    side: OrderSide
    order_type: OrderType
    quantity: Decimal
    reduce_only: bool
    number: int
    status: OrderStatus = OrderStatus.NEW
    filled: Decimal = ZERO
    triggered: bool = False
    limit_price: Decimal | None = None

    @property
    def is_open(self) -> bool:
        return self.status in OPEN

    @property
    def is_waiting(self) -> bool:
        """Whether it rests in the book of conditional orders."""
        return self.order_type.is_conditional and not self.triggered


@dataclass
class Exchange:
    """The truth. ``now_ms`` is venue time; it is set by whoever plays the clock."""

    now_ms: int = 0
    orders: dict[str, Held] = field(default_factory=dict)
    trades: list[FillReport] = field(default_factory=list)
    income: list[IncomeReport] = field(default_factory=list)
    told: list[OrderNews | IncomeReport] = field(default_factory=list)
    names: set[str] = field(default_factory=set)

    @property
    def position(self) -> Decimal:
        return sum((trade.quantity * trade.side.sign for trade in self.trades), ZERO)

    @property
    def earned(self) -> Decimal:
        """What all trades and payments together did to the wallet."""
        traded = sum((trade.realized_pnl - trade.commission for trade in self.trades), ZERO)
        return traded + sum((payment.amount for payment in self.income), ZERO)

    def take(self, request: SubmitOrder, market_share: Decimal) -> Held:
        """Accept an order; a market order trades this share of its quantity at once, and the rest expires."""
        name, ticket = request.attempt.client_order_id, request.ticket
        assert name not in self.names, f"{name} was sent twice"
        self.names.add(name)
        held = Held(
            name,
            ticket.side,
            ticket.order_type,
            ticket.quantity,
            ticket.reduce_only,
            1_000 + len(self.names),
            limit_price=ticket.limit_price,
        )
        self.orders[name] = held
        self._tell(held)
        if ticket.order_type is OrderType.MARKET:
            self.fill(held, ticket.quantity * market_share)
            if held.is_open:
                self.end(held, OrderStatus.EXPIRED)
        return held

    def refuse(self, request: SubmitOrder) -> None:
        """Refuse an order; it leaves no trace."""
        assert request.attempt.client_order_id not in self.names, "sent twice"
        self.names.add(request.attempt.client_order_id)

    def fill(self, held: Held, quantity: Decimal) -> None:
        """Trade up to ``quantity``; what a reduce-only order cannot take any more expires."""
        room = self._room(held)
        traded = min(quantity, room, held.quantity - held.filled)
        if traded:
            self._trade(held, traded)
        if held.is_open and (
            traded == room or (held.order_type is not OrderType.LIMIT and traded < quantity)
        ):
            self.end(held, OrderStatus.EXPIRED)

    def trigger(self, held: Held, *, rejected: bool) -> None:
        """A conditional order becomes a market order, or is rejected for margin."""
        held.triggered = True
        if rejected:
            self.end(held, OrderStatus.REJECTED)
            return
        held.status = OrderStatus.TRIGGERED
        self._tell(held)
        self.fill(held, held.quantity)

    def cancel(self, request: CancelOrder) -> bool:
        """Whether there was such an order in the book that was asked."""
        held = self.orders.get(request.client_order_id)
        if held is None or not held.is_open or held.is_waiting is not request.conditional:
            return False
        self.end(held, OrderStatus.CANCELED)
        return True

    def amend(self, wish: Amendment) -> bool:
        """Whether an amendment came in time for a resting order; what is filled already may end the order with it."""
        held = self.orders.get(wish.client_order_id)
        if held is None or not held.is_open or self.now_ms > wish.deadline_ms:
            return False
        if wish.quantity <= held.filled:
            self.end(held, OrderStatus.CANCELED)
        else:
            held.limit_price, held.quantity = wish.limit_price, wish.quantity
            self._tell(held)
        return True

    def end(self, held: Held, status: OrderStatus) -> None:
        """An order ends without a trade."""
        held.status = status
        self._tell(held)

    def somebody_trades(self, side: OrderSide, quantity: Decimal) -> None:
        """An order that is not ours fills on the same account."""
        number = 500_000 + len(self.trades)
        held = Held(f"web_{number}", side, OrderType.MARKET, quantity, False, number)
        self._trade(held, quantity)

    def somebody_meets(self, held: Held, quantity: Decimal) -> None:
        """An order of the account that is not ours trades with a resting one of ours: both are told of one trade."""
        quantity = min(quantity, held.quantity - held.filled, self._room(held))
        if quantity:
            self._trade(held, quantity)
            number = 500_000 + len(self.trades)
            other = Held(f"web_{number}", held.side.opposite, OrderType.MARKET, quantity, False, number)
            self._trade(other, quantity, self.trades[-1].trade_id)

    def pay(self, amount: Decimal) -> None:
        """A funding payment."""
        self.income.append(some_income(1_000 + len(self.income), amount=amount))
        self.told.append(self.income[-1])

    def report(self, held: Held) -> OrderReport:
        """An order as it stands."""
        return OrderReport(
            client_order_id=held.name,
            symbol=BTC,
            side=held.side,
            position_side=PositionSide.BOTH,
            order_type=held.order_type,
            status=held.status,
            quantity=held.quantity,
            filled_quantity=held.filled,
            reduce_only=held.reduce_only,
            updated_ms=self.now_ms,
            exchange_order_id=None if held.is_waiting else held.number,
            algo_id=90_000 + held.number if held.order_type.is_conditional else None,
            limit_price=held.limit_price,
        )

    def _room(self, held: Held) -> Decimal:
        if not held.reduce_only:
            return held.quantity
        position = self.position
        return abs(position) if position * held.side.sign < 0 else ZERO

    def _trade(self, held: Held, quantity: Decimal, trade_id: int = 0) -> None:
        trade_id = trade_id or len(self.trades) + 1
        fill = a_fill(
            None,
            trade_id,
            quantity,
            # Another than the last one's: what a position costs tells in which order its trades were taken.
            90 + 7 * trade_id % 19,
            side=held.side,
            exchange_order_id=held.number,
            realized_pnl=Decimal(trade_id) / 8,
            commission=quantity / 1_000,
            traded_ms=self.now_ms,
        )
        self.trades.append(fill)
        held.filled += quantity
        done = held.filled >= held.quantity
        held.status = OrderStatus.FILLED if done else OrderStatus.PARTIALLY_FILLED
        self._tell(held, fill)

    def _tell(self, held: Held, fill: FillReport | None = None) -> None:
        self.told.append(OrderNews(self.report(held), fill))
