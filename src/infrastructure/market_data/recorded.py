"""Recorded markets: one or more files merged into one sequence of frames by receive time.

Files are read block by block and decoded just ahead of use. A cursor is the count of frames handed out together
with the digests of the files, so the same bytes lead to the same place; after a restart the frames before it are
read again, to rebuild books and history.
"""

import json
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from operator import itemgetter
from pathlib import Path
from types import MappingProxyType
from typing import Final

from src.domain.market.candle import Candle
from src.domain.market.instrument import Instrument
from src.infrastructure.market_data.decoding import spells_number
from src.infrastructure.market_data.frames import (
    BarPoint,
    BookTicker,
    DepthSnapshot,
    DepthUpdate,
    MarketEvent,
    MarketFrame,
    TradePrint,
)
from src.infrastructure.market_data.instruments import derived_instrument, shipped_instrument
from src.infrastructure.market_data.recording_file import SAMPLE_FRAMES, RecordingFile
from src.infrastructure.market_data.source import OnFrame, SourceError, SourceStatistics

JOINED_MAX: Final = 1_000
"""How many single trades a joined one may be of: far more than any is."""
TRADES_REMEMBERED: Final = 10_000
"""Of so many trades, at least, it is known that they were told: recordings overlap for minutes, not for days."""

_event_of: Final = itemgetter(3)


class RecordedMarket:
    """A :class:`MarketSource` over recorded files.

    Frames of equal receive time keep the order of the files as given, then of their lines; a trade that several of
    them tell counts once. ``instruments`` come from the shipped table, or are derived from the decimals of the first
    frames; ``description`` says which.
    ``sample_frames`` is how many frames of each file are read for that, at least, before any is handed out.

    Raises :class:`SourceError` when a file cannot be read or has no good line.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        instruments: Iterable[Instrument] = (),
        sample_frames: int = SAMPLE_FRAMES,
    ) -> None:
        if not paths:
            raise SourceError("No recording was named. Give one or more files.")
        self._statistics = SourceStatistics()
        self._kinds: Counter[type] = Counter()
        self._given = {instrument.symbol: instrument for instrument in instruments}
        self._instruments: dict[str, Instrument] = {}
        self._derived: list[str] = []
        self._files: list[RecordingFile] = []
        self._pending: list[list[MarketFrame]] = [[] for _ in paths]
        self._ready: list[MarketFrame] = []  # Reversed: the next frame is the last one.
        self._merged = 0
        self._told: set[tuple[str, int]] = set()
        self._told_before: set[tuple[str, int]] = set()
        try:
            for index, path in enumerate(paths):
                self._files.append(RecordingFile(path, index, self._statistics, sample_frames))
        except SourceError:
            self.close()
            raise
        for file in self._files:
            self._learn_instruments(file.sample)
        self._start_ns = min(file.sample[0][0] for file in self._files)

    @property
    def description(self) -> str:
        """One line for people."""
        names = ", ".join(file.path.name for file in self._files)
        table = "instruments from the shipped table"
        if self._derived:
            some = "" if len(self._derived) == len(self._instruments) else f"{table}; "
            table = f"{some}instruments of {', '.join(self._derived)} derived from the decimals seen"
        return f"recorded market {names}: {', '.join(self._instruments)}; {table}"

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols seen so far."""
        return tuple(self._instruments)

    @property
    def instruments(self) -> MappingProxyType[str, Instrument]:
        """The instrument of every symbol seen so far."""
        return MappingProxyType(self._instruments)

    @property
    def start_ns(self) -> int:
        """Receive time of the very first frame, ns since the epoch."""
        return self._start_ns

    @property
    def digests(self) -> tuple[str, ...]:
        """The sha256 of each file as stored, hexadecimal, in the order of the files."""
        return tuple(file.digest for file in self._files)

    @property
    def next_ns(self) -> int | None:
        """Receive time of the frame that comes next, or None at the end."""
        if not self._ready and not self._refill():
            return None
        return self._ready[-1][0]

    @property
    def statistics(self) -> SourceStatistics:
        """Counts of what was read, a block ahead of what was handed out."""
        self._statistics.frames = Counter({kind.__name__: count for kind, count in self._kinds.items()})
        return self._statistics

    def next_frame(self, by_ns: int | None = None) -> MarketFrame | None:
        """Take the next frame; None at the end, or when it comes later than ``by_ns``."""
        if not self._ready and not self._refill():
            return None
        if by_ns is not None and self._ready[-1][0] > by_ns:
            return None
        return self._ready.pop()

    def cursor(self) -> str:
        """The place after the last frame taken: digests, frames taken, last line taken of each file."""
        lines = [
            {"sha256": file.digest, "line": self._last_line_taken(index)}
            for index, file in enumerate(self._files)
        ]
        return json.dumps({"frames": self._merged - len(self._ready), "files": lines}, separators=(",", ":"))

    def catch_up(self, cursor: str, on_frame: OnFrame) -> int:
        """Read up to the cursor again, passing every frame to ``on_frame``; return how many there were."""
        try:
            place = json.loads(cursor)
            frames = int(place["frames"])
            digests = tuple(file["sha256"] for file in place["files"])
        except (ValueError, KeyError, TypeError):
            raise SourceError(
                "The stored place is not one of a recording. Start a new session for this market."
            ) from None
        if digests != self.digests:
            raise SourceError(
                "The recordings differ from those of the session that is to be continued (other files, another"
                " order or changed content). Name the same files in the same order, or start a new session."
            )
        for taken in range(frames):
            frame = self.next_frame()
            if frame is None:
                raise SourceError(
                    f"The recordings end after {taken} frames, before the stored place {frames}."
                )
            on_frame(frame)
        return frames

    def history(self, symbol: str, timeframe: str, count: int) -> list[Candle]:
        """Nothing: a recording has no past before its first frame."""
        return []

    def close(self) -> None:
        """Close the files."""
        for file in self._files:
            file.close()

    def _last_line_taken(self, index: int) -> int:
        for _, source, line, _ in reversed(self._ready):
            if source == index:
                return line - 1
        pending = self._pending[index]
        return pending[0][2] - 1 if pending else self._files[index].lines_read

    def _refill(self) -> bool:
        """Merge what is certain to come next; return False when there is nothing left."""
        pending = self._pending
        while True:
            behind = self._file_most_behind()
            if behind is not None:
                frames = self._files[behind].read()
                self._kinds.update(map(type, map(_event_of, frames)))
                self._learn_instruments(frames)
                pending[behind] += frames
            # A file still being read may go on with its last receive time, so only earlier frames are certain.
            open_ends = [
                p[-1][0] if p else 0 for p, f in zip(pending, self._files, strict=True) if not f.is_at_end
            ]
            merged: list[MarketFrame] = []
            for index, frames in enumerate(pending):
                cut = bisect_left(frames, min(open_ends), key=itemgetter(0)) if open_ends else len(frames)
                merged += frames[:cut]
                pending[index] = frames[cut:]
            # Tuples compare by receive time, file and line; no two frames share all three.
            merged.sort()
            merged = [frame for frame in merged if self._is_new(frame[3])]
            if merged or behind is None:
                break
        merged.reverse()
        self._ready = merged
        self._merged += len(merged)
        return bool(merged)

    def _is_new(self, event: MarketEvent | BarPoint) -> bool:
        """Whether an event is no trade that was told before: it counts once, however many lines tell of it."""
        if type(event) is not TradePrint:
            return True
        keys: Iterable[tuple[str, int]]
        if event.last_id:
            keys = {(event.symbol, each) for each in _joined_by(event)}
            is_told = not (self._told.isdisjoint(keys) and self._told_before.isdisjoint(keys))
        else:
            # Nearly every one; looked up alone, it costs half as much.
            key = event.symbol, event.trade_id
            keys, is_told = (key,), key in self._told or key in self._told_before
        if is_told:
            self._statistics.bad_lines["a trade told before"] += 1
            return False
        if len(self._told) >= TRADES_REMEMBERED:
            self._told, self._told_before = set(), self._told
        self._told.update(keys)
        return True

    def _file_most_behind(self) -> int | None:
        open_files = [index for index, file in enumerate(self._files) if not file.is_at_end]
        return min(open_files, key=lambda i: self._pending[i][-1][0] if self._pending[i] else 0, default=None)

    def _learn_instruments(self, frames: Sequence[MarketFrame]) -> None:
        unknown = {event.symbol for event in map(_event_of, frames)} - self._instruments.keys()
        for symbol in sorted(unknown):
            instrument = self._given.get(symbol) or shipped_instrument(symbol)
            if instrument is None:
                events = [event for event in map(_event_of, frames) if event.symbol == symbol]
                instrument = derived_instrument(symbol, *_numbers_of(events))
                self._derived.append(symbol)
            self._instruments[symbol] = instrument


def _joined_by(event: TradePrint) -> range:
    """The ids of the single trades in a joined one; of more than there can be, the last."""
    last = event.last_id
    return range(max(event.first_id, last - JOINED_MAX + 1), last + 1)


def _numbers_of(events: Iterable[MarketEvent]) -> tuple[set[str], set[str]]:
    """Prices and quantities of some events, as the wire spells them."""
    prices: set[str] = set()
    quantities: set[str] = set()
    for event in events:
        if type(event) is BookTicker:
            prices |= {str(event.bid_price), str(event.ask_price)}
            quantities |= {str(event.bid_quantity), str(event.ask_quantity)}
        elif type(event) is TradePrint:
            prices.add(str(event.price))
            quantities.add(str(event.quantity))
        elif type(event) is DepthUpdate or type(event) is DepthSnapshot:
            for levels in (event.bids, event.asks):
                prices.update(price for price, _ in levels)
                quantities.update(quantity for _, quantity in levels)
    return set(filter(spells_number, prices)), set(filter(spells_number, quantities))
