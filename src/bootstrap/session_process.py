"""The process around a running session: signals, control socket, pictures for the screen, and the end."""

import asyncio
import logging
import os
import signal
import time
from collections import deque
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, ParamSpec

from src.application.ports.broker import BrokerError
from src.application.ports.kill_switch import KillLevel
from src.application.ports.store import StoreError
from src.application.trading.by_hand import PositionNotFound, closing_ticket, send_by_hand
from src.application.trading.halting import halting
from src.application.trading.picture import LAST_ALARMS, SessionPicture
from src.application.trading.requests import ExecutionResult
from src.application.trading.risk_report import report_risk
from src.application.trading.services.live_trading_service import OrderNotFound
from src.application.trading.session_loop import COMMITTED_TOPIC
from src.application.trading.session_parts import SessionParts
from src.application.trading.session_runner import EndCause, SessionRunner
from src.application.trading.strategy_board import StrategiesView
from src.application.trading.winding_up import StillOpen
from src.bootstrap.audit_watch import AuditWatch
from src.bootstrap.memory import settle_memory
from src.domain.decisions.news import (
    MoveParent,
    MoveSession,
    MoveTrading,
    RaiseAlarm,
    ReopenSymbol,
    RequestCancel,
)
from src.domain.ledger.events import AlarmRaised, RecoveryFinished
from src.domain.market.sides import PositionSide
from src.domain.market.symbols import canonical_symbol
from src.domain.orders.parents import ParentTrigger
from src.domain.orders.ticket import OrderTicket
from src.domain.sessions.session import SessionTrigger
from src.domain.sessions.trading_states import TradingTrigger
from src.domain.shared.errors import IllegalTransition
from src.infrastructure.messaging.control_path import control_path
from src.infrastructure.messaging.control_socket import ControlServer
from src.infrastructure.simulated_exchange.errors import ExchangeFailure
from src.infrastructure.streams.ending import end_tasks
from src.interfaces.cli.composition import Ended, SessionObserver, SessionRequest, SessionResult

SAME_KEYPRESS_NS = 300_000_000
KILLED_BY_SECOND_SIGNAL = 130
P = ParamSpec("P")
_LOG = logging.getLogger("steadyhand.session")


class SessionProcess:
    """Runs one session in this process until it ends, by whatever cause."""

    def __init__(
        self,
        parts: SessionParts,
        request: SessionRequest,
        observer: SessionObserver,
        data_dir: Path,
        audits: AuditWatch | None = None,
    ) -> None:
        self._parts = parts
        self._request = request
        self._observer = observer
        self._audits = audits
        self._runner = SessionRunner(parts, flatten=request.flatten)
        self._signalled_ns = 0
        self._picture: SessionPicture | None = None
        self._socket = ControlServer(control_path(data_dir, parts.account.account_id), self._control)

    async def run(self) -> SessionResult:
        """Start or resume, run, end. What fails while running is a result; what fails before is raised.

        The store is closed in any case: a connection ends in the event loop that it was made in.
        """
        try:
            return await self._run()
        finally:
            await self._socket.close()
            await self._parts.store.close()

    async def _run(self) -> SessionResult:
        wall_start_ns = time.monotonic_ns()
        runner = self._runner
        self._listen_to_signals()
        picture, recovered = await self._start()
        settle_memory()
        started_ms = self._parts.inputs.now_ms()
        self._picture = picture
        self._connect()
        await self._socket.open()
        if self._request.duration_ms is not None:
            runner.stop_after(self._request.duration_ms)
        beside = [asyncio.create_task(_guest("the screen", self._show, picture))]
        if self._audits is not None:
            audits = _guest("the audits", self._audits.run, self._parts.bus, self._alarm)
            beside.append(asyncio.create_task(audits))
        failure, is_safe = "", True
        try:
            self._observer.on_started(picture.take())
            self._observer.on_events(started_ms, recovered)
            await runner.run()
        except (StoreError, ExchangeFailure, StillOpen) as error:
            failure, is_safe = str(error), False
        except BrokerError as error:
            failure = str(error)
        finally:
            await end_tasks(beside)
            await self._socket.close()
        # What was published last is shown before the summary.
        await self._parts.inputs.breathe()
        # A session that was to stop and could not compare itself with the exchange goes on stopping at the next start.
        ended = (
            Ended.ERROR
            if failure and (runner.ended is None or not is_safe)
            else Ended((runner.ended or EndCause.STOP).value)
        )
        return SessionResult(
            ended=ended,
            reason=failure or runner.session.reason,
            snapshot=picture.take(),
            elapsed_ms=(time.monotonic_ns() - wall_start_ns) // 1_000_000,
            session_ms=self._parts.inputs.now_ms() - started_ms,
            notes=(*self._parts.notes, *self._parts.end_notes(), *_not_compared(ended, failure)),
        )

    async def _start(self) -> tuple[SessionPicture, tuple[RecoveryFinished, ...]]:
        """Start; what was alarming meanwhile is in the first picture, what was recovered beside it.

        The screen hears only of what comes after that.
        """
        alarms: deque[AlarmRaised] = deque(maxlen=LAST_ALARMS)
        found: deque[RecoveryFinished] = deque(maxlen=1)
        self._parts.bus.subscribe("alarm.raised", alarms.append)
        self._parts.bus.subscribe("recovery.finished", found.append)
        await self._runner.start(self._socket.claim)
        await self._parts.inputs.breathe()
        return SessionPicture(self._runner, alarms), tuple(found)

    # --- the screen -----------------------------------------------------------------------------------------

    def _connect(self) -> None:
        bus, loop = self._parts.bus, self._runner.loop
        bus.subscribe(COMMITTED_TOPIC, lambda batch: self._observer.on_events(*batch))
        bus.subscribe("session.minute", lambda line: self._observer.on_minute(loop.now_ms(), line))

    async def _show(self, picture: SessionPicture) -> None:
        interval_ms = self._observer.view_interval_ms
        while interval_ms is not None:
            await asyncio.sleep(interval_ms / 1_000)
            self._observer.on_view(picture.take())

    async def _alarm(self, text: str) -> None:
        """Keep what an audit has found; it is durable when this returns."""
        loop = self._runner.loop
        await loop.ask(lambda: loop.decide(RaiseAlarm("audit", text)))

    # --- signals --------------------------------------------------------------------------------------------

    def _listen_to_signals(self) -> None:
        loop = asyncio.get_running_loop()
        wanted = [signal.SIGINT, signal.SIGTERM]
        # Whoever started it with nohup wants it to outlive its terminal.
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            wanted.append(signal.SIGHUP)
        for number in wanted:
            loop.add_signal_handler(number, self._signalled)

    def _signalled(self) -> None:
        """The first asks the session to stop, the second ends the process at once; both leave what can be resumed.

        One keypress reaches a process group more than once, so what comes right after the first is the first.
        """
        now_ns = time.monotonic_ns()
        if not self._signalled_ns:
            self._signalled_ns = now_ns
            self._runner.request_stop(EndCause.SIGNAL)
        elif now_ns - self._signalled_ns > SAME_KEYPRESS_NS:
            os._exit(KILLED_BY_SECOND_SIGNAL)

    # --- commands -------------------------------------------------------------------------------------------

    async def _control(self, name: str, arguments: dict[str, Any]) -> object:
        """Carry out a command of another process; what it decided is durable when this returns."""
        runner = self._runner
        if name == "stop":
            runner.request_stop(EndCause.STOP, flatten=arguments["flatten"])
        elif name == "cancel":
            await self._cancel(arguments["client_order_id"])
        elif name == "release":
            await self._release(**arguments)
        elif name == "recover":
            runner.loop.inputs.post(self._want_recovery)
        elif name == "risk":
            return report_risk(runner)
        elif name == "strategies":
            return await self._strategies(**arguments)
        elif name == "close":
            return await self._close(arguments)
        elif name in _DECISIONS:
            await self._decide(name, _DECISIONS[name](arguments))
        assert self._picture is not None, "commands are taken after the start"
        return self._picture.take()

    async def _decide(self, name: str, news: MoveSession | MoveTrading | ReopenSymbol) -> None:
        loop = self._runner.loop
        try:
            await loop.ask(lambda: loop.decide(news))
        except IllegalTransition as error:
            raise ValueError(f"{name} is not possible: the session is {error.state}") from None

    async def _strategies(self, action: str, strategy: str, parameters: str) -> StrategiesView:
        """List or change the session's strategies."""
        loop, board = self._runner.loop, self._runner.board
        changes: dict[str, Callable[[], StrategiesView]] = {
            "list": board.view,
            "enable": lambda: board.enable(strategy),
            "disable": lambda: board.disable(strategy),
            "set": lambda: board.change(strategy, parameters),
        }
        if action not in changes:
            raise ValueError(f"strategies cannot {action}: choose {', '.join(changes)}")
        return await loop.ask(changes[action])

    async def _close(self, arguments: dict[str, Any]) -> dict[str, str]:
        """Send the order that closes a position; what becomes of it, `status` says."""
        runner = self._runner
        side = PositionSide(arguments["position_side"]) if arguments["position_side"] else None

        def close() -> tuple[OrderTicket, str | ExecutionResult]:
            ticket = closing_ticket(runner, arguments["symbol"], arguments["reason"], side)
            return ticket, send_by_hand(runner, ticket)

        try:
            ticket, sent = await runner.loop.ask(close)
        except PositionNotFound as error:
            raise OrderNotFound(str(error)) from None
        if isinstance(sent, ExecutionResult):
            raise ValueError(sent.error)
        return {
            "order_id": sent,
            "symbol": ticket.symbol,
            "side": ticket.side.value,
            "quantity": f"{ticket.quantity:f}",
        }

    async def _cancel(self, client_order_id: str) -> None:
        loop = self._runner.loop
        if client_order_id in loop.ledger.parents:
            await loop.ask(
                lambda: loop.decide(MoveParent(client_order_id, ParentTrigger.CANCEL, "asked for"))
            )
            return
        if client_order_id not in loop.ledger.orders:
            raise OrderNotFound(f"no open order {client_order_id}")
        await loop.ask(lambda: loop.decide(RequestCancel(client_order_id, "asked for")))

    async def _release(self, client_order_id: str, reason: str) -> None:
        runner = self._runner
        await runner.loop.ask(lambda: runner.recovery.release(client_order_id, "operator", reason))

    def _want_recovery(self) -> None:
        self._runner.loop.reconcile_wanted = "asked for"


_DECISIONS: dict[str, Callable[[dict[str, Any]], MoveSession | MoveTrading | ReopenSymbol]] = {
    "pause": lambda _: MoveSession(SessionTrigger.PAUSE, "asked for"),
    "resume": lambda _: MoveSession(SessionTrigger.RESUME, "asked for"),
    "halt": lambda arguments: halting(KillLevel(arguments["level"]), arguments["reason"], "operator"),
    "reopen": lambda arguments: ReopenSymbol(canonical_symbol(arguments["symbol"]), "operator"),
    "rearm": lambda _: MoveTrading(TradingTrigger.REARM, "re-armed", "operator"),
}


def _not_compared(ended: Ended, failure: str) -> tuple[str, ...]:
    """What a person has to know of a stop that could not read the exchange any more."""
    if not failure or ended is Ended.ERROR:
        return ()
    return (f"not compared with the exchange at the end, the next start does that: {failure}",)


async def _guest(name: str, work: Callable[P, Awaitable[None]], *args: P.args, **kwargs: P.kwargs) -> None:
    """Await what runs beside a session; its failure is told once, and trading goes on."""
    try:
        await work(*args, **kwargs)
    except Exception:  # noqa: BLE001 - whatever it is, neither the session nor its end depends on it
        _LOG.exception("%s failed: there is none of it until the next start", name)
