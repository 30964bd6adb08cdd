"""Maintenance margin, margin ratio and liquidation price: how far an account is from losing its positions by force.

Formulas of Binance USDⓈ-M futures, single-asset mode (FAQ "Leverage and Margin of USDⓈ-M Futures" and "How to Calculate
Liquidation Price of USDⓈ-M Futures Contracts"). Money in quote asset, quantities in base asset.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from src.domain.ledger.state import Ledger
from src.domain.market.sides import PositionSide
from src.domain.market.view import MarginBracket, MarketView
from src.domain.money import MONEY_CONTEXT, ZERO
from src.domain.positions.position import Position

ISOLATED = "ISOLATED"


def bracket_of(brackets: Sequence[MarginBracket], notional: Decimal) -> MarginBracket:
    """The bracket that a notional falls into; beyond the last one's cap, the last. There must be one."""
    return next((bracket for bracket in brackets if notional <= bracket.notional_cap), brackets[-1])


def maintenance_margin(notional: Decimal, brackets: Sequence[MarginBracket]) -> Decimal:
    """``notional × rate − deduction``, by the bracket of the notional."""
    bracket = bracket_of(brackets, notional)
    return notional * bracket.maintenance_rate - bracket.deduction


@dataclass(frozen=True, slots=True)
class Leg:
    """A position as the formula sees it: signed quantity, entry price."""

    quantity: Decimal
    entry_price: Decimal


def liquidation_price(
    wallet: Decimal,
    legs: Sequence[Leg],
    brackets: Sequence[MarginBracket],
    others_maintenance: Decimal = ZERO,
    others_pnl: Decimal = ZERO,
) -> Decimal | None:
    """The mark price at which margin balance meets maintenance margin; None where none above zero does.

    One leg in one-way mode; in hedge mode the long and the short of a symbol share one price. ``wallet`` is the cross
    wallet, with maintenance margin and unrealised P&L of all other cross positions; or the isolated wallet alone:

        LP = (wallet − others' maintenance + others' P&L + Σ deduction − Σ quantity × entry)
             / (Σ |quantity| × rate − Σ quantity)

    The bracket is that of the position at the price found: it is looked up again until it stays.
    """
    price = max((leg.entry_price for leg in legs), default=ZERO)
    found: Decimal | None = None
    for _ in range(len(brackets) + 1):
        own = [bracket_of(brackets, abs(leg.quantity) * price) for leg in legs]
        numerator = wallet - others_maintenance + others_pnl
        denominator = ZERO
        for leg, bracket in zip(legs, own, strict=True):
            numerator += bracket.deduction - leg.quantity * leg.entry_price
            denominator += abs(leg.quantity) * bracket.maintenance_rate - leg.quantity
        if not denominator:
            return None
        found = MONEY_CONTEXT.divide(numerator, denominator)
        if found <= 0:
            return None
        if found == price or own == [bracket_of(brackets, abs(leg.quantity) * found) for leg in legs]:
            return found
        price = found
    return found


@dataclass(frozen=True, slots=True)
class PositionMargin:
    """One position: ``ratio`` is maintenance margin over margin balance, of its own wallet when isolated, else of all.

    None where nothing is known of the price or the brackets.
    """

    position: Position
    unrealized_pnl: Decimal
    maintenance: Decimal
    ratio: Decimal | None
    liquidation_price: Decimal | None


@dataclass(slots=True)
class _Valued:
    position: Position
    brackets: Sequence[MarginBracket]
    pnl: Decimal
    maintenance: Decimal


def position_margins(ledger: Ledger, view: MarketView, *, with_prices: bool = True) -> list[PositionMargin]:
    """Every open position whose price and brackets are known; liquidation prices only if they are asked for."""
    valued = [each for each in (_value(view, p) for p in ledger.positions.values()) if each is not None]
    options = ledger.session.options if ledger.session is not None else None
    isolated = options is not None and options.margin_type == ISOLATED
    margins = []
    for each in valued:
        if isolated and options is not None:
            wallet = _isolated_wallet(view, each.position, options.leverage_of(each.position.symbol))
            mates, others = [each], []
        else:
            wallet = ledger.wallet_balance
            mates = [other for other in valued if other.position.symbol == each.position.symbol]
            others = [other for other in valued if other.position.symbol != each.position.symbol]
        margins.append(_margin(each, wallet, mates, others, with_price=with_prices))
    return margins


def _isolated_wallet(view: MarketView, position: Position, leverage: int) -> Decimal:
    """What the position was given: its margin when it was opened, and what was added to it since."""
    added = view.margin_added(position.symbol, position.position_side, position.opened_ms)
    return abs(position.cost) / leverage + added


def _margin(
    each: _Valued, wallet: Decimal, mates: list[_Valued], others: list[_Valued], *, with_price: bool
) -> PositionMargin:
    all_of_them = (*mates, *others)
    balance = wallet + sum((other.pnl for other in all_of_them), ZERO)
    maintenance = sum((other.maintenance for other in all_of_them), ZERO)
    ratio = maintenance / balance if balance > 0 else Decimal(10**9)
    if not with_price:
        return PositionMargin(each.position, each.pnl, each.maintenance, ratio, None)
    price = liquidation_price(
        wallet,
        [Leg(mate.position.quantity, mate.position.entry_price) for mate in mates],
        each.brackets,
        sum((other.maintenance for other in others), ZERO),
        sum((other.pnl for other in others), ZERO),
    )
    return PositionMargin(each.position, each.pnl, each.maintenance, ratio, price)


def _value(view: MarketView, position: Position) -> _Valued | None:
    mark = view.mark_price(position.symbol)
    brackets = view.brackets(position.symbol)
    if position.is_flat or mark is None or not brackets:
        return None
    maintenance = maintenance_margin(position.notional(mark), brackets)
    return _Valued(position, brackets, position.unrealized_pnl(mark), maintenance)


def side_of(position: Position) -> str:
    """LONG or SHORT, in either position mode."""
    if position.position_side is not PositionSide.BOTH:
        return position.position_side.value
    return "LONG" if position.quantity >= 0 else "SHORT"
