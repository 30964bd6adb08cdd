"""The session's inbox: everything that can change it, in one order.

``pump`` hands over inputs one by one by calling the session, and stops as soon as the session has decided something
that must be durable before the next input: no decision is taken while a commit is in flight.
"""

from collections.abc import Callable
from typing import Protocol

from src.application.ports.broker import BrokerSink
from src.application.ports.market_data import MarketSink, TickerFrame


class InputHandler(MarketSink, BrokerSink, Protocol):
    """The session, as the inbox calls it."""

    pending: bool
    """Whether something was decided that has to be committed before the next input."""


class Inputs(Protocol):
    """One ordered inbox of market frames, exchange events, answers, commands and timers."""

    def now_ms(self) -> int:
        """Session time, ms since the epoch, UTC."""
        ...

    def begin_at(self, last_ms: int) -> None:
        """Before the first input: let the market of the past go by that a session has seen up to ``last_ms``.

        The exchange and the books see it, the session does not. A market that goes by itself has nothing to do.
        """
        ...

    def pump(self, handler: InputHandler, limit: int) -> int:
        """Hand over at most ``limit`` inputs, fewer when ``handler.pending`` is set; return how many."""
        ...

    async def wait(self) -> bool:
        """Wait until there may be something to pump; False when there will never be anything again."""
        ...

    async def poll(self) -> bool:
        """Let other tasks bring what has come, without sleeping; False when there will never be anything again."""
        ...

    def rehearse(self) -> TickerFrame:
        """Decode a quote that was made up, as those that come are decoded, and hand it to nobody but the caller."""
        ...

    async def breathe(self) -> None:
        """Let other tasks of the process run, without waiting for anything."""
        ...

    def post(self, action: Callable[[], None]) -> None:
        """Put a command into the inbox; ``action`` is called in its turn, like any other input."""
        ...

    def after(self, delay_ms: int, action: Callable[[], None]) -> None:
        """Put a timer into the inbox, due in session time."""
        ...
