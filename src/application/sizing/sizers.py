"""How much to trade: a sizer turns equity, price and stop into a quantity that the exchange takes, or zero.

Sizes only ever round down, so no sizer risks more than was asked for; a size below the exchange's smallest
order is zero, never raised to it. What a size was limited by is noted, so that a session can say why it did
not trade. Whether the result is allowed is the risk rules' question, not asked here.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, NamedTuple, Protocol

from src.domain.market.instrument import Instrument
from src.domain.positions.position import RoundTrip

ZERO: Final = Decimal(0)
ONE: Final = Decimal(1)


class Sized(NamedTuple):
    """A quantity in base asset, on the step grid, and what limited it ("" when nothing did)."""

    quantity: Decimal
    note: str = ""


class PositionSizer(Protocol):
    """Sizes an entry.

    ``equity`` is in the margin asset, ``price`` and ``stop_price`` in quote asset per base asset (taken to be
    the same asset), ``confidence`` is the signal's, 0 to 1, ``volatility`` the symbol's, annualised, as a fraction.
    ``steps`` is in how many equal parts a position is built.
    """

    @property
    def steps(self) -> int:
        """In how many equal parts a position is built; 1: at once."""
        ...

    @property
    def learns(self) -> bool:
        """Whether sizes depend on closed trades: only then does a resumed session read its past ones."""
        ...

    def learn(self, trip: RoundTrip) -> None:
        """Take a closed trade of the session, oldest first."""
        ...

    def size(
        self,
        equity: Decimal,
        price: Decimal,
        stop_price: Decimal | None,
        instrument: Instrument,
        confidence: Decimal = ONE,
        volatility: Decimal | None = None,
    ) -> Sized:
        """The quantity and what limited it."""
        ...


class Sizer(ABC):
    """What all sizers share: the exchange's limits and the refusal to size without equity or price."""

    __slots__ = ()

    @property
    def steps(self) -> int:
        """Positions are built at once."""
        return 1

    @property
    def learns(self) -> bool:
        """What became of earlier trades does not matter to most."""
        return False

    def learn(self, trip: RoundTrip) -> None:  # noqa: B027 - to learn nothing is what most sizers do
        """These sizes do not depend on what became of earlier trades."""

    @abstractmethod
    def _wanted(
        self,
        equity: Decimal,
        price: Decimal,
        stop_price: Decimal | None,
        instrument: Instrument,
        volatility: Decimal | None,
    ) -> tuple[Decimal, Decimal, str]:
        """An amount, what one unit of base asset takes of it, and a note; the ratio of the two is the size.

        The division is left to the caller, who truncates it to whole steps: a rounded quotient could be too
        large.
        """

    def size(
        self,
        equity: Decimal,
        price: Decimal,
        stop_price: Decimal | None,
        instrument: Instrument,
        confidence: Decimal = ONE,
        volatility: Decimal | None = None,
    ) -> Sized:
        """The quantity and what limited it. The confidence does not change these sizes."""
        if equity <= 0:
            return Sized(ZERO, "no equity")
        if price <= 0:
            return Sized(ZERO, "no price")
        amount, per_unit, note = self._wanted(equity, price, stop_price, instrument, volatility)
        if amount <= 0:
            return Sized(ZERO, note)
        step = instrument.step_size
        largest = min(instrument.quantity_max, instrument.market_quantity_max)
        if amount >= largest * per_unit:
            quantity = largest // step * step
            note = f"limited by the largest order, {largest:f}"
        else:
            quantity = amount // (per_unit * step) * step
        if quantity < instrument.quantity_min:
            smallest = instrument.quantity_min
            return Sized(ZERO, f"{amount / per_unit:.10f} is below the smallest quantity, {smallest:f}")
        if quantity * price < instrument.notional_min:
            return Sized(
                ZERO, f"notional {quantity * price:.2f} is below the smallest, {instrument.notional_min:f}"
            )
        return Sized(quantity, note)


@dataclass(frozen=True, slots=True)
class FixedQuantity(Sizer):
    """Always the same quantity, in base asset; raises ValueError unless it is above zero."""

    base_quantity: Decimal

    def __post_init__(self) -> None:
        check_positive("a fixed quantity", self.base_quantity)

    def _wanted(
        self,
        equity: Decimal,
        price: Decimal,
        stop_price: Decimal | None,
        instrument: Instrument,
        volatility: Decimal | None,
    ) -> tuple[Decimal, Decimal, str]:
        return self.base_quantity, ONE, ""


@dataclass(frozen=True, slots=True)
class FixedNotional(Sizer):
    """Always the same notional, in quote asset; raises ValueError unless it is above zero."""

    notional: Decimal

    def __post_init__(self) -> None:
        check_positive("a fixed notional", self.notional)

    def _wanted(
        self,
        equity: Decimal,
        price: Decimal,
        stop_price: Decimal | None,
        instrument: Instrument,
        volatility: Decimal | None,
    ) -> tuple[Decimal, Decimal, str]:
        return self.notional, price, ""


@dataclass(frozen=True, slots=True)
class PercentOfEquity(Sizer):
    """A notional of ``position_size_pct`` of equity, as a fraction: 0.1 is ten percent.

    Raises ValueError unless it is above zero and finite; above 1 it needs leverage.
    """

    position_size_pct: Decimal = Decimal("0.1")

    def __post_init__(self) -> None:
        check_positive("a share of equity", self.position_size_pct)

    def _wanted(
        self,
        equity: Decimal,
        price: Decimal,
        stop_price: Decimal | None,
        instrument: Instrument,
        volatility: Decimal | None,
    ) -> tuple[Decimal, Decimal, str]:
        return equity * self.position_size_pct, price, ""


@dataclass(frozen=True, slots=True)
class RiskPerTrade(Sizer):
    """So much that being stopped out loses at most ``risk_fraction`` of equity.

    One unit loses |price - stop| and pays the taker's commission twice: c · (price + stop). The quantity is
    equity · risk_fraction over that, and at most a notional of ``equity_share_max`` of equity. Slippage
    beyond the stop is not foreseen. Without a stop, or with one at the price, there is no such quantity.

    Raises ValueError unless both are above zero and ``risk_fraction`` is at most 1.
    """

    risk_fraction: Decimal = Decimal("0.005")
    equity_share_max: Decimal = Decimal("0.1")

    def __post_init__(self) -> None:
        check_positive("a risk per trade", self.risk_fraction)
        check_positive("a largest share of equity", self.equity_share_max)
        if self.risk_fraction > 1:
            raise ValueError(
                f"a risk per trade is a share of equity, not {self.risk_fraction:f}: 0.005 is half a percent"
            )

    def _wanted(
        self,
        equity: Decimal,
        price: Decimal,
        stop_price: Decimal | None,
        instrument: Instrument,
        volatility: Decimal | None,
    ) -> tuple[Decimal, Decimal, str]:
        if stop_price is None or stop_price == price or stop_price <= 0:
            return ZERO, ONE, "no stop price away from the price, so the risk has no size"
        loss_per_unit = abs(price - stop_price) + instrument.taker_rate * (price + stop_price)
        risk = equity * self.risk_fraction
        share = equity * self.equity_share_max
        # risk / loss_per_unit > share / price, without dividing.
        if risk * price > share * loss_per_unit:
            return share, price, f"limited to {self.equity_share_max:f} of equity"
        return risk, loss_per_unit, ""


def check_positive(what: str, value: Decimal) -> None:
    """Raise ValueError unless the value is finite and above zero."""
    if not value.is_finite() or value <= 0:
        raise ValueError(f"{what} must be above zero, not {value}")
