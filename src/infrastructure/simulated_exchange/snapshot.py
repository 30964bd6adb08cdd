"""The exchange's memory as one small document, written with every commit, and back again.

Rows hold what must be kept for ever; this holds what is needed to go on exactly: time, counters, wallets,
positions, places in queues, what was taken from which level, when funding is next paid, and how far the market
had been read. The books are not in it: the driver shows the market again (Engine.warm).
"""

from typing import Any, TypeAlias

from src.infrastructure.simulated_exchange.errors import ExchangeFailure
from src.infrastructure.simulated_exchange.records import Account, AlgoOrder, Order, Position
from src.infrastructure.simulated_exchange.state import Counters, ExchangeState

Snapshot: TypeAlias = dict[str, Any]


def take(state: ExchangeState, cursor: str) -> Snapshot:
    """The document; plain lists, dicts, strings and integers."""
    counters = state.counters
    return {
        "now_ms": state.now_ms,
        "next_funding_ms": state.next_funding_ms,
        "cursor": cursor,
        "counters": [
            counters.order,
            counters.trade,
            counters.algo,
            counters.tran,
            counters.event,
            counters.stream,
            counters.rank,
        ],
        "accounts": [_account(account) for account in state.accounts.values()],
        "countdowns": [[number, symbol, at] for (number, symbol), at in state.countdowns.items()],
        "queues": [
            [order.order_id, order.rank, order.queue_ahead]
            for account in state.accounts.values()
            for order in account.orders.values()
            if order.rank
        ],
        "consumed": {
            symbol: [[side, price, shown, used] for (side, price), (shown, used) in market.consumed.items()]
            for symbol, market in state.markets.items()
            if market.consumed
        },
        "marks": {symbol: state.markets[symbol].mark() for symbol in _held_symbols(state)},
    }


def restore(state: ExchangeState, snapshot: Snapshot, orders: list[Order], algos: list[AlgoOrder]) -> None:
    """Fill a fresh state with what was taken, and with the orders that are open."""
    state.now_ms = snapshot["now_ms"]
    state.next_funding_ms = snapshot["next_funding_ms"]
    state.counters = Counters(*snapshot["counters"])
    state.countdowns = {(number, symbol): at for number, symbol, at in snapshot["countdowns"]}
    for number, account_id, wallets, positions, leverage in snapshot["accounts"]:
        state.accounts[number] = Account(
            number,
            account_id,
            wallets,
            {symbol: Position(*fields) for symbol, fields in positions.items()},
            leverage,
        )
    _check_instruments(state, orders, algos)
    queues = {order_id: (rank, ahead) for order_id, rank, ahead in snapshot["queues"]}
    for order in orders:
        account = state.accounts[order.account]
        account.orders[order.order_id] = account.order_ids[order.client_order_id] = order
        order.rank, order.queue_ahead = queues[order.order_id]
        state.markets[order.symbol].rest(order)
    for algo in algos:
        account = state.accounts[algo.account]
        account.algos[algo.algo_id] = account.algo_ids[algo.client_algo_id] = algo
        state.markets[algo.symbol].triggers(algo.working_type).add(algo)
    for symbol, levels in snapshot["consumed"].items():
        if symbol in state.markets:
            state.markets[symbol].consumed = {
                (side, price): (shown, used) for side, price, shown, used in levels
            }
    for symbol, mark in snapshot["marks"].items():
        state.markets[symbol].remembered_mark = mark


def _account(account: Account) -> list[Any]:
    positions = {
        symbol: [position.quantity, position.cost, position.realized, position.updated_ms]
        for symbol, position in account.positions.items()
    }
    return [account.number, account.account_id, account.wallets, positions, account.leverage]


def _held_symbols(state: ExchangeState) -> list[str]:
    return sorted(
        {
            symbol
            for account in state.accounts.values()
            for symbol, position in account.positions.items()
            if position.quantity
        }
    )


def _check_instruments(state: ExchangeState, orders: list[Order], algos: list[AlgoOrder]) -> None:
    """Without its instrument a position could be neither valued nor closed."""
    needed = {order.symbol for order in orders} | {algo.symbol for algo in algos} | set(_held_symbols(state))
    if missing := sorted(needed - state.markets.keys()):
        raise ExchangeFailure(
            f"the exchange's file has orders or positions in {', '.join(missing)}, "
            "but no such instrument was given"
        )
