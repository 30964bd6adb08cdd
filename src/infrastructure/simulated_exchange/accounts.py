"""Accounts and their positions, as the exchange keeps them; amounts in units of 10⁻⁸.

In one-way mode a symbol has one position (BOTH), in hedge mode two (LONG and SHORT). An isolated position has a
wallet of its own, which is a part of the account's; the rest of that is the cross wallet.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from src.infrastructure.simulated_exchange.algo_orders import AlgoOrder
from src.infrastructure.simulated_exchange.records import BOTH, Order


@dataclass(slots=True, eq=False)
class Position:
    """Signed quantity and what it cost (never negative).

    ``realized`` is the profit realised since the account opened, before fees (the "cr" of ACCOUNT_UPDATE).
    """

    symbol: str
    side: str = BOTH
    quantity: int = 0
    cost: int = 0
    realized: int = 0
    updated_ms: int = 0
    isolated_wallet: int = 0


@dataclass(slots=True, eq=False)
class Account:
    """One account: wallets by asset, positions by symbol and side, settings, and its open orders by both ids.

    ``algos`` wait for their trigger, ``triggered`` for the end of the order that took their place. ``isolated`` are the
    symbols with isolated margin. ``warned`` names what a margin call was sent for: an asset, or a symbol and side.
    """

    number: int
    account_id: str
    wallets: dict[str, int] = field(default_factory=dict)
    positions: dict[str, dict[str, Position]] = field(default_factory=dict)
    leverage: dict[str, int] = field(default_factory=dict)
    isolated: set[str] = field(default_factory=set)
    is_hedged: bool = False
    warned: set[str] = field(default_factory=set)
    orders: dict[int, Order] = field(default_factory=dict)
    order_ids: dict[str, Order] = field(default_factory=dict)
    algos: dict[int, AlgoOrder] = field(default_factory=dict)
    algo_ids: dict[str, AlgoOrder] = field(default_factory=dict)
    triggered: dict[int, AlgoOrder] = field(default_factory=dict)

    def position(self, symbol: str, side: str) -> Position:
        """A position, flat if there was none."""
        sides = self.positions.setdefault(symbol, {})
        found = sides.get(side)
        if found is None:
            found = sides[side] = Position(symbol, side)
        return found

    def look_at(self, symbol: str, side: str) -> Position:
        """A position as it stands; of one that never was a flat one, which the account does not keep."""
        return self.positions.get(symbol, {}).get(side) or Position(symbol, side)

    def quantity(self, symbol: str, side: str) -> int:
        """The signed quantity of a position; 0 when there is none."""
        sides = self.positions.get(symbol)
        found = None if sides is None else sides.get(side)
        return 0 if found is None else found.quantity

    def held(self, symbol: str) -> list[Position]:
        """The symbol's positions that are not flat."""
        sides = self.positions.get(symbol)
        return [] if sides is None else [position for position in sides.values() if position.quantity]

    def every_held(self) -> Iterator[Position]:
        """All positions that are not flat."""
        for sides in self.positions.values():
            for position in sides.values():
                if position.quantity:
                    yield position
