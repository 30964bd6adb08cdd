"""The trades of a position that were not compared yet: a trade that is heard of behind later ones counts in its turn.

The exchange's turn is that of the ids. What a position costs depends on it, so those trades are kept which an older one
may still come before, and what was held before them. None can come before one that was compared.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from operator import attrgetter
from typing import Final

from src.domain.ledger.events import FillBooked
from src.domain.money import ZERO, quantize_amount
from src.domain.orders.news import FillReport
from src.domain.positions.position import Position

KEPT_MAX: Final = 512
"""So many trades of a position are kept where no comparison confirms them: a minute of a very busy account."""
COUNTED_TOGETHER: Final = 64
"""How many of the oldest are let go when there are more: they count as held before the others from then on."""

Trade = FillBooked | FillReport
_turn = attrgetter("trade_id")


@dataclass(slots=True)
class Unconfirmed:
    """``fills`` in the order in which they were booked; signed ``quantity`` and ``cost`` of what was held before them.

    A ``cost`` of None is not known: nothing is counted again. Nor is a trade up to ``counted_id``: it is a part of what
    was held before, or would have to be.
    """

    quantity: Decimal
    cost: Decimal | None
    fills: list[FillBooked] = field(default_factory=list)
    counted_id: int = 0

    def keep(self, fill: FillBooked) -> None:
        """Take one more trade, whenever it was made, and let the oldest go if there are too many."""
        if fill.trade_id <= self.counted_id:
            self.cost = None
        self.fills.append(fill)
        if len(self.fills) > KEPT_MAX:
            self._let_go(sorted(self.fills, key=_turn)[COUNTED_TOGETHER - 1].trade_id)

    def cost_with(self, late: Trade) -> Decimal | None:
        """What is held costs with one more trade, in quote asset; None for one that comes in its turn, or too late."""
        if self.cost is None or late.trade_id <= self.counted_id:
            return None
        if all(fill.trade_id <= late.trade_id for fill in self.fills):
            return None
        return _counted(self.quantity, self.cost, sorted([*self.fills, late], key=_turn)).cost

    def confirm(self, trade_id: int) -> bool:
        """Let go of trades up to this id, which were compared; whether none is left."""
        self._let_go(trade_id)
        return not self.fills

    def _let_go(self, trade_id: int) -> None:
        """Count trades up to this id as held before the others; of what was held nothing is known without a cost."""
        left = [fill for fill in self.fills if fill.trade_id > trade_id]
        if left and self.cost is not None:
            gone = [fill for fill in self.fills if fill.trade_id <= trade_id]
            held = _counted(self.quantity, self.cost, sorted(gone, key=_turn))
            self.quantity, self.cost = held.quantity, held.cost
        self.fills = left
        self.counted_id = max(trade_id, self.counted_id)


def cost_after(position: Position, trade: Trade) -> Decimal:
    """What a position costs after one more trade, in quote asset."""
    return _counted(position.quantity, position.cost, [trade]).cost


def added(trades: Iterable[Trade]) -> Decimal:
    """What trades add to a position, signed, base asset."""
    return sum((trade.quantity * trade.side.sign for trade in trades), ZERO)


def cost_of(quantity: Decimal, trades: Iterable[Trade]) -> Decimal | None:
    """What a position costs that trades, newest first, have led to; None if it is older than all of them.

    Its signed ``quantity`` is not zero.
    """
    held, later = quantity, list[Trade]()
    for trade in trades:
        before = held - added([trade])
        if not before or (before > 0) is not (held > 0):
            # This one opened it, or turned it around: nothing before it matters.
            return _counted(held, quantize_amount(held * trade.price), later[::-1]).cost
        held = before
        later.append(trade)
    return None


def _counted(quantity: Decimal, cost: Decimal, trades: Iterable[Trade]) -> Position:
    position = Position("", quantity=quantity, cost=cost)
    for trade in trades:
        position.apply_fill(trade.side, trade.price, trade.quantity, ZERO, "", 0, trade.trade_id)
    return position
