"""What a caller may ask of a Binance broker that no session trades through: open orders, positions, one order.

Such an order stands in no journal, is protected by nobody and looked after by nobody; so a broker that was handed to a
session places none, and one with a stop or a target is a matter for a session.
"""

import secrets
from typing import Final

from src.application.ports.broker import InsufficientBalanceError, NetworkError, RateLimitError
from src.application.trading.requests import OUTCOME_UNKNOWN, ExecutionResult, OrderRequest
from src.domain.market.sides import OrderSide, PositionSide
from src.domain.orders.news import OrderReport, PositionReport
from src.domain.orders.ticket import Attempt, OrderTicket
from src.domain.orders.types import Purpose
from src.infrastructure.brokers.binance_outcomes import Fate, judge
from src.infrastructure.brokers.binance_requests import submit_request
from src.infrastructure.brokers.binance_sending import BinanceSending
from src.infrastructure.brokers.binance_transport import NoReply

RECV_WINDOW_MS: Final = 5_000
_NO_BALANCE: Final = frozenset({-2018, -2019})
_TOO_MANY: Final = {-1003: 60.0, -1008: 1.0, -1015: 10.0}
"""Seconds to wait: the weight is counted by the minute, orders by ten seconds."""


class BinanceLibrary(BinanceSending):
    """The calls of the live trading module's document on a broker."""

    _serves_session = False

    def serve_session(self) -> None:
        """From here on a session trades on this key: its orders are the session's."""
        self._serves_session = True

    async def get_open_orders(self, symbol: str | None = None) -> list[OrderReport]:
        """Every open order of both kinds, of the account or of a symbol. Raises BrokerError."""
        orders = await self.open_orders(symbol)
        names = {order.client_order_id for order in orders}
        waiting = await self.open_algo_orders(symbol)
        return [*orders, *(order for order in waiting if order.client_order_id not in names)]

    async def get_positions(self) -> list[PositionReport]:
        """Every position that is not flat. Raises BrokerError."""
        return await self.positions()

    async def place_order(self, order: OrderRequest) -> ExecutionResult:
        """Send one order, once. ``error`` is "outcome unknown" when nobody can say whether it exists.

        Raises InsufficientBalanceError and RateLimitError where these are why the exchange refused it, NetworkError
        when it certainly did not leave this machine, ValueError for a broker of a session or an order with protection.
        """
        if self._serves_session:
            raise ValueError("a session trades through this broker: place orders with service.place_order")
        ticket = _ticket(order)
        if not self._clock.is_set:
            await self.set_clock()
        attempt = Attempt(f"alone-{secrets.token_hex(12)}", self.venue_time().now_ms, RECV_WINDOW_MS)
        try:
            verdict = judge(await self._client.transmit(*submit_request(ticket, attempt)))
        except NoReply as failure:
            if not failure.sent:
                raise NetworkError(f"the order was not sent: {failure}") from None
            return ExecutionResult(False, attempt.client_order_id, OUTCOME_UNKNOWN)
        if verdict.fate is Fate.DONE:
            return ExecutionResult(True, attempt.client_order_id)
        if verdict.fate is not Fate.REFUSED:
            return ExecutionResult(False, attempt.client_order_id, OUTCOME_UNKNOWN)
        text = f"{verdict.message} ({verdict.code})"
        if verdict.code in _NO_BALANCE:
            raise InsufficientBalanceError(text)
        if verdict.code in _TOO_MANY:
            raise RateLimitError(text, _TOO_MANY[verdict.code])
        return ExecutionResult(False, attempt.client_order_id, text)


def _ticket(order: OrderRequest) -> OrderTicket:
    """The request as an order of nobody; ValueError for one that needs somebody."""
    if order.stop_loss or order.take_profit or order.stop_loss_pct or order.take_profit_pct:
        raise ValueError("a stop or a target is kept by a session: place the order with service.place_order")
    kind = order.order_type
    trigger = order.stop_price or (order.price if kind.has_trigger and not kind.has_limit else None)
    limit = order.price if kind.has_limit else None
    return OrderTicket(
        symbol=order.symbol,
        side=OrderSide(order.side),
        order_type=kind,
        quantity=order.quantity,
        purpose=Purpose.EXIT if order.reduce_only else Purpose.ENTRY,
        strategy_id=order.strategy_id,
        # Nobody sizes or reserves by it: it only has to be a price.
        reference_price=limit or trigger or order.quantity,
        limit_price=limit,
        stop_price=trigger,
        time_in_force=order.time_in_force,
        reduce_only=order.reduce_only,
        position_side=PositionSide.BOTH,
        close_position=order.close_position,
        good_till_ms=order.good_till_ms,
        activation_price=order.activation_price,
        callback_pct=order.callback_pct,
    )
