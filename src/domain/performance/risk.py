"""Ratios of return to risk, from returns per bucket of session time, and the tail of their distribution.

A year has 365 days: this market never closes. The rate that costs no risk is zero. Every figure is None below 30
returns, where it would say more about chance than about trading, and where it is not defined.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal
from typing import Final

from src.domain.money import MONEY_CONTEXT, ZERO
from src.domain.performance.equity import DAY_MS
from src.domain.performance.ratios import ENOUGH, deviation

YEAR_MS: Final = 365 * DAY_MS
CONFIDENCE: Final = Decimal("0.95")
"""Of value at risk: on 19 of 20 buckets the loss was smaller."""


@dataclass(frozen=True, slots=True)
class RiskFigures:
    """Sharpe, Sortino, Calmar and volatility are annualised; value at risk is a share of equity lost in one bucket.

    ``var`` and ``cvar`` are positive for a loss, at :data:`CONFIDENCE`. ``returns`` counts what all of it rests on.
    """

    returns: int
    bucket_ms: int
    volatility: Decimal | None = None
    sharpe: Decimal | None = None
    sortino: Decimal | None = None
    calmar: Decimal | None = None
    cagr: Decimal | None = None
    var: Decimal | None = None
    cvar: Decimal | None = None


class ReturnTally:
    """Sums over returns, from which the ratios follow; every call is O(1)."""

    __slots__ = ("_below", "_bucket_ms", "_squares", "_sum", "count")

    def __init__(self, bucket_ms: int) -> None:
        self._bucket_ms = bucket_ms
        self._sum = self._squares = self._below = ZERO
        self.count = 0

    def add(self, value: Decimal) -> None:
        """Count the return of one bucket (a fraction)."""
        self.count += 1
        square = MONEY_CONTEXT.multiply(value, value)
        self._sum = MONEY_CONTEXT.add(self._sum, value)
        self._squares = MONEY_CONTEXT.add(self._squares, square)
        if value < 0:
            self._below = MONEY_CONTEXT.add(self._below, square)

    def copy(self) -> "ReturnTally":
        """The same sums, to go on with apart."""
        copied = ReturnTally(self._bucket_ms)
        copied.count = self.count
        copied._sum, copied._squares, copied._below = self._sum, self._squares, self._below
        return copied

    def volatility(self) -> Decimal | None:
        """Annualised standard deviation of returns: ``deviation · √(buckets a year)``."""
        spread = deviation(self._sum, self._squares, self.count)
        return None if spread is None or self.count < ENOUGH else spread * self._root_of_year()

    def sharpe(self) -> Decimal | None:
        """``mean / deviation · √(buckets a year)``. Source: Sharpe, "The Sharpe Ratio" (1994)."""
        return self._ratio(deviation(self._sum, self._squares, self.count))

    def sortino(self) -> Decimal | None:
        """As Sharpe, over the root of the mean square of returns below zero, the others counting as zero.

        Source: Sortino and Price (1994), target return zero.
        """
        if not self.count:
            return None
        return self._ratio(MONEY_CONTEXT.sqrt(MONEY_CONTEXT.divide(self._below, Decimal(self.count))))

    def _ratio(self, spread: Decimal | None) -> Decimal | None:
        if self.count < ENOUGH or not spread:
            return None
        average = MONEY_CONTEXT.divide(self._sum, Decimal(self.count))
        return MONEY_CONTEXT.divide(average, spread) * self._root_of_year()

    def _root_of_year(self) -> Decimal:
        return MONEY_CONTEXT.sqrt(MONEY_CONTEXT.divide(Decimal(YEAR_MS), Decimal(self._bucket_ms)))


def cagr(returns: Sequence[Decimal], bucket_ms: int) -> Decimal | None:
    """Compound annual growth, ``(Π(1 + r)) ^ (buckets a year / n) - 1``; None below 30 returns or a day of them.

    Source: CFA Institute, geometric mean return. Minutes raised to the power of a year are no forecast of anything.
    """
    count = len(returns)
    if count < ENOUGH or count * bucket_ms < DAY_MS:
        return None
    growth = Decimal(1)
    for value in returns:
        growth = MONEY_CONTEXT.multiply(growth, 1 + value)
    if growth <= 0:
        return Decimal(-1)
    exponent = MONEY_CONTEXT.divide(Decimal(YEAR_MS), Decimal(count * bucket_ms))
    return MONEY_CONTEXT.power(growth, exponent) - 1


def calmar(annual: Decimal | None, drawdown_share: Decimal) -> Decimal | None:
    """Compound annual growth over the maximum drawdown. Source: Young, "Calmar Ratio" (1991), without his 36 months."""
    if annual is None or not drawdown_share:
        return None
    return MONEY_CONTEXT.divide(annual, drawdown_share)


def value_at_risk(returns: Sequence[Decimal], confidence: Decimal = CONFIDENCE) -> Decimal | None:
    """The loss of one bucket that was exceeded in ``1 - confidence`` of them; negative when even that was a gain.

    Historical: minus the quantile of the returns, between two of them by linear interpolation (Hyndman and Fan,
    "Sample Quantiles in Statistical Packages", definition 7).
    """
    if len(returns) < ENOUGH:
        return None
    ordered = sorted(returns)
    place = (len(ordered) - 1) * (1 - confidence)
    below = int(place.to_integral_value(ROUND_FLOOR))
    above = min(below + 1, len(ordered) - 1)
    return -(ordered[below] + (ordered[above] - ordered[below]) * (place - below))


def expected_shortfall(returns: Sequence[Decimal], confidence: Decimal = CONFIDENCE) -> Decimal | None:
    """CVaR: the mean loss of the worst buckets, up to and with the one at the quantile below.

    Source: Acerbi and Tasche, "Expected Shortfall" (2002), on the empirical distribution: the mean of the
    ``⌊(n - 1)(1 - confidence)⌋ + 1`` lowest returns.
    """
    if len(returns) < ENOUGH:
        return None
    count = int(((len(returns) - 1) * (1 - confidence)).to_integral_value(ROUND_FLOOR)) + 1
    worst = sorted(returns)[:count]
    return -MONEY_CONTEXT.divide(sum(worst, ZERO), Decimal(count))


def risk_figures(returns: Sequence[Decimal], bucket_ms: int, drawdown_share: Decimal) -> RiskFigures:
    """All of them for one series; ``drawdown_share`` is the maximum drawdown that Calmar divides by."""
    tally = ReturnTally(bucket_ms)
    for value in returns:
        tally.add(value)
    annual = cagr(returns, bucket_ms)
    return RiskFigures(
        returns=len(returns),
        bucket_ms=bucket_ms,
        volatility=tally.volatility(),
        sharpe=tally.sharpe(),
        sortino=tally.sortino(),
        calmar=calmar(annual, drawdown_share),
        cagr=annual,
        var=value_at_risk(returns),
        cvar=expected_shortfall(returns),
    )
