"""One audit: read the session's books, then the exchange's, and compare."""

from dataclasses import replace
from decimal import Decimal, localcontext
from pathlib import Path
from typing import Any, Final

from src.infrastructure.audit.arithmetic import EXACT, UNIT
from src.infrastructure.audit.paper_reader import read_exchange_file
from src.infrastructure.audit.records import (
    COMMISSION,
    OPENING,
    REALIZED_PNL,
    ZERO,
    ExchangeBooks,
    Income,
    Report,
    SessionBooks,
)
from src.infrastructure.audit.request import AuditRequest
from src.infrastructure.audit.rows import compare_rows
from src.infrastructure.audit.session_reader import read_postgres, read_sqlite
from src.infrastructure.audit.totals import compare_totals
from src.infrastructure.audit.venue_reader import DAY_MS, KEPT_MS, VenueReader

PAPER_GRACE_MS: Final = 2_000
VENUE_GRACE_MS: Final = 10_000
VENUE_LAG_MS: Final = 60_000
"""How long Binance's reads may take to show what its streams have told; it promises nothing."""
BINANCE_TOLERANCE: Final = UNIT * 100
"""Binance does not say how it rounds an average entry; its profits may lie this far from ours, quote asset."""


def run_audit(request: AuditRequest) -> Report:
    """Audit once; raises AuditFailure when the books of a side cannot be read."""
    with localcontext(EXACT):
        read = read_postgres if request.is_server else read_sqlite
        session = read(_place(request), request.account_id)
        exchange, since_ms = _read_exchange(request, session)
        grace_ms = VENUE_GRACE_MS if request.file is None else PAPER_GRACE_MS
        lag_ms = VENUE_LAG_MS if request.file is None else 0
        tolerance = ZERO if request.is_exact else BINANCE_TOLERANCE
        return audit(session, exchange, since_ms, grace_ms, lag_ms, tolerance)


def _place(request: AuditRequest) -> Any:
    return request.database if request.is_server else Path(request.database)


def _read_exchange(request: AuditRequest, session: SessionBooks) -> tuple[ExchangeBooks, int]:
    """What the exchange says, and from when on."""
    if request.file is not None:
        return read_exchange_file(request.file, request.account, request.since_ms), request.since_ms
    assert request.venue is not None, "an exchange is a file or a venue"
    reader = VenueReader(request.venue)
    try:
        since_ms = max(request.since_ms, reader.learn_clock() - KEPT_MS, _first_ms(session) - DAY_MS)
        symbols = {*session.confirmed, *(symbol for symbol, _, _ in session.fills)}
        return reader.read(symbols, since_ms), since_ms
    finally:
        reader.close()


def _first_ms(session: SessionBooks) -> int:
    """When the session's books begin: asking for months before that would cost the exchange's patience."""
    fills = (row.at_ms for row in session.fills.values())
    income = (row.at_ms for row in session.income.values())
    return min([session.began_ms, *fills, *income])


def audit(
    session: SessionBooks,
    exchange: ExchangeBooks,
    since_ms: int = 0,
    grace_ms: int = PAPER_GRACE_MS,
    lag_ms: int = 0,
    tolerance: Decimal = ZERO,
) -> Report:
    """Compare the books of both sides; see :mod:`src.infrastructure.audit.rows` for what is in flight."""
    with localcontext(EXACT):
        whole = _with_past(session, exchange, since_ms)
        found = compare_rows(session, whole, grace_ms, lag_ms)
        compare_totals(session, found, tolerance)
    return Report(
        account_id=session.account_id,
        exchange=session.exchange,
        since_ms=since_ms,
        until_ms=exchange.now_ms,
        head_seq=session.head_seq,
        trades=len(exchange.trades),
        income=len(exchange.income),
        in_flight=found.in_flight,
        checks=found.checks,
        differences=tuple(found.differences),
    )


def _with_past(session: SessionBooks, exchange: ExchangeBooks, since_ms: int) -> ExchangeBooks:
    """The exchange's rows, with the session's own for the time before ``since_ms``.

    Of an account that existed before its books, these begin with entries of the session alone: what it held then.
    What the exchange dates before them is no part of the books.
    """
    opened_ms = max((row.at_ms for row in session.income.values() if row.income_type == OPENING), default=0)
    past = {key: fill for key, fill in session.fills.items() if fill.at_ms < since_ms or fill.is_opening}
    income = [
        entry for entry in session.income.values() if entry.at_ms < since_ms or entry.income_type == OPENING
    ]
    for fill in past.values():
        for kind, asset, amount in (
            (REALIZED_PNL, fill.margin_asset or session.settle_asset, fill.realized_pnl),
            (COMMISSION, fill.commission_asset, -fill.commission),
        ):
            if amount:
                income.append(Income(0, kind, asset, amount, fill.symbol, fill.at_ms, fill.trade_id))
    income += (entry for entry in exchange.income if entry.at_ms >= opened_ms)
    told = {key: trade for key, trade in exchange.trades.items() if trade.at_ms >= opened_ms}
    return replace(exchange, trades={**past, **told}, income=income)
