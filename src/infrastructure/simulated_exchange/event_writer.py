"""User-stream events as Binance puts them on the wire (USDⓈ-M user data streams).

Written with format strings: every value is a number, a fixed word, a symbol, or a client id whose alphabet was
checked when it came in, so nothing needs escaping. ``E`` and ``T`` are engine time.
"""

from collections.abc import Sequence
from typing import Final

from src.infrastructure.simulated_exchange.accounts import Account, Position
from src.infrastructure.simulated_exchange.algo_orders import AlgoOrder
from src.infrastructure.simulated_exchange.danger import Pool
from src.infrastructure.simulated_exchange.margin import (
    cross_wallet,
    entry_price,
    maintenance_margin,
    open_notionals,
    unrealized,
)
from src.infrastructure.simulated_exchange.records import AMENDMENT, Order, Trade
from src.infrastructure.simulated_exchange.state import ExchangeState
from src.infrastructure.simulated_exchange.units import divide_half_even, multiply, text

ORDER_TRADE_UPDATE: Final = "ORDER_TRADE_UPDATE"
ACCOUNT_UPDATE: Final = "ACCOUNT_UPDATE"
ALGO_UPDATE: Final = "ALGO_UPDATE"
ACCOUNT_CONFIG_UPDATE: Final = "ACCOUNT_CONFIG_UPDATE"
MARGIN_CALL: Final = "MARGIN_CALL"

_BOOLEAN: Final = {True: "true", False: "false"}


def average_price(order: Order) -> int:
    """What the order's trades cost on average, in units; 0 before the first."""
    return divide_half_even(order.quote * 10**8, order.executed) if order.executed else 0


def tell_order(
    state: ExchangeState,
    order: Order,
    execution: str,
    trade: Trade | None = None,
    modify_id: int | None = None,
) -> None:
    """ORDER_TRADE_UPDATE: the order as it stands after ``execution`` (NEW, TRADE, CANCELED …)."""
    bids, asks = open_notionals(state.accounts[order.account], order.symbol)
    last_quantity = last_price = realized = "0"
    trade_id, is_maker, commission = 0, False, ""
    if trade is not None:
        last_quantity, last_price = text(trade.quantity), text(trade.price)
        trade_id, is_maker, realized = trade.trade_id, trade.is_maker, text(trade.realized)
        commission = f'"n":"{text(trade.commission)}","N":"{trade.commission_asset}",'
    modified = f',"M":"{modify_id}"' if execution == AMENDMENT and modify_id is not None else ""
    now = state.now_ms
    raw = (
        f'{{"e":"ORDER_TRADE_UPDATE","E":{now},"T":{now},"o":{{"s":"{order.symbol}",'
        f'"c":"{order.client_order_id}","S":"{order.side}","o":"{order.type}","f":"{order.time_in_force}",'
        f'"q":"{text(order.quantity)}","p":"{text(order.price)}","ap":"{text(average_price(order))}","sp":"0",'
        f'"x":"{execution}","X":"{order.status}","i":{order.order_id},"l":"{last_quantity}",'
        f'"z":"{text(order.executed)}","L":"{last_price}",{commission}"T":{now},"t":{trade_id},'
        f'"b":"{text(bids)}","a":"{text(asks)}","m":{_BOOLEAN[is_maker]},"R":{_BOOLEAN[order.reduce_only]},'
        f'"wt":"CONTRACT_PRICE","ot":"{order.type}","ps":"{order.position_side}",'
        f'"cp":{_BOOLEAN[order.close_position]},"rp":"{realized}","pP":false,"si":0,"ss":0,'
        f'"V":"{order.self_trade_prevention}","pm":"{order.price_match}","gtd":{order.good_till_ms},'
        f'"er":"{order.expiry_reason}"{modified}}}}}'
    )
    state.tell(order.account, ORDER_TRADE_UPDATE, raw)


def tell_algo(state: ExchangeState, algo: AlgoOrder) -> None:
    """ALGO_UPDATE: the conditional order as it stands."""
    now = state.now_ms
    actual = ""
    if algo.actual_order_id:
        kind = "LIMIT" if algo.has_limit else "MARKET"
        actual = f'"ap":"{text(algo.actual_price)}","aq":"{text(algo.actual_quantity)}","act":"{kind}",'
    reason = f'"rm":"{algo.reject_reason}",' if algo.reject_reason else ""
    trailing = ""
    if algo.is_trailing:
        trailing = f'"AP":"{text(algo.activate_price)}","cr":"{text(algo.callback_rate)}",'
    raw = (
        f'{{"e":"ALGO_UPDATE","T":{now},"E":{now},"o":{{"caid":"{algo.client_algo_id}","aid":{algo.algo_id},'
        f'"at":"CONDITIONAL","o":"{algo.type}","s":"{algo.symbol}","S":"{algo.side}",'
        f'"ps":"{algo.position_side}","f":"{algo.time_in_force}","q":"{text(algo.quantity)}",'
        f'"X":"{algo.status}","ai":"{algo.actual_order_id or ""}",{actual}"tp":"{text(algo.trigger_price)}",'
        f'"p":"{text(algo.price)}","V":"{algo.self_trade_prevention}","wt":"{algo.working_type}",'
        f'"pm":"{algo.price_match}","cp":{_BOOLEAN[algo.close_position]},"pP":{_BOOLEAN[algo.price_protect]},'
        f'"R":{_BOOLEAN[algo.reduce_only]},{trailing}"tt":{algo.triggered_ms},"gtd":{algo.good_till_ms},{reason}'
        f'"ia":{_BOOLEAN[algo.is_activated]}}}}}'
    )
    state.tell(algo.account, ALGO_UPDATE, raw)


def tell_account(
    state: ExchangeState,
    account: Account,
    reason: str,
    asset: str,
    positions: Sequence[Position] = (),
    balance_change: int = 0,
    funding_symbol: str = "",
) -> None:
    """ACCOUNT_UPDATE: the wallet, and the ``positions`` that changed.

    ``balance_change`` is the change that is neither profit nor commission; ``reason`` is Binance's "m".
    """
    wallet = account.wallets.get(asset, 0)
    cross = cross_wallet(state, account, asset) if account.isolated else wallet
    changed = ",".join([_position(state, account, position) for position in positions])
    about = f',"S":"{funding_symbol}"' if funding_symbol else ""
    now = state.now_ms
    raw = (
        f'{{"e":"ACCOUNT_UPDATE","E":{now},"T":{now},"a":{{"m":"{reason}",'
        f'"B":[{{"a":"{asset}","wb":"{text(wallet)}","cw":"{text(cross)}","bc":"{text(balance_change)}"}}],'
        f'"P":[{changed}]{about}}}}}'
    )
    state.tell(account.number, ACCOUNT_UPDATE, raw)


def tell_leverage(state: ExchangeState, account: Account, symbol: str, leverage: int) -> None:
    """ACCOUNT_CONFIG_UPDATE: another leverage."""
    now = state.now_ms
    raw = f'{{"e":"ACCOUNT_CONFIG_UPDATE","E":{now},"T":{now},"ac":{{"s":"{symbol}","l":{leverage}}}}}'
    state.tell(account.number, ACCOUNT_CONFIG_UPDATE, raw)


def tell_margin_call(state: ExchangeState, account: Account, pool: Pool) -> None:
    """MARGIN_CALL: these positions are near their end; ``cw`` only for cross ones."""
    wallet = "" if pool.is_isolated else f'"cw":"{text(pool.wallet)}",'
    kind = "ISOLATED" if pool.is_isolated else "CROSSED"
    rows = []
    for position in pool.positions:
        market = state.markets[position.symbol]
        mark = market.mark()
        rows.append(
            f'{{"s":"{position.symbol}","ps":"{position.side}","pa":"{text(position.quantity)}","mt":"{kind}",'
            f'"iw":"{text(position.isolated_wallet)}","mp":"{text(mark)}","up":"{text(unrealized(position, mark))}",'
            f'"mm":"{text(maintenance_margin(position, market))}"}}'
        )
    raw = f'{{"e":"MARGIN_CALL","E":{state.now_ms},{wallet}"p":[{",".join(rows)}]}}'
    state.tell(account.number, MARGIN_CALL, raw)


def break_even_price(position: Position, taker_rate: int) -> int:
    """The entry price moved by one taker fee, where closing costs nothing."""
    entry = entry_price(position)
    fee = multiply(entry, taker_rate)
    return entry + fee if position.quantity >= 0 else entry - fee


def _position(state: ExchangeState, account: Account, position: Position) -> str:
    market = state.markets[position.symbol]
    break_even = break_even_price(position, market.rules.taker_rate)
    kind = "isolated" if position.symbol in account.isolated else "cross"
    return (
        f'{{"s":"{position.symbol}","pa":"{text(position.quantity)}","ep":"{text(entry_price(position))}",'
        f'"bep":"{text(break_even)}","cr":"{text(position.realized)}",'
        f'"up":"{text(unrealized(position, market.mark()))}","mt":"{kind}","iw":"{text(position.isolated_wallet)}",'
        f'"ps":"{position.side}"}}'
    )
