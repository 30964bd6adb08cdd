"""What a session is put together from, and what its journal and its decisions are told of that."""

from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from src.domain.decisions.step import Policy
from src.domain.market.quality import QualityLimits
from src.domain.money import Money
from src.domain.risk.limits import RiskLimits
from src.domain.sessions.session import SessionOptions
from src.infrastructure.persistence.databases import Database, SqliteDatabase
from src.infrastructure.simulated_exchange.latency import LatencyModel

PAPER = "paper"
SETTLE_ASSET = "USDT"


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


def policy_of(config: PaperConfig) -> Policy:
    """What decisions of a session so configured rest on."""
    return Policy(
        config.stop_loss_pct,
        config.take_profit_pct,
        limits=config.limits,
        watches_losses=True,
        trailing_stop_pct=config.trailing_stop_pct,
    )


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
