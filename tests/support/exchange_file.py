"""What the exchange's file says, by plain SQL and in our units: the ground truth that :mod:`invariants` compares with.

Nothing here goes through the engine. Positions stand twice in the file, as the sum of the trades and in the memory
that the exchange wrote with its last commit; both are read.
"""

import json
import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from src.domain.market.sides import PositionSide
from src.domain.money import ZERO

_UNIT = Decimal("0.00000001")

Key = tuple[str, PositionSide]
TradeKey = tuple[str, int, str]
"""Symbol, id, side: a trade of the account with itself has both sides."""
IncomeRow = tuple[int, str, str, Decimal, str]
"""Transaction, type, asset, amount, symbol."""


@dataclass(frozen=True, slots=True)
class Trade:
    """A trade in the exchange's file, in our units."""

    order_id: int
    side: str
    position_side: str
    price: Decimal
    quantity: Decimal
    realized: Decimal
    commission: Decimal
    commission_asset: str
    is_maker: bool


@dataclass(frozen=True, slots=True)
class OpenOrder:
    """An open order in the exchange's file; ``quantity`` is what was ordered, ``closes`` whatever is held.

    One that ``hangs`` has triggered without a trade.
    """

    client_order_id: str
    quantity: Decimal
    closes: bool = False
    hangs: bool = False


@dataclass(frozen=True, slots=True)
class Holding:
    """A position as the exchange remembers it; ``cost`` is never negative, ``isolated_wallet`` 0 for a cross one."""

    quantity: Decimal
    cost: Decimal
    isolated_wallet: Decimal


class ExchangeFile:
    """What the exchange's file says of all its accounts together; the tests give a file to one account."""

    def __init__(self, path: Path) -> None:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as file:
            self.trades = _trades(file)
            ordinary = list(
                file.execute("SELECT client_order_id, quantity, status, algo_id, executed, quote FROM orders")
            )
            algos = list(file.execute("SELECT client_algo_id, quantity, status, close_position FROM algos"))
            wallet = "FROM postings WHERE book = 'WALLET'"
            self.wallets = {
                asset: _amount(total)
                for asset, total in file.execute(f"SELECT asset, sum(amount) {wallet} GROUP BY asset")
            }
            self.income: Counter[IncomeRow] = Counter(
                (tran_id, kind, asset, _amount(amount), symbol)
                for tran_id, kind, asset, amount, symbol in file.execute(
                    f"SELECT tran_id, income_type, asset, amount, symbol {wallet} AND trade_id = 0"
                )
            )
            self.paid_ms = dict(file.execute("SELECT tran_id, max(time_ms) FROM postings GROUP BY tran_id"))
            self.imbalance = list(
                file.execute("SELECT tran_id FROM postings GROUP BY tran_id HAVING sum(amount) <> 0")
            )
            state = file.execute("SELECT body FROM state WHERE id = 1").fetchone()
        self._remember(json.loads(state[0])["accounts"] if state is not None else [])
        # The order that a conditional one became carries its id; it is the same wish of ours.
        self.sent = Counter(name for name, _, _, algo_id, _, _ in ordinary if not algo_id)
        self.sent.update(name for name, *_ in algos)
        self.executed: dict[str, tuple[Decimal, Decimal]] = {}
        """What was filled of an order, and the sum of price times quantity of its trades."""
        for name, _, _, _, executed, quote in ordinary:
            before = self.executed.get(name, (ZERO, ZERO))
            self.executed[name] = before[0] + _amount(executed), before[1] + _amount(quote)
        self.open_algos = [
            OpenOrder(name, _amount(q), bool(c), status == "TRIGGERING")
            for name, q, status, c in algos
            if status in ("NEW", "TRIGGERING")
        ]
        self.open_orders = [
            OpenOrder(name, _amount(quantity))
            for name, quantity, status, *_ in ordinary
            if status in ("NEW", "PARTIALLY_FILLED")
        ]

    def _remember(self, accounts: list[list[Any]]) -> None:
        """The exchange's memory: positions that are not flat, symbols with isolated margin, position modes."""
        self.holdings: dict[Key, Holding] = {}
        self.isolated: set[str] = set()
        self.is_hedged = False
        for _, _, _, positions, _, isolated, is_hedged, _ in accounts:
            self.isolated |= set(isolated)
            self.is_hedged = self.is_hedged or is_hedged
            for symbol, side, quantity, cost, _, _, own in positions:
                if quantity or own:
                    key = symbol, PositionSide(side)
                    self.holdings[key] = Holding(_amount(quantity), _amount(cost), _amount(own))

    def positions(self) -> dict[Key, Decimal]:
        """The sum of the trades by symbol and position side, base asset, signed."""
        sums: dict[Key, Decimal] = {}
        for (symbol, *_), trade in self.trades.items():
            key = symbol, PositionSide(trade.position_side)
            signed = trade.quantity if trade.side == "BUY" else -trade.quantity
            sums[key] = sums.get(key, ZERO) + signed
        return sums


def _trades(file: sqlite3.Connection) -> dict[TradeKey, Trade]:
    rows = file.execute(
        "SELECT symbol, trade_id, order_id, side, position_side, price, quantity, realized, commission,"
        " commission_asset, is_maker FROM trades"
    )
    return {
        (symbol, trade_id, side): Trade(
            order_id,
            side,
            position_side,
            _amount(price),
            _amount(quantity),
            _amount(realized),
            _amount(commission),
            asset,
            bool(is_maker),
        )
        for (
            symbol,
            trade_id,
            order_id,
            side,
            position_side,
            price,
            quantity,
            realized,
            commission,
            asset,
            is_maker,
        ) in rows
    }


def _amount(units: int) -> Decimal:
    return units * _UNIT
