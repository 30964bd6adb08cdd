"""The invariants that must hold after any crash, checked on the two files alone: the session's and the exchange's.

The checker trusts neither side's memory. It reads the session's tables and journal through the read models and
the exchange's own file through its engine, and returns one sentence per violation; an empty list is a pass. The
names I1 to I17 are those of ARCHITECTURE.md.
"""

from collections import Counter
from decimal import Decimal
from pathlib import Path

from src.domain.ledger.evolve import fold
from src.domain.ledger.events import AlarmRaised, EpochStarted, FillBooked, OrderIntended
from src.domain.money import ZERO
from src.domain.orders.client_order_ids import is_ours
from src.domain.orders.order import Order
from src.domain.orders.transitions import AttemptState
from src.domain.orders.types import Purpose
from src.infrastructure.brokers.paper_broker import PAPER_ACCOUNT
from src.infrastructure.persistence.codec import decode_event
from src.infrastructure.persistence.read_models import SqliteReadModels
from src.infrastructure.simulated_exchange.engine import Engine

from tests.support.ledger_builders import ledger_snapshot


class Books:
    """Both sides' books, read once."""

    def __init__(self, database: Path, account_id: str, engine: Engine, symbols: tuple[str, ...]) -> None:
        reads = SqliteReadModels(database)
        try:
            self.records = list(reads.journal(account_id))
            ledger = reads.ledger(account_id)
            assert ledger is not None, "the account is there"
            self.ledger = ledger
            self.orders: dict[str, Order] = {
                order.client_order_id: order for order in reads.orders(account_id, limit=1_000_000)
            }
            self.fills = reads.fills(account_id)
        finally:
            reads.close()
        self.events = [(record.at_ms, decode_event(record.kind, record.payload)) for record in self.records]
        self.engine = engine
        self.symbols = symbols
        self.trades = {
            (symbol, trade["id"]): trade
            for symbol in symbols
            for trade in _all_trades(engine, symbol)
        }


def _all_trades(engine: Engine, symbol: str) -> list[dict[str, object]]:
    trades: list[dict[str, object]] = []
    from_id = 0
    while page := engine.user_trades(PAPER_ACCOUNT, symbol, from_id):
        trades += page
        from_id = int(page[-1]["id"]) + 1
    return trades


def violations(books: Books, *, at_rest: bool = True) -> list[str]:
    """Every violated invariant, as one sentence each. ``at_rest``: recovery is through, nothing is on its way."""
    found = [*_journal(books), *_attempts(books), *_fills(books), *_orders(books)]
    if at_rest:
        found += [*_positions_and_money(books), *_protection(books)]
    return found


def _journal(books: Books) -> list[str]:
    """I11, I12: one writer's epochs never go back, and the tables are the fold of the journal."""
    found = []
    epochs = [event.epoch for _, event in books.events if isinstance(event, EpochStarted)]
    if epochs != sorted(set(epochs)):
        found.append(f"I11: epochs {epochs} do not increase")
    folded = ledger_snapshot(fold(books.events))
    stored = ledger_snapshot(books.ledger)
    found += [f"I12: {key}: the journal says {folded[key]!r}, the tables {stored[key]!r}" for key in folded if folded[key] != stored[key]]
    breaches = [event.text for _, event in books.events if isinstance(event, AlarmRaised) and event.text.startswith("I")]
    found += [f"I1/I9: {text}" for text in breaches]
    return found


def _attempts(books: Books) -> list[str]:
    """I1, I2, I4: every order of ours at the exchange was intended, once, and sent at most once."""
    found = []
    intended = Counter(event.attempt.client_order_id for _, event in books.events if isinstance(event, OrderIntended))
    found += [f"I4: {name} was intended {count} times" for name, count in intended.items() if count > 1]
    namespace = books.ledger.account.namespace
    at_exchange: Counter[str] = Counter()
    for row in books.engine.all_order_rows(PAPER_ACCOUNT):
        at_exchange[row.client_order_id] += 1
        if is_ours(row.client_order_id, namespace) and row.client_order_id not in intended:
            found.append(f"I1: {row.client_order_id} is at the exchange but was never intended")
    found += [f"I2: {name} stands {count} times at the exchange" for name, count in at_exchange.items() if count > 1]
    return found


def _fills(books: Books) -> list[str]:
    """I5, I15: fills are a set, and each is a trade of the exchange with the same content."""
    found = []
    keys = Counter((fill.symbol, fill.trade_id) for fill in books.fills)
    found += [f"I5: trade {key} is booked {count} times" for key, count in keys.items() if count > 1]
    for fill in books.fills:
        trade = books.trades.get((fill.symbol, fill.trade_id))
        if trade is None:
            found.append(f"I15: {fill.symbol} {fill.trade_id} is booked, the exchange has no such trade")
        elif not _same(fill, trade):
            found.append(f"I5: {fill.symbol} {fill.trade_id} differs from the exchange's trade")
    return found


def _same(fill: FillBooked, trade: dict[str, object]) -> bool:
    return (
        Decimal(str(trade["price"])) == fill.price
        and Decimal(str(trade["qty"])) == fill.quantity
        and Decimal(str(trade["realizedPnl"])) == fill.realized_pnl
        and Decimal(str(trade["commission"])) == fill.commission
        and trade["side"] == fill.side.value
        and trade["orderId"] == fill.exchange_order_id
    )


def _orders(books: Books) -> list[str]:
    """I6: what an order says it filled is the sum of its fills, and never more than was intended."""
    found = []
    filled: dict[str, Decimal] = {}
    for fill in books.fills:
        filled[fill.client_order_id] = filled.get(fill.client_order_id, ZERO) + fill.quantity
    for name, order in books.orders.items():
        if order.filled_quantity != filled.get(name, ZERO):
            found.append(f"I6: {name} says {order.filled_quantity}, its fills say {filled.get(name, ZERO)}")
        if order.filled_quantity > order.quantity:
            found.append(f"I2: {name} was filled beyond its quantity")
    return found


def _positions_and_money(books: Books) -> list[str]:
    """I5, I6, I7, I8: at rest both sides hold the same trades, orders, positions and money, to the last digit."""
    found = []
    booked = {(fill.symbol, fill.trade_id) for fill in books.fills}
    found += [f"I5: the exchange's trade {key} is not booked" for key in books.trades.keys() - booked]
    theirs = {
        str(row["symbol"]): Decimal(str(row["positionAmt"])) for row in books.engine.position_risk(PAPER_ACCOUNT)
    }
    for symbol in books.symbols:
        ours = books.ledger.position(symbol).quantity
        summed = sum((f.quantity * f.side.sign for f in books.fills if f.symbol == symbol), ZERO)
        if not ours == summed == theirs.get(symbol, ZERO):
            found.append(f"I7: {symbol}: position {ours}, fills {summed}, exchange {theirs.get(symbol, ZERO)}")
    for row in books.engine.balance(PAPER_ACCOUNT):
        ours = books.ledger.account.wallet.get(str(row["asset"]), ZERO)
        if ours != Decimal(str(row["balance"])):
            found.append(f"I8: wallet {row['asset']}: ours {ours}, exchange {row['balance']}")
    found += [f"I8: the exchange's own books do not balance: {line}" for line in books.engine.audit() if not line.holds]
    open_there = {str(row["clientOrderId"]) for row in books.engine.open_orders(PAPER_ACCOUNT)}
    open_there |= {str(row["clientAlgoId"]) for row in books.engine.open_algo_orders(PAPER_ACCOUNT)}
    open_here = {name for name, order in books.orders.items() if order.is_open}
    if open_here != open_there:
        found.append(f"I6: open here {sorted(open_here - open_there)}, open there {sorted(open_there - open_here)}")
    unknown = [n for n, o in books.orders.items() if o.is_open and o.attempt_state is not AttemptState.ACKED]
    found += [f"I10: the attempt of {name} is unresolved" for name in unknown]
    if not open_here:
        for book in books.ledger.symbols.values():
            if book.pending_buy or book.pending_sell:
                found.append(f"I10: {book.symbol} keeps a reservation without an open order")
    return found


def _protection(books: Books) -> list[str]:
    """I13: a position has a live stop at the exchange, on the right side and at least as large."""
    found = []
    stops: dict[tuple[str, str], Decimal] = {}
    for row in books.engine.open_algo_orders(PAPER_ACCOUNT):
        order = books.orders.get(str(row["clientAlgoId"]))
        if order is not None and order.ticket.purpose is Purpose.PROTECTIVE_STOP:
            key = (order.symbol, order.side.value)
            stops[key] = max(stops.get(key, ZERO), Decimal(str(row["quantity"])))
    for position in books.ledger.positions.values():
        if position.is_flat:
            continue
        covered = stops.get((position.symbol, position.side.opposite.value), ZERO)
        if covered < abs(position.quantity):
            found.append(f"I13: {position.symbol} {position.quantity} is covered by a stop of {covered} only")
    return found
