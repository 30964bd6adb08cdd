"""Margin in units of 10⁻⁸ of the margin asset: what is bound, what is free, what an order costs.

* notional = quantity × mark; unrealized = quantity × mark − cost (signed)
* maintenance margin = \\|notional\\| × rate − deduction, both of the bracket of the notional
* initial margin of a symbol, orders included, in one-way mode = max(\\|notional + bids\\|, \\|notional − asks\\|) /
  leverage, bids and asks being Σ price × remaining of its open orders that may open; in hedge mode both sides add up
* a cross symbol binds its initial margin, an isolated one what of it is beyond the position, which has its own wallet
* available = max(0, cross wallet + unrealized of cross positions − Σ bound)
* an order costs the growth of what is bound, plus what it would lose at once against the mark price; a market order is
  priced at ask × 1.0005 or at the bid

Source: Binance's futures FAQ on margin and order cost; what it leaves open is read the stricter way.
"""

from typing import Final

from src.infrastructure.simulated_exchange.accounts import Account, Position
from src.infrastructure.simulated_exchange.brackets import bracket_of, cap_at
from src.infrastructure.simulated_exchange.errors import refusal
from src.infrastructure.simulated_exchange.records import BUY
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


def notional(position: Position, mark: int) -> int:
    """Signed; at cost while no mark price is known."""
    if mark:
        return multiply(position.quantity, mark)
    return position.cost if position.quantity > 0 else -position.cost


def open_notionals(account: Account, symbol: str) -> tuple[int, int]:
    """Σ price × remaining of the symbol's open orders that may open a position: (buys, sells)."""
    bids = asks = 0
    for order in account.orders.values():
        if order.symbol == symbol and not order.closes:
            if order.side == BUY:
                bids += multiply(order.price, order.remaining)
            else:
                asks += multiply(order.price, order.remaining)
    return bids, asks


def notional_after(account: Account, market: SymbolMarket) -> tuple[int, int]:
    """How large the symbol's position could become: (if all buys filled, if all sells did).

    In hedge mode these are the two positions.
    """
    return _sides(account, *_standing(account, market))


def initial_margin(state: ExchangeState, account: Account, market: SymbolMarket) -> int:
    """The margin that a symbol's positions and open orders need."""
    return _bound(state, account, market, notional_after(account, market))


def _standing(account: Account, market: SymbolMarket) -> tuple[int, int, int, int]:
    """Notionals of a symbol: of what is long, of what is short, of open buys, of open sells."""
    mark = market.mark()
    long = short = 0
    for position in account.held(market.rules.symbol):
        value = notional(position, mark)
        long += max(0, value)
        short += max(0, -value)
    return long, short, *open_notionals(account, market.rules.symbol)


def _sides(account: Account, long: int, short: int, bids: int, asks: int) -> tuple[int, int]:
    if account.is_hedged:
        return long + bids, short + asks
    return abs(long - short + bids), abs(long - short - asks)


def _bound(state: ExchangeState, account: Account, market: SymbolMarket, sides: tuple[int, int]) -> int:
    total = sum(sides) if account.is_hedged else max(sides)
    return divide_half_even(total, state.leverage(account, market.rules.symbol))


def position_margin(state: ExchangeState, account: Account, position: Position, market: SymbolMarket) -> int:
    """The initial margin of one position alone: notional / leverage."""
    value = abs(notional(position, market.mark()))
    return divide_half_even(value, state.leverage(account, position.symbol))


def maintenance_margin(position: Position, market: SymbolMarket) -> int:
    """What the position must keep, by the bracket of its notional."""
    value = abs(notional(position, market.mark()))
    if not value:
        return 0
    bracket = bracket_of(market.rules.brackets, value)
    return max(0, multiply(value, bracket.rate) - bracket.deduction)


def cross_wallet(state: ExchangeState, account: Account, asset: str) -> int:
    """The account's wallet without what its isolated positions have been given."""
    wallet = account.wallets.get(asset, 0)
    for symbol in account.isolated:
        if symbol in account.positions and state.markets[symbol].rules.margin_asset == asset:
            wallet -= sum(position.isolated_wallet for position in account.positions[symbol].values())
    return wallet


def available(state: ExchangeState, account: Account, asset: str) -> int:
    """What is free to open positions with, in ``asset``; never negative."""
    free = cross_wallet(state, account, asset)
    for symbol in _symbols_in_use(account):
        market = state.markets[symbol]
        if market.rules.margin_asset != asset:
            continue
        free -= initial_margin(state, account, market)
        for position in account.held(symbol):
            if symbol in account.isolated:
                free += position_margin(state, account, position, market)
            else:
                free += unrealized(position, market.mark())
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
    """Refuse an order that the account cannot carry (-2019), or that its leverage does not allow (-2027).

    ``price`` 0 means a market order. ``replaced`` is the notional of an open order on the same side that this one takes
    the place of.
    """
    assumed = price or _market_order_price(market, side)
    more = multiply(assumed, quantity) - replaced
    long, short, bids, asks = _standing(account, market)
    before = _sides(account, long, short, bids, asks)
    if side == BUY:
        after = _sides(account, long, short, bids + more, asks)
    else:
        after = _sides(account, long, short, bids, asks + more)
    growth = _bound(state, account, market, after) - _bound(state, account, market, before)
    if growth <= 0:
        return
    mark = market.mark() or assumed
    against = mark - assumed if side == BUY else assumed - mark
    loss = multiply(quantity, -against) if against < 0 else 0
    if growth + loss > available(state, account, market.rules.margin_asset):
        raise refusal(-2019)
    largest = cap_at(market.rules.brackets, state.leverage(account, market.rules.symbol))
    if after[0 if side == BUY else 1] > largest:
        raise refusal(-2027)


def _market_order_price(market: SymbolMarket, side: str) -> int:
    best = market.best_opposite(side)
    return multiply(best, MARKET_BUY_MARGIN) if side == BUY else best


def _symbols_in_use(account: Account) -> list[str]:
    held = [position.symbol for position in account.every_held()]
    return list(dict.fromkeys([*held, *(order.symbol for order in account.orders.values())]))
