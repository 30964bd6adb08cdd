"""Small recordings and exchange files, written by hand for the checkers."""

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SYMBOL = "BTCUSDT"
UNITS = 10**8
START_MS = 1_700_000_000_000


@dataclass
class Recording:
    """Lines a millisecond apart; each method adds one and returns its number."""

    path: Path
    lines: list[str] = field(default_factory=list)
    update_id: int = 1_000

    def quote(self, bid: str, bid_quantity: str, ask: str, ask_quantity: str) -> int:
        self.update_id += 10
        quoted = {"b": bid, "B": bid_quantity, "a": ask, "A": ask_quantity}
        return self._add({"e": "bookTicker", "u": self.update_id, **quoted})

    def depth(self, bids: list[list[str]], asks: list[list[str]]) -> int:
        previous, self.update_id = self.update_id, self.update_id + 10
        chain = {"U": previous + 1, "u": self.update_id, "pu": previous}
        return self._add({"e": "depthUpdate", **chain, "b": bids, "a": asks})

    def snapshot(self, bids: list[list[str]], asks: list[list[str]]) -> int:
        body = {"lastUpdateId": self.update_id, "E": self.now_ms, "bids": bids, "asks": asks}
        return self._write(json.dumps(body))

    def print(self, trade_id: int, price: str, quantity: str, *, hits_bids: bool) -> int:
        return self._add({"e": "trade", "t": trade_id, "p": price, "q": quantity, "m": hits_bids})

    @property
    def now_ms(self) -> int:
        """The time of the next line."""
        return START_MS + len(self.lines) + 1

    @property
    def last_ms(self) -> int:
        """The time of the last line."""
        return START_MS + len(self.lines)

    def _add(self, data: dict[str, Any]) -> int:
        event = {**data, "s": SYMBOL, "E": self.now_ms, "T": self.now_ms}
        return self._write(json.dumps({"stream": "some", "data": event}))

    def _write(self, message: str) -> int:
        self.lines.append(f"{self.now_ms * 1_000_000} {message}")
        self.path.write_text("\n".join(self.lines) + "\n")
        return len(self.lines)


class Exchange:
    """An exchange's file with the two tables that the checker reads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._trades = 0
        self._orders = 0
        with closing(sqlite3.connect(path)) as file:
            file.executescript(
                "CREATE TABLE orders (order_id, account, side, price, created_ms, modifications);"
                "CREATE TABLE trades (trade_id, account, symbol, order_id, side, price, quantity, is_maker,"
                " reference_kind, reference_id, reference_source, reference_line);"
            )

    def order(
        self, side: str, *, limit: str = "0", created_ms: int = START_MS, modifications: int = 0
    ) -> int:
        self._orders += 1
        row = (self._orders, 1, side, units(limit), created_ms, modifications)
        self._insert("orders", row)
        return self._orders

    def take(self, order: int, side: str, price: str, quantity: str, *, update_id: int, line: int) -> None:
        self._trade(order, side, price, quantity, False, ("book", update_id, 0, line))

    def make(self, order: int, side: str, price: str, quantity: str, *, trade_id: int, line: int) -> None:
        self._trade(order, side, price, quantity, True, ("trade", trade_id, 0, line))

    def _trade(
        self, order: int, side: str, price: str, quantity: str, is_maker: bool, reference: tuple[Any, ...]
    ) -> None:
        self._trades += 1
        amounts = (units(price), units(quantity))
        self._insert("trades", (self._trades, 1, SYMBOL, order, side, *amounts, is_maker, *reference))

    def _insert(self, table: str, row: tuple[Any, ...]) -> None:
        with closing(sqlite3.connect(self.path)) as file, file:
            file.execute(f"INSERT INTO {table} VALUES ({','.join('?' * len(row))})", row)


def units(text: str) -> int:
    """A short decimal in units of 10⁻⁸."""
    whole, _, part = text.partition(".")
    return int(whole) * UNITS + int((part + "0" * 8)[:8])
