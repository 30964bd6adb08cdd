"""Every setting: its type, its bounds, its default, its name in the environment and its meaning, in one place.

The environment and ``.env`` use the names given here, ``config.yaml`` and the command line's flags use the field's
own. Shares are fractions (0.1 is ten percent), money is in the settle asset, durations are in ms once read.
"""

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import unquote, urlsplit

from pydantic import BeforeValidator, ConfigDict, Field, InstanceOf, SecretStr

from src.bootstrap.settings.risk import RiskSettings
from src.bootstrap.settings.values import (
    Amount,
    Duration,
    Env,
    Fraction,
    LogLevel,
    Milliseconds,
    Share,
    read_interval,
    read_sizing,
    read_strategies,
    read_symbols,
    read_timeframe,
    read_url,
    text_or_none,
    upper,
)
from src.domain.market.quality import QualityLimits
from src.domain.risk.limits import RiskLimits

ROOT: Final = Path(__file__).resolve().parents[3]
"""The project's root: relative folders are meant from here."""
CAPITAL_MAX: Final = 10_000_000_000
"""A ninth of what the paper exchange's file can count; the rest is room for profits."""


class Settings(RiskSettings):
    """What the program was told, whatever by. Frozen; :func:`src.bootstrap.settings.load_settings` makes it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    # --- account ---
    api_key: Annotated[SecretStr, Env.of("BINANCE_API_KEY", "the key as Binance shows it")] = SecretStr("")
    """Key of the Binance USD-M futures account; empty: trade on paper."""
    api_secret: Annotated[SecretStr, Env.of("BINANCE_API_SECRET", "the secret as Binance shows it")] = (
        SecretStr("")
    )
    """The key's secret."""
    testnet: Annotated[bool, Env.of("USE_TESTNET TESTNET", "true")] = True
    """Whether a key is one of the exchange's test network; live trading wants false."""
    dry_run: Annotated[bool, Env.of("DRY_RUN", "true")] = False
    """Trade on paper even with a key; every other exchange is refused."""
    testnet_url: Annotated[
        str | None, Env.of("STEADYHAND_TESTNET_URL", "http://127.0.0.1:18080"), BeforeValidator(read_url)
    ] = None
    """Where the test exchange is; empty: Binance's demo venue with a key, the local exchange without one."""
    market_url: Annotated[
        str | None, Env.of("STEADYHAND_MARKET_URL", "https://fapi.binance.com"), BeforeValidator(read_url)
    ] = None
    """Whose public market `testnet --market live` follows; empty: Binance's."""
    allow_withdrawal_key: Annotated[bool, Env.of("STEADYHAND_ALLOW_WITHDRAWAL_KEY", "false")] = False
    """Trade with a key although it may move money out of the account."""
    portfolio: Annotated[
        str, Env.of("STEADYHAND_PORTFOLIO", "default"), Field(min_length=1, max_length=64)
    ] = "default"
    """The portfolio traded for; made when it is first used."""

    # --- session ---
    symbols: Annotated[
        tuple[str, ...], Env.of("STEADYHAND_SYMBOLS", "BTCUSDT,ETHUSDT"), BeforeValidator(read_symbols)
    ] = ()
    """What is traded; empty: every symbol of a recording, BTCUSDT and ETHUSDT elsewhere."""
    strategies: Annotated[
        tuple[str, ...],
        Env.of("STEADYHAND_STRATEGIES", "sma_cross:fast=5,slow=20"),
        BeforeValidator(read_strategies),
    ] = ("sma_cross:fast=3,slow=10", "macd_momentum")
    """Who decides what is traded."""
    timeframe: Annotated[str, Env.of("STEADYHAND_TIMEFRAME", "1m"), BeforeValidator(read_timeframe)] = "1m"
    """Length of the candles that strategies see."""
    seed: Annotated[int, Env.of("STEADYHAND_SEED", "7"), Field(ge=0, lt=2**63)] = 42
    """Chooses the synthetic market and the paper exchange's latencies; equal seeds, equal sessions."""
    capital: Annotated[Amount, Env.of("STEADYHAND_CAPITAL", "10000"), Field(le=CAPITAL_MAX)] = Decimal(10_000)
    """What a new paper account starts with, in quote asset."""
    auto_restart: Annotated[bool, Env.of("AUTO_RESTART", "true")] = True
    """Resume an unfinished session without --resume, and a failed one at once, three times in ten minutes."""
    save_state_interval: Annotated[int, Env.of("SAVE_STATE_INTERVAL", "60"), Field(ge=1, le=86_400)] = 60
    """Seconds between two points of the equity curve."""
    stay_awake: Annotated[bool, Env.of("STEADYHAND_STAY_AWAKE", "true")] = False
    """Keep a processor busy while nothing happens, rehearsing an order: real ones are decided a third faster."""
    log_trades: Annotated[bool, Env.of("LOG_TRADES", "true")] = True
    """Write one line of log for each trade."""

    # --- size and risk ---
    sizing: Annotated[str, Env.of("STEADYHAND_SIZING", "percent:0.1"), BeforeValidator(read_sizing)] = ""
    """How large an entry is; empty: POSITION_SIZE_PCT of equity."""
    leverage: Annotated[int, Env.of("STEADYHAND_LEVERAGE", "10"), Field(ge=1, le=125)] = 10
    """Leverage set at the exchange for every symbol."""
    stop_loss_pct: Annotated[Share, Env.of("STOP_LOSS_PCT", "0.02")] = Decimal("0.02")
    """Distance of the protective stop from the entry price."""
    take_profit_pct: Annotated[
        Decimal, Fraction, Env.of("TAKE_PROFIT_PCT", "0.05"), Field(ge=0, le=10, allow_inf_nan=False)
    ] = Decimal("0.05")
    """Distance of the take-profit order from the entry price; 0: none."""
    trailing_stop_pct: Annotated[
        Decimal,
        Fraction,
        Env.of("TRAILING_STOP_PCT", "0"),
        Field(ge=0, le=Decimal("0.2"), multiple_of=Decimal("0.001"), allow_inf_nan=False),
    ] = Decimal(0)
    """Distance at which the stop follows the best price, 0.001 to 0.2; 0: it stands at STOP_LOSS_PCT."""
    max_positions: Annotated[int, Env.of("MAX_POSITIONS", "10"), Field(ge=1, le=1_000)] = 10
    """Most positions open at one time."""
    position_size_pct: Annotated[
        Decimal, Fraction, Env.of("POSITION_SIZE_PCT", "0.1"), Field(gt=0, le=125, allow_inf_nan=False)
    ] = Decimal("0.1")
    """Largest share of the portfolio in one position."""
    max_daily_loss_pct: Annotated[Share, Env.of("MAX_DAILY_LOSS_PCT", "0.02")] = Decimal("0.02")
    """Loss of one day, unrealized included, at which no new positions are opened."""
    leverage_max: Annotated[Amount, Env.of("STEADYHAND_LEVERAGE_MAX", "10")] = Decimal(10)
    """Largest exposure over equity."""
    free_margin_pct_min: Annotated[
        Decimal,
        Fraction,
        Env.of("STEADYHAND_FREE_MARGIN_PCT_MIN", "0.2"),
        Field(ge=0, lt=1, allow_inf_nan=False),
    ] = Decimal("0.2")
    """Share of equity that must stay free of margin."""
    order_value_max: Annotated[Amount, Env.of("STEADYHAND_ORDER_VALUE_MAX", "1000000")] = Decimal(1_000_000)
    """Largest notional of one order."""
    price_collar_pct: Annotated[Share, Env.of("STEADYHAND_PRICE_COLLAR_PCT", "0.05")] = Decimal("0.05")
    """How far from the mark price an order may be priced."""
    duplicate_window: Annotated[Milliseconds, Env.of("STEADYHAND_DUPLICATE_WINDOW", "1s")] = Duration(1_000)
    """For how long an identical order is refused."""
    orders_per_second_max: Annotated[int, Env.of("STEADYHAND_ORDERS_PER_SECOND_MAX", "20"), Field(ge=1)] = 20
    """Most orders and amendments in any second."""
    orders_per_minute_max: Annotated[int, Env.of("STEADYHAND_ORDERS_PER_MINUTE_MAX", "300"), Field(ge=1)] = (
        300
    )
    """Most orders and amendments in any minute."""
    entries_per_minute_max: Annotated[int, Env.of("STEADYHAND_ENTRIES_PER_MINUTE_MAX", "30"), Field(ge=1)] = (
        30
    )
    """Most entries in any minute."""

    # --- execution ---
    use_market_orders: Annotated[bool, Env.of("USE_MARKET_ORDERS", "true")] = True
    """MARKET orders; otherwise LIMIT IOC at the best price and the tolerance below."""
    slippage_tolerance: Annotated[Share, Env.of("SLIPPAGE_TOLERANCE", "0.001")] = Decimal("0.001")
    """An entry whose walk of the book would cost more than this share of the price is refused."""
    retry_attempts: Annotated[int, Env.of("RETRY_ATTEMPTS", "3"), Field(ge=0, le=100)] = 3
    """How often a read is tried again; a cancel is repeated until it has an end, an order is never sent twice."""

    # --- market ---
    funding_interval: Annotated[Milliseconds, Env.of("STEADYHAND_FUNDING_INTERVAL", "8h")] = Duration(
        8 * 3_600_000
    )
    """Time between two funding payments on paper."""
    funding_rate: Annotated[
        Decimal,
        Fraction,
        Env.of("STEADYHAND_FUNDING_RATE", "0.0001"),
        Field(ge=-1, le=1, allow_inf_nan=False),
    ] = Decimal("0.0001")
    """Funding per interval on paper, where the market does not say."""
    quote_age_max: Annotated[Milliseconds, Env.of("STEADYHAND_QUOTE_AGE_MAX", "5s")] = Duration(5_000)
    """No position is opened on a quote older than this."""
    quote_jump_pct: Annotated[Share, Env.of("STEADYHAND_QUOTE_JUMP_PCT", "0.02")] = Decimal("0.02")
    """Move of the price that is not believed before several quotes confirm it."""
    quote_confirmations: Annotated[
        int, Env.of("STEADYHAND_QUOTE_CONFIRMATIONS", "5"), Field(ge=1, le=1_000)
    ] = 5
    """How many quotes in a row confirm such a move."""
    quote_settle_time: Annotated[Milliseconds, Env.of("STEADYHAND_QUOTE_SETTLE_TIME", "1s")] = Duration(1_000)
    """Clean data that opening waits for after a gap or a crossed quote."""

    # --- program ---
    database_url: Annotated[
        SecretStr | None,
        Env.of("DATABASE_URL", "postgresql+asyncpg://USER:PASSWORD@HOST:5432/steadyhand"),
        BeforeValidator(text_or_none),
    ] = None
    """Where trading state is stored; empty: SQLite in the data folder."""
    data_dir: Annotated[Path, Env.of("STEADYHAND_DATA_DIR", "data")] = Path("data")
    """Folder of databases, sockets, logs and the HALT file; a relative one is meant from the project's root."""
    log_level: Annotated[LogLevel, Env.of("LOG_LEVEL", "INFO"), BeforeValidator(upper)] = LogLevel.INFO
    """How much is logged."""
    control_timeout: Annotated[Milliseconds, Env.of("STEADYHAND_CONTROL_TIMEOUT", "10s")] = Duration(10_000)
    """How long a command waits for the answer of a running session."""
    audit_interval: Annotated[
        Duration, InstanceOf(), BeforeValidator(read_interval), Env.of("STEADYHAND_AUDIT_INTERVAL", "15m")
    ] = Duration(900_000)
    """Wall time between two audits of a running session against the exchange's trades and income; 0: none."""

    @property
    def data_folder(self) -> Path:
        """The data folder as an absolute path."""
        return ROOT / self.data_dir.expanduser()

    @property
    def sizing_spec(self) -> str:
        """The sizing to use: what was asked for, or the share of one position."""
        return self.sizing or f"percent:{self.position_size_pct:f}"

    def secrets(self) -> list[str]:
        """Values that are never to be written down: key, secret, and the password in a database's address."""
        url = self.database_url.get_secret_value() if self.database_url is not None else ""
        password = urlsplit(url).password or ""
        return [
            self.api_key.get_secret_value(),
            self.api_secret.get_secret_value(),
            password,
            unquote(password),
        ]

    def risk_limits(self) -> RiskLimits:
        """The limits that pre-trade rules hold orders to."""
        return RiskLimits(
            position_size_pct=self.position_size_pct,
            leverage_max=self.leverage_max,
            free_margin_pct_min=self.free_margin_pct_min,
            daily_loss_pct_max=self.max_daily_loss_pct,
            positions_max=self.max_positions,
            order_value_max=self.order_value_max,
            price_collar_pct=self.price_collar_pct,
            slippage_pct_max=self.slippage_tolerance,
            duplicate_window_ms=self.duplicate_window,
            orders_per_second_max=self.orders_per_second_max,
            orders_per_minute_max=self.orders_per_minute_max,
            entries_per_minute_max=self.entries_per_minute_max,
            **self.limits_of_risk(),
        )

    def quality_limits(self) -> QualityLimits:
        """What market data must be like to open a position on it."""
        return QualityLimits(
            stale_ms=int(self.quote_age_max),
            jump_pct=self.quote_jump_pct,
            confirmations=self.quote_confirmations,
            settle_ms=int(self.quote_settle_time),
        )
