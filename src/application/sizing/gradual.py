"""Positions built in steps: the first when a signal comes, the others while the position stands at a gain.

Every part is the full size of that moment over the number of steps, so losers stay small. Which step a position is at
is told by its size alone: nothing has to be remembered over a restart.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from src.application.sizing.sizers import ONE, PositionSizer, Sized
from src.domain.market.instrument import Instrument
from src.domain.positions.position import RoundTrip

STEPS_MAX: Final = 20


@dataclass(frozen=True, slots=True)
class Gradual:
    """A :class:`PositionSizer` whose sizes are one of ``count`` equal parts of another's.

    Raises ValueError unless the count is a whole number of 2 to 20.
    """

    whole: PositionSizer
    count: Decimal

    def __post_init__(self) -> None:
        if not self.count.is_finite() or self.count % 1 or not 2 <= self.count <= STEPS_MAX:
            raise ValueError(f"steps={self.count} is not a whole number of 2 to {STEPS_MAX}")

    @property
    def steps(self) -> int:
        """In how many parts a position is built."""
        return int(self.count)

    @property
    def learns(self) -> bool:
        """Whether the whole's size depends on closed trades."""
        return self.whole.learns

    def learn(self, trip: RoundTrip) -> None:
        """Pass a closed trade on."""
        self.whole.learn(trip)

    def size(
        self,
        equity: Decimal,
        price: Decimal,
        stop_price: Decimal | None,
        instrument: Instrument,
        confidence: Decimal = ONE,
        volatility: Decimal | None = None,
    ) -> Sized:
        """One part, rounded down; a part below the exchange's smallest order is no order."""
        whole = self.whole.size(equity, price, stop_price, instrument, confidence, volatility)
        part = whole.quantity // (self.count * instrument.step_size) * instrument.step_size
        if whole.quantity and (part < instrument.quantity_min or part * price < instrument.notional_min):
            return Sized(
                Decimal(0),
                f"a {self.count}th of {whole.quantity:f} is below the smallest order: take fewer steps",
            )
        return Sized(part, whole.note)
