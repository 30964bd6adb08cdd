"""Formulas over the results of trades, one function each, with its source.

A result is what one trade earned after its costs, in quote asset. A won trade earned more than nothing, a lost one
less; one that came out even is counted as a trade and is neither.
"""

from decimal import Decimal

from src.domain.money import MONEY_CONTEXT

ENOUGH = 30
"""Below this many observations a ratio with a deviation in it says nothing, and is None."""


def mean(total: Decimal, count: int) -> Decimal | None:
    """``total / count``; None of nothing."""
    return MONEY_CONTEXT.divide(total, Decimal(count)) if count else None


def deviation(total: Decimal, squares: Decimal, count: int) -> Decimal | None:
    """Standard deviation of a sample, ``√((Σx² - (Σx)²/n) / (n - 1))``; None below two observations.

    Source: Bessel's correction. The sums are exact for amounts and have 34 digits for returns, so that the
    difference does not suffer from cancellation as it would in binary floating point.
    """
    if count < 2:
        return None
    spread = squares - MONEY_CONTEXT.divide(total * total, Decimal(count))
    # The last of 34 digits may come out below zero where every observation is the same.
    return MONEY_CONTEXT.sqrt(MONEY_CONTEXT.divide(max(spread, Decimal(0)), Decimal(count - 1)))


def win_rate(won: int, lost: int) -> Decimal | None:
    """``won / (won + lost)``, a fraction; None when no trade was decided."""
    return mean(Decimal(won), won + lost)


def profit_factor(gross_profit: Decimal, gross_loss: Decimal) -> Decimal | None:
    """What the won trades earned over what the lost ones cost (both not negative); None without a loss.

    Source: Schwager, "A Complete Guide to the Futures Market", the gross profit over gross loss of a system.
    """
    return MONEY_CONTEXT.divide(gross_profit, gross_loss) if gross_loss else None


def payoff_ratio(average_win: Decimal | None, average_loss: Decimal | None) -> Decimal | None:
    """The mean won trade over the mean lost one (both positive); None when either is missing."""
    if average_win is None or not average_loss:
        return None
    return MONEY_CONTEXT.divide(average_win, average_loss)


def system_quality(total: Decimal, squares: Decimal, count: int) -> Decimal | None:
    """SQN, ``√n · mean / deviation`` of the results; None below 30 trades or when all results are the same.

    Source: Tharp, "Definitive Guide to Position Sizing". He divides each result by its initial risk and caps n at
    100; here the results are in quote asset and n is as it is, so the number grows with the history.
    """
    spread = deviation(total, squares, count)
    if count < ENOUGH or not spread:
        return None
    average = MONEY_CONTEXT.divide(total, Decimal(count))
    return MONEY_CONTEXT.divide(MONEY_CONTEXT.sqrt(Decimal(count)) * average, spread)
