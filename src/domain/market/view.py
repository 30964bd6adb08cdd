"""What a decision may look at besides the ledger: prices and books, rebuilt at every start, never journalled."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from src.domain.market.instrument import Instrument
from src.domain.market.sides import PositionSide


@dataclass(frozen=True, slots=True)
class Volatility:
    """How much a symbol moves, annualised as a fraction of its price.

    ``usual`` is the median of ``now`` over the last day, None while too little of a day is known.
    """

    now: Decimal
    usual: Decimal | None


@dataclass(frozen=True, slots=True)
class MarginBracket:
    """The rules of positions with a notional up to ``notional_cap`` (quote asset), above the bracket before it.

    ``maintenance_rate`` of the notional less ``deduction`` (quote asset) is what such a position must keep;
    ``leverage_max`` is the highest leverage at which one so large may be opened.
    """

    notional_cap: Decimal
    maintenance_rate: Decimal
    deduction: Decimal
    leverage_max: int


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

    def has_whole_book(self, symbol: str) -> bool:
        """Whether every level of the visible book is known, and not just its best prices: not before its snapshot."""
        ...

    def brackets(self, symbol: str) -> Sequence[MarginBracket]:
        """The margin brackets of a symbol, lowest first; empty when they are not known."""
        ...

    def margin_added(self, symbol: str, side: PositionSide, opened_ms: int) -> Decimal:
        """What an isolated position has beyond cost over leverage, since it was opened; quote asset, 0 if unknown."""
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

    def has_whole_book(self, symbol: str) -> bool:
        """There is no book."""
        return False

    def brackets(self, symbol: str) -> Sequence[MarginBracket]:
        """Nothing is known."""
        return ()

    def margin_added(self, symbol: str, side: PositionSide, opened_ms: int) -> Decimal:
        """Nothing is known."""
        return Decimal(0)

    def volatility(self, symbol: str) -> Volatility | None:
        """None: there are no bars."""
        return None

    def correlation(self, first: str, second: str) -> Decimal | None:
        """None: there are no bars."""
        return None
