"""A second reader of recorded markets, for checking: json and gzip only, nothing of the program that it checks.

Amounts are integers in units of 10⁻⁸. Lines that cannot be a frame are passed over and counted.
"""

import gzip
import heapq
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final

UNITS: Final = 10**8
_GZIP_MAGIC: Final = b"\x1f\x8b"
_known: dict[str, int] = {}


def units(text: str) -> int:
    """A number on the wire in units of 10⁻⁸; ValueError when it is none, or finer than that."""
    value = _known.get(text)
    if value is None:
        try:
            exact = Decimal(text) * UNITS
            value = int(exact)
        except (InvalidOperation, OverflowError):
            raise ValueError(f"{text!r} is no amount") from None
        if value != exact or value < 0:
            raise ValueError(f"{text!r} is no amount")
        _known[text] = value
    return value


@dataclass(frozen=True, slots=True)
class Line:
    """One message: receive time (ns, never going back within its file), file, line from 1, kind and body.

    ``kind`` is the exchange's: bookTicker, depthUpdate, trade, markPriceUpdate, or ``snapshot`` for the REST book.
    """

    received_ns: int
    source: int
    number: int
    kind: str
    symbol: str
    body: dict[str, Any]

    @property
    def event_ms(self) -> int:
        """When the exchange says it happened; 0 when it does not say."""
        return int(self.body.get("E") or 0)


class Recordings:
    """Files merged by receive time, then by their order, then by line. ``skipped`` counts unusable lines."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = tuple(paths)
        self.skipped = 0

    def __iter__(self) -> Iterator[Line]:
        files = [self._read(path, source) for source, path in enumerate(self._paths)]
        return heapq.merge(*files, key=lambda line: (line.received_ns, line.source, line.number))

    def _read(self, path: Path, source: int) -> Iterator[Line]:
        with path.open("rb") as raw:
            is_packed = raw.read(2) == _GZIP_MAGIC
        with gzip.open(path, "rb") if is_packed else path.open("rb") as file:
            last_ns = 0
            prices: dict[str, float] = {}
            for number, text in enumerate(file, 1):
                stamp, _, message = text.partition(b" ")
                try:
                    received_ns, body = int(stamp), json.loads(message)
                    line = self._line(max(received_ns, last_ns), source, number, body, prices)
                except (ValueError, KeyError, TypeError):
                    self.skipped += 1
                    continue
                last_ns = line.received_ns
                yield line

    def _line(self, received_ns: int, source: int, number: int, body: Any, prices: dict[str, float]) -> Line:
        if "lastUpdateId" in body:
            return Line(received_ns, source, number, "snapshot", _owner(body, prices), body)
        data = body["data"] if "stream" in body else body
        kind, symbol = data["e"], data["s"]
        if kind == "bookTicker":
            # Looked at here, so that a line with a number that is none is passed over as a whole.
            if not all(units(data[key]) for key in "bBaA"):
                raise ValueError("a price or quantity of zero")
            prices[symbol] = float(data["b"])
        elif kind == "trade" and not all(units(data[key]) for key in "pq"):
            raise ValueError("a price or quantity of zero")
        return Line(received_ns, source, number, kind, symbol, data)


def _owner(body: dict[str, Any], prices: dict[str, float]) -> str:
    """A REST book does not name its symbol: it is the one of the file whose price is nearest."""
    first = float(body["bids"][0][0])
    return min(prices, key=lambda symbol: max(first / prices[symbol], prices[symbol] / first))
