"""How near a position is to its end: margin ratios and liquidation prices, in units of 10⁻⁸.

Cross positions of one asset stand and fall together, with the cross wallet; an isolated position stands alone, with its
own. Source: Binance's FAQ on the liquidation price (b3c689c1).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from src.infrastructure.simulated_exchange.accounts import Account, Position
from src.infrastructure.simulated_exchange.brackets import bracket_of
from src.infrastructure.simulated_exchange.ease import Ease
from src.infrastructure.simulated_exchange.margin import cross_wallet, maintenance_margin, unrealized
from src.infrastructure.simulated_exchange.state import ExchangeState
from src.infrastructure.simulated_exchange.units import (
    SCALE,
    divide_half_even,
    multiply,
    to_decimal,
    to_units,
)


@dataclass(frozen=True, slots=True)
class Pool:
    """Positions that share a wallet: all cross ones of an asset, or one isolated position.

    ``key`` names it: the asset, or symbol and side. ``balance`` is wallet and unrealized profit, ``maintenance``
    what must be kept of it: at or below that the pool is liquidated.
    """

    key: str
    asset: str
    positions: tuple[Position, ...]
    is_isolated: bool
    wallet: int
    balance: int
    maintenance: int

    @property
    def must_end(self) -> bool:
        """Whether the margin balance has fallen to the maintenance margin."""
        return self.maintenance > 0 and self.balance <= self.maintenance

    def is_beyond(self, ratio: int) -> bool:
        """Whether maintenance margin / margin balance is at or above ``ratio`` (units)."""
        return self.maintenance > 0 and self.maintenance * SCALE >= self.balance * ratio


def ease_of(state: ExchangeState, account: Account) -> Ease | None:
    """How far mark prices may rise, all by one factor, before an account has to be looked at; None if it has to be now.

    It has to be where that is not plain to see: isolated positions, several assets, no mark price, a margin call
    that stands.
    """
    if account.isolated or account.warned:
        return None
    held = list(account.every_held())
    assets = {state.markets[position.symbol].rules.margin_asset for position in held}
    if len(assets) > 1:
        return None
    free, asked = account.wallets.get(assets.pop(), 0) if held else 0, 0
    marks = []
    for position in held:
        market = state.markets[position.symbol]
        stated = market.stated_mark()
        if stated is None:
            return None
        mark = to_units(stated)
        value = multiply(abs(position.quantity), mark)
        free += position.cost if position.quantity < 0 else -position.cost
        asked += 3 * value if position.quantity < 0 else value
        marks.append((market, mark))
    if asked > free:
        return None
    return Ease(tuple((market, to_decimal(mark * free // max(asked, 1))) for market, mark in marks))


def pools(state: ExchangeState, account: Account) -> list[Pool]:
    """Every pool of an account that holds something, in the order of their keys."""
    cross: dict[str, list[Position]] = {}
    found = []
    for position in account.every_held():
        asset = state.markets[position.symbol].rules.margin_asset
        if position.symbol in account.isolated:
            key = f"{position.symbol}:{position.side}"
            found.append(_pool(state, key, asset, (position,), True, position.isolated_wallet))
        else:
            cross.setdefault(asset, []).append(position)
    for asset, positions in cross.items():
        wallet = cross_wallet(state, account, asset)
        found.append(_pool(state, asset, asset, tuple(positions), False, wallet))
    return sorted(found, key=lambda pool: pool.key)


def _pool(
    state: ExchangeState,
    key: str,
    asset: str,
    positions: tuple[Position, ...],
    is_isolated: bool,
    wallet: int,
) -> Pool:
    balance, maintenance = wallet, 0
    for position in positions:
        market = state.markets[position.symbol]
        balance += unrealized(position, market.mark())
        maintenance += maintenance_margin(position, market)
    return Pool(key, asset, positions, is_isolated, wallet, balance, maintenance)


def liquidation_price(state: ExchangeState, account: Account, position: Position) -> int:
    """Where the symbol's mark price ends a position, in units; 0 when flat or when no price would.

    LP = (WB − TMM + UPNL + Σ deduction − Σ side × quantity × entry) / (Σ quantity × rate − Σ side × quantity), the sums
    over the positions of the symbol that end together (long and short of hedge mode, when cross); WB is their wallet,
    TMM and UPNL what other cross positions of the asset keep and have. The rates are those of the brackets at LP.
    """
    if not position.quantity:
        return 0
    market = state.markets[position.symbol]
    if position.symbol in account.isolated:
        return _price(state, (position,), position.isolated_wallet)
    asset = market.rules.margin_asset
    wallet = cross_wallet(state, account, asset)
    for other in account.every_held():
        elsewhere = state.markets[other.symbol]
        is_other = other.symbol != position.symbol and other.symbol not in account.isolated
        if is_other and elsewhere.rules.margin_asset == asset:
            wallet += unrealized(other, elsewhere.mark()) - maintenance_margin(other, elsewhere)
    return _price(state, account.held(position.symbol), wallet)


def _price(state: ExchangeState, together: Sequence[Position], wallet: int) -> int:
    market = state.markets[together[0].symbol]
    brackets = market.rules.brackets
    price = market.mark() or divide_half_even(together[0].cost * SCALE, abs(together[0].quantity))
    for _ in brackets:
        numerator, denominator = wallet, 0
        for position in together:
            bracket = bracket_of(brackets, multiply(abs(position.quantity), price))
            numerator += bracket.deduction + (-position.cost if position.quantity > 0 else position.cost)
            denominator += abs(position.quantity) * bracket.rate - position.quantity * SCALE
        if denominator < 0:
            numerator, denominator = -numerator, -denominator
        if not denominator or numerator <= 0:
            return 0
        found = divide_half_even(numerator * SCALE * SCALE, denominator)
        if found == price:
            break
        price = found
    return price
