"""Checks a finished paper session's books against the exchange's own, to the last digit. Knows nothing of the program.

Both are read by plain SQL, the exchange from its SQLite file. The exchange's trades are folded into positions, profits
and a wallet by the rule that both sides claim to keep (a partial close takes its share of the cost, half-even at 10⁻⁸,
and leaves the rest); what is unrealised is valued at the middle of the checker's own book. Amounts are integers in
10⁻⁸.
"""

import asyncio
import json
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import asyncpg

from benchmarks.recordings import UNITS

Rows = Callable[..., list[Any]]
Key = tuple[str, int, str]
BUY: Final = "BUY"
IN_ORDER: Final = " ORDER BY trade_id, is_maker DESC"
"""As the exchange counts both sides of a trade of the account with itself."""


@dataclass(slots=True)
class Holding:
    """A position as the fold of its trades: signed quantity and signed cost, and what closing it earned."""

    quantity: int = 0
    cost: int = 0
    realized: int = 0


@dataclass(slots=True)
class Books:
    """One side's books: holdings by symbol, trades by (symbol, id, side), the wallet and what it is made of.

    A trade of the account with itself has two sides and one id, which counts within its symbol. ``orders`` are those
    that the exchange has taken: it keeps none that it refused.
    """

    positions: dict[str, tuple[int, int]] = field(default_factory=dict)
    trades: dict[Key, tuple[Any, ...]] = field(default_factory=dict)
    orders: int = 0
    wallet: int = 0
    realized: int = 0
    commission: int = 0
    funding: int = 0
    transfers: int = 0


def units_of(text: str | Decimal) -> int:
    """A stored decimal in units of 10⁻⁸; ValueError when it is finer than that."""
    exact = Decimal(text) * UNITS
    if exact != int(exact):
        raise ValueError(f"{text} is finer than 10⁻⁸")
    return int(exact)


def session_books(database: Path | str, account_id: str, asset: str = "USDT") -> Books:
    """What the session's database says: a file, or the address of a PostgreSQL database."""
    with _rows_of(database) as rows:
        (account,) = rows("SELECT * FROM account WHERE account_id = $1", account_id)
        mine = account["account_no"]
        books = Books(
            realized=units_of(account["realized_pnl"]),
            commission=units_of(account["commission"]),
            funding=units_of(account["funding"]),
            transfers=units_of(account["transfers"]),
        )
        for row in rows("SELECT * FROM positions WHERE account_no = $1", mine):
            if units_of(row["quantity"]):
                books.positions[row["symbol"]] = (units_of(row["quantity"]), units_of(row["cost"]))
        for row in rows("SELECT * FROM fills WHERE account_no = $1", mine):
            amounts = (units_of(row[name]) for name in ("price", "quantity", "realized_pnl", "commission"))
            key = (row["symbol"], row["trade_id"], row["side"])
            books.trades[key] = (row["side"], *amounts, row["client_order_id"], row["exchange_order_id"])
        taken = (
            "SELECT count(*) FROM orders WHERE account_no = $1 AND attempt_state NOT IN ('REFUSED', 'DEAD')"
        )
        ((books.orders,),) = rows(taken, mine)
        for (amount,) in rows("SELECT amount FROM wallets WHERE account_no = $1 AND asset = $2", mine, asset):
            books.wallet = units_of(amount)
    return books


def exchange_books(exchange: Path, account_id: str, asset: str = "USDT") -> Books:
    """What the exchange's file says: trades and postings, and its memory as of the last commit."""
    with closing(_open(exchange)) as rows:
        memory = json.loads(rows.execute("SELECT body FROM state").fetchone()[0])
        accounts = {account[1]: account for account in memory["accounts"]}
        number, _, wallets, positions, *_ = accounts[account_id]
        books = Books(wallet=wallets[asset])
        for symbol, _, quantity, cost, *_ in positions:
            if quantity:
                books.positions[symbol] = (quantity, cost if quantity > 0 else -cost)
        for row in rows.execute("SELECT * FROM trades WHERE account = ?" + IN_ORDER, (number,)):
            amounts = (row[name] for name in ("price", "quantity", "realized", "commission"))
            key = (row["symbol"], row["trade_id"], row["side"])
            books.trades[key] = (row["side"], *amounts, row["client_order_id"], row["order_id"])
        counted = "SELECT (SELECT count(*) FROM orders WHERE account = ?1 AND algo_id = 0)"
        (books.orders,) = rows.execute(
            f"{counted} + (SELECT count(*) FROM algos WHERE account = ?1)", (number,)
        ).fetchone()
        sums = dict(
            rows.execute(
                "SELECT income_type, sum(amount) FROM postings"
                " WHERE account = ? AND asset = ? AND book = 'WALLET' GROUP BY income_type",
                (number, asset),
            ).fetchall()
        )
    books.realized, books.commission = sums.pop("REALIZED_PNL", 0), -sums.pop("COMMISSION", 0)
    books.funding, books.transfers = sums.pop("FUNDING_FEE", 0), sums.pop("TRANSFER", 0)
    if sums:
        raise ValueError(f"the exchange booked {', '.join(sums)}, which this check does not know")
    return books


def fold(trades: Mapping[Key, tuple[Any, ...]]) -> dict[str, Holding]:
    """Positions and realised profits that follow from trades in the order of their ids."""
    holdings: dict[str, Holding] = defaultdict(Holding)
    for (symbol, *_), (side, price, quantity, *_) in sorted(trades.items(), key=lambda item: item[0][1]):
        held = holdings[symbol]
        sign = 1 if side == BUY else -1
        closing_quantity = min(quantity, abs(held.quantity)) if held.quantity * sign < 0 else 0
        if closing_quantity:
            share = _half_even(held.cost * closing_quantity, abs(held.quantity))
            if closing_quantity == abs(held.quantity):
                share = held.cost
            held.cost -= share
            held.quantity += sign * closing_quantity
            held.realized -= sign * _half_even(price * closing_quantity, UNITS) + share
        opening = quantity - closing_quantity
        held.quantity += sign * opening
        held.cost += sign * _half_even(price * opening, UNITS)
    return holdings


def unrealized(holdings: Mapping[str, Holding], mids_twice: Mapping[str, int]) -> Decimal:
    """Quantity times the middle of the book less the cost, in quote asset, exactly."""
    total = Decimal(0)
    for symbol, held in holdings.items():
        if held.quantity:
            value = Decimal(held.quantity) * mids_twice[symbol] / 2 / UNITS / UNITS
            total += value - Decimal(held.cost) / UNITS
    return total


def differences(ours: Books, theirs: Books, holdings: Mapping[str, Holding]) -> list[str]:
    """Every figure in which the session's books, the exchange's, and the fold of its trades are not equal."""
    found = []
    folded = {symbol: (held.quantity, held.cost) for symbol, held in holdings.items() if held.quantity}
    realized = sum(held.realized for held in holdings.values())
    for name, mine, other in (
        ("the wallet", ours.wallet, theirs.wallet),
        ("realised profit", ours.realized, theirs.realized),
        ("commission", ours.commission, theirs.commission),
        ("funding", ours.funding, theirs.funding),
        ("transfers", ours.transfers, theirs.transfers),
        ("the count of orders", ours.orders, theirs.orders),
        ("positions", ours.positions, theirs.positions),
        ("positions and the fold of the trades:", ours.positions, folded),
        ("realised profit and the fold of the trades:", theirs.realized, realized),
        (
            "the wallet and its parts:",
            theirs.wallet,
            theirs.transfers + theirs.realized - theirs.commission + theirs.funding,
        ),
    ):
        if mine != other:
            found.append(f"{name} {mine} against {other}")
    for key in sorted(ours.trades.keys() | theirs.trades.keys()):
        if ours.trades.get(key) != theirs.trades.get(key):
            found.append(f"trade {key}: {ours.trades.get(key)} against {theirs.trades.get(key)}")
    return found


def _half_even(numerator: int, denominator: int) -> int:
    quotient, rest = divmod(numerator, denominator)
    return quotient + (2 * rest > denominator or (2 * rest == denominator and quotient % 2))


@contextmanager
def _rows_of(database: Path | str) -> Iterator[Rows]:
    """A function that runs a SELECT with ``$1``, ``$2`` … and returns all rows."""
    if isinstance(database, Path):
        with closing(_open(database)) as file:
            yield lambda statement, *values: file.execute(statement.replace("$", "?"), values).fetchall()
        return
    scheme, separator, rest = database.partition("://")
    with asyncio.Runner() as runner:
        server = runner.run(asyncpg.connect(f"{scheme.partition('+')[0]}{separator}{rest}"))
        try:
            yield lambda statement, *values: runner.run(server.fetch(statement, *values))
        finally:
            runner.run(server.close())


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    connection.row_factory = sqlite3.Row
    return connection
