"""What the shipped strategies share: warming up, ignoring repeats, and turning a crossing into a signal.

A strategy of this kind says something at a crossing only, never while a state lasts; so a restart, which
rebuilds the state from history, neither repeats a signal nor invents one.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any, Final, Generic, NamedTuple, Self, TypeVar

from src.application.strategies.indicators import Indicators
from src.application.strategies.numbers import rounded_confidence, rounded_numbers
from src.application.strategies.parameters import Direction, Parameters
from src.application.strategies.strategy import Progress
from src.domain.market.candle import Candle
from src.domain.signals import Signal, SignalType, make_signal

TOUCHING: Final = 1e-10
"""Lines closer than this share of the price touch: the distance is below any tick and may be rounding."""

P = TypeVar("P", bound=Parameters)

_BEFORE_ALL_TIME: Final = -1
# Bound once: a member of an enum is looked up through its class at several times the price of a name.
_BUY: Final = SignalType.BUY
_SELL: Final = SignalType.SELL
_BOTH: Final = Direction.BOTH
_LONG: Final = Direction.LONG
_SHORT: Final = Direction.SHORT


class Wish(NamedTuple):
    """A crossing: upwards or downwards, how strong (0 to 1), why, and the indicator values behind it."""

    is_up: bool
    confidence: float
    reason: str
    numbers: tuple[tuple[str, float], ...]


class Side:
    """On which side of another line a line is: 1 above, -1 below, 0 unknown; and for how many bars.

    A side that was not seen for ``memory`` bars is unknown again, so that a restart from history knows as much.
    """

    __slots__ = ("_memory", "_touched", "bars", "value")

    def __init__(self, memory: int) -> None:
        self.value = 0
        self.bars = 0
        self._memory = memory
        self._touched = 0

    @property
    def duration(self) -> str:
        """For how many bars, in words."""
        return f"for {self.bars} bar{'s' if self.bars != 1 else ''}"

    def crosses(self, distance: float, touching: float) -> bool:
        """Take the line's signed distance and say whether it changed sides.

        A distance within ``touching`` is no side, so the line stays where it was; the first side is no
        crossing.
        """
        if distance > touching:
            value = 1
        elif distance < -touching:
            value = -1
        else:
            self._touched += 1
            if self._touched >= self._memory:
                self.value = 0
            self.bars += 1
            return False
        self._touched = 0
        if value == self.value:
            self.bars += 1
            return False
        was_known = self.value != 0
        self.value = value
        self.bars = 0
        return was_known


class StreamStrategy(ABC, Generic[P]):
    """A strategy over closing prices whose indicators are incremental handles.

    A subclass is made from parameters, symbol and strategy id, in this order.
    """

    __slots__ = ("_closes", "_direction", "_indicators", "_last_open_ms", "_needed", "_parameters", "_seen",
                 "_strategy_id", "_symbol", "_wished")  # fmt: skip

    def __init__(
        self, parameters: P, symbol: str | None, strategy_id: str, direction: Direction, bars_needed: int
    ) -> None:
        self._parameters = parameters
        self._symbol = symbol
        self._strategy_id = strategy_id
        self._direction = direction
        self._needed = bars_needed
        self._indicators = Indicators()
        self._last_open_ms = _BEFORE_ALL_TIME
        self._seen = 0
        self._wished = False
        self._closes: list[float] = []

    @property
    def strategy_id(self) -> str:
        """The name that its signals carry."""
        return self._strategy_id

    @property
    def symbol(self) -> str | None:
        """The symbol watched; the first candle decides when none was given."""
        return self._symbol

    @property
    @abstractmethod
    def history_bars(self) -> int:
        """Bars of history after which the indicators no longer show where they were started."""

    @property
    def is_warm(self) -> bool:
        """Whether the indicators are open."""
        return self._seen >= self._needed

    @property
    def progress(self) -> Progress:
        """Bars seen and bars needed."""
        return Progress(self._seen, self._needed)

    @property
    def why_not(self) -> str:
        """Why the last candle gave no signal; built when asked, not with every candle."""
        if not self.is_warm:
            return f"warming up, {self._seen} of {self._needed} bars"
        return "" if self._wished else self._state()

    def for_symbol(self, symbol: str) -> Self:
        """A new instance with the same parameters for another symbol."""
        make: Any = type(self)  # The subclass's constructor, which takes less than ours.
        other: Self = make(self._parameters, symbol, self._strategy_id)
        return other

    def warm(self, candles: Iterable[Candle]) -> None:
        """Forget everything and rebuild from closed candles, oldest first; their signals are dropped."""
        self._forget()
        for candle in candles:
            self.on_candle(candle)
        self._wished = False

    def on_candle(self, candle: Candle) -> Signal | None:
        """Take one closed candle; raises ValueError for one of another symbol."""
        if candle.symbol != self._symbol:
            self._bind(candle.symbol)
        if candle.open_ms <= self._last_open_ms:
            return None
        self._last_open_ms = candle.open_ms
        self._seen += 1
        if self._seen <= self._needed:
            self._collect(float(candle.close))
            return None
        wish = self._advance(float(candle.close))
        self._wished = wish is not None
        return None if wish is None else self._signal(candle, wish)

    def rehearse(self, close: float) -> None:
        """Look at what the next bar would meet, so that it is at hand when one comes; nothing changes."""
        self._indicators.glance(close)

    @abstractmethod
    def _open(self, closes: list[float]) -> None:
        """Open the handles on the closes of exactly the bars needed, and set the sides."""

    @abstractmethod
    def _advance(self, close: float) -> Wish | None:
        """Update the handles with one close and say whether that was a crossing."""

    @abstractmethod
    def _state(self) -> str:
        """Where the indicators stand, as the reason why there is no signal."""

    def _forget(self) -> None:
        """Return to the state before the first candle."""
        self._last_open_ms = _BEFORE_ALL_TIME
        self._seen = 0
        self._wished = False
        self._closes = []
        self._indicators.forget()

    def _bind(self, symbol: str) -> None:
        """Take the first candle's symbol for the strategy's own."""
        if self._symbol is not None:
            raise ValueError(
                f"{self._strategy_id} watches {self._symbol}, not {symbol}: make an instance for each symbol"
            )
        self._symbol = symbol

    def _collect(self, close: float) -> None:
        """Keep a close of the warm-up and open the handles with the last of them."""
        self._closes.append(close)
        if self._seen == self._needed:
            self._open(self._closes)
            self._closes = []

    def _signal(self, candle: Candle, wish: Wish) -> Signal:
        """Cross into decimals: from here on it is a record."""
        is_up, confidence, reason, numbers = wish
        wanted = _BUY if is_up else _SELL
        if self._direction not in (_BOTH, _LONG if is_up else _SHORT):
            wanted = SignalType.EXIT
        # Arguments by place: names cost, and this is on the way of every order.
        return make_signal(
            candle.symbol,
            wanted,
            self._strategy_id,
            rounded_confidence(confidence),
            reason,
            rounded_numbers(numbers),
            candle.close,
            candle.close_ms,
        )


def saturating(strength: float) -> float:
    """Map a strength of 0 upwards to a confidence in 0 to 1: s / (1 + s), so 1 gives one half."""
    return strength / (1 + strength)


def spelled(value: float, distance: float) -> str:
    """A value with as many decimals as it takes to see a ``distance``, e.g. 61,800.1; at most eight."""
    decimals = 1 - math.floor(math.log10(distance)) if distance > 0 else 1
    return f"{value:,.{max(0, min(8, decimals))}f}"
