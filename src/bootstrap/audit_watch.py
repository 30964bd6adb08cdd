"""Audits a running session now and then, in a process of its own that yields to everybody.

The session's loop only keeps a timer; a thread waits for the auditor's process, which opens connections of its own and
writes nothing, so whoever dies first leaves nothing behind. A difference is confirmed by a second look before anybody
is told.
"""

import asyncio
import json
import logging
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

from src.application.ports.event_bus import EventBus
from src.bootstrap.audits import failed, keep_outcome, outcome_of
from src.bootstrap.settings import ROOT
from src.infrastructure.audit.request import AuditRequest
from src.interfaces.cli.audits import AuditOutcome, audit_line

AUDIT_TOPIC: Final = "audit.finished"
"""Carries each AuditOutcome of a running session."""

CONFIRM_S: Final = 15.0
PATIENCE_S: Final = 600.0
OVERLAP_MS: Final = 86_400_000
_LOG = logging.getLogger("steadyhand.audit")

Alarm = Callable[[str], Awaitable[None]]


class AuditWatch:
    """Audits every ``interval_s`` of wall time; 0 never does.

    The first audit is of everything; after one that found both sides equal, the next takes what is older than a day
    before it from the session's own books.
    """

    def __init__(
        self,
        request: AuditRequest,
        exchange: str,
        interval_s: float,
        data_dir: Path,
        confirm_s: float = CONFIRM_S,
    ) -> None:
        self._request = request
        self._exchange = exchange
        self._interval_s = interval_s
        self._data_dir = data_dir
        self._confirm_s = confirm_s
        self._process: subprocess.Popen[bytes] | None = None
        self._closed = False
        self._told = ""

    async def run(self, bus: EventBus, alarm: Alarm) -> None:
        """Audit until cancelled: publish and keep each outcome, raise an alarm about a new difference."""
        try:
            while self._interval_s > 0:
                await asyncio.sleep(self._interval_s)
                outcome = await asyncio.to_thread(self._audit)
                if outcome.differences:
                    await asyncio.sleep(self._confirm_s)
                    outcome = await asyncio.to_thread(self._audit)
                await self._tell(outcome, bus, alarm)
        finally:
            self.close()

    def close(self) -> None:
        """End the auditor's process, if it is at work."""
        self._closed = True
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.kill()

    async def _tell(self, outcome: AuditOutcome, bus: EventBus, alarm: Alarm) -> None:
        bus.publish(AUDIT_TOPIC, outcome)
        try:
            await asyncio.to_thread(keep_outcome, self._data_dir, outcome)
        except OSError as error:
            _LOG.warning("audit.not_kept", extra={"reason": error.strerror})
        if outcome.failure:
            _LOG.warning("audit.not_made", extra={"reason": outcome.failure})
        elif outcome.agrees:
            since_ms = max(0, outcome.until_ms - OVERLAP_MS)
            self._request = replace(self._request, since_ms=since_ms)
            self._told = ""
        else:
            text = _words(outcome)
            if text != self._told:
                self._told = text
                await alarm(text)

    def _audit(self) -> AuditOutcome:
        """One audit in a process of its own; blocks. Whatever goes wrong with it, the session goes on."""
        begun_ns = time.monotonic_ns()
        try:
            code, told, trouble = self._ask(json.dumps(self._request.as_document()).encode())
            if code == 0:
                return outcome_of(json.loads(told), (time.monotonic_ns() - begun_ns) // 1_000_000)
        except subprocess.TimeoutExpired:
            return self._failed(f"it took longer than {PATIENCE_S:.0f} s")
        except (OSError, ValueError, TypeError) as error:
            return self._failed(f"the auditor's process failed ({type(error).__name__})")
        lines = trouble.decode(errors="replace").strip().splitlines()
        return self._failed(lines[-1] if lines else f"the auditor's process ended with {code}")

    def _ask(self, request: bytes) -> tuple[int, bytes, bytes]:
        """Hand the request to a new process and wait for its end: its exit code, stdout and stderr."""
        process = self._process = subprocess.Popen(
            [sys.executable, "-m", "src.infrastructure.audit"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        if self._closed:
            process.kill()
        try:
            told, trouble = process.communicate(request, timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise
        return process.returncode, told, trouble

    def _failed(self, reason: str) -> AuditOutcome:
        return failed(self._request.account_id, self._exchange, reason)


def _words(outcome: AuditOutcome) -> str:
    """An alarm about an outcome: how much differs, and the first of it."""
    first = outcome.differences[0]
    figures = f"session {first.ours}, exchange {first.theirs}"
    return f"{audit_line(outcome)}; first {first.subject}: {figures} ({first.where})"
