"""Reading: orders, trades, income, positions, balances, as Binance's REST queries answer them."""

from src.infrastructure.simulated_exchange import answers, margin
from src.infrastructure.simulated_exchange.answers import Answer
from src.infrastructure.simulated_exchange.errors import refusal
from src.infrastructure.simulated_exchange.event_writer import break_even_price
from src.infrastructure.simulated_exchange.records import Account, Position
from src.infrastructure.simulated_exchange.state import ExchangeState
from src.infrastructure.simulated_exchange.store import ExchangeStore
from src.infrastructure.simulated_exchange.symbol_market import SymbolMarket
from src.infrastructure.simulated_exchange.units import divide_half_even, multiply, text


def order(
    state: ExchangeState,
    store: ExchangeStore,
    account: Account,
    symbol: str,
    order_id: int | None,
    client_order_id: str | None,
) -> Answer:
    """GET order, open or closed; -2013 when there is none. Of a reused client id the newest is shown."""
    state.market(symbol)
    if order_id is not None:
        found = account.orders.get(order_id) or store.order(account.number, order_id)
    elif client_order_id:
        found = account.order_ids.get(client_order_id) or store.order_by_client_id(
            account.number, client_order_id
        )
    else:
        raise refusal(-1102, "orderId")
    if found is None or found.symbol != symbol:
        raise refusal(-2013)
    return answers.order(found)


def algo_order(
    store: ExchangeStore, account: Account, algo_id: int | None, client_algo_id: str | None
) -> Answer:
    """GET algoOrder, waiting or closed; -2013 when there is none."""
    if algo_id is not None:
        found = account.algos.get(algo_id) or store.algo(account.number, algo_id)
    elif client_algo_id:
        found = account.algo_ids.get(client_algo_id) or store.algo_by_client_id(
            account.number, client_algo_id
        )
    else:
        raise refusal(-1102, "algoId")
    if found is None:
        raise refusal(-2013)
    return answers.algo(found)


def balance(state: ExchangeState, account: Account) -> list[Answer]:
    """GET balance: one row an asset."""
    return [
        {
            "accountAlias": account.account_id,
            "asset": asset,
            "balance": text(wallet),
            "crossWalletBalance": text(wallet),
            "crossUnPnl": text(_unrealized_in(state, account, asset)),
            "availableBalance": text(margin.available(state, account, asset)),
            "maxWithdrawAmount": text(min(wallet, margin.available(state, account, asset))),
            "marginAvailable": True,
            "updateTime": state.now_ms,
        }
        for asset, wallet in account.wallets.items()
    ]


def position_risk(state: ExchangeState, account: Account, symbol: str | None) -> list[Answer]:
    """GET positionRisk: symbols with a position or an open order."""
    busy = {order.symbol for order in account.orders.values()}
    busy.update(name for name, position in account.positions.items() if position.quantity)
    wanted = busy if symbol is None else busy & {symbol}
    return [_risk(state, account, state.markets[name]) for name in sorted(wanted)]


def _risk(state: ExchangeState, account: Account, market: SymbolMarket) -> Answer:
    symbol = market.rules.symbol
    position = account.positions.get(symbol) or Position()
    mark = market.mark()
    bids, asks = margin.open_notionals(account, symbol)
    total = margin.initial_margin(state, account, market)
    notional = multiply(position.quantity, mark)
    held = divide_half_even(abs(notional), state.leverage(account, symbol))
    return {
        "symbol": symbol,
        "positionSide": "BOTH",
        "positionAmt": text(position.quantity),
        "entryPrice": text(margin.entry_price(position)),
        "breakEvenPrice": text(break_even_price(position, market.rules.taker_rate)),
        "markPrice": text(mark),
        "unRealizedProfit": text(margin.unrealized(position, mark)),
        "liquidationPrice": text(margin.liquidation_price(state, account, market)),
        "isolatedMargin": "0",
        "notional": text(notional),
        "marginAsset": market.rules.margin_asset,
        "isolatedWallet": "0",
        "initialMargin": text(total),
        "maintMargin": text(margin.maintenance_margin(position, market)),
        "positionInitialMargin": text(held),
        "openOrderInitialMargin": text(total - held),
        "adl": 0,
        "bidNotional": text(bids),
        "askNotional": text(asks),
        "updateTime": position.updated_ms,
    }


def _unrealized_in(state: ExchangeState, account: Account, asset: str) -> int:
    return sum(
        margin.unrealized(position, state.markets[symbol].mark())
        for symbol, position in account.positions.items()
        if position.quantity and state.markets[symbol].rules.margin_asset == asset
    )
