"""The bars of all symbols in one order of time: at each moment, the bars that open then."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from operator import itemgetter
from typing import Final

from src.infrastructure.market_data.bar_file import Bar, BarFile, symbol_of
from src.infrastructure.market_data.bar_lane import BarLane
from src.infrastructure.market_data.frames import MarketFrame
from src.infrastructure.market_data.source import SourceError, SourceStatistics

DAY_MS: Final = 86_400_000

_when_and_where: Final = itemgetter(0, 1)


class BarLanes:
    """The lanes of all symbols, side by side; ``start_ms`` is when the first bar opens, ms since the epoch.

    Raises :class:`SourceError` when no lane has a bar.
    """

    def __init__(self, lanes: Sequence[BarLane]) -> None:
        self._lanes = lanes
        begins = [lane.next_bar.open_ms for lane in lanes if lane.next_bar is not None]
        if not begins:
            raise SourceError(
                f"No bar begins at a multiple of {lanes[0].step_ms} ms. Name bars that do, in UTC."
            )
        self.start_ms = min(begins)
        # Nearly always there is one symbol, and nothing to choose between.
        self._only = lanes[0] if len(lanes) == 1 else None

    def of(self, symbol: str) -> BarLane | None:
        """The lane of a symbol, or None where there is none."""
        return next((lane for lane in self._lanes if lane.symbol == symbol), None)

    @property
    def file_names(self) -> list[str]:
        """The files of all lanes, each once."""
        return list(dict.fromkeys(file.path.name for lane in self._lanes for file in lane.files))

    @property
    def lines(self) -> int:
        """How many lines were read."""
        return sum(lane.statistics.lines for lane in self._lanes)

    @property
    def bad_lines(self) -> Counter[str]:
        """How many lines were left out, by cause."""
        bad: Counter[str] = Counter()
        for lane in self._lanes:
            bad += lane.statistics.bad_lines
        return bad

    def next_moment_ms(self) -> int | None:
        """When the next bars open, ms since the epoch; None after the last."""
        if self._only is not None:
            bar = self._only.next_bar
            return None if bar is None else bar.open_ms
        heads = [lane.next_bar.open_ms for lane in self._lanes if lane.next_bar is not None]
        return min(heads, default=None)

    def take(self, at_ms: int) -> list[MarketFrame]:
        """The frames of the bars that open at the next moment, by time."""
        if self._only is not None:
            return self._only.path.frames(self._only.take())
        parts = [
            lane.path.frames(lane.take())
            for lane in self._lanes
            if lane.next_bar is not None and lane.next_bar.open_ms == at_ms
        ]
        # Stable: the frames of one symbol keep their order.
        return parts[0] if len(parts) == 1 else sorted(chain.from_iterable(parts), key=_when_and_where)

    def skip(self, at_ms: int) -> None:
        """Go past the bars that open at the next moment."""
        for lane in self._lanes:
            if lane.next_bar is not None and lane.next_bar.open_ms == at_ms:
                lane.path.skip(lane.take())

    def first_of_day(self, moments: int) -> int:
        """The first moment of the UTC day in which the last of so many moments lies."""
        first_ms = last_ms = self.start_ms
        times = _moments_of([lane.read(SourceStatistics()) for lane in self._lanes])
        for at_ms in islice(times, moments):
            if at_ms // DAY_MS != last_ms // DAY_MS:
                first_ms = at_ms
            last_ms = at_ms
        return first_ms


def _moments_of(bars: Sequence[Iterator[Bar]]) -> Iterator[int]:
    """The moments at which bars open, each once, in order."""
    heads = [next(lane, None) for lane in bars]
    while (at_ms := min((head.open_ms for head in heads if head is not None), default=None)) is not None:
        yield at_ms
        for place, head in enumerate(heads):
            if head is not None and head.open_ms == at_ms:
                heads[place] = next(bars[place], None)


def by_symbol(files: Sequence[BarFile], symbols: Sequence[str]) -> dict[str, list[BarFile]]:
    """Which files are whose, in the order in which they were named; raises SourceError where a symbol is not known."""
    told = [symbol_of(file.path) for file in files]
    nameless = [place for place, symbol in enumerate(told) if symbol is None]
    if nameless and len(symbols) not in (1, len(nameless)):
        names = ", ".join(files[place].path.name for place in nameless)
        raise SourceError(
            f"The names of {names} tell no symbol. Name files like BTCUSDT-1m.csv, or say --symbols for each."
        )
    for number, place in enumerate(nameless):
        told[place] = symbols[0] if len(symbols) == 1 else symbols[number]
    found: dict[str, list[BarFile]] = {}
    for symbol, file in zip(told, files, strict=True):
        found.setdefault(str(symbol), []).append(file)
    return found
