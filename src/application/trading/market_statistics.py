"""How much symbols move, and how much they move together: statistics of closed bars for the risk rules.

Fed when a bar closes, read when a decision is taken. A reading is computed once per bar and kept until the next
one closes, so that a decision costs a look-up. Returns are natural logarithms of close over close, and binary
floating point like every indicator; readings leave as decimals of six places.
"""

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Iterable
from decimal import Decimal
from math import log, sqrt
from operator import mul
from typing import Final

from src.domain.market.candle import Candle, timeframe_ms
from src.domain.market.view import Volatility

RETURNS: Final = 120
"""How many of the last returns a correlation looks at."""
RETURNS_MIN: Final = 30
"""With fewer, nothing is said."""
LAMBDA: Final = 0.94
"""Weight of the past in the exponentially weighted variance (RiskMetrics Technical Document, 1996, for daily data)."""
TOGETHER: Final = 64
"""Of how many closed bars is learnt in one go, when nobody asks before."""
_MINUTE_MS: Final = 60_000
_DAY_MS: Final = 86_400_000
_YEAR_MS: Final = 365 * _DAY_MS
"""These markets never close."""


class _Series:
    """Returns and variance of one symbol. ``version`` grows with every bar."""

    __slots__ = (
        "_close",
        "_day",
        "_length_ms",
        "_open_ms",
        "_places",
        "_sampled",
        "_seen",
        "_sorted",
        "_spacing_ms",
        "_unit",
        "_unit_version",
        "_usual_min",
        "_variance",
        "reading",
        "reading_version",
        "returns",
        "times",
        "version",
    )

    def __init__(self, length_ms: int) -> None:
        self.returns: deque[float] = deque(maxlen=RETURNS)
        self.times: deque[int] = deque(maxlen=RETURNS)
        self.version = 0
        self.reading: Volatility | None = None
        self.reading_version = -1
        self._length_ms = length_ms
        self._open_ms = 0
        self._close = 0.0
        self._variance = 0.0
        self._seen = 0
        # One place a minute, or a bar where these are longer; empty where there was no return.
        self._spacing_ms = max(length_ms, _MINUTE_MS)
        self._places = max(1, _DAY_MS // self._spacing_ms)
        self._usual_min = min(RETURNS_MIN, max(1, self._places // 2))
        self._day: deque[float | None] = deque()
        self._sorted: list[float] = []
        self._sampled = -1
        self._unit: list[float] | None = None
        self._unit_version = -1

    def add(self, candle: Candle) -> None:
        """Take a closed bar; one that is not newer than the last says nothing, one after a gap has no return."""
        open_ms = candle.open_ms
        if open_ms <= self._open_ms:
            return
        close = float(candle.close)
        if self._open_ms and open_ms - self._open_ms == self._length_ms:
            self._take(log(close / self._close), open_ms)
        self._open_ms = open_ms
        self._close = close
        self.version += 1

    def _take(self, value: float, open_ms: int) -> None:
        self.returns.append(value)
        self.times.append(open_ms)
        square = value * value
        self._variance = LAMBDA * self._variance + (1.0 - LAMBDA) * square if self._seen else square
        self._seen += 1
        sample = (open_ms + self._length_ms) // self._spacing_ms
        passed = sample - self._sampled
        if passed and self._seen >= RETURNS_MIN:
            self._sampled = sample
            if passed > 1:
                # A day goes on over a gap.
                for _ in range(min(passed - 1, self._places)):
                    self._keep(None)
            self._keep(self._variance)

    def _keep(self, variance: float | None) -> None:
        """The last day, in order of time and in order of size."""
        day = self._day
        if len(day) == self._places:
            oldest = day.popleft()
            if oldest is not None:
                del self._sorted[bisect_left(self._sorted, oldest)]
        day.append(variance)
        if variance is not None:
            insort(self._sorted, variance)

    def volatility(self) -> Volatility | None:
        """The annualised deviation of a bar's return, and its median of the last day."""
        if self.reading_version != self.version:
            self.reading_version = self.version
            self.reading = self._read()
        return self.reading

    def _read(self) -> Volatility | None:
        if self._seen < RETURNS_MIN:
            return None
        per_year = _YEAR_MS / self._length_ms
        usual = None
        if len(self._sorted) >= self._usual_min:
            usual = _decimal(sqrt(self._sorted[len(self._sorted) // 2] * per_year))
        return Volatility(_decimal(sqrt(self._variance * per_year)), usual)

    def unit(self) -> list[float] | None:
        """The returns less their mean, scaled to length one; None when the price stood still."""
        if self._unit_version != self.version:
            self._unit_version = self.version
            self._unit = _unit(list(self.returns))
        return self._unit


class MarketStatistics:
    """The series of every symbol of one timeframe."""

    __slots__ = ("_length_ms", "_new", "_pairs", "_series")

    def __init__(self, symbols: Iterable[str], timeframe: str) -> None:
        self._length_ms = timeframe_ms(timeframe)
        self._series = {symbol: _Series(self._length_ms) for symbol in symbols}
        self._pairs: dict[tuple[str, str], tuple[int, int, Decimal | None]] = {}
        self._new: list[Candle] = []

    def add(self, candle: Candle) -> None:
        """A bar closed; it is learnt from together with others, at the latest when somebody asks."""
        self._new.append(candle)
        if len(self._new) >= TOGETHER:
            self._learn()

    def _learn(self) -> None:
        for candle in self._new:
            series = self._series.get(candle.symbol)
            if series is not None:
                series.add(candle)
        self._new.clear()

    def warm(self, symbol: str, candles: Iterable[Candle]) -> None:
        """Begin a symbol anew with its history, oldest first; it holds everything that was added before."""
        self._learn()
        series = self._series[symbol] = _Series(self._length_ms)
        self._pairs.clear()
        for candle in candles:
            series.add(candle)

    def volatility(self, symbol: str) -> Volatility | None:
        """How much a symbol moves, as of its last closed bar."""
        if self._new:
            self._learn()
        series = self._series.get(symbol)
        return series.volatility() if series is not None else None

    def correlation(self, first: str, second: str) -> Decimal | None:
        """Pearson's correlation of the returns that both symbols have among their last ones."""
        if self._new:
            self._learn()
        one, other = self._series.get(first), self._series.get(second)
        if one is None or other is None:
            return None
        key = (first, second)
        cached = self._pairs.get(key)
        if cached is not None and cached[0] == one.version and cached[1] == other.version:
            return cached[2]
        value = _correlation(one, other)
        self._pairs[key] = (one.version, other.version, value)
        return value


def _correlation(one: _Series, other: _Series) -> Decimal | None:
    if one.times == other.times:
        if len(one.times) < RETURNS_MIN:
            return None
        first, second = one.unit(), other.unit()
    else:
        # One of them has closed its last bar already, or lacks some.
        theirs = dict(zip(other.times, other.returns, strict=True))
        common = [(r, theirs[t]) for t, r in zip(one.times, one.returns, strict=True) if t in theirs]
        if len(common) < RETURNS_MIN:
            return None
        first, second = _unit([a for a, _ in common]), _unit([b for _, b in common])
    if first is None or second is None:
        return None
    return _decimal(sum(map(mul, first, second)))


def _unit(returns: list[float]) -> list[float] | None:
    if not returns:
        return None
    mean = sum(returns) / len(returns)
    centred = [value - mean for value in returns]
    length = sqrt(sum(map(mul, centred, centred)))
    return [value / length for value in centred] if length else None


def _decimal(value: float) -> Decimal:
    return Decimal(f"{value:.6f}")
