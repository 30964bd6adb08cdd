"""The market as it happens here and now: what every feed is, and the one of frames released at a pace.

Clients compare times with their own clocks, so a frame happens when it is released; ``speed`` only says how many
seconds of the source pass in one second. A recording may begin again at its end: ids then go on rising.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from src.domain.market.candle import Candle
from src.domain.market.instrument import Instrument
from src.infrastructure.market_data.frames import (
    BarPoint,
    BookTicker,
    DepthSnapshot,
    DepthUpdate,
    MarketEvent,
    MarketFrame,
    MarkPrice,
    TradePrint,
)
from src.infrastructure.simulated_exchange.errors import ExchangeFailure
from src.infrastructure.simulated_exchange.server.bars import Bars
from src.infrastructure.simulated_exchange.server.clock import ServerClock
from src.infrastructure.simulated_exchange.server.past import placed_before

BATCH_FRAMES: Final = 256
NAP_S: Final = 0.005
LONG_NAP_S: Final = 0.2

OnFrame = Callable[[MarketFrame], None]


class Feed(Protocol):
    """A market as the server has it: instruments, the past, and frames stamped with server time."""

    @property
    def instruments(self) -> Mapping[str, Instrument]:
        """The instrument of every symbol."""
        ...

    def past(self, symbol: str, now_ms: int) -> Bars:
        """A symbol's candles before the present."""
        ...

    def cursor(self) -> str:
        """The place after the last frame told, to be stored with the exchange's commits."""
        ...

    def catch_up(self, cursor: str, on_frame: OnFrame) -> None:
        """Go to a cursor; raises ExchangeFailure when it belongs to another market."""
        ...

    async def run(self, on_frame: OnFrame, after_batch: Callable[[], None]) -> None:
        """Tell the market until it is over; ``after_batch`` follows frames that came together."""
        ...

    def unknown(self) -> frozenset[str]:
        """The symbols of whose market there is no news that could be traded on."""
        ...

    def state(self) -> dict[str, Any]:
        """What an operator wants to know of it, ready for JSON."""
        ...

    def close(self) -> None:
        """Let go of what it holds."""
        ...


def other_market() -> ExchangeFailure:
    """The stored place is not one of this market: prices would jump under the accounts' feet."""
    return ExchangeFailure(
        "the place stored with the exchange is not of this server: use another data folder"
    )


def stamp(event: MarketEvent | BarPoint, now_ms: int, funding_ms: int) -> None:
    """Let an event happen now, and the next funding at the next multiple of its interval."""
    event.event_ms = now_ms
    if isinstance(event, MarkPrice):
        event.next_funding_ms = (now_ms // funding_ms + 1) * funding_ms
    elif not isinstance(event, BarPoint):
        event.transaction_ms = now_ms


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

    @property
    def instruments(self) -> Mapping[str, Instrument]:
        """The instrument of every symbol."""
        return self.source.instruments

    def past(self, symbol: str, now_ms: int) -> Bars:
        """What the source knows of the time before its place, put right before the present."""
        return placed_before(self.source.history, symbol, now_ms)

    def unknown(self) -> frozenset[str]:
        """None: what the source says is all there is to know."""
        return frozenset()

    def state(self) -> dict[str, Any]:
        """Which round of the source it is in."""
        return {"kind": "paced", "round": self._round}

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
            raise other_market() from None

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
        stamp(event, self._clock.now_ms(), self._funding_ms)
        if self._loops and not isinstance(event, MarkPrice):
            self._shift(event)

    def _shift(self, event: BookTicker | TradePrint | BarPoint | DepthUpdate | DepthSnapshot) -> None:
        if isinstance(event, TradePrint):
            self._trade_span = _widened(self._trade_span, event.trade_id)
            event.trade_id += self._trade_shift
            return
        shift = self._update_shift
        if isinstance(event, BookTicker | BarPoint):
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
