"""Reads what the paper exchange says, by SQL of the auditor's own, on its file opened read-only.

The file counts in whole units of 10⁻⁸; the postings of the book ``WALLET`` are the account's income. Commissions are
paid in the margin asset there.
"""

import sqlite3
from decimal import Decimal
from pathlib import Path
from typing import Final
from urllib.parse import quote

from src.infrastructure.audit.records import AuditFailure, ExchangeBooks, Income, Trade

WAIT_S: Final = 30.0
_TRADES: Final = (
    "SELECT symbol, trade_id, order_id, side, position_side, price, quantity, realized, commission,"
    " commission_asset, is_maker, time_ms, commission_asset FROM trades WHERE account = ? AND time_ms >= ?"
)
_INCOME: Final = (
    "SELECT tran_id, income_type, asset, amount, symbol, time_ms, trade_id FROM postings"
    " WHERE account = ? AND book = 'WALLET' AND time_ms >= ? ORDER BY time_ms, tran_id"
)


def read_exchange_file(path: Path, account: int, since_ms: int) -> ExchangeBooks:
    """Trades and income at or after ``since_ms``, as of one moment; raises :class:`AuditFailure`."""
    try:
        connection = sqlite3.connect(
            f"file:{quote(str(path))}?mode=ro", uri=True, isolation_level=None, timeout=WAIT_S
        )
        try:
            connection.execute("BEGIN")
            trades = [Trade.of_row(row, _amount) for row in connection.execute(_TRADES, (account, since_ms))]
            income = [
                Income(number, kind, asset, _amount(units), symbol, at_ms, trade_id)
                for number, kind, asset, units, symbol, at_ms, trade_id in (
                    connection.execute(_INCOME, (account, since_ms))
                )
            ]
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise AuditFailure(
            f"the paper exchange's file {path.name} cannot be audited ({error}): restore the data folder, or look "
            "at `doctor`"
        ) from None
    now_ms = max([since_ms, *(trade.at_ms for trade in trades), *(entry.at_ms for entry in income)])
    return ExchangeBooks({trade.key: trade for trade in trades}, income, now_ms)


def _amount(units: int) -> Decimal:
    return Decimal(units).scaleb(-8)
