"""The best bid and ask at one moment."""

from dataclasses import dataclass
from decimal import Decimal

from src.domain.shared.errors import InvariantViolated

_TWO = Decimal(2)


@dataclass(frozen=True, slots=True)
class Quote:
    """Best prices (quote asset per base asset) and their quantities (base asset) at ``at_ms`` (UTC).

    Raises :class:`InvariantViolated` when the prices are not positive or the bid is not below the ask.
    """

    symbol: str
    bid_price: Decimal
    bid_quantity: Decimal
    ask_price: Decimal
    ask_quantity: Decimal
    at_ms: int

    def __post_init__(self) -> None:
        if self.bid_price.is_nan() or self.ask_price.is_nan() or not 0 < self.bid_price < self.ask_price:
            raise InvariantViolated(
                f"{self.symbol}: bid {self.bid_price} and ask {self.ask_price} are no quote"
            )

    @property
    def mid(self) -> Decimal:
        """Half-way between bid and ask."""
        return (self.bid_price + self.ask_price) / _TWO

    @property
    def spread(self) -> Decimal:
        """Ask minus bid, in the quote asset per base asset."""
        return self.ask_price - self.bid_price
