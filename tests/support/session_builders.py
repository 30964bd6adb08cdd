"""Builders for what a running session shows and how a run of it ends; a test names only what it is about."""

from decimal import Decimal as D
from typing import Any

from src.application.ports.store import AccountRow
from src.application.trading.snapshot import MarketLine, OrderLine, PositionLine, SessionSnapshot
from src.domain.ledger.state import AccountState, Ledger
from src.domain.money import ZERO
from src.domain.sessions.session import SessionOptions, TradingSession, TradingSessionStatus
from src.interfaces.cli.composition import Ended, SessionResult

START_MS = 1_767_571_200_000
SESSION_ID = "5e551017-0000-4000-8000-000000000001"


def an_account(account_id: str = "acc00001-x", **changed: Any) -> AccountRow:
    """An account with an unfinished session."""
    values: dict[str, Any] = {
        "account_id": account_id,
        "exchange": "paper",
        "namespace": "abc",
        "epoch": 1,
        "lease_owner": "",
        "session_id": SESSION_ID,
        "session_status": "RUNNING",
        "sessions": 1,
        "last_ms": START_MS,
    }
    return AccountRow(**{**values, **changed})


def a_position(symbol: str = "BTCUSDT", quantity: str = "0.016", **changed: Any) -> PositionLine:
    """A guarded long position, a little in profit."""
    values: dict[str, Any] = {
        "symbol": symbol,
        "quantity": D(quantity),
        "entry_price": D("61000.1"),
        "mark_price": D("61100"),
        "unrealized_pnl": D("1.5984"),
        "stop_price": D("59780"),
        "target_price": D("64050"),
        "strategy_id": "sma_cross",
        "opened_ms": START_MS,
    }
    return PositionLine(**{**values, **changed})


def an_order(number: int = 1, **changed: Any) -> OrderLine:
    """A filled market entry."""
    values: dict[str, Any] = {
        "client_order_id": f"abc-{number}",
        "symbol": "BTCUSDT",
        "side": "BUY",
        "order_type": "MARKET",
        "purpose": "ENTRY",
        "quantity": D("0.016"),
        "filled_quantity": D("0.016"),
        "price": None,
        "average_price": D("61000.1"),
        "status": "FILLED",
        "attempt_state": "ACCEPTED",
        "strategy_id": "sma_cross",
        "reason": "",
        "created_ms": START_MS,
    }
    return OrderLine(**{**values, **changed})


def a_market(symbol: str = "BTCUSDT", **changed: Any) -> MarketLine:
    """A market with good data."""
    values: dict[str, Any] = {
        "symbol": symbol,
        "bid": D("61099.9"),
        "ask": D("61100.1"),
        "mark_price": D("61100"),
        "age_ms": 200,
        "trouble": None,
        "strategies": ("sma_cross",),
    }
    return MarketLine(**{**values, **changed})


def a_snapshot(**changed: Any) -> SessionSnapshot:
    """A running session with one position."""
    values: dict[str, Any] = {
        "session_id": SESSION_ID,
        "status": "RUNNING",
        "trading_state": "ACTIVE",
        "trading_reason": "",
        "synced": True,
        "exchange": "paper",
        "market": "synthetic BTCUSDT seed 42",
        "now_ms": START_MS + 65_000,
        "started_ms": START_MS,
        "wallet": D("10010"),
        "equity": D("10011.5984"),
        "capital": D(10_000),
        "realized_pnl": D("10.5"),
        "unrealized_pnl": D("1.5984"),
        "commission": D("0.5"),
        "funding": ZERO,
        "day_pnl": D("11.5984"),
        "max_drawdown": D("0.0041"),
        "total_trades": 4,
        "winning_trades": 3,
        "losing_trades": 1,
        "positions": (a_position(),),
        "orders": (an_order(),),
        "markets": (a_market(),),
        "why_not": "BTCUSDT sma_cross: no crossing for 12 bars",
        "alarms": (),
        "frames": 1_234,
        "orders_sent": 7,
        "resumed": False,
    }
    return SessionSnapshot(**{**values, **changed})


def a_result(**changed: Any) -> SessionResult:
    """A run that ended when its time was over."""
    values: dict[str, Any] = {
        "ended": Ended.DURATION,
        "reason": "its time is over",
        "snapshot": a_snapshot(status="STOPPED"),
        "elapsed_ms": 61_000,
        "session_ms": 60_000,
        "notes": (),
    }
    return SessionResult(**{**values, **changed})


def a_ledger(account_id: str = "acc00001-x") -> Ledger:
    """The ledger of an account whose session was killed."""
    options = SessionOptions(
        "default", ("BTCUSDT",), ("sma_cross",), "1m", "synthetic BTCUSDT seed 42", "percent:0.1",
        D("0.02"), D("0.05"), True, D("0.001"), 10, 42,
    )  # fmt: skip
    account = AccountState(account_id, "abc", "paper", "USDT", last_ms=START_MS, transfers=D(10_000))
    account.wallet["USDT"] = D(10_010)
    session = TradingSession(SESSION_ID, options, TradingSessionStatus.RUNNING, START_MS)
    return Ledger(account, session)
