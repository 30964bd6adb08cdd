"""The account over REST and the WebSocket API: money, positions, settings, and its past."""

from decimal import Decimal
from typing import Any, Final

from src.infrastructure.simulated_exchange.server.archive import span_of
from src.infrastructure.simulated_exchange.server.refusals import refuse
from src.infrastructure.simulated_exchange.server.services import Call

PAGE_MAX: Final = 1_000
_PAGE: Final = 500
_INCOME_PAGE: Final = 100
SUCCESS: Final = {"code": 200, "msg": "success"}


def all_orders(call: Call) -> Any:
    """GET allOrders: from an id on, or the newest of a span."""
    params = call.params
    symbol = params.text("symbol")
    if symbol is not None:
        call.services.market.view(symbol)
    limit = params.count("limit", _PAGE, PAGE_MAX)
    span, from_id = span_of(params, call.now_ms), params.integer("orderId")
    call.services.venue.flush()
    return call.services.archive.orders(call.account, symbol, span, from_id, limit, call.now_ms)


def all_algos(call: Call) -> Any:
    """GET allAlgoOrders."""
    params = call.params
    symbol = params.need("symbol")
    call.services.market.view(symbol)
    limit = params.count("limit", _PAGE, PAGE_MAX)
    span, from_id = span_of(params, call.now_ms), params.integer("algoId")
    call.services.venue.flush()
    return call.services.archive.algos(call.account, symbol, span, from_id, limit, call.now_ms)


def user_trades(call: Call) -> Any:
    """GET userTrades: the oldest page of a span, or from an id on; not both (-1128)."""
    params = call.params
    symbol = params.need("symbol")
    call.services.market.view(symbol)
    limit = params.count("limit", _PAGE, PAGE_MAX)
    from_id = params.integer("fromId")
    if from_id is not None and ("startTime" in params or "endTime" in params):
        raise refuse(-1128)
    span = None if from_id is not None else span_of(params, call.now_ms)
    call.services.venue.flush()
    order_id = params.integer("orderId")
    return call.services.archive.trades(call.account, symbol, span, from_id or 0, order_id, limit)


def income(call: Call) -> Any:
    """GET income."""
    params = call.params
    symbol = params.text("symbol")
    limit = params.count("limit", _INCOME_PAGE, PAGE_MAX)
    span, kind = span_of(params, call.now_ms), params.text("incomeType")
    call.services.venue.flush()
    return call.services.archive.income(call.account, symbol, span, kind, limit)


def force_orders(call: Call) -> Any:
    """GET forceOrders."""
    params = call.params
    kind = params.text("autoCloseType")
    if kind not in (None, "LIQUIDATION", "ADL"):
        raise refuse(-1130, "autoCloseType")
    limit = params.count("limit", 50, 100)
    span = span_of(params, call.now_ms)
    call.services.venue.flush()
    return call.services.archive.forced_orders(call.account, params.text("symbol"), span, kind, limit)


def balance(call: Call) -> Any:
    """GET balance, v2 and v3."""
    return call.services.venue.reading().balance(call.account)


def position_risk(call: Call) -> Any:
    """GET v3/positionRisk: what has a position or an open order."""
    symbol = call.params.text("symbol")
    if symbol is not None:
        call.services.market.view(symbol)
    return call.services.venue.reading().position_risk(call.account, symbol)


def position_risk_all(call: Call) -> Any:
    """GET v2/positionRisk: every symbol, with leverage and margin type, without margins."""
    symbol = call.params.text("symbol")
    engine = call.services.venue.reading()
    views = [call.services.market.view(symbol)] if symbol else call.services.market.views.values()
    held: dict[str, list[dict[str, Any]]] = {}
    for row in engine.position_risk(call.account):
        held.setdefault(row["symbol"], []).append(row)
    answer = []
    for view in views:
        margin_type = engine.margin_type(call.account, view.symbol)
        for row in held.get(view.symbol) or [
            _flat(view.symbol, (view.mark and str(view.mark.mark_price)) or "0")
        ]:
            answer.append(
                {name: row[name] for name in _RISK_V2}
                | {
                    "leverage": str(engine.leverage(call.account, view.symbol)),
                    "maxNotionalValue": max_notional(call, view.symbol),
                    "marginType": "isolated" if margin_type == "ISOLATED" else "cross",
                    "isAutoAddMargin": "false",
                }
            )
    return answer


_RISK_V2: Final = (
    *("symbol", "positionAmt", "entryPrice", "breakEvenPrice", "markPrice", "unRealizedProfit"),
    *("liquidationPrice", "isolatedMargin", "positionSide", "notional", "isolatedWallet", "updateTime"),
)


def _flat(symbol: str, mark: str) -> dict[str, Any]:
    zeros = dict.fromkeys(_RISK_V2, "0")
    return zeros | {"symbol": symbol, "positionSide": "BOTH", "markPrice": mark, "updateTime": 0}


def adl_quantile(call: Call) -> Any:
    """GET adlQuantile: the rank of each position, by symbol and side."""
    symbol = call.params.text("symbol")
    if symbol is not None:
        call.services.market.view(symbol)
    engine = call.services.venue.reading()
    both = "HEDGE" if engine.hedge_mode(call.account) else "BOTH"
    ranks: dict[str, dict[str, int]] = {}
    for row in engine.position_risk(call.account, symbol):
        if Decimal(row["positionAmt"]):
            own = ranks.setdefault(row["symbol"], {"LONG": 0, "SHORT": 0, both: 0})
            own[row["positionSide"]] = row["adl"]
    return [{"symbol": name, "adlQuantile": own} for name, own in ranks.items()]


def trading_status(call: Call) -> Any:
    """GET apiTradingStatus: nobody is restricted for how much of what is ordered gets filled."""
    return {"indicators": {}, "updateTime": call.now_ms}


def max_notional(call: Call, symbol: str) -> str:
    """The largest position at the leverage set: the cap of the bracket that allows it."""
    engine = call.services.venue.engine
    leverage = engine.leverage(call.account, symbol)
    rows = engine.leverage_brackets(symbol)[0]["brackets"]
    caps = [row["notionalCap"] for row in rows if row["initialLeverage"] >= leverage]
    return str(max(caps, default=rows[0]["notionalCap"]))


def account(call: Call) -> Any:
    """GET v3/account."""
    engine = call.services.venue.reading()
    positions = engine.position_risk(call.account)
    assets = [_asset(row, positions, call.now_ms) for row in engine.balance(call.account)]
    return _totals(assets) | {"assets": assets, "positions": [_position(row) for row in positions]}


def account_v2(call: Call) -> Any:
    """GET v2/account: every symbol, with leverage and margin type, and what the account may do."""
    engine = call.services.venue.reading()
    risks = engine.position_risk(call.account)
    assets = [
        _asset(row, risks, call.now_ms) | {"marginAvailable": True} for row in engine.balance(call.account)
    ]
    held: dict[str, list[dict[str, Any]]] = {}
    for row in risks:
        held.setdefault(row["symbol"], []).append(row)
    positions = [
        _position_v2(call, row)
        for symbol in call.services.market.views
        for row in held.get(symbol) or [_flat(symbol, "0") | dict.fromkeys(_MARGINS, "0")]
    ]
    return (
        account_config(call)
        | {"feeBurn": False}
        | _totals(assets)
        | {"assets": assets, "positions": positions}
    )


_MARGINS: Final = (
    *("initialMargin", "maintMargin", "positionInitialMargin", "openOrderInitialMargin"),
    *("bidNotional", "askNotional"),
)


def _position_v2(call: Call, row: dict[str, Any]) -> dict[str, Any]:
    engine, symbol = call.services.venue.engine, row["symbol"]
    same = ("entryPrice", "breakEvenPrice", *_MARGINS)
    return (
        _position(row)
        | {name: row[name] for name in same}
        | {
            "leverage": str(engine.leverage(call.account, symbol)),
            "isolated": engine.margin_type(call.account, symbol) == "ISOLATED",
            "maxNotional": max_notional(call, symbol),
        }
    )


def api_restrictions(call: Call) -> Any:
    """GET apiRestrictions, which belongs to the spot exchange: what the key in use may do."""
    key = call.key
    assert key is not None, "a signed request has a key"
    return {
        "ipRestrict": bool(key.addresses),
        "createTime": 0,
        "enableReading": True,
        "enableFutures": key.may_trade,
        "enableWithdrawals": key.may_withdraw,
        "enableInternalTransfer": key.may_withdraw,
        "permitsUniversalTransfer": key.may_withdraw,
        "enableSpotAndMarginTrading": False,
    }


def account_config(call: Call) -> Any:
    """GET accountConfig."""
    return {
        "feeTier": 0,
        "canTrade": True,
        "canDeposit": True,
        "canWithdraw": True,
        "dualSidePosition": call.services.venue.reading().hedge_mode(call.account),
        "updateTime": 0,
        "multiAssetsMargin": False,
        "tradeGroupId": -1,
    }


_SUMS: Final = {
    "totalInitialMargin": "initialMargin",
    "totalMaintMargin": "maintMargin",
    "totalWalletBalance": "walletBalance",
    "totalUnrealizedProfit": "unrealizedProfit",
    "totalMarginBalance": "marginBalance",
    "totalPositionInitialMargin": "positionInitialMargin",
    "totalOpenOrderInitialMargin": "openOrderInitialMargin",
    "totalCrossWalletBalance": "crossWalletBalance",
    "totalCrossUnPnl": "crossUnPnl",
    "availableBalance": "availableBalance",
    "maxWithdrawAmount": "maxWithdrawAmount",
}


def _totals(assets: list[dict[str, Any]]) -> dict[str, str]:
    """Sums over the assets, which are all worth one dollar here."""
    return {
        total: _spell(sum((Decimal(row[name]) for row in assets), Decimal(0)))
        for total, name in _SUMS.items()
    }


def _asset(row: dict[str, Any], positions: list[dict[str, Any]], now_ms: int) -> dict[str, Any]:
    """One asset of an account; its margins are those of the positions settled in it."""
    own = [position for position in positions if position["marginAsset"] == row["asset"]]

    def total(name: str) -> Decimal:
        return sum((Decimal(position[name]) for position in own), Decimal(0))

    unrealized = total("unRealizedProfit")
    return {
        "asset": row["asset"],
        "walletBalance": row["balance"],
        "unrealizedProfit": _spell(unrealized),
        "marginBalance": _spell(Decimal(row["balance"]) + unrealized),
        "maintMargin": _spell(total("maintMargin")),
        "initialMargin": _spell(total("initialMargin")),
        "positionInitialMargin": _spell(total("positionInitialMargin")),
        "openOrderInitialMargin": _spell(total("openOrderInitialMargin")),
        "crossWalletBalance": row["crossWalletBalance"],
        "crossUnPnl": row["crossUnPnl"],
        "availableBalance": row["availableBalance"],
        "maxWithdrawAmount": row["maxWithdrawAmount"],
        "updateTime": row["updateTime"] or now_ms,
    }


def _position(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "symbol": row["symbol"],
        "positionSide": row["positionSide"],
        "positionAmt": row["positionAmt"],
        "unrealizedProfit": row["unRealizedProfit"],
        "isolatedMargin": row["isolatedMargin"],
        "notional": row["notional"],
        "isolatedWallet": row["isolatedWallet"],
        "initialMargin": row["initialMargin"],
        "maintMargin": row["maintMargin"],
        "updateTime": row["updateTime"],
    }


def _spell(value: Decimal) -> str:
    return f"{value:.8f}"
