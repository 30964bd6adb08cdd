"""The live trading service: sessions, orders and positions for callers inside the process.

Every public call becomes a command in the session's inbox and answers when what it decided is durable. The service
itself keeps no trading state; that is the ledger's, changed by the session's loop alone.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from src.application.ports.event_bus import EventBus
from src.application.trading.config import TradingConfig
from src.application.trading.default_assembly import default_assemble
from src.application.trading.picture import SessionPicture
from src.application.trading.position_tracker import PositionTracker
from src.application.trading.requests import (
    OUTCOME_UNKNOWN,
    ExecutionResult,
    LiveMetrics,
    Number,
    OrderRequest,
    SessionRequest,
    SessionStats,
)
from src.application.trading.session_parts import SessionParts
from src.application.trading.session_runner import EndCause, SessionRunner
from src.application.trading.snapshot import PositionLine, SessionSnapshot
from src.domain.decisions.news import MoveSession, MoveTrading, PlaceOrder, RefuseOrder, RequestCancel
from src.domain.ledger.events import AttemptMoved
from src.domain.market.sides import OrderSide
from src.domain.money import Quantity
from src.domain.orders.order import Order
from src.domain.orders.transitions import AttemptState
from src.domain.orders.types import OrderStatus, OrderType, TimeInForce
from src.domain.risk.review import Denied
from src.domain.risk.rules import MANUAL
from src.domain.sessions.session import SessionTrigger, TradingSession
from src.domain.sessions.trading_states import TradingTrigger

Answer = TypeVar("Answer")


class NoSession(LookupError):
    """The call needs a running session, and there is none."""


class OrderNotFound(LookupError):
    """No order has this id."""


Assemble = Callable[[SessionRequest], SessionParts]


class LiveTradingService:
    """One session at a time.

    ``assemble`` turns a request into the session's parts; without it, ``config`` (or the settings alone) says how,
    and a paper session is found in the data folder. The three repositories of document 002 are read models of the
    one store that the parts bring, so None is as good as one. ``event_bus``, when given, is the session's own.
    """

    def __init__(
        self,
        assemble: Assemble | None = None,
        event_bus: EventBus | None = None,
        *,
        portfolio_repository: object | None = None,
        order_repository: object | None = None,
        position_repository: object | None = None,
        config: TradingConfig | None = None,
    ) -> None:
        self._assemble: Assemble = assemble or default_assemble(config)
        self._event_bus = event_bus
        self._runner: SessionRunner | None = None
        self._closed = True
        self._picture: SessionPicture | None = None
        self._task: asyncio.Task[None] | None = None
        self._waiting: dict[str, list[asyncio.Future[None]]] = {}

    # --- the session ----------------------------------------------------------------------------------------

    async def start_session(
        self,
        portfolio_id: str = "default",
        strategies: Iterable[str] = (),
        symbols: Iterable[str] = (),
        dry_run: bool = True,
    ) -> TradingSession:
        """Start a session, or resume the account's unfinished one; returns when it is RUNNING (or PAUSED).

        Raises ValueError for options that cannot be, StoreError and BrokerError when the start fails.
        """
        if self._task is not None and not self._task.done():
            raise ValueError("a session of this service runs already: stop it first")
        parts = self._assemble(SessionRequest(str(portfolio_id), tuple(strategies), tuple(symbols), dry_run))
        runner = await self.begin(parts)
        self._task = asyncio.get_running_loop().create_task(runner.run())
        return runner.session

    async def begin(self, parts: SessionParts) -> SessionRunner:
        """Start a session from its parts without running it; the caller runs ``runner.run()``."""
        if self._event_bus is not None:
            parts.bus = self._event_bus
        runner = SessionRunner(parts)
        try:
            await runner.start()
        except BaseException:
            # The account's lease goes with the store, or this process itself would keep it busy.
            await parts.store.close()
            parts.close()
            raise
        self._runner = runner
        self._closed = False
        self._picture = SessionPicture(runner)
        parts.bus.subscribe("attempt.moved", self._attempt_moved)
        return runner

    async def pause_session(self) -> None:
        """No opening orders until :meth:`resume_session`; exits and stops go on."""
        await self._command(lambda r: r.loop.decide(MoveSession(SessionTrigger.PAUSE, "asked for")))

    async def resume_session(self) -> None:
        """Open again."""
        await self._command(lambda r: r.loop.decide(MoveSession(SessionTrigger.RESUME, "asked for")))

    async def stop_session(self, *, flatten: bool = False) -> TradingSession:
        """Cancel entries, keep positions with their stops (or close them), and end the session."""
        runner = self._active()
        runner.loop.inputs.post(lambda: runner.request_stop(EndCause.STOP, flatten=flatten))
        if self._task is not None:
            try:
                await self._task
            finally:
                await self.close()
        return runner.session

    async def close(self) -> None:
        """Let go of everything that the session holds; harmless to repeat."""
        if self._runner is not None and not self._closed:
            self._closed = True
            await self._runner.parts.store.close()
            self._runner.parts.close()

    async def halt(self, reason: str, author: str = "operator") -> None:
        """The kill switch, durably: no opening order until a person re-arms."""
        await self._command(lambda r: r.loop.decide(MoveTrading(TradingTrigger.HALT, reason, author)))

    async def rearm(self, author: str = "operator") -> None:
        """Allow trading again after a halt."""
        await self._command(lambda r: r.loop.decide(MoveTrading(TradingTrigger.REARM, "re-armed", author)))

    def is_running(self) -> bool:
        """Whether a session is RUNNING."""
        runner, task = self._runner, self._task
        if runner is None or runner.finished or (task is not None and task.done()):
            return False
        return runner.is_running

    def snapshot(self) -> SessionSnapshot:
        """The session as screens show it."""
        self._active()
        assert self._picture is not None, "a session has its picture"
        return self._picture.take()

    # --- orders ---------------------------------------------------------------------------------------------

    async def execute_order(self, order: OrderRequest) -> ExecutionResult:
        """Review and send an order; answers when the exchange did, or when its outcome is unknown."""
        placed = await self._command(lambda r: self._place(r, order))
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
    ) -> Order:
        """Place an order by hand and return it; raises ValueError when a rule or the exchange refuses it."""
        request = OrderRequest.of(
            symbol, side, quantity, order_type, price, time_in_force, stop_loss, take_profit
        )
        result = await self.execute_order(request)
        if not result.order_id:
            raise ValueError(result.error)
        return await self.get_order(result.order_id)

    async def cancel_order(self, order_id: str) -> None:
        """Ask for the end of an order; raises :class:`OrderNotFound`."""
        await self.get_order(order_id)
        await self._command(lambda r: r.loop.decide(RequestCancel(order_id, "asked for")))

    async def get_order(self, order_id: str) -> Order:
        """An order, open or settled; raises :class:`OrderNotFound`."""
        loop = self._active().loop
        order = loop.ledger.orders.get(order_id) or loop.store.find_order(order_id)
        if order is None:
            raise OrderNotFound(f"no order {order_id}")
        return order

    async def get_order_status(self, order_id: str) -> OrderStatus:
        """Where an order stands; raises :class:`OrderNotFound`."""
        return (await self.get_order(order_id)).status

    # --- positions ------------------------------------------------------------------------------------------

    async def get_positions(self) -> list[PositionLine]:
        """Open positions at mark price."""
        return list(self._tracker().open_positions())

    async def close_position(self, symbol: str, reason: str = "closed by hand") -> ExecutionResult:
        """Close a position at the market; raises :class:`OrderNotFound` when there is none."""
        runner = self._active()
        position = runner.loop.ledger.position(OrderRequest.of(symbol, OrderSide.BUY, 1).symbol)
        if position.is_flat:
            raise OrderNotFound(f"there is no position in {position.symbol}")
        return await self.execute_order(
            OrderRequest(
                position.symbol,
                position.side.opposite,
                Quantity(abs(position.quantity)),
                strategy_id=position.strategy_id or MANUAL,
                reduce_only=True,
            )
        )

    # --- figures --------------------------------------------------------------------------------------------

    async def get_session_stats(self) -> SessionStats:
        """The session's figures so far."""
        runner = self._active()
        return SessionStats.of(runner.session, runner.loop.inputs.now_ms())

    async def get_metrics(self) -> LiveMetrics:
        """The session now."""
        return LiveMetrics.of(self._active().loop.ledger, self._tracker())

    # --- inside ---------------------------------------------------------------------------------------------

    def _active(self) -> SessionRunner:
        if self._runner is None:
            raise NoSession("no session is running: call start_session first")
        return self._runner

    def _tracker(self) -> PositionTracker:
        loop = self._active().loop
        return PositionTracker(loop.ledger, loop.desk)

    async def _command(self, command: Callable[[SessionRunner], Answer]) -> Answer:
        runner = self._active()
        return await self._while_running(runner.loop.ask(lambda: command(runner)))

    async def _while_running(self, answer: Awaitable[Answer]) -> Answer:
        """Await what the session's loop will answer; raises :class:`NoSession` when the loop ends before it does."""
        waiting = asyncio.ensure_future(answer)
        if self._task is None:
            return await waiting
        await asyncio.wait({waiting, self._task}, return_when=asyncio.FIRST_COMPLETED)
        if waiting.done():
            return waiting.result()
        waiting.cancel()
        failure = None if self._task.cancelled() else self._task.exception()
        raise NoSession(f"the session is over: {failure or self._active().session.reason}") from failure

    def _place(self, runner: SessionRunner, request: OrderRequest) -> str | ExecutionResult:
        """Review a request and make it an order; returns its id, or the refusal."""
        ticket = runner.adapter.asked_for(request)
        verdict = runner.validator.review(ticket, runner.loop.inputs.now_ms())
        if isinstance(verdict, Denied):
            runner.loop.decide(RefuseOrder(verdict))
            return ExecutionResult(False, "", f"{verdict.objection.rule}: {verdict.objection.text}")
        runner.loop.decide(PlaceOrder(verdict))
        return next(reversed(runner.loop.ledger.orders))

    async def _outcome(self, order_id: str) -> ExecutionResult:
        """Wait until there is evidence of the order's transmission, and say what it is."""
        order = await self.get_order(order_id)
        if order.attempt_state is AttemptState.OPEN:
            moved: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.setdefault(order_id, []).append(moved)
            await self._while_running(moved)
            order = await self.get_order(order_id)
        return ExecutionResult.of(order)

    def _attempt_moved(self, event: object) -> None:
        assert isinstance(event, AttemptMoved), "the topic carries attempts"
        for future in self._waiting.pop(event.client_order_id, ()):
            if not future.done():
                future.set_result(None)
