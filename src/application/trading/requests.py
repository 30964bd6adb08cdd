"""What callers of the service hand in and get back: plain values, checked once, here."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from typing import Final

from src.application.plain_text import plain
from src.application.ports.broker import Broker
from src.application.ports.event_bus import EventBus
from src.application.trading.figures import UNDEFINED, Figure, figure
from src.application.trading.live_statistics import LiveStatistics
from src.application.trading.position_tracker import PositionTracker
from src.domain.ledger.state import Ledger
from src.domain.market.sides import OrderSide, PositionSide
from src.domain.market.symbols import canonical_symbol
from src.domain.money import Price, Quantity
from src.domain.orders.order import Order
from src.domain.orders.transitions import UNRESOLVED, AttemptState
from src.domain.orders.types import OrderType, TimeInForce
from src.domain.performance.ratios import win_rate
from src.domain.risk.rules import MANUAL
from src.domain.sessions.session import TradingSession

Number = Decimal | int | float | str

OUTCOME_UNKNOWN = "outcome unknown"
LARGEST_POWER: Final = 20
"""Of ten: beyond it nobody trades, and money is not computed exactly any more."""


def decimal(value: Number, what: str) -> Decimal:
    """A finite number as Decimal, floats by their shortest spelling; ValueError names ``what`` otherwise."""
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise ValueError(f"{what} must be a number, not {value!r}") from None
    if not number.is_finite():
        raise ValueError(f"{what} must be a finite number, not {value!r}")
    if number and abs(number.adjusted()) > LARGEST_POWER:
        raise ValueError(f"{what} must lie between 1E-{LARGEST_POWER} and 1E+{LARGEST_POWER}, not {value!r}")
    return number


def whole(value: object, what: str) -> int:
    """A whole number as it is; ValueError names ``what`` for anything else."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"{what} must be a whole number, not {value!r}")
    return value


@dataclass(frozen=True, slots=True)
class SessionRequest:
    """What a caller of ``start_session`` asks for.

    ``broker`` is the one that was set for real orders, ``database_url`` that of the repositories handed in,
    ``event_bus`` the caller's own; None leaves it to whoever puts the session together.
    """

    portfolio_id: str
    strategies: tuple[str, ...]
    symbols: tuple[str, ...]
    dry_run: bool
    broker: Broker | None = None
    database_url: str | None = None
    event_bus: EventBus | None = None


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """An order somebody wants: quantity in base asset, prices in quote asset per base asset.

    The constructor takes any spelling (floats, numbers and words as text, BTC/USDT) and raises ValueError, in one line,
    for what is none. ``price`` is the limit; for a conditional order without one it is the trigger, if ``stop_price``
    is not given. ``stop_loss`` and ``take_profit`` are prices or, like "2%", distances, which ``stop_loss_pct`` and
    ``take_profit_pct`` keep; these and ``callback_pct`` are fractions; ``good_till_ms`` is venue time.
    ``position_side`` names the position in hedge mode: the one that ``side`` opens grows, the other one is closed;
    without it, an order opens the side it can, or, being reduce-only, closes the other.
    """

    symbol: str
    side: OrderSide
    quantity: Quantity
    order_type: OrderType = OrderType.MARKET
    price: Price | None = None
    time_in_force: TimeInForce | None = None
    stop_loss: Price | None = None
    take_profit: Price | None = None
    strategy_id: str = MANUAL
    reduce_only: bool = False
    stop_price: Price | None = None
    stop_loss_pct: Decimal | None = None
    take_profit_pct: Decimal | None = None
    close_position: bool = False
    good_till_ms: int | None = None
    activation_price: Price | None = None
    callback_pct: Decimal | None = None
    position_side: PositionSide | None = None

    def __post_init__(self) -> None:
        kind = OrderType(self.order_type)
        good_till_ms, force = self.good_till_ms, self.time_in_force
        if force is None and kind.has_limit:
            force = TimeInForce.GTC if good_till_ms is None else TimeInForce.GTD
        stop, stop_pct = _protection(self.stop_loss, "the stop loss")
        target, target_pct = _protection(self.take_profit, "the take profit")
        position_side = self.position_side
        values = {
            "symbol": canonical_symbol(_text(self.symbol, "the symbol")),
            "side": OrderSide(self.side),
            "quantity": Quantity(decimal(self.quantity, "the quantity")),
            "order_type": kind,
            "price": _price(self.price, "the price"),
            "time_in_force": None if force is None else TimeInForce(force),
            "stop_loss": stop,
            "take_profit": target,
            "strategy_id": _text(self.strategy_id, "the strategy's id"),
            "reduce_only": _flag(self.reduce_only, "reduce only")
            or _flag(self.close_position, "close position"),
            "stop_price": _price(self.stop_price, "the stop price"),
            "stop_loss_pct": stop_pct or _share(self.stop_loss_pct, "the stop loss"),
            "take_profit_pct": target_pct or _share(self.take_profit_pct, "the take profit"),
            "good_till_ms": None if good_till_ms is None else whole(good_till_ms, "the end of a GTD order"),
            "activation_price": _price(self.activation_price, "the activation price"),
            "callback_pct": _share(self.callback_pct, "the callback"),
            "position_side": None if position_side is None else PositionSide(position_side),
        }
        for name, value in values.items():
            object.__setattr__(self, name, value)

    @classmethod
    def of(
        cls,
        symbol: str,
        side: OrderSide | str,
        quantity: Number,
        order_type: OrderType | str = OrderType.MARKET,
        price: Number | None = None,
        time_in_force: TimeInForce | str | None = None,
        stop_loss: Number | None = None,
        take_profit: Number | None = None,
        strategy_id: str = MANUAL,
        reduce_only: bool = False,
        *,
        stop_price: Number | None = None,
        close_position: bool = False,
        good_till_ms: int | None = None,
        activation_price: Number | None = None,
        callback_pct: Number | None = None,
        position_side: PositionSide | str | None = None,
    ) -> "OrderRequest":
        """The constructor for who is checked by types, and writes numbers and words as they come."""
        make: Callable[..., OrderRequest] = cls
        return make(
            symbol,
            side,
            quantity,
            order_type,
            price,
            time_in_force,
            stop_loss,
            take_profit,
            strategy_id,
            reduce_only,
            stop_price=stop_price,
            close_position=close_position,
            good_till_ms=good_till_ms,
            activation_price=activation_price,
            callback_pct=callback_pct,
            position_side=position_side,
        )


def _price(value: Number | None, what: str) -> Price | None:
    return None if value is None else Price(decimal(value, what))


def _share(value: Number | None, what: str) -> Decimal | None:
    return None if value is None else decimal(value, what)


def _text(value: object, what: str) -> str:
    if not isinstance(value, str) or plain(value) != value:
        raise ValueError(f"{what} must be text that a database takes, not {value!r}")
    return value


def _flag(value: object, what: str) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{what} must be True or False, not {value!r}")
    return value


def _protection(value: Number | None, what: str) -> tuple[Price | None, Decimal | None]:
    """A price, or, written with a percent sign, a distance from the entry as a fraction of it."""
    if isinstance(value, str) and value.strip().endswith("%"):
        share = decimal(value.strip().removesuffix("%"), what) / 100
        if not 0 < share < 1:
            raise ValueError(f"{what} of {value} cannot be: write a percentage above 0% and below 100%")
        return None, share
    return _price(value, what), None


@dataclass(frozen=True, slots=True)
class ExecutionResult:
    """What became of an order. ``error`` is 'outcome unknown' when nobody can say yet; then ask by ``order_id``."""

    success: bool
    order_id: str
    error: str = ""

    @classmethod
    def of(cls, order: Order) -> "ExecutionResult":
        """What the evidence about an order's transmission says so far."""
        if order.attempt_state is AttemptState.ACKED:
            return cls(True, order.client_order_id)
        unknown = order.attempt_state in UNRESOLVED
        return cls(False, order.client_order_id, OUTCOME_UNKNOWN if unknown else order.reason)


@dataclass(frozen=True, slots=True)
class SessionStats:
    """Figures of a session. Money in the settle asset, shares as fractions, ``duration_ms`` in session time.

    A ratio that is not defined is ``UNDEFINED``, which prints as a dash: profit factor and payoff without a loss,
    Sharpe and Sortino below 30 returns, SQN below 30 trades. Formulas: ``src/domain/performance``.
    """

    duration_ms: int
    total_trades: int
    winning_trades: int
    losing_trades: int
    win_rate: Figure
    total_pnl: Decimal
    commission: Decimal
    funding: Decimal
    max_drawdown: Decimal
    profit_factor: Figure = UNDEFINED
    expectancy: Figure = UNDEFINED
    payoff_ratio: Figure = UNDEFINED
    sqn: Figure = UNDEFINED
    total_return: Figure = UNDEFINED
    sharpe_ratio: Figure = UNDEFINED
    sortino_ratio: Figure = UNDEFINED

    @property
    def duration(self) -> timedelta:
        """How long the session has lasted, in session time."""
        return timedelta(milliseconds=self.duration_ms)

    @classmethod
    def of(
        cls, session: TradingSession, now_ms: int, statistics: LiveStatistics, equity: Decimal
    ) -> "SessionStats":
        """The session's figures; one that runs lasts until ``now_ms``, and is worth ``equity`` then."""
        trades, curve = statistics.trades, statistics.curve
        return cls(
            duration_ms=(session.stopped_ms or now_ms) - session.started_ms,
            total_trades=session.total_trades,
            winning_trades=session.winning_trades,
            losing_trades=session.losing_trades,
            win_rate=figure(win_rate(session.winning_trades, session.losing_trades)),
            total_pnl=session.total_pnl,
            commission=session.total_commission,
            funding=session.total_funding,
            max_drawdown=session.drawdown_at(equity),
            profit_factor=figure(trades.profit_factor),
            expectancy=figure(trades.expectancy),
            payoff_ratio=figure(trades.payoff_ratio),
            sqn=figure(trades.sqn),
            total_return=figure(curve.total_return),
            sharpe_ratio=figure(curve.sharpe),
            sortino_ratio=figure(curve.sortino),
        )


@dataclass(frozen=True, slots=True)
class LiveMetrics:
    """The session now. Money in the settle asset."""

    position_count: int
    total_exposure: Decimal
    unrealized_pnl: Decimal
    daily_pnl: Decimal
    equity: Decimal
    open_orders: int

    @classmethod
    def of(cls, ledger: Ledger, tracker: PositionTracker) -> "LiveMetrics":
        """The account at mark price."""
        equity = tracker.equity()
        return cls(
            position_count=len(tracker.open_positions()),
            total_exposure=tracker.exposure(),
            unrealized_pnl=tracker.unrealized_pnl(),
            daily_pnl=equity - ledger.account.day_start_equity,
            equity=equity,
            open_orders=sum(1 for order in ledger.orders.values() if order.is_open),
        )
