"""A trade that is heard of behind later ones counts in its turn: what is held costs what it costs at the exchange."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from src.domain.decisions.step import Step
from src.domain.ledger.evolve import fold
from src.domain.market.sides import PositionSide
from src.domain.orders.news import FillReport, OrderNews, Refused
from src.domain.orders.types import OrderStatus, Purpose
from tests.support.domain_builders import BTC, SELL, a_fill, a_read, a_report, an_exit
from tests.support.domain_scene import Scene, alarms, cancels, purposes, submits
from tests.support.ledger_builders import ledger_snapshot

STOP, TARGET = Purpose.PROTECTIVE_STOP, Purpose.PROTECTIVE_TARGET
UNHEARD, IN_TURN = Decimal(300), Decimal(250)
"""What two cost, and what is left when half of the first was sold in its turn; sold last, it would cost 225."""


class Missed:
    """One is bought at 100 (trade 1), half of it is sold (trade 2, unheard), and one is bought at 200 (trade 3)."""

    def __init__(self, **policy: Any) -> None:
        self.scene = scene = Scene(**policy)
        scene.hold(trade_id=1)
        self.exit = scene.place(an_exit(quantity=Decimal("0.5")))
        scene.accept(self.exit)
        self.buy(3, 200)
        for order in scene.open(STOP) + scene.open(TARGET):
            scene.accept(order)

    def buy(self, trade_id: int, price: int) -> None:
        self.scene.fill(self.scene.place(), trade_id, 1, price)

    @property
    def late(self) -> FillReport:
        return a_fill(self.exit, 2, "0.5", 300, side=SELL)

    def hear_late(self, by: str = "stream") -> Step:
        if by == "read":
            return self.scene.decide(a_read(fills=[self.late], confirmed=[(BTC, 3)]))
        return self.scene.stream(OrderNews(a_report(self.exit, OrderStatus.FILLED, "0.5"), self.late))


def prices(scene: Scene, purpose: Purpose) -> list[Decimal | None]:
    return [order.ticket.stop_price for order in scene.open(purpose)]


@pytest.mark.parametrize("by", ["stream", "read"])
def test_what_is_held_costs_what_its_trades_come_to_in_the_order_of_their_ids(by: str):
    missed = Missed()
    before = missed.scene.position.cost

    missed.hear_late(by)

    assert (before, missed.scene.position.cost) == (UNHEARD, IN_TURN)
    assert ledger_snapshot(fold(missed.scene.journal)) == ledger_snapshot(missed.scene.ledger)


def test_trades_that_come_in_turn_afterwards_go_on_from_there():
    missed = Missed()
    missed.hear_late()

    missed.buy(4, 300)

    assert missed.scene.position.cost == 550


def test_a_second_trade_out_of_turn_counts_beside_the_first():
    missed = Missed()
    missed.buy(5, 400)
    missed.hear_late()

    missed.buy(4, 300)

    assert missed.scene.position.cost == 950


def test_the_count_begins_at_what_was_compared():
    missed = Missed()
    missed.hear_late("read")
    closing = missed.scene.place(an_exit())
    missed.buy(6, 400)

    missed.scene.fill(closing, 5, 1, 300)

    assert missed.scene.position.cost == Decimal("483.33333333")


def test_a_comparison_that_does_not_confirm_the_newest_trades_leaves_them_to_be_counted_again():
    missed = Missed()
    missed.scene.decide(a_read(fills=[], confirmed=[(BTC, 1)]))

    missed.hear_late()

    assert missed.scene.position.cost == IN_TURN


def test_lots_are_first_in_first_out_by_the_ids_of_their_trades():
    scene = Scene()
    entry = scene.place(quantity=3)
    for trade_id in (1, 3, 2):
        scene.fill(entry, trade_id, 1, 100 + trade_id)

    assert [lot.trade_id for lot in scene.position.lots] == [1, 2, 3]
    assert ledger_snapshot(fold(scene.journal)) == ledger_snapshot(scene.ledger)


def test_a_purchase_heard_behind_the_close_of_all_that_was_known_costs_its_share_of_the_average():
    scene = Scene()
    scene.hold(trade_id=1)
    unheard = scene.place()
    scene.fill(scene.place(an_exit()), 3, 1, 120)
    assert scene.position.is_flat

    scene.fill(unheard, 2, 1, 110)

    assert scene.position.cost == 105
    assert prices(scene, STOP)[-1:] == [Decimal("102.9")]


def test_a_hedge_counts_each_side_by_itself():
    scene = Scene()

    def trade(trade_id: int, side: PositionSide, sells: bool, price: int) -> None:
        changes = {"position_side": side, "side": SELL} if sells else {"position_side": side}
        order = scene.place(an_exit(**changes) if sells else None, **({} if sells else changes))
        fill = a_fill(order, trade_id, 1, price, **changes)
        scene.stream(OrderNews(a_report(order, OrderStatus.FILLED, 1), fill))

    long, short = PositionSide.LONG, PositionSide.SHORT
    trade(1, long, False, 100)
    trade(4, long, False, 200)
    order = scene.place(side=SELL, position_side=short)
    fill = a_fill(order, 3, 1, 150, side=SELL, position_side=short)
    scene.stream(OrderNews(a_report(order, OrderStatus.FILLED, 1), fill))
    trade(2, long, True, 150)

    assert scene.ledger.position(BTC, long).cost == 200
    assert scene.ledger.position(BTC, short).cost == -150


# --- the protective orders ------------------------------------------------------------------------------------


def test_stop_and_target_by_percentage_are_made_anew_at_the_right_entry_before_the_others_go():
    missed = Missed()
    old = [*missed.scene.open(STOP), *missed.scene.open(TARGET)]

    step = missed.hear_late()

    made = [(effect.ticket.purpose, effect.ticket.stop_price) for effect in submits(step)]
    assert made == [(STOP, Decimal("163.4")), (TARGET, Decimal("175.0"))]
    assert cancels(step) == []
    for effect in submits(step):
        missed.scene.accept(missed.scene.ledger.orders[effect.attempt.client_order_id])
    assert {order.cancel_state for order in old} == {"REQUESTED"}
    assert prices(missed.scene, STOP)[-1:] == [Decimal("163.4")]


def test_however_many_trades_a_comparison_finds_they_are_made_anew_once():
    missed = Missed()
    sales = [a_fill(missed.exit, 2, "0.1", 300 + number, side=SELL) for number in range(5)]
    scene = missed.scene
    scene.fill(scene.place(), 9, 1, 250)
    for order in scene.open(STOP) + scene.open(TARGET):
        scene.accept(order)

    step = scene.decide(a_read(fills=[replace(sale, trade_id=4 + n) for n, sale in enumerate(sales)]))

    assert purposes(step) == [STOP, TARGET]
    # A quarter of two that cost 300 is sold, and one at 250 is bought behind it.
    assert scene.position.cost == Decimal(300) - 75 + 250


def test_a_stop_that_the_entry_asked_for_stays_where_it_is():
    scene = Scene(take_profit_pct=Decimal(0))
    scene.hold(trade_id=1, protected=False)
    closing = scene.place(an_exit(quantity=Decimal("0.5")))
    scene.fill(scene.place(stop_loss_price=90), 3, 1, 200)
    scene.accept(scene.open(STOP)[-1])

    step = scene.fill(closing, 2, "0.5", 300)

    assert scene.position.cost == IN_TURN
    assert submits(step) == []


def test_a_stop_at_the_right_price_is_not_made_again():
    scene = Scene()
    entry = scene.place(quantity=3)
    scene.fill(entry, 1, 1, 100)
    scene.fill(entry, 3, 1, 130)

    step = scene.fill(entry, 2, 1, 120)

    assert submits(step) == []


@pytest.mark.parametrize(("code", "sent"), [(-4045, []), (-2021, [Purpose.EMERGENCY])])
def test_where_the_right_stop_is_refused_the_other_goes_on_unless_its_price_is_reached(
    code: int, sent: list[Purpose]
):
    missed = Missed()
    old = missed.scene.open(STOP)[-1]
    new = next(effect for effect in submits(missed.hear_late()) if effect.ticket.purpose is STOP)

    step = missed.scene.decide(Refused(new.attempt.client_order_id, code, "no"))

    assert purposes(step) == sent
    assert len(alarms(step)) == 1 - len(sent)
    assert (old.is_open, old.cancel_state) == (True, "NONE")
