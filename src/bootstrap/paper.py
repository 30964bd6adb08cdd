"""Puts a paper session together: a market without a network, the simulated exchange, and the session around them.

A paper account belongs to its market: the same seed and symbols, or the same recorded files, find the same account
again, with its money, positions and the place in the market where it stopped. A recording whose session
was stopped begins anew with a fresh account.
"""

import hashlib
import os
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from pathlib import Path

from src.application.ports.failpoints import failpoint
from src.application.ports.store import AccountRow, StoreError
from src.application.sizing import parse_sizer
from src.application.trading.market_desk import MarketDesk
from src.application.trading.session_parts import SessionParts
from src.bootstrap.catching_up import PastCandles, catch_up
from src.bootstrap.markets import (
    check_timeframe,
    flaws_of,
    keeps_candles,
    mark_equity_ms_of,
    quality_of,
    synchronous_of,
    tick_ms_of,
)
from src.bootstrap.paper_lock import join_exchange, opening_alone
from src.domain.decisions.step import Policy
from src.domain.ledger.events import AccountOpened
from src.domain.market.instrument import Instrument
from src.domain.market.quality import QualityLimits
from src.domain.money import Money
from src.domain.risk.limits import RiskLimits
from src.domain.sessions.session import SessionOptions, TradingSessionStatus
from src.infrastructure.brokers.paper_broker import PAPER_ACCOUNT, PaperBroker
from src.infrastructure.identity.ids import SeededIds
from src.infrastructure.market_data.source import MarketSource
from src.infrastructure.messaging.event_bus import InProcessEventBus
from src.infrastructure.monitoring.kill_switch import FileKillSwitch
from src.infrastructure.persistence.databases import Database, SqliteDatabase
from src.infrastructure.persistence.side_journal import FileSideJournal, SideHeader, ensure
from src.infrastructure.simulated_exchange.engine import Engine
from src.infrastructure.simulated_exchange.latency import LatencyModel
from src.infrastructure.simulated_exchange.rules import ExchangeRules
from src.infrastructure.simulated_exchange.store import ExchangeStore
from src.infrastructure.time.inputs import PaperInputs
from src.infrastructure.time.timeline import Timeline

PAPER = "paper"
SETTLE_ASSET = "USDT"


class PaperAccountMismatch(StoreError):
    """The session's database and the paper exchange's file do not belong together."""


@dataclass(frozen=True, slots=True)
class PaperConfig:
    """Everything that a paper session is put together from.

    Shares are fractions, ``speed`` is session seconds per wall second (None: no pace). ``synchronous`` is SQLite's;
    only tests on RAM disks set another than FULL. ``server`` is the session's database if it is not in ``database``.
    """

    data_dir: Path
    database: Path
    symbols: tuple[str, ...] = ("BTCUSDT",)
    strategies: tuple[str, ...] = ("sma_cross", "macd_momentum")
    timeframe: str = "1m"
    portfolio_id: str = "default"
    replay: tuple[Path, ...] = ()
    speed: float | None = 1.0
    seed: int = 42
    capital: Money = Money(Decimal(10_000), SETTLE_ASSET)
    sizing: str = "percent:0.1"
    leverage: int = 10
    stop_loss_pct: Decimal = Decimal("0.02")
    take_profit_pct: Decimal = Decimal("0.05")
    trailing_stop_pct: Decimal = Decimal(0)
    use_market_orders: bool = True
    slippage_tolerance: Decimal = Decimal("0.001")
    funding_interval_ms: int = 8 * 3_600_000
    funding_rate: Decimal = Decimal("0.0001")
    save_state_interval_ms: int = 60_000
    limits: RiskLimits = field(default_factory=RiskLimits)
    quality: QualityLimits = field(default_factory=QualityLimits)
    synchronous: str = "FULL"
    stays_awake: bool = False
    latency: LatencyModel | None = None
    auto_execute: bool = True
    server: Database | None = None
    hedge_mode: bool = False
    margin_type: str = "CROSSED"
    leverages: tuple[tuple[str, int], ...] = ()

    @property
    def place(self) -> Database:
        """Where the session is stored."""
        return self.server or SqliteDatabase(self.database)


MakeMarket = Callable[[PaperConfig], MarketSource]


def paper_parts(
    config: PaperConfig,
    make_market: MakeMarket,
    market_id: str,
    accounts: list[AccountRow],
    account_id: str | None = None,
) -> SessionParts:
    """Open files and market of a paper session; what was opened is closed again when it cannot be.

    ``market_id`` tells this market from others; ``accounts`` are those that the database knows; ``account_id`` asks
    for one of them even if its session is finished. Raises StoreError, SourceError and ValueError, in one line each.
    """
    ids = identity_of(config, market_id, accounts, account_id)
    account_id = ids.account_id()
    path = _exchange_path(config, account_id, accounts)
    with ExitStack() as opened:
        source = opened.enter_context(closing(make_market(config)))
        synchronous = synchronous_of(source, config.speed, config.synchronous)
        desk = MarketDesk(_instruments(source, config), config.timeframe, quality_of(source, config.quality))
        history = PastCandles(source, config.timeframe, desk)
        with opening_alone(path):
            engine = _open_exchange(opened, path, synchronous, config, source)
            timeline = Timeline(_open_exchange_account(engine, account_id, accounts, config, source, history))
        broker = PaperBroker(engine, timeline, latency=config.latency or LatencyModel(seed=config.seed))
        return SessionParts(
            account=AccountOpened(account_id, ids.namespace(), PAPER, SETTLE_ASSET),
            owner=f"pid {os.getpid()}",
            options=session_options(config, market_id),
            store=config.place.store(synchronous),
            broker=broker,
            desk=desk,
            inputs=PaperInputs(source, timeline, broker, config.speed, history.learn),
            bus=InProcessEventBus(),
            kill_switch=FileKillSwitch(config.data_dir / "HALT", account_id, is_watched=config.stays_awake),
            side_journal=opened.enter_context(_side_journal(config, ids)),
            ids=ids,
            sizer=parse_sizer(config.sizing),
            policy=policy_of(config),
            limits=config.limits,
            history=history.candles,
            close=opened.pop_all().close,
            mark_equity_ms=mark_equity_ms_of(source, config.save_state_interval_ms),
            stays_awake=config.stays_awake,
            reads=config.place.reads,
            tick_ms=tick_ms_of(source),
            keeps_candles=keeps_candles(source),
            auto_execute=config.auto_execute,
            notes=[source.description],
            end_notes=partial(flaws_of, source),
        )


def _open_exchange(
    opened: ExitStack, path: Path, synchronous: str, config: PaperConfig, source: MarketSource
) -> Engine:
    """The exchange over its file; others are told that it is open."""
    opened.callback(join_exchange(path).release)
    file = opened.enter_context(closing(ExchangeStore(path, synchronous=synchronous, failpoint=failpoint)))
    rules = rules_of(config.funding_interval_ms, config.funding_rate, config.leverage)
    return Engine(file, source.instruments.values(), rules=rules, cursor=source.cursor)


def _side_journal(config: PaperConfig, ids: SeededIds) -> closing[FileSideJournal]:
    return closing(ensure(config.data_dir, SideHeader(ids.account_id(), PAPER, ids.namespace())))


def policy_of(config: PaperConfig) -> Policy:
    """What decisions of a session so configured rest on."""
    return Policy(
        config.stop_loss_pct,
        config.take_profit_pct,
        limits=config.limits,
        watches_losses=True,
        trailing_stop_pct=config.trailing_stop_pct,
    )


def exchange_file(data_dir: Path, account_id: str) -> Path:
    """Where the paper exchange of an account keeps its books."""
    return data_dir / "paper" / f"{account_id[:8]}.db"


def _exchange_path(config: PaperConfig, account_id: str, accounts: list[AccountRow]) -> Path:
    """The exchange's file of an account; one that the database knows must be there."""
    path = exchange_file(config.data_dir, account_id)
    if any(row.account_id == account_id for row in accounts) and not path.exists():
        raise PaperAccountMismatch(
            f"the paper exchange's file of account {account_id[:8]} is gone from the data folder: put it back, or "
            "start with another data folder"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def rules_of(funding_interval_ms: int, funding_rate: Decimal, leverage: int = 10) -> ExchangeRules:
    """The rules of a paper account's exchange; ``leverage`` is that of symbols for which none was set."""
    return ExchangeRules(
        funding_interval_ms=funding_interval_ms, funding_rate=funding_rate, leverage=leverage
    )


def _open_exchange_account(
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


def _instruments(source: MarketSource, config: PaperConfig) -> dict[str, Instrument]:
    """Those traded; raises ValueError for one, or a timeframe, that the market does not have."""
    check_timeframe(source, config.timeframe)
    for symbol in config.symbols:
        if symbol not in source.instruments:
            raise ValueError(
                f"{symbol} is not in this market: it has {', '.join(sorted(source.instruments))}"
            )
    return {symbol: source.instruments[symbol] for symbol in config.symbols}


def session_options(config: PaperConfig, market_id: str) -> SessionOptions:
    """The options that a session on the market is started with, as the journal keeps them."""
    return SessionOptions(
        portfolio_id=config.portfolio_id,
        symbols=config.symbols,
        strategies=config.strategies,
        timeframe=config.timeframe,
        market=market_id,
        sizing=config.sizing,
        stop_loss_pct=config.stop_loss_pct,
        take_profit_pct=config.take_profit_pct,
        use_market_orders=config.use_market_orders,
        slippage_tolerance=config.slippage_tolerance,
        leverage=config.leverage,
        seed=config.seed,
        trailing_stop_pct=config.trailing_stop_pct,
        hedge_mode=config.hedge_mode,
        margin_type=config.margin_type,
        leverages=config.leverages,
    )
