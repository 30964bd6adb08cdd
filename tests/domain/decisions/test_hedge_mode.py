"""Hedge mode: LONG and SHORT of a symbol are two positions, each with its own exposure, stops and exits."""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.domain.decisions.news import (
    MoveTrading,
    PlaceFence,
    RequestCancel,
    RequestCancelAll,
    RequestProtection,
    Tick,
)
from src.domain.market.sides import OrderSide, PositionSide
from src.domain.market.view import MarginBracket
from src.domain.orders.news import OrderNews, Refused
from src.domain.orders.order import Order
from src.domain.orders.transitions import CancelState
from src.domain.orders.types import OrderStatus, Purpose
from src.domain.portfolio.exposure import worst_exposure
from src.domain.positions.position import Position
from src.domain.risk.limits import RiskLimits
from src.domain.risk.review import Approved, Denied, review
from src.domain.risk.rules import MANUAL
from src.domain.sessions.trading_states import TradingTrigger
from tests.support.domain_builders import BTC, BUY, SELL, Number, a_fill, a_report, a_ticket, an_exit
from tests.support.domain_scene import VENUE_AHEAD_MS, Scene, alarms, cancels, reconciles, submits

LONG, SHORT = PositionSide.LONG, PositionSide.SHORT
OPENING = {LONG: BUY, SHORT: SELL}


def a_scene(**policy: Any) -> Scene:
    scene = Scene(**policy)
    session = scene.ledger.session
    assert session is not None
    session.options = replace(session.options, hedge_mode=True)
    return scene


def filled(scene: Scene, order: Order, trade_id: int) -> None:
    side = order.ticket.position_side
    fill = a_fill(order, trade_id, order.quantity, position_side=side)
    scene.stream(OrderNews(a_report(order, OrderStatus.FILLED, order.quantity), fill))


def hold(scene: Scene, side: PositionSide, quantity: Number, trade_id: int) -> Position:
    filled(scene, scene.place(side=OPENING[side], quantity=quantity, position_side=side), trade_id)
    return scene.ledger.position(BTC, side)


def a_hedge() -> Scene:
    """Long 3 and short 2 of BTC."""
    scene = a_scene()
    hold(scene, LONG, 3, 1)
    hold(scene, SHORT, 2, 2)
    return scene


def test_a_buy_and_a_sell_are_two_positions_and_none_is_net():
    scene = a_hedge()

    held = {side: scene.ledger.position(BTC, side).quantity for side in PositionSide}

    assert held == {LONG: 3, SHORT: -2, PositionSide.BOTH: 0}


def test_each_side_has_its_own_stop_and_target():
    scene = a_hedge()

    stops = {o.ticket.position_side: o for o in scene.open(Purpose.PROTECTIVE_STOP)}

    assert {side: (o.side, o.quantity) for side, o in stops.items()} == {
        LONG: (SELL, Decimal(3)),
        SHORT: (BUY, Decimal(2)),
    }
    assert stops[LONG].ticket.stop_price == 98 and stops[SHORT].ticket.stop_price == 102
    assert not submits(scene.decide(Tick()))


def test_exposure_adds_both_sides_up_and_nets_them_apart():
    scene = a_hedge()
    scene.place(side=BUY, quantity=1, position_side=LONG)
    scene.place(side=SELL, quantity=4, position_side=SHORT)

    worst = worst_exposure(scene.ledger, scene.view, without="")

    # Long 4 and short 6 at worst; net between +2 (buys fill) and -3 (sells fill).
    assert [worst.gross, worst.up, worst.down] == [Decimal(1_000), Decimal(200), Decimal(-300)]
    assert worst.symbols == [(BTC, True, True)]
    assert worst.margin == 100, "at a leverage of ten"


@pytest.mark.parametrize(("share", "approved"), [("0.006", True), ("0.00599", False)])
def test_an_entry_counts_what_the_other_side_holds(share, approved):
    scene = a_hedge()
    limits = RiskLimits(position_size_pct=Decimal(share))
    ticket = a_ticket(position_side=LONG)

    verdict = review(scene.ledger, scene.view, limits, ticket, scene.now_ms)

    assert isinstance(verdict, Approved) is approved
    if isinstance(verdict, Denied):
        assert verdict.objection.rule == "position_size"


@pytest.mark.parametrize(("side", "other"), [(LONG, SHORT), (SHORT, LONG)])
@pytest.mark.parametrize(("strategy_id", "approved"), [("rsi", False), ("sma", True), (MANUAL, True)])
def test_both_sides_of_a_symbol_belong_to_the_strategy_that_opened_one(side, other, strategy_id, approved):
    scene = a_scene()
    assert hold(scene, side, 3, 1).strategy_id == "sma"
    ticket = a_ticket(side=OPENING[other], position_side=other, strategy_id=strategy_id)

    verdict = review(scene.ledger, scene.view, RiskLimits(), ticket, scene.now_ms)

    assert isinstance(verdict, Approved) is approved
    if isinstance(verdict, Denied):
        assert verdict.objection.text == f"{BTC} belongs to sma until it is flat"


def test_what_a_person_opens_on_the_other_side_takes_the_symbol_from_no_strategy():
    scene = a_scene()
    hold(scene, LONG, 3, 1)
    by_hand = scene.place(side=SELL, quantity=2, position_side=SHORT, strategy_id=MANUAL)
    filled(scene, by_hand, 2)

    grown = review(scene.ledger, scene.view, RiskLimits(), a_ticket(position_side=LONG), scene.now_ms)
    turned = review(
        scene.ledger, scene.view, RiskLimits(), a_ticket(side=SELL, position_side=SHORT), scene.now_ms
    )

    assert isinstance(grown, Approved)
    assert isinstance(turned, Denied) and turned.objection.rule == "position_owner"


@pytest.mark.parametrize(
    ("side", "order_side", "quantity", "approved"),
    [
        (LONG, SELL, 3, True),
        (LONG, SELL, 4, False),
        (SHORT, BUY, 2, True),
        (SHORT, BUY, 3, False),
        (LONG, BUY, 1, False),
    ],
)
def test_an_exit_takes_from_its_own_side_alone(side, order_side, quantity, approved):
    scene = a_hedge()
    ticket = an_exit(side=order_side, quantity=quantity, position_side=side)

    verdict = review(scene.ledger, scene.view, RiskLimits(), ticket, scene.now_ms)

    assert isinstance(verdict, Approved) is approved


def test_closing_one_side_leaves_the_other_with_its_stop():
    scene = a_hedge()

    filled(scene, scene.place(an_exit(quantity=3, position_side=LONG)), 3)

    assert scene.ledger.position(BTC, LONG).is_flat
    assert scene.ledger.position(BTC, SHORT).quantity == -2
    alive = [
        o.ticket.position_side
        for o in scene.open(Purpose.PROTECTIVE_STOP)
        if o.cancel_state is CancelState.NONE
    ]
    assert alive == [SHORT]


def test_a_side_whose_stop_is_refused_is_closed_though_the_other_sides_stop_stands():
    scene = a_hedge()
    stops = {order.ticket.position_side: order for order in scene.open(Purpose.PROTECTIVE_STOP)}
    scene.accept(stops[LONG])

    step = scene.decide(Refused(stops[SHORT].client_order_id, -4045, "no"))

    (close,) = submits(step)
    assert (close.ticket.purpose, close.ticket.position_side) == (Purpose.EMERGENCY, SHORT)


def test_a_hard_halt_closes_both_sides():
    scene = a_hedge()

    step = scene.decide(MoveTrading(TradingTrigger.HALT, "run", "operator", flatten=True))

    sent = {each.ticket.position_side: (each.ticket.side, each.ticket.quantity) for each in submits(step)}
    assert sent == {LONG: (SELL, Decimal(3)), SHORT: (BUY, Decimal(2))}


# --- a trade that was not heard of -----------------------------------------------------------------------------


def a_scene_that_misses_a_trade(side: PositionSide = LONG, **policy: Any) -> Scene:
    """Half of an entry of 2 was heard of; the stop for all of it has traded in whole."""
    scene = a_scene(**policy)
    entry = scene.place(side=OPENING[side], quantity=2, position_side=side)
    scene.accept(entry)
    first = a_fill(entry, 1, 1, position_side=side)
    scene.stream(OrderNews(a_report(entry, OrderStatus.PARTIALLY_FILLED, 1), first))
    for order in [*scene.open(Purpose.PROTECTIVE_STOP), *scene.open(Purpose.PROTECTIVE_TARGET)]:
        scene.accept(order)
    filled(scene, scene.stop, 3)
    assert scene.ledger.position(BTC, side).quantity == -OPENING[side].sign
    return scene


@pytest.mark.parametrize("side", [LONG, SHORT])
def test_for_a_side_that_misses_a_trade_nothing_is_sent_and_what_stands_is_left_standing(side):
    scene = a_scene()
    entry = scene.place(side=OPENING[side], quantity=2, position_side=side)
    scene.accept(entry)
    first = a_fill(entry, 1, 1, position_side=side)
    scene.stream(OrderNews(a_report(entry, OrderStatus.PARTIALLY_FILLED, 1), first))
    (target,) = scene.open(Purpose.PROTECTIVE_TARGET)
    whole = a_fill(scene.stop, 3, 2, 98, position_side=side)

    step = scene.stream(OrderNews(a_report(scene.stop, OrderStatus.FILLED, 2), whole))

    assert (submits(step), cancels(step), len(reconciles(step))) == ([], [], 1)
    step = scene.decide(Tick())
    assert (submits(step), cancels(step)) == ([], [])

    second = a_fill(entry, 2, 1, position_side=side)
    step = scene.stream(OrderNews(a_report(entry, OrderStatus.FILLED, 2), second))

    assert scene.ledger.position(BTC, side).is_flat
    assert cancels(step) == [target.client_order_id]


@pytest.mark.parametrize("trigger", [TradingTrigger.HALT, TradingTrigger.REDUCE])
@pytest.mark.parametrize("side", [LONG, SHORT])
def test_a_hard_halt_sends_nothing_for_a_side_that_misses_a_trade(side, trigger):
    scene = a_scene_that_misses_a_trade(side)

    step = scene.decide(MoveTrading(trigger, "run", "operator", flatten=True))

    assert (submits(step), alarms(step)) == ([], [])


@pytest.mark.parametrize(
    ("late_s", "asks"), [(1, True), (2, True), (3, False), (4, True), (5, False), (7, False), (8, True)]
)
def test_a_missing_trade_is_asked_about_after_1_2_4_8_seconds(late_s, asks):
    scene = a_scene_that_misses_a_trade()
    scene.now_ms = scene.ledger.position(BTC, LONG).updated_ms - VENUE_AHEAD_MS + late_s * 1_000

    reasons = reconciles(scene.decide(Tick()))

    assert any(each.reason.startswith(f"a trade of {BTC} LONG") for each in reasons) is asks


def test_margin_is_looked_after_with_the_positions_that_can_be_closed():
    scene = a_scene_that_misses_a_trade(watches_losses=True)
    hold(scene, SHORT, "0.5", 4)
    scene.view.margin_brackets = (MarginBracket(Decimal(10**9), Decimal(5_000), Decimal(0), 125),)
    scene.view.marks[BTC] = Decimal(101)

    step = scene.decide(Tick())

    emergencies = [s.ticket for s in submits(step) if s.ticket.purpose is Purpose.EMERGENCY]
    assert [(t.position_side, t.side) for t in emergencies] == [(SHORT, BUY)]


def test_no_fence_is_placed_at_a_side_that_misses_a_trade():
    scene = a_scene_that_misses_a_trade()

    assert submits(scene.decide(PlaceFence(BTC))) == []

    hold(scene, SHORT, 1, 4)

    (fence,) = submits(scene.decide(PlaceFence(BTC)))
    assert (fence.ticket.position_side, fence.ticket.side) == (SHORT, BUY)


def test_what_stands_for_a_side_that_misses_a_trade_stays_when_all_orders_are_to_end():
    scene = a_scene_that_misses_a_trade()
    targets = [target.client_order_id for target in scene.open(Purpose.PROTECTIVE_TARGET)]

    step = scene.decide(RequestCancelAll(None, "asked for"))
    with pytest.raises(ValueError, match="there is no position"):
        scene.decide(RequestProtection(BTC, LONG))

    assert targets and not set(targets) & set(cancels(step))

    asked = [scene.decide(RequestCancel(name, "by hand")) for name in targets]

    # What is held is not known: that it is to be without cannot be remembered, and is not said.
    assert [(cancels(each), alarms(each)) for each in asked] == [([name], []) for name in targets]


# --- any fills in any order -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Fill:
    side: PositionSide
    opens: bool
    quantity: int
    price: int

    @property
    def order_side(self) -> OrderSide:
        return OPENING[self.side] if self.opens else OPENING[self.side].opposite


FILLS = st.lists(
    st.builds(Fill, st.sampled_from([LONG, SHORT]), st.booleans(), st.integers(1, 5), st.integers(50, 150)),
    max_size=25,
)


@given(fills=FILLS, repeated=st.lists(st.integers(0, 24), max_size=10))
def test_both_sides_are_the_sums_of_their_fills_and_of_their_lots_however_often_told(fills, repeated):
    scene = a_scene()
    told = [*enumerate(fills, 1), *((i + 1, fills[i]) for i in repeated if i < len(fills))]

    for trade_id, fill in told:
        order = scene.place(side=fill.order_side, quantity=fill.quantity, position_side=fill.side)
        report = a_report(order, OrderStatus.CANCELED)
        trade = a_fill(order, trade_id, fill.quantity, fill.price, position_side=fill.side)
        step = scene.stream(OrderNews(report, trade))
        # Whatever a trade that comes too early makes of a side: what is sent to guard or close it cannot open it.
        assert all(OPENING[s.ticket.position_side] is not s.ticket.side for s in submits(step))

    cash = Decimal(0)
    for fill in fills:
        cash -= fill.order_side.sign * fill.quantity * fill.price
    invested = Decimal(0)
    for side in (LONG, SHORT):
        position = scene.ledger.position(BTC, side)
        signed = sum((f.order_side.sign * f.quantity for f in fills if f.side is side), 0)
        assert position.quantity == signed
        assert sum((lot.quantity for lot in position.lots), Decimal(0)) == abs(position.quantity)
        invested += sum((lot.quantity * lot.price for lot in position.lots), Decimal(0)) * position.side.sign
    assert sum((trip.pnl for trip in scene.ledger.changes.round_trips), Decimal(0)) - invested == cash
    assert scene.ledger.position(BTC).is_flat
