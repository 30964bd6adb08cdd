"""The ledger's state, and the record of what a step changed in it.

One task owns a ledger and changes it in place, only through ``evolve``. Orders that are settled leave the working
set after the commit that stored them; the store still has them.
"""

from collections import Counter, deque
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from src.domain.ledger.events import FillBooked, IncomeBooked
from src.domain.ledger.unconfirmed import Unconfirmed
from src.domain.market.sides import OrderSide, PositionSide
from src.domain.money import ZERO
from src.domain.orders.order import Order
from src.domain.orders.parents import ParentOrder
from src.domain.orders.ticket import OrderTicket
from src.domain.orders.types import Purpose
from src.domain.positions.position import Position, RoundTrip
from src.domain.sessions.session import TradingSession
from src.domain.sessions.trading_states import SymbolState, TradingState
from src.domain.shared.making import maker

PositionKey = tuple[str, PositionSide]


@dataclass(slots=True)
class AccountState:
    """The account: identity, counters, wallet and latches. Money in the asset named, or the settle asset."""

    account_id: str
    namespace: str
    exchange: str
    settle_asset: str
    epoch: int = 0
    next_intent: int = 1
    next_sequence: int = 1
    stream_epoch: int = 0
    trading_state: TradingState = TradingState.ACTIVE
    trading_reason: str = ""
    day: int = -1
    day_start_equity: Decimal = ZERO
    peak_equity: Decimal = ZERO
    max_drawdown: Decimal = ZERO
    realized_pnl: Decimal = ZERO
    commission: Decimal = ZERO
    funding: Decimal = ZERO
    transfers: Decimal = ZERO
    breaches: int = 0
    last_ms: int = 0
    income_ms: int = 0
    wallet: dict[str, Decimal] = field(default_factory=dict)


@dataclass(slots=True)
class SymbolBook:
    """What the ledger keeps per symbol beside positions.

    ``pending_buy`` and ``pending_sell`` are what open orders that may grow a position can still fill (base asset),
    unknown outcomes and cancels on their way included; ``pending_price`` is the worst price they were reserved at.
    ``trade_halves`` are those booked of trades above ``confirmed_trade_id``; at or below it every trade has been
    compared.
    """

    symbol: str
    state: SymbolState = SymbolState.TRADING
    reason: str = ""
    pending_buy: Decimal = ZERO
    pending_sell: Decimal = ZERO
    pending_price: Decimal = ZERO
    confirmed_trade_id: int = 0
    last_trade_id: int = 0
    trade_halves: set[int] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class RecentOrder:
    """An order of the last minute, as the throttles and the duplicate rule remember it."""

    at_ms: int
    symbol: str
    side: OrderSide
    quantity: Decimal
    price: Decimal | None
    strategy_id: str
    purpose: Purpose


_make_recent_order: Final = maker(RecentOrder)
RECENT_WINDOW_MS = 60_000


@dataclass(slots=True)
class Changes:
    """What a step touched: the rows that the store has to write."""

    orders: dict[str, Order] = field(default_factory=dict)
    positions: dict[PositionKey, Position] = field(default_factory=dict)
    symbols: dict[str, SymbolBook] = field(default_factory=dict)
    fills: list[FillBooked] = field(default_factory=list)
    income: list[IncomeBooked] = field(default_factory=list)
    round_trips: list[RoundTrip] = field(default_factory=list)
    session: TradingSession | None = None
    account: bool = False
    parents: dict[str, ParentOrder] = field(default_factory=dict)
    amended: dict[str, Order] = field(default_factory=dict)

    def clear(self) -> None:
        """Forget everything: the rows are written."""
        self.orders.clear()
        self.positions.clear()
        self.symbols.clear()
        self.fills.clear()
        self.income.clear()
        self.round_trips.clear()
        self.session = None
        self.account = False
        if self.parents:
            self.parents.clear()
        if self.amended:
            self.amended.clear()


@dataclass(frozen=True, slots=True)
class Refusals:
    """Refusals in a row of a position's stops, targets or emergency closes, and when to try again (session time, ms).

    An emergency close that found nobody to trade with counts as well. ``are_transient`` says that the last one was
    about the moment, not about the order. ``broke`` is a stop that broke a filter of the exchange, the first of a row.
    """

    count: int
    next_ms: int
    are_transient: bool
    broke: OrderTicket | None = None


class Ledger:
    """Everything that a session must not lose."""

    __slots__ = (
        "account",
        "amended_ms",
        "cancels",
        "changes",
        "denied",
        "income_ids",
        "order_ids",
        "orders",
        "parents",
        "positions",
        "recent_orders",
        "refusals",
        "session",
        "symbols",
        "unconfirmed",
        "unprotected",
    )

    def __init__(self, account: AccountState, session: TradingSession | None = None) -> None:
        self.account = account
        self.session = session
        self.orders: dict[str, Order] = {}
        self.order_ids: dict[tuple[str, int], str] = {}
        self.positions: dict[PositionKey, Position] = {}
        self.symbols: dict[str, SymbolBook] = {}
        # By position, trades that an older one may still come before. Not stored as such: they are among the fills.
        self.unconfirmed: dict[PositionKey, Unconfirmed] = {}
        self.income_ids: set[tuple[int, str, str]] = set()
        self.recent_orders: deque[RecentOrder] = deque()
        # When amendments of the last minute were sent (session time, ms): each is a message, too. Not stored.
        self.amended_ms: deque[int] = deque()
        self.parents: dict[str, ParentOrder] = {}
        # Not stored: a new process tries at once, which is when it is most needed.
        self.refusals: dict[tuple[str, PositionSide, Purpose], Refusals] = {}
        # By symbol, how many stops in a row the exchange has refused for good; not stored either.
        self.unprotected: dict[str, int] = {}
        # Since when cancels have waited for an effect, or for news of their orders (session time, ms); not stored.
        self.cancels: dict[str, int] = {}
        # How often each rule has refused an order in this process; not stored: the journal has every refusal.
        self.denied: Counter[str] = Counter()
        self.changes = Changes()

    def symbol(self, symbol: str) -> SymbolBook:
        """The book of a symbol, made when it is first asked for."""
        book = self.symbols.get(symbol)
        if book is None:
            book = self.symbols[symbol] = SymbolBook(symbol)
        return book

    def position(self, symbol: str, side: PositionSide = PositionSide.BOTH) -> Position:
        """The position of a symbol, flat when there is none; the same object for as long as the ledger lives."""
        position = self.positions.get((symbol, side))
        if position is None:
            position = self.positions[(symbol, side)] = Position(symbol, side)
        return position

    @property
    def is_hedged(self) -> bool:
        """Whether LONG and SHORT of a symbol are kept apart (hedge mode)."""
        return self.session is not None and self.session.options.hedge_mode

    @property
    def wallet_balance(self) -> Decimal:
        """Wallet in the settle asset."""
        return self.account.wallet.get(self.account.settle_asset, ZERO)

    def adopt_order(self, order: Order) -> None:
        """Put an order into the working set: at load, or when late news of a settled one arrives."""
        self.orders[order.client_order_id] = order
        if order.exchange_order_id is not None:
            self.order_ids[(order.symbol, order.exchange_order_id)] = order.client_order_id
        parent = self.parent_of(order)
        if parent is not None:
            parent.children[order.client_order_id] = order

    def parent_of(self, order: Order) -> ParentOrder | None:
        """The parent order that an order is a part of, unless there is none or it is settled and gone."""
        name = order.ticket.parent_id
        return None if name is None else self.parents.get(name)

    def dismiss(self, order: Order) -> None:
        """Let go of an adopted order again, unless the news changed it: then the commit stores it first."""
        if order.is_settled and order.client_order_id not in self.changes.orders:
            self._forget(order)

    def _forget(self, order: Order) -> None:
        self.orders.pop(order.client_order_id, None)
        if order.exchange_order_id is not None:
            self.order_ids.pop((order.symbol, order.exchange_order_id), None)
        parent = self.parent_of(order)
        if parent is not None:
            parent.children.pop(order.client_order_id, None)

    def remember(self, order: Order) -> None:
        """Count an order for the throttles; those older than a minute before it are forgotten."""
        recent = self.recent_orders
        recent.append(_recent(order, order.ticket))
        since = order.created_ms - RECENT_WINDOW_MS
        while recent[0].at_ms <= since:
            recent.popleft()

    def count_amendment(self, at_ms: int) -> None:
        """Count an amendment for the throttle; those older than a minute before it are forgotten."""
        amended = self.amended_ms
        amended.append(at_ms)
        while amended[0] <= at_ms - RECENT_WINDOW_MS:
            amended.popleft()

    def sent_since(self, since_ms: int) -> int:
        """How many orders and amendments were sent after a time (session time, ms) within the last minute."""
        orders = sum(1 for order in self.recent_orders if order.at_ms > since_ms)
        return orders + sum(1 for at_ms in self.amended_ms if at_ms > since_ms)

    def remember_amended(self, order: Order, before: OrderTicket) -> None:
        """The throttles know an order as it stands: one that was amended is no longer what it was."""
        known = _recent(order, before)
        if known in self.recent_orders:
            self.recent_orders[self.recent_orders.index(known)] = _recent(order, order.ticket)

    def release_settled(self) -> None:
        """Let go of the orders of the last step that are over and fully booked; the store has them."""
        for order in self.changes.orders.values():
            if order.is_settled:
                self._forget(order)
        for parent in self.changes.parents.values():
            if parent.is_settled:
                self.parents.pop(parent.parent_id, None)


def _recent(order: Order, ticket: OrderTicket) -> RecentOrder:
    return _make_recent_order(
        order.created_ms,
        ticket.symbol,
        ticket.side,
        ticket.quantity,
        ticket.limit_price or ticket.stop_price,
        ticket.strategy_id,
        ticket.purpose,
    )
