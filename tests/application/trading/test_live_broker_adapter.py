"""Tickets: what is asked of the exchange is never riskier than what was wished for."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.application.trading.adapters.live_broker_adapter import LiveBrokerAdapter, NoPrice, UnknownSymbol
from src.application.trading.requests import OrderRequest
from src.domain.market.sides import OrderSide, PositionSide
from src.domain.orders.types import OrderType, Purpose, TimeInForce
from src.domain.positions.position import Position
from tests.support.domain_builders import BTC, BUY, SELL, AView, a_view, an_instrument

TICKS = st.sampled_from([Decimal(text) for text in ("0.01", "0.1", "0.5", "1", "2.5")])
PRICES = st.decimals("50", "100000", places=2)
TOLERANCES = st.decimals("0", "0.05", places=4)


@given(st.sampled_from(OrderSide), PRICES, TICKS, TOLERANCES)
def test_rounding_a_limit_never_reaches_further_into_the_book(
    side: OrderSide, price: Decimal, tick: Decimal, tolerance: Decimal
):
    view = a_view(marks={BTC: price}, instruments={BTC: an_instrument(BTC, tick_size=tick)})
    adapter = LiveBrokerAdapter(view, use_market_orders=False, slippage_tolerance=tolerance)
    best = adapter.best_price(BTC, side)

    ticket = adapter.entry(BTC, side, Decimal(1), "sma", "why")

    wished = best * (1 + tolerance * side.sign)
    assert ticket.limit_price is not None
    assert (wished - ticket.limit_price) * side.sign >= 0
    assert abs(wished - ticket.limit_price) < tick
    assert ticket.limit_price % tick == 0


def test_an_entry_with_a_limit_is_done_at_once_or_not_at_all():
    ticket = LiveBrokerAdapter(a_view(), use_market_orders=False).entry(BTC, BUY, Decimal(1), "sma", "why")

    assert (ticket.order_type, ticket.time_in_force) == (OrderType.LIMIT, TimeInForce.IOC)


def test_an_entry_at_the_market_has_no_limit():
    ticket = LiveBrokerAdapter(a_view()).entry(BTC, SELL, Decimal(1), "sma", "why")

    assert (ticket.order_type, ticket.limit_price) == (OrderType.MARKET, None)
    assert ticket.reference_price == Decimal("99.9")


@pytest.mark.parametrize(("quantity", "side"), [("2", SELL), ("-2", BUY)])
def test_an_exit_only_reduces_and_is_against_its_position(quantity: str, side: OrderSide):
    position = Position(BTC, quantity=Decimal(quantity), cost=Decimal(quantity) * 100)

    ticket = LiveBrokerAdapter(a_view(), use_market_orders=False).exit(position, Decimal(2), "sma", "why")

    assert ticket.reduce_only
    assert ticket.purpose is Purpose.EXIT
    assert (ticket.side, ticket.order_type) == (side, OrderType.MARKET)
    assert ticket.position_side is position.position_side


@pytest.mark.parametrize(("mark", "reference"), [(None, "100"), ("95", "95")])
def test_an_exit_needs_no_quote(mark: str | None, reference: str):
    class Unquoted(AView):
        def best_prices(self, symbol: str) -> tuple[Decimal, Decimal] | None:
            return None

    position = Position(BTC, quantity=Decimal(2), cost=Decimal(200))
    view = Unquoted(marks={BTC: None if mark is None else Decimal(mark)})

    ticket = LiveBrokerAdapter(view).exit(position, Decimal(2), "sma", "why")

    assert (ticket.side, ticket.reference_price) == (SELL, Decimal(reference))


def test_a_persons_request_is_worded_as_asked():
    request = OrderRequest.of("BTC/USDT", "BUY", 0.1, "LIMIT", 99.5, stop_loss=90, take_profit=120)

    ticket = LiveBrokerAdapter(a_view()).asked_for(request)

    assert (ticket.limit_price, ticket.time_in_force) == (Decimal("99.5"), TimeInForce.GTC)
    assert (ticket.stop_loss_price, ticket.take_profit_price) == (Decimal(90), Decimal(120))
    assert ticket.purpose is Purpose.ENTRY


def test_what_lies_too_near_is_measured_from_where_the_entry_would_trade_and_an_exit_has_no_stop():
    adapter = LiveBrokerAdapter(a_view(), stop_loss_pct=Decimal("0.00095"))

    far = adapter.asked_for(OrderRequest.of(BTC, "SELL", 1, "LIMIT", 120))
    waits = adapter.asked_for(OrderRequest.of(BTC, "BUY", 1, "STOP_MARKET", stop_price=120))
    out = adapter.asked_for(OrderRequest.of(BTC, "SELL", 1, reduce_only=True))

    assert (far.limit_price, waits.stop_price, out.purpose) == (Decimal(120), Decimal(120), Purpose.EXIT)
    with pytest.raises(ValueError, match=r"a stop of 0\.00095 of the price is nearer than its tick"):
        adapter.asked_for(OrderRequest.of(BTC, "SELL", 1))


def test_without_instrument_or_quote_there_is_no_ticket():
    with pytest.raises(UnknownSymbol, match="SOLUSDT is not listed here"):
        LiveBrokerAdapter(a_view()).asked_for(OrderRequest.of("SOLUSDT", "BUY", 1))
    with pytest.raises(NoPrice, match="no quote of BTCUSDT"):
        LiveBrokerAdapter(a_view(marks={})).entry(BTC, BUY, Decimal(1), "sma", "why")


HEDGED = {
    # side, position side named, reduce-only → position side, reduce-only
    "a buy opens the long": ((BUY, None, False), (PositionSide.LONG, False)),
    "a sell opens the short": ((SELL, None, False), (PositionSide.SHORT, False)),
    "a reducing buy closes the short": ((BUY, None, True), (PositionSide.SHORT, True)),
    "a buy of the long opens it": ((BUY, "LONG", False), (PositionSide.LONG, False)),
    "a buy of the short closes it": ((BUY, "SHORT", False), (PositionSide.SHORT, True)),
    "a sell of the long closes it": ((SELL, "LONG", True), (PositionSide.LONG, True)),
}


@pytest.mark.parametrize("name", HEDGED)
def test_in_hedge_mode_an_order_is_about_the_side_that_it_names(name: str):
    (side, named, reduce_only), meant = HEDGED[name]
    request = OrderRequest.of(BTC, side, 1, reduce_only=reduce_only, position_side=named)

    ticket = LiveBrokerAdapter(a_view(), hedged=True).asked_for(request)

    assert (ticket.position_side, ticket.reduce_only) == meant
    assert ticket.purpose is (Purpose.EXIT if meant[1] else Purpose.ENTRY)


@pytest.mark.parametrize(
    ("hedged", "named", "reduce_only", "trouble"),
    [
        (False, "LONG", False, "leave the position side out"),
        (True, "BOTH", False, "say which"),
        (True, "SHORT", True, "cannot reduce one"),
    ],
)
def test_a_position_side_that_cannot_be_is_refused_in_one_line(
    hedged: bool, named: str, reduce_only: bool, trouble: str
):
    request = OrderRequest.of(BTC, SELL, 1, reduce_only=reduce_only, position_side=named)

    with pytest.raises(ValueError, match=trouble):
        LiveBrokerAdapter(a_view(), hedged=hedged).asked_for(request)
