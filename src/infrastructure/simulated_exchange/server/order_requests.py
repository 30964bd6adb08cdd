"""Orders as requests spell them, turned into what the engine takes. What the engine checks is not checked here."""

from decimal import Decimal
from typing import Any, Final

from src.infrastructure.simulated_exchange.records import OrderRequest
from src.infrastructure.simulated_exchange.server.parameters import Parameters
from src.infrastructure.simulated_exchange.server.refusals import refuse
from src.infrastructure.simulated_exchange.server.services import Call

ACK: Final = "ACK"
RESULT: Final = "RESULT"
_STP_MODES: Final = frozenset({"NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH"})


def ordinary_request(call: Call, params: Parameters) -> OrderRequest:
    """The parameters of POST order."""
    response_type(params)
    return OrderRequest(
        symbol=params.need("symbol"),
        side=params.need("side"),
        type=params.need("type"),
        quantity=params.decimal("quantity"),
        timestamp=call.timestamp,
        recv_window=call.recv_window,
        price=params.decimal("price"),
        time_in_force=params.text("timeInForce"),
        reduce_only=params.flag("reduceOnly"),
        position_side=params.text("positionSide") or "BOTH",
        client_order_id=params.text("newClientOrderId"),
        **_extras(params),
    )


def conditional_request(call: Call, params: Parameters) -> OrderRequest:
    """The parameters of POST algoOrder."""
    if params.need("algoType") != "CONDITIONAL":
        raise refuse(-1130, "algoType")
    response_type(params)
    extras = _extras(params)
    if params.flag("closePosition"):
        extras["close_position"] = True
    if params.flag("priceProtect"):
        extras["price_protect"] = True
    if (rate := params.decimal("callbackRate")) is not None:
        extras["callback_rate"] = rate
    activate = params.decimal(params.first_of("activatePrice", "activationPrice"))
    if activate is not None:
        extras["activate_price"] = activate
    return OrderRequest(
        symbol=params.need("symbol"),
        side=params.need("side"),
        type=params.need("type"),
        quantity=params.decimal("quantity"),
        timestamp=call.timestamp,
        recv_window=call.recv_window,
        price=_price_of_algo(params),
        trigger_price=params.decimal("triggerPrice"),
        time_in_force=params.text("timeInForce"),
        reduce_only=params.flag("reduceOnly"),
        position_side=params.text("positionSide") or "BOTH",
        working_type=params.text("workingType") or "CONTRACT_PRICE",
        client_order_id=params.text("clientAlgoId"),
        **extras,
    )


def check_ordinary(call: Call, request: OrderRequest) -> None:
    """What an order is refused for whatever the account and the market are like."""
    call.services.venue.engine.test_order(request)


def response_type(params: Parameters) -> str:
    """ACK or RESULT."""
    found = params.text("newOrderRespType") or ACK
    if found not in (ACK, RESULT):
        raise refuse(-1130, "newOrderRespType")
    return found


def _price_of_algo(params: Parameters) -> Decimal | None:
    """Clients send a price of zero with orders that have none."""
    price = params.decimal("price")
    return None if price == 0 else price


def _extras(params: Parameters) -> dict[str, Any]:
    """What only some orders carry, by the engine's names; what was not sent is left to its defaults."""
    extras: dict[str, Any] = {}
    good_till = params.integer("goodTillDate")
    if good_till:
        extras["good_till_ms"] = good_till
    match = params.text("priceMatch")
    if match is not None and match != "NONE":
        extras["price_match"] = match
    prevention = params.text("selfTradePreventionMode")
    if prevention is not None:
        if prevention not in _STP_MODES:
            raise refuse(-5039)
        extras["self_trade_prevention"] = prevention
    return extras
