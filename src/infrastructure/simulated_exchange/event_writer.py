"""User-stream events as Binance puts them on the wire (USDⓈ-M user data streams).

Written with format strings: every value is a number, a fixed word, a symbol, or a client id whose alphabet was
checked when it came in, so nothing needs escaping. ``E`` and ``T`` are engine time.
"""

from typing import Final

from src.infrastructure.simulated_exchange.margin import entry_price, open_notionals, unrealized
from src.infrastructure.simulated_exchange.records import Account, AlgoOrder, Order, Position, Trade
from src.infrastructure.simulated_exchange.state import ExchangeState
from src.infrastructure.simulated_exchange.symbol_market import SymbolMarket
from src.infrastructure.simulated_exchange.units import divide_half_even, multiply, text

ORDER_TRADE_UPDATE: Final = "ORDER_TRADE_UPDATE"
ACCOUNT_UPDATE: Final = "ACCOUNT_UPDATE"
ALGO_UPDATE: Final = "ALGO_UPDATE"
ACCOUNT_CONFIG_UPDATE: Final = "ACCOUNT_CONFIG_UPDATE"

_BOOLEAN: Final = {True: "true", False: "false"}


def average_price(order: Order) -> int:
    """What the order's trades cost on average, in units; 0 before the first."""
    return divide_half_even(order.quote * 10**8, order.executed) if order.executed else 0


def tell_order(state: ExchangeState, order: Order, execution: str, trade: Trade | None = None) -> None:
    """ORDER_TRADE_UPDATE: the order as it stands after ``execution`` (NEW, TRADE, CANCELED …)."""
    bids, asks = open_notionals(state.accounts[order.account], order.symbol)
    last_quantity = last_price = realized = "0"
    trade_id, is_maker, commission = 0, False, ""
    if trade is not None:
        last_quantity, last_price = text(trade.quantity), text(trade.price)
        trade_id, is_maker, realized = trade.trade_id, trade.is_maker, text(trade.realized)
        commission = f'"n":"{text(trade.commission)}","N":"{trade.commission_asset}",'
    now = state.now_ms
    raw = (
        f'{{"e":"ORDER_TRADE_UPDATE","E":{now},"T":{now},"o":{{"s":"{order.symbol}",'
        f'"c":"{order.client_order_id}","S":"{order.side}","o":"{order.type}","f":"{order.time_in_force}",'
        f'"q":"{text(order.quantity)}","p":"{text(order.price)}","ap":"{text(average_price(order))}","sp":"0",'
        f'"x":"{execution}","X":"{order.status}","i":{order.order_id},"l":"{last_quantity}",'
        f'"z":"{text(order.executed)}","L":"{last_price}",{commission}"T":{now},"t":{trade_id},'
        f'"b":"{text(bids)}","a":"{text(asks)}","m":{_BOOLEAN[is_maker]},"R":{_BOOLEAN[order.reduce_only]},'
        f'"wt":"CONTRACT_PRICE","ot":"{order.type}","ps":"{order.position_side}","cp":false,'
        f'"rp":"{realized}","pP":false,"si":0,"ss":0,"V":"EXPIRE_MAKER","pm":"NONE","gtd":0,'
        f'"er":"{order.expiry_reason}"}}}}'
    )
    state.tell(order.account, ORDER_TRADE_UPDATE, raw)


def tell_algo(state: ExchangeState, algo: AlgoOrder) -> None:
    """ALGO_UPDATE: the conditional order as it stands."""
    now = state.now_ms
    actual = ""
    if algo.actual_order_id:
        actual = f'"ap":"{text(algo.actual_price)}","aq":"{text(algo.actual_quantity)}","act":"MARKET",'
    reason = f'"rm":"{algo.reject_reason}",' if algo.reject_reason else ""
    raw = (
        f'{{"e":"ALGO_UPDATE","T":{now},"E":{now},"o":{{"caid":"{algo.client_algo_id}","aid":{algo.algo_id},'
        f'"at":"CONDITIONAL","o":"{algo.type}","s":"{algo.symbol}","S":"{algo.side}",'
        f'"ps":"{algo.position_side}","f":"{algo.time_in_force}","q":"{text(algo.quantity)}",'
        f'"X":"{algo.status}","ai":"{algo.actual_order_id or ""}",{actual}"tp":"{text(algo.trigger_price)}",'
        f'"p":"0","V":"EXPIRE_MAKER","wt":"{algo.working_type}","pm":"NONE","cp":false,"pP":false,'
        f'"R":{_BOOLEAN[algo.reduce_only]},"tt":{algo.triggered_ms},"gtd":0,{reason}"ia":false}}}}'
    )
    state.tell(algo.account, ALGO_UPDATE, raw)


def tell_account(
    state: ExchangeState,
    account: Account,
    reason: str,
    asset: str,
    balance_change: int = 0,
    market: SymbolMarket | None = None,
    funding_symbol: str = "",
) -> None:
    """ACCOUNT_UPDATE: the wallet, and the position of ``market`` if it changed.

    ``balance_change`` is the change that is neither profit nor commission; ``reason`` is Binance's "m".
    """
    wallet = text(account.wallets.get(asset, 0))
    position = _position(market, account.position(market.rules.symbol)) if market is not None else ""
    about = f',"S":"{funding_symbol}"' if funding_symbol else ""
    now = state.now_ms
    raw = (
        f'{{"e":"ACCOUNT_UPDATE","E":{now},"T":{now},"a":{{"m":"{reason}",'
        f'"B":[{{"a":"{asset}","wb":"{wallet}","cw":"{wallet}","bc":"{text(balance_change)}"}}],'
        f'"P":[{position}]{about}}}}}'
    )
    state.tell(account.number, ACCOUNT_UPDATE, raw)


def tell_leverage(state: ExchangeState, account: Account, symbol: str, leverage: int) -> None:
    """ACCOUNT_CONFIG_UPDATE: another leverage."""
    now = state.now_ms
    raw = f'{{"e":"ACCOUNT_CONFIG_UPDATE","E":{now},"T":{now},"ac":{{"s":"{symbol}","l":{leverage}}}}}'
    state.tell(account.number, ACCOUNT_CONFIG_UPDATE, raw)


def break_even_price(position: Position, taker_rate: int) -> int:
    """The entry price moved by one taker fee, where closing costs nothing."""
    entry = entry_price(position)
    fee = multiply(entry, taker_rate)
    return entry + fee if position.quantity >= 0 else entry - fee


def _position(market: SymbolMarket, position: Position) -> str:
    break_even = break_even_price(position, market.rules.taker_rate)
    return (
        f'{{"s":"{market.rules.symbol}","pa":"{text(position.quantity)}","ep":"{text(entry_price(position))}",'
        f'"bep":"{text(break_even)}","cr":"{text(position.realized)}",'
        f'"up":"{text(unrealized(position, market.mark()))}","mt":"cross","iw":"0","ps":"BOTH"}}'
    )
