"""What a decision may look at besides the ledger: prices and books, rebuilt at every start, never journalled."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from src.domain.market.instrument import Instrument


@dataclass(frozen=True, slots=True)
class Volatility:
    """How much a symbol moves, annualised as a fraction of its price.

    ``usual`` is the median of ``now`` over the last day, None while too little of a day is known.
    """

    now: Decimal
    usual: Decimal | None


class MarketView(Protocol):
    """The market as the session sees it now. Prices are quote asset per base asset."""

    def instrument(self, symbol: str) -> Instrument | None:
        """The instrument with its filters, or None when the exchange does not list it."""
        ...

    def best_prices(self, symbol: str) -> tuple[Decimal, Decimal] | None:
        """Best bid and best ask, or None before the first quote."""
        ...

    def mark_price(self, symbol: str) -> Decimal | None:
        """The price that positions are valued at, or None before the first one."""
        ...

    def opening_objection(self, symbol: str, now_ms: int) -> str | None:
        """Why the data is not good enough to open a position on, or None when it is."""
        ...

    def worst_price(self, symbol: str, buy: bool, quantity: Decimal) -> Decimal | None:
        """The price of the last unit when ``quantity`` walks the visible book; None when the book is too thin."""
        ...

    def volatility(self, symbol: str) -> Volatility | None:
        """How much the symbol moves; None while too few bars are known."""
        ...

    def correlation(self, first: str, second: str) -> Decimal | None:
        """Correlation of the last bars' returns, -1 to 1; None while too few bars are known of both."""
        ...


class BlindView:
    """The market when nobody follows it: nothing is known, nothing may be opened."""

    def instrument(self, symbol: str) -> Instrument | None:
        """None: nothing is listed."""
        return None

    def best_prices(self, symbol: str) -> tuple[Decimal, Decimal] | None:
        """None: nothing is quoted."""
        return None

    def mark_price(self, symbol: str) -> Decimal | None:
        """None: nothing can be valued."""
        return None

    def opening_objection(self, symbol: str, now_ms: int) -> str | None:
        """There is always one."""
        return "no process follows the market"

    def worst_price(self, symbol: str, buy: bool, quantity: Decimal) -> Decimal | None:
        """None: there is no book."""
        return None

    def volatility(self, symbol: str) -> Volatility | None:
        """None: there are no bars."""
        return None

    def correlation(self, first: str, second: str) -> Decimal | None:
        """None: there are no bars."""
        return None
