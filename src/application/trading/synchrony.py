"""Keeps a running session in agreement with its exchange: compares when asked, and goes on asking when it must.

While the user stream is lost, or the exchange cannot be read, the session is out of step: what it holds keeps its
stops, exits go out, and nothing is opened. It tries again after a quarter of a second, then twice as long each time.
"""

from typing import Final

from src.application.ports.broker import BrokerError, BrokerUnavailable, RateLimitError
from src.application.trading.services.state_recovery_service import StateRecoveryService
from src.application.trading.session_loop import SessionLoop

FIRST_WAIT_MS: Final = 250
LONGEST_WAIT_MS: Final = 10_000


class Synchrony:
    """Runs the recovery procedure of a session for as long as it takes to agree with the exchange again."""

    def __init__(self, loop: SessionLoop, recovery: StateRecoveryService) -> None:
        self._loop = loop
        self._recovery = recovery
        self._wait_ms = FIRST_WAIT_MS
        self.failures = 0

    async def restore(self) -> None:
        """Compare because something asked for it; when the exchange cannot be read, ask again later."""
        loop = self._loop
        cause, loop.reconcile_wanted = loop.reconcile_wanted, ""
        try:
            await self.compare(cause)
        except (BrokerUnavailable, RateLimitError) as error:
            self._later(cause, error)

    async def compare(self, cause: str) -> None:
        """Run the procedure once, with a new stream if the last one is lost; raises what reading raises."""
        loop = self._loop
        # It may be lost again while the procedure runs.
        lost, loop.stream_lost = loop.stream_lost, False
        try:
            await self._recovery.recover(cause, new_stream=lost)
        except BrokerError:
            loop.stream_lost = loop.stream_lost or lost
            raise
        self._wait_ms = FIRST_WAIT_MS

    def _later(self, cause: str, error: Exception) -> None:
        loop = self._loop
        self.failures += 1
        wait_ms = self._wait_ms
        if isinstance(error, RateLimitError):
            wait_ms = max(wait_ms, int(error.retry_after * 1_000))
        self._wait_ms = min(2 * self._wait_ms, LONGEST_WAIT_MS)
        loop.desk.suspension = f"the exchange cannot be read: {error}"

        def again() -> None:
            loop.reconcile_wanted = loop.reconcile_wanted or cause

        loop.inputs.after(wait_ms, again)
