"""A market that needs no data: seeded prices, books and trades for any symbols, the same for the same seed.

Time goes on in seconds. At the start of each, the market's state is a few numbers per symbol; everything within
the second follows from them and from draws keyed by (seed, symbol, second). So a cursor is that state and how many
frames of the second were taken, and a restart makes the very next frame without making those before again.
"""

import json
from collections import Counter
from collections.abc import Sequence
from operator import itemgetter
from types import MappingProxyType
from typing import Any, Final

from src.domain.market.candle import Candle
from src.domain.market.instrument import Instrument
from src.domain.market.symbols import canonical_symbol
from src.infrastructure.market_data.frames import MarketEvent, MarketFrame
from src.infrastructure.market_data.source import OnFrame, SourceError, SourceStatistics
from src.infrastructure.market_data.synthetic_block import LIVELY, BlockMaker, Pace, Second
from src.infrastructure.market_data.synthetic_book import IDS_PER_SECOND, SyntheticBook
from src.infrastructure.market_data.synthetic_history import SyntheticHistory
from src.infrastructure.market_data.synthetic_path import SyntheticPaths
from src.infrastructure.market_data.synthetic_symbols import SymbolProfile, profile_of

START_MS: Final = 1_767_571_200_000
"""2026-01-05T00:00:00Z, a Monday."""

_NS_PER_MS: Final = 1_000_000
_LATENCY_NS: Final = 3_000_000
_MS_PER_SECOND: Final = 1_000

_event_of: Final = itemgetter(3)


class SyntheticMarket:
    """A :class:`MarketSource` without end, or of so many ``seconds``.

    A frame's line number counts within its symbol with room for every second, so it is the same after a restart.
    Raises :class:`SourceError` without symbols, :class:`InvariantViolated` for a text that is no symbol.
    """

    def __init__(
        self,
        symbols: Sequence[str],
        seed: int,
        pace: Pace = LIVELY,
        seconds: int | None = None,
    ) -> None:
        names = list(dict.fromkeys(canonical_symbol(symbol) for symbol in symbols))
        if not names:
            raise SourceError("No symbol was named. Give one or more, like BTCUSDT.")
        self._profiles: dict[str, SymbolProfile] = {name: profile_of(name) for name in names}
        self._instruments = {name: profile.instrument for name, profile in self._profiles.items()}
        self._seed = seed
        self._pace = pace
        self._seconds = seconds
        self._books = [SyntheticBook(profile, pace.levels, seed) for profile in self._profiles.values()]
        self._makers = [
            BlockMaker(book, pace, profile.volatility)
            for book, profile in zip(self._books, self._profiles.values(), strict=True)
        ]
        self._paths = SyntheticPaths(self._profiles.values(), seed)
        self._kinds: Counter[type] = Counter()
        self._lines = 0
        self._block_state: dict[str, Any] = {}
        self._block_text = ""
        self._block_frames = 0
        self._ready: list[MarketFrame] = []  # Reversed: the next frame is the last one.
        self._remember_state()

    @property
    def description(self) -> str:
        """One line for people."""
        return f"synthetic market, seed {self._seed}: {', '.join(self._profiles)}; prices are made up"

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols asked for, in the exchange's spelling."""
        return tuple(self._profiles)

    @property
    def instruments(self) -> MappingProxyType[str, Instrument]:
        """The instrument of every symbol."""
        return MappingProxyType(self._instruments)

    @property
    def start_ns(self) -> int:
        """Receive time of the very first frame, ns since the epoch."""
        return START_MS * _NS_PER_MS + _LATENCY_NS

    @property
    def next_ns(self) -> int | None:
        """Receive time of the frame that comes next, or None at the end."""
        if not self._ready and not self._make_second():
            return None
        return self._ready[-1][0]

    @property
    def statistics(self) -> SourceStatistics:
        """Counts of what was made, up to a second ahead of what was handed out."""
        frames = Counter({kind.__name__: count for kind, count in self._kinds.items()})
        return SourceStatistics(lines=self._lines, frames=frames)

    def next_frame(self, by_ns: int | None = None) -> MarketFrame | None:
        """Take the next frame; None at the end, or when it comes later than ``by_ns``."""
        if not self._ready and not self._make_second():
            return None
        if by_ns is not None and self._ready[-1][0] > by_ns:
            return None
        return self._ready.pop()

    def cursor(self) -> str:
        """The state at the start of the running second, and how many of its frames were taken."""
        if (
            not self._block_text
        ):  # Asked at every commit of the exchange, so the state is spelled once a second.
            self._block_text = json.dumps(self._block_state, separators=(",", ":"))[1:]
        return f'{{"taken":{self._block_frames - len(self._ready)},{self._block_text}'

    def catch_up(self, cursor: str, on_frame: OnFrame) -> int:
        """Go to the cursor; the books at the start of its second and the frames taken since are passed on."""
        try:
            place = json.loads(cursor)
            taken = int(place.pop("taken"))
            self._paths.restore(place["second"], place["paths"])
        except (ValueError, KeyError, TypeError, AttributeError):
            raise SourceError(
                "The stored place is not one of a synthetic market. Start a new session."
            ) from None
        here = {**self._block_state, "second": place["second"], "paths": place["paths"]}
        if place != here:
            raise SourceError(
                f"The synthetic market differs from that of the session that is to be continued: it was"
                f" {place.get('market')}, now it is {here['market']}. Ask for the same, or start a new session."
            )
        self._ready = []
        self._remember_state()
        passed = self._show_books(on_frame) if self._paths.second else 0
        for _ in range(taken):
            frame = self.next_frame()
            if frame is None:
                raise SourceError("The synthetic market ends before the stored place. Ask for more seconds.")
            on_frame(frame)
        return passed + taken

    def history(self, symbol: str, timeframe: str, count: int) -> list[Candle]:
        """Up to ``count`` candles that ended before the running second, oldest first."""
        profile = self._profiles.get(symbol)
        if profile is None:
            return []
        history = SyntheticHistory(profile, self._seed, START_MS)
        return history.candles(timeframe, count, self._block_state["second"])

    def close(self) -> None:
        """There is nothing to let go of."""

    def _remember_state(self) -> None:
        self._block_state = {
            "market": f"{','.join(self._profiles)} seed {self._seed} from {START_MS} pace {self._pace.quotes}",
            "second": self._paths.second,
            "paths": self._paths.numbers(),
        }
        self._block_text = ""
        self._block_frames = 0

    def _show_books(self, on_frame: OnFrame) -> int:
        """What a book must know that was not there for the seconds before: the frames count as taken before."""
        second = self._paths.second
        at_ms = START_MS + second * _MS_PER_SECOND
        for index, book in enumerate(self._books):
            snapshot = book.snapshot(second, self._paths.states[index], at_ms)
            on_frame((at_ms * _NS_PER_MS + _LATENCY_NS, index, second * IDS_PER_SECOND, snapshot))
        return len(self._books)

    def _make_second(self) -> bool:
        """Make the next second of all symbols; return False when the market is over."""
        number = self._paths.second
        if self._seconds is not None and number >= self._seconds:
            return False
        self._remember_state()
        start_ms = START_MS + number * _MS_PER_SECOND
        frames: list[MarketFrame] = []
        for index, (before, after, draws) in enumerate(self._paths.advance()):
            second = Second(number, start_ms, before, after, draws)
            events: list[MarketEvent] = self._makers[index].events(second)
            if not number:
                events.insert(0, self._books[index].snapshot(0, before, start_ms))
            line = number * IDS_PER_SECOND
            for event in events:
                line += 1
                frames.append((event.event_ms * _NS_PER_MS + _LATENCY_NS, index, line, event))
        # Tuples compare by receive time, symbol and line; no two frames share all three.
        frames.sort(reverse=True)
        self._kinds.update(map(type, map(_event_of, frames)))
        self._lines += len(frames)
        self._block_frames = len(frames)
        self._ready = frames
        return True
