"""The exchange's memory as one small document, written with every commit, and back again.

Rows hold what must be kept for ever; this holds what is needed to go on exactly: time, counters, wallets,
positions, places in queues, how far trailing stops have followed, what was taken from which level, changed filters,
where triggers hang, when funding is next paid, and how far the market had been read. The books are not in it: the
driver shows the market again (Engine.warm).
"""

from typing import Any, Final, TypeAlias

from src.infrastructure.simulated_exchange.accounts import Account, Position
from src.infrastructure.simulated_exchange.algo_orders import AlgoOrder
from src.infrastructure.simulated_exchange.errors import ExchangeFailure
from src.infrastructure.simulated_exchange.records import Order
from src.infrastructure.simulated_exchange.state import LOOK_MS, Counters, ExchangeState
from src.infrastructure.simulated_exchange.symbol_market import TRADING

Snapshot: TypeAlias = dict[str, Any]

HANGING_SYMBOLS: Final = "hanging_symbols"
HANGING_ALGOS: Final = "hanging_algos"


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
        "trails": [
            [algo.algo_id, algo.extreme, algo.trigger_price]
            for account in state.accounts.values()
            for algo in account.algos.values()
            if algo.is_activated
        ],
        "consumed": {
            symbol: [[side, price, shown, used] for (side, price), (shown, used) in market.consumed.items()]
            for symbol, market in state.markets.items()
            if market.consumed
        },
        "marks": {symbol: state.markets[symbol].mark() for symbol in _held_symbols(state)},
        "statuses": {
            symbol: market.status for symbol, market in state.markets.items() if market.status != TRADING
        },
        "filters": {symbol: market.filters for symbol, market in state.markets.items() if market.filters},
    } | _hanging(state)


def _hanging(state: ExchangeState) -> Snapshot:
    """Where triggers hang, and what hangs there; nothing at all where none does."""
    hanging = {
        HANGING_SYMBOLS: [symbol for symbol, market in state.markets.items() if market.triggers_hang],
        HANGING_ALGOS: [
            algo.algo_id
            for account in state.accounts.values()
            for algo in account.algos.values()
            if algo.hangs
        ],
    }
    return {name: found for name, found in hanging.items() if found}


def restore(state: ExchangeState, snapshot: Snapshot, orders: list[Order], algos: list[AlgoOrder]) -> None:
    """Fill a fresh state with what was taken, and with the orders that are open."""
    state.now_ms = snapshot["now_ms"]
    state.looked_s = state.now_ms // LOOK_MS
    state.next_funding_ms = snapshot["next_funding_ms"]
    state.counters = Counters(*snapshot["counters"])
    state.countdowns = {(number, symbol): at for number, symbol, at in snapshot["countdowns"]}
    for fields in snapshot["accounts"]:
        account = _account_from(fields)
        state.accounts[account.number] = account
    _check_instruments(state, orders, algos)
    _restore_markets(state, snapshot)
    queues = {order_id: (rank, ahead) for order_id, rank, ahead in snapshot["queues"]}
    for order in orders:
        account = state.accounts[order.account]
        account.orders[order.order_id] = account.order_ids[order.client_order_id] = order
        order.rank, order.queue_ahead = queues[order.order_id]
        state.markets[order.symbol].rest(order)
        if order.good_till_ms:
            state.remember_date(order)
    trails = {algo_id: (extreme, trigger) for algo_id, extreme, trigger in snapshot["trails"]}
    for algo in algos:
        account = state.accounts[algo.account]
        if not algo.is_open:
            account.triggered[algo.algo_id] = algo
            continue
        if algo.algo_id in trails:
            algo.extreme, algo.trigger_price = trails[algo.algo_id]
        account.algos[algo.algo_id] = account.algo_ids[algo.client_algo_id] = algo
        market = state.markets[algo.symbol]
        if not (algo.hangs and market.triggers_hang):
            market.triggers(algo.working_type).add(algo)


def _restore_markets(state: ExchangeState, snapshot: Snapshot) -> None:
    for symbol, levels in snapshot["consumed"].items():
        if symbol in state.markets:
            state.markets[symbol].consumed = {
                (side, price): (shown, used) for side, price, shown, used in levels
            }
    for symbol, mark in snapshot["marks"].items():
        state.markets[symbol].remembered_mark = mark
    for symbol, status in snapshot["statuses"].items():
        if symbol in state.markets:
            state.markets[symbol].status = status
    for symbol, filters in snapshot["filters"].items():
        if symbol in state.markets:
            state.markets[symbol].change_filters(filters)
    for symbol in snapshot.get(HANGING_SYMBOLS, ()):
        if symbol in state.markets:
            state.markets[symbol].triggers_hang = True


def _account(account: Account) -> list[Any]:
    positions = [
        [one.symbol, one.side, one.quantity, one.cost, one.realized, one.updated_ms, one.isolated_wallet]
        for sides in account.positions.values()
        for one in sides.values()
    ]
    return [
        account.number,
        account.account_id,
        account.wallets,
        positions,
        account.leverage,
        sorted(account.isolated),
        account.is_hedged,
        sorted(account.warned),
    ]


def _account_from(fields: list[Any]) -> Account:
    number, account_id, wallets, positions, leverage, isolated, is_hedged, warned = fields
    account = Account(
        number,
        account_id,
        wallets,
        leverage=leverage,
        isolated=set(isolated),
        is_hedged=is_hedged,
        warned=set(warned),
    )
    for symbol, side, *rest in positions:
        account.positions.setdefault(symbol, {})[side] = Position(symbol, side, *rest)
    return account


def _held_symbols(state: ExchangeState) -> list[str]:
    return sorted({held.symbol for account in state.accounts.values() for held in account.every_held()})


def _check_instruments(state: ExchangeState, orders: list[Order], algos: list[AlgoOrder]) -> None:
    """Without its instrument a position could be neither valued nor closed."""
    needed = {order.symbol for order in orders} | {algo.symbol for algo in algos} | set(_held_symbols(state))
    if missing := sorted(needed - state.markets.keys()):
        raise ExchangeFailure(
            f"the exchange's file has orders or positions in {', '.join(missing)}, "
            "but no such instrument was given"
        )
