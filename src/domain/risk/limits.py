"""The limits that pre-trade rules hold orders to."""

from dataclasses import dataclass
from decimal import Decimal

from src.domain.positions.external import ExternalPolicy
from src.domain.sessions.trading_states import TradingTrigger


@dataclass(frozen=True, slots=True)
class RiskLimits:
    """Shares are fractions of equity (0.1 is ten percent), values are in quote asset, windows in ms.

    ``net_exposure_pct_max`` is long minus short over equity; ``concentration_pct_max`` is one symbol's share of the
    exposure of all, held to once ``concentration_symbols_min`` symbols are exposed; volatilities are annualised.
    Once a second a running session looks at losses and margin by itself: a loss beyond its limit pulls the trigger
    named after it, and positions are closed in an emergency above ``margin_ratio_max`` (maintenance margin over
    margin balance).

    The defaults are those of the user's documents; they hold for paper and testnet. A live session refuses to
    start until every limit is written down.
    """

    position_size_pct: Decimal = Decimal("0.1")
    leverage_max: Decimal = Decimal(10)
    free_margin_pct_min: Decimal = Decimal("0.2")
    daily_loss_pct_max: Decimal = Decimal("0.02")
    positions_max: int = 10
    order_value_max: Decimal = Decimal(1_000_000)
    price_collar_pct: Decimal = Decimal("0.05")
    slippage_pct_max: Decimal = Decimal("0.001")
    duplicate_window_ms: int = 1_000
    orders_per_second_max: int = 20
    orders_per_minute_max: int = 300
    entries_per_minute_max: int = 30
    drawdown_pct_max: Decimal = Decimal("0.2")
    symbol_exposure_max: Decimal = Decimal(2_000_000)
    gross_exposure_max: Decimal = Decimal(10_000_000)
    net_exposure_pct_max: Decimal = Decimal(10)
    concentration_pct_max: Decimal = Decimal("0.6")
    concentration_symbols_min: int = 3
    open_orders_max: int = 200
    correlation_max: Decimal = Decimal("0.7")
    volatility_max: Decimal = Decimal(2)
    volatility_ratio_max: Decimal = Decimal(3)
    confidence_min: Decimal = Decimal(0)
    margin_ratio_max: Decimal = Decimal("0.8")
    daily_loss_trigger: TradingTrigger = TradingTrigger.REDUCE
    drawdown_trigger: TradingTrigger = TradingTrigger.HALT
    repeated_execution_closes: bool = False
    external_orders: ExternalPolicy = ExternalPolicy.COUNT
