"""The store's statements as PostgreSQL takes them: the same texts, with its placeholders and a fixed collation.

A whole commit can be composed into one statement (``WITH … AS (INSERT …), … SELECT``): one transaction and one
round trip instead of one per row. Its parts see the tables as they were before it, which is what a projection needs:
it never reads what it writes.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import count
from typing import Any, Final

from src.infrastructure.persistence import statements as sql

Params = Sequence[Any]
Operation = tuple[str, Sequence[Params]]
"""A statement with ``?`` for its parameters, and the rows that it is run for."""

_PLACE: Final = re.compile(r"\?(\d*)")
# The type of a parameter that is only compared with NULL has to be said.
_ABSENT: Final = re.compile(r"(\?\d*) IS NULL")
# Text is ordered by its bytes, as SQLite does: in which order positions are loaded must not depend on a language.
_TEXT_COLUMN: Final = re.compile(r"\b(symbol|position_side|asset)\b")

INSERT_NUMBERED_ORDER: Final = sql.insert("orders", ("order_no", "account_no", *sql.ORDER_COLUMNS, "settled"))
OPEN_ACCOUNT: Final = f"{sql.INSERT_ACCOUNT} ON CONFLICT DO NOTHING RETURNING account_no"
ORDER_NUMBERS: Final = (
    "SELECT nextval(pg_get_serial_sequence('orders','order_no')) FROM generate_series(1,CAST(? AS BIGINT))"
)

# More would make a statement that is planned for longer than the round trips take.
ROWS_IN_ONE_STATEMENT: Final = 40
# One statement changes a row at most once: of two changes, PostgreSQL would silently drop one. So nothing belongs here
# that another statement of the same commit may follow on the same row (an order's new ticket, a session's options);
# what is not here makes the commit a transaction of several statements, which is always right.
COMPOSED: Final = frozenset(
    {
        sql.INSERT_RECORD,
        INSERT_NUMBERED_ORDER,
        sql.UPDATE_ORDER,
        sql.UPDATE_ORDER_AND_ID,
        sql.INSERT_FILL,
        sql.INSERT_INCOME,
        sql.INSERT_TRIP,
        sql.UPSERT_POSITION,
        sql.INSERT_LOT,
        sql.UPSERT_SYMBOL,
        sql.UPSERT_WALLET,
        sql.INSERT_SESSION,
        sql.UPDATE_SESSION,
        sql.INSERT_PORTFOLIO,
        sql.INSERT_EQUITY,
        sql.INSERT_RECOVERY,
        sql.INSERT_ALARM,
        sql.INSERT_CANDLE,
        sql.UPDATE_HEAD,
        sql.UPDATE_ACCOUNT,
    }
)


@lru_cache(maxsize=1_024)
def postgres(statement: str) -> str:
    """One statement: ``?`` becomes ``$1``, ``$2`` …, ``?2`` becomes ``$2``; text is sorted bytewise."""
    numbers = count(1)
    text = _ABSENT.sub(r"CAST(\1 AS TEXT) IS NULL", statement).replace("settled=0", "NOT settled")
    text = _PLACE.sub(lambda place: f"${place[1] or next(numbers)}", text)
    before, by, order = text.partition("ORDER BY ")
    return before + by + _TEXT_COLUMN.sub(r'\1 COLLATE "C"', order)


def fits_one_statement(operations: Sequence[Operation]) -> bool:
    """Whether :func:`compose` may be used: few rows, and none that is written twice."""
    if sum(len(rows) for _, rows in operations) > ROWS_IN_ONE_STATEMENT:
        return False
    return all(statement in COMPOSED for statement, _ in operations)


def compose(operations: Sequence[Operation]) -> tuple[str, list[Any]]:
    """All operations as one statement with its parameters; the last one must change exactly one row.

    If that changes none, the statement fails by a division by zero, and with it everything else is undone.
    """
    shape = tuple((statement, len(rows)) for statement, rows in operations)
    return _composed(shape), [value for _, rows in operations for row in rows for value in row]


@lru_cache(maxsize=512)
def _composed(shape: tuple[tuple[str, int], ...]) -> str:
    parts = []
    for statement, rows in shape[:-1]:
        parts += [_of_rows(statement, rows)] if statement.startswith("INSERT") else [statement] * rows
    named = [f"part_{number} AS ({part})" for number, part in enumerate(parts)]
    named.append(f"head AS ({shape[-1][0]} RETURNING 1)")
    return postgres(f"WITH {', '.join(named)} SELECT 1/count(*) FROM head")


def _of_rows(statement: str, rows: int) -> str:
    """An INSERT of several rows."""
    before, values, after = statement.partition(" VALUES ")
    places, closing, rest = after.partition(")")
    return f"{before}{values}{', '.join([places + closing] * rows)}{rest}"
