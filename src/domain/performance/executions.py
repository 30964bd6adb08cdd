"""What trading cost and how much of it there was: commission, turnover, slippage, time in the market."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from src.domain.market.sides import OrderSide
from src.domain.money import MONEY_CONTEXT, ZERO

BASIS_POINTS = 10_000


@dataclass(frozen=True, slots=True)
class Execution:
    """One fill with the price its order was decided at.

    Prices in quote asset per base asset, ``quantity`` in base asset, ``realized_pnl`` in quote asset and as the
    exchange reported it, ``commission`` in ``commission_asset``. ``reference_price`` is None for an order not ours.
    """

    at_ms: int
    symbol: str
    strategy_id: str
    side: OrderSide
    price: Decimal
    quantity: Decimal
    realized_pnl: Decimal
    commission: Decimal
    commission_asset: str
    is_maker: bool
    reference_price: Decimal | None

    @property
    def notional(self) -> Decimal:
        """Price times quantity, quote asset."""
        return self.price * self.quantity

    @property
    def slippage(self) -> Decimal | None:
        """What the fill cost more than at the reference price, quote asset; negative when it was cheaper.

        Source: Perold, "The Implementation Shortfall" (1988): paid less decided, in the direction of the trade.
        """
        if self.reference_price is None:
            return None
        return (self.price - self.reference_price) * self.quantity * self.side.sign


@dataclass(frozen=True, slots=True)
class ExecutionFigures:
    """Fills added up. Money in quote asset; ``slippage_bps`` in hundredths of a percent of the notional it is of.

    ``commission`` is what was paid in the settle asset, ``other_commission`` what was paid in others, by asset.
    """

    fills: int
    maker_fills: int
    turnover: Decimal
    realized_pnl: Decimal
    commission: Decimal
    other_commission: tuple[tuple[str, Decimal], ...]
    slippage: Decimal | None
    slippage_bps: Decimal | None


def execution_figures(executions: Iterable[Execution], settle_asset: str) -> ExecutionFigures:
    """Add up fills; slippage is None when no fill has a reference price."""
    fills = makers = 0
    turnover = realized = commission = slipped = compared = ZERO
    others: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for each in executions:
        fills += 1
        makers += each.is_maker
        notional = each.price * each.quantity
        turnover += notional
        realized += each.realized_pnl
        if each.commission_asset == settle_asset:
            commission += each.commission
        else:
            others[each.commission_asset] += each.commission
        if each.reference_price is not None:
            slipped += (each.price - each.reference_price) * each.quantity * each.side.sign
            compared += notional
    return ExecutionFigures(
        fills=fills,
        maker_fills=makers,
        turnover=turnover,
        realized_pnl=realized,
        commission=commission,
        other_commission=tuple(sorted(others.items())),
        slippage=slipped if compared else None,
        slippage_bps=MONEY_CONTEXT.divide(slipped * BASIS_POINTS, compared) if compared else None,
    )


def time_in_market(
    intervals: Iterable[tuple[int, int | None]], since_ms: int, until_ms: int
) -> Decimal | None:
    """The share of a period in which anything was held; None for a period without length.

    ``intervals`` are times from opening to closing (None: still held), in any order; where they overlap, time counts
    once.
    """
    if until_ms <= since_ms:
        return None
    held_ms, reached = 0, since_ms
    for opened, closed in sorted((o, until_ms if c is None else c) for o, c in intervals):
        begin, end = max(opened, reached), min(closed, until_ms)
        if end > begin:
            held_ms += end - begin
            reached = end
    return MONEY_CONTEXT.divide(Decimal(held_ms), Decimal(until_ms - since_ms))


def turnover_ratio(turnover: Decimal, equities: Sequence[Decimal]) -> Decimal | None:
    """Turnover over the mean equity of the marks: how often the account was traded round; None without equity."""
    total = sum(equities, ZERO)
    return MONEY_CONTEXT.divide(turnover * len(equities), total) if total > 0 else None
