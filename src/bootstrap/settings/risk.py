"""The settings of risk beyond the everyday ones: exposure, correlation, volatility, drawdown."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from src.bootstrap.settings.values import Amount, Env, Fraction, Share, lower, upper
from src.domain.market.symbols import canonical_symbol
from src.domain.positions.external import ExternalPolicy
from src.domain.risk.limits import RiskLimits
from src.domain.sessions.trading_states import TradingTrigger

LEVERAGE_MAX: Final = 150
"""The highest leverage of any symbol at the exchange, 2026."""


class LossAction(StrEnum):
    """What a loss beyond its limit does to the account."""

    REDUCE_ONLY = "reduce_only"
    HALT = "halt"


class MarginType(StrEnum):
    """What a position's margin is taken from."""

    CROSSED = "CROSSED"
    ISOLATED = "ISOLATED"


def _read_leverages(value: Any) -> Any:
    """Symbols with a whole number each, like BTCUSDT:20,ETHUSDT=5; or a mapping of a YAML file."""
    pairs = value.items() if isinstance(value, dict) else value
    if isinstance(value, str):
        parts = value.replace("=", ":").split(",")
        pairs = [part.strip().rpartition(":")[::2] for part in parts if part.strip()]
    if not isinstance(pairs, list | tuple) and not isinstance(value, dict):
        return value
    read = []
    for symbol, leverage in pairs:
        if not symbol:
            raise ValueError(f"{leverage!r} names no leverage: write symbols like BTCUSDT=20,ETHUSDT=5")
        if not str(leverage).strip().isdecimal() or not 1 <= int(leverage) <= LEVERAGE_MAX:
            raise ValueError(
                f"{leverage!r} is no leverage of {symbol}: write symbols like BTCUSDT=20,ETHUSDT=5"
            )
        read.append((canonical_symbol(str(symbol)), int(leverage)))
    names = [symbol for symbol, _ in read]
    if len(set(names)) < len(names):
        raise ValueError("a symbol has two leverages: name each symbol once, like BTCUSDT=20,ETHUSDT=5")
    return tuple(read)


class RiskSettings(BaseModel):
    """A part of :class:`src.bootstrap.settings.model.Settings`."""

    # Never made by itself: what validates it is not built.
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    drawdown_pct_max: Annotated[Share, Env.of("STEADYHAND_DRAWDOWN_PCT_MAX", "0.2")] = Decimal("0.2")
    """Fall from the peak of equity, unrealized included, at which no new positions are opened."""
    symbol_exposure_max: Annotated[Amount, Env.of("STEADYHAND_SYMBOL_EXPOSURE_MAX", "2000000")] = Decimal(
        2_000_000
    )
    """Largest exposure in one symbol, open entries included."""
    gross_exposure_max: Annotated[Amount, Env.of("STEADYHAND_GROSS_EXPOSURE_MAX", "10000000")] = Decimal(
        10_000_000
    )
    """Largest exposure in all symbols together, open entries included."""
    net_exposure_pct_max: Annotated[
        Decimal,
        Fraction,
        Env.of("STEADYHAND_NET_EXPOSURE_PCT_MAX", "10"),
        Field(gt=0, le=125, allow_inf_nan=False),
    ] = Decimal(10)
    """Largest long minus short exposure over equity, in either direction."""
    concentration_pct_max: Annotated[Share, Env.of("STEADYHAND_CONCENTRATION_PCT_MAX", "0.6")] = Decimal(
        "0.6"
    )
    """Largest share of one symbol in the exposure of all."""
    concentration_symbols_min: Annotated[
        int, Env.of("STEADYHAND_CONCENTRATION_SYMBOLS_MIN", "3"), Field(ge=1)
    ] = 3
    """With fewer symbols exposed, that share is not limited."""
    open_orders_max: Annotated[int, Env.of("STEADYHAND_OPEN_ORDERS_MAX", "200"), Field(ge=1)] = 200
    """Most open orders of the account, stops included."""
    correlation_max: Annotated[Share, Env.of("STEADYHAND_CORRELATION_MAX", "0.7")] = Decimal("0.7")
    """Largest correlation, signed by direction, with a symbol that is held."""
    volatility_max: Annotated[Amount, Env.of("STEADYHAND_VOLATILITY_MAX", "2")] = Decimal(2)
    """Annualized volatility above which no position is opened; 1 is 100 % a year."""
    volatility_ratio_max: Annotated[Amount, Env.of("STEADYHAND_VOLATILITY_RATIO_MAX", "3")] = Decimal(3)
    """The same, as a multiple of the symbol's own median of the last day."""
    confidence_min: Annotated[
        Decimal,
        Fraction,
        Env.of("STEADYHAND_CONFIDENCE_MIN", "0"),
        Field(ge=0, le=1, allow_inf_nan=False),
    ] = Decimal(0)
    """Signals less sure of themselves are not traded."""
    margin_ratio_max: Annotated[Share, Env.of("STEADYHAND_MARGIN_RATIO_MAX", "0.8")] = Decimal("0.8")
    """Maintenance margin over margin balance above which positions are closed in an emergency."""
    daily_loss_action: Annotated[
        LossAction, Env.of("STEADYHAND_DAILY_LOSS_ACTION", "reduce_only"), BeforeValidator(lower)
    ] = LossAction.REDUCE_ONLY
    """What the daily loss limit does: reduce_only until the next day, or halt until rearm."""
    drawdown_action: Annotated[
        LossAction, Env.of("STEADYHAND_DRAWDOWN_ACTION", "halt"), BeforeValidator(lower)
    ] = LossAction.HALT
    """What the drawdown limit does: reduce_only or halt, until rearm in either case."""
    repeated_execution_closes: Annotated[bool, Env.of("STEADYHAND_REPEATED_EXECUTION_CLOSES", "false")] = (
        False
    )
    """Close a symbol in which a strategy entered too often in a minute, until `rearm --symbol`."""
    external_orders: Annotated[
        ExternalPolicy, Env.of("STEADYHAND_EXTERNAL_ORDERS", "count"), BeforeValidator(lower)
    ] = ExternalPolicy.COUNT
    """What is done about orders and trades of others on the account: adopt, count or halt."""
    hedge_mode: Annotated[bool, Env.of("STEADYHAND_HEDGE_MODE", "false")] = False
    """Keep LONG and SHORT of a symbol apart, instead of one net position."""
    margin_type: Annotated[
        MarginType, Env.of("STEADYHAND_MARGIN_TYPE", "crossed"), BeforeValidator(upper)
    ] = MarginType.CROSSED
    """Whether positions share the account's margin (crossed) or have one each (isolated)."""
    leverages: Annotated[
        tuple[tuple[str, int], ...],
        Env.of("STEADYHAND_LEVERAGES", "BTCUSDT:20,ETHUSDT:5"),
        BeforeValidator(_read_leverages),
    ] = ()
    """Leverage of single symbols, where it is not that of all."""

    def limits_of_risk(self) -> dict[str, Any]:
        """These settings as fields of RiskLimits."""
        same = {name: getattr(self, name) for name in _LIMITS}
        triggers = {
            f"{name}_trigger": _TRIGGER[getattr(self, f"{name}_action")]
            for name in ("daily_loss", "drawdown")
        }
        return same | triggers


_LIMITS: Final = tuple(name for name in RiskSettings.model_fields if name in RiskLimits.__dataclass_fields__)
_TRIGGER: Final = {LossAction.REDUCE_ONLY: TradingTrigger.REDUCE, LossAction.HALT: TradingTrigger.HALT}
