"""Candles of one symbol for every interval Binance has, and the figures of the last 24 hours.

Minutes are folded as trades come; longer intervals are joined from them when somebody asks. Before the server's
start there are the minutes, hours and days that the market's source knows, put in front of one another. Intervals
without a trade are omitted (klines, since September 2026).
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from itertools import chain
from typing import Final

from src.infrastructure.market_data.frames import TradePrint

MINUTE_MS: Final = 60_000
HOUR_MS: Final = 60 * MINUTE_MS
DAY_MS: Final = 24 * HOUR_MS
_WEEK_MS: Final = 7 * DAY_MS
_FIRST_MONDAY_MS: Final = 4 * DAY_MS
_MINUTES_KEPT: Final = 2 * 24 * 60
_ZERO: Final = Decimal(0)

INTERVALS: Final = {
    "1m": MINUTE_MS,
    "3m": 3 * MINUTE_MS,
    "5m": 5 * MINUTE_MS,
    "15m": 15 * MINUTE_MS,
    "30m": 30 * MINUTE_MS,
    "1h": HOUR_MS,
    "2h": 2 * HOUR_MS,
    "4h": 4 * HOUR_MS,
    "6h": 6 * HOUR_MS,
    "8h": 8 * HOUR_MS,
    "12h": 12 * HOUR_MS,
    "1d": DAY_MS,
    "3d": 3 * DAY_MS,
    "1w": _WEEK_MS,
    "1M": 28 * DAY_MS,
}
"""Lengths in ms; a month is as long as it is, the figure is only its least."""


@dataclass(slots=True)
class Bar:
    """One candle: prices in quote asset, volume in base asset, ``quote`` in quote asset; taker buys apart."""

    open_ms: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal = _ZERO
    quote: Decimal = _ZERO
    count: int = 0
    taker_volume: Decimal = _ZERO
    taker_quote: Decimal = _ZERO
    first_id: int = -1
    last_id: int = -1

    def join(self, later: "Bar") -> None:
        """Let this bar reach over a later one."""
        self.high = max(self.high, later.high)
        self.low = min(self.low, later.low)
        self.close = later.close
        self.volume += later.volume
        self.quote += later.quote
        self.count += later.count
        self.taker_volume += later.taker_volume
        self.taker_quote += later.taker_quote
        if later.last_id >= 0:
            self.last_id = later.last_id
            if self.first_id < 0:
                self.first_id = later.first_id


@dataclass(frozen=True, slots=True)
class DayStatistics:
    """The last 24 hours, spelled as ticker/24hr spells them."""

    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    change: Decimal
    change_percent: str
    average: str
    volume: Decimal
    quote: Decimal
    last_quantity: Decimal
    open_ms: int
    close_ms: int
    first_id: int
    last_id: int
    count: int


def start_of(interval: str, at_ms: int) -> int:
    """When the bar of ``interval`` that holds ``at_ms`` begins; weeks begin on Monday, months on the first."""
    if interval == "1M":
        day = datetime.fromtimestamp(at_ms / 1_000, UTC)
        return int(day.replace(day=1, hour=0, minute=0, second=0, microsecond=0).timestamp()) * 1_000
    if interval == "1w":
        return at_ms - (at_ms - _FIRST_MONDAY_MS) % _WEEK_MS
    return at_ms - at_ms % INTERVALS[interval]


def end_of(interval: str, start_ms: int) -> int:
    """The first ms after the bar that begins at ``start_ms``."""
    if interval == "1M":
        return start_of("1M", start_ms + 32 * DAY_MS)
    return start_ms + INTERVALS[interval]


class Bars:
    """The candles of one symbol. ``minutes``, ``hours`` and ``days`` before the start may be given."""

    def __init__(
        self, minutes: Iterable[Bar] = (), hours: Iterable[Bar] = (), days: Iterable[Bar] = ()
    ) -> None:
        self._minutes = deque(minutes, maxlen=_MINUTES_KEPT)
        self._hours = list(hours)
        self._days = list(days)
        self._last_quantity = _ZERO

    def add(self, print_: TradePrint) -> None:
        """Fold a trade into its minute."""
        price, quantity, trade_id = print_.price, print_.quantity, print_.trade_id
        minute = print_.event_ms - print_.event_ms % MINUTE_MS
        if not self._minutes or self._minutes[-1].open_ms != minute:
            if len(self._minutes) == _MINUTES_KEPT:
                self._keep_hour(self._minutes[0])
            self._minutes.append(Bar(minute, price, price, price, price, first_id=trade_id))
        bar = self._minutes[-1]
        if price > bar.high:
            bar.high = price
        elif price < bar.low:
            bar.low = price
        value = price * quantity
        bar.close = price
        bar.volume += quantity
        bar.quote += value
        bar.count += 1
        bar.last_id = trade_id
        if bar.first_id < 0:
            bar.first_id = trade_id
        if not print_.buyer_is_maker:
            bar.taker_volume += quantity
            bar.taker_quote += value
        self._last_quantity = quantity

    def series(self, interval: str, since_ms: int = 0, until_ms: int = 1 << 62) -> list[Bar]:
        """The bars that begin in a span of time, oldest first, the running one included."""
        joined: list[Bar] = []
        for bar in self._base(INTERVALS[interval]):
            start_ms = start_of(interval, bar.open_ms)
            if not since_ms <= start_ms <= until_ms:
                continue
            if joined and joined[-1].open_ms == start_ms:
                joined[-1].join(bar)
            else:
                joined.append(replace(bar, open_ms=start_ms))
        return joined

    def running(self, interval: str, now_ms: int) -> Bar | None:
        """The bar that holds this moment, or None while nothing has traded in it."""
        return self.bar_at(interval, start_of(interval, now_ms))

    def bar_at(self, interval: str, start_ms: int) -> Bar | None:
        """The bar that begins at a moment, or None when nothing traded in it."""
        if INTERVALS[interval] <= HOUR_MS:
            return self._join_newest(start_ms, end_of(interval, start_ms))
        return next(iter(self.series(interval, start_ms, start_ms)), None)

    def day(self, now_ms: int) -> DayStatistics | None:
        """The last 24 hours; None before the first trade."""
        since_ms, until_ms = now_ms - DAY_MS, now_ms + MINUTE_MS
        bar = _joined([bar for bar in self._base(HOUR_MS) if since_ms <= bar.open_ms < until_ms], since_ms)
        if bar is None:
            return None
        average = bar.quote / bar.volume if bar.volume else bar.close
        change = bar.close - bar.open
        decimals = max(2, len(f"{bar.close:f}".partition(".")[2]))
        return DayStatistics(
            open=bar.open,
            high=bar.high,
            low=bar.low,
            close=bar.close,
            change=change,
            change_percent=f"{change / bar.open * 100:.3f}",
            average=f"{average:.{decimals}f}",
            volume=bar.volume,
            quote=bar.quote,
            last_quantity=self._last_quantity,
            open_ms=now_ms - DAY_MS,
            close_ms=now_ms,
            first_id=bar.first_id,
            last_id=bar.last_id,
            count=bar.count,
        )

    def _join_newest(self, since_ms: int, until_ms: int) -> Bar | None:
        """The minutes of a span, which reaches to the present or nearly so, as one bar."""
        wanted: list[Bar] = []
        for bar in reversed(self._minutes):
            if bar.open_ms < since_ms:
                break
            if bar.open_ms < until_ms:
                wanted.append(bar)
        return _joined(wanted[::-1], since_ms)

    def _base(self, length_ms: int) -> Iterable[Bar]:
        """The bars to join for an interval: days, hours, minutes, none twice."""
        first_minute = self._minutes[0].open_ms if self._minutes else 1 << 62
        hours = [bar for bar in self._hours if bar.open_ms < first_minute] if length_ms >= HOUR_MS else []
        first_hour = hours[0].open_ms if hours else first_minute
        days = [bar for bar in self._days if bar.open_ms < first_hour] if length_ms >= DAY_MS else []
        return chain(days, hours, self._minutes)

    def _keep_hour(self, minute: Bar) -> None:
        """A minute that falls out of memory lives on in its hour."""
        start_ms = minute.open_ms - minute.open_ms % HOUR_MS
        if self._hours and self._hours[-1].open_ms == start_ms:
            self._hours[-1].join(minute)
        elif not self._hours or self._hours[-1].open_ms < start_ms:
            self._hours.append(replace(minute, open_ms=start_ms))


def _joined(bars: Sequence[Bar], open_ms: int) -> Bar | None:
    """Bars, oldest first, as one that begins at a moment; None without any."""
    joined: Bar | None = None
    for bar in bars:
        if joined is None:
            joined = replace(bar, open_ms=open_ms)
        else:
            joined.join(bar)
    return joined
