"""Reads what an exchange says over REST: signed GETs of two endpoints and its clock; nothing else is ever sent.

Sources: USDⓈ-M futures, Account Trade List (``userTrades``: a span of seven days, or from an id on, oldest first),
Get Income History (``income``: a span, oldest first), both for the last three months; weights and limits in General
Info. The reader leaves half of the minute's weight to those who trade.
"""

import hashlib
import hmac
import http.client
import json
import time
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from src.infrastructure.audit.records import AuditFailure, ExchangeBooks, Income, Trade
from src.infrastructure.audit.request import Credentials

PAGE: Final = 1_000
DAY_MS: Final = 86_400_000
SPAN_MS: Final = 7 * DAY_MS
KEPT_MS: Final = 89 * DAY_MS
TIMEOUT_S: Final = 10.0
WEIGHT_MAX: Final = 1_200
_BYTES_MAX: Final = 64 << 20
_WEIGHT: Final = "X-MBX-USED-WEIGHT-1M"


class VenueReader:
    """One connection to the REST API at ``credentials.url``; every call may raise :class:`AuditFailure`."""

    def __init__(self, credentials: Credentials, pause: Callable[[float], None] = time.sleep) -> None:
        parts = urlsplit(credentials.url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._connection = kind(parts.netloc, timeout=TIMEOUT_S)
        self._credentials = credentials
        self._pause = pause
        self._ahead_ms = 0

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def learn_clock(self) -> int:
        """Ask the exchange for its time, ms; what is signed later is stamped with it."""
        now_ms = int(self._get("/fapi/v1/time", "")["serverTime"])
        self._ahead_ms = now_ms - time.time_ns() // 1_000_000
        return now_ms

    def read(self, symbols: Iterable[str], since_ms: int) -> ExchangeBooks:
        """Trades of ``symbols`` and of every symbol with income, and all income, at or after ``since_ms``.

        Trades are read first: income that is newer than they are belongs to trades still to be heard of.
        """
        now_ms = self.learn_clock()
        trades = {symbol: self._trades(symbol, since_ms, now_ms) for symbol in sorted(set(symbols))}
        income = self._income(since_ms, now_ms)
        for symbol in sorted({row.symbol for row in income if row.trade_id} - trades.keys()):
            trades[symbol] = self._trades(symbol, since_ms, now_ms)
        return ExchangeBooks({trade.key: trade for rows in trades.values() for trade in rows}, income, now_ms)

    def _trades(self, symbol: str, since_ms: int, now_ms: int) -> list[Trade]:
        """Look for the first trade span by span, then go on from its id."""
        rows: list[Any] = []
        while not rows and since_ms <= now_ms:
            until_ms = since_ms + SPAN_MS - 1
            rows = self._ask("userTrades", symbol=symbol, startTime=since_ms, endTime=until_ms, limit=PAGE)
            since_ms = until_ms + 1
        page = rows
        while page:
            # A trade of the account with itself is two rows of one id, and a page may have ended between them.
            page = self._ask("userTrades", symbol=symbol, fromId=int(rows[-1]["id"]), limit=PAGE)
            page = [row for row in page if row not in rows[-2:]]
            rows += page
        return [_trade(row) for row in rows]

    def _income(self, since_ms: int, now_ms: int) -> list[Income]:
        rows: list[Income] = []
        while since_ms <= now_ms:
            until_ms = since_ms + SPAN_MS - 1
            page = [
                _income(row) for row in self._ask("income", startTime=since_ms, endTime=until_ms, limit=PAGE)
            ]
            if len(page) < PAGE:
                rows += page
                since_ms = until_ms + 1
                continue
            last_ms = page[-1].at_ms
            if last_ms == page[0].at_ms:
                raise AuditFailure(
                    f"more than {PAGE} entries of income in one millisecond cannot be told apart"
                )
            # The last millisecond may be cut in two: it is read again as a whole.
            rows += [row for row in page if row.at_ms < last_ms]
            since_ms = last_ms
        return rows

    def _ask(self, endpoint: str, **parameters: object) -> list[Any]:
        stamp = time.time_ns() // 1_000_000 + self._ahead_ms
        query = urlencode({**parameters, "recvWindow": 10_000, "timestamp": stamp})
        signature = hmac.new(self._credentials.secret.encode(), query.encode(), hashlib.sha256).hexdigest()
        answer = self._get(f"/fapi/v1/{endpoint}", f"{query}&signature={signature}")
        if not isinstance(answer, list):
            raise AuditFailure(f"the exchange answers with no list to {endpoint}: try again later")
        return answer

    def _get(self, path: str, query: str) -> Any:
        """One GET; its body as a document. Neither address nor query is ever repeated in a failure."""
        try:
            self._connection.request(
                "GET", f"{path}?{query}", headers={"X-MBX-APIKEY": self._credentials.key}
            )
            answer = self._connection.getresponse()
            body = answer.read(_BYTES_MAX)
            document = json.loads(body)
        except (OSError, http.client.HTTPException, ValueError) as error:
            self._connection.close()
            raise AuditFailure(
                f"the exchange did not answer the audit ({type(error).__name__}): try again when it can be reached"
            ) from None
        if answer.status != http.client.OK:
            told = document if isinstance(document, dict) else {}
            raise AuditFailure(
                f"the exchange refused {path} ({answer.status}, {told.get('code')} {told.get('msg')}): check the key"
            )
        self._spare(answer.getheader(_WEIGHT))
        return document

    def _spare(self, used: str | None) -> None:
        """Wait for the next minute when half of this one's weight is gone."""
        if used is not None and used.isdigit() and int(used) > WEIGHT_MAX:
            self._pause(60.0 - time.time() % 60.0)


def _trade(row: Any) -> Trade:
    return Trade(
        symbol=row["symbol"],
        trade_id=int(row["id"]),
        order_id=int(row["orderId"]),
        side=row["side"],
        position_side=row["positionSide"],
        price=Decimal(row["price"]),
        quantity=Decimal(row["qty"]),
        realized_pnl=Decimal(row["realizedPnl"]),
        commission=Decimal(row["commission"]),
        commission_asset=row["commissionAsset"],
        is_maker=bool(row["maker"]),
        at_ms=int(row["time"]),
        margin_asset=row["marginAsset"],
    )


def _income(row: Any) -> Income:
    return Income(
        transaction_id=int(row["tranId"]),
        income_type=row["incomeType"],
        asset=row["asset"],
        amount=Decimal(row["income"]),
        symbol=row["symbol"],
        at_ms=int(row["time"]),
        trade_id=int(row.get("tradeId") or 0),
    )
