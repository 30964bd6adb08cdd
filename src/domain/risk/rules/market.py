"""What the market itself says against an order: it moves too much, or it moves like something held already.

Readings come from the view, computed once per closed bar. Where too few bars are known a rule is not enforced, and
that is counted: a new session must be able to trade, but nobody should believe that it was checked.
"""

from decimal import Decimal
from typing import ClassVar

from src.domain.market.sides import OrderSide
from src.domain.risk.rules.review import Objection, Review, over


class VolatilityFilter:
    """No entry into a market that moves more than a limit, or several times as much as it usually does.

    Annualised, exponentially weighted (λ 0.94); what is usual is its own median of the last day.
    """

    name: ClassVar[str] = "volatility"

    def objection(self, review: Review) -> Objection | None:
        """Compare with the limit and with what is usual."""
        reading = review.view.volatility(review.ticket.symbol)
        if reading is None:
            review.not_enforced(self.name)
            return None
        limits = review.limits
        if reading.now > limits.volatility_max:
            return over(self.name, reading.now, limits.volatility_max, "annualised volatility")
        usual = reading.usual
        if usual is None or reading.now <= limits.volatility_ratio_max * usual:
            return None
        bound = limits.volatility_ratio_max * usual
        return over(self.name, reading.now, bound, f"volatility, usually {usual:.6g},")


class Correlation:
    """No entry that repeats a position held in another symbol.

    Signed by direction: being long in two symbols that move together is the same bet twice, being long in one and
    short in the other is not. Symbols being entered count in the direction of their open orders.
    """

    name: ClassVar[str] = "correlation"

    def objection(self, review: Review) -> Objection | None:
        """Compare with every symbol held or being entered."""
        others = review.others.symbols
        if not others:
            return None
        ticket = review.ticket
        own, correlation = ticket.symbol, review.view.correlation
        limit = review.limits.correlation_max
        for symbol, long, short in others:
            value = correlation(own, symbol)
            if value is None:
                review.not_enforced(self.name)
                continue
            signed = by_direction(value, ticket.side is OrderSide.BUY, long, short)
            if signed > limit:
                what = f"with {symbol}, {'long' if long else 'short'}: correlation"
                return over(self.name, signed, limit, what)
        return None


def by_direction(value: Decimal, buys: bool, long: bool, short: bool) -> Decimal:
    """A correlation as it counts for an order: turned where the other symbol is only exposed the other way."""
    same, against = (long, short) if buys else (short, long)
    return value if same and not against else -value if not same else abs(value)
