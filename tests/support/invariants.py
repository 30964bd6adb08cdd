"""The invariants that must hold after any crash, checked on the two files alone: the session's and the exchange's.

The checker trusts neither side's memory. It reads the session's journal and tables through the read models, and the
exchange's file by plain SQL, and returns one sentence per violation; an empty list is a pass. The names I1 to I17
are those of ARCHITECTURE.md.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from src.domain.ledger.events import AlarmRaised, EpochStarted, Event, FillBooked, OrderIntended, ParentOpened
from src.domain.ledger.evolve import fold
from src.domain.ledger.state import Ledger
from src.domain.money import ZERO
from src.domain.orders.client_order_ids import is_ours
from src.domain.orders.order import Order
from src.domain.orders.transitions import AttemptState
from src.domain.orders.types import OrderType, Purpose
from src.infrastructure.persistence.codec import decode
from src.infrastructure.persistence.databases import Database, SqliteDatabase
from tests.support.ledger_builders import itself, ledger_snapshot

EVERYTHING = 1_000_000
_UNIT = Decimal("0.00000001")


@dataclass(frozen=True, slots=True)
class Trade:
    """A trade in the exchange's file, in our units."""

    order_id: int
    side: str
    price: Decimal
    quantity: Decimal
    realized: Decimal
    commission: Decimal


@dataclass(frozen=True, slots=True)
class OpenOrder:
    """An open order in the exchange's file; ``quantity`` is what was ordered."""

    client_order_id: str
    quantity: Decimal


class ExchangeFile:
    """What the exchange's file says, by SQL."""

    def __init__(self, path: Path) -> None:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as file:
            query = file.execute
            self.trades = {
                (symbol, trade_id): Trade(order_id, side, *(_amount(each) for each in figures))
                for symbol, trade_id, order_id, side, *figures in query(
                    "SELECT symbol, trade_id, order_id, side, price, quantity, realized, commission FROM trades"
                )
            }
            ordinary = list(query("SELECT client_order_id, quantity, status, algo_id FROM orders"))
            algos = list(query("SELECT client_algo_id, quantity, status FROM algos"))
            self.wallets = {
                asset: _amount(total)
                for asset, total in query(
                    "SELECT asset, sum(amount) FROM postings WHERE book='WALLET' GROUP BY asset"
                )
            }
            self.imbalance = list(
                query("SELECT tran_id FROM postings GROUP BY tran_id HAVING sum(amount) <> 0")
            )
        # The order that a conditional one became carries its id; it is the same wish of ours.
        self.sent = Counter(name for name, _, _, algo_id in ordinary if not algo_id)
        self.sent.update(name for name, _, _ in algos)
        self.open_algos = [OpenOrder(name, _amount(q)) for name, q, status in algos if status == "NEW"]
        self.open_orders = [
            OpenOrder(name, _amount(quantity))
            for name, quantity, status, _ in ordinary
            if status in ("NEW", "PARTIALLY_FILLED")
        ]

    def position(self, symbol: str) -> Decimal:
        """The sum of the trades, base asset, signed."""
        return sum(
            (
                t.quantity if t.side == "BUY" else -t.quantity
                for (s, _), t in self.trades.items()
                if s == symbol
            ),
            ZERO,
        )


def _amount(units: int) -> Decimal:
    return units * _UNIT


class Books:
    """Both sides' books, read once."""

    ledger: Ledger

    def __init__(self, database: Database | Path, account_id: str, exchange: Path) -> None:
        place = SqliteDatabase(database) if isinstance(database, Path) else database
        with closing(place.reads()) as reads:
            records = list(reads.journal(account_id))
            ledger = reads.ledger(account_id)
            assert ledger is not None, "the account is there"
            self.ledger = ledger
            self.orders = {o.client_order_id: o for o in reads.orders(account_id, limit=EVERYTHING)}
            self.fills = reads.fills(account_id)
            self.head = reads.head(account_id).hash
        self.events: list[tuple[int, Event]] = [
            (record.at_ms, decode(record.kind, record.payload)) for record in records
        ]
        self.exchange = ExchangeFile(exchange)


def violations(books: Books, *, at_rest: bool = True) -> list[str]:
    """Every violated invariant. ``at_rest``: recovery is through and nothing is on its way."""
    found = [*_journal(books), *_attempts(books), *_fills(books), *_orders(books), *_parents(books)]
    if at_rest:
        found += [*_same_trades(books), *_money(books), *_same_open_orders(books), *_protection(books)]
    return found


def _journal(books: Books) -> Iterator[str]:
    """I1, I9, I11, I12: no breach was noticed, epochs never go back, the tables are the fold of the journal."""
    epochs = [event.epoch for _, event in books.events if isinstance(event, EpochStarted)]
    if epochs != sorted(set(epochs)):
        yield f"I11: epochs {epochs} do not increase"
    folded, stored = ledger_snapshot(fold(books.events), itself), ledger_snapshot(books.ledger, itself)
    for key, value in folded.items():
        if value != stored[key]:
            yield f"I12: {key}: the journal says {value!r}, the tables say {stored[key]!r}"
    for _, event in books.events:
        if isinstance(event, AlarmRaised) and event.text.startswith(("I1:", "I9:")):
            yield event.text


def _attempts(books: Books) -> Iterator[str]:
    """I1, I2, I4: every order of ours at the exchange was intended, once, and sent at most once."""
    intended = Counter(e.attempt.client_order_id for _, e in books.events if isinstance(e, OrderIntended))
    for name, count in intended.items():
        if count > 1:
            yield f"I4: {name} was intended {count} times"
    namespace = books.ledger.account.namespace
    for name, count in books.exchange.sent.items():
        if count > 1:
            yield f"I2: {name} stands {count} times at the exchange"
        if is_ours(name, namespace) and name not in intended:
            yield f"I1: {name} is at the exchange but was never intended"


def _fills(books: Books) -> Iterator[str]:
    """I5, I15: fills are a set, and each is a trade of the exchange with the same content."""
    keys = Counter((fill.symbol, fill.trade_id) for fill in books.fills)
    for key, count in keys.items():
        if count > 1:
            yield f"I5: trade {key} is booked {count} times"
    for fill in books.fills:
        trade = books.exchange.trades.get((fill.symbol, fill.trade_id))
        if trade is None:
            yield f"I15: {fill.symbol} {fill.trade_id} is booked, the exchange has no such trade"
        elif trade != _as_trade(fill):
            yield f"I5: {fill.symbol} {fill.trade_id} is booked as {_as_trade(fill)}, the exchange says {trade}"


def _as_trade(fill: FillBooked) -> Trade:
    return Trade(
        fill.exchange_order_id, fill.side.value, fill.price, fill.quantity, fill.realized_pnl, fill.commission
    )


def _orders(books: Books) -> Iterator[str]:
    """I2, I6: what an order says it filled is the sum of its fills, and never more than was intended."""
    filled: dict[str, Decimal] = {}
    for fill in books.fills:
        filled[fill.client_order_id] = filled.get(fill.client_order_id, ZERO) + fill.quantity
    for name, order in books.orders.items():
        if order.filled_quantity != filled.get(name, ZERO):
            yield f"I6: {name} says {order.filled_quantity}, its fills say {filled.get(name, ZERO)}"
        if order.filled_quantity > order.quantity:
            yield f"I2: {name} was filled beyond its quantity"


def _parents(books: Books) -> Iterator[str]:
    """I2: what a parent's children filled is never more than the parent; a pair may fill with both its legs."""
    filled: dict[str | None, Decimal] = {}
    for order in books.orders.values():
        name = order.ticket.parent_id
        filled[name] = filled.get(name, ZERO) + order.filled_quantity
    for _, event in books.events:
        if isinstance(event, ParentOpened):
            legs = max(1, len(event.ticket.legs))
            if filled.get(event.parent_id, ZERO) > event.ticket.quantity * legs:
                yield f"I2: the parts of {event.parent_id} were filled beyond its quantity"


def _same_trades(books: Books) -> Iterator[str]:
    """I5, I7: at rest every trade is booked, and positions are their sum on both sides."""
    booked = {(fill.symbol, fill.trade_id) for fill in books.fills}
    for key in books.exchange.trades.keys() - booked:
        yield f"I5: the exchange's trade {key} is not booked"
    for symbol in {*books.ledger.symbols, *(symbol for symbol, _ in books.exchange.trades)}:
        ours = books.ledger.position(symbol).quantity
        summed = sum((f.quantity * f.side.sign for f in books.fills if f.symbol == symbol), ZERO)
        theirs = books.exchange.position(symbol)
        if not ours == summed == theirs:
            yield f"I7: {symbol}: position {ours}, fills {summed}, exchange {theirs}"


def _money(books: Books) -> Iterator[str]:
    """I8: wallets are equal to the last digit, and the exchange's own entries balance."""
    wallet = books.ledger.account.wallet
    for asset in {*wallet, *books.exchange.wallets}:
        ours, theirs = wallet.get(asset, ZERO), books.exchange.wallets.get(asset, ZERO)
        if ours != theirs:
            yield f"I8: wallet {asset}: ours {ours}, exchange {theirs}"
    for (transaction,) in books.exchange.imbalance:
        yield f"I8: the exchange's entry {transaction} does not balance"


def _same_open_orders(books: Books) -> Iterator[str]:
    """I6, I10: at rest the same orders are open on both sides, every attempt is resolved, nothing stays reserved."""
    there = {o.client_order_id for o in (*books.exchange.open_orders, *books.exchange.open_algos)}
    here = {name for name, order in books.orders.items() if order.is_open}
    if here != there:
        yield f"I6: open only here {sorted(here - there)}, open only there {sorted(there - here)}"
    for name in here:
        if books.orders[name].attempt_state is not AttemptState.ACKED:
            yield f"I10: the attempt of {name} is unresolved"
    entering = {order.symbol for order in map(books.orders.__getitem__, here) if not order.ticket.reduce_only}
    for book in books.ledger.symbols.values():
        if (book.pending_buy or book.pending_sell) and book.symbol not in entering:
            yield f"I10: {book.symbol} keeps a reservation without an open entry"


def _protection(books: Books) -> Iterator[str]:
    """I13: unless a person waived it, a position has a live stop there, on the right side and large enough."""
    for position in books.ledger.positions.values():
        if position.is_flat or position.stop_waived:
            continue
        stops = [_stop(books.orders, each) for each in books.exchange.open_algos]
        covered = max(
            (
                size
                for order, size in stops
                if order is not None and order.symbol == position.symbol and order.side is not position.side
            ),
            default=ZERO,
        )
        if covered < abs(position.quantity):
            yield f"I13: {position.symbol} {position.quantity} is covered by a stop of {covered} only"


def _stop(orders: dict[str, Order], each: OpenOrder) -> tuple[Order | None, Decimal]:
    order = orders.get(each.client_order_id)
    is_stop = order is not None and order.ticket.order_type is OrderType.STOP_MARKET
    if order is None or not is_stop or order.ticket.purpose is not Purpose.PROTECTIVE_STOP:
        return None, ZERO
    return order, each.quantity
