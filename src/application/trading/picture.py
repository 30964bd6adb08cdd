"""Takes the picture of a session that screens and commands show."""

from collections import deque
from collections.abc import Iterable
from decimal import Decimal

from src.application.trading.position_tracker import PositionTracker
from src.application.trading.session_runner import SessionRunner
from src.application.trading.snapshot import MarketLine, OrderLine, SessionSnapshot
from src.domain.ledger.events import AlarmRaised, OrderIntended
from src.domain.orders.order import Order

LAST_ORDERS = 12
LAST_ALARMS = 5


class SessionPicture:
    """Follows a session over its bus and describes it when asked; changes nothing.

    ``alarms`` are those of the session's start, before there was anything to take a picture of.
    """

    def __init__(self, runner: SessionRunner, alarms: Iterable[AlarmRaised] = ()) -> None:
        self._runner = runner
        self._recent: deque[Order] = deque(maxlen=LAST_ORDERS)
        self._alarms: deque[str] = deque(maxlen=LAST_ALARMS)
        for alarm in alarms:
            self._alarm_raised(alarm)
        loop = runner.loop
        self._tracker = PositionTracker(loop.ledger, loop.desk)
        loop.bus.subscribe("order.intended", self._order_intended)
        loop.bus.subscribe("alarm.raised", self._alarm_raised)
        for order in loop.ledger.orders.values():
            self._recent.append(order)

    def _order_intended(self, event: OrderIntended) -> None:
        order = self._runner.loop.ledger.orders.get(event.attempt.client_order_id)
        if order is not None:
            self._recent.append(order)

    def _alarm_raised(self, event: AlarmRaised) -> None:
        self._alarms.append(f"{event.subject}: {event.text}")

    def take(self) -> SessionSnapshot:
        """The session now."""
        loop = self._runner.loop
        account, session, parts = loop.ledger.account, self._runner.session, self._runner.parts
        equity = self._tracker.equity()
        return SessionSnapshot(
            session_id=session.id,
            status=session.status.value,
            trading_state=account.trading_state.value,
            trading_reason=account.trading_reason,
            synced=not (loop.reconcile_wanted or loop.desk.suspension or self._runner.synchrony.is_comparing),
            exchange=account.exchange,
            market=session.options.market,
            now_ms=loop.now_ms(),
            started_ms=session.started_ms,
            wallet=loop.ledger.wallet_balance,
            equity=equity,
            capital=account.transfers,
            realized_pnl=account.realized_pnl,
            unrealized_pnl=self._tracker.unrealized_pnl(),
            commission=account.commission,
            funding=account.funding,
            day_pnl=equity - account.day_start_equity if account.day_start_equity else Decimal(0),
            max_drawdown=session.drawdown_at(equity),
            total_trades=session.total_trades,
            winning_trades=session.winning_trades,
            losing_trades=session.losing_trades,
            positions=self._tracker.open_positions(),
            orders=tuple(order_line(order) for order in reversed(self._recent)),
            markets=tuple(self._market(symbol) for symbol in parts.options.symbols),
            why_not=self._runner.signals.why_not,
            alarms=tuple(self._alarms),
            frames=loop.frames,
            orders_sent=loop.orders_sent,
            resumed=self._runner.resumed,
            settle_asset=account.settle_asset,
        )

    def _market(self, symbol: str) -> MarketLine:
        loop = self._runner.loop
        now_ms = loop.now_ms()
        prices = loop.desk.best_prices(symbol)
        return MarketLine(
            symbol=symbol,
            bid=prices[0] if prices is not None else None,
            ask=prices[1] if prices is not None else None,
            mark_price=loop.desk.mark_price(symbol),
            age_ms=loop.desk.age_ms(symbol, now_ms),
            trouble=loop.desk.opening_objection(symbol, now_ms),
            strategies=self._runner.strategies.lines(symbol),
        )


def order_line(order: Order) -> OrderLine:
    """One order as screens show it."""
    ticket = order.ticket
    return OrderLine(
        client_order_id=order.client_order_id,
        symbol=order.symbol,
        side=ticket.side.value,
        order_type=ticket.order_type.value,
        purpose=ticket.purpose.value,
        quantity=ticket.quantity,
        filled_quantity=order.filled_quantity,
        price=ticket.limit_price or ticket.stop_price,
        average_price=order.average_price,
        status=order.status.value,
        attempt_state=order.attempt_state.value,
        strategy_id=ticket.strategy_id,
        reason=order.reason or ticket.reason,
        created_ms=order.created_ms,
        parent_id=ticket.parent_id,
    )
