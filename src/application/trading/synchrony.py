"""Keeps a running session in agreement with its exchange: compares when asked and by the clock, and goes on asking.

Once a minute everything that is open is compared, and every quarter of an hour what has ended as well. While the user
stream is lost, or the exchange cannot be read, the session is out of step: what it holds keeps its stops, exits go out,
and nothing is opened. It tries again after a quarter of a second, then twice as long each time; where no stream opens,
it compares without one, so that what fills is protected. A session that did not run for a while, because its machine
slept or its loop stood still, does not trust its stream any more; one whose market is beyond the price of an order,
and that hears nothing of it, asks.
"""

from typing import Final

from src.application.ports.broker import BrokerError, BrokerUnavailable, RateLimitError
from src.application.trading.services.state_recovery_service import RecoveryReport, StateRecoveryService
from src.application.trading.session_loop import SessionLoop
from src.application.trading.unheard_triggers import UnheardTriggers
from src.application.trading.waiting import work_for

FIRST_WAIT_MS: Final = 250
LONGEST_WAIT_MS: Final = 10_000
RATE_PATIENCE_MS: Final = 65_000
"""How long a stop waits for request weight (session time): a minute's is given anew within 60 s."""
AWAY_PATIENCE_MS: Final = 5_000
"""How long a stop waits for an exchange that does not answer."""
LIGHT_TICKS: Final = 60
FULL_TICKS: Final = 900
ASLEEP_MS: Final = 10_000
"""How much later than expected (session time) a tick may come before the stream is taken for lost."""


class Synchrony:
    """Runs the recovery procedure of a session for as long as it takes to agree with the exchange again.

    ``is_comparing`` while it runs: the session works on meanwhile, and nothing says yet that both agree.
    """

    def __init__(self, loop: SessionLoop, recovery: StateRecoveryService) -> None:
        self._loop = loop
        self._recovery = recovery
        self._wait_ms = FIRST_WAIT_MS
        self._full_due = False
        self._tick_ms = loop.tick_ms
        self._looked_ms: int | None = None
        self._unheard = UnheardTriggers(loop.ledger, loop.desk)
        # An exchange in this process has no past that we have not seen, sleeps when we sleep, and loses no news.
        self._is_remote = not loop.broker.consistency.requests_die_with_process
        self.failures = 0
        self.is_comparing = False

    def start(self) -> None:
        """Compare by the clock from now on, every 60 and every 900 ticks of the session."""
        self._tick_ms = self._loop.tick_ms
        self._loop.inputs.after(LIGHT_TICKS * self._tick_ms, self._light)
        if self._is_remote:
            self._looked_ms = self._loop.inputs.now_ms()
            self._loop.inputs.after(FULL_TICKS * self._tick_ms, self._full)

    def look(self) -> None:
        """Once a tick: notice sleep and triggers that were not heard of, and lift what is not held back any more."""
        self._recovery.ease()
        if self._looked_ms is None:
            return
        loop, now_ms = self._loop, self._loop.inputs.now_ms()
        late_ms, self._looked_ms = now_ms - self._looked_ms - self._tick_ms, now_ms
        if late_ms > ASLEEP_MS and not loop.stream_lost:
            stream_epoch = loop.ledger.account.stream_epoch
            loop.on_stream_lost(stream_epoch, f"the session stood still for {late_ms // 1_000} s")
        unheard = self._unheard.look()
        if unheard:
            self._want(unheard)

    def _light(self) -> None:
        self._want("timer")
        self._loop.inputs.after(LIGHT_TICKS * self._tick_ms, self._light)

    def _full(self) -> None:
        self._full_due = True
        self._want("timer, with what has ended")
        self._loop.inputs.after(FULL_TICKS * self._tick_ms, self._full)

    def _want(self, cause: str) -> None:
        self._loop.reconcile_wanted = self._loop.reconcile_wanted or cause

    async def restore(self) -> None:
        """Compare because something asked for it; when the exchange cannot be read, ask again later."""
        loop = self._loop
        cause, loop.reconcile_wanted = loop.reconcile_wanted, ""
        try:
            await self.compare(cause)
        except (BrokerUnavailable, RateLimitError) as error:
            if loop.stream_lost:
                await self._ask_instead(cause)
            self._later(cause, error)

    async def _ask_instead(self, cause: str) -> RecoveryReport | None:
        """No stream opens: ask for what it would have told, as nothing may stay naked; None when that fails, too."""
        try:
            report = await self._recovery.recover(cause, new_stream=False)
        except (BrokerUnavailable, RateLimitError):
            return None
        # It is asked again soon, whatever this read left open.
        self._loop.reconcile_wanted = ""
        return report

    async def agree(self, cause: str) -> RecoveryReport:
        """Compare once more, waiting for an exchange that cannot be read yet; raises what reading raises in the end.

        A spent minute is waited for, as it is known when the next begins; an exchange that is away, for a moment only.
        """
        waited_ms = 0
        while True:
            try:
                return await self.compare(cause)
            except RateLimitError as error:
                wait_ms = int(error.retry_after * 1_000) + 1
                if waited_ms + wait_ms > RATE_PATIENCE_MS:
                    raise
            except BrokerUnavailable:
                # What ends needs no stream.
                report = await self._ask_instead(cause) if self._loop.stream_lost else None
                if report is not None:
                    return report
                wait_ms = self._longer()
                if waited_ms + wait_ms > AWAY_PATIENCE_MS:
                    raise
            waited_ms += wait_ms
            await work_for(self._loop, wait_ms)

    async def compare(self, cause: str) -> RecoveryReport:
        """Run the procedure once, with a new stream if the last one is lost; raises what reading raises."""
        loop = self._loop
        # It may be lost again while the procedure runs.
        lost, loop.stream_lost = loop.stream_lost, False
        self.is_comparing = True
        try:
            report = await self._recovery.recover(cause, new_stream=lost, full=self._full_due)
        except BrokerError:
            loop.stream_lost = loop.stream_lost or lost
            raise
        finally:
            self.is_comparing = False
        self._full_due = False
        self._wait_ms = FIRST_WAIT_MS
        return report

    def _longer(self) -> int:
        """How long to wait now, ms; the next time it is twice as long."""
        wait_ms, self._wait_ms = self._wait_ms, min(2 * self._wait_ms, LONGEST_WAIT_MS)
        return wait_ms

    def _later(self, cause: str, error: Exception) -> None:
        loop = self._loop
        self.failures += 1
        wait_ms = self._longer()
        if isinstance(error, RateLimitError):
            wait_ms = max(wait_ms, int(error.retry_after * 1_000))
        loop.desk.suspension = f"the exchange cannot be read: {error}"
        loop.inputs.after(wait_ms, lambda: self._want(cause))
