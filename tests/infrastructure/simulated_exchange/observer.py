"""Judges an exchange's trades by what the market showed, and keeps books of its own from them."""

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from src.infrastructure.market_data.frames import BookTicker, TradePrint
from src.infrastructure.simulated_exchange.engine import Engine
from src.infrastructure.simulated_exchange.records import Trade
from src.infrastructure.simulated_exchange.units import multiply, to_units
from tests.support.engine_builders import BTC

# Whose hand closed a position, by the beginning of the order's client id.
HANDS = {
    "insurance": "autoclose-",
    "adl_autoclose": "adl_autoclose",
    "settlement_autoclose": "settlement_autoclose-",
}


@dataclass
class Held:
    """One position as its trades make it: signed quantity, what was received for it, profit that was stated."""

    quantity: int = 0
    received: int = 0
    realized: int = 0


@dataclass
class Observer:
    """Everything that was offered and not taken yet, and what followed from every trade so far."""

    accounts: tuple[int, ...]
    offered: dict[tuple[str, int], int] = field(default_factory=dict)
    taken: dict[tuple[str, int], int] = field(default_factory=lambda: defaultdict(int))
    prints: dict[int, tuple[int, int, bool]] = field(default_factory=dict)
    held: dict[tuple[int, str], Held] = field(default_factory=lambda: defaultdict(Held))
    executed: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    checked_trade: int = 0

    def see_quote(self, event: BookTicker) -> None:
        """A level that shows another quantity is a new offer."""
        showing = {
            ("SELL", to_units(event.bid_price)): to_units(event.bid_quantity),
            ("BUY", to_units(event.ask_price)): to_units(event.ask_quantity),
        }
        for level in self.taken.keys() | showing.keys():
            if showing.get(level) != self.offered.get(level):
                self.taken.pop(level, None)
        self.offered = showing

    def see_print(self, event: TradePrint) -> None:
        """A print can fill as much as was traded, once."""
        self.prints[event.trade_id] = (to_units(event.price), to_units(event.quantity), event.buyer_is_maker)

    def judge(self, engine: Engine) -> None:
        """Every trade since the last time was offered by the market, by another order, or is the exchange's own."""
        found = [
            trade
            for account in self.accounts
            for trade in engine.trade_records(account, BTC, self.checked_trade + 1)
        ]
        by_print: dict[int, int] = defaultdict(int)
        between: dict[tuple[int, bool], int] = defaultdict(int)
        for trade in sorted(found, key=lambda one: one.trade_id):
            self.checked_trade = trade.trade_id
            order = engine.query_order(trade.account, BTC, order_id=trade.order_id)
            self._check_room(trade, order)
            self._book(trade)
            kind = trade.reference.kind
            if kind == "trade":
                by_print[trade.reference.event_id] += trade.quantity
                self._check_print(trade, by_print[trade.reference.event_id])
            elif kind == "peer":
                between[trade.price, trade.side == "BUY"] += trade.quantity
                limit = to_units(Decimal(order["price"]))
                assert not limit or (trade.price <= limit if trade.side == "BUY" else trade.price >= limit)
            elif kind in HANDS:
                assert order["clientOrderId"].startswith(HANDS[kind])
            else:
                assert kind == "book"
                assert not trade.is_maker
                self.taken[trade.side, trade.price] += trade.quantity
                assert self.taken[trade.side, trade.price] <= self.offered[trade.side, trade.price]
        for (price, is_buy), quantity in between.items():
            assert between[price, not is_buy] == quantity

    def _check_print(self, trade: Trade, filled: int) -> None:
        price, quantity, hit_bid = self.prints[trade.reference.event_id]
        assert trade.is_maker
        assert hit_bid is (trade.side == "BUY")
        assert trade.price >= price if hit_bid else trade.price <= price
        assert filled <= quantity

    def _check_room(self, trade: Trade, order: dict[str, Any]) -> None:
        held = self.held[trade.account, trade.position_side].quantity
        room = -held if trade.side == "BUY" else held
        if order["reduceOnly"] or (trade.position_side, trade.side) in (("LONG", "SELL"), ("SHORT", "BUY")):
            assert trade.quantity <= room

    def _book(self, trade: Trade) -> None:
        sign = 1 if trade.side == "BUY" else -1
        held = self.held[trade.account, trade.position_side]
        held.quantity += sign * trade.quantity
        held.received -= sign * multiply(trade.price, trade.quantity)
        held.realized += trade.realized
        self.executed[trade.order_id] += trade.quantity
