"""What the exchange remembers of the past, within the windows in which it tells it.

Orders: CANCELED or EXPIRED without a fill are forgotten three days after their creation, all others after ninety.
Trades and income go back three months, and one question spans seven days at most. `userTrades` pages from the
oldest, `allOrders` shows the newest. Sources: account/trade endpoints of USDⓈ-M futures.
"""

from dataclasses import dataclass
from typing import Any, Final

from src.infrastructure.simulated_exchange import answers
from src.infrastructure.simulated_exchange.rows import (
    algo_from_row,
    order_from_row,
    posting_from_row,
    trade_from_row,
)
from src.infrastructure.simulated_exchange.server.bars import DAY_MS
from src.infrastructure.simulated_exchange.server.parameters import Parameters
from src.infrastructure.simulated_exchange.server.refusals import refuse
from src.infrastructure.simulated_exchange.store import ExchangeStore

SPAN_MS: Final = 7 * DAY_MS
UNFILLED_KEPT_MS: Final = 3 * DAY_MS
ORDERS_KEPT_MS: Final = 90 * DAY_MS
ENDED_UNFILLED: Final = ("CANCELED", "EXPIRED", "EXPIRED_IN_MATCH", "REJECTED")
_NOT_UNFILLED: Final = "NOT (status IN ('CANCELED','EXPIRED','EXPIRED_IN_MATCH','REJECTED') AND executed = 0"


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time in ms, both ends included."""

    since_ms: int
    until_ms: int


def is_purged(status: str, executed: str, created_ms: int, now_ms: int) -> bool:
    """Whether the exchange has forgotten an order."""
    if now_ms - created_ms > ORDERS_KEPT_MS:
        return status not in ("NEW", "PARTIALLY_FILLED")
    is_unfilled = status in ENDED_UNFILLED and not executed.strip("0.")
    return is_unfilled and now_ms - created_ms > UNFILLED_KEPT_MS


def span_of(params: Parameters, now_ms: int) -> Span:
    """The span asked for: seven days at most, the last seven when nothing was said (-1127, -4166)."""
    since_ms, until_ms = params.moment("startTime"), params.moment("endTime")
    if since_ms is None:
        until = now_ms if until_ms is None else until_ms
        return Span(until - SPAN_MS, until)
    if until_ms is None:
        until_ms = since_ms + SPAN_MS
    if until_ms < since_ms:
        raise refuse(-1128)
    if until_ms - since_ms > SPAN_MS:
        raise refuse(-1127, 7 * 24)
    if now_ms - since_ms > ORDERS_KEPT_MS + DAY_MS:
        raise refuse(-4166, ORDERS_KEPT_MS // DAY_MS)
    return Span(since_ms, until_ms)


class Archive:
    """Reads the exchange's own file."""

    def __init__(self, store: ExchangeStore) -> None:
        self._store = store

    def orders(
        self, account: int, symbol: str | None, span: Span, from_id: int | None, limit: int, now_ms: int
    ) -> list[dict[str, Any]]:
        """Orders of all statuses, oldest first: from an id on, or the newest of a span."""
        order = "ASC" if from_id is not None else "DESC"
        rows = self._store.query(
            "SELECT * FROM orders WHERE account = ?1 AND (?2 IS NULL OR symbol = ?2)"
            " AND (?3 IS NULL OR order_id >= ?3) AND (?3 IS NOT NULL OR created_ms BETWEEN ?4 AND ?5)"
            f" AND {_NOT_UNFILLED} AND created_ms < ?6) AND created_ms >= ?7"
            f" ORDER BY order_id {order} LIMIT ?8",
            (
                account,
                symbol,
                from_id,
                span.since_ms,
                span.until_ms,
                now_ms - UNFILLED_KEPT_MS,
                now_ms - ORDERS_KEPT_MS,
                limit,
            ),
        )
        found = [answers.order(order_from_row(row)) for row in rows]
        if from_id is None:
            found.reverse()
        return [row | {"pair": row["symbol"], "cumBase": "0"} for row in found]

    def forced_orders(
        self, account: int, symbol: str | None, span: Span, kind: str | None, limit: int
    ) -> list[dict[str, Any]]:
        """Liquidations and automatic deleveragings."""
        patterns = {"LIQUIDATION": ["autoclose-%"], "ADL": ["adl_autoclose%"]}
        wanted = patterns[kind] if kind else ["autoclose-%", "adl_autoclose%"]
        rows = self._store.query(
            "SELECT * FROM orders WHERE account = ?1 AND (?2 IS NULL OR symbol = ?2)"
            " AND created_ms BETWEEN ?3 AND ?4 AND (client_order_id LIKE ?5 OR client_order_id LIKE ?6)"
            " ORDER BY order_id LIMIT ?7",
            (account, symbol, span.since_ms, span.until_ms, wanted[0], wanted[-1], limit),
        )
        return [answers.order(order_from_row(row)) for row in rows]

    def algos(
        self, account: int, symbol: str, span: Span, from_id: int | None, limit: int, now_ms: int
    ) -> list[dict[str, Any]]:
        """Conditional orders of all statuses, by the same rules."""
        order = "ASC" if from_id is not None else "DESC"
        rows = self._store.query(
            "SELECT * FROM algos WHERE account = ?1 AND symbol = ?2"
            " AND (?3 IS NULL OR algo_id >= ?3) AND (?3 IS NOT NULL OR created_ms BETWEEN ?4 AND ?5)"
            " AND NOT (status IN ('CANCELED','EXPIRED','REJECTED') AND created_ms < ?6) AND created_ms >= ?7"
            f" ORDER BY algo_id {order} LIMIT ?8",
            (
                account,
                symbol,
                from_id,
                span.since_ms,
                span.until_ms,
                now_ms - UNFILLED_KEPT_MS,
                now_ms - ORDERS_KEPT_MS,
                limit,
            ),
        )
        found = [answers.algo(algo_from_row(row)) for row in rows]
        if from_id is None:
            found.reverse()
        return found

    def trades(
        self, account: int, symbol: str, span: Span | None, from_id: int, order_id: int | None, limit: int
    ) -> list[dict[str, Any]]:
        """Trades from the oldest on; of one of the account with itself the resting side comes first."""
        since, until = (span.since_ms, span.until_ms) if span is not None else (0, 1 << 62)
        rows = self._store.query(
            "SELECT * FROM trades WHERE account = ?1 AND symbol = ?2 AND trade_id >= ?3"
            " AND time_ms BETWEEN ?4 AND ?5 AND (?6 IS NULL OR order_id = ?6)"
            " ORDER BY trade_id, is_maker DESC LIMIT ?7",
            (account, symbol, from_id, since, until, order_id, limit),
        )
        return [answers.trade(trade_from_row(row)) for row in rows]

    def income(
        self, account: int, symbol: str | None, span: Span, kind: str | None, limit: int
    ) -> list[dict[str, Any]]:
        """Changes of the wallets, oldest first."""
        rows = self._store.query(
            "SELECT * FROM postings WHERE account = ?1 AND book = 'WALLET' AND time_ms BETWEEN ?2 AND ?3"
            " AND (?4 IS NULL OR income_type = ?4) AND (?5 IS NULL OR symbol = ?5)"
            " ORDER BY time_ms, tran_id LIMIT ?6",
            (account, span.since_ms, span.until_ms, kind, symbol, limit),
        )
        return [answers.income(posting_from_row(row)) for row in rows]

    def ground_truth(self, account: int) -> dict[str, list[Any]]:
        """Every order, conditional order, trade and posting of an account, as rows with all they hold."""
        tables = {
            "orders": "order_id",
            "algos": "algo_id",
            "trades": "trade_id, is_maker DESC",
            "postings": "rowid",
        }
        return {table: self._rows(table, key, account) for table, key in tables.items()}

    def _rows(self, table: str, key: str, account: int) -> list[Any]:
        names = [row[1] for row in self._store.query(f"PRAGMA table_info({table})")]
        rows = self._store.query(f"SELECT * FROM {table} WHERE account = ? ORDER BY {key}", (account,))
        return [dict(zip(names, row, strict=True)) for row in rows]
