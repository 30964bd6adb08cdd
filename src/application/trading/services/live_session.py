"""A session for callers inside the process: started, paused, stopped, halted; and commands put into its inbox.

Every public call becomes a command in the session's inbox and answers when what it decided is durable. Nothing
here keeps trading state; that is the ledger's, changed by the session's loop alone.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar

from src.application.plain_text import plain
from src.application.ports.broker import Broker, BrokerError
from src.application.ports.event_bus import EventBus
from src.application.ports.repositories import (
    OrderRepository,
    PortfolioRepository,
    PositionRepository,
    Repository,
)
from src.application.ports.store import StoreError, StoreMoved
from src.application.trading.config import TradingConfig
from src.application.trading.default_assembly import default_assemble
from src.application.trading.live_statistics import LiveStatistics
from src.application.trading.picture import SessionPicture
from src.application.trading.position_tracker import PositionTracker
from src.application.trading.requests import SessionRequest
from src.application.trading.restarts import Restarts
from src.application.trading.services.pretrade_risk_validator import PretradeRiskValidator
from src.application.trading.session_parts import SessionParts
from src.application.trading.session_runner import EndCause, SessionRunner
from src.application.trading.snapshot import SessionSnapshot
from src.application.trading.trading_state import TradingState
from src.domain.decisions.news import MoveSession, MoveTrading
from src.domain.sessions.session import SessionTrigger, TradingSession
from src.domain.sessions.trading_states import TradingTrigger

Answer = TypeVar("Answer")


Assemble = Callable[[SessionRequest], SessionParts]


class NoSession(LookupError):
    """The call needs a running session, and there is none."""


def _common_database(*repositories: Repository | None) -> str | None:
    """The database that the repositories read; raises ValueError when they do not read one and the same."""
    urls: set[str] = set()
    for each in repositories:
        if each is not None:
            if not hasattr(each, "database_url"):
                name = type(each).__name__
                raise ValueError(f"{name} is a read model of no database: hand in what repositories() gives")
            urls.add(each.database_url)
        if len(urls) > 1:
            raise ValueError("the repositories read different databases: hand in those of one")
    return urls.pop() if urls else None


class LiveSession:
    """One session at a time, put together by ``assemble`` or, without it, as ``config`` or the settings say."""

    def __init__(
        self,
        assemble: Assemble | None = None,
        event_bus: EventBus | None = None,
        *,
        portfolio_repository: PortfolioRepository | None = None,
        order_repository: OrderRepository | None = None,
        position_repository: PositionRepository | None = None,
        config: TradingConfig | None = None,
    ) -> None:
        self._assemble: Assemble = assemble or default_assemble(config)
        self._database_url = _common_database(portfolio_repository, order_repository, position_repository)
        self._broker: Broker | None = None
        self._restarts: Restarts | None = None
        self._event_bus = event_bus
        self._runner: SessionRunner | None = None
        self._closed = True
        self._picture: SessionPicture | None = None
        self._statistics: LiveStatistics | None = None
        self._task: asyncio.Task[None] | None = None
        self._failed: asyncio.Future[BaseException] | None = None
        # Who waits for evidence about an order, by its client order id; sessions come and go, waiting calls stay.
        self._waiting: dict[str, list[asyncio.Future[None]]] = {}

    def set_broker(self, broker: Broker) -> None:
        """Send the orders of the next session, unless it is a dry run, through this broker.

        Raises ValueError while a session runs: its orders stay where they are.
        """
        if self._task is not None and not self._task.done():
            raise ValueError("a session of this service runs: stop it before its broker is changed")
        self._broker = broker

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
        request = SessionRequest(
            str(portfolio_id),
            tuple(strategies),
            tuple(symbols),
            dry_run,
            None if dry_run else self._broker,
            self._database_url,
            self._event_bus,
        )
        runner = await self.begin(self._assemble(request))
        self._restarts = runner.parts.restarts
        self._task = asyncio.get_running_loop().create_task(self._run(request, runner))
        return runner.session

    async def _run(self, request: SessionRequest, runner: SessionRunner) -> None:
        """Run the session to its end; one that fails starts itself again as often as it may, which recovers it.

        One that was asked to stop stays unfinished when that fails: the next start goes on with it.
        """
        running: SessionRunner | None = runner
        while True:
            try:
                running = running or await self.begin(self._assemble(request))
                self._failed = asyncio.get_running_loop().create_future()
                await running.run()
                return
            except (StoreError, BrokerError) as error:
                # Whoever waits for this run's answers will not get them from the next.
                if self._failed is not None and not self._failed.done():
                    self._failed.set_result(error)
                await self.close()
                was_stopping = running is not None and running.ended is not None
                running = None
                restarts = None if was_stopping or isinstance(error, StoreMoved) else self._restarts
                if restarts is None or not await restarts.wait():
                    raise

    async def begin(self, parts: SessionParts) -> SessionRunner:
        """Start a session from its parts without running it; the caller runs ``runner.run()``."""
        if self._event_bus is not None:
            parts.bus = self._event_bus
        runner = SessionRunner(parts)
        try:
            await runner.start()
        except BaseException:  # whatever ends the start, this process does not keep the account's lease
            await parts.store.close()
            parts.close()
            raise
        self._runner = runner
        self._closed = False
        self._picture = SessionPicture(runner)
        self._statistics = _follow(runner)
        self._listen(parts.bus)
        return runner

    def _listen(self, bus: EventBus) -> None:
        """Subscribe to what the calls of this service wait for."""

    async def pause_session(self) -> None:
        """No opening orders until :meth:`resume_session`, those that rest are canceled; exits and stops go on."""
        await self._command(lambda r: r.loop.decide(MoveSession(SessionTrigger.PAUSE, "asked for")))

    async def resume_session(self) -> None:
        """Open again."""
        await self._command(lambda r: r.loop.decide(MoveSession(SessionTrigger.RESUME, "asked for")))

    async def stop_session(self, *, flatten: bool = False) -> TradingSession:
        """Cancel entries, keep positions with their stops (or close them), and end the session.

        Raises BrokerError when it is not stopped, and the next start goes on: entries could not be ended (StillOpen).
        """
        if self._is_restarting and self._task is not None:
            self._task.cancel()
        runner = self._active()
        runner.loop.inputs.post(lambda: runner.request_stop(EndCause.STOP, flatten=flatten))
        if self._task is not None:
            # Waited for rather than awaited: who gives up waiting would end the run with it, halfway.
            await asyncio.wait({self._task})
            await self.close()
            if self._task.cancelled():
                raise NoSession("the session's run was given up: start_session goes on with it")
            self._task.result()
        return runner.session

    async def close(self) -> None:
        """Let go of everything that the session holds; harmless to repeat."""
        if self._runner is not None and not self._closed:
            self._closed = True
            await self._runner.parts.store.close()
            self._runner.parts.close()

    async def halt(self, reason: str, author: str = "operator") -> None:
        """The kill switch, durably: no opening order until a person re-arms."""
        news = MoveTrading(TradingTrigger.HALT, plain(str(reason)), plain(str(author)))
        await self._command(lambda r: r.loop.decide(news))

    async def rearm(self, author: str = "operator") -> None:
        """Allow trading again after a halt."""
        news = MoveTrading(TradingTrigger.REARM, "re-armed", plain(str(author)))
        await self._command(lambda r: r.loop.decide(news))

    def is_running(self) -> bool:
        """Whether a session is RUNNING."""
        runner, task = self._runner, self._task
        if runner is None or runner.finished or self._is_restarting or (task is not None and task.done()):
            return False
        return runner.is_running

    @property
    def _is_restarting(self) -> bool:
        """Whether a run has failed and the next one has not begun."""
        return self._closed and self._task is not None and not self._task.done()

    @property
    def validator(self) -> PretradeRiskValidator:
        """The session's risk gate; its ``validate_signal`` says whether a signal would pass now."""
        return self._active().validator

    def state(self) -> TradingState:
        """What the session holds now; ``TradingState.recover`` reads the same from the database."""
        return TradingState.of(self._active().loop.ledger)

    def snapshot(self) -> SessionSnapshot:
        """The session as screens show it."""
        self._active()
        assert self._picture is not None, "a session has its picture"
        return self._picture.take()

    @property
    def statistics(self) -> LiveStatistics:
        """The figures of the session so far, up to its last commit that was told."""
        self._active()
        assert self._statistics is not None, "a session has its figures"
        return self._statistics

    # --- inside ---------------------------------------------------------------------------------------------

    def _active(self) -> SessionRunner:
        if self._runner is None:
            raise NoSession("no session is running: call start_session first")
        if self._is_restarting:
            raise NoSession(
                "the session failed and is not running: it starts itself again, or start_session does"
            )
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
        failed = self._failed
        ends: set[asyncio.Future[Any]] = {self._task} if failed is None else {self._task, failed}
        await asyncio.wait({waiting, *ends}, return_when=asyncio.FIRST_COMPLETED)
        if waiting.done():
            return waiting.result()
        waiting.cancel()
        failure = failed.result() if failed is not None and failed.done() else self._failure()
        reason = failure or (self._runner.session.reason if self._runner is not None else "")
        raise NoSession(f"the session is over: {reason}") from failure

    def _failure(self) -> BaseException | None:
        """What ended the task; None when it came to its end in good order."""
        if self._task is None or not self._task.done() or self._task.cancelled():
            return None
        return self._task.exception()


def _follow(runner: SessionRunner) -> LiveStatistics:
    """Figures that follow the session; what it did in an earlier process is read, if anybody can."""
    parts, session = runner.parts, runner.session
    statistics = LiveStatistics(runner.loop.ledger.account.settle_asset, parts.mark_equity_ms)
    if parts.reads is not None and (runner.resumed or session.total_trades):
        reads = parts.reads()
        try:
            statistics.remember(reads, parts.account.account_id, session)
        finally:
            reads.close()
    statistics.follow(parts.bus)
    return statistics
