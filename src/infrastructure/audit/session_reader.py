"""Reads what a session's database says, by SQL of the auditor's own, on a read-only connection in one snapshot."""

import asyncio
import re
import sqlite3
from collections.abc import Awaitable, Callable, Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, TypeAlias
from urllib.parse import quote

from src.infrastructure.audit.records import (
    ZERO,
    AuditFailure,
    Holding,
    Income,
    SessionBooks,
    Totals,
    Trade,
)

Row: TypeAlias = Sequence[Any]
Query: TypeAlias = Callable[[str], Awaitable[Sequence[Row]]]

WAIT_S: Final = 30.0
_ACCOUNT: Final = (
    "SELECT account_no, account_id, exchange, settle_asset, head_seq,"
    " realized_pnl, commission, funding, transfers FROM account"
)
_FILLS: Final = (
    "SELECT symbol, trade_id, exchange_order_id, side, position_side, price, quantity, realized_pnl,"
    " commission, commission_asset, is_maker, traded_ms, margin_asset FROM fills WHERE account_no = {}"
)
_INCOME: Final = (
    "SELECT transaction_id, income_type, asset, amount, symbol, at_ms FROM income WHERE account_no = {}"
)
_POSITIONS: Final = (
    "SELECT symbol, position_side, quantity, cost, realized_pnl, commission, funding FROM positions"
    " WHERE account_no = {}"
)
_WALLETS: Final = "SELECT asset, amount FROM wallets WHERE account_no = {}"
_SESSIONS: Final = (
    "SELECT total_pnl, total_commission, total_funding, started_ms FROM sessions WHERE account_no = {}"
)
_TRIPS: Final = "SELECT symbol, pnl, commission FROM round_trips WHERE account_no = {}"
_CONFIRMED: Final = "SELECT symbol, confirmed_trade_id FROM symbols WHERE account_no = {}"
_COMPARED: Final = "SELECT max(at_ms) FROM recovery_reports WHERE account_no = {} AND agrees"


def read_sqlite(path: Path, account_id: str) -> SessionBooks:
    """The books in an SQLite file; raises :class:`AuditFailure`. A session may be writing to it meanwhile."""
    try:
        connection = sqlite3.connect(
            f"file:{quote(str(path))}?mode=ro", uri=True, isolation_level=None, timeout=WAIT_S
        )
        try:
            # Everything below is seen as of the first statement.
            connection.execute("BEGIN")

            async def query(statement: str) -> Sequence[Row]:
                return connection.execute(statement).fetchall()

            return _at_once(read_books(query, account_id))
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise AuditFailure(
            f"the database {path.name} cannot be audited ({error}): look at `doctor`"
        ) from None


def _at_once(reading: Any) -> SessionBooks:
    """The result of a coroutine that never waits."""
    try:
        reading.send(None)
    except StopIteration as done:
        books: SessionBooks = done.value
        return books
    raise AssertionError("an embedded database makes nobody wait")


def read_postgres(url: str, account_id: str) -> SessionBooks:
    """The books in a PostgreSQL database; raises :class:`AuditFailure`, which never repeats the address."""
    return asyncio.run(_read_postgres(url, account_id))


async def _read_postgres(url: str, account_id: str) -> SessionBooks:
    import asyncpg  # only who stores on a server loads it

    failures = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError, ValueError)
    try:
        connection = await asyncpg.connect(
            re.sub(r"^\w+(\+\w+)?://", "postgresql://", url),
            timeout=WAIT_S,
            server_settings={
                "application_name": "steadyhand audit",
                "default_transaction_read_only": "on",
                "jit": "off",
            },
        )
        try:
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                return await read_books(connection.fetch, account_id)
        finally:
            await connection.close()
    except failures as error:
        raise AuditFailure(
            f"the database cannot be audited ({type(error).__name__}): look at `doctor`"
        ) from None


async def read_books(query: Query, account_id: str) -> SessionBooks:
    """Everything of one account that is to be compared; raises :class:`AuditFailure` for an account it lacks."""
    found = [row for row in await query(_ACCOUNT) if row[1] == account_id]
    if not found:
        raise AuditFailure(f"the database has no account {account_id[:8]}: name another with --account")
    account_no, _, exchange, settle_asset, head_seq, *totals = found[0]

    async def rows(statement: str) -> Sequence[Row]:
        return await query(statement.format(int(account_no)))

    sessions = await rows(_SESSIONS)
    fills = [Trade.of_row((*row[:-1], row[-1] or settle_asset)) for row in await rows(_FILLS)]
    income = [_income(row) for row in await rows(_INCOME)]
    return SessionBooks(
        account_id=account_id,
        exchange=exchange,
        settle_asset=settle_asset,
        head_seq=head_seq,
        began_ms=min((row[3] for row in sessions), default=0),
        compared_ms=(await rows(_COMPARED))[0][0] or 0,
        totals=Totals(*map(Decimal, totals)),
        net_of_sessions=sum((Decimal(p) - Decimal(c) + Decimal(f) for p, c, f, _ in sessions), ZERO),
        fills={fill.key: fill for fill in fills},
        income={entry.key: entry for entry in income},
        holdings={
            (symbol, side): Holding(*map(Decimal, figures))
            for symbol, side, *figures in await rows(_POSITIONS)
        },
        wallets={asset: Decimal(amount) for asset, amount in await rows(_WALLETS)},
        trips=_by_symbol(await rows(_TRIPS)),
        confirmed={row[0]: row[1] for row in await rows(_CONFIRMED)},
    )


def _income(row: Row) -> Income:
    transaction_id, income_type, asset, amount, symbol, at_ms = row
    return Income(transaction_id, income_type, asset, Decimal(amount), symbol, at_ms)


def _by_symbol(rows: Iterable[Row]) -> dict[str, tuple[int, Decimal, Decimal]]:
    sums: dict[str, tuple[int, Decimal, Decimal]] = {}
    for symbol, pnl, commission in rows:
        count, profit, paid = sums.get(symbol, (0, ZERO, ZERO))
        sums[symbol] = (count + 1, profit + Decimal(pnl), paid + Decimal(commission))
    return sums
