"""A broker under test, the market behind it, and what a test says to it and hears from it."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Protocol

from src.application.ports.broker import Broker, UserEvent
from src.domain.market.instrument import Instrument
from src.domain.market.sides import OrderSide
from src.domain.orders.news import (
    CancelOutcome,
    FillReport,
    IncomeReport,
    ModifyOutcome,
    OrderNews,
    SubmitOutcome,
    WalletMoved,
)
from src.domain.orders.ticket import Amendment, Attempt, OrderTicket
from src.domain.orders.types import OrderType, Purpose, TimeInForce

SYMBOL = "BTCUSDT"


class Heard:
    """A sink that keeps everything, in order of arrival."""

    def __init__(self) -> None:
        self.submits: list[SubmitOutcome] = []
        self.cancels: list[CancelOutcome] = []
        self.modifications: list[ModifyOutcome] = []
        self.instruments: list[Instrument] = []
        self.events: list[UserEvent] = []
        self.order_of_arrival: list[str] = []

    def on_submit_outcome(self, outcome: SubmitOutcome) -> None:
        self.submits.append(outcome)
        self.order_of_arrival.append("answer")

    def on_cancel_outcome(self, outcome: CancelOutcome) -> None:
        self.cancels.append(outcome)
        self.order_of_arrival.append("answer")

    def on_modify_outcome(self, outcome: ModifyOutcome) -> None:
        self.modifications.append(outcome)
        self.order_of_arrival.append("answer")

    def on_instruments(self, instruments: list[Instrument]) -> None:
        self.instruments = instruments
        self.order_of_arrival.append("filters")

    def on_user_event(self, event: UserEvent) -> None:
        self.events.append(event)
        self.order_of_arrival.append("event")

    def on_stream_lost(self, stream_epoch: int, reason: str) -> None:
        self.order_of_arrival.append("lost")


class Venue(Protocol):
    """A broker under test, and the market behind it."""

    broker: Broker
    heard: Heard

    async def settle(self) -> None: ...
    def quote(self, bid: str, ask: str) -> None: ...
    def trade(self, price: str, quantity: str) -> None: ...
    def pay_funding(self) -> None: ...


def a_ticket(**changes: Any) -> OrderTicket:
    """A market order to buy 0.01; a limit price makes it LIMIT GTC, a stop price a reduce-only SELL STOP_MARKET."""
    values: dict[str, Any] = {
        "symbol": SYMBOL,
        "side": OrderSide.BUY,
        "order_type": OrderType.MARKET,
        "quantity": Decimal("0.01"),
        "purpose": Purpose.ENTRY,
        "strategy_id": "contract",
        "reference_price": Decimal("76000"),
    }
    if "limit_price" in changes:
        values |= {"order_type": OrderType.LIMIT, "time_in_force": TimeInForce.GTC}
    if "stop_price" in changes:
        values |= {"order_type": OrderType.STOP_MARKET, "side": OrderSide.SELL, "reduce_only": True}
    return OrderTicket(**(values | changes))


def news_of(venue: Venue) -> Sequence[OrderNews | IncomeReport | WalletMoved]:
    return [news for event in venue.heard.events for news in venue.broker.interpret(event)]


def fills_of(venue: Venue) -> list[FillReport]:
    """Each fill once, however often it was told."""
    news = [one for one in news_of(venue) if isinstance(one, OrderNews) and one.fill is not None]
    return list({one.fill.trade_id: one.fill for one in news if one.fill is not None}.values())


async def submit(venue: Venue, client_order_id: str, **changes: Any) -> SubmitOutcome:
    """Send an order, let everything arrive, and return the last answer."""
    now = (await venue.broker.server_time()).now_ms
    venue.broker.submit(a_ticket(**changes), Attempt(client_order_id, now, 5000))
    await venue.settle()
    return venue.heard.submits[-1]


def a_wish(venue: Venue, name: str, price: str) -> Amendment:
    """To buy 0.02 at a price."""
    signed_ms = venue.broker.venue_time().now_ms
    return Amendment(SYMBOL, OrderSide.BUY, name, Decimal(price), Decimal("0.02"), signed_ms, 5_000)
