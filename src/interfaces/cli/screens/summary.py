"""What a session came to: the end of every run, for people and for programs."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from src.application.trading.snapshot import PositionLine, SessionSnapshot
from src.interfaces.cli.composition import Ended, SessionResult
from src.interfaces.cli.texts import money, percent, price, quantity, short_id, signed
from src.interfaces.cli.units import spelled_duration

_ENDED = {
    Ended.DURATION: "its time is over",
    Ended.END_OF_DATA: "the recording is over",
    Ended.STOP: "stopped as asked",
    Ended.SIGNAL: "stopped by a signal",
    Ended.ERROR: "FAILED",
}


ACCOUNT = "account:"
"""Before figures of all that the account has traded."""
SESSION = " (this session)"
"""Behind figures of one session alone."""


def win_rate(snapshot: SessionSnapshot) -> Decimal | None:
    """Winning round trips over those that were won or lost, a fraction; None when there are none."""
    decided = snapshot.winning_trades + snapshot.losing_trades
    return Decimal(snapshot.winning_trades) / decided if decided else None


def other_income(snapshot: SessionSnapshot) -> str:
    """What else the account earned or lost, where there is any: without it the figures before do not add up."""
    return f", other {signed(snapshot.other_income)}" if snapshot.other_income else ""


def summary_lines(result: SessionResult) -> Iterator[str]:
    """The summary for people, without colours."""
    snapshot = result.snapshot
    change = snapshot.equity - snapshot.capital
    share = f" ({percent(change / snapshot.capital)})" if snapshot.capital else ""
    took = f"{spelled_duration(result.session_ms)} of session time in {spelled_duration(result.elapsed_ms)}"
    yield f"{snapshot.exchange.upper()} session {short_id(snapshot.session_id)}: {_ENDED[result.ended]}, {took}"
    if result.ended is Ended.ERROR:
        yield f"  cause      {result.reason}"
    drawdown = f"drawdown {percent(snapshot.max_drawdown)}{SESSION}"
    yield f"  equity     {money(snapshot.equity)}, {signed(change)}{share}, {drawdown}"
    yield (
        f"  P&L        {ACCOUNT} realized {signed(snapshot.realized_pnl)},"
        f" unrealized {signed(snapshot.unrealized_pnl)},"
        f" fees {signed(-snapshot.commission)}, funding {signed(snapshot.funding)}{other_income(snapshot)}"
    )
    rate = win_rate(snapshot)
    yield (
        f"  trades     {snapshot.total_trades}, {snapshot.winning_trades} won and {snapshot.losing_trades} lost"
        f"{f', win rate {percent(rate)}' if rate is not None else ''}{SESSION}"
    )
    yield f"  orders     {snapshot.orders_sent} sent on {snapshot.frames:,} market frames since this start"
    yield from _kept(snapshot.positions, on_paper=snapshot.exchange == "paper")
    for note in result.notes:
        yield f"  note       {note}"
    yield f"  next       {_next(result)}"


def _kept(positions: tuple[PositionLine, ...], *, on_paper: bool) -> Iterator[str]:
    label = "  kept       "
    for line in positions:
        side = "LONG" if line.quantity > 0 else "SHORT"
        guards = f"stop {price(line.stop_price)}, target {price(line.target_price)}"
        yield f"{label}{side} {quantity(abs(line.quantity))} {line.symbol} @ {price(line.entry_price)}, {guards}"
        label = " " * len(label)
    if positions:
        yield label + (
            "their stops sleep while no engine runs" if on_paper else "their stops stand at the exchange"
        )


def _next(result: SessionResult) -> str:
    if result.snapshot.status == "STOPPING":
        return "`start-session` goes on stopping it, `doctor` looks for the cause"
    if result.ended is Ended.ERROR or result.snapshot.status != "STOPPED":
        there = result.snapshot.exchange
        where = "" if there == "paper" else f" --exchange {there}"
        return f"`start-session{where}` resumes it, `doctor` looks for the cause"
    if result.ended is Ended.END_OF_DATA:
        return "`trades` lists what was done"
    if result.snapshot.market.startswith(("recording ", "bars ")):
        return "`trades` lists what was done, `start-session` begins the recording again, with a new account"
    # Symbols and seed name the market, and that the account: without them it is another one.
    return "`trades` lists what was done, `start-session` with the same options goes on with the account"


def summary_document(result: SessionResult) -> dict[str, Any]:
    """The summary for programs; keys stay."""
    snapshot = result.snapshot
    return {
        "event": "summary",
        "session_id": snapshot.session_id,
        "exchange": snapshot.exchange,
        "market": snapshot.market,
        "ended": result.ended,
        "reason": result.reason,
        "status": snapshot.status,
        "trading_state": snapshot.trading_state,
        "resumed": snapshot.resumed,
        "elapsed_ms": result.elapsed_ms,
        "session_ms": result.session_ms,
        "now_ms": snapshot.now_ms,
        "capital": snapshot.capital,
        "wallet": snapshot.wallet,
        "equity": snapshot.equity,
        "realized_pnl": snapshot.realized_pnl,
        "unrealized_pnl": snapshot.unrealized_pnl,
        "commission": snapshot.commission,
        "funding": snapshot.funding,
        "max_drawdown": snapshot.max_drawdown,
        "total_trades": snapshot.total_trades,
        "winning_trades": snapshot.winning_trades,
        "losing_trades": snapshot.losing_trades,
        "win_rate": win_rate(snapshot),
        "orders_sent": snapshot.orders_sent,
        "frames": snapshot.frames,
        "positions": snapshot.positions,
        "notes": result.notes,
    }
