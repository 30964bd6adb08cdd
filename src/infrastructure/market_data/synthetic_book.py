"""The book of one synthetic symbol: a landscape of levels that prices wander through, and how frames spell it.

The landscape is a fixed pattern drawn from (seed, symbol): one level in each cell of so many ticks. A side of the
book is a best level wherever the price stands and the landscape behind it. All numbers are integers of ticks and
steps until a frame is made, so every price is on its tick and every quantity on its step.
"""

from decimal import Decimal
from hashlib import blake2b
from math import floor
from typing import Final

from src.infrastructure.market_data.frames import (
    BookTicker,
    DepthSnapshot,
    DepthUpdate,
    Levels,
    MarkPrice,
    TradePrint,
)
from src.infrastructure.market_data.synthetic_path import REGIMES, Draws, PathState
from src.infrastructure.market_data.synthetic_symbols import SymbolProfile

IDS_PER_SECOND: Final = 10_000
"""How many update ids and trade ids a second may use."""

Side = dict[int, int]
"""Levels of one side, best first: tick to quantity in steps."""

_FIRST_ID: Final = 1_000_000
_MEMO_MAX: Final = 50_000
_MASK: Final = 0xFFFFFFFFFFFFFFFF
_FUNDING_INTERVAL_MS: Final = 28_800_000
_BASE_FUNDING: Final = 10_000  # In units of 10⁻⁸: 0.01 % per interval.


def first_update_id(second: int) -> int:
    """The update id at which the book of a second begins, and at which that of the second before ends."""
    return _FIRST_ID + second * IDS_PER_SECOND


class _Grid:
    """Spells integers of ticks or steps as the exchange does, and remembers what it has spelled."""

    __slots__ = ("_decimals", "_memo", "_unit")

    def __init__(self, unit: Decimal, precision: int) -> None:
        self._decimals = max(precision, -int(unit.normalize().as_tuple().exponent), 0)
        self._unit = int(unit.scaleb(self._decimals))
        self._memo: dict[int, tuple[Decimal, str]] = {}

    def spell(self, count: int) -> tuple[Decimal, str]:
        """The number and its text."""
        found = self._memo.get(count)
        if found is None:
            if len(self._memo) > _MEMO_MAX:
                self._memo.clear()
            number = Decimal(count * self._unit).scaleb(-self._decimals)
            found = self._memo[count] = (number, format(number, "f"))
        return found


class SyntheticBook:
    """Knows the landscape of one symbol and makes its frames. ``depth`` is the levels of a side behind the best."""

    def __init__(self, profile: SymbolProfile, depth: int, seed: int) -> None:
        instrument = profile.instrument
        self.symbol = instrument.symbol
        self.level_steps = profile.level_steps
        self._width = profile.cell_ticks
        self._depth = depth
        self._salt = int.from_bytes(
            blake2b(f"{seed}:{self.symbol}:book".encode(), digest_size=8).digest(), "big"
        )
        self._ticks_per_unit = 1.0 / float(instrument.tick_size)
        self._price = _Grid(instrument.tick_size, instrument.price_precision).spell
        self._quantity = _Grid(instrument.step_size, instrument.quantity_precision).spell
        self._cells: dict[int, tuple[int, int]] = {}

    # --- levels -----------------------------------------------------------------------------------------

    def bid_tick(self, price: float, spread: int) -> int:
        """The best bid around a fair price, in ticks; the best ask is ``spread`` ticks above."""
        return max(1, floor(price * self._ticks_per_unit - 0.5 * spread + 0.5))

    def next_level(self, tick: int, step: int) -> tuple[int, int]:
        """Tick and quantity of the landscape's next level beyond a tick, downward (-1) or upward (+1)."""
        cell = tick // self._width
        while True:
            level = self._cell(cell)
            if (level[0] - tick) * step > 0:
                return level
            cell += step

    def side(self, tick: int, steps: int, step: int) -> Side:
        """One side of the book: the best level as given and the landscape behind it."""
        levels = {tick: steps}
        first = tick // self._width
        for cell in range(first, first + step * (self._depth + 1), step):
            level_tick, level_steps = self._cell(cell)
            if (level_tick - tick) * step > 0 < level_tick:
                levels[level_tick] = level_steps
        return levels

    def opening(self, second: int, state: PathState) -> tuple[Side, Side]:
        """Bids and asks at the start of a second, which is where the second before leaves them."""
        bid_tick = self.bid_tick(state.price, 1)
        bid_steps = 1 + (second * 7919 + bid_tick * 31) % self.level_steps
        ask_steps = 1 + (second * 6271 + bid_tick * 37) % self.level_steps
        return self.side(bid_tick, bid_steps, -1), self.side(bid_tick + 1, ask_steps, 1)

    def _cell(self, cell: int) -> tuple[int, int]:
        found = self._cells.get(cell)
        if found is None:
            if len(self._cells) > _MEMO_MAX:
                self._cells.clear()
            # A finaliser in the manner of SplitMix64 (Steele, Lea and Flood 2014).
            noise = (cell * 0x9E3779B97F4A7C15 + self._salt) & _MASK
            noise = ((noise ^ (noise >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
            noise = ((noise ^ (noise >> 27)) * 0x94D049BB133111EB) & _MASK
            steps = max(1, self.level_steps * (30 + (noise >> 32) % 141) // 100)
            found = self._cells[cell] = (cell * self._width + (noise >> 12) % self._width, steps)
        return found

    # --- frames -----------------------------------------------------------------------------------------

    def snapshot(self, second: int, state: PathState, at_ms: int) -> DepthSnapshot:
        """The whole book at the start of a second."""
        bids, asks = self.opening(second, state)
        return DepthSnapshot(
            self.symbol, first_update_id(second), self._spelled(bids), self._spelled(asks), at_ms, at_ms
        )

    def ticker(self, bid: tuple[int, int], ask: tuple[int, int], update_id: int, at_ms: int) -> BookTicker:
        """The best levels, each (tick, steps)."""
        price, quantity = self._price, self._quantity
        return BookTicker(
            self.symbol,
            price(bid[0])[0],
            quantity(bid[1])[0],
            price(ask[0])[0],
            quantity(ask[1])[0],
            update_id,
            at_ms,
            at_ms,
        )

    def depth_update(
        self, before: tuple[Side, Side], after: tuple[Side, Side], first_id: int, final_id: int, at_ms: int
    ) -> DepthUpdate:
        """What changed between two states of the book; the frame before ended just below ``first_id``."""
        bids, asks = (
            self._spelled(
                dict.fromkeys(old.keys() - new.keys(), 0)
                | {tick: steps for tick, steps in new.items() if old.get(tick) != steps}
            )
            for old, new in zip(before, after, strict=True)
        )
        return DepthUpdate(self.symbol, first_id, final_id, first_id - 1, bids, asks, at_ms, at_ms)

    def trade(self, trade_id: int, tick: int, steps: int, buyer_is_maker: bool, at_ms: int) -> TradePrint:
        """One print."""
        return TradePrint(
            self.symbol,
            trade_id,
            self._price(tick)[0],
            self._quantity(steps)[0],
            buyer_is_maker,
            at_ms,
            at_ms,
        )

    def mark_price(self, state: PathState, draws: Draws, at_ms: int) -> MarkPrice:
        """Mark and index price near the path, to 10⁻⁸; the funding rate leans with the trend."""
        mark = round(state.price * 1e8)
        index = mark - round(state.price * (draws.uniforms[5] - 0.5) * 4e3)
        rate = _BASE_FUNDING + round(REGIMES[state.regime].drift * 20_000)
        next_funding_ms = at_ms - at_ms % _FUNDING_INTERVAL_MS + _FUNDING_INTERVAL_MS
        return MarkPrice(
            self.symbol, _of_units(mark), _of_units(index), _of_units(rate), next_funding_ms, at_ms
        )

    def _spelled(self, side: Side) -> Levels:
        price, quantity = self._price, self._quantity
        return [(price(tick)[1], quantity(steps)[1]) for tick, steps in sorted(side.items())]


def _of_units(units: int) -> Decimal:
    """A number given in units of 10⁻⁸."""
    return Decimal(units).scaleb(-8)
