"""Fractional Kelly: as much as the session's own record says that it may, and cautiously while there is none.

Kelly's fraction of a bet won with probability W that pays R times what it may lose is f = W - (1 - W) / R (Kelly,
"A New Interpretation of Information Rate", 1956). W is the share of closed trades won and R the mean gain over the mean
loss, both net of commissions. It maximises growth only if the record is the truth, which a short one is not: so a
share of it is used (a half by default), never more than a cap, and a fixed fraction before there are thirty trades.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from src.application.sizing.sizers import ONE, ZERO, Sizer, check_positive
from src.domain.market.instrument import Instrument
from src.domain.positions.position import RoundTrip

TRADES_MIN: Final = 30


class TradeRecord:
    """How often and how much was won and lost; a trade that came to nothing counts among the lost. Quote asset."""

    __slots__ = ("gained", "losses", "lost", "wins")

    def __init__(self) -> None:
        self.wins = self.losses = 0
        self.gained = self.lost = ZERO

    @property
    def trades(self) -> int:
        """All closed trades."""
        return self.wins + self.losses

    def add(self, net_pnl: Decimal) -> None:
        """Take one closed trade."""
        if net_pnl > 0:
            self.wins += 1
            self.gained += net_pnl
        else:
            self.losses += 1
            self.lost -= net_pnl

    def kelly_fraction(self) -> Decimal:
        """W - (1 - W) / R; 1 without a loss, and below zero when the record is a losing one."""
        if not self.lost:
            return ONE if self.wins else -ONE
        if not self.gained:
            return -ONE
        won = Decimal(self.wins) / self.trades
        payoff = (self.gained / self.wins) / (self.lost / self.losses)
        return won - (1 - won) / payoff


@dataclass(frozen=True, slots=True)
class FractionalKelly(Sizer):
    """A notional of ``share`` of Kelly's fraction of equity, at most ``cap``, and ``fallback`` before 30 trades.

    Raises ValueError unless all are above zero and ``share`` is at most 1.
    """

    share: Decimal = Decimal("0.5")
    cap: Decimal = Decimal("0.1")
    fallback: Decimal = Decimal("0.02")
    record: TradeRecord = field(default_factory=TradeRecord, compare=False, repr=False)

    def __post_init__(self) -> None:
        check_positive("a share of Kelly's fraction", self.share)
        check_positive("a cap", self.cap)
        check_positive("a fallback", self.fallback)
        if self.share > 1:
            raise ValueError(f"more than Kelly's fraction is never better: {self.share:f} must be at most 1")

    @property
    def learns(self) -> bool:
        """The record is what the size is made from."""
        return True

    def learn(self, trip: RoundTrip) -> None:
        """Take a closed trade of the session."""
        self.record.add(trip.net_pnl)

    def _wanted(
        self,
        equity: Decimal,
        price: Decimal,
        stop_price: Decimal | None,
        instrument: Instrument,
        volatility: Decimal | None,
    ) -> tuple[Decimal, Decimal, str]:
        trades = self.record.trades
        if trades < TRADES_MIN:
            note = f"{trades} of {TRADES_MIN} trades that Kelly's fraction needs: the fallback, {self.fallback:f}"
            return equity * min(self.fallback, self.cap), price, note
        fraction = self.record.kelly_fraction()
        if fraction <= 0:
            return (
                ZERO,
                ONE,
                f"Kelly's fraction of {trades} trades is {fraction:.4f}: nothing is to be gained",
            )
        if fraction * self.share > self.cap:
            return equity * self.cap, price, f"limited to {self.cap:f} of equity"
        return equity * fraction * self.share, price, ""
