"""Orders over REST and the WebSocket API: placing, changing, canceling, asking, in both stores."""

from typing import Any, Final

import msgspec

from src.infrastructure.simulated_exchange.errors import ExchangeError
from src.infrastructure.simulated_exchange.records import NONE
from src.infrastructure.simulated_exchange.server.archive import is_purged, span_of
from src.infrastructure.simulated_exchange.server.order_requests import (
    ACK,
    check_ordinary,
    conditional_request,
    ordinary_request,
    response_type,
)
from src.infrastructure.simulated_exchange.server.parameters import Parameters
from src.infrastructure.simulated_exchange.server.refusals import refuse
from src.infrastructure.simulated_exchange.server.services import Call

BATCH_MAX: Final = 5
CANCEL_BATCH_MAX: Final = 10
_ACKNOWLEDGED: Final = {"status": "NEW", "executedQty": "0", "cumQty": "0"}


def place(call: Call) -> Any:
    """POST order."""
    return _place(call, call.params)


def _place(call: Call, params: Parameters) -> Any:
    answer = call.services.venue.writing().new_order(call.account, ordinary_request(call, params))
    return answer | _ACKNOWLEDGED if response_type(params) == ACK else answer


def place_test(call: Call) -> Any:
    """POST order/test: the request is checked, the account is not looked at."""
    check_ordinary(call, ordinary_request(call, call.params))
    return {}


def place_batch(call: Call) -> Any:
    """POST batchOrders: up to five, each with an answer or a refusal of its own."""
    return [_each(_place, call, Parameters(row)) for row in _rows(call, BATCH_MAX)]


def modify(call: Call) -> Any:
    """PUT order."""
    return _modify(call, call.params)


def _modify(call: Call, params: Parameters) -> Any:
    quantity, price = params.need_decimal("quantity"), params.decimal("price")
    if params.need("side") not in ("BUY", "SELL"):
        raise refuse(-1117)
    order_id, client_id = _ids(params)
    symbol = params.need("symbol")
    modify_id = params.integer("modifyId")
    engine = call.services.venue.writing()
    before = _as_it_stands(call, symbol, order_id, client_id)
    answer = engine.modify_order(
        call.account,
        symbol,
        quantity,
        price,
        call.timestamp,
        recv_window=call.recv_window,
        order_id=order_id,
        client_order_id=client_id,
        modify_id=modify_id,
        reduce_only=params.flag("reduceOnly"),
        price_match=params.text("priceMatch") or NONE,
    )
    call.services.amendments.note(call.account, before, answer, call.now_ms)
    answer = answer | {"pair": symbol}
    return answer if modify_id is None else answer | {"modifyId": modify_id}


def _as_it_stands(call: Call, symbol: str, order_id: int | None, client_id: str | None) -> dict[str, Any]:
    """An open order before it is changed; empty when there is none, which the engine will say."""
    for row in call.services.venue.engine.open_orders(call.account, symbol):
        if row["orderId"] == order_id or (order_id is None and row["clientOrderId"] == client_id):
            return row
    return {}


def amendments(call: Call) -> Any:
    """GET orderAmendment: what was changed about orders since the server started."""
    params = call.params
    symbol = params.need("symbol")
    call.services.market.view(symbol)
    span, limit = span_of(params, call.now_ms), params.count("limit", 50, 100)
    order_id, client_id = params.integer("orderId"), params.text("origClientOrderId")
    rows = [
        row
        for row in call.services.amendments.of(call.account)
        if row["symbol"] == symbol
        and order_id in (None, row["orderId"])
        and client_id in (None, row["clientOrderId"])
        and span.since_ms <= row["time"] <= span.until_ms
    ]
    return rows[-limit:]


def modify_batch(call: Call) -> Any:
    """PUT batchOrders."""
    return [_each(_modify, call, Parameters(row)) for row in _rows(call, BATCH_MAX)]


def cancel(call: Call) -> Any:
    """DELETE order."""
    params = call.params
    symbol = params.need("symbol")
    order_id, client_id = _ids(params)
    return call.services.venue.writing().cancel_order(call.account, symbol, order_id, client_id)


def cancel_batch(call: Call) -> Any:
    """DELETE batchOrders, by a list of either id; clients spell the names in any case."""
    params = call.params
    symbol = params.need("symbol")
    ids = _list(params, params.first_of("orderIdList", "orderidlist"))
    names = _list(params, params.first_of("origClientOrderIdList", "origclientorderidlist"))
    if not ids and not names:
        raise refuse(-1102, "orderIdList")
    if len(ids or names) > CANCEL_BATCH_MAX:
        raise refuse(-1130, "orderIdList")
    rows = [{"orderId": one} for one in ids] or [{"origClientOrderId": one} for one in names]

    def _cancel(call: Call, one: Parameters) -> Any:
        return call.services.venue.writing().cancel_order(call.account, symbol, *_ids(one))

    return [_each(_cancel, call, Parameters(row)) for row in rows]


def cancel_all(call: Call) -> Any:
    """DELETE allOpenOrders."""
    return call.services.venue.writing().cancel_all_orders(call.account, call.params.need("symbol"))


def countdown(call: Call) -> Any:
    """POST countdownCancelAll."""
    symbol, countdown_ms = call.params.need("symbol"), call.params.need_integer("countdownTime")
    return call.services.venue.writing().countdown_cancel_all(call.account, symbol, countdown_ms)


def query(call: Call) -> Any:
    """GET order."""
    params = call.params
    symbol = params.need("symbol")
    answer = call.services.venue.reading().query_order(call.account, symbol, *_ids(params))
    if is_purged(answer["status"], answer["executedQty"], answer["time"], call.now_ms):
        raise refuse(-2013)
    return answer


def query_open(call: Call) -> Any:
    """GET openOrder: -2013 as soon as it is closed."""
    answer = query(call)
    if answer["status"] not in ("NEW", "PARTIALLY_FILLED"):
        raise refuse(-2013)
    return answer


def open_orders(call: Call) -> Any:
    """GET openOrders."""
    return call.services.venue.reading().open_orders(call.account, _known_symbol(call))


def place_algo(call: Call) -> Any:
    """POST algoOrder."""
    answer = call.services.venue.writing().new_algo_order(
        call.account, conditional_request(call, call.params)
    )
    return {name: value for name, value in answer.items() if not name.startswith("actual")}


def cancel_algo(call: Call) -> Any:
    """DELETE algoOrder; the symbol that some clients send is not needed."""
    return call.services.venue.writing().cancel_algo_order(call.account, *_algo_ids(call.params))


def cancel_all_algos(call: Call) -> Any:
    """DELETE algoOpenOrders."""
    return call.services.venue.writing().cancel_all_algo_orders(call.account, call.params.need("symbol"))


def query_algo(call: Call) -> Any:
    """GET algoOrder; of one that triggered, the ordinary order is remembered or not."""
    answer = call.services.venue.reading().query_algo_order(call.account, *_algo_ids(call.params))
    if is_purged(answer["algoStatus"], answer["actualQty"], answer["createTime"], call.now_ms):
        raise refuse(-2013)
    return answer


def open_algos(call: Call) -> Any:
    """GET openAlgoOrders."""
    symbol, algo_id = _known_symbol(call), call.params.integer("algoId")
    rows = call.services.venue.reading().open_algo_orders(call.account, symbol)
    return [row for row in rows if algo_id is None or row["algoId"] == algo_id]


def _known_symbol(call: Call) -> str | None:
    symbol = call.params.text("symbol")
    if symbol is not None:
        call.services.market.view(symbol)
    return symbol


def _ids(params: Parameters) -> tuple[int | None, str | None]:
    """One of the two ids has to be there."""
    order_id, client_id = params.integer("orderId"), params.text("origClientOrderId")
    if order_id is None and client_id is None:
        raise refuse(-1102, "orderId")
    return order_id, client_id


def _algo_ids(params: Parameters) -> tuple[int | None, str | None]:
    algo_id, client_id = params.integer("algoId"), params.text("clientAlgoId")
    if algo_id is None and client_id is None:
        raise refuse(-1102, "algoId")
    return algo_id, client_id


def _rows(call: Call, most: int) -> list[dict[str, Any]]:
    """The orders of a batch."""
    rows = _list(call.params, "batchOrders")
    if not rows:
        raise refuse(-1102, "batchOrders")
    if len(rows) > most or not all(isinstance(row, dict) for row in rows):
        raise refuse(-1130, "batchOrders")
    return rows


def _list(params: Parameters, name: str) -> list[Any]:
    """A JSON list; empty when it was not sent, -1130 when it is no list."""
    text = params.text(name)
    if text is None:
        return []
    try:
        return msgspec.json.decode(text, type=list[Any])
    except (ValueError, RecursionError):
        raise refuse(-1130, name) from None


def _each(handle: Any, call: Call, params: Parameters) -> Any:
    """One member of a batch: its answer, or its refusal in the same place."""
    try:
        return handle(call, params)
    except ExchangeError as error:
        return {"code": error.code, "msg": error.message}
