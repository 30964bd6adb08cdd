"""The weights of a VWAP's slices: what was traded when, as far as anybody saw it."""

from decimal import Decimal
from pathlib import Path

from src.application.trading.market_desk import MarketDesk
from src.application.trading.session_runner import SessionRunner
from src.application.trading.volume_profile import VolumeProfile
from src.domain.market.candle import Candle
from src.domain.market.quality import QualityLimits
from tests.application.trading.sessions import begin, calm, die, parts_of, pass_time
from tests.simulation.market import SYMBOL

SECOND_MS = 1_000


def bars(*volumes: int) -> list[Candle]:
    """A bar a second from the start of time."""
    price = Decimal(100)
    return [
        Candle(SYMBOL, "1s", number * SECOND_MS, price, price, price, price, Decimal(volume))
        for number, volume in enumerate(volumes)
    ]


def weights(profile: VolumeProfile, now_ms: int, duration_ms: int, slices: int) -> list[Decimal]:
    return list(profile.weights(SYMBOL, now_ms, duration_ms, slices))


def test_a_slice_weighs_what_was_traded_in_its_part_of_the_stretch_just_over():
    profile = VolumeProfile()
    for bar in bars(9, 1, 3, 2, 4):
        profile.add(bar)

    assert weights(profile, 5_000, 4_000, 2) == [4, 6]


def test_where_the_bars_do_not_reach_back_every_slice_weighs_the_same():
    profile = VolumeProfile()
    for bar in bars(9, 1, 3, 2, 4)[3:]:
        profile.add(bar)

    assert weights(profile, 5_000, 4_000, 2) == [1, 1]
    assert weights(profile, 5_000, 2_000, 2) == [2, 4]


def test_without_any_volume_every_slice_weighs_the_same():
    profile = VolumeProfile()
    profile.warm(SYMBOL, bars(0, 0, 0, 0))

    assert weights(profile, 4_000, 4_000, 4) == [1, 1, 1, 1]


async def test_a_restart_knows_the_volume_before_it(tmp_path: Path):
    config = calm(tmp_path, strategies=("sma_cross:fast=100,slow=200",), save_state_interval_ms=SECOND_MS)
    first = await begin(config)
    await pass_time(first.loop, 20_000)
    await die(first)

    parts = parts_of(config)
    instrument = parts.desk.instrument(SYMBOL)
    assert instrument is not None
    # One that was not there when the market's past was played again, as at an exchange.
    parts.desk = MarketDesk({SYMBOL: instrument}, parts.options.timeframe, QualityLimits())
    second = SessionRunner(parts)
    await second.start()

    now_ms = second.loop.now_ms()
    assert len(set(parts.desk.volume.weights(SYMBOL, now_ms, 10_000, 5))) > 1
    await die(second)
