"""Candles over REST: of trades, of the prices that follow them, and of the distance between those."""

from decimal import Decimal

import pytest

from src.infrastructure.market_data.frames import TradePrint
from src.infrastructure.simulated_exchange.server.bars import DAY_MS, HOUR_MS, MINUTE_MS, Bar, Bars, start_of
from tests.support.exchange_server import Client

LAST_THREE = {"interval": "1m", "limit": 3}


async def closed_ones(client: Client) -> dict[str, object]:
    """What asks for the last candles that no longer change."""
    _, running = await client.call("GET", "/fapi/v1/klines", symbol="BTCUSDT", interval="1m", limit=1)
    return LAST_THREE | {"endTime": running[0][0] - 1}


async def test_prices_that_follow_the_trades_have_their_candles_without_volume(client: Client):
    asked = await closed_ones(client)
    _, candles = await client.call("GET", "/fapi/v1/klines", symbol="BTCUSDT", **asked)
    _, marks = await client.call("GET", "/fapi/v1/markPriceKlines", symbol="BTCUSDT", **asked)
    _, index = await client.call("GET", "/fapi/v1/indexPriceKlines", pair="BTCUSDT", **asked)

    assert [row[:5] for row in marks] == [row[:5] for row in index] == [row[:5] for row in candles]
    assert {row[5] for row in marks} == {"0"}


async def test_a_mark_price_that_is_the_index_has_no_premium(client: Client):
    asked = await closed_ones(client)
    _, candles = await client.call("GET", "/fapi/v1/klines", symbol="BTCUSDT", **asked)
    _, premiums = await client.call("GET", "/fapi/v1/premiumIndexKlines", symbol="BTCUSDT", **asked)

    assert [(row[0], row[6]) for row in premiums] == [(row[0], row[6]) for row in candles]
    assert [row[1:6] for row in premiums] == [["0"] * 5] * 3
    assert {len(row) for row in premiums} == {12}


@pytest.mark.parametrize(
    ("changed", "code"), [({"interval": "2m"}, -1120), ({"symbol": "XXX"}, -1121), ({"limit": 1_501}, -1130)]
)
async def test_candles_that_there_are_not_are_refused(client: Client, changed: dict, code: int):
    asked = {"symbol": "BTCUSDT", **LAST_THREE} | changed

    for path in ("klines", "markPriceKlines", "premiumIndexKlines"):
        status, answer = await client.call("GET", f"/fapi/v1/{path}", **asked)

        assert (status, answer["code"]) == (400, code)


# 2026-01-31T00:00 UTC, a Saturday.
MIDNIGHT_MS = 1_769_817_600_000


def a_bar(open_ms: int, price: int) -> Bar:
    value = Decimal(price)
    return Bar(open_ms, value, value, value, value, Decimal(1), value, 1)


def bars_of_a_day() -> Bars:
    """Ten days and twenty hours before the minutes that are known; the price says which of them it was."""
    days = [a_bar(MIDNIGHT_MS - day * DAY_MS, 1_000 - day) for day in range(10, 0, -1)]
    hours = [a_bar(MIDNIGHT_MS + hour * HOUR_MS, 100 + hour) for hour in range(20)]
    minutes = [a_bar(MIDNIGHT_MS + 20 * HOUR_MS + minute * MINUTE_MS, 10) for minute in range(239)]
    bars = Bars(minutes, hours, days)
    at_ms = MIDNIGHT_MS + DAY_MS - 1
    bars.add(TradePrint("BTCUSDT", 7, Decimal(9), Decimal(1), False, at_ms, at_ms))
    return bars


@pytest.mark.parametrize("interval", ["1m", "1h", "4h", "12h", "1d", "3d", "1w", "1M"])
def test_a_candle_ends_as_it_was_while_it_ran_and_as_it_is_told_afterwards(interval: str):
    bars = bars_of_a_day()
    start_ms = start_of(interval, MIDNIGHT_MS + DAY_MS - 1)

    running, ended = bars.running(interval, MIDNIGHT_MS + DAY_MS - 1), bars.bar_at(interval, start_ms)

    assert running == ended == bars.series(interval)[-1]


def test_the_last_day_is_that_of_all_candles_in_it():
    day = bars_of_a_day().day(MIDNIGHT_MS + DAY_MS)

    assert day is not None
    assert (day.open, day.high, day.low, day.volume) == (Decimal(100), Decimal(119), Decimal(9), Decimal(260))


@pytest.mark.parametrize(
    ("prices", "average"), [(("0.17121", "0.17124"), "0.17123"), (("61800.1", "61800.3"), "61800.23")]
)
def test_an_average_price_has_the_decimals_of_the_prices(prices: tuple[str, str], average: str):
    bars = Bars()
    for number, price in enumerate(prices, start=1):
        bars.add(TradePrint("DOGEUSDT", number, Decimal(price), Decimal(number), False, number, number))

    day = bars.day(DAY_MS)

    assert day is not None
    assert day.average == average
