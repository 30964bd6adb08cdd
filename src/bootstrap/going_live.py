"""What has to be said before a session trades with money: every limit in writing, and what could be lost."""

from pathlib import Path
from typing import Final

from src.bootstrap.settings import Loaded, Settings
from src.bootstrap.settings.risk import RiskSettings
from src.bootstrap.settings.sources import env_of
from src.bootstrap.venue import LIVE, venue_of
from src.interfaces.cli.composition import ConfigurationError, LivePlan

WRITTEN: Final = (
    "symbols",
    "strategies",
    "leverage",
    "leverage_max",
    "max_positions",
    "position_size_pct",
    "stop_loss_pct",
    "take_profit_pct",
    "max_daily_loss_pct",
    "free_margin_pct_min",
    "order_value_max",
    "price_collar_pct",
    "duplicate_window",
    "slippage_tolerance",
    "orders_per_second_max",
    "orders_per_minute_max",
    "entries_per_minute_max",
    *RiskSettings.model_fields,
)
"""Settings that have a default on paper and none with money."""


def live_plan(loaded: Loaded, data_dir: Path) -> LivePlan:
    """What a live session would be; raises ConfigurationError for the first limits that nobody has written down."""
    missing = [env_of(name).names[0] for name in WRITTEN if name not in loaded.sources]
    if missing:
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        raise ConfigurationError(
            f"live trading needs every limit in writing: set {', '.join(missing[:3])}{more} (see .env.example)"
        )
    settings = loaded.settings
    refuse_contradiction(settings, LIVE)
    venue = venue_of(settings, LIVE, data_dir)
    return LivePlan(
        account=venue.account_id[:8],
        symbols=settings.symbols,
        leverage=settings.leverage,
        daily_loss_pct_max=settings.max_daily_loss_pct,
        drawdown_pct_max=settings.drawdown_pct_max,
    )


def refuse_contradiction(settings: Settings, exchange: str) -> None:
    """Raise ConfigurationError where the settings speak against a session at this exchange."""
    if settings.dry_run:
        raise ConfigurationError(
            f"DRY_RUN=true is for paper: leave out --exchange {exchange}, or set DRY_RUN=false"
        )
    if exchange == LIVE and settings.testnet:
        raise ConfigurationError(
            "USE_TESTNET=true says that the key is one of the test network: set USE_TESTNET=false to trade live"
        )
    if exchange != LIVE and settings.api_key.get_secret_value() and not settings.testnet:
        raise ConfigurationError(
            "USE_TESTNET=false says that the key is none of the test network: set USE_TESTNET=true, or another key"
        )
