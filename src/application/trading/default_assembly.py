"""Where the library finds its parts when nobody hands it any: how sessions are put together, where they are read.

Services may not know the adapters, so the package's root registers who does (see ``src/__init__.py``). Nothing is
imported here: registering costs every start of the program, using it only the library's.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from src.application.ports.repositories import SessionRepository

Factory = Callable[[Any], Callable[[Any], Any]]
"""From a TradingConfig (or None: from the settings) to an ``assemble`` of the service."""

_factory: Factory | None = None
_sessions: "Callable[[], SessionRepository] | None" = None


def register(factory: Factory, sessions: "Callable[[], SessionRepository]") -> None:
    """Say who puts sessions together when the caller does not, and where the states of sessions are read."""
    global _factory, _sessions
    _factory = factory
    _sessions = sessions


def default_assemble(config: Any) -> Callable[[Any], Any]:
    """The registered way to put a session together for this configuration; raises ValueError without one."""
    if _factory is None:
        raise ValueError("nothing puts a session together here: hand assemble=… to the service")
    return _factory(config)


def session_repository() -> "SessionRepository":
    """The registered repository of states; raises ValueError without one."""
    if _sessions is None:
        raise ValueError("nothing is registered to read sessions from: register a repository first")
    return _sessions()
