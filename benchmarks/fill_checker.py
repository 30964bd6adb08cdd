"""Checks every fill of a simulated exchange against the recording it was traded on. Knows nothing of the program.

A taker's fill names the book frame it was taken from: the overlaid book must have shown its price on the opposite
side, and what all our takers took from one level since its quantity last changed must not exceed it. A maker's fill
names a print: it must have been at or through our limit, by an aggressor of the other side; our fills of one print
share its quantity; and at an equal price the queue that stood before the order must have traded first.

Also a program: ``python -m benchmarks.fill_checker EXCHANGE_FILE RECORDING...``
"""

import sqlite3
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from benchmarks.overlay import Overlay
from benchmarks.queues import Queues, Wait
from benchmarks.recordings import UNITS, Line, Recordings, units

BUY: Final = "BUY"
PRINTS: Final = ("trade", "aggTrade")

_FILLS: Final = """
SELECT t.trade_id, t.symbol, t.side, t.price, t.quantity, t.is_maker, t.reference_kind, t.reference_id,
       t.reference_source, t.reference_line, t.order_id,
       CASE WHEN o.modifications = 0 THEN o.price WHEN t.is_maker THEN t.price ELSE 0 END,
       o.created_ms, o.modifications
FROM trades t JOIN orders o ON o.order_id = t.order_id AND o.account = t.account
WHERE t.reference_kind IN ('book', 'trade')
ORDER BY t.trade_id
"""

# What our accounts sold to each other: at every price as much was bought as was sold.
_BETWEEN_US: Final = """
SELECT max(trade_id), symbol, count(*), sum(CASE side WHEN 'BUY' THEN quantity ELSE -quantity END)
FROM trades WHERE reference_kind = 'peer' GROUP BY symbol, price
"""


@dataclass(frozen=True, slots=True)
class Fill:
    """One trade of the exchange with what is needed of its order; amounts in units of 10⁻⁸, no limit is 0.

    Of a modified order only the last limit is known: its makers' fills are taken to be at the limit of their time.
    """

    trade_id: int
    symbol: str
    side: str
    price: int
    quantity: int
    is_maker: int
    kind: str
    reference_id: int
    source: int
    line: int
    order_id: int
    limit: int
    created_ms: int
    modifications: int

    @property
    def is_buy(self) -> bool:
        """Whether it bought."""
        return self.side == BUY

    def is_beyond_limit(self, price: int) -> bool:
        """Whether a price is worse than the order's limit."""
        return bool(self.limit) and (price > self.limit if self.is_buy else price < self.limit)


@dataclass(frozen=True, slots=True)
class Violation:
    """A fill that the market did not give: ``rule`` is a short name, ``text`` says the numbers."""

    trade_id: int
    symbol: str
    rule: str
    text: str

    def __str__(self) -> str:
        return f"trade {self.trade_id} of {self.symbol}: {self.rule}: {self.text}"


@dataclass(slots=True)
class FillReport:
    """What was checked. ``mids_twice`` are best bid plus best ask at the end, by symbol, in units of 10⁻⁸."""

    book_fills: int = 0
    trade_fills: int = 0
    peer_fills: int = 0
    frames: int = 0
    skipped: int = 0
    violations: list[Violation] = field(default_factory=list)
    mids_twice: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class _Taken:
    """What we took of one level while it showed ``shown``."""

    shown: int
    quantity: int = 0


class FillChecker:
    """Walks through a recording once and judges every fill at its frame."""

    def __init__(self, fills: Iterable[Fill]) -> None:
        self.report = FillReport()
        self._at: dict[tuple[int, int], list[Fill]] = defaultdict(list)
        self._books: dict[str, Overlay] = defaultdict(Overlay)
        self._taken: dict[str, dict[tuple[bool, int], _Taken]] = defaultdict(dict)
        self._queues = Queues()
        self._newest: dict[tuple[str, str], int] = {}
        waits: dict[int, Wait] = {}
        for fill in fills:
            self._at[fill.source, fill.line].append(fill)
            # A modified order has lost its place at a time that the file does not tell.
            if fill.is_maker and not fill.modifications:
                new = Wait(fill.order_id, fill.symbol, fill.is_buy, fill.limit, fill.created_ms)
                waits.setdefault(fill.order_id, new).fills_left += 1
        for wait in waits.values():
            self._queues.add(wait)

    def run(self, recordings: Recordings) -> FillReport:
        """Walk to the end; a fill whose frame never came is a violation, too."""
        report, books = self.report, self._books
        exchange_ms = 0
        for line in recordings:
            report.frames += 1
            exchange_ms = max(exchange_ms, line.event_ms)
            self._queues.before(line, exchange_ms, books)
            is_book = books[line.symbol].apply(line)
            self._queues.after(line, exchange_ms, books)
            if is_book and self._taken[line.symbol]:
                self._forget_changed(line.symbol)
            fills = self._at.pop((line.source, line.number), None)
            if fills is not None:
                self._judge(fills, line, is_book)
        for fills in self._at.values():
            for fill in fills:
                self._object(fill, "no such frame", f"file {fill.source} has no frame at line {fill.line}")
        report.skipped = recordings.skipped
        middles = {symbol: book.mid_twice() for symbol, book in books.items()}
        report.mids_twice = {symbol: middle for symbol, middle in middles.items() if middle is not None}
        report.violations.sort(key=lambda violation: violation.trade_id)
        return report

    def _forget_changed(self, symbol: str) -> None:
        """A level that shows another quantity is a new offer: what we took of the old one no longer counts."""
        book, taken = self._books[symbol], self._taken[symbol]
        changed = [key for key, level in taken.items() if book.shown(*key) != level.shown]
        for key in changed:
            del taken[key]

    def _judge(self, fills: list[Fill], line: Line, is_book: bool) -> None:
        shared = 0
        for fill in fills:
            if fill.kind == "book":
                self.report.book_fills += 1
            else:
                self.report.trade_fills += 1
            is_right_kind = is_book if fill.kind == "book" else line.kind in PRINTS
            if fill.symbol != line.symbol or not is_right_kind:
                text = f"a {fill.kind} of {fill.symbol} is named, line {line.number} is a {line.kind} of {line.symbol}"
                self._object(fill, "no such frame", text)
                continue
            if bool(fill.is_maker) is (fill.kind == "book"):
                self._object(fill, "wrong role", "takers trade with the book, makers with prints")
            newest = self._newest.get((fill.symbol, fill.kind), 0)
            if fill.trade_id < newest:
                self._object(fill, "time went back", f"trade {newest} rests on an earlier frame")
            self._newest[fill.symbol, fill.kind] = max(newest, fill.trade_id)
            if fill.kind == "book":
                self._judge_taker(fill, self._books[fill.symbol])
            else:
                shared += fill.quantity
                self._judge_maker(fill, line, shared)

    def _judge_taker(self, fill: Fill, book: Overlay) -> None:
        price, quantity = fill.price, fill.quantity
        if fill.reference_id != book.update_id:
            text = f"the book was at update {book.update_id}, not {fill.reference_id}"
            self._object(fill, "another frame", text)
        if fill.is_beyond_limit(price):
            self._object(fill, "beyond the limit", f"{_text(price)} against a limit of {_text(fill.limit)}")
        shown = book.shown(fill.is_buy, price)
        if not shown:
            rule = "wrong side" if book.shown(not fill.is_buy, price) else "price not offered"
            self._object(fill, rule, f"nobody {'sold' if fill.is_buy else 'bought'} at {_text(price)}")
            return
        level = self._taken[fill.symbol].setdefault((fill.is_buy, price), _Taken(shown))
        before = level.quantity
        level.quantity += quantity
        if quantity > shown:
            text = f"{_text(quantity)} at {_text(price)}, where {_text(shown)} stood"
            self._object(fill, "too much quantity", text)
        elif level.quantity > shown:
            text = f"{_text(quantity)} at {_text(price)}, where {_text(before)} of {_text(shown)} was taken before"
            self._object(fill, "level taken twice", text)

    def _judge_maker(self, fill: Fill, line: Line, shared: int) -> None:
        body = line.body
        price, quantity, number = units(body["p"]), units(body["q"]), body.get("t", body.get("a"))
        if fill.reference_id != number:
            self._object(fill, "another frame", f"the print is {number}, not {fill.reference_id}")
        if bool(body["m"]) is not fill.is_buy:
            self._object(fill, "wrong side", f"the print hit the {'bids' if body['m'] else 'asks'}")
        if fill.price != fill.limit:
            self._object(fill, "not our price", f"{_text(fill.price)}, the limit is {_text(fill.limit)}")
        if fill.is_beyond_limit(price):
            self._object(fill, "price not reached", f"print {_text(price)}, limit {_text(fill.limit)}")
        if shared > quantity:
            text = f"{_text(shared)} for our orders, the print had {_text(quantity)}"
            self._object(fill, "print over-shared", text)
        if fill.modifications:
            return
        wait = self._queues.fill(fill.symbol, fill.order_id, fill.quantity)
        if wait is None:
            self._object(fill, "before its arrival", f"the order is of {fill.created_ms}")
        elif price == fill.limit and wait.missing > 0:
            text = f"{_text(wait.missing)} at {_text(price)} still stood before it"
            self._object(fill, "maker before queue", text)

    def _object(self, fill: Fill, rule: str, text: str) -> None:
        self.report.violations.append(Violation(fill.trade_id, fill.symbol, rule, text))


def _text(amount: int) -> str:
    whole, part = divmod(amount, UNITS)
    return f"{whole}.{part:08d}".rstrip("0").rstrip(".")


def read_fills(exchange: Path) -> list[Fill]:
    """Every trade in an exchange's file, oldest first."""
    with closing(sqlite3.connect(f"{exchange.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        return [Fill(*row) for row in connection.execute(_FILLS)]


def check_fills(exchange: Path, recordings: Sequence[Path]) -> FillReport:
    """Judge every fill of an exchange's file; ``recordings`` in the order in which they were traded on."""
    report = FillChecker(read_fills(exchange)).run(Recordings(recordings))
    with closing(sqlite3.connect(f"{exchange.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        for trade_id, symbol, count, difference in connection.execute(_BETWEEN_US):
            report.peer_fills += count
            if difference:
                text = f"{_text(abs(difference))} more on one side than on the other"
                report.violations.append(Violation(trade_id, symbol, "no counterpart", text))
    return report


def describe(report: FillReport) -> str:
    """A line of counts, and a line for every violation."""
    head = (
        f"{report.book_fills:,} fills from the book, {report.trade_fills:,} from prints, {report.peer_fills:,} between "
        "accounts, judged on "
        f"{report.frames:,} frames ({report.skipped:,} lines skipped): {len(report.violations)} violations"
    )
    return "\n".join([head, *(f"  {violation}" for violation in report.violations)])


def main(arguments: Sequence[str]) -> int:
    """Check the files named; 1 when there is a violation, 2 when nothing was named."""
    if len(arguments) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    report = check_fills(Path(arguments[0]), [Path(argument) for argument in arguments[1:]])
    print(describe(report))
    return int(bool(report.violations))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
