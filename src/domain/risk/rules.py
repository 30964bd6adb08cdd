"""The pre-trade rules for orders that may grow a position: one small class each, asked in order.

A rule names itself, and its refusal carries the value it saw and the limit it holds; the same name stands in
refusals, metrics and screens. The order of :data:`ENTRY_RULES` is the order of precedence: state first, then the
data, then the order itself, then what it would do to the account.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, Protocol

from src.domain.ledger.state import Ledger, SymbolBook
from src.domain.market.instrument import Instrument
from src.domain.market.sides import OrderSide
from src.domain.market.view import MarketView
from src.domain.orders.ticket import OrderTicket
from src.domain.orders.types import OrderType
from src.domain.portfolio.exposure import equity, worst_exposure
from src.domain.positions.position import Position
from src.domain.risk.limits import RiskLimits
from src.domain.sessions.session import TradingSessionStatus
from src.domain.sessions.trading_states import SymbolState, TradingState

MANUAL = "manual"


@dataclass(frozen=True, slots=True)
class Objection:
    """Why a rule said no: the value it saw, the limit it holds, and one sentence for people."""

    rule: str
    value: str
    limit: str
    text: str


class Review:
    """What the rules look at: the order, the account as it is, and the worst case if the order is sent.

    Money in quote asset; ``worst_quantity`` (base asset) and ``worst_notional`` are of the order's symbol with this
    order included, ``other_exposure`` is the worst case of all other symbols.
    """

    __slots__ = (
        "book",
        "equity",
        "instrument",
        "ledger",
        "limits",
        "mark_price",
        "now_ms",
        "other_exposure",
        "position",
        "price",
        "ticket",
        "view",
        "worst_notional",
        "worst_quantity",
    )

    def __init__(
        self,
        ledger: Ledger,
        view: MarketView,
        limits: RiskLimits,
        ticket: OrderTicket,
        instrument: Instrument,
        now_ms: int,
    ) -> None:
        self.ledger = ledger
        self.view = view
        self.limits = limits
        self.ticket = ticket
        self.instrument = instrument
        self.now_ms = now_ms
        self.book: SymbolBook = ledger.symbol(ticket.symbol)
        self.position: Position = ledger.position(ticket.symbol, ticket.position_side)
        self.mark_price = view.mark_price(ticket.symbol) or ticket.reference_price
        self.price = ticket.limit_price or ticket.stop_price or ticket.reference_price
        held, quantity = self.position.quantity, ticket.quantity
        buys, sells = self.book.pending_buy, self.book.pending_sell
        if ticket.side is OrderSide.BUY:
            buys += quantity
        else:
            sells += quantity
        self.worst_quantity = max(abs(held + buys), abs(held - sells))
        self.worst_notional = self.worst_quantity * max(self.mark_price, self.price)
        self.equity, self.other_exposure = _account(ledger, view, ticket.symbol)


def _account(ledger: Ledger, view: MarketView, symbol: str) -> tuple[Decimal, Decimal]:
    """Equity, and worst-case exposure of the other symbols."""
    return equity(ledger, view), worst_exposure(ledger, view, without=symbol)


class Rule(Protocol):
    """One limit."""

    name: ClassVar[str]

    def objection(self, review: Review) -> Objection | None:
        """Say why the order may not be sent, or None."""
        ...


class SessionRunning:
    """Opening orders only while the session is RUNNING and in step with the exchange."""

    name: ClassVar[str] = "session_state"

    def objection(self, review: Review) -> Objection | None:
        """Compare the session's status."""
        session = review.ledger.session
        if session is not None and session.status is TradingSessionStatus.RUNNING:
            return None
        status = session.status.value if session is not None else "none"
        return Objection(self.name, status, "RUNNING", f"the session is {status}, not RUNNING")


class TradingActive:
    """No opening order while trading is REDUCE_ONLY or HALTED."""

    name: ClassVar[str] = "trading_state"

    def objection(self, review: Review) -> Objection | None:
        """Compare the account's trading state."""
        account = review.ledger.account
        if account.trading_state is TradingState.ACTIVE:
            return None
        state = account.trading_state.value
        return Objection(self.name, state, "ACTIVE", f"trading is {state}: {account.trading_reason}")


class SymbolOpen:
    """No opening order in a symbol that is restricted."""

    name: ClassVar[str] = "symbol_state"

    def objection(self, review: Review) -> Objection | None:
        """Compare the symbol's state."""
        book = review.book
        if book.state is SymbolState.TRADING:
            return None
        return Objection(
            self.name, book.state.value, "TRADING", f"{book.symbol} is {book.state.value}: {book.reason}"
        )


class DataQuality:
    """No opening order on data that is stale, crossed, out of order, gapped or absurd."""

    name: ClassVar[str] = "data_quality"

    def objection(self, review: Review) -> Objection | None:
        """Ask the gates."""
        text = review.view.opening_objection(review.ticket.symbol, review.now_ms)
        return None if text is None else Objection(self.name, text, "good data", text)


class PositionOwner:
    """A symbol belongs to the strategy that opened it until it is flat."""

    name: ClassVar[str] = "position_owner"

    def objection(self, review: Review) -> Objection | None:
        """Compare the owner of the position."""
        owner = review.position.strategy_id
        strategy = review.ticket.strategy_id
        if review.position.is_flat or owner == strategy or strategy == MANUAL:
            return None
        return Objection(
            self.name, strategy, owner, f"{review.ticket.symbol} belongs to {owner} until it is flat"
        )


class Filters:
    """The exchange's own filters, asked before it is."""

    name: ClassVar[str] = "filters"

    def objection(self, review: Review) -> Objection | None:
        """Ask the instrument."""
        ticket = review.ticket
        text = review.instrument.objection_to(
            ticket.quantity, ticket.limit_price, review.mark_price, ticket.reduce_only
        )
        return None if text is None else Objection(self.name, f"{ticket.quantity:f}", "exchange filter", text)


class OrderValue:
    """No single order above a value in quote asset."""

    name: ClassVar[str] = "order_value"

    def objection(self, review: Review) -> Objection | None:
        """Compare price times quantity."""
        value = review.price * review.ticket.quantity
        limit = review.limits.order_value_max
        return None if value <= limit else over(self.name, value, limit, "order value")


class PriceCollar:
    """No price further from the mark price than the collar, in either direction."""

    name: ClassVar[str] = "price_collar"

    def objection(self, review: Review) -> Objection | None:
        """Compare the distance from mark."""
        limit = review.limits.price_collar_pct
        if abs(review.price - review.mark_price) <= limit * review.mark_price:
            return None
        away = abs(review.price - review.mark_price) / review.mark_price
        return over(
            self.name,
            away,
            limit,
            f"the price {review.price:f} is off the mark {review.mark_price:f}; distance",
        )


class Slippage:
    """A market order may not walk further into the visible book than the tolerance."""

    name: ClassVar[str] = "slippage"

    def objection(self, review: Review) -> Objection | None:
        """Walk the book with the whole quantity."""
        ticket = review.ticket
        if ticket.order_type is not OrderType.MARKET:
            return None
        worst = review.view.worst_price(ticket.symbol, ticket.side is OrderSide.BUY, ticket.quantity)
        limit = review.limits.slippage_pct_max
        if worst is None:
            return Objection(
                self.name, "book too thin", f"{limit:f}", "the visible book is too thin for this quantity"
            )
        away = (worst - ticket.reference_price) * ticket.side.sign
        if away <= limit * ticket.reference_price:
            return None
        return over(self.name, away / ticket.reference_price, limit, "slippage")


class PositionSize:
    """The worst-case position of one symbol as a share of equity."""

    name: ClassVar[str] = "position_size"

    def objection(self, review: Review) -> Objection | None:
        """Compare worst-case notional with the share of equity."""
        limit = review.limits.position_size_pct
        if review.worst_notional <= limit * review.equity:
            return None
        return over(
            self.name, share(review.worst_notional, review.equity), limit, "position as a share of equity"
        )


class Leverage:
    """Worst-case notional of all symbols over equity."""

    name: ClassVar[str] = "leverage"

    def objection(self, review: Review) -> Objection | None:
        """Compare total worst case with equity."""
        total = review.worst_notional + review.other_exposure
        limit = review.limits.leverage_max
        if total <= limit * review.equity:
            return None
        return over(self.name, share(total, review.equity), limit, "leverage")


class FreeMargin:
    """What is left of equity after the initial margin of the worst case, as a share of equity."""

    name: ClassVar[str] = "margin"

    def objection(self, review: Review) -> Objection | None:
        """Initial margin is notional over the leverage set."""
        session = review.ledger.session
        leverage = session.options.leverage if session is not None else 1
        used = (review.worst_notional + review.other_exposure) / leverage
        limit = review.limits.free_margin_pct_min
        free = review.equity - used
        if review.equity > 0 and free >= limit * review.equity:
            return None
        left = share(free, review.equity)
        return Objection(
            self.name,
            f"{left:.4f}",
            f"{limit:f}",
            f"free margin would be {left:.4f} of equity, below {limit:f}",
        )


class DailyLoss:
    """No opening order once the day has lost more than a share of its starting equity, unrealised included."""

    name: ClassVar[str] = "daily_loss"

    def objection(self, review: Review) -> Objection | None:
        """Compare equity with that of the day's start."""
        start = review.ledger.account.day_start_equity
        limit = review.limits.daily_loss_pct_max
        lost = start - review.equity
        if start <= 0 or lost < limit * start:
            return None
        return over(self.name, lost / start, limit, "loss of the day as a share of its starting equity")


class PositionCount:
    """No more open positions than the limit; an order in a symbol already held adds none."""

    name: ClassVar[str] = "positions"

    def objection(self, review: Review) -> Objection | None:
        """Count symbols that are held or being entered."""
        if not review.position.is_flat:
            return None
        ledger, symbol = review.ledger, review.ticket.symbol
        used = {p.symbol for p in ledger.positions.values() if p.quantity}
        used.update(b.symbol for b in ledger.symbols.values() if b.pending_buy or b.pending_sell)
        used.discard(symbol)
        limit = review.limits.positions_max
        if len(used) < limit:
            return None
        return Objection(
            self.name,
            str(len(used) + 1),
            str(limit),
            f"{len(used)} symbols are held or being entered, the limit is {limit}",
        )


class Duplicate:
    """The same order again within a short window is a mistake until proven otherwise."""

    name: ClassVar[str] = "duplicate"

    def objection(self, review: Review) -> Objection | None:
        """Look for an equal order in the window."""
        ticket = review.ticket
        since = review.now_ms - review.limits.duplicate_window_ms
        for recent in reversed(review.ledger.recent_orders):
            if recent.at_ms <= since:
                return None
            if (
                recent.symbol == ticket.symbol
                and recent.side is ticket.side
                and recent.quantity == ticket.quantity
                and recent.price == (ticket.limit_price or ticket.stop_price)
                and recent.purpose is ticket.purpose
            ):
                age = review.now_ms - recent.at_ms
                window = review.limits.duplicate_window_ms
                return Objection(
                    self.name, f"{age} ms", f"{window} ms", f"the same order was sent {age} ms ago"
                )
        return None


class OrderRate:
    """Orders per second and per minute over the whole account; exits do not ask."""

    name: ClassVar[str] = "order_rate"

    def objection(self, review: Review) -> Objection | None:
        """Count recent orders of any purpose."""
        recent = review.ledger.recent_orders
        limits = review.limits
        if (
            len(recent) >= limits.orders_per_minute_max
            and recent[-limits.orders_per_minute_max].at_ms > review.now_ms - 60_000
        ):
            return rate(self.name, limits.orders_per_minute_max, "minute")
        if (
            len(recent) >= limits.orders_per_second_max
            and recent[-limits.orders_per_second_max].at_ms > review.now_ms - 1_000
        ):
            return rate(self.name, limits.orders_per_second_max, "second")
        return None


class RepeatedExecution:
    """Entries per minute of one strategy in one symbol: a strategy in a loop is stopped before it costs."""

    name: ClassVar[str] = "repeated_execution"

    def objection(self, review: Review) -> Objection | None:
        """Count recent entries of the same strategy and symbol."""
        ticket, limit = review.ticket, review.limits.entries_per_minute_max
        recent = review.ledger.recent_orders
        if len(recent) < limit:
            return None
        since = review.now_ms - 60_000
        entries = sum(
            1
            for order in recent
            if order.at_ms > since
            and order.symbol == ticket.symbol
            and order.strategy_id == ticket.strategy_id
            and order.purpose is ticket.purpose
        )
        return rate(self.name, limit, "minute") if entries >= limit else None


ENTRY_RULES: tuple[Rule, ...] = (
    SessionRunning(),
    TradingActive(),
    SymbolOpen(),
    DataQuality(),
    PositionOwner(),
    Filters(),
    OrderValue(),
    PriceCollar(),
    Slippage(),
    PositionSize(),
    Leverage(),
    FreeMargin(),
    DailyLoss(),
    PositionCount(),
    Duplicate(),
    OrderRate(),
    RepeatedExecution(),
)


def share(part: Decimal, whole: Decimal) -> Decimal:
    """``part`` of ``whole``; without a positive whole, the share is as bad as it can be."""
    return part / whole if whole > 0 else Decimal(10**9)


def over(rule: str, value: Decimal, limit: Decimal, what: str) -> Objection:
    """An objection to a value above its limit."""
    return Objection(rule, f"{value:.6g}", f"{limit:f}", f"{what} {value:.6g} is above {limit:f}")


def rate(rule: str, limit: int, unit: str) -> Objection:
    """An objection to too many orders in a window."""
    return Objection(rule, f"{limit} reached", str(limit), f"{limit} orders a {unit} are the limit")
