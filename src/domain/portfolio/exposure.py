"""Equity, margin and worst-case exposure over all positions, as one snapshot for one decision.

Worst case of a symbol: what it would hold if every open order on the worse side filled completely. Equity is the
wallet plus unrealised P&L at mark price; initial margin is notional over leverage.
"""

from dataclasses import dataclass
from decimal import Decimal

from src.domain.ledger.state import Ledger
from src.domain.market.sides import PositionSide
from src.domain.market.view import MarketView
from src.domain.money import ZERO


def unrealized_pnl(ledger: Ledger, view: MarketView) -> Decimal:
    """Sum over all positions, in quote asset; a position without a mark price counts at cost."""
    total = ZERO
    for position in ledger.positions.values():
        if position.quantity:
            mark = view.mark_price(position.symbol)
            if mark is not None:
                total += position.quantity * mark - position.cost
    return total


def equity(ledger: Ledger, view: MarketView) -> Decimal:
    """Wallet plus unrealised P&L, in the settle asset."""
    account = ledger.account
    return account.wallet.get(account.settle_asset, ZERO) + unrealized_pnl(ledger, view)


def gross_exposure(ledger: Ledger, view: MarketView) -> Decimal:
    """What is held, valued at mark price, in quote asset."""
    total = ZERO
    for position in ledger.positions.values():
        if position.quantity:
            total += position.notional(view.mark_price(position.symbol) or position.entry_price)
    return total


@dataclass(slots=True)
class Exposure:
    """The worst case of several symbols, in quote asset.

    ``gross`` adds them up whatever their direction; ``up`` is the net exposure if every open buy fills, ``down`` the
    net exposure if every open sell does (negative when short). ``symbols`` are those exposed at all: whether each may
    be long, and whether it may be short, by what is held and what is being entered. ``margin`` is the initial margin
    of ``gross``, each symbol at its own leverage.
    """

    gross: Decimal
    up: Decimal
    down: Decimal
    symbols: list[tuple[str, bool, bool]]
    margin: Decimal


def worst_exposure(ledger: Ledger, view: MarketView, *, without: str) -> Exposure:
    """The worst case of every symbol but one.

    Without a mark price, at the worst price of the open orders and of the entry.
    """
    if ledger.is_hedged:
        return _hedged_exposure(ledger, view, without)
    gross = up = down = margin = ZERO
    symbols: list[tuple[str, bool, bool]] = []
    positions = ledger.positions
    leverage, leverages = _leverages(ledger)
    for symbol, book in ledger.symbols.items():
        if symbol == without:
            continue
        position = positions.get((symbol, PositionSide.BOTH))
        held = position.quantity if position is not None else ZERO
        buys, sells = book.pending_buy, book.pending_sell
        if not (held or buys or sells):
            continue
        price = view.mark_price(symbol)
        if price is None:
            entry = position.entry_price if position is not None else ZERO
            price = max(entry, book.pending_price)
        symbols.append((symbol, held > 0 or buys > 0, held < 0 or sells > 0))
        highest = (held + buys) * price
        lowest = (held - sells) * price
        up += highest
        down += lowest
        # The larger of the two by size: the lowest is never above the highest.
        worst = highest if highest + lowest >= 0 else -lowest
        gross += worst
        if leverages:
            margin += worst / leverages.get(symbol, leverage)
    return Exposure(gross, up, down, symbols, margin if leverages else gross / leverage)


def _leverages(ledger: Ledger) -> tuple[int, dict[str, int]]:
    """That of all symbols, and those of single ones."""
    if ledger.session is None:
        return 1, {}
    options = ledger.session.options
    return options.leverage, dict(options.leverages)


def _hedged_exposure(ledger: Ledger, view: MarketView, without: str) -> Exposure:
    """The same where LONG and SHORT are two positions: what is bought enters the one, what is sold the other."""
    worst = Exposure(ZERO, ZERO, ZERO, [], ZERO)
    leverage, leverages = _leverages(ledger)
    for symbol, book in ledger.symbols.items():
        if symbol == without:
            continue
        long, short = ledger.position(symbol, PositionSide.LONG), ledger.position(symbol, PositionSide.SHORT)
        bought, sold = long.quantity + book.pending_buy, short.quantity - book.pending_sell
        if bought or sold:
            price = view.mark_price(symbol)
            if price is None:
                price = max(long.entry_price, short.entry_price, book.pending_price)
            worst.symbols.append((symbol, bought > 0, sold < 0))
            worst.up += (bought + short.quantity) * price
            worst.down += (long.quantity + sold) * price
            worst.gross += (bought - sold) * price
            worst.margin += (bought - sold) * price / leverages.get(symbol, leverage)
    return worst
