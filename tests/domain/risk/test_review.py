"""The review as a whole: precedence, the short list for exits, and that nothing else stands in an exit's way."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.domain.market.sides import PositionSide
from src.domain.market.view import MarginBracket, Volatility
from src.domain.orders.news import OrderNews, OutcomeUnknown, PositionReport
from src.domain.orders.types import OrderStatus, OrderType, Purpose
from src.domain.risk.limits import RiskLimits
from src.domain.risk.review import Approved, Denied, review, review_emergency, review_fence, review_reducing
from src.domain.risk.rules import ENTRY_RULES
from src.domain.sessions.session import TradingSessionStatus
from src.domain.sessions.trading_states import SymbolState, TradingState
from tests.domain.risk.bench import Bench
from tests.support.domain_builders import (
    BTC,
    BUY,
    ETH,
    SELL,
    WALLET,
    a_fill,
    a_report,
    a_ticket,
    a_view,
    an_exit,
    an_instrument,
)
from tests.support.domain_scene import Scene


def lose_the_day(bench: Bench) -> None:
    bench.scene.ledger.account.day_start_equity = 1_000 * WALLET
    bench.limits.update(daily_loss_pct_max=Decimal("0.5"))


def fall_from_the_peak(bench: Bench) -> None:
    bench.scene.ledger.account.peak_equity = 1_000 * WALLET
    bench.limits.update(drawdown_pct_max=Decimal("0.5"))


def move_like_a_position(bench: Bench) -> None:
    bench.scene.ledger.symbol(ETH).pending_buy = Decimal(1)
    bench.scene.view.correlations[frozenset((BTC, ETH))] = Decimal("0.9")
    bench.limits.update(correlation_max=Decimal("0.7"))


A_SMALL_BRACKET = MarginBracket(Decimal(1), Decimal("0.004"), Decimal(0), 125)

# One way to break each rule without touching another.
BREAK = {
    "session_state": lambda b: setattr(b.scene.ledger.session, "status", TradingSessionStatus.PAUSED),
    "trading_state": lambda b: setattr(b.scene.ledger.account, "trading_state", TradingState.HALTED),
    "symbol_state": lambda b: setattr(b.scene.ledger.symbol(BTC), "state", SymbolState.CLOSED),
    "data_quality": lambda b: setattr(b.scene.view, "objection", "stale"),
    "position_owner": lambda b: b.scene.fill(b.scene.place(strategy_id="rsi"), 7),
    "position_side": lambda b: b.ticket.update(position_side=PositionSide.LONG),
    "confidence": lambda b: setattr(b, "confidence", Decimal("-0.1")),
    "filters": lambda b: b.instrument.update(step_size=Decimal("0.7")),
    "order_value": lambda b: b.limits.update(order_value_max=Decimal(1)),
    "price_collar": lambda b: b.limits.update(price_collar_pct=Decimal("-1")),
    "slippage": lambda b: setattr(b.scene.view, "worst", None),
    "position_size": lambda b: b.limits.update(position_size_pct=Decimal(0)),
    "symbol_exposure": lambda b: b.limits.update(symbol_exposure_max=Decimal(0)),
    "leverage_bracket": lambda b: setattr(b.scene.view, "margin_brackets", (A_SMALL_BRACKET,)),
    "gross_exposure": lambda b: b.limits.update(gross_exposure_max=Decimal(0)),
    "net_exposure": lambda b: b.limits.update(net_exposure_pct_max=Decimal(0)),
    "concentration": lambda b: b.limits.update(concentration_symbols_min=0, concentration_pct_max=Decimal(0)),
    "leverage": lambda b: b.limits.update(leverage_max=Decimal(0)),
    "margin": lambda b: b.limits.update(free_margin_pct_min=Decimal(2)),
    "daily_loss": lose_the_day,
    "drawdown": fall_from_the_peak,
    "positions": lambda b: b.limits.update(positions_max=0),
    "volatility": lambda b: b.scene.view.volatilities.update({BTC: Volatility(Decimal(10**6), None)}),
    "correlation": move_like_a_position,
    "duplicate": lambda b: (b.sent_before(1), b.limits.update(duplicate_window_ms=1_000)),
    "open_orders": lambda b: b.limits.update(open_orders_max=0),
    "order_rate": lambda b: b.limits.update(orders_per_second_max=0),
    "repeated_execution": lambda b: b.limits.update(entries_per_minute_max=0),
}
BROKEN = st.sets(st.sampled_from(sorted(BREAK)))


def a_bench_without(broken) -> Bench:
    bench = Bench()
    for name in sorted(broken):
        BREAK[name](bench)
    return bench


def test_the_order_of_the_rules_is_the_order_of_precedence():
    assert [rule.name for rule in ENTRY_RULES] == list(BREAK)


@given(BROKEN)
def test_the_first_broken_rule_objects_and_an_order_that_breaks_none_is_approved(broken):
    bench = a_bench_without(broken)
    # A symbol that is held already counts as no further position.
    expected = [
        name for name in BREAK if name in broken - ({"positions"} if "position_owner" in broken else set())
    ]

    verdict = bench.verdict()

    if expected:
        assert isinstance(verdict, Denied)
        assert verdict.objection.rule == expected[0]
        assert verdict.objection.value and verdict.objection.limit and verdict.objection.text
    else:
        assert verdict == Approved(bench.a_ticket())


def test_an_order_in_a_symbol_that_is_not_listed_is_denied():
    verdict = review(Scene().ledger, a_view(), RiskLimits(), a_ticket(symbol="XYZUSDT"), 0)

    assert isinstance(verdict, Denied)
    assert (verdict.objection.rule, verdict.objection.value) == ("symbol", "XYZUSDT")


# --- exits --------------------------------------------------------------------------------------------------


@given(
    broken=BROKEN, side=st.sampled_from([BUY, SELL]), quantity=st.integers(1, 10**6), protected=st.booleans()
)
def test_an_exit_of_the_whole_position_is_never_blocked_when_none_is_under_way(
    broken, side, quantity, protected
):
    bench = a_bench_without(broken - {"position_owner"})
    position = bench.scene.hold(Decimal(quantity) / 1_000, side, protected=protected)
    ticket = an_exit(side=side.opposite, quantity=abs(position.quantity))

    verdicts = [
        review(bench.scene.ledger, bench.scene.view, RiskLimits(**bench.limits), ticket, 0),
        review_reducing(bench.scene.ledger, ticket),
    ]

    assert verdicts == [Approved(ticket)] * 2


def test_an_exit_from_a_symbol_that_the_session_does_not_follow_is_not_blocked():
    scene = Scene()
    scene.hold()
    scene.view.instruments.clear()

    verdict = review(scene.ledger, scene.view, RiskLimits(), an_exit(), 0)

    assert isinstance(verdict, Approved)


@pytest.mark.parametrize(
    "ticket",
    [an_exit(side=BUY), an_exit(symbol=ETH), an_exit(side=BUY, purpose=Purpose.EMERGENCY)],
    ids=["on the side of the position", "without a position", "an emergency on the wrong side"],
)
def test_an_exit_that_could_grow_a_position_is_denied(ticket):
    scene = Scene()
    scene.hold()

    verdict = review_reducing(scene.ledger, ticket)

    assert isinstance(verdict, Denied)
    assert verdict.objection.rule == "reduce_only"
    assert verdict.objection.value and verdict.objection.limit and verdict.objection.text


@pytest.mark.parametrize("purpose", [p for p in Purpose if p is not Purpose.ENTRY])
@pytest.mark.parametrize(("side", "closes"), [(PositionSide.LONG, SELL), (PositionSide.SHORT, BUY)])
def test_what_opens_a_side_of_a_hedge_never_passes_for_what_reduces_it(side, closes, purpose):
    scene = Scene()
    # A trade of this side was not heard of, so that its sign is the other one.
    fill = a_fill(quantity=1, side=closes, position_side=side)
    scene.stream(OrderNews(a_report(scene.place()), fill))
    ticket = an_exit(side=closes.opposite, position_side=side, purpose=purpose)

    verdicts = [review_reducing(scene.ledger, ticket), review_fence(scene.ledger, ticket)]

    for verdict in verdicts:
        assert isinstance(verdict, Denied)
        assert "it cannot reduce one" in verdict.objection.text
    assert isinstance(review_reducing(scene.ledger, replace(ticket, side=closes)), Denied)


@pytest.mark.parametrize(("quantity", "approved"), [("2", True), ("2.001", False)])
def test_an_exit_may_take_what_is_left_and_no_more(quantity, approved):
    scene = Scene()
    scene.hold(3)
    scene.place(an_exit(quantity=1))

    verdict = review_reducing(scene.ledger, an_exit(quantity=quantity))

    assert isinstance(verdict, Approved) is approved
    if isinstance(verdict, Denied):
        assert (verdict.objection.value, verdict.objection.limit) == ("2.001", "2")


@pytest.mark.parametrize(("quantity", "approved"), [("2.5", True), ("3", False)])
def test_an_exit_may_be_as_large_as_the_next_step_above_what_is_left(quantity, approved):
    scene = Scene()
    scene.hold("3.3")
    scene.place(an_exit(quantity=1))

    verdict = review_reducing(
        scene.ledger, an_exit(quantity=quantity), an_instrument(step_size=Decimal("0.5"))
    )

    assert isinstance(verdict, Approved) is approved


def test_an_exit_of_unknown_outcome_still_counts():
    scene = Scene()
    scene.hold()
    order = scene.place(an_exit())
    scene.decide(OutcomeUnknown(order.client_order_id, "timeout"))

    assert isinstance(review_reducing(scene.ledger, an_exit()), Denied)


@pytest.mark.parametrize(
    "waits",
    [{"limit_price": 110}, {"order_type": OrderType.STOP_MARKET, "stop_price": 90}],
    ids=["rests", "a stop"],
)
def test_an_exit_that_may_never_fill_stands_in_the_way_of_its_like_and_of_no_exit_at_the_market(waits):
    scene = Scene()
    scene.hold()
    scene.accept(scene.place(an_exit(**waits)))

    assert isinstance(review_reducing(scene.ledger, an_exit(limit_price=105)), Denied)
    assert isinstance(review_reducing(scene.ledger, an_exit()), Approved)


@pytest.mark.parametrize("end", [OrderStatus.CANCELED, OrderStatus.EXPIRED, OrderStatus.REJECTED])
def test_an_exit_that_is_over_makes_room_for_the_next(end):
    scene = Scene()
    scene.hold()
    scene.hear(scene.place(an_exit()), end)

    assert isinstance(review_reducing(scene.ledger, an_exit()), Approved)


def test_exits_of_other_positions_take_no_room():
    scene = Scene()
    scene.hold()
    scene.fill(scene.place(symbol=ETH), 2)
    scene.place(an_exit(symbol=ETH))

    assert isinstance(review_reducing(scene.ledger, an_exit()), Approved)


@pytest.mark.parametrize("purpose", [Purpose.PROTECTIVE_STOP, Purpose.PROTECTIVE_TARGET, Purpose.EMERGENCY])
def test_orders_that_the_exchange_caps_at_the_position_may_stand_beside_exits_and_be_larger(purpose):
    scene = Scene()
    scene.hold()
    scene.place(an_exit())
    kind = OrderType.STOP_MARKET if purpose.is_protective else OrderType.MARKET
    prices = {"stop_price": 98} if purpose.is_protective else {}

    verdict = review_reducing(scene.ledger, an_exit(purpose=purpose, order_type=kind, quantity=10, **prices))

    assert isinstance(verdict, Approved)


def test_an_exit_left_over_from_the_other_side_takes_no_room():
    scene = Scene()
    scene.hold(1, SELL)
    scene.place(an_exit(side=BUY, limit_price=90))
    scene.fill(scene.place(quantity=2), 2)

    assert scene.position.quantity == 1
    assert isinstance(review_reducing(scene.ledger, an_exit()), Approved)


# --- without a ledger -----------------------------------------------------------------------------------------


def held(quantity: int, side: PositionSide = PositionSide.BOTH) -> PositionReport:
    price = Decimal(100)
    return PositionReport(BTC, side, Decimal(quantity), price, price, Decimal(0))


@pytest.mark.parametrize(("quantity", "side"), [(3, SELL), (-3, BUY)])
def test_an_emergency_may_send_what_shrinks_the_position_that_the_exchange_shows(quantity, side):
    ticket = an_exit(side=side, quantity=3, purpose=Purpose.EMERGENCY)

    assert isinstance(review_emergency(held(quantity), ticket), Approved)


@pytest.mark.parametrize(
    "ticket",
    [
        an_exit(side=BUY),
        an_exit(quantity=4),
        an_exit(reduce_only=False),
        an_exit(symbol=ETH),
        an_exit(position_side=PositionSide.LONG),
    ],
    ids=["on its own side", "larger than it", "not reduce-only", "another symbol", "the other position side"],
)
def test_an_emergency_may_send_nothing_that_could_do_more_than_shrink_it(ticket):
    assert isinstance(review_emergency(held(3), ticket), Denied)


@pytest.mark.parametrize(("side", "quantity"), [(PositionSide.LONG, -3), (PositionSide.SHORT, 3)])
def test_an_emergency_opens_no_side_of_a_hedge_whatever_sign_the_exchange_shows(side, quantity):
    ticket = an_exit(side=BUY if quantity < 0 else SELL, position_side=side, purpose=Purpose.EMERGENCY)

    assert isinstance(review_emergency(held(quantity, side), ticket), Denied)
