"""Bars as a market: the path through a bar, what may be known when, and going on after a restart."""

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from src.domain.market.candle import Candle, CandleBuilder
from src.infrastructure.market_data.bar_path import HALF_SPREAD, STRIDE
from src.infrastructure.market_data.bars import BLOCK_MOMENTS, BarMarket
from src.infrastructure.market_data.frames import BarPoint, MarketFrame
from src.infrastructure.market_data.source import SourceError
from tests.infrastructure.market_data.bar_files import MINUTE_MS, START_MS, Row, lines, rows, write

NS = 1_000_000
same_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def frames_of(market: BarMarket, count: int = 1 << 30) -> list[MarketFrame]:
    found: list[MarketFrame] = []
    while len(found) < count and (frame := market.next_frame()) is not None:
        found.append(frame)
    return found


def points(frames: list[MarketFrame], symbol: str = "BTCUSDT") -> list[BarPoint]:
    return [f[3] for f in frames if isinstance(f[3], BarPoint) and f[3].symbol == symbol]


def candles_of(frames: list[MarketFrame], timeframe: str = "1m", symbol: str = "BTCUSDT") -> list[Candle]:
    builder = CandleBuilder(symbol, timeframe)
    found: list[Candle] = []
    for at_ns, _, _, event in frames:
        if isinstance(event, BarPoint) and event.symbol == symbol:
            found += builder.add_trade(event.price, event.quantity, at_ns // NS)
    return [*found, *builder.advance(frames[-1][0] // NS + 86_400_000)[:1]]


def a_market(folder: Path, bars: list[Row], name: str = "BTCUSDT-1m.csv") -> BarMarket:
    return BarMarket([write(folder / name, lines(bars))])


@same_folder
@given(seed=st.integers(0, 10**6))
def test_the_prints_of_a_bar_add_up_to_the_bar(seed: int, tmp_path: Path):
    bars = rows(seed, 30)

    candles = candles_of(frames_of(a_market(tmp_path, bars)))

    for candle, (open_ms, opened, high, low, close, volume) in zip(candles, bars, strict=True):
        assert (candle.open_ms, candle.open, candle.high) == (open_ms, Decimal(opened), Decimal(high))
        assert (candle.low, candle.close) == (Decimal(low), Decimal(close))
        assert candle.volume == Decimal(volume) or not Decimal(volume)


@same_folder
@given(seed=st.integers(0, 10**6))
def test_quotes_are_unkind_to_whoever_takes_them(seed: int, tmp_path: Path):
    bars = {row[0] // MINUTE_MS: row for row in rows(seed, 30)}
    frames = frames_of(a_market(tmp_path, list(bars.values())))

    before = None
    for at_ns, _, _, point in frames:
        assert isinstance(point, BarPoint)
        row = bars[at_ns // NS // MINUTE_MS]
        half = point.price * HALF_SPREAD * Decimal("0.9")
        is_open = at_ns // NS == row[0]
        worst = point.price if is_open or before is None else before
        assert point.ask_price >= max(point.price, worst) + half
        assert point.bid_price <= min(point.price, worst) - half
        assert Decimal(row[3]) <= point.price <= Decimal(row[2])
        assert is_open or abs(point.price - worst) <= point.price * STRIDE * Decimal("1.01") + Decimal("0.1")
        before = point.price


def test_a_rising_bar_visits_its_low_first_and_a_falling_one_its_high(tmp_path: Path):
    rising = (START_MS, "1000.0", "1000.2", "999.9", "1000.1", "4")
    falling = (START_MS + MINUTE_MS, "1000.1", "1000.2", "999.9", "1000.0", "4")

    found = points(frames_of(a_market(tmp_path, [rising, falling])))

    up, down = ["1000.0", "999.9", "1000.2", "1000.1"], ["1000.1", "1000.2", "999.9", "1000.0"]
    assert [str(each.price) for each in found] == [*up, *down]


def test_nothing_of_a_later_row_shows_in_an_earlier_frame(tmp_path: Path):
    bars = rows(4, 60)
    changed = [*bars[:30], *rows(5, 30, start_ms=bars[30][0], price=900_000)]

    frames = frames_of(a_market(tmp_path, bars))
    others = frames_of(a_market(tmp_path, changed, "BTCUSDT-b.csv"))

    early = [frame for frame in frames if frame[0] < bars[30][0] * NS]
    assert early == others[: len(early)]
    assert frames != others


def test_what_stands_in_the_book_is_known_from_the_bar_before(tmp_path: Path):
    bars = [
        (START_MS + n * MINUTE_MS, "100", "100", "100", "100", volume)
        for n, volume in enumerate(("50", "0", "9"))
    ]

    shown = [point.bid_quantity for point in points(frames_of(a_market(tmp_path, bars)))]

    assert shown == [Decimal("0.001"), 5, 5]


@same_folder
@given(seed=st.integers(0, 10**6), share=st.floats(0, 1), other=st.integers(0, 100))
def test_a_market_that_is_resumed_goes_on_with_the_very_next_frame(
    seed: int, share: float, other: int, tmp_path: Path
):
    start_ms = START_MS + 86_400_000 - 20 * MINUTE_MS  # over midnight
    count = 2 * BLOCK_MOMENTS
    files = [
        write(tmp_path / "BTCUSDT.csv", lines(rows(seed, count, start_ms=start_ms))),
        write(tmp_path / "ETHUSDT.csv", lines(rows(seed + 1, 50, start_ms=start_ms + other * MINUTE_MS))),
    ]
    whole = frames_of(BarMarket(files))
    market = BarMarket(files)
    taken = int(share * len(whole))
    frames_of(market, taken)
    if seed % 2:
        assert market.next_ns == (whole[taken][0] if taken < len(whole) else None)  # looking changes nothing

    resumed = BarMarket(files)
    passed: list[MarketFrame] = []
    count = resumed.catch_up(market.cursor(), passed.append)

    assert count == len(passed)
    assert passed == whole[taken - count : taken]
    assert frames_of(resumed) == whole[taken:]


def test_a_market_that_has_come_to_its_end_has_nothing_left_after_a_restart(tmp_path: Path):
    bars = rows(1, 70)
    market = a_market(tmp_path, bars)
    frames = frames_of(market)
    assert market.next_frame() is None

    resumed = a_market(tmp_path, bars)
    passed: list[MarketFrame] = []
    resumed.catch_up(market.cursor(), passed.append)

    assert passed == frames
    assert resumed.next_frame() is None


@pytest.mark.parametrize("timeframe", ["1m", "5m", "1h"])
def test_history_after_a_restart_joins_what_is_passed_on(tmp_path: Path, timeframe: str):
    path = write(tmp_path / "BTCUSDT.csv", lines(rows(7, 3_000)))
    market = BarMarket([path])
    whole = candles_of(frames_of(BarMarket([path])), timeframe)
    frames_of(market, 7_000)

    resumed = BarMarket([path])
    passed: list[MarketFrame] = []
    resumed.catch_up(market.cursor(), passed.append)
    history = resumed.history("BTCUSDT", timeframe, 10_000)

    joined = [*history, *candles_of(passed, timeframe)[:-1]]
    assert history and joined == whole[: len(joined)]
    assert resumed.history("BTCUSDT", timeframe, 3) == history[-3:]


def test_a_fresh_market_has_no_history(tmp_path: Path):
    assert a_market(tmp_path, rows(1, 10)).history("BTCUSDT", "1m", 5) == []


def test_files_of_one_symbol_follow_one_another_and_overlaps_count_once(tmp_path: Path):
    bars = rows(1, 40)
    later = write(tmp_path / "BTCUSDT-2.csv", lines(bars[15:]))
    earlier = write(tmp_path / "BTCUSDT-1.csv", lines(bars[:20]))

    market = BarMarket([later, earlier])

    assert candles_of(frames_of(market)) == candles_of(frames_of(a_market(tmp_path, bars)))


def test_symbols_of_nameless_files_are_asked_for(tmp_path: Path):
    path = write(tmp_path / "prices.csv", lines(rows(1, 5)))

    assert BarMarket([path], ["ETHUSDT"]).symbols == ("ETHUSDT",)
    with pytest.raises(SourceError, match=r"prices.csv tell no symbol"):
        BarMarket([path])


def test_files_of_different_lengths_are_no_market(tmp_path: Path):
    files = [
        write(tmp_path / "BTCUSDT.csv", lines(rows(1, 5))),
        write(tmp_path / "ETHUSDT.csv", lines(rows(1, 5, step_ms=5 * MINUTE_MS))),
    ]

    with pytest.raises(SourceError, match="one length"):
        BarMarket(files)


def test_a_cursor_of_other_files_is_refused(tmp_path: Path):
    market = a_market(tmp_path, rows(1, 5))
    other = a_market(tmp_path, rows(2, 5), "BTCUSDT-other.csv")

    for cursor in (other.cursor(), "{}", "nothing"):
        with pytest.raises(SourceError):
            market.catch_up(cursor, lambda frame: None)


def test_bars_none_of_which_is_on_the_grid_of_their_length_are_refused_in_one_line(tmp_path: Path):
    shifted = [(open_ms + 20_000, *rest) for open_ms, *rest in rows(1, 9)]

    with pytest.raises(SourceError, match="No bar begins at a multiple of 60000 ms"):
        a_market(tmp_path, shifted)  # type: ignore[arg-type]  # a row, in parts


def test_any_amount_of_an_unknown_coin_can_be_traded_however_cheap_it_is(tmp_path: Path):
    price = "0.00000123"
    bars: list[Row] = [(START_MS + n * MINUTE_MS, price, price, price, price, "5000000000") for n in range(3)]
    finer: list[Row] = [(at, o, h, lo, c, "0.12345678") for at, o, h, lo, c, _ in rows(1, 3)]

    cheap = a_market(tmp_path, bars, "PEPEUSDT-1m.csv").instruments["PEPEUSDT"]
    finely = a_market(tmp_path, finer, "XMRUSDT-1m.csv").instruments["XMRUSDT"]

    assert cheap.objection_to(Decimal(4_000_000_000), None, Decimal(price), False) is None
    assert finely.objection_to(Decimal(500), Decimal(40_000), Decimal(40_000), False) is None


def test_the_noise_of_binary_fractions_is_no_grid(tmp_path: Path):
    def noisy(text: str) -> str:
        return repr(float(text) * (1 + 2**-52))

    bars: list[Row] = [
        (at, noisy(o), noisy(h), noisy(lo), noisy(c), noisy(v)) for at, o, h, lo, c, v in rows(1, 60)
    ]

    found = a_market(tmp_path, bars, "XMRUSDT-1m.csv").instruments["XMRUSDT"]

    assert (found.tick_size, found.step_size) == (Decimal("0.1"), Decimal("0.001"))
