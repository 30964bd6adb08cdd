"""Decides which account and session a start is about, and with which options.

A start that names no market resumes the newest unfinished session, with its own options; one that names a market
(symbols, seed or recorded files) is about the account of that market. Options on the command line that contradict
an unfinished session are refused; options from elsewhere give way to the session's own.
"""

import json
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from src.application.ports.store import AccountRow, ReadModels
from src.bootstrap.activity import newest
from src.bootstrap.markets import DEFAULT_SYMBOLS, market_id, market_timeframe, open_market
from src.bootstrap.paper_account import account_of
from src.bootstrap.paper_config import PAPER, SETTLE_ASSET, PaperConfig
from src.bootstrap.settings import Settings
from src.domain.money import Money
from src.domain.sessions.session import SessionOptions, TradingSessionStatus
from src.infrastructure.persistence.databases import Database, SqliteDatabase
from src.interfaces.cli.composition import ConfigurationError, SessionRequest

T = TypeVar("T")

MARKET_SETTINGS = frozenset({"symbols", "seed"})

# A setting's name, the session option it became, and how a contradiction is worded.
_OPTION_OF = {
    "portfolio": "portfolio_id",
    "symbols": "symbols",
    "strategies": "strategies",
    "timeframe": "timeframe",
    "sizing": "sizing",
    "stop_loss_pct": "stop_loss_pct",
    "take_profit_pct": "take_profit_pct",
    "trailing_stop_pct": "trailing_stop_pct",
    "use_market_orders": "use_market_orders",
    "slippage_tolerance": "slippage_tolerance",
    "leverage": "leverage",
    "leverages": "leverages",
    "hedge_mode": "hedge_mode",
    "margin_type": "margin_type",
    "seed": "seed",
}


@dataclass(frozen=True, slots=True)
class Selection:
    """What to start: the configuration, the market's name, the accounts that the database knows, and which is meant.

    Without an ``account_id`` it is a new one. ``is_resumed``: the configuration is that of its unfinished session.
    """

    config: PaperConfig
    market: str
    accounts: list[AccountRow]
    account_id: str | None = None
    is_resumed: bool = False


def select(
    settings: Settings,
    request: SessionRequest,
    reads: ReadModels,
    database: Database,
    *,
    account_id: str | None = None,
) -> Selection:
    """Find the account and the options of a start; raises ConfigurationError for a contradiction.

    ``account_id`` is about the last session of that account, finished or not.
    """
    accounts = reads.accounts()
    config = paper_config(settings, request, database)
    if account_id is not None:
        row = next((row for row in accounts if row.account_id == account_id), None)
        if row is None or row.session_id is None:
            raise ConfigurationError(f"account {account_id[:8]} has had no session yet: start one first")
        return _resumed(config, row, reads, request.given, accounts)
    if not request.replay and not MARKET_SETTINGS & request.given:
        unfinished = _newest_unfinished(accounts, config.data_dir)
        if unfinished is not None:
            return _resumed(config, unfinished, reads, request.given, accounts)
    config = _fitted(config, request.given)
    _refuse_strange_leverages(config, request.given)
    market = market_id(config.replay, config.symbols, config.seed)
    row = account_of(config, market, accounts)
    if row is not None and row.session_status not in (None, TradingSessionStatus.STOPPED.value):
        return _resumed(config, row, reads, request.given, accounts)
    return Selection(config, market, accounts)


def select_account(
    settings: Settings, request: SessionRequest, reads: ReadModels, database: Database, account_id: str
) -> Selection:
    """The start of a session on one account: with the options of its unfinished session, if there is one."""
    accounts = reads.accounts()
    config = paper_config(settings, request, database)
    stopped = TradingSessionStatus.STOPPED.value
    row = next((row for row in accounts if row.account_id == account_id), None)
    if row is None or row.session_status in (None, stopped):
        _refuse_strange_leverages(config, request.given)
        return Selection(config, "", accounts, account_id)
    return _resumed(config, row, reads, request.given, accounts)


def _newest_unfinished(accounts: Iterable[AccountRow], data_dir: Path) -> AccountRow | None:
    stopped = TradingSessionStatus.STOPPED.value
    ours = (row for row in accounts if row.exchange == PAPER)
    candidates = [row for row in ours if row.session_status not in (None, stopped)]
    return newest(data_dir, candidates)


def _fitted(config: PaperConfig, given: frozenset[str]) -> PaperConfig:
    """The configuration with the symbols of its market, and the timeframe of its bars unless one was asked for."""
    if not config.replay:
        return replace(config, symbols=config.symbols or DEFAULT_SYMBOLS)
    with closing(open_market(config.replay, config.symbols, config.seed)) as source:
        return replace(
            config,
            symbols=config.symbols or tuple(source.symbols),
            timeframe=config.timeframe
            if "timeframe" in given
            else market_timeframe(source, config.timeframe),
        )


def _resumed(
    config: PaperConfig,
    row: AccountRow,
    reads: ReadModels,
    given: frozenset[str],
    accounts: list[AccountRow],
) -> Selection:
    ledger = reads.ledger(row.account_id)
    assert ledger is not None and ledger.session is not None, "an account with a session has a ledger"
    session = ledger.session
    _refuse_contradictions(config, session.options, given, session.id)
    options = session.options
    note = read_note(config.data_dir, row.account_id)
    if note is not None:
        config = replace(
            config,
            replay=config.replay or note.replay,
            funding_interval_ms=_given(
                given, "funding_interval", config.funding_interval_ms, note.funding_interval_ms
            ),
            funding_rate=_given(given, "funding_rate", config.funding_rate, note.funding_rate),
        )
    resumed = replace(
        config,
        symbols=options.symbols,
        strategies=options.strategies,
        timeframe=options.timeframe,
        portfolio_id=options.portfolio_id,
        sizing=options.sizing,
        stop_loss_pct=options.stop_loss_pct,
        take_profit_pct=options.take_profit_pct,
        trailing_stop_pct=options.trailing_stop_pct,
        use_market_orders=options.use_market_orders,
        slippage_tolerance=options.slippage_tolerance,
        leverage=options.leverage,
        leverages=options.leverages,
        hedge_mode=options.hedge_mode,
        margin_type=options.margin_type,
        seed=options.seed,
    )
    return Selection(resumed, options.market, accounts, row.account_id, is_resumed=True)


def _refuse_strange_leverages(config: PaperConfig, given: frozenset[str]) -> None:
    """A flag that sets the leverage of a symbol that is not traded is a slip; a setting may be for other sessions."""
    strange = [symbol for symbol, _ in config.leverages if config.symbols and symbol not in config.symbols]
    if strange and "leverages" in given:
        raise ConfigurationError(
            f"--leverages names {', '.join(strange)}, which this session does not trade: it trades "
            f"{', '.join(config.symbols)}"
        )


def _given(given: frozenset[str], name: str, asked: T, noted: T) -> T:
    return asked if name in given else noted


def _refuse_contradictions(
    config: PaperConfig, options: SessionOptions, given: frozenset[str], session_id: str
) -> None:
    told = []
    for setting in sorted(given & _OPTION_OF.keys()):
        field = _OPTION_OF[setting]
        wanted, has = getattr(config, field), getattr(options, field)
        if wanted != has:
            told.append(f"{setting} {_text(has)} (asked for: {_text(wanted)})")
    if told:
        raise ConfigurationError(
            f"session {session_id[:8]} is unfinished and was started with {', '.join(told)}: leave these options out "
            "to resume it, or stop it first"
        )


def _text(value: Any) -> str:
    if isinstance(value, tuple):
        return (
            ",".join(each if isinstance(each, str) else "=".join(map(str, each)) for each in value) or "none"
        )
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def paper_config(settings: Settings, request: SessionRequest, database: Database) -> PaperConfig:
    """Settings and request as the paper session's configuration."""
    return PaperConfig(
        data_dir=settings.data_folder,
        database=database.path
        if isinstance(database, SqliteDatabase)
        else settings.data_folder / "steadyhand.db",
        server=None if isinstance(database, SqliteDatabase) else database,
        symbols=settings.symbols,
        strategies=settings.strategies,
        timeframe=settings.timeframe,
        portfolio_id=settings.portfolio,
        replay=request.replay,
        speed=None if request.speed is None else float(request.speed),
        seed=settings.seed,
        capital=Money(settings.capital, SETTLE_ASSET),
        sizing=settings.sizing_spec,
        leverage=settings.leverage,
        leverages=settings.leverages,
        hedge_mode=settings.hedge_mode,
        margin_type=settings.margin_type.value,
        stop_loss_pct=settings.stop_loss_pct,
        take_profit_pct=settings.take_profit_pct,
        trailing_stop_pct=settings.trailing_stop_pct,
        use_market_orders=settings.use_market_orders,
        slippage_tolerance=settings.slippage_tolerance,
        funding_interval_ms=settings.funding_interval,
        funding_rate=settings.funding_rate,
        save_state_interval_ms=settings.save_state_interval * 1_000,
        stays_awake=settings.stay_awake,
        limits=settings.risk_limits(),
        quality=settings.quality_limits(),
    )


@dataclass(frozen=True, slots=True)
class AccountNote:
    """What a resume has to know of a paper account beside the session's options: where its recording lies, and how
    its exchange pays funding. A recording is found again by its content; the path only says where to look.

    ``symbols`` and ``seed`` are options as well; here they are for whoever opens the market without the database. A
    note of an older version has no symbols.
    """

    replay: tuple[Path, ...] = ()
    funding_interval_ms: int = 0
    funding_rate: Decimal = Decimal(0)
    symbols: tuple[str, ...] = ()
    seed: int = 0


def read_note(data_dir: Path, account_id: str) -> AccountNote | None:
    """The note of an account, or None when it has none."""
    path = _note_path(data_dir, account_id)
    if not path.exists():
        return None
    kept = json.loads(path.read_text("utf-8"))
    return AccountNote(
        tuple(Path(text) for text in kept["replay"]),
        kept["funding_interval_ms"],
        Decimal(kept["funding_rate"]),
        tuple(kept.get("symbols", ())),
        kept.get("seed", 0),
    )


def keep_note(config: PaperConfig, account_id: str) -> None:
    """Write the note of a new account beside its exchange's file; what one that is there says stays as it is."""
    path = _note_path(config.data_dir, account_id)
    note = read_note(config.data_dir, account_id)
    if note is not None and note.symbols:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    kept = {
        "replay": [str(file.absolute()) for file in (note.replay if note is not None else config.replay)],
        "funding_interval_ms": (note or config).funding_interval_ms,
        "funding_rate": str((note or config).funding_rate),
        "symbols": config.symbols,
        "seed": config.seed,
    }
    # A process that dies in between leaves the old note, or none.
    unfinished = path.with_suffix(".new")
    unfinished.write_text(json.dumps(kept), "utf-8")
    unfinished.replace(path)


def _note_path(data_dir: Path, account_id: str) -> Path:
    return data_dir / "paper" / f"{account_id[:8]}.json"
