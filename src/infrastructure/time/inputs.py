"""The inbox of a paper session: market frames and the virtual timeline, worked off in one order.

The exchange sees a frame before the session does, and the next frame is pulled only after whatever the last one
led to has been committed and sent. At a finite speed inputs are released when the wall's clock has come far
enough; that decides only *when* they are handed over, never which, in what order, or at what session time.
"""

import asyncio
from collections.abc import Callable
from time import monotonic_ns
from typing import Any

from src.application.ports.inputs import InputHandler
from src.application.ports.market_data import TickerFrame
from src.infrastructure.brokers.paper_broker import PaperBroker
from src.infrastructure.market_data.decoding import rehearse_decoding
from src.infrastructure.market_data.frames import (
    BarPoint,
    BookTicker,
    DepthSnapshot,
    DepthUpdate,
    MarketFrame,
    MarkPrice,
    TradePrint,
)
from src.infrastructure.market_data.source import MarketSource
from src.infrastructure.time.timeline import NS_PER_MS, RANK_COMMAND, RANK_TIMER, Timeline

NAP_S = 0.02
"""The longest sleep of a paced inbox: commands are taken up within it."""


def _routes(handler: InputHandler) -> dict[type, Callable[[Any, int], None]]:
    """Which call of the session takes which kind of frame."""
    return {
        BookTicker: handler.on_ticker,
        TradePrint: handler.on_trade,
        BarPoint: handler.on_point,
        DepthUpdate: handler.on_depth,
        DepthSnapshot: handler.on_snapshot,
        MarkPrice: handler.on_mark_price,
    }


class PaperInputs:
    """Implements the Inputs port. ``speed`` is virtual seconds per second of the wall; None is as fast as it goes.

    ``learn`` takes frames of the past into the session's books.
    """

    def __init__(
        self,
        source: MarketSource,
        timeline: Timeline,
        broker: PaperBroker,
        speed: float | None = None,
        learn: Callable[[MarketFrame], None] = lambda frame: None,
    ) -> None:
        self._learn = learn
        self._source = source
        self._timeline = timeline
        self._broker = broker
        self._speed = speed
        self._wall_start_ns = 0
        self._virtual_start_ns = timeline.now_ns
        self._commands: list[Callable[[], None]] = []
        self._awake = asyncio.Event()

    def now_ms(self) -> int:
        """Session time: that of the timeline."""
        return self._timeline.now_ns // NS_PER_MS

    def begin_at(self, last_ms: int) -> None:
        """Go on to where the session had come: the exchange only knows when something last happened there."""
        by_ns = (last_ms + 1) * NS_PER_MS - 1
        while (frame := self._source.next_frame(by_ns)) is not None:
            self._timeline.advance_to(frame[0])
            self._broker.on_market(frame)
            self._learn(frame)

    def post(self, action: Callable[[], None]) -> None:
        """A command, due at once; it wakes a sleeping inbox."""
        self._commands.append(action)
        self._awake.set()

    def after(self, delay_ms: int, action: Callable[[], None]) -> None:
        """A timer in session time."""
        self._timeline.schedule(self._timeline.now_ns + delay_ms * NS_PER_MS, RANK_TIMER, action)

    def pump(self, handler: InputHandler, limit: int) -> int:
        """Hand over inputs in the order of virtual time, until one leads to something that must be durable.

        What the exchange does between two pieces of news for the session shares a commit, and all of it is durable
        when this returns. An error leaves what was not committed to the next start, as a kill does.
        """
        self._take_commands()
        released_ns = self._released_ns()
        count = 0
        timeline = self._timeline
        next_frame, show = self._source.next_frame, self._broker.on_market
        routes = _routes(handler)
        self._broker.hold()
        while count < limit and not handler.pending:
            entry_ns = timeline.next_ns
            is_released = released_ns is None or (entry_ns is not None and entry_ns <= released_ns)
            frame = next_frame(entry_ns if is_released else released_ns)
            if frame is not None:
                at_ns, _, _, event = frame
                if at_ns > timeline.now_ns:
                    timeline.now_ns = at_ns
                show(frame)
                routes[type(event)](event, timeline.now_ns // NS_PER_MS)
            elif entry_ns is not None and is_released and self._goes_on:
                timeline.run_next()
                self._broker.on_time(timeline.now_ns // NS_PER_MS)
            else:
                break
            count += 1
        self._broker.release()
        return count

    @property
    def _goes_on(self) -> bool:
        """Whether anything but timers will come: they alone do not keep a market going that has ended."""
        return self._timeline.on_their_way > 0 or self._source.next_ns is not None

    def _take_commands(self) -> None:
        if self._commands:
            commands, self._commands = self._commands, []
            for action in commands:
                self._timeline.schedule(self._timeline.now_ns, RANK_COMMAND, action)

    def _released_ns(self) -> int | None:
        """Up to which virtual moment inputs may be handed over now; None when there is no pace."""
        if self._speed is None:
            return None
        now_ns = monotonic_ns()
        if not self._wall_start_ns:
            self._wall_start_ns = now_ns
            first = self._source.next_ns
            self._virtual_start_ns = max(self._timeline.now_ns, first or 0)
        return self._virtual_start_ns + int((now_ns - self._wall_start_ns) * self._speed)

    async def wait(self) -> bool:
        """Sleep until the next input is due or a command comes; False when the market is over."""
        self._awake.clear()
        if self._commands:
            return True
        if not self._goes_on:
            return False
        frame_ns, entry_ns = self._source.next_ns, self._timeline.next_ns
        due_ns = min(ns for ns in (frame_ns, entry_ns) if ns is not None)
        released_ns = self._released_ns()
        if released_ns is not None and due_ns > released_ns and self._speed:
            nap_s = min((due_ns - released_ns) / 1e9 / self._speed, NAP_S)
            try:
                await asyncio.wait_for(self._awake.wait(), nap_s)
            except TimeoutError:
                return True
        return True

    async def poll(self) -> bool:
        """Let other tasks run, without sleeping; False when the market is over."""
        await self.breathe()
        return bool(self._commands) or self._goes_on

    def rehearse(self) -> TickerFrame:
        """Decode a quote that was made up, as those that come are decoded, and hand it to nobody but the caller."""
        return rehearse_decoding()

    async def breathe(self) -> None:
        """Let other tasks run."""
        await asyncio.sleep(0)
