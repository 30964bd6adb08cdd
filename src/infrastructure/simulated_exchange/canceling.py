"""Cancelling orders in both stores, one by one or all of a symbol, as the exchange's REST endpoints do it."""

from src.infrastructure.simulated_exchange import answers, event_writer, execution
from src.infrastructure.simulated_exchange.accounts import Account
from src.infrastructure.simulated_exchange.algo_orders import AlgoOrder
from src.infrastructure.simulated_exchange.answers import Answer
from src.infrastructure.simulated_exchange.errors import refusal
from src.infrastructure.simulated_exchange.records import CANCELED, NO_EXPIRY, Order
from src.infrastructure.simulated_exchange.state import ExchangeState


def cancel(
    state: ExchangeState, account: Account, symbol: str, order_id: int | None, client_order_id: str | None
) -> Answer:
    """DELETE order, by either id; -2011 when no such order is open."""
    state.market(symbol)
    order = open_order(account, symbol, order_id, client_order_id, absent=-2011)
    execution.end(state, order, CANCELED, NO_EXPIRY)
    return answers.placed(order)


def open_order(
    account: Account, symbol: str, order_id: int | None, client_order_id: str | None, *, absent: int
) -> Order:
    """The open order with one of these ids; refused with -1102 without any id, with ``absent`` when none is open."""
    if order_id is not None:
        order = account.orders.get(order_id)
    elif client_order_id:
        order = account.order_ids.get(client_order_id)
    else:
        raise refusal(-1102, "orderId")
    if order is None or order.symbol != symbol:
        raise refusal(absent)
    return order


def cancel_all(state: ExchangeState, account: Account, symbol: str) -> Answer:
    """DELETE allOpenOrders: every open ordinary order of a symbol; conditional ones stay."""
    state.market(symbol)
    for order in [order for order in account.orders.values() if order.symbol == symbol]:
        execution.end(state, order, CANCELED, NO_EXPIRY)
    return {"code": 200, "msg": "The operation of cancel all open order is done."}


def end_algo(state: ExchangeState, account: Account, algo: AlgoOrder, status: str) -> None:
    """End a waiting conditional order and tell of it."""
    state.end_algo(account, algo, status)
    event_writer.tell_algo(state, algo)


def cancel_algo(
    state: ExchangeState, account: Account, algo_id: int | None, client_algo_id: str | None
) -> Answer | None:
    """DELETE algoOrder, by either id; None when no such order waits: it has ended, or hangs in its trigger."""
    if algo_id is not None:
        algo = account.algos.get(algo_id)
    elif client_algo_id:
        algo = account.algo_ids.get(client_algo_id)
    else:
        raise refusal(-1102, "algoId")
    if algo is None or algo.hangs:
        return None
    end_algo(state, account, algo, CANCELED)
    return {
        "algoId": algo.algo_id,
        "clientAlgoId": algo.client_algo_id,
        "code": "200",
        "msg": "success",
    }


def cancel_all_algos(state: ExchangeState, account: Account, symbol: str) -> Answer:
    """DELETE algoOpenOrders: every waiting conditional order of a symbol; one that hangs in its trigger stays."""
    state.market(symbol)
    waiting = [algo for algo in account.algos.values() if algo.symbol == symbol and not algo.hangs]
    for algo in waiting:
        end_algo(state, account, algo, CANCELED)
    return {"code": 200, "msg": "The operation of cancel all open order is done."}
