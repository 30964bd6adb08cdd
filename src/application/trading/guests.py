"""How a user's own strategy is asked: whatever it does wrong ends it, never the session."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from decimal import Decimal
from operator import index
from typing import Any, TypeVar, cast

from src.application.plain_text import first_line, plain
from src.application.strategies import Strategy
from src.application.strategies.strategy import Progress
from src.domain.market.candle import Candle
from src.domain.signals import Signal, SignalType

T = TypeVar("T")


class GuestFailed(ValueError):
    """What a guest did wrong, in one line."""


class Guest:
    """A :class:`Strategy` around a user's own, under the name that it runs by; raises :class:`GuestFailed`."""

    def __init__(self, name: str, strategy: Strategy) -> None:
        self.strategy_id = name
        self._strategy = strategy
        self.symbol = self._ask(lambda: strategy.symbol)

    @property
    def history_bars(self) -> int:
        """How many closed bars to warm it with."""
        return self._ask(lambda: index(self._strategy.history_bars))

    @property
    def is_warm(self) -> bool:
        """Whether the next candle can give a signal."""
        return self._ask(lambda: bool(self._strategy.is_warm))

    @property
    def progress(self) -> Progress:
        """Bars seen and needed."""
        return self._ask(lambda: Progress(*map(int, self._strategy.progress)))

    @property
    def why_not(self) -> str:
        """Why the last candle gave no signal."""
        return self._ask(lambda: str(self._strategy.why_not))

    def for_symbol(self, symbol: str) -> "Guest":
        """The guest's own instance for another symbol."""
        return Guest(self.strategy_id, self._ask(lambda: self._strategy.for_symbol(symbol)))

    def warm(self, candles: Iterable[Candle]) -> None:
        """Show it its history."""
        self._ask(lambda: self._strategy.warm(candles))

    def on_candle(self, candle: Candle) -> Signal | None:
        """The guest's answer to a candle, if it is a signal for it or none."""
        signal: object = self._ask(lambda: self._strategy.on_candle(candle))
        if signal is None:
            return None
        if not isinstance(signal, Signal) or signal.symbol != candle.symbol:
            said = first_line(signal)[:80]
            raise GuestFailed(
                f"{self.strategy_id} answered a candle of {candle.symbol} with {said!r}, no signal for it"
            )
        return self._ask(lambda: _recordable(signal, self.strategy_id))

    def _ask(self, question: Callable[[], T]) -> T:
        try:
            return question()
        except (
            Exception,
            SystemExit,
        ) as error:  # a stranger's code: whatever it raises is its end, told as such
            text = f"{self.strategy_id} failed with {type(error).__name__}: {first_line(error)}"
            raise GuestFailed(text) from error


def _recordable(signal: Any, name: str) -> Signal:
    """The signal under the guest's name; TypeError or ValueError for what the journal could not keep or read again.

    A signal checks its figures itself, but not of what kinds its other values are.
    """
    for field, is_sound in (
        ("reason", _is_plain(signal.reason)),
        ("at_ms", isinstance(signal.at_ms, int)),
        ("numbers", all(_is_plain(key) and isinstance(value, Decimal) for key, value in signal.numbers)),
    ):
        if not is_sound:
            raise TypeError(f"a signal's {field} cannot be {getattr(signal, field)!r}")
    kind = SignalType(signal.signal_type)
    if signal.strategy_id == name and signal.signal_type is kind:
        return cast("Signal", signal)
    return replace(cast("Signal", signal), strategy_id=name, signal_type=kind)


def _is_plain(text: object) -> bool:
    """Whether it is text, and such as every store takes."""
    return isinstance(text, str) and bool(text) and plain(text) == text
