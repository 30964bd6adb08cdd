"""Puts sessions together for callers of the library, from a TradingConfig instead of a command line.

Everything that a TradingConfig does not say (the data folder, the seed, the capital, the risk limits) is a setting,
read as for the command line: ``.env``, ``config.yaml`` and the environment.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import fields
from typing import TYPE_CHECKING
from weakref import WeakSet

from src.application.ports.event_bus import EventBus
from src.application.trading.config import LIVE, PAPER, TradingConfig
from src.application.trading.requests import SessionRequest
from src.application.trading.restarts import Restarts
from src.application.trading.session_parts import SessionParts
from src.bootstrap.application import PaperApplication
from src.bootstrap.settings import load_settings
from src.domain.money import use_money_context
from src.infrastructure.market_data.source import SourceError
from src.infrastructure.monitoring.logging import configure_trades_log, follow_trades
from src.interfaces.cli.composition import ConfigurationError
from src.interfaces.cli.composition import SessionRequest as Start

if TYPE_CHECKING:
    from src.bootstrap.container import Container
    from src.infrastructure.persistence.repositories import (
        StoredOrders,
        StoredPortfolios,
        StoredPositions,
        StoredSessions,
    )

_KEY = frozenset({"api_key", "api_secret"})


def assembly_of(config: TradingConfig | None) -> Callable[[SessionRequest], SessionParts]:
    """What a service assembles its sessions with; ``config`` None takes everything from the settings."""
    followed: WeakSet[EventBus] = WeakSet()

    def assemble(request: SessionRequest) -> SessionParts:
        parts = _assemble(config, request)
        # A session that starts itself again publishes on the same bus.
        if parts.bus not in followed:
            followed.add(parts.bus)
            follow_trades(parts.bus)
        return parts

    return assemble


def sessions() -> "StoredSessions":
    """What sessions hold, in the database of the settings."""
    return _container().sessions()


def repositories() -> "tuple[StoredPortfolios, StoredOrders, StoredPositions]":
    """What a caller may hand to the service: portfolios, orders and positions of the database of the settings."""
    container = _container()
    return container.portfolios(), container.orders(), container.positions()


def _container() -> "Container":
    """A fresh one, so that the settings are read as they are now; its library is loaded by whoever asks."""
    from src.bootstrap.container import Container

    return Container()


def _exchange_of(config: TradingConfig | None, request: SessionRequest) -> str:
    """Where the session's orders go; raises ValueError where a program alone may not send them."""
    if request.dry_run:
        return PAPER
    if request.broker is not None:
        from src.bootstrap.venue import venue_behind

        exchange = venue_behind(request.broker).name
    else:
        exchange = PAPER if config is None else config.exchange
    if exchange == LIVE:
        raise ValueError(
            "a session that trades with money is confirmed by a person: use `start-session --exchange live`, "
            "testnet=True or dry_run=True"
        )
    return exchange


def _open(application: PaperApplication, start: Start, request: SessionRequest) -> SessionParts:
    if start.exchange == PAPER or request.broker is None:
        return application.open_session(start)
    from src.bootstrap.venue import venue_behind

    return application.open_session(start, venue_behind(request.broker))


def _assemble(config: TradingConfig | None, request: SessionRequest) -> SessionParts:
    use_money_context()
    exchange = _exchange_of(config, request)
    said = _said(config, request)
    try:
        application = PaperApplication(load_settings(said))
        parts = _open(application, Start(given=_meant(config, said), exchange=exchange), request)
        parts.bus = request.event_bus or parts.bus
        settings = application.settings
        configure_trades_log(application.data_dir, settings.secrets(), settings.log_trades)
        if settings.auto_restart:
            parts.restarts = Restarts(time.monotonic, asyncio.sleep)
        return parts
    except (ConfigurationError, SourceError) as error:
        raise ValueError("; ".join(map(str, error.args))) from None


def _said(config: TradingConfig | None, request: SessionRequest) -> dict[str, str]:
    """What the caller said, as settings: it comes before all other sources."""
    said = {"portfolio": request.portfolio_id}
    if request.database_url is not None:
        said["database_url"] = request.database_url
    if config is not None:
        # A key that is not given leaves that of the settings.
        names = (each.name for each in fields(config) if each.name not in _KEY or getattr(config, each.name))
        said |= {name: str(getattr(config, name)) for name in names}
    for name, values in (("symbols", request.symbols), ("strategies", request.strategies)):
        if values:
            said[name] = ",".join(values)
    return said


def _meant(config: TradingConfig | None, said: dict[str, str]) -> frozenset[str]:
    """What may not silently give way to the options of an unfinished session: all that is not a default."""
    defaults = {each.name: str(each.default) for each in fields(config or TradingConfig())}
    defaults["portfolio"] = "default"
    return frozenset(name for name, value in said.items() if value != defaults.get(name))
