"""A market that comes as it happens: another exchange's public streams, told on with server time.

Nothing can be asked of such a market but what it says by itself, and a silent one looks like a quiet one. So each
symbol's book has an age, and so has its tape (trades and mark prices, which come by a connection of their own),
counted from when the other exchange stated them. Beyond :data:`AGE_MAX_MS`, and from a gap in the book to its next
snapshot, the symbol's market is not known: the server halts it, since a fill at a price of half a minute ago would be
an invention.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any, Final, Protocol, runtime_checkable

from src.domain.market.candle import Candle
from src.domain.market.instrument import Instrument
from src.infrastructure.market_data.frames import (
    BookGap,
    BookTicker,
    DepthSnapshot,
    DepthUpdate,
    MarketEvent,
    MarkPrice,
    News,
    TradePrint,
)
from src.infrastructure.simulated_exchange.server.bars import Bars
from src.infrastructure.simulated_exchange.server.clock import ServerClock
from src.infrastructure.simulated_exchange.server.feed import OnFrame, other_market, stamp
from src.infrastructure.simulated_exchange.server.past import as_they_were

AGE_MAX_MS: Final = 5_000
_NS_PER_MS: Final = 1_000_000
_NEVER_NS: Final = -(1 << 62)


@runtime_checkable
class LiveSource(Protocol):
    """What the server needs of a market that it does not pace. Whoever opened it closes it."""

    @property
    def name(self) -> str:
        """Where the market is: one name, one market."""
        ...

    @property
    def instruments(self) -> Mapping[str, Instrument]:
        """The instrument of every symbol."""
        ...

    def history(self, symbol: str, timeframe: str, count: int) -> list[Candle]:
        """The newest closed candles, each at its own time, oldest first."""
        ...

    async def news(self) -> list[News]:
        """What has come since the last time, in order; waits until there is something."""
        ...

    def age_ms(self, event_ms: int) -> int:
        """How long ago a moment of that exchange's clock was; 0 for one that lies ahead."""
        ...

    def state(self) -> dict[str, Any]:
        """What an operator wants to know of its connections, ready for JSON."""
        ...


@dataclass(slots=True)
class _Heard:
    """When, by the steady clock in ns, the newest of a symbol's book and tape was stated; and its ids.

    ``book_id`` is the newest one of the book as the source has it, ``gap_id`` what that was before the last gap;
    ``told_id`` and ``told_trade`` are the highest that were told on, each by a shift above the source's.
    """

    book_ns: int = _NEVER_NS
    tape_ns: int = _NEVER_NS
    is_whole: bool = False
    book_id: int = 0
    gap_id: int = 0
    told_id: int = 0
    told_trade: int = 0
    shift: int = 0
    trade_shift: int = 0

    def is_known(self, now_ns: int) -> bool:
        oldest_ns = min(self.book_ns, self.tape_ns)
        return self.is_whole and now_ns - oldest_ns <= AGE_MAX_MS * _NS_PER_MS


class LiveFeed:
    """Tells the news of a source as they come."""

    def __init__(
        self, source: LiveSource, clock: ServerClock, *, funding_interval_ms: int = 8 * 3_600_000
    ) -> None:
        self._source = source
        self._clock = clock
        self._funding_ms = funding_interval_ms
        self._heard = {symbol: _Heard() for symbol in source.instruments}
        self._lines = count(1)

    @property
    def instruments(self) -> Mapping[str, Instrument]:
        """The instrument of every symbol."""
        return self._source.instruments

    def past(self, symbol: str, now_ms: int) -> Bars:
        """The source's candles, each at its own time."""
        return as_they_were(self._source.history, symbol)

    def cursor(self) -> str:
        """Which market it is: there is no place in it to come back to."""
        return f"live {self._source.name}"

    def catch_up(self, cursor: str, on_frame: OnFrame) -> None:
        """What was missed is missed; raises ExchangeFailure when the exchange had another market before."""
        if cursor != self.cursor():
            raise other_market()

    async def run(self, on_frame: OnFrame, after_batch: Callable[[], None]) -> None:
        """Tell the news for ever."""
        while True:
            for event in await self._source.news():
                self._tell(event, on_frame)
            after_batch()

    def _tell(self, event: News, on_frame: OnFrame) -> None:
        heard = self._heard.get(event.symbol)
        if heard is None:
            return
        if isinstance(event, BookGap):
            heard.is_whole = False
            heard.gap_id = heard.book_id
            return
        self._note_age(heard, event)
        _raise_ids(heard, event)
        now_ms = self._clock.now_ms()
        stamp(event, now_ms, self._funding_ms)
        on_frame((now_ms * _NS_PER_MS, 0, next(self._lines), event))

    def _note_age(self, heard: _Heard, event: MarketEvent) -> None:
        stated_ns = self._clock.steady_ns() - self._source.age_ms(event.event_ms) * _NS_PER_MS
        if isinstance(event, MarkPrice | TradePrint):
            heard.tape_ns = max(heard.tape_ns, stated_ns)
        else:
            heard.book_ns = max(heard.book_ns, stated_ns)
            heard.is_whole = heard.is_whole or isinstance(event, DepthSnapshot)

    def unknown(self) -> frozenset[str]:
        """The symbols whose book has a gap, or whose book or tape is too old."""
        now_ns = self._clock.steady_ns()
        return frozenset(symbol for symbol, heard in self._heard.items() if not heard.is_known(now_ns))

    def state(self) -> dict[str, Any]:
        """The source's own words, and of each symbol how old (ms) what is known of it is; None before the first."""
        now_ns = self._clock.steady_ns()
        symbols = {
            symbol: {
                "is_known": heard.is_known(now_ns),
                "is_whole": heard.is_whole,
                "book_age_ms": _age_ms(now_ns, heard.book_ns),
                "tape_age_ms": _age_ms(now_ns, heard.tape_ns),
            }
            for symbol, heard in self._heard.items()
        }
        about = {"kind": "live", "source": self._source.name, "age_max_ms": AGE_MAX_MS}
        return about | self._source.state() | {"symbols": symbols}

    def close(self) -> None:
        """Nothing is held here."""


def _raise_ids(heard: _Heard, event: MarketEvent) -> None:
    """Let ids go on rising: an exchange that lost its place begins with low ones, and clients take those for old."""
    if isinstance(event, MarkPrice):
        return
    if isinstance(event, TradePrint):
        if event.trade_id + heard.trade_shift <= heard.told_trade:
            heard.trade_shift = heard.told_trade + 1 - event.trade_id
        event.trade_id += heard.trade_shift
        heard.told_trade = event.trade_id
    elif isinstance(event, BookTicker):
        heard.book_id = max(heard.book_id, event.update_id)
        event.update_id += heard.shift
        heard.told_id = max(heard.told_id, event.update_id)
    elif isinstance(event, DepthUpdate):
        heard.book_id = max(heard.book_id, event.final_update_id)
        event.first_update_id += heard.shift
        event.final_update_id += heard.shift
        event.previous_final_update_id += heard.shift
        heard.told_id = max(heard.told_id, event.final_update_id)
    else:
        # Whoever goes on has a book that is not older than what was told before the gap.
        if event.last_update_id < heard.gap_id:
            heard.shift = heard.told_id + 1 - event.last_update_id
            heard.book_id = heard.gap_id = 0
        heard.book_id = max(heard.book_id, event.last_update_id)
        event.last_update_id += heard.shift
        heard.told_id = max(heard.told_id, event.last_update_id)


def _age_ms(now_ns: int, stated_ns: int) -> int | None:
    return None if stated_ns == _NEVER_NS else (now_ns - stated_ns) // _NS_PER_MS
