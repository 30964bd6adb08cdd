"""What would the order do to the account: size, leverage, margin, the day's loss, the number of positions."""

from decimal import Decimal
from typing import ClassVar

from src.domain.risk.rules.review import Objection, Review, over


class PositionSize:
    """The worst-case position of one symbol as a share of equity."""

    name: ClassVar[str] = "position_size"

    def objection(self, review: Review) -> Objection | None:
        """Compare worst-case notional with the share of equity."""
        limit = review.limits.position_size_pct
        if review.worst_notional <= limit * review.equity:
            return None
        return over_equity(self.name, review, review.worst_notional, limit, "position as a share of equity")


class Leverage:
    """Worst-case notional of all symbols over equity."""

    name: ClassVar[str] = "leverage"

    def objection(self, review: Review) -> Objection | None:
        """Compare total worst case with equity."""
        total = review.worst_notional + review.others.gross
        limit = review.limits.leverage_max
        if total <= limit * review.equity:
            return None
        return over_equity(self.name, review, total, limit, "leverage")


class FreeMargin:
    """What is left of equity after the initial margin of the worst case, as a share of equity."""

    name: ClassVar[str] = "margin"

    def objection(self, review: Review) -> Objection | None:
        """Initial margin is notional over the leverage set, each symbol's own."""
        session = review.ledger.session
        leverage = session.options.leverage_of(review.ticket.symbol) if session is not None else 1
        used = review.worst_notional / leverage + review.others.margin
        limit = review.limits.free_margin_pct_min
        free = review.equity - used
        if review.equity > 0 and free >= limit * review.equity:
            return None
        if review.equity <= 0:
            return _no_equity(self.name, review, limit)
        left = free / review.equity
        return Objection(
            self.name,
            f"{left:.4f}",
            f"{limit:f}",
            f"free margin would be {left:.4f} of equity, below {limit:f}",
        )


class DailyLoss:
    """No opening order once the day has lost more than a share of its starting equity, unrealised included."""

    name: ClassVar[str] = "daily_loss"

    def objection(self, review: Review) -> Objection | None:
        """Compare equity with that of the day's start."""
        start = review.ledger.account.day_start_equity
        limit = review.limits.daily_loss_pct_max
        lost = start - review.equity
        if start <= 0 or lost < limit * start:
            return None
        return over(self.name, lost / start, limit, "loss of the day as a share of its starting equity")


class Drawdown:
    """No opening order once equity, unrealised included, is a share below its peak; transfers move the peak along."""

    name: ClassVar[str] = "drawdown"

    def objection(self, review: Review) -> Objection | None:
        """Compare equity with its peak."""
        peak = review.ledger.account.peak_equity
        limit = review.limits.drawdown_pct_max
        lost = peak - review.equity
        if peak <= 0 or lost < limit * peak:
            return None
        return over(self.name, lost / peak, limit, "drawdown from the peak of equity")


class PositionCount:
    """No more open positions than the limit; an order in a symbol already held adds none."""

    name: ClassVar[str] = "positions"

    def objection(self, review: Review) -> Objection | None:
        """Count symbols that are held or being entered."""
        used, limit = len(review.others.symbols), review.limits.positions_max
        if used < limit or not review.position.is_flat:
            return None
        return Objection(
            self.name,
            str(used + 1),
            str(limit),
            f"{used} symbols are held or being entered, the limit is {limit}",
        )


def over_equity(rule: str, review: Review, amount: Decimal, limit: Decimal, what: str) -> Objection:
    """An objection to an amount (quote asset) that is above its limit, a multiple of equity."""
    if review.equity <= 0:
        return _no_equity(rule, review, limit)
    return over(rule, amount / review.equity, limit, what)


def _no_equity(rule: str, review: Review, limit: Decimal) -> Objection:
    return Objection(rule, "no equity", f"{limit:f}", f"no equity is left, it is {review.equity:f}")


def share(part: Decimal, whole: Decimal) -> Decimal:
    """``part`` of ``whole``; without a positive whole, the share is as bad as it can be."""
    return part / whole if whole > 0 else Decimal(10**9)
