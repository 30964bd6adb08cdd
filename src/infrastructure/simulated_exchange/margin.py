"""Margin of cross positions in one-way mode, in units of 10⁻⁸ of the margin asset.

* notional = quantity × mark; unrealized = quantity × mark − cost (signed)
* initial margin of a symbol, orders included = max(\\|notional + bids\\|, \\|notional − asks\\|) / leverage, bids and
  asks being Σ price × remaining of its open orders that are not reduce-only
* available = max(0, wallet + unrealized − Σ initial margin)
* an order costs the growth of the initial margin, plus what it would lose at once against the mark price; a
  market order is priced at ask × 1.0005 or at the bid

Source: Binance's futures FAQ on margin and order cost; what it leaves open is read the stricter way.
"""

from typing import Final

from src.infrastructure.simulated_exchange.errors import refusal
from src.infrastructure.simulated_exchange.records import BUY, Account, Position
from src.infrastructure.simulated_exchange.state import ExchangeState
from src.infrastructure.simulated_exchange.symbol_market import SymbolMarket
from src.infrastructure.simulated_exchange.units import SCALE, divide_half_even, multiply

MARKET_BUY_MARGIN: Final = SCALE + SCALE * 5 // 10_000


def entry_price(position: Position) -> int:
    """The average price of what is held; 0 when flat."""
    if not position.quantity:
        return 0
    return divide_half_even(position.cost * SCALE, abs(position.quantity))


def unrealized(position: Position, mark: int) -> int:
    """What closing at the mark price would bring or cost; 0 when flat or when no mark price is known."""
    if not position.quantity or not mark:
        return 0
    value = multiply(abs(position.quantity), mark)
    return value - position.cost if position.quantity > 0 else position.cost - value


def open_notionals(account: Account, symbol: str) -> tuple[int, int]:
    """Σ price × remaining of the symbol's open orders that may open a position: (buys, sells)."""
    bids = asks = 0
    for order in account.orders.values():
        if order.symbol == symbol and not order.reduce_only:
            if order.side == BUY:
                bids += multiply(order.price, order.remaining)
            else:
                asks += multiply(order.price, order.remaining)
    return bids, asks


def initial_margin(
    state: ExchangeState, account: Account, market: SymbolMarket, more_bids: int = 0, more_asks: int = 0
) -> int:
    """The margin that a symbol's position and open orders bind, with these notionals added to the orders."""
    symbol = market.rules.symbol
    position = account.positions.get(symbol)
    notional = _notional(position, market.mark()) if position is not None else 0
    bids, asks = open_notionals(account, symbol)
    worst = max(abs(notional + bids + more_bids), abs(notional - asks - more_asks))
    return divide_half_even(worst, state.leverage(account, symbol))


def maintenance_margin(position: Position, market: SymbolMarket) -> int:
    """What the position must keep: notional × maintenance rate (of the lowest bracket)."""
    return multiply(abs(_notional(position, market.mark())), market.rules.maintenance_rate)


def available(state: ExchangeState, account: Account, asset: str) -> int:
    """What is free to open positions with, in ``asset``; never negative."""
    free = account.wallets.get(asset, 0)
    for symbol in _symbols_in_use(account):
        market = state.markets[symbol]
        if market.rules.margin_asset != asset:
            continue
        free -= initial_margin(state, account, market)
        if symbol in account.positions:
            free += unrealized(account.positions[symbol], market.mark())
    return max(0, free)


def check_margin(
    state: ExchangeState,
    account: Account,
    market: SymbolMarket,
    side: str,
    quantity: int,
    price: int,
    replaced: int = 0,
) -> None:
    """Refuse an order that the account cannot carry (-2019). ``price`` 0 means a market order.

    ``replaced`` is the notional of an open order on the same side that this one takes the place of.
    """
    assumed = price or _market_order_price(market, side)
    notional = multiply(assumed, quantity) - replaced
    bids, asks = (notional, 0) if side == BUY else (0, notional)
    growth = initial_margin(state, account, market, bids, asks) - initial_margin(state, account, market)
    if growth <= 0:
        return
    mark = market.mark() or assumed
    against = mark - assumed if side == BUY else assumed - mark
    loss = multiply(quantity, -against) if against < 0 else 0
    if growth + loss > available(state, account, market.rules.margin_asset):
        raise refusal(-2019)


def _notional(position: Position, mark: int) -> int:
    """Signed; at cost while no mark price is known."""
    if mark:
        return multiply(position.quantity, mark)
    return position.cost if position.quantity > 0 else -position.cost


def _market_order_price(market: SymbolMarket, side: str) -> int:
    best = market.best_opposite(side)
    return multiply(best, MARKET_BUY_MARGIN) if side == BUY else best


def _symbols_in_use(account: Account) -> list[str]:
    held = [symbol for symbol, position in account.positions.items() if position.quantity]
    return list(dict.fromkeys([*held, *(order.symbol for order in account.orders.values())]))


def liquidation_price(state: ExchangeState, account: Account, market: SymbolMarket) -> int:
    """Where the mark price ends a cross position, in units; 0 when flat or when no price would.

    (wallet − other maintenance + other unrealized − side × quantity × entry) / (quantity × rate − side × quantity),
    with the lowest bracket's rate, whose deduction is 0. Source: Binance's FAQ on the liquidation price.
    """
    position = account.positions.get(market.rules.symbol)
    if position is None or not position.quantity:
        return 0
    margin_left = account.wallets.get(market.rules.margin_asset, 0)
    for symbol, other in account.positions.items():
        if other is not position and other.quantity:
            elsewhere = state.markets[symbol]
            if elsewhere.rules.margin_asset == market.rules.margin_asset:
                margin_left += unrealized(other, elsewhere.mark()) - maintenance_margin(other, elsewhere)
    side = 1 if position.quantity > 0 else -1
    numerator = margin_left - side * position.cost
    denominator = multiply(abs(position.quantity), market.rules.maintenance_rate) - position.quantity
    if denominator < 0:
        numerator, denominator = -numerator, -denominator
    return max(0, divide_half_even(numerator * SCALE, denominator)) if denominator else 0
