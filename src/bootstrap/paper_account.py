"""Whose money a paper session trades: the account of a market, and the exchange's file that keeps its books.

A paper account belongs to its market: the same seed and symbols, or the same recorded files, find the same account
again, with its money, positions and the place in the market where it stopped. A recording whose session was stopped
begins anew with a fresh account.
"""

import hashlib
from pathlib import Path

from src.application.ports.store import AccountRow, StoreError
from src.bootstrap.catching_up import PastCandles, catch_up
from src.bootstrap.paper_config import PaperConfig
from src.domain.sessions.session import TradingSessionStatus
from src.infrastructure.brokers.paper_broker import PAPER_ACCOUNT
from src.infrastructure.identity.ids import SeededIds
from src.infrastructure.market_data.source import MarketSource
from src.infrastructure.simulated_exchange.engine import Engine


class PaperAccountMismatch(StoreError):
    """The session's database and the paper exchange's file do not belong together."""


def account_of(config: PaperConfig, market_id: str, accounts: list[AccountRow]) -> AccountRow | None:
    """The account that a session on this market would trade on; None when it would be a new one."""
    account_id = identity_of(config, market_id, accounts).account_id()
    return next((row for row in accounts if row.account_id == account_id), None)


def identity_of(
    config: PaperConfig, market_id: str, accounts: list[AccountRow], account_id: str | None = None
) -> SeededIds:
    """The ids of the account asked for, or of the market's last one if that can go on, or of the next run's."""
    known = {row.account_id: row for row in accounts}
    run = 1
    while True:
        ids = SeededIds(_seed_of(f"{market_id}:{config.seed}:{run}"))
        row = known.get(ids.account_id())
        if row is None:
            return ids
        can_go_on = not config.replay or row.session_status != TradingSessionStatus.STOPPED.value
        if row.account_id == account_id or (account_id is None and can_go_on):
            return SeededIds(_seed_of(f"{market_id}:{config.seed}:{run}"), row.sessions)
        run += 1


def _seed_of(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def exchange_file(data_dir: Path, account_id: str) -> Path:
    """Where the paper exchange of an account keeps its books."""
    return data_dir / "paper" / f"{account_id[:8]}.db"


def exchange_path(config: PaperConfig, account_id: str, accounts: list[AccountRow]) -> Path:
    """The exchange's file of an account, its folder made; raises PaperAccountMismatch where a known one is gone."""
    path = exchange_file(config.data_dir, account_id)
    if any(row.account_id == account_id for row in accounts) and not path.exists():
        raise PaperAccountMismatch(
            f"the paper exchange's file of account {account_id[:8]} is gone from the data folder: put it back, or "
            "start with another data folder"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def open_exchange_account(
    engine: Engine,
    account_id: str,
    accounts: list[AccountRow],
    config: PaperConfig,
    source: MarketSource,
    history: PastCandles,
) -> int:
    """Create the account with its capital, or bring the market to where it stopped; returns the time there, ns.

    A process that dies between the two halves of the creation is repaired by the next: without any income there
    has been no deposit yet. Raises PaperAccountMismatch for another account's file, and where ids would be made again.
    """
    owner = engine.account_id(PAPER_ACCOUNT)
    if owner is None:
        engine.create_account(PAPER_ACCOUNT, account_id)
    elif owner != account_id:
        raise PaperAccountMismatch(
            f"the paper exchange's file of account {account_id[:8]} is that of account {owner[:8]}: put the right "
            "one back, or start with another data folder"
        )
    elif engine.has_orders(PAPER_ACCOUNT) and account_id not in {row.account_id for row in accounts}:
        raise PaperAccountMismatch(
            f"account {account_id[:8]} has traded here with another database: use that one, or another data folder"
        )
    if engine.income(PAPER_ACCOUNT, limit=1):
        return catch_up(source, engine, history.learn)
    engine.deposit(PAPER_ACCOUNT, config.capital.asset, config.capital.amount)
    engine.take_events()
    return source.start_ns
