"""Objects of Binance's REST API, read into our words. The same for the real exchange and the simulated one.

Amounts come as strings and become Decimals; a status or type that we do not know raises ValueError.
"""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final, TypeAlias, TypeVar

from src.application.ports.broker import LeverageBracket
from src.domain.market.sides import OrderSide, PositionSide
from src.domain.orders.news import (
    BalanceReport,
    FillReport,
    IncomeReport,
    ModifyAccepted,
    ModifyOutcome,
    ModifyUnknown,
    OrderReport,
    PositionReport,
    make_fill_report,
    make_order_report,
)
from src.domain.orders.types import OrderStatus, OrderType

Answer: TypeAlias = Mapping[str, Any]
T = TypeVar("T")

UNREADABLE: Final = (LookupError, TypeError, ValueError, ArithmeticError, AttributeError)
"""What an answer of a shape that nobody knows raises when it is read."""

FORGETS_MS: Final = 3 * 86_400_000
"""An order that was canceled or expired without a fill is answered with -2013 three days after it was made."""

# The exchange's own orders may begin as NEW_INSURANCE or NEW_ADL.
_STATUSES: Final = {status.value: status for status in OrderStatus} | {
    "EXPIRED_IN_MATCH": OrderStatus.EXPIRED,
    "NEW_INSURANCE": OrderStatus.NEW,
    "NEW_ADL": OrderStatus.NEW,
}
# The exchange's own orders may be of the type LIQUIDATION, and trade at once (user data streams, Order Update).
_TYPES: Final = {kind.value: kind for kind in OrderType} | {"LIQUIDATION": OrderType.MARKET}
# TRIGGERED and FINISHED say nothing about fills: those belong to the ordinary order that took its place.
_ALGO_STATUSES: Final = _STATUSES | {
    "TRIGGERING": OrderStatus.TRIGGERED,
    "FINISHED": OrderStatus.TRIGGERED,
}


def order_status(text: str) -> OrderStatus:
    """The status of an ordinary order; ValueError for an unknown one."""
    return _known(_STATUSES, text, "order status")


def algo_status(text: str) -> OrderStatus:
    """The status of a conditional order; ValueError for an unknown one."""
    return _known(_ALGO_STATUSES, text, "algo status")


def order_type(text: str) -> OrderType:
    """The type of an order; ValueError for an unknown one."""
    return _known(_TYPES, text, "order type")


def reduces(side: OrderSide, position_side: PositionSide, flag: bool) -> bool:
    """Whether an order can only shrink its position: in hedge mode its sides say so, and the flag does not."""
    return flag if position_side is PositionSide.BOTH else position_side.is_closed_by(side)


def is_whole(value: object) -> bool:
    """Whether it is a whole number that every store takes, as ids and times are."""
    return isinstance(value, int) and -(2**63) <= value < 2**63


def whole(value: Any) -> int:
    """An id or a time, also one that is spelled as text; ValueError for what no store takes."""
    number = int(value)
    if not is_whole(number):
        raise ValueError(f"{number} is no id and no time")
    return number


def order_report(answer: Answer) -> OrderReport:
    """An ordinary order, from a query or from the answer to placing it."""
    limit_price = Decimal(answer["price"])
    side, position_side = OrderSide(answer["side"]), PositionSide(answer["positionSide"])
    return make_order_report(
        client_order_id=answer["clientOrderId"],
        symbol=answer["symbol"],
        side=side,
        position_side=position_side,
        order_type=order_type(answer["type"]),
        status=order_status(answer["status"]),
        quantity=Decimal(answer["origQty"]),
        filled_quantity=Decimal(answer["executedQty"]),
        reduce_only=reduces(side, position_side, answer["reduceOnly"]),
        updated_ms=whole(answer["updateTime"]),
        exchange_order_id=whole(answer["orderId"]),
        limit_price=limit_price or None,
    )


def modify_outcome(client_order_id: str, answer: Answer) -> ModifyOutcome:
    """What the answer to an amendment says, which is the order as it is now.

    An amendment to what is filled already, or of a post-only order to where it would trade, ends the order instead:
    whether it was made is then not for the answer to say. Source: "Modify Order" of the USDⓈ-M API.
    """
    try:
        order = order_report(answer)
    except UNREADABLE:
        return ModifyUnknown(client_order_id, "the answer does not say how the order is now")
    is_over = order.status.is_terminal and order.status is not OrderStatus.FILLED
    if is_over or order.limit_price is None:
        return ModifyUnknown(client_order_id, f"the order is {order.status.value}, says the answer")
    return ModifyAccepted(client_order_id, order.limit_price, order.quantity, order.updated_ms)


def algo_report(answer: Answer) -> OrderReport:
    """A conditional order; after its trigger ``exchange_order_id`` names the order that took its place.

    One that closes the position has no quantity (0), a trailing stop no trigger price before it is active (None).
    """
    actual = answer.get("actualOrderId")
    side, position_side = OrderSide(answer["side"]), PositionSide(answer["positionSide"])
    flag = answer["reduceOnly"] or answer.get("closePosition", False)
    return make_order_report(
        client_order_id=answer["clientAlgoId"],
        symbol=answer["symbol"],
        side=side,
        position_side=position_side,
        order_type=OrderType(answer["orderType"]),
        status=algo_status(answer["algoStatus"]),
        quantity=Decimal(answer["quantity"]),
        filled_quantity=Decimal(answer.get("actualQty") or "0"),
        reduce_only=reduces(side, position_side, flag),
        updated_ms=whole(answer["updateTime"]),
        exchange_order_id=whole(actual) if actual else None,
        algo_id=whole(answer["algoId"]),
        limit_price=Decimal(answer.get("price") or "0") or None,
        stop_price=Decimal(answer["triggerPrice"] or "0") or None,
    )


def lone_algo_report(answer: Answer, now_ms: int) -> OrderReport:
    """A conditional order whose ordinary one is not known, at a venue time in ms.

    FINISHED says that the ordinary one has ended, not how; what ended without a fill is soon forgotten.
    """
    report = algo_report(answer)
    is_over = answer["algoStatus"] == "FINISHED" and now_ms - report.updated_ms > FORGETS_MS
    return replace(report, status=OrderStatus.EXPIRED) if is_over else report


def fill_report(answer: Answer) -> FillReport:
    """A row of userTrades; it does not name the client order id."""
    return make_fill_report(
        symbol=answer["symbol"],
        trade_id=whole(answer["id"]),
        exchange_order_id=whole(answer["orderId"]),
        side=OrderSide(answer["side"]),
        position_side=PositionSide(answer["positionSide"]),
        price=Decimal(answer["price"]),
        quantity=Decimal(answer["qty"]),
        realized_pnl=Decimal(answer["realizedPnl"]),
        commission=Decimal(answer["commission"]),
        commission_asset=answer["commissionAsset"],
        is_maker=answer["maker"],
        traded_ms=whole(answer["time"]),
        margin_asset=answer.get("marginAsset", ""),
    )


def income_report(answer: Answer) -> IncomeReport:
    """A row of income."""
    return IncomeReport(
        transaction_id=whole(answer["tranId"]),
        income_type=answer["incomeType"],
        asset=answer["asset"],
        amount=Decimal(answer["income"]),
        symbol=answer["symbol"],
        at_ms=whole(answer["time"]),
    )


def position_report(answer: Answer) -> PositionReport:
    """A row of positionRisk; a liquidation price of 0 means that there is none."""
    return PositionReport(
        symbol=answer["symbol"],
        position_side=PositionSide(answer["positionSide"]),
        quantity=Decimal(answer["positionAmt"]),
        entry_price=Decimal(answer["entryPrice"]),
        mark_price=Decimal(answer["markPrice"]),
        unrealized_pnl=Decimal(answer["unRealizedProfit"]),
        liquidation_price=Decimal(answer["liquidationPrice"]) or None,
        is_isolated=bool(Decimal(answer.get("isolatedMargin") or "0")),
        isolated_wallet=Decimal(answer.get("isolatedWallet") or "0"),
        maintenance_margin=Decimal(answer.get("maintMargin") or "0"),
    )


def balance_report(answer: Answer) -> BalanceReport:
    """A row of balance."""
    return BalanceReport(asset=answer["asset"], wallet_balance=Decimal(answer["balance"]))


def leverage_bracket(answer: Answer) -> LeverageBracket:
    """A row of leverageBracket; its amounts are numbers, read by way of their shortest text."""
    return LeverageBracket(
        notional_floor=Decimal(str(answer["notionalFloor"])),
        notional_cap=Decimal(str(answer["notionalCap"])),
        leverage_max=int(answer["initialLeverage"]),
        maintenance_rate=Decimal(str(answer["maintMarginRatio"])),
        deduction=Decimal(str(answer["cum"])),
    )


def _known(table: Mapping[str, T], text: str, what: str) -> T:
    known = table.get(text)
    if known is None:
        raise ValueError(f"{text!r} is no {what} that we know")
    return known
