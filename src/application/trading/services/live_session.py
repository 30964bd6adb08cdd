"""A session for callers inside the process: started, paused, stopped, halted; and commands put into its inbox.

Every public call becomes a command in the session's inbox and answers when what it decided is durable. Nothing
here keeps trading state; that is the ledger's, changed by the session's loop alone.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from src.application.ports.event_bus import EventBus
from src.application.trading.config import TradingConfig
from src.application.trading.default_assembly import default_assemble
from src.application.trading.picture import SessionPicture
from src.application.trading.position_tracker import PositionTracker
from src.application.trading.requests import SessionRequest
from src.application.trading.session_parts import SessionParts
from src.application.trading.session_runner import EndCause, SessionRunner
from src.application.trading.snapshot import SessionSnapshot
from src.domain.decisions.news import MoveSession, MoveTrading
from src.domain.sessions.session import SessionTrigger, TradingSession
from src.domain.sessions.trading_states import TradingTrigger

Answer = TypeVar("Answer")


class NoSession(LookupError):
    """The call needs a running session, and there is none."""


Assemble = Callable[[SessionRequest], SessionParts]


class LiveSession:
    """One session at a time, put together by ``assemble`` or, without it, as ``config`` or the settings say."""

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
        self._listen(parts.bus)
        return runner

    def _listen(self, bus: EventBus) -> None:
        """Subscribe to what the calls of this service wait for."""

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
