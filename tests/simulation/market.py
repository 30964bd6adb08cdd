"""A small market for simulations: a seeded random walk with a thin book, so that orders fill in parts."""

import random
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import lru_cache

from src.domain.market.candle import Candle
from src.domain.market.instrument import Instrument
from src.infrastructure.market_data.frames import BookTicker, DepthSnapshot, MarketFrame, TradePrint
from src.infrastructure.market_data.source import OnFrame, SourceStatistics

START_MS = 1_767_600_000_000
SYMBOL = "BTCUSDT"
TICK = Decimal("0.10")
_QUANTITIES = tuple(Decimal(thousandths) / 1000 for thousandths in (1, 2, 5, 20, 200))
_SPELLED = tuple(f"{quantity:.3f}" for quantity in _QUANTITIES)
_STEPS = (-40, -12, -4, -1, 0, 1, 4, 12, 40)
_SPREADS = (1, 1, 2, 5)

BTC = Instrument(
    symbol=SYMBOL,
    base_asset="BTC",
    quote_asset="USDT",
    tick_size=TICK,
    step_size=Decimal("0.001"),
    quantity_min=Decimal("0.001"),
    quantity_max=Decimal(1000),
    market_quantity_max=Decimal(120),
    price_min=Decimal(1),
    price_max=Decimal(4529764),
    notional_min=Decimal(50),
    price_precision=2,
    quantity_precision=3,
)


class SimulatedMarket:
    """All frames of one symbol for some seconds and a quiet end, made in advance. Implements MarketSource.

    Markets of one seed share their frames, but for those that are ``served``: a server dates its frames anew.
    """

    description = "simulated random walk"
    symbols = (SYMBOL,)

    def __init__(self, seed: int, seconds: int, *, served: bool = False) -> None:
        self.instruments: Mapping[str, Instrument] = {SYMBOL: BTC}
        self.statistics = SourceStatistics()
        self.start_ns = START_MS * 1_000_000
        self._frames = (_frames_of if served else _shared_frames)(seed, seconds)
        self._take(0)

    def _take(self, taken: int) -> None:
        """So many frames were taken; ``next_ns`` is when the next one is due, None when there is none."""
        self._taken = taken
        self.next_ns = self._frames[taken][0] if taken < len(self._frames) else None

    def next_frame(self, by_ns: int | None = None) -> MarketFrame | None:
        """Take the next frame, unless it comes later than ``by_ns``."""
        if self.next_ns is None or (by_ns is not None and self.next_ns > by_ns):
            return None
        frame = self._frames[self._taken]
        self._take(self._taken + 1)
        return frame

    def cursor(self) -> str:
        """How many frames were taken."""
        return str(self._taken)

    def catch_up(self, cursor: str, on_frame: OnFrame) -> int:
        """Pass the frames that were taken before."""
        for frame in self._frames[: int(cursor)]:
            on_frame(frame)
        self._take(int(cursor))
        return self._taken

    def history(self, symbol: str, timeframe: str, count: int) -> list[Candle]:
        """There is none."""
        return []

    def close(self) -> None:
        """Nothing to let go of."""


def _frames_of(seed: int, seconds: int) -> list[MarketFrame]:
    rng = random.Random(f"market:{seed}")
    draw, bits = rng.random, rng.getrandbits
    some_ns, step, spread, size = (_below(bits, end) for end in (850_000_000, 9, 4, 5))
    frames: list[MarketFrame] = []
    at_ns, price, number = START_MS * 1_000_000, 600_000, 1
    end_ns = at_ns + seconds * 1_000_000_000
    bids, asks = _levels(size, price, -1), _levels(size, price, 1)
    frames.append((at_ns, 0, 1, DepthSnapshot(SYMBOL, number, bids, asks, START_MS, START_MS)))
    while at_ns < end_ns:
        at_ns += 50_000_000 + some_ns()
        at_ms = at_ns // 1_000_000
        number += 1
        price = max(1_000, price + _STEPS[step()])
        frame: BookTicker | TradePrint
        if draw() < 0.5:
            bid, ask = TICK * price, TICK * (price + _SPREADS[spread()])
            bid_quantity, ask_quantity = _QUANTITIES[size()], _QUANTITIES[size()]
            frame = BookTicker(SYMBOL, bid, bid_quantity, ask, ask_quantity, number, at_ms, at_ms)
        else:
            buyer_is_maker = draw() < 0.5
            quantity = _QUANTITIES[size()]
            frame = TradePrint(SYMBOL, number, TICK * price, quantity, buyer_is_maker, at_ms, at_ms)
        frames.append((at_ns, 0, number, frame))
    frames += _quiet_end(end_ns, price, number, len(frames) + 1)
    return frames


_shared_frames = lru_cache(maxsize=2)(_frames_of)


def _quiet_end(start_ns: int, price: int, number: int, line: int) -> list[MarketFrame]:
    """A few seconds of a deep book, in which whatever has to be closed can be."""
    frames: list[MarketFrame] = []
    for step in range(1, 16):
        at_ns = start_ns + step * 250_000_000
        at_ms = at_ns // 1_000_000
        deep = Decimal(1000 + step)
        ticker = BookTicker(SYMBOL, TICK * price, deep, TICK * (price + 1), deep, number + step, at_ms, at_ms)
        frames.append((at_ns, 0, line + step - 1, ticker))
    return frames


def _levels(size: Callable[[], int], price: int, direction: int) -> list[tuple[str, str]]:
    ticks = range(price + direction, price + direction * 30, direction)
    return [(f"{tick // 10}.{tick % 10}0", _SPELLED[size()]) for tick in ticks]


def _below(bits: Callable[[int], int], end: int) -> Callable[[], int]:
    """What draws a whole number below ``end``, as ``randrange`` does, only sooner."""
    width = end.bit_length()

    def below() -> int:
        drawn = bits(width)
        while drawn >= end:
            drawn = bits(width)
        return drawn

    return below
