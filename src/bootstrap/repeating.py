"""A session that failed starts itself again, and every cause is said: when it does, and at the end."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace

from src.application.ports.broker import BrokerError
from src.application.ports.store import StoreError
from src.application.trading.restarts import Restarts
from src.interfaces.cli.composition import (
    ConfigurationError,
    Ended,
    SessionObserver,
    SessionRequest,
    SessionResult,
)

_LOG = logging.getLogger("steadyhand.session")

Run = Callable[[SessionRequest], SessionResult]


def run_again(
    result: SessionResult, request: SessionRequest, run: Run, observer: SessionObserver, restarts: Restarts
) -> SessionResult:
    """What becomes of a session after its first run, if that failed: of its request the rest, as often as it may."""
    notes: list[str] = []
    refusal = ""
    while result.ended is Ended.ERROR and asyncio.run(restarts.wait()):
        _LOG.warning("session.restarts", extra={"reason": refusal or result.reason})
        observer.on_restart(refusal or result.reason)
        rest = _rest_of(request, result)
        try:
            again = run(rest)
        except (StoreError, BrokerError, ConfigurationError) as error:
            # Only a first start is refused to its caller; at a later one the cause may pass.
            refusal = "; ".join(map(str, error.args))
        else:
            notes.append(f"failed and started itself again: {result.reason}")
            request, result, refusal = rest, again, ""
    reason = f"{result.reason}; it did not start again: {refusal}" if refusal else result.reason
    return replace(result, reason=reason, notes=(*result.notes, *notes))


def _rest_of(request: SessionRequest, result: SessionResult) -> SessionRequest:
    """What is left of a request after a run of it."""
    if request.duration_ms is None:
        return request
    return replace(request, duration_ms=max(1, request.duration_ms - result.session_ms))
