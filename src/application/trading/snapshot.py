"""A picture of a running session, for screens and commands: plain values, taken between two steps of the loop."""

from dataclasses import dataclass
from decimal import Decimal

from src.domain.orders.parents import ParentOrder


@dataclass(frozen=True, slots=True)
class PositionLine:
    """One open position. Quantities in base asset (signed), prices in quote per base asset, money in quote asset.

    ``side`` is LONG or SHORT, ``position_side`` is BOTH unless the account is in hedge mode. ``margin_ratio`` is
    maintenance margin over margin balance, forced closing begins at 1. ``lot_price`` is the average price of the lots
    that are left, first in first out, and ``entry_commission`` what was paid for them.
    """

    symbol: str
    quantity: Decimal
    entry_price: Decimal
    mark_price: Decimal | None
    unrealized_pnl: Decimal | None
    stop_price: Decimal | None
    target_price: Decimal | None
    strategy_id: str
    opened_ms: int
    leverage: int = 1
    side: str = ""
    margin_ratio: Decimal | None = None
    liquidation_price: Decimal | None = None
    position_side: str = "BOTH"
    lot_price: Decimal | None = None
    entry_commission: Decimal = Decimal(0)

    @property
    def roi_percentage(self) -> Decimal | None:
        """Unrealised P&L over the margin that the entry took (quantity × entry price / leverage), in percent."""
        margin = abs(self.quantity) * self.entry_price / self.leverage
        return None if self.unrealized_pnl is None or not margin else 100 * self.unrealized_pnl / margin


@dataclass(frozen=True, slots=True)
class OrderLine:
    """One order. ``price`` is its limit or stop price, None for a market order."""

    client_order_id: str
    symbol: str
    side: str
    order_type: str
    purpose: str
    quantity: Decimal
    filled_quantity: Decimal
    price: Decimal | None
    average_price: Decimal | None
    status: str
    attempt_state: str
    strategy_id: str
    reason: str
    created_ms: int
    parent_id: str | None = None


@dataclass(frozen=True, slots=True)
class ParentLine:
    """One parent order at one moment; quantities in base asset, prices in quote per base asset, times in ms UTC.

    ``outstanding_quantity`` is what its children may still fill. ``children`` are the ids of those in the working set.
    """

    parent_id: str
    kind: str
    symbol: str
    side: str
    status: str
    quantity: Decimal
    filled_quantity: Decimal
    outstanding_quantity: Decimal
    average_price: Decimal | None
    limit_price: Decimal | None
    slices: int
    slices_done: int
    start_ms: int
    end_ms: int
    strategy_id: str
    reason: str
    created_ms: int
    children: tuple[str, ...]

    @classmethod
    def of(cls, parent: ParentOrder) -> "ParentLine":
        """A copy."""
        ticket = parent.ticket
        return cls(
            parent_id=parent.parent_id,
            kind=ticket.kind.value,
            symbol=ticket.symbol,
            side=ticket.side.value,
            status=parent.status.value,
            quantity=ticket.quantity,
            filled_quantity=parent.filled_quantity,
            outstanding_quantity=parent.outstanding_quantity,
            average_price=parent.average_price,
            limit_price=ticket.limit_price,
            slices=ticket.slices,
            slices_done=parent.slices_done,
            start_ms=ticket.start_ms,
            end_ms=ticket.end_ms,
            strategy_id=ticket.strategy_id,
            reason=parent.reason,
            created_ms=parent.created_ms,
            children=tuple(name for name, order in parent.children.items() if not order.is_settled),
        )


@dataclass(frozen=True, slots=True)
class MarketLine:
    """One symbol's market and how good its data is. ``age_ms`` is session time since the last quote."""

    symbol: str
    bid: Decimal | None
    ask: Decimal | None
    mark_price: Decimal | None
    age_ms: int | None
    trouble: str | None
    strategies: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SessionSnapshot:
    """The session at one moment; times in ms UTC of session time, money in the settle asset.

    ``why_not`` says in one line why the session did or did not trade in the last minute. ``synced`` is False while a
    comparison of store and exchange is due or under way, or nothing is opened until one agrees. ``frames`` and
    ``orders_sent`` count since this process started. Drawdown and trades are the session's, all money is the
    account's, over all of its sessions.
    """

    session_id: str
    status: str
    trading_state: str
    trading_reason: str
    synced: bool
    exchange: str
    market: str
    now_ms: int
    started_ms: int
    wallet: Decimal
    equity: Decimal
    capital: Decimal
    realized_pnl: Decimal
    unrealized_pnl: Decimal
    commission: Decimal
    funding: Decimal
    day_pnl: Decimal
    max_drawdown: Decimal
    total_trades: int
    winning_trades: int
    losing_trades: int
    positions: tuple[PositionLine, ...]
    orders: tuple[OrderLine, ...]
    markets: tuple[MarketLine, ...]
    why_not: str
    alarms: tuple[str, ...]
    frames: int
    orders_sent: int
    resumed: bool
    settle_asset: str = "USDT"

    @property
    def other_income(self) -> Decimal:
        """What came or went beside trades, funding and transfers: fees of liquidations, rebates."""
        earned = self.realized_pnl - self.commission + self.funding
        return self.wallet - self.capital - earned
