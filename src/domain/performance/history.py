"""What the figures are made of: everything an account has traded, paid and been worth."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property

from src.domain.performance.equity import EquityMark, Flow
from src.domain.performance.executions import Execution
from src.domain.performance.funding import FundingPayment, Holding, share_funding
from src.domain.performance.trades import ClosedTrade
from src.domain.positions.position import RoundTrip


@dataclass(frozen=True, slots=True)
class Period:
    """From ``since_ms`` until just before ``until_ms`` (ms UTC); None is without end on that side."""

    since_ms: int | None = None
    until_ms: int | None = None

    def holds(self, at_ms: int) -> bool:
        """Whether a moment is in it."""
        if self.since_ms is not None and at_ms < self.since_ms:
            return False
        return self.until_ms is None or at_ms < self.until_ms


@dataclass(frozen=True, slots=True)
class OpenLot:
    """What is left of an entry: quantity in base asset, commission in quote asset."""

    symbol: str
    strategy_id: str
    quantity: Decimal
    commission: Decimal
    opened_ms: int
    trade_id: int


@dataclass(frozen=True)
class TradingHistory:
    """An account's whole history, in any order. Money in the settle asset, times in ms UTC.

    ``other_income`` is what was earned or lost beside trades and funding: a liquidation's fee, a rebate.
    """

    settle_asset: str
    trips: Sequence[RoundTrip] = ()
    open_lots: Sequence[OpenLot] = ()
    executions: Sequence[Execution] = ()
    funding: Sequence[FundingPayment] = ()
    transfers: Sequence[Flow] = ()
    marks: Sequence[EquityMark] = field(default=(), repr=False)
    other_income: Sequence[Flow] = ()

    @cached_property
    def shared(self) -> "SharedFunding":
        """Trades and lots with the funding that was paid for them."""
        holdings = [
            Holding(t.symbol, t.quantity, t.opened_ms, t.closed_ms, t.entry_trade_id) for t in self.trips
        ]
        holdings += [Holding(o.symbol, o.quantity, o.opened_ms, None, o.trade_id) for o in self.open_lots]
        shares, unheld = share_funding(holdings, self.funding)
        count = len(self.trips)
        return SharedFunding(
            trades=[ClosedTrade(trip, share) for trip, share in zip(self.trips, shares, strict=False)],
            lots=list(zip(self.open_lots, shares[count:], strict=True)),
            unheld=unheld,
        )


@dataclass(frozen=True, slots=True)
class SharedFunding:
    """Trades, and open lots beside their funding so far; ``unheld`` was paid for what no lot is known of."""

    trades: list[ClosedTrade]
    lots: list[tuple[OpenLot, Decimal]]
    unheld: Sequence[FundingPayment]
