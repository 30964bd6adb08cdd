"""The container of long-lived users: one settings reading, one application, one bus, and services made from them.

A process that serves many callers (a library's user, an HTTP service) asks here and overrides here. Commands do
not: loading the container's library takes longer than most commands run (decision 0028).
"""

from dependency_injector import containers, providers

from src.application.trading.services.live_trading_service import LiveTradingService
from src.bootstrap.application import PaperApplication
from src.bootstrap.settings import load_settings
from src.infrastructure.messaging.event_bus import InProcessEventBus
from src.infrastructure.persistence.repositories import (
    StoredOrders,
    StoredPortfolios,
    StoredPositions,
    StoredSessions,
)


class Container(containers.DeclarativeContainer):
    """Override ``said`` (settings as a command line's flags), ``config`` (a TradingConfig) or any provider.

    ``service()`` is a new service each time, over the one bus and the one database.
    """

    said: providers.Provider[dict[str, str]] = providers.Object({})
    config: providers.Provider[object] = providers.Object(None)
    loaded = providers.Singleton(load_settings, said)
    application = providers.Singleton(PaperApplication, loaded)
    event_bus = providers.Singleton(InProcessEventBus)

    portfolios = providers.Singleton(
        StoredPortfolios, application.provided.open_reads, application.provided.database_url
    )
    orders = providers.Singleton(
        StoredOrders, application.provided.open_reads, application.provided.database_url
    )
    positions = providers.Singleton(
        StoredPositions, application.provided.open_reads, application.provided.database_url
    )
    sessions = providers.Singleton(
        StoredSessions, application.provided.open_reads, application.provided.database_url
    )
    service = providers.Factory(
        LiveTradingService,
        event_bus=event_bus,
        portfolio_repository=portfolios,
        order_repository=orders,
        position_repository=positions,
        config=config,
    )
