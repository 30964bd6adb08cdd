"""What every market without a network does alike, whatever its frames are made of."""

from collections.abc import Callable
from pathlib import Path

import pytest

from src.infrastructure.market_data.bars import BarMarket
from src.infrastructure.market_data.recorded import RecordedMarket
from src.infrastructure.market_data.source import MarketSource
from src.infrastructure.market_data.synthetic import SyntheticMarket
from tests.infrastructure.market_data import bar_files, wire


def bars(folder: Path) -> MarketSource:
    return BarMarket([bar_files.write(folder / "BTCUSDT-1m.csv", bar_files.lines(bar_files.rows(1, 3)))])


def recorded(folder: Path) -> MarketSource:
    return RecordedMarket([wire.write(folder / "a.ws", wire.tickers(3))])


def synthetic(folder: Path) -> MarketSource:
    return SyntheticMarket(["BTCUSDT"], 1, seconds=2)


@pytest.mark.parametrize("market", [bars, recorded, synthetic])
def test_a_frame_is_taken_only_when_it_comes_by_the_moment_asked_for(
    market: Callable[[Path], MarketSource], tmp_path: Path
):
    source = market(tmp_path)
    taken = 0

    while (due_ns := source.next_ns) is not None:
        before = source.cursor()
        assert source.next_frame(due_ns - 1) is None
        assert (source.cursor(), source.next_ns) == (before, due_ns)
        frame = source.next_frame(due_ns)
        assert frame is not None and frame[0] == due_ns
        taken += 1

    assert taken > 2
    assert source.next_frame() is None
