"""The invariants that must hold after any crash, checked on the two files alone: the session's and the exchange's.

The checker trusts neither side's memory. It reads the session's journal and tables through the read models, and the
exchange's file by plain SQL, and returns one sentence per violation; an empty list is a pass. The names I1 to I17
are those of ARCHITECTURE.md.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path

from src.domain.decisions.opening import opened_ms
from src.domain.ledger.events import (
    AlarmRaised,
    EpochStarted,
    Event,
    FillBooked,
    IncomeBooked,
    OrderIntended,
    ParentOpened,
)
from src.domain.ledger.events.account import OPENING_BALANCE
from src.domain.ledger.evolve import fold
from src.domain.ledger.state import Ledger, PositionKey
from src.domain.money import ZERO, quantize_amount
from src.domain.orders.client_order_ids import is_ours
from src.domain.orders.order import Order
from src.domain.orders.transitions import AttemptState
from src.domain.orders.types import OrderStatus, OrderType, Purpose
from src.domain.portfolio.margin import ISOLATED
from src.domain.positions.position import Position
from src.infrastructure.audit.auditor import run_audit
from src.infrastructure.audit.request import AuditRequest
from src.infrastructure.persistence.codec import decode
from src.infrastructure.persistence.databases import Database, PostgresDatabase, SqliteDatabase
from tests.support.exchange_file import ExchangeFile, OpenOrder, Trade
from tests.support.ledger_builders import itself, ledger_snapshot

EVERYTHING = 1_000_000


class Books:
    """Both sides' books, read once."""

    ledger: Ledger

    def __init__(self, database: Database | Path, account_id: str, exchange: Path) -> None:
        place = SqliteDatabase(database) if isinstance(database, Path) else database
        with closing(place.reads()) as reads:
            self.accounts = reads.accounts()
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
        is_server = isinstance(place, PostgresDatabase)
        address = place.url.text if isinstance(place, PostgresDatabase) else place.name
        self.audit = AuditRequest(account_id, address, is_server=is_server, file=exchange)


def violations(books: Books) -> list[str]:
    """Every violated invariant; the books are at rest: recovery is through and nothing is on its way."""
    found = [*_journal(books), *_attempts(books), *_fills(books), *_orders(books), *_parents(books)]
    found += _audited(books)
    found += [*_same_trades(books), *_same_positions(books), *_same_orders(books), *_money(books)]
    found += [*_same_income(books), *_isolated(books), *_same_open_orders(books), *_protection(books)]
    return found


def _audited(books: Books) -> Iterator[str]:
    """I5, I7, I8, I15 by the product's own auditor, which shares no code with either side."""
    for apart in run_audit(books.audit).differences:
        yield f"audit: {apart.subject}: ours {apart.ours}, exchange {apart.theirs}, first at {apart.where}"


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
    keys = Counter((fill.symbol, fill.trade_id, fill.side.value) for fill in books.fills)
    for key, count in keys.items():
        if count > 1:
            yield f"I5: trade {key} is booked {count} times"
    for fill in books.fills:
        trade = books.exchange.trades.get((fill.symbol, fill.trade_id, fill.side.value))
        if trade is None:
            yield f"I15: {fill.symbol} {fill.trade_id} is booked, the exchange has no such trade"
        elif trade != _as_trade(fill):
            yield f"I5: {fill.symbol} {fill.trade_id} is booked as {_as_trade(fill)}, the exchange says {trade}"


def _as_trade(fill: FillBooked) -> Trade:
    return Trade(
        fill.exchange_order_id,
        fill.side.value,
        fill.position_side.value,
        fill.price,
        fill.quantity,
        fill.realized_pnl,
        fill.commission,
        fill.commission_asset,
        fill.is_maker,
    )


def _orders(books: Books) -> Iterator[str]:
    """I2, I6, I8: quantity, cost and fee of an order are those of its fills, and never more than was intended."""
    filled: dict[str, tuple[Decimal, Decimal, Decimal]] = {}
    for fill in books.fills:
        quantity, cost, fee = filled.get(fill.client_order_id, (ZERO, ZERO, ZERO))
        filled[fill.client_order_id] = (
            quantity + fill.quantity,
            cost + fill.price * fill.quantity,
            fee + fill.commission,
        )
    for name, order in books.orders.items():
        says = order.filled_quantity, order.filled_cost, order.commission
        if says != filled.get(name, (ZERO, ZERO, ZERO)):
            yield f"I6: {name} says {says}, its fills say {filled.get(name)} (quantity, cost, fee)"
        # What closes a position is as large as the position, not as its ticket.
        if order.filled_quantity > order.quantity and not order.ticket.close_position:
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
    """I5: at rest every trade of the exchange is booked."""
    booked = {(fill.symbol, fill.trade_id, fill.side.value) for fill in books.fills}
    for key in books.exchange.trades.keys() - booked:
        yield f"I5: the exchange's trade {key} is not booked"


def _same_positions(books: Books) -> Iterator[str]:
    """I7: per symbol and position side: ours, our fills, the exchange's trades and its memory say the same."""
    summed: dict[PositionKey, Decimal] = {}
    for fill in books.fills:
        key = fill.symbol, fill.position_side
        summed[key] = summed.get(key, ZERO) + fill.quantity * fill.side.sign
    traded, held = books.exchange.positions(), books.exchange.holdings
    positions = books.ledger.positions
    for key in sorted({*positions, *summed, *traded, *held}):
        ours = positions.get(key, Position(*key))
        theirs = held[key].quantity if key in held else ZERO
        if not ours.quantity == summed.get(key, ZERO) == traded.get(key, ZERO) == theirs:
            yield (
                f"I7: {key[0]} {key[1].value}: position {ours.quantity}, fills {summed.get(key, ZERO)}, "
                f"exchange's trades {traded.get(key, ZERO)}, exchange {theirs}"
            )
        if sum((lot.quantity for lot in ours.lots), ZERO) != abs(ours.quantity):
            yield f"I7: {key[0]} {key[1].value}: the lots do not add up to {ours.quantity}"
        if key in held and theirs and abs(ours.cost) != held[key].cost:
            yield f"I7: {key[0]} {key[1].value} cost {ours.cost}, exchange {held[key].cost}"


def _same_orders(books: Books) -> Iterator[str]:
    """I6: at rest every order has filled the quantity, at the average, that the exchange's file says."""
    quoted: dict[str, Decimal] = {}
    for fill in books.fills:
        value = quantize_amount(fill.price * fill.quantity)
        quoted[fill.client_order_id] = quoted.get(fill.client_order_id, ZERO) + value
    for name, order in books.orders.items():
        ours = order.filled_quantity, quoted.get(name, ZERO)
        theirs = books.exchange.executed.get(name, (ZERO, ZERO))
        if ours != theirs:
            yield f"I6: {name} filled {ours}, exchange {theirs} (quantity, cost)"


def _money(books: Books) -> Iterator[str]:
    """I8: wallets are equal to the last digit, and the exchange's own entries balance."""
    wallet = books.ledger.account.wallet
    for asset in {*wallet, *books.exchange.wallets}:
        ours, theirs = wallet.get(asset, ZERO), books.exchange.wallets.get(asset, ZERO)
        if ours != theirs:
            yield f"I8: wallet {asset}: ours {ours}, exchange {theirs}"
    for (transaction,) in books.exchange.imbalance:
        yield f"I8: the exchange's entry {transaction} does not balance"


def _same_income(books: Books) -> Iterator[str]:
    """I8: at rest every row of funding, transfer and the like is booked once, as the exchange wrote it."""
    booked = Counter(
        (e.transaction_id, e.income_type, e.asset, e.amount, e.symbol)
        for _, e in books.events
        if isinstance(e, IncomeBooked) and e.income_type != OPENING_BALANCE
    )
    # What was paid before the books were opened is in the wallet that they began with.
    begun_ms = opened_ms(books.ledger) or 0
    theirs = {
        row: n for row, n in books.exchange.income.items() if books.exchange.paid_ms[row[0]] >= begun_ms
    }
    for row in booked - books.exchange.income:
        yield f"I8: {row} is booked, the exchange has no such row of income"
    for row in Counter(theirs) - booked:
        yield f"I8: the exchange's row of income {row} is not booked"


def _isolated(books: Books) -> Iterator[str]:
    """I8: the account is in the mode that its session asked for; isolated wallets are parts of the wallet."""
    exchange, session = books.exchange, books.ledger.session
    if session is not None and session.is_unfinished:
        options = session.options
        if exchange.is_hedged is not options.hedge_mode:
            yield f"I8: hedge mode {options.hedge_mode} was asked for, the exchange has {exchange.is_hedged}"
        wanted = set(options.symbols) if options.margin_type == ISOLATED else set()
        if exchange.isolated & set(options.symbols) != wanted:
            yield f"I8: isolated at the exchange are {sorted(exchange.isolated)}, wanted {sorted(wanted)}"
    for (symbol, side), held in exchange.holdings.items():
        is_own = symbol in exchange.isolated and bool(held.quantity)
        if bool(held.isolated_wallet) is not is_own:
            yield f"I8: {symbol} {side.value} of {held.quantity} has {held.isolated_wallet} of its own"
    given = sum((held.isolated_wallet for held in exchange.holdings.values()), ZERO)
    if given > (wallet := sum(exchange.wallets.values(), ZERO)):
        yield f"I8: isolated positions have {given}, the wallet is {wallet}"


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
    """I13: unless a person waived it, a position has a live stop there, of its side and large enough."""
    for (symbol, side), quantity, covered in naked(books):
        yield f"I13: {symbol} {side.value} {quantity} is covered by a stop of {covered} only"


def naked(books: Books) -> list[tuple[PositionKey, Decimal, Decimal]]:
    """What is held without a stop large enough: whose it is, how much, and what is covered of it.

    The books need not be at rest.
    """
    found = []
    for key, position in books.ledger.positions.items():
        if position.is_flat or position.stop_waived:
            continue
        covered = _covered(books, key, position)
        if covered < abs(position.quantity):
            found.append((key, position.quantity, covered))
    return found


def _covered(books: Books, key: PositionKey, position: Position) -> Decimal:
    """How much of a position the largest of its stops covers."""
    stops = [(_stop(books.orders, each), each) for each in books.exchange.open_algos if not each.hangs]
    return max(
        (
            abs(position.quantity) if each.closes else each.quantity
            for order, each in stops
            if order is not None
            and (order.symbol, order.ticket.position_side) == key
            and order.side is not position.side
        ),
        default=ZERO,
    )


def stops_in(books: Books, key: PositionKey, status: OrderStatus) -> set[str]:
    """The stops of a position that have this status in the session's books, by their client order ids."""
    return {
        name
        for name, order in books.orders.items()
        if order.ticket.purpose is Purpose.PROTECTIVE_STOP
        and (order.symbol, order.ticket.position_side) == key
        and order.status is status
    }


_STOPS = frozenset({OrderType.STOP_MARKET, OrderType.TRAILING_STOP_MARKET})


def _stop(orders: dict[str, Order], each: OpenOrder) -> Order | None:
    """The protective stop of ours behind an open order; None for any other."""
    order = orders.get(each.client_order_id)
    if order is None or order.ticket.order_type not in _STOPS:
        return None
    return order if order.ticket.purpose is Purpose.PROTECTIVE_STOP else None
