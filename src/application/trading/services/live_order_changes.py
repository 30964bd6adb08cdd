"""Orders by hand, continued: amend them, end all of them, protect a position, and parent orders.

A parent order is an OCO, an iceberg, a TWAP or a VWAP: a record of our own that becomes ordinary orders. Its id is
given to ``cancel_order``, ``pause_parent``, ``resume_parent`` and ``get_parent``.
"""

import asyncio
from collections.abc import Callable

from src.application.ports.event_bus import EventBus
from src.application.trading.by_hand import check_protection
from src.application.trading.order_copy import LibraryOrder
from src.application.trading.parent_requests import iceberg_ticket, oco_ticket, schedule_ticket
from src.application.trading.requests import OUTCOME_UNKNOWN, ExecutionResult, Number, OrderRequest, decimal
from src.application.trading.services.live_orders import LiveOrders, OrderNotFound
from src.application.trading.session_runner import SessionRunner
from src.application.trading.snapshot import ParentLine
from src.domain.decisions.news import (
    MoveParent,
    OpenParent,
    RequestCancelAll,
    RequestModify,
    RequestProtection,
)
from src.domain.ledger.events import (
    CancelRequested,
    FillBooked,
    ModifyMoved,
    OrderDenied,
    OrderMoved,
    ParentOpened,
)
from src.domain.market.sides import PositionSide
from src.domain.market.symbols import canonical_symbol
from src.domain.orders.parents import ParentTicket, ParentTrigger
from src.domain.orders.transitions import ModifyTrigger

BY_HAND = "asked for"


class LiveOrderChanges(LiveOrders):
    """The calls that change orders, and those about parent orders."""

    def _listen(self, bus: EventBus) -> None:
        super()._listen(bus)
        self._amendments: dict[str, list[asyncio.Future[ModifyMoved]]] = {}
        bus.subscribe("modify.moved", self._answer_amendments)
        bus.subscribe("order.moved", self._order_over)
        bus.subscribe("order.filled", self._order_over)

    # --- one order ------------------------------------------------------------------------------------------

    async def modify_order(
        self, order_id: str, new_price: Number | None = None, new_quantity: Number | None = None
    ) -> LibraryOrder:
        """Give a resting LIMIT order another price, another total quantity (filled part included), or both.

        Returns the order as it is now, once the exchange has answered. Raises :class:`OrderNotFound`, and ValueError,
        in one line, when the order cannot be amended, a rule or the exchange refuses, or nobody knows yet ('outcome
        unknown': the session finds out; until then there is no other amendment).
        """
        price = None if new_price is None else decimal(new_price, "the new price")
        quantity = None if new_quantity is None else decimal(new_quantity, "the new quantity")
        if price is None and quantity is None:
            raise ValueError("nothing to modify: give new_price, new_quantity or both")
        await self._order(order_id)
        waiting: asyncio.Future[ModifyMoved] = asyncio.get_running_loop().create_future()

        def request(runner: SessionRunner) -> str:
            step = runner.loop.decide(RequestModify(order_id, price, quantity, BY_HAND))
            denied = next((event for event in step.events if isinstance(event, OrderDenied)), None)
            if denied is None:
                self._amendments.setdefault(order_id, []).append(waiting)
            return "" if denied is None else f"{denied.rule}: {denied.text}"

        try:
            refusal = await self._command(request)
        except LookupError as gone:
            raise ValueError(str(gone)) from gone
        if refusal:
            raise ValueError(refusal)
        moved = await self._while_running(waiting)
        if moved.trigger is ModifyTrigger.LOST:
            raise ValueError(f"{OUTCOME_UNKNOWN}: {order_id} may or may not have been modified")
        if moved.trigger is ModifyTrigger.NOT_DONE:
            raise ValueError(f"{order_id} was not modified: {moved.reason}")
        return await self.get_order(order_id)

    def _order_over(self, event: OrderMoved | FillBooked) -> None:
        """The end of an order settles its amendment: whatever became of it, there is nothing to amend any more."""
        if event.client_order_id in self._amendments:
            order = self._active().loop.ledger.orders.get(event.client_order_id)
            if order is None or not order.is_open:
                self._answer_amendments(
                    ModifyMoved(event.client_order_id, ModifyTrigger.NOT_DONE, "it is over")
                )

    def _answer_amendments(self, event: ModifyMoved) -> None:
        for future in self._amendments.pop(event.client_order_id, ()):
            if not future.done():
                future.set_result(event)

    async def cancel_order(self, order_id: str) -> None:
        """Ask for the end of an order or of a parent with its children; raises :class:`OrderNotFound`."""
        if order_id in self._active().loop.ledger.parents:
            await self._move_parent(order_id, ParentTrigger.CANCEL)
        else:
            await super().cancel_order(order_id)

    async def cancel_all_orders(
        self, symbol: str | None = None, *, include_protective: bool = False
    ) -> list[str]:
        """Ask for the end of every open order, or of one symbol's, parents included; returns the orders' ids.

        Stops and targets of positions that are held stay, unless they are included: then these positions are
        deliberately unprotected until :meth:`protect_position` says otherwise.
        """
        name = None if symbol is None else canonical_symbol(symbol)
        step = await self._command(
            lambda r: r.loop.decide(RequestCancelAll(name, BY_HAND, protective=include_protective))
        )
        return [event.client_order_id for event in step.events if isinstance(event, CancelRequested)]

    async def protect_position(
        self,
        symbol: str,
        stop_loss: Number | None = None,
        take_profit: Number | None = None,
        position_side: PositionSide | str = PositionSide.BOTH,
    ) -> None:
        """Give a position its stop and target back, at new prices if they are given.

        ValueError when it is flat, and for a price that the market has reached already: that would close it at once.
        """
        news = RequestProtection(
            canonical_symbol(symbol),
            PositionSide(position_side),
            None if stop_loss is None else decimal(stop_loss, "the stop loss"),
            None if take_profit is None else decimal(take_profit, "the take profit"),
        )

        def request(runner: SessionRunner) -> None:
            check_protection(runner, news)
            runner.loop.decide(news)

        await self._command(request)

    # --- parent orders --------------------------------------------------------------------------------------

    async def place_oco(self, first: OrderRequest, second: OrderRequest) -> ParentLine:
        """Two orders of the same quantity and position, of which one is to fill; raises ValueError when refused."""
        return await self._open(lambda r: oco_ticket(r.adapter, first, second, _venue_ms(r)))

    async def place_iceberg(self, request: OrderRequest, visible_quantity: Number) -> ParentLine:
        """A LIMIT order that shows only ``visible_quantity`` (base asset) at a time; raises ValueError when refused."""
        visible = decimal(visible_quantity, "the visible quantity")
        return await self._open(lambda r: iceberg_ticket(r.adapter, request, visible, _venue_ms(r)))

    async def place_twap(self, request: OrderRequest, duration_ms: int, slices: int) -> ParentLine:
        """Equal parts over ``duration_ms`` of session time, the last taking the remainder; ValueError when refused."""
        return await self._open(
            lambda r: schedule_ticket(r.adapter, request, duration_ms, slices, r.loop.now_ms(), None)
        )

    async def place_vwap(self, request: OrderRequest, duration_ms: int, slices: int) -> ParentLine:
        """Parts over ``duration_ms`` of session time, weighted by the volume of the stretch just over."""
        return await self._open(
            lambda r: schedule_ticket(
                r.adapter, request, duration_ms, slices, r.loop.now_ms(), r.parts.desk.volume
            )
        )

    async def pause_parent(self, parent_id: str) -> None:
        """Send no more of a parent until it is resumed; what is open stays. Raises :class:`OrderNotFound`."""
        await self._move_parent(parent_id, ParentTrigger.PAUSE)

    async def resume_parent(self, parent_id: str) -> None:
        """Go on with a paused parent; what it missed is spread over what is left of its time."""
        await self._move_parent(parent_id, ParentTrigger.RESUME)

    async def get_parent(self, parent_id: str) -> ParentLine:
        """A copy of a parent that is at work; raises :class:`OrderNotFound`."""
        parent = self._active().loop.ledger.parents.get(parent_id)
        if parent is None:
            raise OrderNotFound(f"no parent order {parent_id} is at work")
        return ParentLine.of(parent)

    async def get_parents(self) -> list[ParentLine]:
        """Copies of the parents that are at work, oldest first."""
        return [ParentLine.of(parent) for parent in self._active().loop.ledger.parents.values()]

    async def _move_parent(self, parent_id: str, trigger: ParentTrigger) -> None:
        try:
            await self._command(lambda r: r.loop.decide(MoveParent(parent_id, trigger, BY_HAND)))
        except LookupError as gone:
            raise OrderNotFound(str(gone)) from gone

    async def _open(self, make: Callable[[SessionRunner], ParentTicket]) -> ParentLine:
        def open_it(runner: SessionRunner) -> ParentLine | ExecutionResult:
            step = runner.loop.decide(OpenParent(make(runner)))
            for event in step.events:
                if isinstance(event, OrderDenied):
                    return ExecutionResult(False, "", f"{event.rule}: {event.text}")
                if isinstance(event, ParentOpened):
                    return ParentLine.of(runner.loop.ledger.parents[event.parent_id])
            raise AssertionError("a parent is opened or denied")

        opened = await self._command(open_it)
        if isinstance(opened, ExecutionResult):
            raise ValueError(opened.error)
        return opened


def _venue_ms(runner: SessionRunner) -> int:
    return runner.loop.broker.venue_time().now_ms
