"""Public market data over REST."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

from src.infrastructure.simulated_exchange.server.bars import HOUR_MS, DayStatistics
from src.infrastructure.simulated_exchange.server.exchange_info import exchange_info
from src.infrastructure.simulated_exchange.server.parameters import Parameters
from src.infrastructure.simulated_exchange.server.prints import Aggregate
from src.infrastructure.simulated_exchange.server.refusals import refuse
from src.infrastructure.simulated_exchange.server.services import Call
from src.infrastructure.simulated_exchange.server.symbol_view import SymbolView

DEPTH_LIMITS: Final = (5, 10, 20, 50, 100, 500, 1_000)


def ping(call: Call) -> Any:
    """GET ping."""
    return {}


def server_time(call: Call) -> Any:
    """GET time."""
    return {"serverTime": call.now_ms}


def info(call: Call) -> Any:
    """GET exchangeInfo; a symbol that is sent is ignored."""
    return exchange_info(call.services, call.now_ms)


def depth(call: Call) -> Any:
    """GET depth."""
    limit = call.params.integer("limit")
    limit = 500 if limit is None else limit
    view = _view(call)
    if limit > DEPTH_LIMITS[-1]:
        raise refuse(-1130, "limit")
    if limit not in DEPTH_LIMITS:
        raise refuse(-4021, limit)
    bids, asks = view.book.top(limit)
    updated_ms = view.book.updated_ms
    return {"lastUpdateId": view.book.final_id, "E": call.now_ms, "T": updated_ms, "bids": bids, "asks": asks}


def trades(call: Call) -> Any:
    """GET trades and historicalTrades, oldest first; `fromId` pages."""
    view, limit = _view(call), call.params.count("limit", 500, 1_000)
    from_id = call.params.integer("fromId")
    found = [trade for trade in view.prints.trades if from_id is None or trade.trade_id >= from_id]
    return [
        {
            "id": trade.trade_id,
            "price": str(trade.price),
            "qty": str(trade.quantity),
            "quoteQty": str(trade.price * trade.quantity),
            "time": trade.transaction_ms,
            "isBuyerMaker": trade.buyer_is_maker,
            "isRPITrade": False,
        }
        for trade in (found[-limit:] if from_id is None else found[:limit])
    ]


def aggregate_trades(call: Call) -> Any:
    """GET aggTrades, oldest first."""
    view, limit = _view(call), call.params.count("limit", 500, 1_000)
    from_id = call.params.integer("fromId")
    since_ms, until_ms = call.params.integer("startTime"), call.params.integer("endTime")

    def is_wanted(found: Aggregate) -> bool:
        return (
            (from_id is None or found.number >= from_id)
            and (since_ms is None or found.time_ms >= since_ms)
            and (until_ms is None or found.time_ms <= until_ms)
        )

    found = [one for one in view.prints.aggregates if is_wanted(one)]
    from_the_start = from_id is not None or since_ms is not None
    return [_aggregate(one) for one in (found[:limit] if from_the_start else found[-limit:])]


def _aggregate(one: Aggregate) -> dict[str, Any]:
    quantity = str(one.quantity)
    return {
        "a": one.number,
        "p": str(one.price),
        "q": quantity,
        "nq": quantity,
        "f": one.first_id,
        "l": one.last_id,
        "T": one.time_ms,
        "m": one.buyer_is_maker,
    }


def premium_index(call: Call) -> Any:
    """GET premiumIndex, of one symbol or of all that have a mark price."""
    return _one_or_all(call, _premium)


def _premium(call: Call, view: SymbolView) -> dict[str, Any] | None:
    mark = view.mark
    if mark is None:
        return None
    return {
        "symbol": view.symbol,
        "markPrice": str(mark.mark_price),
        "indexPrice": str(mark.index_price),
        "estimatedSettlePrice": str(mark.index_price),
        "lastFundingRate": str(mark.funding_rate),
        "interestRate": "0.00010000",
        "nextFundingTime": mark.next_funding_ms,
        "time": mark.event_ms,
    }


def day_ticker(call: Call) -> Any:
    """GET ticker/24hr."""
    return _one_or_all(call, _day_ticker)


def _day_ticker(call: Call, view: SymbolView) -> dict[str, Any] | None:
    day: DayStatistics | None = view.bars.day(call.now_ms)
    if day is None:
        return None
    return {
        "symbol": view.symbol,
        "priceChange": str(day.change),
        "priceChangePercent": day.change_percent,
        "weightedAvgPrice": day.average,
        "lastPrice": str(day.close),
        "lastQty": str(day.last_quantity),
        "openPrice": str(day.open),
        "highPrice": str(day.high),
        "lowPrice": str(day.low),
        "volume": str(day.volume),
        "quoteVolume": str(day.quote),
        "openTime": day.open_ms,
        "closeTime": day.close_ms,
        "firstId": day.first_id,
        "lastId": day.last_id,
        "count": day.count,
    }


def price_ticker(call: Call) -> Any:
    """GET ticker/price, v1 and v2."""
    return _one_or_all(call, _price)


def _price(call: Call, view: SymbolView) -> dict[str, Any] | None:
    day = view.bars.day(call.now_ms)
    return None if day is None else {"symbol": view.symbol, "price": str(day.close), "time": call.now_ms}


def book_ticker(call: Call) -> Any:
    """GET ticker/bookTicker."""
    return _one_or_all(call, _book_ticker)


def _book_ticker(call: Call, view: SymbolView) -> dict[str, Any] | None:
    ticker = view.ticker
    if ticker is None:
        return None
    return {
        "symbol": view.symbol,
        "bidPrice": str(ticker.bid_price),
        "bidQty": str(ticker.bid_quantity),
        "askPrice": str(ticker.ask_price),
        "askQty": str(ticker.ask_quantity),
        "time": ticker.transaction_ms,
        "lastUpdateId": ticker.update_id,
    }


def funding_rates(call: Call) -> Any:
    """GET fundingRate: what was paid since the server started, oldest first."""
    params = call.params
    symbol = params.text("symbol")
    limit = params.count("limit", 100, 1_000)
    since_ms, until_ms = params.integer("startTime") or 0, params.integer("endTime")
    until_ms = call.now_ms if until_ms is None else until_ms
    found = [
        row
        for row in call.services.market.fundings
        if symbol in (None, row["symbol"]) and since_ms <= row["fundingTime"] <= until_ms
    ]
    return found[:limit] if since_ms else found[-limit:]


def funding_info(call: Call) -> Any:
    """GET fundingInfo: caps and intervals; a symbol that is sent is ignored."""
    hours = call.services.funding_interval_ms // HOUR_MS
    return [
        {
            "symbol": symbol,
            "adjustedFundingRateCap": "0.00300",
            "adjustedFundingRateFloor": "-0.00300",
            "fundingIntervalHours": hours,
            "disclaimer": True,
            "updateTime": None,
        }
        for symbol in call.services.market.views
    ]


def open_interest(call: Call) -> Any:
    """GET openInterest: what the accounts of this exchange are long."""
    symbol = _view(call).symbol
    engine = call.services.venue.reading()
    accounts = {key.account for key in call.services.keys}
    rows = [row for account in accounts for row in engine.position_risk(account, symbol)]
    held = sum((max(Decimal(row["positionAmt"]), Decimal(0)) for row in rows), Decimal(0))
    return {"symbol": symbol, "openInterest": f"{held:f}", "time": call.now_ms}


def adl_risk(call: Call) -> Any:
    """GET symbolAdlRisk: deleveraging happens here only when the admin API asks for it."""
    return _one_or_all(
        call, lambda call, view: {"symbol": view.symbol, "adlRisk": "LOW", "updateTime": call.now_ms}
    )


def _view(call: Call) -> SymbolView:
    return call.services.market.view(call.params.need("symbol"))


def _one_or_all(call: Call, write: Callable[[Call, SymbolView], dict[str, Any] | None]) -> Any:
    """The row of the symbol asked for, or a list of all rows there are."""
    symbol = call.params.text("symbol")
    if symbol is not None:
        row = write(call, call.services.market.view(symbol))
        return {} if row is None else row
    rows = (write(call, view) for view in call.services.market.views.values())
    return [row for row in rows if row is not None]


def weight_of_depth(params: Parameters) -> int:
    """2 up to 50 levels, 5 for 100, 10 for 500, 20 for 1,000."""
    limit = str(params.text("limit") or "500") if "limit" in params else "500"
    return {"5": 2, "10": 2, "20": 2, "50": 2, "100": 5, "500": 10, "1000": 20}.get(limit, 10)


def by_symbol(one: int, every: int) -> Callable[[Parameters], int]:
    """A weight that depends on whether one symbol was asked for."""
    return lambda params: one if "symbol" in params else every
