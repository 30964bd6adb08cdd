"""Reading: orders, trades, income, positions, balances, as Binance's REST queries answer them."""

from src.infrastructure.simulated_exchange import answers, danger, margin
from src.infrastructure.simulated_exchange.accounts import Account, Position
from src.infrastructure.simulated_exchange.answers import Answer
from src.infrastructure.simulated_exchange.errors import refusal
from src.infrastructure.simulated_exchange.event_writer import break_even_price
from src.infrastructure.simulated_exchange.records import LONG
from src.infrastructure.simulated_exchange.rows import algo_from_row, order_from_row
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
        found = (
            account.algos.get(algo_id)
            or account.triggered.get(algo_id)
            or store.algo(account.number, algo_id)
        )
    elif client_algo_id:
        found = account.algo_ids.get(client_algo_id) or store.algo_by_client_id(
            account.number, client_algo_id
        )
    else:
        raise refusal(-1102, "algoId")
    if found is None:
        raise refusal(-2013)
    return answers.algo(found)


def all_orders(store: ExchangeStore, account: Account, symbol: str, since_ms: int) -> list[Answer]:
    """Ordinary orders of a symbol since a moment, oldest first, as the file has them."""
    rows = store.query(
        "SELECT * FROM orders WHERE account = ? AND symbol = ? AND created_ms >= ? ORDER BY order_id",
        (account.number, symbol, since_ms),
    )
    return [answers.order(order_from_row(row)) for row in rows]


def all_algo_orders(store: ExchangeStore, account: Account, symbol: str, since_ms: int) -> list[Answer]:
    """Conditional orders of a symbol since a moment, oldest first, as the file has them."""
    rows = store.query(
        "SELECT * FROM algos WHERE account = ? AND symbol = ? AND created_ms >= ? ORDER BY algo_id",
        (account.number, symbol, since_ms),
    )
    return [answers.algo(algo_from_row(row)) for row in rows]


def has_orders(store: ExchangeStore, account: Account) -> bool:
    """Whether the file has an order of the account, ordinary or conditional, open or not."""
    ((found,),) = store.query(
        "SELECT EXISTS (SELECT 1 FROM orders WHERE account = ?1) OR EXISTS (SELECT 1 FROM algos WHERE account = ?1)",
        (account.number,),
    )
    return bool(found)


def balance(state: ExchangeState, account: Account) -> list[Answer]:
    """GET balance: one row an asset."""
    return [
        {
            "accountAlias": account.account_id,
            "asset": asset,
            "balance": text(wallet),
            "crossWalletBalance": text(margin.cross_wallet(state, account, asset)),
            "crossUnPnl": text(_unrealized_in(state, account, asset)),
            "availableBalance": text(margin.available(state, account, asset)),
            "maxWithdrawAmount": text(min(wallet, margin.available(state, account, asset))),
            "marginAvailable": True,
            "updateTime": state.now_ms,
        }
        for asset, wallet in account.wallets.items()
    ]


def position_risk(state: ExchangeState, account: Account, symbol: str | None) -> list[Answer]:
    """GET positionRisk: positions that are not flat, and those that an open order waits to open."""
    busy = {(order.symbol, order.position_side) for order in account.orders.values()}
    busy.update((position.symbol, position.side) for position in account.every_held())
    wanted = sorted(key for key in busy if symbol in (None, key[0]))
    return [_risk(state, account, account.look_at(name, side)) for name, side in wanted]


def _risk(state: ExchangeState, account: Account, position: Position) -> Answer:
    symbol = position.symbol
    market = state.markets[symbol]
    mark = market.mark()
    bids, asks = margin.open_notionals(account, symbol)
    held = margin.position_margin(state, account, position, market)
    ordered = _order_margin(state, account, market, position)
    is_isolated = symbol in account.isolated
    profit = margin.unrealized(position, mark)
    return {
        "symbol": symbol,
        "positionSide": position.side,
        "positionAmt": text(position.quantity),
        "entryPrice": text(margin.entry_price(position)),
        "breakEvenPrice": text(break_even_price(position, market.rules.taker_rate)),
        "markPrice": text(mark),
        "unRealizedProfit": text(profit),
        "liquidationPrice": text(danger.liquidation_price(state, account, position)),
        "isolatedMargin": text(position.isolated_wallet + profit) if is_isolated else "0",
        "notional": text(multiply(position.quantity, mark)),
        "marginAsset": market.rules.margin_asset,
        "isolatedWallet": text(position.isolated_wallet),
        "initialMargin": text(held + ordered),
        "maintMargin": text(margin.maintenance_margin(position, market)),
        "positionInitialMargin": text(held),
        "openOrderInitialMargin": text(ordered),
        "adl": 0,
        "bidNotional": text(bids),
        "askNotional": text(asks),
        "updateTime": position.updated_ms,
    }


def _order_margin(state: ExchangeState, account: Account, market: SymbolMarket, position: Position) -> int:
    """What the open orders bind beyond the position; in hedge mode those that open this one."""
    held = margin.position_margin(state, account, position, market)
    if not account.is_hedged:
        return max(0, margin.initial_margin(state, account, market) - held)
    bids, asks = margin.open_notionals(account, position.symbol)
    more = bids if position.side == LONG else asks
    return divide_half_even(more, state.leverage(account, position.symbol))


def _unrealized_in(state: ExchangeState, account: Account, asset: str) -> int:
    """Of the cross positions in an asset."""
    return sum(
        margin.unrealized(position, state.markets[position.symbol].mark())
        for position in account.every_held()
        if position.symbol not in account.isolated
        and state.markets[position.symbol].rules.margin_asset == asset
    )
