"""Compares sums: what all rows of the exchange add up to, with every figure that the session keeps.

Positions, wallets, the account's totals and the statistics each come from the exchange's rows alone, by additions and
by average cost; the exchange's own figures are checked against each other on the way (invariants I7 and I8).
"""

from collections import defaultdict
from collections.abc import Iterable
from copy import copy
from decimal import Decimal
from typing import Final

from src.infrastructure.audit.arithmetic import UNIT, AverageCost
from src.infrastructure.audit.records import (
    COMMISSION,
    FUNDING,
    REALIZED_PNL,
    TRANSFERS,
    WITH_TRADES,
    ZERO,
    Holding,
    Income,
    SessionBooks,
    Side,
    Totals,
    Trade,
)
from src.infrastructure.audit.rows import Compared, by_number

NO_ROW: Final = "every row agrees: the stored total differs"


def compare_totals(session: SessionBooks, found: Compared, tolerance: Decimal) -> None:
    """Compare every total, and take differences down in ``found``.

    ``tolerance`` is how far, per closing trade, the exchange's profit may lie from average cost at 10⁻⁸: 0 where the
    rounding is known.
    """
    _compare_income_of_trades(found)
    positions = _positions(found, tolerance)
    holdings = _holdings(session, found, positions)
    _compare_holdings(session, found, holdings)
    _compare_wallets(session, found)
    totals = _totals(session, found)
    for name in ("realized_pnl", "commission", "funding", "transfers"):
        _equal(
            found,
            f"account {name}",
            getattr(session.totals, name),
            getattr(totals, name),
            session.settle_asset,
        )
    net = totals.realized_pnl - totals.commission + totals.funding
    _equal(found, "statistics net P&L of all sessions", session.net_of_sessions, net, session.settle_asset)
    _compare_trips(session, found, positions, totals)


def _equal(
    found: Compared, subject: str, ours: Decimal, theirs: Decimal, place: str, tolerance: Decimal = ZERO
) -> None:
    found.checks += 1
    if abs(ours - theirs) > tolerance:
        found.part(subject, ours, theirs, found.first.get(place, NO_ROW))


def _compare_income_of_trades(found: Compared) -> None:
    """The exchange tells profit and commission twice, with the trade and as income."""
    told: dict[tuple[tuple[str, int], str], Decimal] = defaultdict(lambda: ZERO)
    for entry in found.income:
        if entry.income_type in WITH_TRADES:
            told[((entry.symbol, entry.trade_id), entry.income_type)] += entry.amount
    for trade, *other in by_number(found.trades).values():
        for kind, amount in (
            (REALIZED_PNL, sum((each.realized_pnl for each in other), trade.realized_pnl)),
            (COMMISSION, -sum((each.commission for each in other), trade.commission)),
        ):
            found.checks += 1
            entry_amount = told.get((trade.number, kind), ZERO)
            if entry_amount != amount:
                subject = f"{trade.name}: the exchange's income {kind}, against its trade"
                found.part(subject, amount, entry_amount, trade.name, trade.commission_asset)


def _positions(found: Compared, tolerance: Decimal) -> dict[Side, AverageCost]:
    """Positions by average cost; the first trade of each whose profit is another than the exchange's is told."""
    positions: dict[Side, AverageCost] = defaultdict(AverageCost)
    apart: set[Side] = set()
    openings = _openings(found)
    for trade in _as_counted(found.trades, tolerance):
        side = trade.symbol, trade.position_side
        position = positions[side]
        profit = position.take(trade)
        found.checks += 1
        slack = tolerance * max(1, position.closes) + openings.get(side, ZERO)
        if abs(profit - trade.realized_pnl) > slack and side not in apart:
            apart.add(side)
            subject = f"{trade.name}: profit by average cost, against the exchange's"
            found.part(subject, profit, trade.realized_pnl, trade.name, trade.symbol)
    return positions


def _as_counted(trades: Iterable[Trade], tolerance: Decimal) -> list[Trade]:
    """Trades in the order in which the exchange counted them.

    It does not say which side of a trade of the account with itself was first: that in which its profits come about.
    """
    positions: dict[Side, AverageCost] = defaultdict(AverageCost)
    ordered: list[Trade] = []
    for sides in by_number(trades).values():
        if len(sides) > 1 and _error(sides, positions) > _error(sides[::-1], positions) + tolerance:
            sides.reverse()
        for trade in sides:
            positions[trade.symbol, trade.position_side].take(trade)
        ordered += sides
    return ordered


def _error(trades: list[Trade], positions: dict[Side, AverageCost]) -> Decimal:
    """How far the profits of trades in this order lie from those that the exchange told."""
    tried: dict[Side, AverageCost] = {}
    error = ZERO
    for trade in trades:
        side = trade.symbol, trade.position_side
        error += abs(tried.setdefault(side, copy(positions[side])).take(trade) - trade.realized_pnl)
    return error


def _openings(found: Compared) -> dict[Side, Decimal]:
    """How far profits of a side may lie apart that began with an average price, which the exchange had rounded."""
    return {
        (trade.symbol, trade.position_side): UNIT * (1 + trade.quantity)
        for trade in found.trades
        if trade.is_opening
    }


def _holdings(
    session: SessionBooks, found: Compared, positions: dict[Side, AverageCost]
) -> dict[Side, Holding]:
    realized: dict[Side, Decimal] = defaultdict(lambda: ZERO)
    commission: dict[Side, Decimal] = defaultdict(lambda: ZERO)
    for trade in found.trades:
        side = trade.symbol, trade.position_side
        realized[side] += trade.realized_pnl
        if trade.commission_asset == session.settle_asset:
            commission[side] += trade.commission
    return {
        side: Holding(position.quantity, position.cost, realized[side], commission[side])
        for side, position in positions.items()
    }


def _compare_holdings(session: SessionBooks, found: Compared, theirs: dict[Side, Holding]) -> None:
    for side in sorted(session.holdings.keys() | theirs.keys()):
        ours, other = session.holdings.get(side, Holding()), theirs.get(side, Holding())
        for name in ("quantity", "cost", "realized_pnl", "commission"):
            subject = f"position {' '.join(side)} {name}"
            _equal(found, subject, getattr(ours, name), getattr(other, name), side[0])
    # Funding is paid for a symbol; the exchange does not say for which side.
    booked: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for (symbol, _), holding in session.holdings.items():
        booked[symbol] += holding.funding
    paid: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for entry in _settled(session, found.income):
        if entry.income_type in FUNDING:
            paid[entry.symbol] += entry.amount
    for symbol in sorted(booked.keys() | paid.keys()):
        _equal(found, f"funding of {symbol}", booked.get(symbol, ZERO), paid.get(symbol, ZERO), symbol)


def _settled(session: SessionBooks, income: Iterable[Income]) -> Iterable[Income]:
    return (entry for entry in income if entry.asset == session.settle_asset)


def _compare_wallets(session: SessionBooks, found: Compared) -> None:
    wallets: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for entry in found.income:
        wallets[entry.asset] += entry.amount
    for asset in sorted(wallets.keys() | session.wallets.keys()):
        ours, theirs = session.wallets.get(asset, ZERO), wallets.get(asset, ZERO)
        _equal(found, f"wallet {asset}", ours, theirs, asset)


def _totals(session: SessionBooks, found: Compared) -> Totals:
    sums: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for entry in _settled(session, found.income):
        sums[entry.income_type] += entry.amount
    funding = sum((sums[kind] for kind in FUNDING), ZERO)
    return Totals(
        sums[REALIZED_PNL], -sums[COMMISSION], funding, sum((sums[kind] for kind in TRANSFERS), ZERO)
    )


def _compare_trips(
    session: SessionBooks, found: Compared, positions: dict[Side, AverageCost], totals: Totals
) -> None:
    """Of a symbol that is flat, first in first out and average cost have to end in the same profit.

    Each part of either is rounded once, so half a unit for every round trip and every trade may lie between them.
    Statistics are in the settle asset: contracts with another margin asset have none.
    """
    held = {symbol for (symbol, _), position in positions.items() if position.quantity}
    rows: dict[str, list[Trade]] = defaultdict(list)
    for trade in found.trades:
        if trade.margin_asset in ("", session.settle_asset):
            rows[trade.symbol].append(trade)
    for symbol in sorted(rows.keys() - held):
        trades = rows[symbol]
        count, profit, commission = session.trips.get(symbol, (0, ZERO, ZERO))
        realized = sum((trade.realized_pnl for trade in trades), ZERO)
        paid = sum(
            (trade.commission for trade in trades if trade.commission_asset == session.settle_asset), ZERO
        )
        opened = sum((UNIT * trade.quantity for trade in trades if trade.is_opening), ZERO)
        slack = UNIT * (count + len(trades)) + opened
        _equal(found, f"statistics profit of {symbol}", profit, realized, symbol, slack)
        _equal(found, f"statistics commission of {symbol}", commission, paid, symbol)
