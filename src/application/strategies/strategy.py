"""What the session asks of a strategy.

One instance watches one symbol on one timeframe; it holds indicators, never money, positions or orders. It is
called in the session's loop, so a candle costs microseconds, and it is rebuilt from history after a restart:
nothing of it is stored.
"""

from collections.abc import Iterable
from typing import NamedTuple, Protocol, Self

from src.domain.market.candle import Candle
from src.domain.signals import Signal


class Progress(NamedTuple):
    """How far a strategy has warmed up, in bars: those seen, and those needed before it can speak."""

    seen: int
    needed: int


class Strategy(Protocol):
    """Turns closed candles of one symbol into signals."""

    @property
    def strategy_id(self) -> str:
        """The name that its signals, orders and positions carry."""
        ...

    @property
    def symbol(self) -> str | None:
        """The symbol watched; None for a template that no candle has reached yet."""
        ...

    @property
    def history_bars(self) -> int:
        """How many closed bars to give to :meth:`warm`, so that a restart decides like a run without one."""
        ...

    @property
    def is_warm(self) -> bool:
        """Whether the next candle can give a signal."""
        ...

    @property
    def progress(self) -> Progress:
        """Bars seen and needed, for the line that says why nothing was traded."""
        ...

    @property
    def why_not(self) -> str:
        """Why the last candle gave no signal, in a few words; empty when it gave one."""
        ...

    def for_symbol(self, symbol: str) -> Self:
        """A new instance with the same parameters for another symbol, knowing nothing yet."""
        ...

    def warm(self, candles: Iterable[Candle]) -> None:
        """Forget everything and rebuild from closed candles, oldest first; their signals are dropped."""
        ...

    def on_candle(self, candle: Candle) -> Signal | None:
        """Take one closed candle and answer with a signal, or with nothing.

        A candle that is not newer than the last is ignored, so repeats are harmless. Raises ValueError for a
        candle of another symbol.
        """
        ...
