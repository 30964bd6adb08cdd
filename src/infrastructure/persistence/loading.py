"""The ledger from its tables: exactly what the process that wrote them last held in memory."""

import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from src.application.ports.store import JournalHead, StoreCorrupt
from src.domain.ledger.evolve_orders import rebuild_reservations
from src.domain.ledger.state import RECENT_WINDOW_MS, Ledger, PositionKey, RecentOrder, SymbolBook
from src.domain.ledger.unconfirmed import Unconfirmed, added, cost_of
from src.domain.market.sides import PositionSide, trade_half
from src.domain.money import ZERO
from src.domain.orders.order import Order
from src.domain.orders.parents import ParentOrder, ParentTicket
from src.domain.positions.position import Position
from src.domain.sessions.session import SessionOptions, TradingSession
from src.infrastructure.persistence import statements as sql
from src.infrastructure.persistence.codec import decode_as
from src.infrastructure.persistence.failures import one_line
from src.infrastructure.persistence.journal import GENESIS, RECORDS_PER_ACCOUNT, Row, check_chain

Query = Callable[..., list[tuple[Any, ...]]]

# Records whose hashes are checked at every start; ``verify`` checks them all.
TAIL = 1_000
# A start looks at every page of a file up to this size: 50 ms, or less.
PAGES_CHECKED_BYTES = 64 << 20
# Of a larger one at those of the tables that say how things stand, and do not grow with history.
_CURRENT = ("account", "wallets", "positions", "lots", "symbols", "sessions", "parents")
_PAGE = 512
# So many trades are gone back, a few first, for what a position cost that has trades which were not compared yet.
_LOOKED_BACK = (64, 4_096)
_END_OF_NUMBERS = (1 << 63) - 1
_TICKET_END = 1 + sql.TICKET.width
_ATTEMPT_END = _TICKET_END + sql.ATTEMPT.width


def build_order(row: tuple[Any, ...]) -> Order:
    """An order from its row, ``order_no`` first. Raises :class:`StoreCorrupt` when it cannot be read."""
    with readable(f"order {row[0]}"):
        return _build_order(row)


def _build_order(row: tuple[Any, ...]) -> Order:
    ticket = sql.TICKET.build(row[1:_TICKET_END])
    attempt = sql.ATTEMPT.build(row[_TICKET_END:_ATTEMPT_END])
    return sql.ORDER.build(row[_ATTEMPT_END:], ticket=ticket, attempt=attempt)


def build_session(row: tuple[Any, ...]) -> TradingSession:
    """A session from its row, the options last."""
    return sql.SESSION.build(row[:-1], options=decode_as(SessionOptions, row[-1]))


def build_parent(row: tuple[Any, ...]) -> ParentOrder:
    """A parent order from its row, its ticket last; children join it as they are loaded."""
    return sql.PARENT.build(row[:-1], ticket=decode_as(ParentTicket, row[-1]))


@dataclass(frozen=True, slots=True)
class Loaded:
    """The ledger, the row numbers of the orders in its working set, and the number before which none can be."""

    ledger: Ledger
    order_numbers: dict[str, int]
    working_from: int


@contextmanager
def readable(subject: str) -> Iterator[None]:
    """Turn what a value of the wrong kind raises into :class:`StoreCorrupt`: only damage puts one there."""
    try:
        yield
    except (KeyError, ValueError, TypeError, AttributeError, ArithmeticError, struct.error) as error:
        raise StoreCorrupt(
            f"{subject} cannot be read ({one_line(error)}): restore the database from a backup"
        ) from error


def load_ledger(query: Query, account_no: int) -> Loaded:
    """The account as last committed.

    Raises :class:`StoreCorrupt` when a row cannot be read.
    """
    with readable(f"a row of account {account_no}"):
        return _load(query, account_no)


def _load(query: Query, account_no: int) -> Loaded:
    (account_row,) = query(sql.SELECT_ACCOUNT, (account_no,))
    ledger = Ledger(sql.ACCOUNT.build(account_row))
    wallet_rows = query(sql.SELECT_WALLETS, (account_no,))
    ledger.account.wallet = {asset: Decimal(amount) for asset, amount in wallet_rows}
    ((session_id, working_from),) = query(
        "SELECT session_id,working_from FROM account WHERE account_no=?", (account_no,)
    )
    if session_id is not None:
        (session_row,) = query(sql.SELECT_SESSION, (account_no, session_id))
        ledger.session = build_session(session_row)
    for row in query(sql.SELECT_OPEN_PARENTS, (account_no,)):
        parent = build_parent(row)
        ledger.parents[parent.parent_id] = parent
    numbers = _load_orders(query, account_no, working_from, ledger)
    ledger.positions = load_positions(query, account_no)
    _load_symbols(query, account_no, ledger)
    ledger.income_ids = set(query(sql.SELECT_INCOME_IDS, (account_no,)))
    rebuild_reservations(ledger)
    return Loaded(ledger, numbers, working_from)


def _load_orders(query: Query, account_no: int, working_from: int, ledger: Ledger) -> dict[str, int]:
    numbers = {}
    for row in query(sql.SELECT_UNSETTLED, (account_no, working_from)):
        order = build_order(row)
        ledger.adopt_order(order)
        numbers[order.client_order_id] = row[0]
    ledger.recent_orders.extend(reversed(_recent_orders(query, account_no)))
    return numbers


def _recent_orders(query: Query, account_no: int) -> list[RecentOrder]:
    """The orders of the minute before the newest one, newest first, read page by page."""
    recent: list[RecentOrder] = []
    before = _END_OF_NUMBERS
    while True:
        rows = query(sql.SELECT_NEWEST_ORDERS, (account_no, before, _PAGE))
        for row in rows:
            order = sql.RECENT.build(row[1:])
            if recent and order.at_ms <= recent[0].at_ms - RECENT_WINDOW_MS:
                return recent
            recent.append(order)
        if len(rows) < _PAGE:
            return recent
        before = rows[-1][0]


def load_positions(query: Query, account_no: int) -> dict[PositionKey, Position]:
    """Every position that there ever was, with its lots, by symbol and position side."""
    positions = {}
    for row in query(sql.SELECT_POSITIONS, (account_no,)):
        position = sql.POSITION.build(row)
        positions[(position.symbol, position.position_side)] = position
    for symbol, side, *values in query(sql.SELECT_LOTS, (account_no,)):
        positions[(symbol, PositionSide(side))].lots.append(sql.LOT.build(values))
    return positions


def _load_symbols(query: Query, account_no: int, ledger: Ledger) -> None:
    for row in query(sql.SELECT_SYMBOLS, (account_no,)):
        book: SymbolBook = sql.SYMBOL.build(row)
        rows = query(sql.SELECT_UNCONFIRMED, (account_no, book.symbol, book.confirmed_trade_id))
        fills = [sql.FILL.build(values) for values in rows]
        book.trade_halves = {trade_half(fill.trade_id, fill.side) for fill in fills}
        ledger.symbols[book.symbol] = book
        for side in PositionSide:
            own = [fill for fill in fills if fill.position_side is side]
            if own:
                before = ledger.position(book.symbol, side).quantity - added(own)
                cost = _cost_before(query, account_no, book, side, before)
                compared = book.confirmed_trade_id
                ledger.unconfirmed[book.symbol, side] = Unconfirmed(before, cost, own, compared)


def _cost_before(
    query: Query, account_no: int, book: SymbolBook, side: PositionSide, quantity: Decimal
) -> Decimal | None:
    """What a position cost at the last trade that was compared; None where that is too long a history."""
    cost = None if quantity else ZERO
    for limit in _LOOKED_BACK:
        if cost is None:
            rows = query(sql.SELECT_CONFIRMED, (account_no, book.symbol, book.confirmed_trade_id, limit))
            fills = [sql.FILL.build(values) for values in rows]
            cost = cost_of(quantity, [fill for fill in fills if fill.position_side is side])
    return cost


def journal_rows(query: Query, account_no: int, after_seq: int, last_seq: int) -> Iterator[Row]:
    """Records with ``after_seq`` < seq ≤ ``last_seq``, oldest first, read page by page."""
    base = account_no * RECORDS_PER_ACCOUNT
    while after_seq < last_seq:
        rows = query(sql.SELECT_RECORDS, (base + after_seq, base + last_seq, _PAGE))
        yield from rows
        if len(rows) < _PAGE:
            return
        after_seq = rows[-1][1]


def read_head(query: Query, account_no: int) -> JournalHead:
    """The head that the account's row names."""
    ((seq, digest),) = query("SELECT head_seq,head_hash FROM account WHERE account_no=?", (account_no,))
    return JournalHead(seq, digest.hex())


def check_pages(query: Query, path: Path) -> None:
    """Check the file's own structure without comparing indexes; raises :class:`StoreCorrupt`.

    Of a file above :data:`PAGES_CHECKED_BYTES` only the small tables are looked at: ``doctor`` looks at all.
    """
    whole = path.stat().st_size <= PAGES_CHECKED_BYTES
    for subject in ("1",) if whole else _CURRENT:
        ((verdict,), *_) = query(f"PRAGMA quick_check({subject})")
        if verdict != "ok":
            raise StoreCorrupt(
                f"database {path.name}: it is damaged: restore it from a backup ({one_line(verdict)})"
            )


def check_everything(query: Query, account_no: int) -> int:
    """Check the file's own structure and the whole chain; return the number of records.

    Raises :class:`StoreCorrupt` with the first thing that is wrong.
    """
    ((verdict,),) = query("PRAGMA integrity_check(1)")
    if verdict != "ok":
        raise StoreCorrupt(f"the database file is damaged ({one_line(verdict)}): restore it from a backup")
    return check_journal(query, account_no)


def check_journal(query: Query, account_no: int, last: int | None = None) -> int:
    """Check the chain, or only its ``last`` records, against the account's head; return how many were checked.

    Raises :class:`StoreCorrupt` when a record was changed, lost or added.
    """
    with readable(f"the journal of account {account_no}"):
        return _check_journal(query, account_no, last)


def _check_journal(query: Query, account_no: int, last: int | None) -> int:
    head = read_head(query, account_no)
    first = 0 if last is None else max(0, head.seq - last)
    start = JournalHead(0, GENESIS.hex())
    if first:
        rows = list(journal_rows(query, account_no, first - 1, first))
        if not rows:
            raise StoreCorrupt(f"the journal has no record {first}: restore the database from a backup")
        start = JournalHead(first, rows[0][-1].hex())
    end = check_chain(journal_rows(query, account_no, first, head.seq), start)
    if end != head:
        raise StoreCorrupt(
            f"the journal ends at record {end.seq}, the account at {head.seq}: restore the database from a backup"
        )
    if query(
        "SELECT 1 FROM journal WHERE record_no>? AND record_no<? LIMIT 1", _beyond(account_no, head.seq)
    ):
        raise StoreCorrupt(f"the journal goes on after record {head.seq}: restore the database from a backup")
    return head.seq - first


def _beyond(account_no: int, seq: int) -> tuple[int, int]:
    return account_no * RECORDS_PER_ACCOUNT + seq, (account_no + 1) * RECORDS_PER_ACCOUNT
