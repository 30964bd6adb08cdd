"""What the exchange answers, as the objects of Binance's REST API (amounts are strings, ids and times numbers).

The answer to placing an order carries neither average price nor quote (gone since July 2026); queries do.
"""

from typing import Any, TypeAlias

from src.infrastructure.simulated_exchange.algo_orders import AlgoOrder
from src.infrastructure.simulated_exchange.event_writer import average_price
from src.infrastructure.simulated_exchange.records import Order, Posting, Trade
from src.infrastructure.simulated_exchange.rules import SymbolRules
from src.infrastructure.simulated_exchange.units import multiply, number, text

Answer: TypeAlias = dict[str, Any]


def _order(order: Order) -> Answer:
    return {
        "orderId": order.order_id,
        "symbol": order.symbol,
        "status": order.status,
        "clientOrderId": order.client_order_id,
        "price": text(order.price),
        "origQty": text(order.quantity),
        "executedQty": text(order.executed),
        "timeInForce": order.time_in_force,
        "type": order.type,
        "reduceOnly": order.reduce_only,
        "closePosition": order.close_position,
        "side": order.side,
        "positionSide": order.position_side,
        "stopPrice": "0",
        "workingType": "CONTRACT_PRICE",
        "priceProtect": False,
        "origType": order.type,
        "priceMatch": order.price_match,
        "selfTradePreventionMode": order.self_trade_prevention,
        "goodTillDate": order.good_till_ms,
        "updateTime": order.updated_ms,
    }


def success(message: str = "success") -> Answer:
    """The answer to a setting that was changed."""
    return {"code": 200, "msg": message}


def placed(order: Order) -> Answer:
    """The answer to placing, modifying and cancelling an order."""
    return _order(order) | {"cumQty": text(order.executed)}


def order(found: Order) -> Answer:
    """The answer to asking for an order."""
    return _order(found) | {
        "avgPrice": text(average_price(found)),
        "cumQuote": text(found.quote),
        "time": found.created_ms,
    }


def algo(found: AlgoOrder) -> Answer:
    """The answer to placing a conditional order, and to asking for one."""
    trailing = {}
    if found.is_trailing:
        trailing = {
            "activatePrice": text(found.activate_price) if found.activate_price else "",
            "callbackRate": text(found.callback_rate),
        }
    return trailing | {
        "algoId": found.algo_id,
        "clientAlgoId": found.client_algo_id,
        "algoType": "CONDITIONAL",
        "orderType": found.type,
        "symbol": found.symbol,
        "side": found.side,
        "positionSide": found.position_side,
        "timeInForce": found.time_in_force,
        "quantity": text(found.quantity),
        "algoStatus": found.status,
        "triggerPrice": text(found.trigger_price),
        "price": text(found.price),
        "icebergQuantity": None,
        "selfTradePreventionMode": found.self_trade_prevention,
        "workingType": found.working_type,
        "priceMatch": found.price_match,
        "closePosition": found.close_position,
        "priceProtect": found.price_protect,
        "reduceOnly": found.reduce_only,
        "createTime": found.created_ms,
        "updateTime": found.updated_ms,
        "triggerTime": found.triggered_ms,
        "goodTillDate": found.good_till_ms,
        "isActivated": found.is_activated,
        "actualOrderId": str(found.actual_order_id or ""),
        "actualPrice": text(found.actual_price),
        "actualQty": text(found.actual_quantity),
    }


def trade(found: Trade) -> Answer:
    """One row of userTrades."""
    return {
        "symbol": found.symbol,
        "id": found.trade_id,
        "orderId": found.order_id,
        "side": found.side,
        "price": text(found.price),
        "qty": text(found.quantity),
        "realizedPnl": text(found.realized),
        "quoteQty": text(multiply(found.price, found.quantity)),
        "commission": text(found.commission),
        "commissionAsset": found.commission_asset,
        "time": found.time_ms,
        "positionSide": found.position_side,
        "buyer": found.side == "BUY",
        "maker": found.is_maker,
        "marginAsset": found.commission_asset,
        "baseQty": "0",
        "pair": found.symbol,
    }


def income(found: Posting) -> Answer:
    """One row of income."""
    return {
        "symbol": found.symbol,
        "incomeType": found.income_type,
        "income": text(found.amount),
        "asset": found.asset,
        "info": found.income_type,
        "time": found.time_ms,
        "tranId": found.tran_id,
        "tradeId": str(found.trade_id or ""),
    }


def brackets(rules: SymbolRules) -> Answer:
    """One row of leverageBracket; amounts are numbers there."""
    return {
        "symbol": rules.symbol,
        "brackets": [
            {
                "bracket": place,
                "initialLeverage": bracket.leverage,
                "notionalCap": number(bracket.cap),
                "notionalFloor": number(bracket.floor),
                "maintMarginRatio": number(bracket.rate),
                "cum": number(bracket.deduction),
            }
            for place, bracket in enumerate(rules.brackets, start=1)
        ],
    }
