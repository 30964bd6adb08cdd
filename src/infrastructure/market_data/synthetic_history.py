"""Candles of the synthetic market from before the present, for strategies that need a past to begin with.

Before the market's start they are walked backward from its first price, a candle at a time; after it they are
folded from the price path, which stands for the trades. They fit each other and the present price, but are not
the candles that the trades themselves would have made.
"""

from decimal import Decimal
from hashlib import blake2b
from math import sqrt
from struct import Struct

from src.domain.market.candle import Candle, CandleBuilder, timeframe_ms
from src.domain.money import round_nearest_to_tick
from src.infrastructure.market_data.synthetic_path import SyntheticPaths
from src.infrastructure.market_data.synthetic_symbols import SymbolProfile

_WORDS = Struct("<8I")
_UNIT = 2.0**-32
_SQRT_3 = sqrt(3.0)
_MS_PER_SECOND = 1_000


class SyntheticHistory:
    """The past of one symbol of a market that began at ``start_ms``."""

    def __init__(self, profile: SymbolProfile, seed: int, start_ms: int) -> None:
        self._profile = profile
        self._seed = seed
        self._start_ms = start_ms
        self._symbol = profile.instrument.symbol

    def candles(self, timeframe: str, count: int, second: int) -> list[Candle]:
        """The last ``count`` candles that ended before a second of the market, oldest first."""
        since = self._since_start(timeframe, second)[-count:] if count else []
        return [*self._before_start(timeframe, count - len(since)), *since]

    def _before_start(self, timeframe: str, count: int) -> list[Candle]:
        """Walk backward: each candle's close is the open of the one after it."""
        length_ms = timeframe_ms(timeframe)
        deviation = self._profile.volatility * sqrt(length_ms / _MS_PER_SECOND)
        end_ms = self._start_ms - self._start_ms % length_ms
        close = self._profile.first_price
        candles = []
        for back in range(1, count + 1):
            words = _WORDS.unpack(
                blake2b(f"{self._seed}:{self._symbol}:{timeframe}:{back}".encode(), digest_size=32).digest()
            )
            normal = (sum(words[:4]) - 2.0 / _UNIT) * _UNIT * _SQRT_3
            opened = close / (1.0 + max(-0.2, min(0.2, deviation * normal)))
            high = max(opened, close) * (1.0 + 0.5 * deviation * words[4] * _UNIT)
            low = min(opened, close) * (1.0 - 0.5 * min(deviation, 1.0) * words[5] * _UNIT)
            volume = self._profile.level_steps * (0.2 + words[6] * _UNIT) * (length_ms / _MS_PER_SECOND)
            candles.append(
                Candle(
                    self._symbol,
                    timeframe,
                    end_ms - back * length_ms,
                    self._price(opened),
                    self._price(high),
                    self._price(low),
                    self._price(close),
                    self._quantity(volume),
                )
            )
            close = opened
        candles.reverse()
        return candles

    def _since_start(self, timeframe: str, second: int) -> list[Candle]:
        """Walk the path again from its start; each second counts as one trade at its beginning."""
        paths = SyntheticPaths([self._profile], self._seed)
        builder = CandleBuilder(self._symbol, timeframe)
        volume = self._quantity(self._profile.level_steps * 0.3)
        candles: list[Candle] = []
        while paths.second < second:
            at_ms = self._start_ms + paths.second * _MS_PER_SECOND
            candles += builder.add_trade(self._price(paths.states[0].price), volume, at_ms)
            paths.advance()
        candles += builder.advance(self._start_ms + second * _MS_PER_SECOND)
        return candles

    def _price(self, price: float) -> Decimal:
        tick = self._profile.instrument.tick_size
        return max(tick, round_nearest_to_tick(Decimal(price), tick))

    def _quantity(self, steps: float) -> Decimal:
        return self._profile.instrument.step_size * max(1, int(steps))
