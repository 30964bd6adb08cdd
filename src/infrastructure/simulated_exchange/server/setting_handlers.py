"""What can be set for an account, and its listen key, over REST and the WebSocket API."""

from typing import Any

from src.infrastructure.simulated_exchange.server.account_handlers import PAGE_MAX, SUCCESS, max_notional
from src.infrastructure.simulated_exchange.server.refusals import refuse
from src.infrastructure.simulated_exchange.server.services import Call


def set_leverage(call: Call) -> Any:
    """POST leverage."""
    symbol, leverage = call.params.need("symbol"), call.params.need_integer("leverage")
    answer = call.services.venue.writing().set_leverage(call.account, symbol, leverage)
    return {
        "symbol": symbol,
        "leverage": answer["leverage"],
        "maxNotionalValue": max_notional(call, symbol),
    }


def set_margin_type(call: Call) -> Any:
    """POST marginType."""
    symbol, margin_type = call.params.need("symbol"), call.params.need("marginType")
    if margin_type not in ("ISOLATED", "CROSSED"):
        raise refuse(-1130, "marginType")
    call.services.venue.writing().set_margin_type(call.account, symbol, margin_type)
    return SUCCESS


def change_position_margin(call: Call) -> Any:
    """POST positionMargin: 1 adds to an isolated position's wallet, 2 takes back."""
    params = call.params
    symbol, amount, kind = params.need("symbol"), params.need_decimal("amount"), params.need_integer("type")
    side = params.text("positionSide") or "BOTH"
    answer = call.services.venue.writing().change_position_margin(call.account, symbol, amount, kind, side)
    change = {
        "symbol": symbol,
        "type": kind,
        "deltaType": "USER_ADJUST",
        "amount": f"{amount.normalize():f}",
        "asset": call.services.market.view(symbol).instrument.margin_asset,
        "time": call.now_ms,
        "positionSide": side,
    }
    call.services.margin_changes.note(call.account, change)
    return answer


def position_margin_changes(call: Call) -> Any:
    """GET positionMargin/history: the newest changes of a symbol's wallets since the server started, oldest first."""
    params = call.params
    symbol = call.services.market.view(params.need("symbol")).symbol
    kind, limit = params.integer("type"), params.count("limit", 500, PAGE_MAX)
    if kind not in (None, 1, 2):
        raise refuse(-1130, "type")
    since_ms, until_ms = params.moment("startTime") or 0, params.moment("endTime")
    until_ms = call.now_ms if until_ms is None else until_ms
    found = [
        row
        for row in call.services.margin_changes.of(call.account)
        if row["symbol"] == symbol and kind in (None, row["type"]) and since_ms <= row["time"] <= until_ms
    ]
    return found[-limit:]


def set_position_mode(call: Call) -> Any:
    """POST positionSide/dual."""
    call.params.need("dualSidePosition")
    call.services.venue.writing().set_hedge_mode(call.account, call.params.flag("dualSidePosition"))
    return SUCCESS


def position_mode(call: Call) -> Any:
    """GET positionSide/dual."""
    return {"dualSidePosition": call.services.venue.reading().hedge_mode(call.account)}


def multi_assets_mode(call: Call) -> Any:
    """GET multiAssetsMargin: every account is single-asset."""
    return {"multiAssetsMargin": False}


def set_multi_assets_mode(call: Call) -> Any:
    """POST multiAssetsMargin: off is what it is already (-4171); on is not supported."""
    call.params.need("multiAssetsMargin")
    raise refuse(-1020 if call.params.flag("multiAssetsMargin") else -4171)


def fee_burn(call: Call) -> Any:
    """GET feeBurn: fees are paid in the margin asset."""
    return {"feeBurn": False}


def set_fee_burn(call: Call) -> Any:
    """POST feeBurn: off is what it is; on is not supported."""
    call.params.need("feeBurn")
    if call.params.flag("feeBurn"):
        raise refuse(-1020)
    return SUCCESS


def symbol_config(call: Call) -> Any:
    """GET symbolConfig, of one symbol or of all."""
    symbol = call.params.text("symbol")
    symbols = [call.services.market.view(symbol).symbol] if symbol else list(call.services.market.views)
    engine = call.services.venue.reading()
    return [
        {
            "symbol": name,
            "marginType": engine.margin_type(call.account, name),
            "isAutoAddMargin": False,
            "leverage": engine.leverage(call.account, name),
            "maxNotionalValue": max_notional(call, name),
        }
        for name in symbols
    ]


def commission_rate(call: Call) -> Any:
    """GET commissionRate."""
    instrument = call.services.market.view(call.params.need("symbol")).instrument
    return {
        "symbol": instrument.symbol,
        "makerCommissionRate": f"{instrument.maker_rate:f}",
        "takerCommissionRate": f"{instrument.taker_rate:f}",
        "rpiCommissionRate": "0.000050",
    }


def leverage_bracket(call: Call) -> Any:
    """GET leverageBracket: a list, of one symbol too."""
    symbol = call.params.text("symbol")
    if symbol is not None:
        call.services.market.view(symbol)
    return call.services.venue.engine.leverage_brackets(symbol)


def order_limits(call: Call) -> Any:
    """GET rateLimit/order."""
    limits = call.services.limits
    return [
        {
            "rateLimitType": "ORDERS",
            "interval": "SECOND",
            "intervalNum": 10,
            "limit": limits.orders_10s or 300,
        },
        {
            "rateLimitType": "ORDERS",
            "interval": "MINUTE",
            "intervalNum": 1,
            "limit": limits.orders_1m or 1200,
        },
    ]


def start_stream(call: Call) -> Any:
    """POST listenKey."""
    return {"listenKey": call.services.users.start(call.account, call.now_ms)}


def keep_stream(call: Call) -> Any:
    """PUT listenKey."""
    return {"listenKey": call.services.users.keep(call.account, call.now_ms)}


def stop_stream(call: Call) -> Any:
    """DELETE listenKey."""
    call.services.users.stop(call.account)
    return {}
