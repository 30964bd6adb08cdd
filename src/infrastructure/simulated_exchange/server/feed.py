"""The market as it happens here and now: frames of a source, released at a pace and stamped with server time.

Clients compare times with their own clocks, so a frame happens when it is released; ``speed`` only says how many
seconds of the source pass in one second. A recording may begin again at its end: ids then go on rising.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Final, Protocol

from src.domain.market.candle import Candle
from src.domain.market.instrument import Instrument
from src.infrastructure.market_data.frames import (
    BookTicker,
    DepthSnapshot,
    DepthUpdate,
    MarketFrame,
    MarkPrice,
    TradePrint,
)
from src.infrastructure.simulated_exchange.errors import ExchangeFailure
from src.infrastructure.simulated_exchange.server.clock import ServerClock

BATCH_FRAMES: Final = 256
NAP_S: Final = 0.005
LONG_NAP_S: Final = 0.2

OnFrame = Callable[[MarketFrame], None]


class Source(Protocol):
    """What the server needs of a market; every source of market_data has it, and its docstrings say more."""

    @property
    def instruments(self) -> Mapping[str, Instrument]:
        """The instrument of every symbol."""
        ...

    @property
    def next_ns(self) -> int | None:
        """When the next frame is due, ns; None at the end."""
        ...

    def next_frame(self) -> MarketFrame | None:
        """Take the next frame."""
        ...

    def cursor(self) -> str:
        """The place after the last frame taken."""
        ...

    def catch_up(self, cursor: str, on_frame: OnFrame) -> int:
        """Go to a place; return how many frames were passed on."""
        ...

    def history(self, symbol: str, timeframe: str, count: int) -> list[Candle]:
        """Candles before the present place, oldest first."""
        ...

    def close(self) -> None:
        """Let go of files."""
        ...


class MarketFeed:
    """Releases the frames of a source. ``speed`` None is as fast as it goes; ``loops`` starts again at the end."""

    def __init__(
        self,
        open_source: Callable[[], Source],
        clock: ServerClock,
        *,
        speed: float | None = 1.0,
        loops: bool = False,
        funding_interval_ms: int = 8 * 3_600_000,
    ) -> None:
        self._open_source = open_source
        self._clock = clock
        self._speed = speed
        self._loops = loops
        self._funding_ms = funding_interval_ms
        self._round = 0
        self._update_shift = self._trade_shift = 0
        self._update_span = self._trade_span = (0, 0)
        self._wall_ns = self._source_ns = 0
        self.source = open_source()

    def cursor(self) -> str:
        """The place after the last frame released, as a JSON text."""
        place = json.dumps(self.source.cursor())
        return f'{{"round":{self._round},"updates":{self._update_shift},"trades":{self._trade_shift},"place":{place}}}'

    def catch_up(self, cursor: str, on_frame: OnFrame) -> None:
        """Go to a cursor; raises when it belongs to another market."""
        try:
            place = json.loads(cursor)
            self._round, self._update_shift = int(place["round"]), int(place["updates"])
            self._trade_shift, inner = int(place["trades"]), str(place["place"])
        except (ValueError, KeyError, TypeError):
            raise ExchangeFailure(
                "the place stored with the exchange is not of this server: use another data folder"
            ) from None

        def take(frame: MarketFrame) -> None:
            self._stamp(frame)
            on_frame(frame)

        self.source.catch_up(inner, take)

    def release(self, on_frame: OnFrame) -> float:
        """Release what is due, a batch at most; return for how many seconds nothing will be, negative at the end."""
        source = self.source
        if not self._wall_ns:
            self._wall_ns = self._clock.steady_ns()
            self._source_ns = source.next_ns or 0
        due_ns: int | None = None
        if self._speed is not None:
            due_ns = self._source_ns + int((self._clock.steady_ns() - self._wall_ns) * self._speed)
        for _ in range(BATCH_FRAMES):
            next_ns = source.next_ns
            if next_ns is None:
                return 0.0 if self._loops and self._begin_again() else -1.0
            if due_ns is not None and self._speed is not None and next_ns > due_ns:
                return min((next_ns - due_ns) / self._speed / 1e9, LONG_NAP_S)
            frame = source.next_frame()
            assert frame is not None, "a frame that was announced is there"
            self._stamp(frame)
            on_frame(frame)
        return 0.0

    async def run(self, on_frame: OnFrame, after_batch: Callable[[], None]) -> None:
        """Release frames until the market is over."""
        while (nap_s := self.release(on_frame)) >= 0.0:
            after_batch()
            await asyncio.sleep(max(nap_s, NAP_S) if nap_s else 0.0)
        after_batch()

    def close(self) -> None:
        """Let go of the source."""
        self.source.close()

    def _begin_again(self) -> bool:
        """Open the market anew, its ids shifted beyond those before; False for one that has no frame at all."""
        self.source.close()
        self.source = self._open_source()
        self._round += 1
        self._update_shift += self._update_span[1] - self._update_span[0] + 1
        self._trade_shift += self._trade_span[1] - self._trade_span[0] + 1
        self._wall_ns = 0
        return self.source.next_ns is not None

    def _stamp(self, frame: MarketFrame) -> None:
        """Give the event server time, and ids that rise over all rounds."""
        event = frame[3]
        now_ms = self._clock.now_ms()
        event.event_ms = now_ms
        if isinstance(event, MarkPrice):
            event.next_funding_ms = (now_ms // self._funding_ms + 1) * self._funding_ms
            return
        event.transaction_ms = now_ms
        if self._loops:
            self._shift(event)

    def _shift(self, event: BookTicker | TradePrint | DepthUpdate | DepthSnapshot) -> None:
        if isinstance(event, TradePrint):
            self._trade_span = _widened(self._trade_span, event.trade_id)
            event.trade_id += self._trade_shift
            return
        shift = self._update_shift
        if isinstance(event, BookTicker):
            newest = event.update_id
            event.update_id += shift
        elif isinstance(event, DepthUpdate):
            newest = event.final_update_id
            event.first_update_id += shift
            event.final_update_id += shift
            event.previous_final_update_id += shift
        else:
            newest = event.last_update_id
            event.last_update_id += shift
        self._update_span = _widened(self._update_span, newest)


def _widened(span: tuple[int, int], value: int) -> tuple[int, int]:
    low, high = span
    return (min(low, value) if high else value, max(high, value))
