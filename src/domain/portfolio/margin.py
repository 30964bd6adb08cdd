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
    for bracket in brackets:
        if notional <= bracket.notional_cap:
            return bracket
    return brackets[-1]


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
    mark: Decimal = ZERO,
) -> Decimal | None:
    """The mark price at which margin balance meets maintenance margin; None where none above zero does.

    One leg in one-way mode; in hedge mode the long and the short of a symbol share one price. ``wallet`` is the cross
    wallet, with maintenance margin and unrealised P&L of all other cross positions; or the isolated wallet alone:

        LP = (wallet − others' maintenance + others' P&L + Σ deduction − Σ quantity × entry)
             / (Σ |quantity| × rate − Σ quantity)

    The bracket is that of the position at the price found: it is looked up again until it stays. The first one is that
    at ``mark``, the mark price now: a long and a short of nearly one size may end below and far above it as well.
    """
    price = mark or max((leg.entry_price for leg in legs), default=ZERO)
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


@dataclass(slots=True)
class ValuedPosition:
    """An open position at its mark price, and the wallet behind it: its own when isolated, else that of the account.

    ``ratio`` is maintenance margin over margin balance, over all positions that the wallet answers for.
    """

    position: Position
    brackets: Sequence[MarginBracket]
    unrealized_pnl: Decimal
    maintenance: Decimal
    wallet: Decimal = ZERO
    ratio: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class PositionMargin:
    """One position, as :class:`ValuedPosition`, and the mark price at which it would be liquidated."""

    position: Position
    unrealized_pnl: Decimal
    maintenance: Decimal
    ratio: Decimal
    liquidation_price: Decimal | None


def valued_positions(ledger: Ledger, view: MarketView) -> list[ValuedPosition]:
    """Every open position whose price and brackets are known."""
    found: list[ValuedPosition] = []
    for position in ledger.positions.values():
        if not position.quantity:
            continue
        mark, brackets = view.mark_price(position.symbol), view.brackets(position.symbol)
        if mark is not None and brackets:
            maintenance = maintenance_margin(position.notional(mark), brackets)
            found.append(ValuedPosition(position, brackets, position.unrealized_pnl(mark), maintenance))
    if _is_isolated(ledger):
        for each in found:
            each.wallet = _isolated_wallet(ledger, view, each.position)
            each.ratio = _ratio(each.wallet, [each])
    elif found:
        # One wallet answers for all of them: they have one ratio.
        ratio = _ratio(ledger.wallet_balance, found)
        for each in found:
            each.wallet, each.ratio = ledger.wallet_balance, ratio
    return found


def position_margins(ledger: Ledger, view: MarketView) -> list[PositionMargin]:
    """Every open position whose price and brackets are known, with its liquidation price."""
    valued = valued_positions(ledger, view)
    if _is_isolated(ledger):
        return [_margin(view, each, [each], []) for each in valued]
    margins = []
    for each in valued:
        mates = [other for other in valued if other.position.symbol == each.position.symbol]
        others = [other for other in valued if other.position.symbol != each.position.symbol]
        margins.append(_margin(view, each, mates, others))
    return margins


def _is_isolated(ledger: Ledger) -> bool:
    return ledger.session is not None and ledger.session.options.margin_type == ISOLATED


def _isolated_wallet(ledger: Ledger, view: MarketView, position: Position) -> Decimal:
    """What the position was given: its margin when it was opened, and what was added to it since."""
    assert ledger.session is not None, "a position is isolated because its session is"
    added = view.margin_added(position.symbol, position.position_side, position.opened_ms)
    return abs(position.cost) / ledger.session.options.leverage_of(position.symbol) + added


def _ratio(wallet: Decimal, valued: Sequence[ValuedPosition]) -> Decimal:
    """Maintenance margin over margin balance; beyond any limit where nothing is left of it."""
    balance, maintenance = wallet, ZERO
    for each in valued:
        balance += each.unrealized_pnl
        maintenance += each.maintenance
    return maintenance / balance if balance > 0 else Decimal(10**9)


def _margin(
    view: MarketView,
    each: ValuedPosition,
    mates: Sequence[ValuedPosition],
    others: Sequence[ValuedPosition],
) -> PositionMargin:
    price = liquidation_price(
        each.wallet,
        [Leg(mate.position.quantity, mate.position.entry_price) for mate in mates],
        each.brackets,
        sum((other.maintenance for other in others), ZERO),
        sum((other.unrealized_pnl for other in others), ZERO),
        view.mark_price(each.position.symbol) or ZERO,
    )
    return PositionMargin(each.position, each.unrealized_pnl, each.maintenance, each.ratio, price)


def side_of(position: Position) -> str:
    """LONG or SHORT, in either position mode."""
    if position.position_side is not PositionSide.BOTH:
        return position.position_side.value
    return "LONG" if position.quantity >= 0 else "SHORT"
