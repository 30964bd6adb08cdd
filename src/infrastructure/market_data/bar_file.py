"""One file of bars: OHLCV as CSV, plain, packed with gzip or as a zip, with or without a header.

Two layouts are read: named columns (a time, open, high, low, close, volume, in any order, others ignored), and
without a header Binance's klines (open time first, then the five). Times are text (UTC unless it says otherwise) or
a number of s, ms or µs. A line that is no bar is counted by its reason and passed over; only a file that cannot be
read, or has no bar at all, is an error.

Layout of klines: Binance public data, "Klines" (data.binance.vision).
"""

import hashlib
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from operator import itemgetter
from pathlib import Path
from typing import BinaryIO, Final, TypeAlias

import msgspec

from src.domain.market.symbols import QUOTE_ASSETS
from src.infrastructure.market_data.lines import DamagedFile, read_lines
from src.infrastructure.market_data.source import SourceError, SourceStatistics

SAMPLE_BARS: Final = 500
_COLUMNS: Final = ("open", "high", "low", "close", "volume")
_TIMES: Final = frozenset({"timestamp", "time", "date", "datetime", "open_time", "opentime", "open time"})
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
# What a file's times without a zone are counted from.
_EPOCH_UNNAMED: Final = _EPOCH.replace(tzinfo=None)
_ZIP_MAGIC: Final = b"PK\x03\x04"
_ZERO: Final = Decimal(0)
_WIDEST: Final = Decimal("1e15")

_Order: TypeAlias = Callable[[Sequence[str]], tuple[str, ...]]


class Bar(msgspec.Struct, frozen=True, gc=False):
    """One row: its opening in ms since the epoch (UTC), prices in quote asset, volume in base asset, its line."""

    open_ms: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    line: int


class BarFile:
    """Bars of one symbol in the order of their times. ``step_ms`` is their length, from the first ones.

    ``digest`` is the sha256 of the file as stored, in hexadecimal. ``sample`` holds the first bars. Raises
    :class:`SourceError` when the file cannot be read, holds no bar, or bars of no known length.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with path.open("rb") as file:
                self.digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise SourceError(f"{path}: {error.strerror}. Name a readable file of bars.") from None
        self.sample: list[Bar] = []
        statistics = SourceStatistics()
        for bar in self._rows(statistics):
            self.sample.append(bar)
            if len(self.sample) == SAMPLE_BARS:
                break
        steps = Counter(after.open_ms - before.open_ms for before, after in pairwise(self.sample))
        if not steps:
            reasons = ", ".join(f"{count} {reason}" for reason, count in statistics.bad_lines.most_common(3))
            raise SourceError(
                f"{path} holds no two bars{f' ({reasons})' if reasons else ''}. Name a CSV file of time, open, high, "
                "low, close and volume, the oldest first."
            )
        # Gaps make some steps longer and strays make some shorter; most are what was meant.
        self.step_ms = max(steps, key=lambda step: (steps[step], -step))

    def bars(self, statistics: SourceStatistics) -> Iterator[Bar]:
        """All bars on the grid of their length, each later than the one before; the rest is counted."""
        for bar in self._rows(statistics):
            if bar.open_ms % self.step_ms:
                statistics.bad_lines["not at a multiple of the bars' length"] += 1
                continue
            yield bar

    def _rows(self, statistics: SourceStatistics) -> Iterator[Bar]:
        """Whatever can be read as a bar and is later than the one before."""
        order: _Order | None = None
        last_ms = -1
        line = 0
        bad = statistics.bad_lines
        for lines in _blocks(self.path, bad):
            for packed in lines:
                line += 1
                text = packed.decode("utf-8", "replace").strip("\r\ufeff ")
                if not text:
                    continue
                if order is None:
                    order = _order_of(text)
                    if not text[0].isdigit():
                        continue
                statistics.lines += 1
                bar = _bar(text, order, line, bad)
                if bar is None:
                    continue
                if bar.open_ms <= last_ms:
                    bad["not later than the bar before" if bar.open_ms < last_ms else "a bar twice"] += 1
                    continue
                last_ms = bar.open_ms
                yield bar


def is_bar_file(path: Path) -> bool:
    """Whether a file holds bars rather than recorded frames; False for one that cannot be read."""
    try:
        with path.open("rb") as file:
            if file.read(4) == _ZIP_MAGIC:
                return True
            file.seek(0)
            first = next((lines[0] for lines in read_lines(file) if lines), b"")
    except (OSError, DamagedFile):
        return False
    return b"," in first and b"{" not in first


def symbol_of(path: Path) -> str | None:
    """The symbol that a file's name begins with: BTCUSDT-1m-2022-01.csv, btc_usdt.csv, btc-perp-1m.csv; or None."""
    words = re.split(r"[^A-Z0-9]+", path.name.upper())
    first, second = words[0], words[1] if len(words) > 1 else ""
    if any(first.endswith(quote) and len(first) > len(quote) for quote in QUOTE_ASSETS):
        return first
    if first.isalpha() and second in QUOTE_ASSETS:
        return first + ("USDT" if second == "USD" else second)
    return f"{first}USDT" if first.isalpha() and second in ("PERP", "SWAP") else None


def _blocks(path: Path, bad: Counter[str]) -> Iterator[list[bytes]]:
    """The lines of a file, however it is packed; what cannot be unpacked is counted once."""
    try:
        with path.open("rb") as file:
            if file.read(4) == _ZIP_MAGIC:
                with zipfile.ZipFile(path) as archive, archive.open(archive.namelist()[0]) as member:
                    yield from read_lines(member)
                return
            yield from _plain(file)
    except (
        DamagedFile,
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        RuntimeError,
    ):  # the last: locked, or packed anew
        bad["damaged file"] += 1
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror}. Name a readable file of bars.") from None


def _plain(file: BinaryIO) -> Iterator[list[bytes]]:
    file.seek(0)
    return read_lines(file)


def _order_of(text: str) -> _Order:
    """What picks time, open, high, low, close and volume; Binance's order when the first line is no header."""
    if text[0].isdigit():
        return itemgetter(0, 1, 2, 3, 4, 5)
    names = [name.strip().strip('"').lower() for name in text.split(",")]
    time = next((place for place, name in enumerate(names) if name in _TIMES), None)
    missing = [name for name in _COLUMNS if name not in names]
    if time is None or missing:
        raise SourceError(
            f"The header {text[:60]!r} lacks {', '.join(missing) or 'a time'}. "
            "Name columns timestamp, open, high, low, close and volume."
        )
    return itemgetter(time, *(names.index(name) for name in _COLUMNS))


def _bar(text: str, order: _Order, line: int, bad: Counter[str]) -> Bar | None:
    """The bar in a line, or None after counting why there is none."""
    try:
        time, *numbers = order(text.split(","))
        open_ms = _time_ms(time)
        opened, high, low, close, volume = map(Decimal, numbers)
        # What is not a number fits nowhere: its comparisons are false, or raise like a text that is none.
        fits = _ZERO < low <= opened <= high < _WIDEST and low <= close <= high and _ZERO <= volume < _WIDEST
    except IndexError:
        bad["too few columns"] += 1
        return None
    except (ValueError, OverflowError):
        bad["no time"] += 1
        return None
    except InvalidOperation:
        bad["not a number"] += 1
        return None
    if fits:
        return Bar(open_ms, opened, high, low, close, volume, line)
    if all(number.is_finite() for number in (opened, high, low, close, volume)):
        bad["high and low do not span open and close"] += 1
    else:
        bad["not a number"] += 1
    return None


def _time_ms(text: str) -> int:
    """A time in ms since the epoch; ValueError when it is none."""
    if text.isdigit():
        number, digits = int(text), len(text)
        return number * 1_000 if digits <= 10 else number if digits <= 13 else number // 1_000
    moment = datetime.fromisoformat(text.strip().strip('"'))
    since = moment - (_EPOCH if moment.tzinfo else _EPOCH_UNNAMED)
    return since.days * 86_400_000 + since.seconds * 1_000 + since.microseconds // 1_000
