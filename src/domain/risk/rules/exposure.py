"""How much is at stake: in one symbol, in all together, in one direction, and in one symbol compared with the rest.

All of it on the worst case: as if every open order that makes it worse had filled. Values in quote asset.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import ClassVar

from src.domain.market.sides import OrderSide
from src.domain.market.view import MarginBracket
from src.domain.money import ZERO
from src.domain.risk.rules.account import over_equity, share
from src.domain.risk.rules.review import Objection, Review, over


class SymbolExposure:
    """No symbol beyond a value in quote asset, however large the account."""

    name: ClassVar[str] = "symbol_exposure"

    def objection(self, review: Review) -> Objection | None:
        """Compare the symbol's worst case."""
        limit = review.limits.symbol_exposure_max
        worst = review.worst_notional
        return None if worst <= limit else over(self.name, worst, limit, "exposure of the symbol")


class LeverageBracket:
    """No position larger than the exchange allows at the leverage that is set for its symbol (Binance: -2027)."""

    name: ClassVar[str] = "leverage_bracket"

    def objection(self, review: Review) -> Objection | None:
        """Compare the worst case of the order's position with the last bracket that has the leverage."""
        ticket, session = review.ticket, review.ledger.session
        brackets = review.view.brackets(ticket.symbol)
        if session is None or not brackets:
            return None
        leverage = session.options.leverage_of(ticket.symbol)
        cap, worst = bracket_cap(brackets, leverage), review.worst_quantity * review.worst_price
        if worst <= cap:
            return None
        text = f"at leverage {leverage} a position of {ticket.symbol} may be {cap:.6g}, it could become {worst:.6g}"
        return Objection(self.name, f"{worst:.6g}", f"{cap:.6g}", text)


def bracket_cap(brackets: Sequence[MarginBracket], leverage: int) -> Decimal:
    """The largest notional that a position with this leverage may have, in quote asset; 0 when none may have it.

    Without brackets nothing is known, and nothing is forbidden.
    """
    caps = [bracket.notional_cap for bracket in brackets if bracket.leverage_max >= leverage]
    return max(caps, default=ZERO) if brackets else Decimal("Infinity")


class GrossExposure:
    """Not more than a value in quote asset at stake altogether."""

    name: ClassVar[str] = "gross_exposure"

    def objection(self, review: Review) -> Objection | None:
        """Compare the worst case of all symbols."""
        limit = review.limits.gross_exposure_max
        gross = review.worst_notional + review.others.gross
        return None if gross <= limit else over(self.name, gross, limit, "exposure of all symbols")


class NetExposure:
    """Long minus short, in the order's direction, as a multiple of equity."""

    name: ClassVar[str] = "net_exposure"

    def objection(self, review: Review) -> Objection | None:
        """Compare the net worst case in the direction that the order pushes."""
        limit = review.limits.net_exposure_pct_max
        ticket = review.ticket
        if ticket.side is OrderSide.BUY:
            net = review.net_quantity * review.worst_price + review.others.up
        else:
            net = -review.net_quantity * review.worst_price - review.others.down
        if net <= limit * review.equity:
            return None
        return over_equity(self.name, review, net, limit, "net exposure over equity")


class Concentration:
    """One symbol's share of the exposure of all, once there are enough symbols to spread over."""

    name: ClassVar[str] = "concentration"

    def objection(self, review: Review) -> Objection | None:
        """Compare the symbol's worst case with that of all."""
        limits = review.limits
        if len(review.others.symbols) + 1 < limits.concentration_symbols_min:
            return None
        total = review.worst_notional + review.others.gross
        if review.worst_notional <= limits.concentration_pct_max * total:
            return None
        value = share(review.worst_notional, total)
        return over(self.name, value, limits.concentration_pct_max, "the symbol's share of all exposure")
