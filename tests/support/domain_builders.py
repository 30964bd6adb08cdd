"""Builders for the domain: values with defaults, and a market that stands still.

A test names only what it is about. Amounts may be written as text or whole numbers; they become Decimals.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from src.domain.decisions.news import ExchangeRead
from src.domain.ledger import events as e
from src.domain.ledger.evolve import evolve, open_ledger
from src.domain.ledger.state import Ledger
from src.domain.market.instrument import Instrument
from src.domain.market.sides import OrderSide, PositionSide
from src.domain.market.view import MarginBracket, Volatility
from src.domain.orders.news import FillReport, IncomeReport, OrderReport
from src.domain.orders.order import Order
from src.domain.orders.ticket import OrderTicket
from src.domain.orders.types import OrderStatus, OrderType, Purpose
from src.domain.sessions.session import SessionOptions, SessionTrigger

BTC, ETH = "BTCUSDT", "ETHUSDT"
BUY, SELL = OrderSide.BUY, OrderSide.SELL
START_MS = 1_789_478_300_000
WALLET = Decimal(100_000)
MARK = Decimal(100)
NAMESPACE = "sh1"

Number = Decimal | int | str


def an_instrument(symbol: str = BTC, **changes: Any) -> Instrument:
    values: dict[str, Any] = {
        "symbol": symbol,
        "base_asset": symbol.removesuffix("USDT"),
        "quote_asset": "USDT",
        "tick_size": Decimal("0.1"),
        "step_size": Decimal("0.001"),
        "quantity_min": Decimal("0.001"),
        "quantity_max": Decimal(1_000),
        "market_quantity_max": Decimal(120),
        "price_min": Decimal(1),
        "price_max": Decimal(1_000_000),
        "notional_min": Decimal(5),
        "price_precision": 1,
        "quantity_precision": 3,
    }
    return Instrument(**(values | changes))


@dataclass
class AView:
    """A market that stands still: every listed symbol is at its mark price, and the book is deep."""

    marks: dict[str, Decimal | None] = field(default_factory=lambda: {BTC: MARK, ETH: MARK})
    instruments: dict[str, Instrument] = field(
        default_factory=lambda: {s: an_instrument(s) for s in (BTC, ETH)}
    )
    objection: str | None = None
    worst: Decimal | None = MARK
    whole: bool = True
    margin_brackets: tuple[MarginBracket, ...] = ()
    added: Decimal = Decimal(0)
    volatilities: dict[str, Volatility] = field(default_factory=dict)
    correlations: dict[frozenset[str], Decimal] = field(default_factory=dict)

    def instrument(self, symbol: str) -> Instrument | None:
        return self.instruments.get(symbol)

    def best_prices(self, symbol: str) -> tuple[Decimal, Decimal] | None:
        mark = self.marks.get(symbol)
        return None if mark is None else (mark - Decimal("0.1"), mark + Decimal("0.1"))

    def mark_price(self, symbol: str) -> Decimal | None:
        return self.marks.get(symbol)

    def opening_objection(self, symbol: str, now_ms: int) -> str | None:
        return self.objection

    def worst_price(self, symbol: str, buy: bool, quantity: Decimal) -> Decimal | None:
        return self.worst

    def has_whole_book(self, symbol: str) -> bool:
        return self.whole

    def brackets(self, symbol: str) -> Sequence[MarginBracket]:
        return self.margin_brackets

    def margin_added(self, symbol: str, side: PositionSide, opened_ms: int) -> Decimal:
        return self.added

    def volatility(self, symbol: str) -> Volatility | None:
        return self.volatilities.get(symbol)

    def correlation(self, first: str, second: str) -> Decimal | None:
        return self.correlations.get(frozenset((first, second)))


def a_view(**changes: Any) -> AView:
    return AView(**changes)


def a_ticket(**changes: Any) -> OrderTicket:
    """A market entry that buys one BTC; a limit or stop price makes it such an order."""
    values: dict[str, Any] = {
        "symbol": BTC,
        "side": BUY,
        "order_type": OrderType.MARKET,
        "quantity": 1,
        "purpose": Purpose.ENTRY,
        "strategy_id": "sma",
        "reference_price": MARK,
    }
    values |= changes
    if "order_type" not in changes and "limit_price" in changes:
        values["order_type"] = OrderType.LIMIT
    for name, value in values.items():
        if isinstance(value, str | int) and (name == "quantity" or name.endswith("_price")):
            values[name] = Decimal(value)
    return OrderTicket(**values)


def an_exit(**changes: Any) -> OrderTicket:
    return a_ticket(**({"side": SELL, "purpose": Purpose.EXIT, "reduce_only": True} | changes))


def a_fill(
    order: Order | None = None, trade_id: int = 1, quantity: Number = 1, price: Number = MARK, **changes: Any
) -> FillReport:
    """A trade of ``order``, or, without one, of somebody else's order; free of commission and P&L."""
    values: dict[str, Any] = {
        "symbol": order.symbol if order else BTC,
        "trade_id": trade_id,
        "exchange_order_id": exchange_id(order) if order else 777,
        "side": order.side if order else BUY,
        "position_side": PositionSide.BOTH,
        "price": Decimal(price),
        "quantity": Decimal(quantity),
        "realized_pnl": Decimal(0),
        "commission": Decimal(0),
        "commission_asset": "USDT",
        "is_maker": False,
        "traded_ms": START_MS + 1_000 + trade_id,
    }
    return FillReport(**(values | changes))


def a_report(
    order: Order, status: OrderStatus = OrderStatus.NEW, filled: Number = 0, **changes: Any
) -> OrderReport:
    """``order`` as the exchange states it."""
    algo = order.ticket.order_type.is_conditional
    values: dict[str, Any] = {
        "client_order_id": order.client_order_id,
        "symbol": order.symbol,
        "side": order.side,
        "position_side": order.ticket.position_side,
        "order_type": order.ticket.order_type,
        "status": status,
        "quantity": order.quantity,
        "filled_quantity": Decimal(filled),
        "reduce_only": order.ticket.reduce_only,
        "updated_ms": START_MS + 1_000,
        "exchange_order_id": exchange_id(order) if not algo or status is not OrderStatus.NEW else None,
        "algo_id": algo_id_of(order) if algo else None,
        "limit_price": order.ticket.limit_price,
        "stop_price": order.ticket.stop_price,
    }
    return OrderReport(**(values | changes))


def exchange_id(order: Order) -> int:
    """The id that the exchange of these tests gives an order."""
    return 1_000 + order.intent


def algo_id_of(order: Order) -> int:
    """The id of a conditional order in its own book."""
    return 90_000 + order.intent


def some_income(
    transaction_id: int = 1, income_type: str = "FUNDING_FEE", amount: Number = "-0.5", **changes: Any
) -> IncomeReport:
    values: dict[str, Any] = {
        "transaction_id": transaction_id,
        "income_type": income_type,
        "asset": "USDT",
        "amount": Decimal(amount),
        "symbol": BTC,
        "at_ms": START_MS,
    }
    return IncomeReport(**(values | changes))


def a_read(**parts: Any) -> ExchangeRead:
    """What recovery read; nothing, unless a part is named."""
    values: dict[str, Any] = dict.fromkeys(
        ("fills", "orders", "income", "dead", "lost", "vanished", "confirmed"), ()
    )
    return ExchangeRead(**(values | {name: tuple(part) for name, part in parts.items()}))


def some_options(**changes: Any) -> SessionOptions:
    values: dict[str, Any] = {
        "portfolio_id": "p",
        "symbols": (BTC, ETH),
        "strategies": ("sma_cross",),
        "timeframe": "1m",
        "market": "synthetic",
        "sizing": "percent:0.1",
        "stop_loss_pct": Decimal("0.02"),
        "take_profit_pct": Decimal("0.05"),
        "use_market_orders": True,
        "slippage_tolerance": Decimal("0.001"),
        "leverage": 10,
        "seed": 1,
    }
    return SessionOptions(**(values | changes))


OPENING: tuple[e.Event, ...] = (
    e.AccountOpened("account", NAMESPACE, "test", "USDT"),
    e.EpochStarted(1),
    e.IncomeBooked(1, "TRANSFER", "USDT", WALLET, "", START_MS),
    e.SessionOpened("session", some_options()),
    e.SessionMoved("session", SessionTrigger.START, "wanted"),
    e.SessionMoved("session", SessionTrigger.INITIALIZED, "agrees"),
)


def a_ledger(*more: e.Event) -> Ledger:
    """A RUNNING session with 100 000 USDT, and whatever else has happened."""
    opened, *events = OPENING
    assert isinstance(opened, e.AccountOpened)
    ledger = open_ledger(opened)
    for event in (*events, *more):
        evolve(ledger, event, START_MS)
    return ledger
