"""What a decision may look at besides the ledger: prices and books, rebuilt at every start, never journalled."""

from decimal import Decimal
from typing import Protocol

from src.domain.market.instrument import Instrument


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
