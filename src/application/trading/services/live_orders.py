"""Orders by hand: review, place, follow, cancel; each call waits in the session's inbox like any other input."""

import asyncio

from src.application.ports.event_bus import EventBus
from src.application.trading.order_copy import LibraryOrder
from src.application.trading.requests import OUTCOME_UNKNOWN, ExecutionResult, Number, OrderRequest
from src.application.trading.services.live_session import LiveSession, NoSession
from src.application.trading.services.refusals import MARGIN_CODE, refusal
from src.application.trading.session_runner import SessionRunner
from src.domain.decisions.news import PlaceOrder, RefuseOrder, RequestCancel
from src.domain.ledger.events import AttemptMoved
from src.domain.market.sides import OrderSide, PositionSide
from src.domain.orders.order import Order
from src.domain.orders.transitions import AttemptState
from src.domain.orders.types import OrderStatus, OrderType, TimeInForce
from src.domain.risk.review import Denied


class OrderNotFound(LookupError):
    """No order has this id."""


class LiveOrders(LiveSession):
    """The calls about orders."""

    def _listen(self, bus: EventBus) -> None:
        bus.subscribe("attempt.moved", self._attempt_moved)

    # --- orders ---------------------------------------------------------------------------------------------

    async def execute_order(self, order: OrderRequest) -> ExecutionResult:
        """Review and send an order; answers when the exchange did, or when its outcome is unknown."""
        return await self._settled(await self._command(lambda r: self._place(r, order)))

    async def _settled(self, placed: str | ExecutionResult) -> ExecutionResult:
        """What became of an order that was placed; a refusal is one already."""
        if isinstance(placed, ExecutionResult):
            return placed
        try:
            return await self._outcome(placed)
        except NoSession:
            return ExecutionResult(False, placed, OUTCOME_UNKNOWN)

    async def place_order(
        self,
        symbol: str,
        side: OrderSide | str,
        quantity: Number,
        order_type: OrderType | str = OrderType.MARKET,
        price: Number | None = None,
        time_in_force: TimeInForce | str | None = None,
        stop_loss: Number | None = None,
        take_profit: Number | None = None,
        *,
        stop_price: Number | None = None,
        reduce_only: bool = False,
        close_position: bool = False,
        good_till_ms: int | None = None,
        activation_price: Number | None = None,
        callback_pct: Number | None = None,
        position_side: PositionSide | str | None = None,
    ) -> LibraryOrder:
        """Place an order by hand and return it.

        ``stop_loss`` and ``take_profit`` are prices, or, like "2%", distances from the entry. ``price`` is the limit of
        LIMIT, STOP and TAKE_PROFIT orders; ``stop_price`` triggers conditional ones. ``callback_pct`` is the distance
        of a trailing stop (0.01 is one percent), ``good_till_ms`` the end of a GTD order in venue time. In hedge mode
        ``position_side`` says LONG or SHORT: an order of the opposite side closes it.

        Raises InsufficientBalanceError and RateLimitError where these are why it is refused, ValueError for any
        other rule. An order that the exchange refused for another reason is returned, REJECTED.
        """
        request = OrderRequest.of(
            symbol,
            side,
            quantity,
            order_type,
            price,
            time_in_force,
            stop_loss,
            take_profit,
            reduce_only=reduce_only,
            stop_price=stop_price,
            close_position=close_position,
            good_till_ms=good_till_ms,
            activation_price=activation_price,
            callback_pct=callback_pct,
            position_side=position_side,
        )
        result = await self.execute_order(request)
        if not result.order_id or result.error.endswith(MARGIN_CODE):
            raise refusal(result)
        return await self.get_order(result.order_id)

    async def cancel_order(self, order_id: str) -> None:
        """Ask for the end of an order; raises :class:`OrderNotFound`."""
        await self._order(order_id)
        await self._command(lambda r: r.loop.decide(RequestCancel(order_id, "asked for")))

    async def get_order(self, order_id: str) -> LibraryOrder:
        """A copy of an order, open or settled; raises :class:`OrderNotFound`."""
        order = await self._order(order_id)
        return LibraryOrder.of(order, self._active().session.options.leverage_of(order.symbol))

    async def _order(self, order_id: str) -> Order:
        loop = self._active().loop
        order = loop.ledger.orders.get(order_id) or await loop.store.find_order(order_id)
        if order is None:
            raise OrderNotFound(f"no order {order_id}")
        return order

    async def get_order_status(self, order_id: str) -> OrderStatus:
        """Where an order stands; raises :class:`OrderNotFound`."""
        return (await self._order(order_id)).status

    def _place(self, runner: SessionRunner, request: OrderRequest) -> str | ExecutionResult:
        """Review a request and make it an order; returns its id, or the refusal."""
        try:
            ticket = runner.adapter.asked_for(request, runner.loop.broker.venue_time().now_ms)
        except ValueError as problem:
            return ExecutionResult(False, "", str(problem))
        verdict = runner.validator.review(ticket, runner.loop.now_ms())
        if isinstance(verdict, Denied):
            runner.loop.decide(RefuseOrder(verdict))
            return ExecutionResult(False, "", f"{verdict.objection.rule}: {verdict.objection.text}")
        runner.loop.decide(PlaceOrder(verdict))
        return next(reversed(runner.loop.ledger.orders))

    async def _outcome(self, order_id: str) -> ExecutionResult:
        """Wait until there is evidence of the order's transmission, and say what it is."""
        order = await self._order(order_id)
        if order.attempt_state is AttemptState.OPEN:
            moved: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.setdefault(order_id, []).append(moved)
            await self._while_running(moved)
            order = await self._order(order_id)
        return ExecutionResult.of(order)

    def _attempt_moved(self, event: AttemptMoved) -> None:
        for future in self._waiting.pop(event.client_order_id, ()):
            if not future.done():
                future.set_result(None)
