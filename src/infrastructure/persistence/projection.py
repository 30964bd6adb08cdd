"""The tables beside the journal: what a step changed in the ledger, written as rows in the journal's transaction.

Rows are written as narrowly as possible: an order's ticket never changes, so a known order costs one short UPDATE,
and the account's money is written only when it moved. What is stored already is remembered for that.
"""

from decimal import Decimal
from operator import attrgetter, itemgetter
from typing import Any

from src.application.ports.store import LeaseLost
from src.domain.ledger.state import Ledger, PositionKey
from src.domain.money import canonical
from src.domain.orders.order import Order
from src.domain.positions.position import Position
from src.domain.sessions.session import TradingSession
from src.infrastructure.persistence import statements as sql
from src.infrastructure.persistence.codec import encode
from src.infrastructure.persistence.driver import RowWriter
from src.infrastructure.persistence.journal import Chain
from src.infrastructure.persistence.loading import Loaded

_moving = itemgetter(*sql.ORDER_MOVING_PLACES)
_EXCHANGE_ID = sql.ORDER.columns.index("exchange_order_id")
_rest = attrgetter(*sql.ACCOUNT_REST)
_rest_of_row = itemgetter(*(sql.ACCOUNT.columns.index(name) for name in sql.ACCOUNT_REST))


class Projection:
    """Writes the changes of one ledger, which it has seen as loaded."""

    __slots__ = (
        "_account_no",
        "_driver",
        "_is_stale",
        "_lots",
        "_newest",
        "_options",
        "_orders",
        "_rest",
        "_session_id",
        "_wallet",
        "_working_from",
    )

    def __init__(self, driver: RowWriter, account_no: int, loaded: Loaded) -> None:
        ledger = loaded.ledger
        self._driver = driver
        self._account_no = account_no
        self._session_id = None if ledger.session is None else ledger.session.id
        self._options = None if ledger.session is None else ledger.session.options
        self._rest = (self._session_id, *_rest(ledger.account))
        self._wallet: dict[str, Decimal] = dict(ledger.account.wallet)
        self._lots: dict[PositionKey, int] = {key: len(p.lots) for key, p in ledger.positions.items()}
        # Unsettled orders by client order id: row number, and the exchange's id as stored.
        self._orders = {
            name: (no, ledger.orders[name].exchange_order_id) for name, no in loaded.order_numbers.items()
        }
        self._newest = max((number for number, _ in self._orders.values()), default=loaded.working_from)
        self._working_from = loaded.working_from
        # Whether the first order of the working set may be another one now.
        self._is_stale = False

    def knows(self, client_order_id: str) -> bool:
        """Whether the order is in the working set as stored."""
        return client_order_id in self._orders

    def write(self, ledger: Ledger, chain: Chain, lease_epoch: int, intended: set[str]) -> None:
        """Write every changed row; ``intended`` names the orders that are new in this transaction.

        Raises :class:`LeaseLost` when another process has taken the account since.
        """
        changes = ledger.changes
        for order in changes.orders.values():
            self._write_order(order, intended)
        for order in changes.amended.values():
            price, quantity = order.ticket.limit_price, order.ticket.quantity
            written = None if price is None else canonical(price), canonical(quantity)
            self._driver.execute(sql.UPDATE_TICKET, (*written, self._account_no, order.client_order_id))
        for parent in changes.parents.values():
            ticket = encode(parent.ticket).decode()
            row = (self._account_no, ticket, *sql.PARENT.row(parent), int(parent.is_settled))
            self._driver.execute(sql.UPSERT_PARENT, row)
        if changes.fills or changes.income or changes.round_trips:
            self._append(ledger)
        for position in changes.positions.values():
            self._write_position(position)
        if changes.symbols:
            rows = [(self._account_no, *sql.SYMBOL.row(book)) for book in changes.symbols.values()]
            self._driver.executemany(sql.UPSERT_SYMBOL, rows)
        if changes.session is not None:
            self._write_session(changes.session)
        self._write_account(ledger, chain, lease_epoch)

    def _write_order(self, order: Order, intended: set[str]) -> None:
        name = order.client_order_id
        values = sql.ORDER.row(order)
        settled = order.is_settled
        if name in intended:
            ticket, attempt = sql.TICKET.row(order.ticket), sql.ATTEMPT.row(order.attempt)
            row = (self._account_no, *ticket, *attempt, *values, int(settled))
            self._driver.execute(sql.INSERT_ORDER, row)
            number = self._newest = self._driver.last_row
            self._is_stale = self._is_stale or not self._orders
        else:
            known = self._orders.get(name)
            if known is None:
                known = self._find(name)
                self._is_stale = True
            number, stored_id = known
            exchange_id = values[_EXCHANGE_ID]
            if exchange_id == stored_id:
                self._driver.execute(sql.UPDATE_ORDER, (*_moving(values), int(settled), number))
            else:
                row = (*_moving(values), int(settled), exchange_id, number)
                self._driver.execute(sql.UPDATE_ORDER_AND_ID, row)
        if settled:
            self._orders.pop(name, None)
            self._is_stale = True
        else:
            self._orders[name] = (number, values[_EXCHANGE_ID])

    def _find(self, client_order_id: str) -> tuple[int, int | None]:
        """Row number and stored exchange id of an order that was settled and now has late news."""
        (row,) = self._driver.query(sql.SELECT_ORDER_NUMBER, (self._account_no, client_order_id))
        number, exchange_order_id = row
        return number, exchange_order_id

    def _append(self, ledger: Ledger) -> None:
        changes, account_no, many = ledger.changes, self._account_no, self._driver.executemany
        if changes.fills:
            many(sql.INSERT_FILL, [(account_no, *sql.FILL.row(fill)) for fill in changes.fills])
        if changes.income:
            many(sql.INSERT_INCOME, [(account_no, *sql.INCOME.row(income)) for income in changes.income])
        if changes.round_trips:
            many(sql.INSERT_TRIP, [(account_no, *sql.TRIP.row(trip)) for trip in changes.round_trips])

    def _write_position(self, position: Position) -> None:
        row = sql.POSITION.row(position)
        self._driver.execute(sql.UPSERT_POSITION, (self._account_no, *row))
        key = (self._account_no, row[0], row[1])
        stored = self._lots.get((position.symbol, position.position_side), 0)
        if stored:
            self._driver.execute(sql.DELETE_LOTS, key)
        if position.lots:
            rows = [(*key, place, *sql.LOT.row(lot)) for place, lot in enumerate(position.lots)]
            self._driver.executemany(sql.INSERT_LOT, rows)
        self._lots[(position.symbol, position.position_side)] = len(position.lots)

    def _write_session(self, session: TradingSession) -> None:
        values = sql.SESSION.row(session)
        if session.id == self._session_id:
            self._driver.execute(sql.UPDATE_SESSION, (*values[1:], self._account_no, session.id))
            if session.options is not self._options:
                text = encode(session.options).decode()
                self._driver.execute(sql.UPDATE_OPTIONS, (text, self._account_no, session.id))
                self._options = session.options
            return
        options = encode(session.options).decode()
        self._options = session.options
        self._driver.execute(sql.INSERT_SESSION, (self._account_no, options, *values))
        self._session_id = session.id

    def _write_account(self, ledger: Ledger, chain: Chain, lease_epoch: int) -> None:
        account = ledger.account
        for asset, amount in account.wallet.items():
            if self._wallet.get(asset) != amount:
                self._driver.execute(sql.UPSERT_WALLET, (self._account_no, asset, canonical(amount)))
                self._wallet[asset] = amount
        if self._is_stale:
            self._working_from = min(self._orders.values())[0] if self._orders else self._newest
            self._is_stale = False
        head = (
            chain.seq,
            chain.hash,
            self._working_from,
            account.next_intent,
            account.next_sequence,
            account.last_ms,
        )
        lease = (self._account_no, lease_epoch)
        # Session and the rest change together or not at all; the common commit moves the head only.
        rest = (self._session_id, *_rest(account))
        if rest == self._rest:
            changed = self._driver.execute(sql.UPDATE_HEAD, (*head, *lease))
        else:
            values: tuple[Any, ...] = _rest_of_row(sql.ACCOUNT.row(account))
            changed = self._driver.execute(sql.UPDATE_ACCOUNT, (*head, self._session_id, *values, *lease))
            self._rest = rest
        if changed != 1:
            raise LeaseLost("another process took the account over: this one must end, the other goes on")
