"""A position per symbol and position side, with its cost and its FIFO lots.

Quantity and cost are the truth; the average entry is only shown. A partial close takes ``cost × q / Q`` quantised
to 10⁻⁸ (half-even) and the rest stays, so that the parts always add up to the whole. Realised P&L and commission
are the exchange's own figures of each fill. Lots are kept beside it, first in first out, for the trade statistics.
"""

from collections import deque
from dataclasses import dataclass, field
from decimal import Decimal
from operator import attrgetter

from src.domain.market.sides import OrderSide, PositionSide
from src.domain.money import ZERO, pro_rata, quantize_amount

# Bound once: a member of an enum is looked up through its class at several times the price of a name.
_BUY, _SELL = OrderSide.BUY, OrderSide.SELL
_BOTH = PositionSide.BOTH


@dataclass(slots=True)
class Lot:
    """What is left of one entry fill: quantity in base asset (unsigned), commission in quote asset."""

    quantity: Decimal
    price: Decimal
    commission: Decimal
    opened_ms: int
    strategy_id: str
    trade_id: int


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """One lot, or a part of one, opened and closed: the unit of the trade statistics. Money in quote asset."""

    symbol: str
    strategy_id: str
    side: OrderSide
    quantity: Decimal
    entry_price: Decimal
    exit_price: Decimal
    pnl: Decimal
    commission: Decimal
    opened_ms: int
    closed_ms: int
    entry_trade_id: int
    exit_trade_id: int

    @property
    def net_pnl(self) -> Decimal:
        """Price difference times quantity, less the commissions of both ends."""
        return self.pnl - self.commission


@dataclass(slots=True)
class Position:
    """Signed quantity (base asset, negative is short) and signed cost (quote asset).

    ``stop_waived`` and ``target_waived`` say that a person wants no such order for as long as this is held.
    """

    symbol: str
    position_side: PositionSide = PositionSide.BOTH
    quantity: Decimal = ZERO
    cost: Decimal = ZERO
    realized_pnl: Decimal = ZERO
    commission: Decimal = ZERO
    funding: Decimal = ZERO
    strategy_id: str = ""
    stop_loss_price: Decimal | None = None
    take_profit_price: Decimal | None = None
    opened_ms: int = 0
    updated_ms: int = 0
    stop_waived: bool = False
    target_waived: bool = False
    lots: deque[Lot] = field(default_factory=deque)

    @property
    def is_flat(self) -> bool:
        """Whether nothing is held."""
        return not self.quantity

    @property
    def misses_a_trade(self) -> bool:
        """Whether no exchange can hold this: a LONG below zero, a SHORT above it. A trade has not been heard of.

        What is really held is not known, and an order to close it on the other side would open it in hedge mode.
        """
        if self.position_side is _BOTH:
            return False
        return self.quantity < 0 if self.position_side is PositionSide.LONG else self.quantity > 0

    @property
    def side(self) -> OrderSide:
        """The side that opened it: BUY for a long, SELL for a short."""
        return _BUY if self.quantity >= 0 else _SELL

    @property
    def entry_price(self) -> Decimal:
        """Average entry, quote asset per base asset; zero while flat. For showing, never for sums."""
        return self.cost / self.quantity if self.quantity else ZERO

    @property
    def lot_price(self) -> Decimal | None:
        """Average price of the lots that are left, quote asset per base asset; None while there is none."""
        quantity = sum((lot.quantity for lot in self.lots), ZERO)
        return sum((lot.quantity * lot.price for lot in self.lots), ZERO) / quantity if quantity else None

    def unrealized_pnl(self, mark_price: Decimal) -> Decimal:
        """What closing at ``mark_price`` would add to the wallet before commission, in quote asset."""
        return self.quantity * mark_price - self.cost

    def notional(self, mark_price: Decimal) -> Decimal:
        """Absolute value at ``mark_price``, in quote asset."""
        return abs(self.quantity) * mark_price

    def apply_fill(
        self,
        side: OrderSide,
        price: Decimal,
        quantity: Decimal,
        commission: Decimal,
        strategy_id: str,
        traded_ms: int,
        trade_id: int,
    ) -> list[RoundTrip]:
        """Take a fill into quantity, cost and lots; return the round trips that it completed."""
        signed = quantity if side is _BUY else -quantity
        held = self.quantity
        self.updated_ms = traded_ms
        self.commission += commission
        if not held or (held > 0) is (signed > 0):
            self._open(signed, price, commission, strategy_id, traded_ms, trade_id)
            return []
        closing = min(quantity, abs(held))
        part = commission if closing == quantity else pro_rata(commission, closing, quantity)
        trips = self._close(closing, price, part, traded_ms, trade_id)
        if closing < quantity:
            rest = signed + held
            self._open(rest, price, commission - part, strategy_id, traded_ms, trade_id)
        return trips

    def count_in_turn(self, cost: Decimal) -> None:
        """Take over what is held costs by the order of its trades' ids, after one that was not taken in its turn.

        So do the lots that are left. Round trips that were told stay as they are, and so does what they add up to.
        """
        self.cost = cost
        self.lots = deque(sorted(self.lots, key=attrgetter("trade_id")))

    def _open(
        self,
        signed: Decimal,
        price: Decimal,
        commission: Decimal,
        strategy_id: str,
        at_ms: int,
        trade_id: int,
    ) -> None:
        if not self.quantity:
            self.opened_ms = at_ms
            self.strategy_id = strategy_id
        self.quantity += signed
        self.cost += quantize_amount(signed * price)
        self.lots.append(Lot(abs(signed), price, commission, at_ms, strategy_id, trade_id))

    def _close(
        self, closing: Decimal, price: Decimal, commission: Decimal, at_ms: int, trade_id: int
    ) -> list[RoundTrip]:
        held = abs(self.quantity)
        side = self.side
        if closing == held:
            self.quantity = self.cost = ZERO
            self.stop_loss_price = self.take_profit_price = None
            self.stop_waived = self.target_waived = False
        else:
            self.cost -= pro_rata(self.cost, closing, held)
            self.quantity -= closing if side is _BUY else -closing
        return self._match_lots(side, closing, price, commission, at_ms, trade_id)

    def _match_lots(
        self,
        side: OrderSide,
        closing: Decimal,
        price: Decimal,
        commission: Decimal,
        at_ms: int,
        trade_id: int,
    ) -> list[RoundTrip]:
        trips = []
        left, commission_left = closing, commission
        while left and self.lots:
            lot = self.lots[0]
            taken = min(left, lot.quantity)
            exit_part = commission_left if taken == left else pro_rata(commission_left, taken, left)
            entry_part = (
                lot.commission if taken == lot.quantity else pro_rata(lot.commission, taken, lot.quantity)
            )
            pnl = quantize_amount((price - lot.price) * taken * side.sign)
            trips.append(
                RoundTrip(
                    symbol=self.symbol,
                    strategy_id=lot.strategy_id,
                    side=side,
                    quantity=taken,
                    entry_price=lot.price,
                    exit_price=price,
                    pnl=pnl,
                    commission=entry_part + exit_part,
                    opened_ms=lot.opened_ms,
                    closed_ms=at_ms,
                    entry_trade_id=lot.trade_id,
                    exit_trade_id=trade_id,
                )
            )
            lot.quantity -= taken
            lot.commission -= entry_part
            left -= taken
            commission_left -= exit_part
            if not lot.quantity:
                self.lots.popleft()
        return trips
