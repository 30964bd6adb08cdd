"""Volatility target: positions that move equally much, large in quiet markets and small in wild ones."""

from dataclasses import dataclass
from decimal import Decimal

from src.application.sizing.sizers import ONE, ZERO, Sizer, check_positive
from src.domain.market.instrument import Instrument


@dataclass(frozen=True, slots=True)
class VolatilityTarget(Sizer):
    """A notional of equity · target / volatility, at most ``equity_share_max`` of equity.

    ``target`` is the annualised standard deviation, as a fraction of equity, that the position is meant to have;
    the volatility is the symbol's (exponentially weighted, of the session's candles). While too few candles are
    known for one there is no size. Raises ValueError unless both are above zero.
    """

    target: Decimal = Decimal("0.2")
    equity_share_max: Decimal = Decimal("0.1")

    def __post_init__(self) -> None:
        check_positive("a volatility target", self.target)
        check_positive("a largest share of equity", self.equity_share_max)

    def _wanted(
        self,
        equity: Decimal,
        price: Decimal,
        stop_price: Decimal | None,
        instrument: Instrument,
        volatility: Decimal | None,
    ) -> tuple[Decimal, Decimal, str]:
        if volatility is None or volatility <= 0:
            return ZERO, ONE, "the volatility is not known yet"
        if self.target > self.equity_share_max * volatility:
            return equity * self.equity_share_max, price, f"limited to {self.equity_share_max:f} of equity"
        return equity * self.target, price * volatility, ""
