"""The settings of risk beyond the everyday ones: exposure, correlation, volatility, drawdown."""

from decimal import Decimal
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from src.bootstrap.settings.values import Amount, Env, Fraction, Share
from src.domain.risk.limits import RiskLimits


class RiskSettings(BaseModel):
    """A part of :class:`src.bootstrap.settings.model.Settings`."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

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


RISK_LIMITS: Final = tuple(
    name for name in RiskSettings.model_fields if name in RiskLimits.__dataclass_fields__
)
"""The settings that are limits by the same name."""
