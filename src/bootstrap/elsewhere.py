"""Unfinished sessions of exchanges, which a start of another session would pass over: they are named."""

from collections.abc import Iterable, Sequence

from src.application.ports.store import AccountRow
from src.bootstrap.paper_config import PAPER
from src.domain.sessions.session import TradingSessionStatus
from src.infrastructure.persistence.databases import Database
from src.interfaces.cli.composition import ConfigurationError


def sessions_elsewhere(accounts: Iterable[AccountRow], database: Database) -> list[AccountRow]:
    """Accounts at an exchange whose session is unfinished and that no process holds."""
    over = (None, TradingSessionStatus.STOPPED.value)
    return [
        row
        for row in accounts
        if row.exchange != PAPER
        and row.session_status not in over
        and database.holder(row.account_id) is None
    ]


def told_of(row: AccountRow) -> str:
    """The session, and that it waits."""
    return f"session {(row.session_id or '')[:8]} at {row.exchange} is unfinished"


def refuse_for(rows: Sequence[AccountRow]) -> None:
    """Raise ConfigurationError, which names the sessions and the way on, if there are any."""
    if rows:
        raise ConfigurationError(
            f"{', '.join(map(told_of, rows))}: add --exchange {rows[0].exchange} to go on with it, or name a market "
            "(--symbols, --seed) to trade on paper beside it"
        )
