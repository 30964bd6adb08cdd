"""Puts sessions together for callers of the library, from a TradingConfig instead of a command line.

Everything that a TradingConfig does not say (the data folder, the seed, the capital, the risk limits) is a setting,
read as for the command line: ``.env``, ``config.yaml`` and the environment.
"""

from collections.abc import Callable
from dataclasses import fields

from src.application.trading.config import PAPER, TradingConfig
from src.application.trading.requests import SessionRequest
from src.application.trading.session_parts import SessionParts
from src.bootstrap.markets import open_market
from src.bootstrap.paper import PaperConfig, paper_parts
from src.bootstrap.selection import keep_note, select
from src.bootstrap.settings import Settings, load_settings
from src.domain.money import use_money_context
from src.infrastructure.market_data.source import MarketSource, SourceError
from src.infrastructure.persistence.read_models import SqliteReadModels
from src.infrastructure.persistence.schema import SchemaState, create_sqlite, sqlite_schema_state
from src.interfaces.cli.composition import ConfigurationError
from src.interfaces.cli.composition import SessionRequest as Start

# A key is read from the settings by whoever has one; these say nothing about a paper session.
_NOT_SETTINGS = frozenset({"api_key", "api_secret"})


def assembly_of(config: TradingConfig | None) -> Callable[[SessionRequest], SessionParts]:
    """What a service assembles its sessions with; ``config`` None takes everything from the settings.

    Raises ValueError when the configuration asks for another exchange than paper.
    """
    if config is not None and config.exchange != PAPER:
        raise ValueError(
            f"trading on {config.exchange} is not in this version: use TradingConfig(dry_run=True)"
        )
    return lambda request: _assemble(config, request)


def _assemble(config: TradingConfig | None, request: SessionRequest) -> SessionParts:
    use_money_context()
    try:
        return _paper_parts(_settings(config, request), request)
    except (ConfigurationError, SourceError) as error:
        raise ValueError("; ".join(map(str, error.args))) from None


def _settings(config: TradingConfig | None, request: SessionRequest) -> Settings:
    """The settings, with what the caller said before all other sources."""
    given: dict[str, str] = {"portfolio": request.portfolio_id}
    if config is not None:
        names = (each.name for each in fields(config) if each.name not in _NOT_SETTINGS)
        given |= {name: str(getattr(config, name)) for name in names}
    for name, values in (("symbols", request.symbols), ("strategies", request.strategies)):
        if values:
            given[name] = ",".join(values)
    return load_settings(given).settings


def _paper_parts(settings: Settings, request: SessionRequest) -> SessionParts:
    folder = settings.data_folder
    folder.mkdir(parents=True, exist_ok=True)
    database = folder / "steadyhand.db"
    if sqlite_schema_state(database) is SchemaState.EMPTY:
        create_sqlite(database)
    given = frozenset({"symbols"} if request.symbols else ())
    reads = SqliteReadModels(database)
    try:
        selection = select(settings, Start(given=given), reads, database)
    finally:
        reads.close()
    parts = paper_parts(selection.config, _make_market, selection.market, selection.accounts)
    keep_note(selection.config, parts.account.account_id)
    return parts


def _make_market(config: PaperConfig) -> MarketSource:
    return open_market(config.replay, config.symbols, config.seed)
