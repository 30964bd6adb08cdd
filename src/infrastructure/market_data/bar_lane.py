"""One symbol's bars: its files one after the other, the bar that comes next, and the path through it."""

from collections.abc import Iterator, Sequence

from src.domain.market.instrument import Instrument
from src.infrastructure.market_data.bar_file import Bar, BarFile
from src.infrastructure.market_data.bar_path import BarPath
from src.infrastructure.market_data.source import SourceStatistics


class BarLane:
    """The bars of one symbol; ``number`` is that of the symbol among all."""

    def __init__(self, number: int, symbol: str, files: Sequence[BarFile], instrument: Instrument) -> None:
        self.symbol = symbol
        self.files = sorted(files, key=lambda file: file.sample[0].open_ms)
        self.instrument = instrument
        self.number = number
        self.step_ms = files[0].step_ms
        self.path = BarPath(instrument, self.step_ms, number)
        self.statistics = SourceStatistics()
        self._bars = self.read(self.statistics)
        self.next_bar = next(self._bars, None)

    def take(self) -> Bar:
        """The bar that came next; the one after it comes next now."""
        bar = self.next_bar
        assert bar is not None, "asked only when there is one"
        self.next_bar = next(self._bars, None)
        return bar

    def read(self, statistics: SourceStatistics) -> Iterator[Bar]:
        """All bars from the first; where files overlap, the earlier one counts."""
        last_ms = -1
        for file in self.files:
            for bar in file.bars(statistics):
                if bar.open_ms > last_ms:
                    last_ms = bar.open_ms
                    yield bar
