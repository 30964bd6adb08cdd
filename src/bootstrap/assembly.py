"""Puts sessions together for callers of the library, from a TradingConfig instead of a command line.

Everything that a TradingConfig does not say (the data folder, the seed, the capital, the risk limits) is a setting,
read as for the command line: ``.env``, ``config.yaml`` and the environment.
"""

from collections.abc import Callable
from dataclasses import fields

from src.application.trading.config import PAPER, TradingConfig
from src.application.trading.requests import SessionRequest
from src.application.trading.session_parts import SessionParts
from src.bootstrap.application import PaperApplication
from src.bootstrap.settings import load_settings
from src.domain.money import use_money_context
from src.infrastructure.market_data.source import SourceError
from src.interfaces.cli.composition import ConfigurationError
from src.interfaces.cli.composition import SessionRequest as Start

# A paper session has no use for a key, and a key is nothing to pass on.
_NOT_PASSED_ON = frozenset({"api_key", "api_secret"})


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
    said = _said(config, request)
    try:
        application = PaperApplication(load_settings(said))
        return application.open_session(Start(given=_meant(config, said)))
    except (ConfigurationError, SourceError) as error:
        raise ValueError("; ".join(map(str, error.args))) from None


def _said(config: TradingConfig | None, request: SessionRequest) -> dict[str, str]:
    """What the caller said, as settings: it comes before all other sources."""
    said = {"portfolio": request.portfolio_id}
    if config is not None:
        names = (each.name for each in fields(config) if each.name not in _NOT_PASSED_ON)
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
