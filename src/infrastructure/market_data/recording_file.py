"""One recorded file: lines ``<receive time, ns since the epoch> <frame as received>``, plain or packed with gzip.

A recording is evidence, not a program's output: lines may be cut, garbled or out of order. Each such line is
counted by its reason and passed over; only a file that cannot be read, or has no good line at all, is an error.
"""

import hashlib
import re
from decimal import Decimal
from pathlib import Path
from typing import BinaryIO, Final

from src.infrastructure.market_data.decoding import BadLine, decode_message, spells_number
from src.infrastructure.market_data.frames import (
    BookTicker,
    DepthSnapshot,
    MarketFrame,
)
from src.infrastructure.market_data.lines import DamagedFile, read_lines
from src.infrastructure.market_data.source import SourceError, SourceStatistics

SAMPLE_FRAMES: Final = 2_000
_NS_PER_MS: Final = 1_000_000
_SUSPICIOUS_STEP_NS: Final = 60_000_000_000
_OFFSET_TOLERANCE_MS: Final = 3_600_000
_OFFSET_MAX_MS: Final = 86_400_000
"""How far the recorder's clock may have been from the exchange's: more than any time zone."""
_BEFORE_ALL_NS: Final = -(1 << 80)
_TRADE_MARK: Final = re.compile(rb'"e"\s*:\s*"trade"')

_NO_TIME: Final = "no receive time"
_WRONG_TIME: Final = "receive time does not fit the event's time"


class RecordingFile:
    """Frames of one file in the order of its lines, with receive times that never go back.

    ``digest`` is the sha256 of the file as stored, in hexadecimal. ``sample`` holds the first frames, at least
    ``sample_frames`` if there are so many, from which symbols and decimals are learnt before anything is handed
    out; ``read`` delivers it first.

    Raises :class:`SourceError` when the file cannot be read or holds no market frame.
    """

    def __init__(
        self, path: Path, index: int, statistics: SourceStatistics, sample_frames: int = SAMPLE_FRAMES
    ) -> None:
        self.path = path
        self.lines_read = 0
        self._is_exhausted = False
        self._index = index
        self._statistics = statistics
        self._last_ns = _BEFORE_ALL_NS
        self._offset_ms: int | None = None  # Usual receive time minus event time, once the sample told it.
        self._symbol_prices: dict[str, Decimal] = {}
        self._singles: set[str] = set()
        try:
            self._file: BinaryIO = path.open("rb")
            self.digest = hashlib.file_digest(self._file, "sha256").hexdigest()
            self._file.seek(0)
            self._blocks = read_lines(self._file)
            self.sample = self._take_sample(sample_frames)
        except OSError as error:
            raise SourceError(
                f"{path}: {error.strerror or type(error).__name__}. Name a readable recording: lines of"
                " '<receive time in ns> <frame>', plain or .gz."
            ) from None

    @property
    def is_at_end(self) -> bool:
        """Whether everything was delivered."""
        return self._is_exhausted and not self.sample

    def read(self) -> list[MarketFrame]:
        """The next frames; empty when a block had no good line, or at the end."""
        if self.sample:
            frames, self.sample = self.sample, []
            return frames
        return self._in_order(self._decode(self._next_lines()))

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _next_lines(self) -> list[bytes]:
        try:
            lines = next(self._blocks, None)
        except DamagedFile as damage:
            self._statistics.bad_lines[f"damaged file: {damage}"] += 1
            lines = None
        if lines is None:
            self._is_exhausted = True
            return []
        return lines

    def _take_sample(self, least: int) -> list[MarketFrame]:
        lines = self._next_lines()
        # Where single trades are recorded, the same trades joined by the exchange would count twice.
        self._singles = _symbols_of_single_trades(lines)
        frames = self._decode(lines)
        while len(frames) < least and not self._is_exhausted:
            frames += self._decode(self._next_lines())
        if not frames:
            reasons = ", ".join(f"{reason} ({n})" for reason, n in self._statistics.bad_lines.most_common(3))
            raise SourceError(
                f"{self.path}: none of {self.lines_read} lines is a market frame ({reasons or 'the file is empty'})."
                ' A recording has lines like 1723161255088169167 {"stream":"btcusdt@bookTicker","data":{…}}.'
            )
        for _, _, _, event in frames:
            if type(event) is BookTicker:
                self._symbol_prices.setdefault(event.symbol, event.bid_price)
            elif event.symbol:
                self._symbol_prices.setdefault(event.symbol, Decimal(1))
        for _, _, _, event in frames:
            if not event.symbol and type(event) is DepthSnapshot:
                event.symbol = self._owner_of(event)
        offsets = [at // _NS_PER_MS - event.event_ms for at, _, _, event in frames if event.event_ms]
        self._offset_ms = sorted(offsets)[(len(offsets) - 1) // 2] if offsets else None
        if self._offset_ms is not None and abs(self._offset_ms) > _OFFSET_MAX_MS:
            raise SourceError(
                f"{self.path}: its receive times are days away from the times in its events. They have to be ns since"
                " the epoch, UTC."
            )
        return self._in_order(frames)

    def _decode(self, lines: list[bytes]) -> list[MarketFrame]:
        """The good lines as frames; the others are counted."""
        bad_lines = self._statistics.bad_lines
        singles = self._singles
        index = self._index
        number = self.lines_read
        frames: list[MarketFrame] = []
        append = frames.append
        for line in lines:
            number += 1
            stamp, _, message = line.partition(b" ")
            try:
                received_ns = int(stamp)
                event = decode_message(message, "", singles)
            except BadLine as bad:
                bad_lines[bad.reason] += 1
                continue
            except ValueError:
                bad_lines[_NO_TIME] += 1
                continue
            if not event.symbol and self._symbol_prices and type(event) is DepthSnapshot:
                event.symbol = self._owner_of(event)
            append((received_ns, index, number, event))
        self._statistics.lines += len(lines)
        self.lines_read = number
        return frames

    def _in_order(self, frames: list[MarketFrame]) -> list[MarketFrame]:
        """Lift receive times that went back; refuse those that cannot be meant."""
        last_ns = self._last_ns
        ordered: list[MarketFrame] = []
        append = ordered.append
        for frame in frames:
            received_ns = frame[0]
            step = received_ns - last_ns
            if not 0 <= step <= _SUSPICIOUS_STEP_NS:
                event = frame[3]
                if self._offset_ms is not None and event.event_ms:
                    offset_ms = received_ns // _NS_PER_MS - event.event_ms
                    if abs(offset_ms - self._offset_ms) > _OFFSET_TOLERANCE_MS:
                        self._statistics.bad_lines[_WRONG_TIME] += 1
                        continue
                if step < 0:
                    self._statistics.time_went_back += 1
                    received_ns = last_ns
                    frame = (last_ns, frame[1], frame[2], event)
            last_ns = received_ns
            append(frame)
        self._last_ns = last_ns
        return ordered

    def _owner_of(self, snapshot: DepthSnapshot) -> str:
        """A snapshot does not name its symbol: it is the file's only one, or the one traded nearest to its price."""
        price = next((Decimal(price) for price, _ in snapshot.bids if spells_number(price)), None)
        if len(self._symbol_prices) == 1 or price is None:
            return next(iter(self._symbol_prices))
        return min(self._symbol_prices, key=lambda symbol: _ratio(price, self._symbol_prices[symbol]))


def _symbols_of_single_trades(lines: list[bytes]) -> set[str]:
    symbols = set()
    for line in filter(_TRADE_MARK.search, lines):
        try:
            symbols.add(decode_message(line.partition(b" ")[2]).symbol)
        except BadLine:
            continue
    return symbols


def _ratio(one: Decimal, other: Decimal) -> Decimal:
    return max(one / other, other / one)
