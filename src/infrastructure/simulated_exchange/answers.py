"""What the exchange answers, as the objects of Binance's REST API (amounts are strings, ids and times numbers).

The answer to placing an order carries neither average price nor quote (gone since July 2026); queries do.
"""

from typing import Any, TypeAlias

from src.infrastructure.simulated_exchange.event_writer import average_price
from src.infrastructure.simulated_exchange.records import AlgoOrder, Order, Posting, Trade
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
        "closePosition": False,
        "side": order.side,
        "positionSide": order.position_side,
        "stopPrice": "0",
        "workingType": "CONTRACT_PRICE",
        "priceProtect": False,
        "origType": order.type,
        "priceMatch": "NONE",
        "selfTradePreventionMode": "EXPIRE_MAKER",
        "goodTillDate": 0,
        "updateTime": order.updated_ms,
    }


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
    return {
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
        "price": "0",
        "icebergQuantity": None,
        "selfTradePreventionMode": "EXPIRE_MAKER",
        "workingType": found.working_type,
        "priceMatch": "NONE",
        "closePosition": False,
        "priceProtect": False,
        "reduceOnly": found.reduce_only,
        "createTime": found.created_ms,
        "updateTime": found.updated_ms,
        "triggerTime": found.triggered_ms,
        "goodTillDate": 0,
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
