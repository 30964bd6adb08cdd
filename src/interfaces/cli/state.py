"""The state of a session for whoever asks: from its process while that runs, else as last committed."""

from dataclasses import dataclass, replace

import msgspec

from src.application.ports.store import AccountRow, ReadModels
from src.application.trading.picture import order_line
from src.application.trading.position_tracker import PositionTracker
from src.application.trading.snapshot import SessionSnapshot
from src.domain.ledger.state import Ledger
from src.domain.market.view import BlindView
from src.domain.money import ZERO
from src.interfaces.cli.accounts import choose_account
from src.interfaces.cli.composition import Application
from src.interfaces.cli.control import command
from src.interfaces.cli.errors import CommandFailed, ExitCode, NotAnswering

ORDERS_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Seen:
    """A session as it is, or as it was: ``running`` says whether a process answered for it, ``holder`` who did not.

    ``age_ms`` is wall time since the state was written, None while running or when nobody knows. Without a process
    there is no market: marks, markets and unrealized P&L are missing.
    """

    account: AccountRow
    running: bool
    age_ms: int | None
    snapshot: SessionSnapshot
    holder: str | None = None

    @property
    def is_valued(self) -> bool:
        """Whether equity is known: every open position has a mark price, which without a process none has."""
        positions = self.snapshot.positions
        return not positions or (self.running and all(each.unrealized_pnl is not None for each in positions))


def look(app: Application, wanted: str | None) -> Seen:
    """The state of the account's session; raises :class:`CommandFailed` when there is none."""
    account = choose_account(app, wanted)
    try:
        answer = command(app, account.account_id, "status", {})
    except ConnectionError:
        return Seen(account, False, app.state_age_ms(), _last_known(app, account))
    except NotAnswering as error:
        last = replace(_last_known(app, account), why_not=str(error))
        return Seen(account, False, app.state_age_ms(), last, error.holder)
    return Seen(account, True, None, msgspec.convert(answer, SessionSnapshot))


def _last_known(app: Application, account: AccountRow) -> SessionSnapshot:
    reads = app.open_reads()
    try:
        ledger = reads.ledger(account.account_id)
        if ledger is None or ledger.session is None:
            raise CommandFailed(
                "the account has had no session yet: start-session makes one", ExitCode.NOT_FOUND
            )
        return _of_ledger(ledger, reads, account)
    finally:
        reads.close()


def _of_ledger(ledger: Ledger, reads: ReadModels, account: AccountRow) -> SessionSnapshot:
    state, session = ledger.account, ledger.session
    assert session is not None, "asked before"
    tracker = PositionTracker(ledger, BlindView())
    orders = reads.orders(account.account_id, limit=ORDERS_SHOWN)
    return SessionSnapshot(
        session_id=session.id,
        status=session.status.value,
        trading_state=state.trading_state.value,
        trading_reason=state.trading_reason,
        synced=False,
        exchange=state.exchange,
        market=session.options.market,
        now_ms=state.last_ms,
        started_ms=session.started_ms,
        wallet=ledger.wallet_balance,
        equity=ledger.wallet_balance,
        capital=state.transfers,
        realized_pnl=state.realized_pnl,
        unrealized_pnl=ZERO,
        commission=state.commission,
        funding=state.funding,
        day_pnl=ledger.wallet_balance - state.day_start_equity if state.day_start_equity else ZERO,
        max_drawdown=session.max_drawdown,
        total_trades=session.total_trades,
        winning_trades=session.winning_trades,
        losing_trades=session.losing_trades,
        positions=tracker.open_positions(),
        orders=tuple(order_line(each) for each in orders),
        markets=(),
        why_not="no process runs the session",
        alarms=(),
        frames=0,
        orders_sent=0,
        resumed=False,
        settle_asset=state.settle_asset,
    )
