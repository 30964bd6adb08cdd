"""What a look at an account's margin says of the looks after it."""

from dataclasses import dataclass
from decimal import Decimal

from src.infrastructure.simulated_exchange.symbol_market import SymbolMarket


@dataclass(frozen=True, slots=True)
class Ease:
    """That an account need not be looked at while no mark price is above its bound, and nothing of the account changes.

    Up to there the cross wallet covers all positions' notional twice, so that no margin is more than half used: a long
    position asks for more the dearer it gets, a short one three times as fast.
    """

    bounds: tuple[tuple[SymbolMarket, Decimal], ...]

    def holds(self) -> bool:
        """Whether the marks of now are within the bounds."""
        return all(market.is_marked_within(bound) for market, bound in self.bounds)
