"""A session's closed candles, kept in its store: what strategies warm up with where the market remembers nothing.

Candles are no trading state: nothing is decided by their absence. So they never make a commit of their own; they travel
with the next one, and what a crash loses of them is a hole that the market's own history fills at the next start.
"""

from collections.abc import Callable
from contextlib import closing

from src.application.ports.store import ReadModels
from src.application.trading.session_parts import SessionParts
from src.domain.market.candle import Candle, timeframe_ms

GAP_BARS_MAX = 5
"""How many bars may be missing between stored candles, or since them: older ones are of another market."""
STATISTICS_BARS = 1_740
"""Bars before the session that volatility and correlation are measured on: a day of minutes, and those until the
volatility does not show any more where it was begun."""


class CandleMemory:
    """Keeps the closed candles of one session, and completes the market's history by those kept before."""

    def __init__(self, parts: SessionParts) -> None:
        self._parts = parts
        self._whole_from_ms: int | None = None

    def before(self, on_candle: Callable[[Candle], None]) -> Callable[[Candle], None]:
        """The same handler, with every candle kept first that was seen whole: not the one that ran at the start."""
        if not self._parts.keeps_candles:
            return on_candle
        keep = self._parts.store.keep_candle

        def keep_and_pass(candle: Candle) -> None:
            if self._whole_from_ms is not None and candle.open_ms >= self._whole_from_ms:
                keep(candle)
            on_candle(candle)

        return keep_and_pass

    def recall(self, symbol: str, wanted: int, reads: ReadModels | None) -> list[Candle]:
        """The candles before this process that strategies and statistics begin with, oldest first.

        ``reads`` knows the stored ones; None for an account that had no session before. What the market remembers of
        the time since the first stored candle is kept where it was missing. From now on candles are seen whole.
        """
        parts = self._parts
        self._whole_from_ms = parts.inputs.now_ms()
        timeframe, count = parts.options.timeframe, max(wanted, STATISTICS_BARS)
        own = parts.history(symbol, timeframe, count)
        stored = [] if reads is None else self._stored(reads, symbol, timeframe, count)
        known = {candle.open_ms for candle in stored}
        for candle in own:
            if stored and candle.open_ms > stored[0].open_ms and candle.open_ms not in known:
                parts.store.keep_candle(candle)
        return joined(own, stored, self._whole_from_ms)[-count:]

    def history(self, symbol: str, timeframe: str, count: int) -> list[Candle]:
        """Up to ``count`` closed candles up to now, oldest first: the market's own, and stored ones around them."""
        if not count:
            return []
        own, stored = self._parts.history(symbol, timeframe, count), []
        if self._parts.reads is not None:
            with closing(self._parts.reads()) as reads:
                stored = self._stored(reads, symbol, timeframe, count)
        return joined(own, stored, self._parts.inputs.now_ms())[-count:]

    def _stored(self, reads: ReadModels, symbol: str, timeframe: str, count: int) -> list[Candle]:
        return reads.candles(self._parts.account.account_id, symbol, timeframe, count)


def joined(own: list[Candle], stored: list[Candle], now_ms: int) -> list[Candle]:
    """The market's own candles with the stored ones before and after them, oldest first.

    Stored ones before them, or before ``now_ms`` where there are none, count as far back as they follow one another.
    """
    own_ends_ms = own[-1].open_ms if own else now_ms
    after = [candle for candle in stored if candle.open_ms > own_ends_ms]
    begins_ms = own[0].open_ms if own else now_ms
    before: list[Candle] = []
    for candle in reversed(stored):
        if candle.open_ms >= begins_ms:
            continue
        if begins_ms - candle.close_ms > GAP_BARS_MAX * timeframe_ms(candle.timeframe):
            break
        before.append(candle)
        begins_ms = candle.open_ms
    return [*reversed(before), *own, *after]
