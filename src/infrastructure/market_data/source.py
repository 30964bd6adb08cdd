"""What every market without a network offers: frames in the order of their receive times, and a place to resume.

Recordings and the synthetic market both keep to this protocol, so the virtual-time driver needs to know neither.
The driver pulls one frame at a time, and says up to when; ``next_ns`` lets it see when the next one is due.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from src.domain.market.candle import Candle
from src.domain.market.instrument import Instrument
from src.infrastructure.market_data.frames import MarketFrame

OnFrame = Callable[[MarketFrame], None]


class SourceError(Exception):
    """A market that cannot be opened or resumed; the text says the cause and what to do about it."""


@dataclass(slots=True)
class SourceStatistics:
    """What was read so far (a little ahead of what was handed out): counts only.

    ``frames`` counts by kind of event, ``bad_lines`` by reason; ``time_went_back`` counts frames whose receive
    time was before their predecessor's and was lifted to it.
    """

    lines: int = 0
    frames: Counter[str] = field(default_factory=Counter)
    bad_lines: Counter[str] = field(default_factory=Counter)
    time_went_back: int = 0


class MarketSource(Protocol):
    """Frames of one or more symbols, oldest first, with receive times that never go back."""

    @property
    def description(self) -> str:
        """One line for people: where the frames come from and which instruments are meant."""
        ...

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols known so far; a recording may show more later."""
        ...

    @property
    def instruments(self) -> Mapping[str, Instrument]:
        """The instrument of every symbol."""
        ...

    @property
    def start_ns(self) -> int:
        """Receive time of the very first frame, ns since the epoch."""
        ...

    @property
    def next_ns(self) -> int | None:
        """Receive time of the frame that ``next_frame`` would return, or None at the end."""
        ...

    @property
    def statistics(self) -> SourceStatistics:
        """Counts of what was read."""
        ...

    def next_frame(self, by_ns: int | None = None) -> MarketFrame | None:
        """Take the next frame; None at the end, or when it comes later than ``by_ns`` (receive time)."""
        ...

    def cursor(self) -> str:
        """A JSON text that names the place after the last frame taken."""
        ...

    def catch_up(self, cursor: str, on_frame: OnFrame) -> int:
        """From a fresh source, go to a cursor; return how many frames were passed to ``on_frame`` on the way.

        A recording passes every frame again, so that books and history can be fed; a synthetic market passes what
        rebuilds its books. Raises :class:`SourceError` when the cursor belongs to another market.
        """
        ...

    def history(self, symbol: str, timeframe: str, count: int) -> list[Candle]:
        """Up to ``count`` candles that ended before the market's place, oldest first; empty when there are none.

        A recording knows none: its past is what ``catch_up`` passes on.
        """
        ...

    def close(self) -> None:
        """Let go of files. Safe to repeat."""
        ...
