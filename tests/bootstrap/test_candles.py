"""Which markets' candles a session keeps in its database."""

from contextlib import closing
from pathlib import Path

from src.bootstrap.markets import keeps_candles, open_market
from tests.infrastructure.market_data.bar_files import lines, rows, write


def test_bars_are_a_file_of_candles_already(tmp_path: Path):
    path = write(tmp_path / "BTCUSDT-1m.csv", lines(rows(1, 30)))

    with closing(open_market((path,), (), 1)) as bars, closing(open_market((), (), 1)) as synthetic:
        assert not keeps_candles(bars)
        assert keeps_candles(synthetic)
