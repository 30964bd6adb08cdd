"""What a bar becomes: a path of points, each a quote and a print, on which paper orders can be filled.

A bar says where the price has been, not in which order. The path taken is stated, not guessed from positions: open,
then the extreme that lies on the way back (the low of a bar that closed at or above its open, else the high), then
the other extreme, then the close. Legs longer than :data:`STRIDE` are walked in equal strides, so that a trigger is
met near its price and not at the end of the leg.

The quote at each point is unkind to whoever takes it: its spread reaches from the point before to this one, and half
a spread (:data:`HALF_SPREAD`, at least a tick) beyond both, so a target that a rise sets off sells at the bid of the
point below it, and a stop that it sets off buys at the ask of the point above. At the open it is half a spread to
either side. What stands there is a share of the last bar that had a volume (:data:`SHARE_SHOWN`), never of the bar
itself, which is not known yet. The prints share the bar's volume equally.
"""

from decimal import ROUND_DOWN, Decimal
from math import ceil
from typing import Final

from src.domain.market.instrument import Instrument
from src.domain.money import round_price_up_to_tick
from src.infrastructure.market_data.bar_file import Bar
from src.infrastructure.market_data.frames import BarPoint, MarketFrame

HALF_SPREAD: Final = Decimal("0.0001")
"""Half of the spread of the book, as a fraction of the price."""
STRIDE: Final = Decimal("0.002")
"""The longest step between two points of a path, as a fraction of the price."""
SHARE_SHOWN: Final = Decimal("0.1")
"""How much of the last bar's volume stands at the best price of either side."""
IDS_PER_BAR: Final = 10_000
"""How many update ids and trade ids a bar may use."""

_LEG_STRIDES_MAX: Final = 3_000
_SATOSHI: Final = Decimal("0.00000001")
_NS_PER_MS: Final = 1_000_000


class BarPath:
    """Makes the frames of one symbol's bars, one after the other; ``source`` is the number of the symbol."""

    def __init__(self, instrument: Instrument, step_ms: int, source: int) -> None:
        self._symbol = instrument.symbol
        self._tick = instrument.tick_size
        self._step = instrument.step_size
        self._step_ms = step_ms
        self._source = source
        self._shown = self._step
        self._close: Decimal | None = None
        self._bars = 0

    def skip(self, bar: Bar) -> None:
        """Go past a bar without making its frames; what the next bar needs to know of it is kept."""
        self._bars += 1
        self._close = bar.close
        if bar.volume:
            self._shown = max(self._step, bar.volume * SHARE_SHOWN // self._step * self._step)

    def frames(self, bar: Bar) -> list[MarketFrame]:
        """The frames of a bar, by time."""
        points = _path(bar, self._tick, self._step_ms)
        half = round_price_up_to_tick(bar.open * HALF_SPREAD, self._tick)
        share, rest = self._shares(bar, len(points))
        symbol, shown, source, line = self._symbol, self._shown, self._source, bar.line
        number = self._bars * IDS_PER_BAR
        before = bar.open
        has_depth = bar.low > half
        seller_took = self._close is not None and bar.open < self._close
        frames: list[MarketFrame] = []
        last = len(points) - 1
        for place, (price, offset_ms) in enumerate(points):
            number += 1
            at_ms = bar.open_ms + offset_ms
            below, above = before, price
            if place:
                seller_took = price < before
                if seller_took:
                    below, above = price, before
            # A price below half a spread has half of itself for a bid.
            bid = below - half if has_depth or below > half else below / 2
            quantity = rest if place == last else share
            point = BarPoint(
                symbol, bid, shown, above + half, shown, number, price, quantity, seller_took, at_ms
            )
            frames.append((at_ms * _NS_PER_MS, source, line, point))
            before = price
        self.skip(bar)
        return frames

    def _shares(self, bar: Bar, count: int) -> tuple[Decimal, Decimal]:
        """The quantity of each print and of the last one; a bar without volume still shows its prices."""
        if not bar.volume:
            return self._step, self._step
        # The integer quotient is exact, and rounds down.
        share = bar.volume // (count * _SATOSHI) * _SATOSHI or _SATOSHI
        return share, max(_SATOSHI, bar.volume.quantize(_SATOSHI, ROUND_DOWN) - share * (count - 1))


def _path(bar: Bar, tick: Decimal, step_ms: int) -> list[tuple[Decimal, int]]:
    """The points of a bar's path: the price, and when it comes, in ms after the open.

    Each of the three legs (to either extreme, to the close) has a third of the bar, the last ends just before the
    bar does. A bar that stays where it opened has its open alone.
    """
    low, high, close = bar.low, bar.high, bar.close
    stride = bar.open * STRIDE
    third = (step_ms - 1) // 3
    at = bar.open
    points = [(at, 0)]
    begins = -third
    has_strides = high - low > stride
    for price in (low, high, close) if close >= at else (high, low, close):
        begins += third
        if price == at:
            continue
        if has_strides and abs(price - at) > stride:
            leg = price - at
            count = min(ceil(abs(leg) / stride), _LEG_STRIDES_MAX)
            points += [
                (max(low, (at + leg * i / count) // tick * tick), begins + third * i // count)
                for i in range(1, count)
            ]
        points.append((price, begins + third))
        at = price
    return points
