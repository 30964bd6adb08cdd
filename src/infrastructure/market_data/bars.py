"""Bars as a market: files of OHLCV rows turned into frames, a bar at a time, all symbols in one order of time.

Nothing of a bar is shown before its time: its open comes at its opening, its corners on the way (see
:mod:`bar_path`), and whatever a frame depends on is of this bar's path or of bars before it. Files are read as they
are needed, so years of bars take no memory. A cursor is the count of moments at which bars opened and the frames
taken since the last; a restart reads the rows again but makes the frames of the running day only.
"""

import json
from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final

from src.domain.market.candle import Candle, CandleBuilder, timeframe_ms
from src.domain.market.instrument import Instrument
from src.infrastructure.market_data.bar_file import BarFile
from src.infrastructure.market_data.bar_lane import BarLane
from src.infrastructure.market_data.bar_lanes import DAY_MS, BarLanes, by_symbol
from src.infrastructure.market_data.bar_path import HALF_SPREAD, BarPath
from src.infrastructure.market_data.frames import BarPoint, MarketFrame
from src.infrastructure.market_data.instruments import derived_instrument, shipped_instrument
from src.infrastructure.market_data.source import OnFrame, SourceError, SourceStatistics

BLOCK_MOMENTS: Final = 64
"""At how many moments the bars open whose frames are made in one go: alone, each would be made with cold caches."""

_NS_PER_MS: Final = 1_000_000
_UNITS: Final = (("d", DAY_MS), ("h", 3_600_000), ("m", 60_000), ("s", 1_000))


class BarMarket:
    """A :class:`MarketSource` over files of bars, which all have one length.

    A file's name tells its symbol, else ``symbols`` do: one for all such files, or as many as there are, in order.
    Raises :class:`SourceError` when a file cannot be read, a symbol is not known or lengths differ.
    """

    def __init__(self, paths: Sequence[Path], symbols: Sequence[str] = ()) -> None:
        files = [BarFile(path) for path in paths]
        if not files:
            raise SourceError("No file of bars was named. Give one or more.")
        steps = {file.step_ms for file in files}
        if len(steps) > 1:
            raise SourceError(f"The files hold bars of {sorted(steps)} ms. Name files of one length.")
        self.step_ms = steps.pop()
        self.timeframe = _timeframe_of(self.step_ms)
        self._digests = [file.digest for file in files]
        self._instruments: dict[str, Instrument] = {}
        self._derived: list[str] = []
        self._lanes = BarLanes(
            [
                BarLane(number, symbol, own, self._instrument_of(symbol, own))
                for number, (symbol, own) in enumerate(by_symbol(files, symbols).items())
            ]
        )
        self._moments = 0  # Of all blocks before the one that is ready.
        self._ends: list[int] = []  # How many frames of it have been, at the end of each of its moments.
        self._shown_from_ms = self._lanes.start_ms
        self._frames = 0
        self._ready: list[MarketFrame] = []  # Reversed: the next frame is the last one.
        self._cursor_end = f'"timeframe":"{self.timeframe}","files":{json.dumps(self._digests)}}}'

    @property
    def description(self) -> str:
        """One line for people."""
        names = ", ".join(self._lanes.file_names)
        table = (
            f"; instruments of {', '.join(self._derived)} derived from the decimals seen"
            if self._derived
            else ""
        )
        return (
            f"bars of {self.timeframe} from {names}: {', '.join(self._instruments)}; filled on the path open, low, "
            f"high, close of a rising bar and open, high, low, close of a falling one, half a spread of "
            f"{HALF_SPREAD:%} off it{table}"
        )

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols of the files."""
        return tuple(self._instruments)

    @property
    def instruments(self) -> MappingProxyType[str, Instrument]:
        """The instrument of every symbol."""
        return MappingProxyType(self._instruments)

    @property
    def start_ns(self) -> int:
        """When the first bar opens, ns since the epoch."""
        return self._lanes.start_ms * _NS_PER_MS

    @property
    def next_ns(self) -> int | None:
        """Time of the frame that comes next, or None at the end."""
        if not self._ready and not self._make_block():
            return None
        return self._ready[-1][0]

    @property
    def statistics(self) -> SourceStatistics:
        """Counts of what was read, some bars ahead of what was handed out."""
        return SourceStatistics(
            lines=self._lanes.lines,
            frames=Counter({"BarPoint": self._frames}),
            bad_lines=self._lanes.bad_lines,
        )

    def next_frame(self, by_ns: int | None = None) -> MarketFrame | None:
        """Take the next frame; None at the end, or when it comes later than ``by_ns``."""
        if not self._ready and not self._make_block():
            return None
        if by_ns is not None and self._ready[-1][0] > by_ns:
            return None
        return self._ready.pop()

    def cursor(self) -> str:
        """How many moments began, how many points of the last were taken, and which files they are of."""
        moments, taken = self._place()
        return f'{{"moments":{moments},"points":{taken},{self._cursor_end}'

    def catch_up(self, cursor: str, on_frame: OnFrame) -> int:
        """Go to the cursor, passing on the frames of the running day (UTC); return how many there were."""
        try:
            place = json.loads(cursor)
            moments, taken, digests = int(place["moments"]), int(place["points"]), list(place["files"])
        except (ValueError, KeyError, TypeError):
            raise SourceError(
                "The stored place is not one of a market of bars. Start a new session for this market."
            ) from None
        if digests != self._digests:
            raise SourceError(
                "The bars differ from those of the session that is to be continued (other files, another order or"
                " changed content). Name the same files in the same order, or start a new session."
            )
        self._shown_from_ms = self._lanes.first_of_day(moments)
        passed = 0
        while self._begun < moments - 1 and (at_ms := self._lanes.next_moment_ms()) is not None:
            if at_ms < self._shown_from_ms:
                self._lanes.skip(at_ms)
                self._moments += 1
            else:
                passed += self._pass_on(None, on_frame)
        if moments:
            passed += self._pass_on(taken, on_frame)
        if self._begun != moments or (moments and self._ends[-1] < taken):
            raise SourceError(
                "The bars end before the stored place. Name the same files, or start a new session."
            )
        return passed

    def history(self, symbol: str, timeframe: str, count: int) -> list[Candle]:
        """Up to ``count`` candles that ended before the frames that were passed on began; none of a fresh market."""
        lane = self._lanes.of(symbol)
        if lane is None or not count or timeframe_ms(timeframe) % self.step_ms:
            return []
        builder = CandleBuilder(symbol, timeframe)
        closed: deque[Candle] = deque(maxlen=count)
        path = BarPath(lane.instrument, self.step_ms, lane.number)
        for bar in lane.read(SourceStatistics()):
            if bar.open_ms >= self._shown_from_ms:
                break
            for at_ns, _, _, event in path.frames(bar):
                if type(event) is BarPoint:
                    closed += builder.add_trade(event.price, event.quantity, at_ns // _NS_PER_MS)
        closed += builder.advance(self._shown_from_ms)
        return list(closed)

    def close(self) -> None:
        """Files are closed as they are read to their end; nothing else is held."""

    # --- blocks: all bars that open at some moments ----------------------------------------------------------

    @property
    def _begun(self) -> int:
        """How many moments have frames that were made, or were skipped."""
        return self._moments + len(self._ends)

    def _place(self) -> tuple[int, int]:
        """How many moments have begun for whoever takes the frames, and how many frames of the last were taken."""
        if not self._ends:
            return self._moments, 0
        taken = self._ends[-1] - len(self._ready)
        place = bisect_left(self._ends, taken)
        return self._moments + place + 1, taken - (self._ends[place - 1] if place else 0)

    def _make_block(self, moments: int = BLOCK_MOMENTS) -> bool:
        """Make the frames of the bars that open at the next moments; return whether there were any."""
        frames: list[MarketFrame] = []
        ends: list[int] = []
        while len(ends) < moments and (at_ms := self._lanes.next_moment_ms()) is not None:
            frames += self._lanes.take(at_ms)
            ends.append(len(frames))
        if not frames:
            return False
        frames.reverse()
        self._moments, self._ends, self._ready = self._begun, ends, frames
        self._frames += len(frames)
        return True

    def _pass_on(self, count: int | None, on_frame: OnFrame) -> int:
        """Hand the frames of the next moment to somebody, all or so many; the rest is ready."""
        self._make_block(1)
        wanted = len(self._ready) if count is None else min(count, len(self._ready))
        for _ in range(wanted):
            on_frame(self._ready.pop())
        return wanted

    def _instrument_of(self, symbol: str, files: Sequence[BarFile]) -> Instrument:
        instrument = shipped_instrument(symbol)
        if instrument is None:
            bars = [bar for file in files for bar in file.sample]
            prices = {f"{price:f}" for bar in bars for price in (bar.open, bar.high, bar.low, bar.close)}
            instrument = derived_instrument(symbol, prices, {f"{bar.volume:f}" for bar in bars})
            self._derived.append(symbol)
        self._instruments[symbol] = instrument
        return instrument


def _timeframe_of(step_ms: int) -> str:
    """The spelling of bars' length, like 1m; raises SourceError for one that does not divide a day."""
    if not step_ms or step_ms % 1_000 or DAY_MS % step_ms:
        raise SourceError(f"Bars of {step_ms} ms do not divide a day. Name bars of 1s to 1d.")
    unit, length_ms = next(each for each in _UNITS if step_ms % each[1] == 0)
    return f"{step_ms // length_ms}{unit}"
