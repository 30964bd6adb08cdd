"""Positions as people look at them: valued at the mark price, with the orders that guard them."""

from decimal import Decimal

from src.application.trading.snapshot import PositionLine
from src.domain.ledger.state import Ledger
from src.domain.market.view import MarketView
from src.domain.money import ZERO
from src.domain.orders.ticket import OrderTicket
from src.domain.orders.types import Purpose
from src.domain.portfolio.exposure import equity, gross_exposure, unrealized_pnl
from src.domain.portfolio.margin import PositionMargin, position_margins, side_of
from src.domain.positions.position import Position


class PositionTracker:
    """Reads the ledger and the market; changes nothing."""

    def __init__(self, ledger: Ledger, view: MarketView) -> None:
        self._ledger = ledger
        self._view = view

    def open_positions(self) -> tuple[PositionLine, ...]:
        """Every position that is not flat, valued at mark price (quote asset)."""
        margins = {id(m.position): m for m in position_margins(self._ledger, self._view)}
        return tuple(
            self._line(position, margins.get(id(position)))
            for position in self._ledger.positions.values()
            if not position.is_flat
        )

    def equity(self) -> Decimal:
        """Wallet plus unrealised P&L, settle asset."""
        return equity(self._ledger, self._view)

    def unrealized_pnl(self) -> Decimal:
        """Over all positions, settle asset."""
        return unrealized_pnl(self._ledger, self._view)

    def exposure(self) -> Decimal:
        """Gross notional at mark price, quote asset."""
        return gross_exposure(self._ledger, self._view)

    def _line(self, position: Position, margin: PositionMargin | None) -> PositionLine:
        mark, session = self._view.mark_price(position.symbol), self._ledger.session
        return PositionLine(
            symbol=position.symbol,
            quantity=position.quantity,
            entry_price=position.entry_price,
            mark_price=mark,
            unrealized_pnl=position.unrealized_pnl(mark) if mark is not None else None,
            stop_price=self._guard(position, Purpose.PROTECTIVE_STOP),
            target_price=self._guard(position, Purpose.PROTECTIVE_TARGET),
            strategy_id=position.strategy_id,
            opened_ms=position.opened_ms,
            leverage=session.options.leverage_of(position.symbol) if session is not None else 1,
            side=side_of(position),
            margin_ratio=None if margin is None else margin.ratio,
            liquidation_price=None if margin is None else margin.liquidation_price,
            position_side=position.position_side.value,
            lot_price=position.lot_price,
            entry_commission=sum((lot.commission for lot in position.lots), ZERO),
        )

    def _guard(self, position: Position, purpose: Purpose) -> Decimal | None:
        for order in reversed(self._ledger.orders.values()):
            ticket = order.ticket
            if (
                ticket.purpose is purpose
                and order.is_live
                and order.symbol == position.symbol
                and ticket.position_side is position.position_side
                and order.side is not position.side
            ):
                return ticket.stop_price or _trailing_price(position, ticket)
        return None


def _trailing_price(position: Position, ticket: OrderTicket) -> Decimal | None:
    """Where a trailing stop stands at the latest: its distance from the entry; it only moves to the better side."""
    if ticket.callback_pct is None:
        return None
    price = position.entry_price * (1 - ticket.callback_pct * position.side.sign)
    return price.quantize(ticket.reference_price)
