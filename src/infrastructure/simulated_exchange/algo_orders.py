"""Conditional orders: what waits for a price before an ordinary order takes its place.

A trailing stop has no fixed trigger: once active it remembers the best price since, and its trigger follows that at a
distance. Prices are integers in units of 10⁻⁸, the callback rate is in percent, in the same units.
"""

from dataclasses import dataclass
from typing import Final

from src.infrastructure.simulated_exchange.records import (
    BUY,
    EXPIRE_MAKER,
    NEW,
    NONE,
    STOP,
    STOP_MARKET,
    TAKE_PROFIT,
    TRAILING_STOP_MARKET,
    TRIGGERING,
)
from src.infrastructure.simulated_exchange.units import SCALE, multiply

STOPS: Final = frozenset({STOP, STOP_MARKET, TRAILING_STOP_MARKET})
LIMITED: Final = frozenset({STOP, TAKE_PROFIT})


@dataclass(slots=True, eq=False)
class AlgoOrder:
    """A conditional order. Once triggered, ``actual_order_id`` names the ordinary order that took its place.

    ``quantity`` is 0 with ``close_position``, ``price`` without a limit, ``trigger_price`` of a trailing stop before it
    is active. ``extreme`` is the best price that a trailing stop has seen since then.
    """

    algo_id: int
    account: int
    symbol: str
    client_algo_id: str
    side: str
    type: str
    time_in_force: str
    quantity: int
    trigger_price: int
    working_type: str
    reduce_only: bool
    position_side: str
    created_ms: int
    updated_ms: int
    status: str = NEW
    triggered_ms: int = 0
    actual_order_id: int = 0
    actual_price: int = 0
    actual_quantity: int = 0
    reject_reason: str = ""
    price: int = 0
    close_position: bool = False
    price_protect: bool = False
    activate_price: int = 0
    callback_rate: int = 0
    is_activated: bool = False
    good_till_ms: int = 0
    price_match: str = NONE
    self_trade_prevention: str = EXPIRE_MAKER
    extreme: int = 0

    @property
    def is_open(self) -> bool:
        """Whether nothing has taken its place yet: it waits for its trigger, or hangs in it."""
        return self.status in (NEW, TRIGGERING)

    @property
    def hangs(self) -> bool:
        """Whether its price has come and nothing followed from that."""
        return self.status == TRIGGERING

    @property
    def is_trailing(self) -> bool:
        """Whether its trigger follows the market."""
        return self.type == TRAILING_STOP_MARKET

    @property
    def has_limit(self) -> bool:
        """Whether a limit order takes its place rather than a market order."""
        return self.type in LIMITED

    @property
    def rises(self) -> bool:
        """Whether it is triggered by a price at or above the trigger price, rather than at or below."""
        return (self.side == BUY) is (self.type in STOPS)

    def is_due(self, price: int) -> bool:
        """Whether ``price`` triggers it; whatever hangs goes on at any."""
        if self.hangs:
            return True
        if self.is_trailing and not self.is_activated:
            return False
        return price >= self.trigger_price if self.rises else price <= self.trigger_price

    def follow(self, price: int) -> bool:
        """Let a trailing stop see a price: it may become active, or its trigger move; return whether it changed.

        BUY: trigger = lowest × (1 + rate), active from a price at or below the activation price; SELL mirrors it.
        """
        is_buy = self.side == BUY
        if not self.is_activated:
            if self.activate_price and (
                price > self.activate_price if is_buy else price < self.activate_price
            ):
                return False
            self.is_activated = True
        elif price >= self.extreme if is_buy else price <= self.extreme:
            return False
        self.extreme = price
        distance = self.callback_rate // 100
        self.trigger_price = multiply(price, SCALE + distance if is_buy else SCALE - distance)
        return True

    def watched(self) -> tuple[int | None, int | None]:
        """The prices at which a trailing stop has something to do: falling to the first, or rising to the second.

        Both are None when any price concerns it.
        """
        is_buy = self.side == BUY
        if not self.is_activated and not self.activate_price:
            return None, None
        if self.is_activated:
            return (
                (self.extreme - 1, self.trigger_price) if is_buy else (self.trigger_price, self.extreme + 1)
            )
        return (self.activate_price, None) if is_buy else (None, self.activate_price)
