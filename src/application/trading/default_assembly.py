"""Where ``LiveTradingService(config=…)`` finds its parts when nobody hands it any.

Services may not know the adapters, so the package's root registers who does (see ``src/__init__.py``). Nothing is
imported here: registering costs every start of the program, using it only the library's.
"""

from collections.abc import Callable
from typing import Any

Factory = Callable[[Any], Callable[[Any], Any]]
"""From a TradingConfig (or None: from the settings) to an ``assemble`` of the service."""

_factory: Factory | None = None


def register(factory: Factory) -> None:
    """Say who puts sessions together when the caller does not."""
    global _factory
    _factory = factory


def default_assemble(config: Any) -> Callable[[Any], Any]:
    """The registered way to put a session together for this configuration; raises ValueError without one."""
    if _factory is None:
        raise ValueError("nothing puts a session together here: hand assemble=… to the service")
    return _factory(config)
