"""What happens when a conditional order's price comes: an ordinary market order takes its place.

The new order has an id of its own and the conditional order's client id. What a market order would be refused
for (nothing to reduce, no margin, its client id in use) ends the conditional order as REJECTED, with the reason.
"""

from decimal import Decimal

from src.infrastructure.simulated_exchange import event_writer, execution, margin, taking
from src.infrastructure.simulated_exchange.errors import ExchangeError, refusal
from src.infrastructure.simulated_exchange.records import (
    GTC,
    MARKET,
    REJECTED,
    TRIGGERED,
    Account,
    AlgoOrder,
    Order,
)
from src.infrastructure.simulated_exchange.state import ExchangeState
from src.infrastructure.simulated_exchange.symbol_market import SymbolMarket
from src.infrastructure.simulated_exchange.triggers import TriggerBook


def fire_due(state: ExchangeState, market: SymbolMarket, triggers: TriggerBook, price: Decimal) -> None:
    """Trigger every order of ``triggers`` that ``price`` reaches, nearest first."""
    for algo in triggers.due(price):
        if algo.is_open:
            _fire(state, market, triggers, algo)


def _fire(state: ExchangeState, market: SymbolMarket, triggers: TriggerBook, algo: AlgoOrder) -> None:
    account = state.accounts[algo.account]
    triggers.remove(algo)
    del account.algo_ids[algo.client_algo_id]
    algo.updated_ms = algo.triggered_ms = state.now_ms
    state.changes.algos[algo.algo_id] = algo
    child = _child_of(algo)
    try:
        _check(state, account, market, child)
    except ExchangeError as no:
        account.algos.pop(algo.algo_id)
        algo.status = REJECTED
        algo.reject_reason = no.message
        event_writer.tell_algo(state, algo)
        return
    state.counters.order += 1
    child.order_id = algo.actual_order_id = state.counters.order
    algo.status = TRIGGERED
    event_writer.tell_algo(state, algo)
    taking.enter(state, account, market, child)


def _child_of(algo: AlgoOrder) -> Order:
    return Order(
        order_id=0,
        account=algo.account,
        symbol=algo.symbol,
        client_order_id=algo.client_algo_id,
        side=algo.side,
        type=MARKET,
        time_in_force=GTC,
        quantity=algo.quantity,
        price=0,
        reduce_only=algo.reduce_only,
        position_side=algo.position_side,
        created_ms=algo.triggered_ms,
        updated_ms=algo.triggered_ms,
        algo_id=algo.algo_id,
    )


def _check(state: ExchangeState, account: Account, market: SymbolMarket, child: Order) -> None:
    if child.client_order_id in account.order_ids:
        raise refusal(-4116)
    if child.reduce_only:
        if not execution.room_to_reduce(account, child):
            raise refusal(-2022)
    else:
        margin.check_margin(state, account, market, child.side, child.quantity, 0)
