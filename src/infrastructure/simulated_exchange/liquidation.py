"""What the exchange does to accounts on its own: margin calls, liquidations, and positions closed by its hand.

A pool (danger.py) whose margin balance has fallen to its maintenance margin is liquidated: its open orders expire,
then its positions are closed, the largest first, until what is left stands again. Each is closed by an order
"autoclose-…", LIMIT IOC as far from the mark price as any taker may go; what the book does not take, the insurance
fund takes at that limit. The liquidation fee is the insurance fund's (INSURANCE_CLEAR), as far as there is money;
what a wallet lacks at the end, the fund pays. Source: Binance, liquidation protocols; where that leaves the way
open, ours is the dearer.
"""

from decimal import Decimal
from typing import Final

from src.infrastructure.simulated_exchange import event_writer, execution, taking
from src.infrastructure.simulated_exchange.accounts import Account, Position
from src.infrastructure.simulated_exchange.danger import Pool, ease_of, pools
from src.infrastructure.simulated_exchange.margin import cross_wallet
from src.infrastructure.simulated_exchange.records import (
    BUY,
    DELISTED,
    EXPIRED,
    GTC,
    IOC,
    LIMIT,
    LIQUIDATED,
    NONE,
    SELL,
    MarketReference,
    Order,
)
from src.infrastructure.simulated_exchange.state import ExchangeState
from src.infrastructure.simulated_exchange.symbol_market import BOUNDLESS, SymbolMarket
from src.infrastructure.simulated_exchange.units import SCALE, multiply, to_units

INSURANCE_CLEAR: Final = "INSURANCE_CLEAR"
LIQUIDATION_ID: Final = "autoclose-"
ADL_ID: Final = "adl_autoclose"
SETTLEMENT_ID: Final = "settlement_autoclose-"
_HALF: Final = Decimal("0.5")


def look_at_margins(state: ExchangeState) -> None:
    """Warn or liquidate every account whose margin asks for it."""
    eases = state.eases
    for number, account in state.accounts.items():
        ease = eases.get(number)
        if ease is None or not ease.holds():
            _look_at(state, account)


def is_at_ease(state: ExchangeState) -> bool:
    """Whether a look would find every account as at ease as the last one did."""
    if len(state.eases) < len(state.accounts) or state.has_trailed:
        return False
    return all(ease.holds() for ease in state.eases.values())


def note_calm(state: ExchangeState) -> None:
    """Note for each market up to which price the last look holds for every account."""
    for market in state.markets.values():
        market.calm_below = BOUNDLESS
    for ease in state.eases.values():
        for market, bound in ease.bounds:
            market.calm_below = min(market.calm_below, bound)


def _look_at(state: ExchangeState, account: Account) -> None:
    """Note how far an account is at ease, else warn or liquidate as its margin asks for."""
    asked = state.rules.margin_call_ratio
    ease = ease_of(state, account) if asked > _HALF else None
    if ease is not None:
        state.eases[account.number] = ease
        return
    ratio = to_units(asked)
    found = pools(state, account)
    if account.warned and not account.warned <= {pool.key for pool in found}:
        account.warned &= {pool.key for pool in found}
        state.changes.state = True
    for pool in found:
        if pool.must_end:
            liquidate(state, account, pool.key)
        elif pool.is_beyond(ratio) and pool.key not in account.warned:
            account.warned.add(pool.key)
            state.changes.state = True
            event_writer.tell_margin_call(state, account, pool)
        elif pool.key in account.warned and not pool.is_beyond(ratio - SCALE // 10):
            account.warned.discard(pool.key)
            state.changes.state = True


def liquidate(state: ExchangeState, account: Account, key: str, *, is_forced: bool = False) -> None:
    """Close a pool's positions until the rest stands; with ``is_forced`` all of them, whatever their margin.

    What a halted symbol holds waits for the end of the halt, unless forced.
    """
    pool = _pool(state, account, key)
    if pool is None or not _closable(state, pool, is_forced):
        return
    symbols = {position.symbol for position in pool.positions}
    for order in list(account.orders.values()):
        is_pools = order.symbol in symbols if pool.is_isolated else order.symbol not in account.isolated
        if is_pools:
            execution.end(state, order, EXPIRED, LIQUIDATED)
    while pool is not None and (pool.must_end or is_forced):
        closable = _closable(state, pool, is_forced)
        if not closable:
            return
        position = max(closable, key=lambda one: _weight(state, one))
        own_wallet = position.isolated_wallet
        before = account.wallets.get(pool.asset, 0)
        paid = _close(state, account, position)
        left = own_wallet + account.wallets[pool.asset] - before
        _clear(state, account, pool, position, paid, left)
        pool = _pool(state, account, key)


def _closable(state: ExchangeState, pool: Pool, is_forced: bool) -> list[Position]:
    return [position for position in pool.positions if is_forced or state.markets[position.symbol].is_trading]


def _pool(state: ExchangeState, account: Account, key: str) -> Pool | None:
    return next((pool for pool in pools(state, account) if pool.key == key), None)


def _weight(state: ExchangeState, position: Position) -> tuple[int, str, str]:
    market = state.markets[position.symbol]
    value = abs(multiply(position.quantity, market.mark())) or position.cost
    return value, position.symbol, position.side


def _close(state: ExchangeState, account: Account, position: Position) -> int:
    """Close a position in the market, the rest at the limit; return the notional that was closed."""
    market = state.markets[position.symbol]
    side = SELL if position.quantity > 0 else BUY
    limit = _on_tick(market, taking.bound_of(market, side, 0), side)
    order = _order(state, account, position, side, limit, LIQUIDATION_ID)
    execution.admit(state, account, order)
    taking.take(state, account, market, order)
    if order.remaining:
        reference = MarketReference("insurance", order.order_id, 0, 0)
        execution.trade(state, market, order, limit, order.remaining, reference, is_maker=False)
        execution.settle(state, account, market, [position.side])
    return order.quote


def _clear(
    state: ExchangeState, account: Account, pool: Pool, position: Position, paid: int, own_left: int
) -> None:
    """The fee to the insurance fund, as far as there is money, or from the fund what is missing.

    ``own_left`` is what an isolated position's wallet and its trades have left; a cross pool has the cross wallet.
    """
    left = own_left if pool.is_isolated else cross_wallet(state, account, pool.asset)
    still_open = not pool.is_isolated and len(pool.positions) > 1
    fee = min(multiply(paid, to_units(state.rules.liquidation_fee)), max(0, left))
    amount = -fee
    if left < 0 and not still_open:
        amount = -left
    if amount:
        state.book(account, INSURANCE_CLEAR, amount, pool.asset, position.symbol)
        event_writer.tell_account(state, account, INSURANCE_CLEAR, pool.asset, balance_change=amount)


def close_at(state: ExchangeState, account: Account, position: Position, prefix: str, price: int) -> None:
    """Close a whole position at a price of the exchange's: ADL, or settlement. ``price`` 0 means the mark price."""
    market = state.markets[position.symbol]
    side = SELL if position.quantity > 0 else BUY
    at = price or market.mark()
    order = _order(state, account, position, side, at, prefix)
    order.time_in_force = GTC
    execution.admit(state, account, order)
    reference = MarketReference(prefix.rstrip("-"), order.order_id, 0, 0)
    execution.trade(state, market, order, at, order.quantity, reference, is_maker=False)
    execution.settle(state, account, market, [position.side])


def settle_symbol(state: ExchangeState, market: SymbolMarket, price: int) -> None:
    """Every account's open orders of a symbol expire, and its positions are closed at the settlement price."""
    symbol = market.rules.symbol
    for account in state.accounts.values():
        for order in [order for order in account.orders.values() if order.symbol == symbol]:
            execution.end(state, order, EXPIRED, DELISTED)
        for algo in [algo for algo in account.algos.values() if algo.symbol == symbol]:
            state.end_algo(account, algo, EXPIRED)
            event_writer.tell_algo(state, algo)
        for position in account.held(symbol):
            close_at(state, account, position, SETTLEMENT_ID, price)


def _on_tick(market: SymbolMarket, price: int, side: str) -> int:
    """The price on the tick grid, on the side that is nearer to the market, and never below the least."""
    rules = market.rules
    if rules.tick:
        beyond = (price - rules.price_min) % rules.tick
        price += (rules.tick - beyond if side == SELL else -beyond) if beyond else 0
    return max(rules.price_min, price)


def _order(
    state: ExchangeState, account: Account, position: Position, side: str, price: int, prefix: str
) -> Order:
    state.counters.order += 1
    number = state.counters.order
    return Order(
        order_id=number,
        account=account.number,
        symbol=position.symbol,
        client_order_id=f"{prefix}{number}" if prefix.endswith("-") else prefix,
        side=side,
        type=LIMIT,
        time_in_force=IOC,
        quantity=abs(position.quantity),
        price=price,
        reduce_only=False,
        position_side=position.side,
        created_ms=state.now_ms,
        updated_ms=state.now_ms,
        self_trade_prevention=NONE,
        is_forced=True,
    )
