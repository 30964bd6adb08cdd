"""Compares row with row: every trade and every entry of income, of one side with its twin of the other.

A row that the exchange has and the session lacks is in flight until the session has compared itself with the exchange
at a later time: then it is missing. A row that only the session has is not excused, because the session's books are
read first, unless it is so fresh that the exchange's reads may lag behind its streams.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from decimal import Decimal
from sys import maxsize
from typing import Final

from src.infrastructure.audit.records import (
    COMMISSION,
    REALIZED_PNL,
    WITH_TRADES,
    Difference,
    ExchangeBooks,
    Income,
    IncomeKey,
    SessionBooks,
    Trade,
)

MISSING: Final = "missing"
_FIGURES: Final = tuple(each.name for each in fields(Trade) if each.name != "trade_id")


@dataclass(slots=True)
class Compared:
    """What a comparison of rows has found.

    ``trades`` and ``income`` are the exchange's rows without those in flight, in their order; ``first`` names the first
    row of a symbol, or of an asset, in which the two sides part.
    """

    trades: list[Trade] = field(default_factory=list)
    income: list[Income] = field(default_factory=list)
    in_flight: int = 0
    checks: int = 0
    differences: list[Difference] = field(default_factory=list)
    first: dict[str, str] = field(default_factory=dict)

    def part(self, subject: str, ours: object, theirs: object, where: str, *places: str) -> None:
        """Take a difference down; ``places`` are the symbol or asset it is about."""
        self.differences.append(Difference(subject, spelled(ours), spelled(theirs), where))
        for place in places:
            self.first.setdefault(place, where)


def spelled(value: object) -> str:
    """A figure for people, without an exponent and without trailing zeros."""
    if not isinstance(value, Decimal):
        return str(value)
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def compare_rows(session: SessionBooks, exchange: ExchangeBooks, grace_ms: int, lag_ms: int) -> Compared:
    """Compare every row.

    ``grace_ms`` is how much later than a row a comparison of the session has to be to have seen it, ``lag_ms`` how long
    the exchange may take until its reads show a row; 0 for one that shows what it has.
    """
    found = Compared()
    known_ms = session.compared_ms - grace_ms
    fresh_ms = exchange.now_ms - lag_ms if lag_ms else maxsize
    _compare_trades(session, exchange, known_ms, fresh_ms, found)
    _compare_income(session, exchange, known_ms, fresh_ms, found)
    _expect_income(session, fresh_ms, found)
    return found


def _compare_trades(
    session: SessionBooks, exchange: ExchangeBooks, known_ms: int, fresh_ms: int, found: Compared
) -> None:
    extra = {key: fill for key, fill in session.fills.items() if key not in exchange.trades}
    for key in sorted(exchange.trades):
        trade, fill = exchange.trades[key], session.fills.get(key)
        found.checks += 1
        if fill is not None:
            found.trades.append(trade)
            _same_figures(fill, trade, found)
            continue
        astray = next((each for each in extra.values() if _is_same(each, trade)), None)
        if astray is not None:
            del extra[astray.key]
            found.trades.append(trade)
            _same_figures(astray, trade, found)
            found.first.setdefault(astray.symbol, trade.name)
        elif trade.at_ms <= known_ms or trade.trade_id <= session.confirmed.get(trade.symbol, 0):
            found.trades.append(trade)
            places = trade.symbol, trade.commission_asset
            found.part(trade.name, MISSING, _summary(trade), trade.name, *places)
        else:
            found.in_flight += 1
    for fill in extra.values():
        found.checks += 1
        if fill.at_ms > fresh_ms:
            found.trades.append(fill)
            found.in_flight += 1
            continue
        found.part(fill.name, _summary(fill), MISSING, fill.name, fill.symbol, fill.commission_asset)


def _same_figures(fill: Trade, trade: Trade, found: Compared) -> None:
    if fill == trade:
        return
    for name in _FIGURES:
        ours, theirs = getattr(fill, name), getattr(trade, name)
        if ours != theirs:
            found.part(f"{trade.name} {name}", ours, theirs, trade.name, trade.symbol, trade.commission_asset)


def _is_same(fill: Trade, trade: Trade) -> bool:
    """Whether a row without a twin is the trade, booked under another symbol or side."""
    return (fill.trade_id, fill.order_id, fill.price, fill.quantity, fill.at_ms) == (
        trade.trade_id,
        trade.order_id,
        trade.price,
        trade.quantity,
        trade.at_ms,
    )


def by_number(trades: Iterable[Trade]) -> dict[tuple[str, int], list[Trade]]:
    """Trades by their ids; one of the account with itself is two, the resting side first."""
    numbered: dict[tuple[str, int], list[Trade]] = defaultdict(list)
    for trade in sorted(trades, key=lambda each: (each.trade_id, not each.is_maker)):
        numbered[trade.number].append(trade)
    return numbered


def _summary(trade: Trade) -> str:
    return f"{trade.side} {spelled(trade.quantity)} at {spelled(trade.price)}"


def _compare_income(
    session: SessionBooks, exchange: ExchangeBooks, known_ms: int, fresh_ms: int, found: Compared
) -> None:
    """The entries that no trade has told of; those of a trade are counted where the trade is."""
    taken = by_number(found.trades)
    known = Counter(trade.number for trade in exchange.trades.values())
    summed: dict[IncomeKey, Income] = {}
    for entry in exchange.income:
        if entry.income_type in WITH_TRADES:
            _take_trade_entry(entry, known, taken, known_ms, found)
        else:
            _take_entry(entry, session, known_ms, summed, found)
    for key, entry in summed.items():
        ours = session.income.get(key)
        found.checks += 1
        if ours is None:
            found.part(entry.name, MISSING, entry.amount, entry.name, entry.asset, entry.symbol)
        elif ours.amount != entry.amount:
            found.part(
                f"{entry.name} amount", ours.amount, entry.amount, entry.name, entry.asset, entry.symbol
            )
        elif (ours.symbol, ours.at_ms) != (entry.symbol, entry.at_ms):
            figures = f"{ours.symbol} at {ours.at_ms}", f"{entry.symbol} at {entry.at_ms}"
            found.part(f"{entry.name} symbol and time", *figures, entry.name, entry.symbol)
    for key, ours in session.income.items():
        if key in summed:
            continue
        found.checks += 1
        if ours.at_ms > fresh_ms:
            found.income.append(ours)
            found.in_flight += 1
        else:
            found.part(ours.name, ours.amount, MISSING, ours.name, ours.asset, ours.symbol)


def _take_trade_entry(
    entry: Income,
    known: Counter[tuple[str, int]],
    taken: dict[tuple[str, int], list[Trade]],
    known_ms: int,
    found: Compared,
) -> None:
    key = (entry.symbol, entry.trade_id)
    booked = taken.get(key, [])
    # Of a trade with ourselves one side may be in flight, and its entries with it.
    if booked and (len(booked) >= known[key] or entry.amount in {_told_of(entry, trade) for trade in booked}):
        found.income.append(entry)
    elif key in known or entry.at_ms > known_ms:
        found.in_flight += 1
    else:
        found.income.append(entry)
        found.part(
            f"{entry.name} at the exchange", MISSING, entry.amount, f"trade {entry.trade_id}", entry.asset
        )


def _told_of(entry: Income, trade: Trade) -> Decimal:
    """What a trade itself says of the entry's kind."""
    return trade.realized_pnl if entry.income_type == REALIZED_PNL else -trade.commission


def _take_entry(
    entry: Income, session: SessionBooks, known_ms: int, summed: dict[IncomeKey, Income], found: Compared
) -> None:
    if entry.key not in session.income and entry.at_ms > known_ms:
        found.in_flight += 1
        return
    found.income.append(entry)
    before = summed.get(entry.key)
    if before is None:
        summed[entry.key] = entry
        return
    summed[entry.key] = Income(*entry.key, before.amount + entry.amount, entry.symbol, entry.at_ms)


def _expect_income(session: SessionBooks, fresh_ms: int, found: Compared) -> None:
    """The entries of a fresh trade may follow it; until then the trade speaks for them."""
    told = {(entry.symbol, entry.trade_id, entry.income_type) for entry in found.income}
    for trade in found.trades:
        if trade.at_ms <= fresh_ms:
            continue
        for kind, asset, amount in (
            (REALIZED_PNL, trade.margin_asset or session.settle_asset, trade.realized_pnl),
            (COMMISSION, trade.commission_asset, -trade.commission),
        ):
            if amount and (*trade.number, kind) not in told:
                entry = Income(0, kind, asset, amount, trade.symbol, trade.at_ms, trade.trade_id)
                found.income.append(entry)
                found.in_flight += 1
