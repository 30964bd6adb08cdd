"""Candles over REST."""

import re
from typing import Any, Final

from src.infrastructure.simulated_exchange.server.bars import INTERVALS, Bar, end_of
from src.infrastructure.simulated_exchange.server.parameters import Parameters
from src.infrastructure.simulated_exchange.server.refusals import refuse
from src.infrastructure.simulated_exchange.server.services import Call

KLINES_MAX: Final = 1_500
_FEW_DIGITS: Final = re.compile(r"[0-9]{1,9}")


def klines(call: Call) -> Any:
    """GET klines and continuousKlines."""
    return [_kline(bar, interval) for bar, interval in _bars(call, call.params.first_of("symbol", "pair"))]


def price_klines(call: Call) -> Any:
    """GET markPriceKlines and indexPriceKlines: the candles of the trades, which these prices follow, unweighted."""
    return [
        [*_kline(bar, interval)[:5], "0", end_of(interval, bar.open_ms) - 1, "0", bar.count, "0", "0", "0"]
        for bar, interval in _bars(call, call.params.first_of("symbol", "pair"))
    ]


def premium_klines(call: Call) -> Any:
    """GET premiumIndexKlines: none, as mark and index price have the same candles here."""
    return [
        [bar.open_ms, *["0"] * 5, end_of(interval, bar.open_ms) - 1, "0", bar.count, "0", "0", "0"]
        for bar, interval in _bars(call, "symbol")
    ]


def _bars(call: Call, name: str) -> list[tuple[Bar, str]]:
    view = call.services.market.view(call.params.need(name))
    interval = call.params.need("interval")
    if interval not in INTERVALS:
        raise refuse(-1120)
    limit = call.params.count("limit", 500, KLINES_MAX)
    since_ms, until_ms = call.params.moment("startTime"), call.params.moment("endTime")
    found = view.bars.series(interval, since_ms or 0, call.now_ms if until_ms is None else until_ms)
    return [(bar, interval) for bar in (found[:limit] if since_ms is not None else found[-limit:])]


def _kline(bar: Bar, interval: str) -> list[Any]:
    return [
        bar.open_ms,
        str(bar.open),
        str(bar.high),
        str(bar.low),
        str(bar.close),
        str(bar.volume),
        end_of(interval, bar.open_ms) - 1,
        str(bar.quote),
        bar.count,
        str(bar.taker_volume),
        str(bar.taker_quote),
        "0",
    ]


def weight_of_klines(params: Parameters) -> int:
    """1 below 100, 2 below 500, 5 up to 1,000, 10 beyond."""
    text = params.text("limit") or ""
    limit = int(text) if _FEW_DIGITS.fullmatch(text) else 500
    return 1 if limit < 100 else 2 if limit < 500 else 5 if limit <= 1_000 else 10
