"""Orders and trades of others on the account: always booked, and then adopted, counted or a reason to halt."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from src.domain.decisions.news import Tick
from src.domain.ledger import events as e
from src.domain.orders.news import OrderNews
from src.domain.orders.transitions import CancelState
from src.domain.orders.types import OrderStatus, Purpose
from src.domain.positions.external import ExternalPolicy, forced
from src.domain.risk.limits import RiskLimits
from src.domain.risk.rules import MANUAL
from src.domain.sessions.trading_states import TradingState
from tests.support.domain_builders import BUY, ETH, SELL, a_fill, a_read, a_report, a_ticket
from tests.support.domain_scene import Scene, alarms, cancels

ADOPT, COUNT, HALT = ExternalPolicy


def a_scene(policy: ExternalPolicy) -> Scene:
    return Scene(limits=RiskLimits(external_orders=policy))


def foreign(scene: Scene, name: str = "web_1", quantity="1", side=BUY, trade_id: int = 7, **changes):
    """The stream tells of an order that somebody else placed, and of its trade."""
    template = Scene().place(a_ticket(side=side, quantity=quantity))
    report = replace(a_report(template, OrderStatus.FILLED, quantity), client_order_id=name)
    fill = a_fill(template, trade_id, quantity, client_order_id=name, exchange_order_id=777, **changes)
    return scene.stream(OrderNews(replace(report, exchange_order_id=777), fill))


@pytest.mark.parametrize("policy", ExternalPolicy)
def test_whatever_the_policy_a_foreign_trade_is_booked_told_and_protected(policy):
    scene = a_scene(policy)

    step = foreign(scene)

    assert scene.position.quantity == 1
    assert len(alarms(step)) == 1
    assert len(scene.open(Purpose.PROTECTIVE_STOP)) == 1


@pytest.mark.parametrize(("policy", "owner"), [(ADOPT, MANUAL), (COUNT, "external"), (HALT, "external")])
def test_what_a_foreign_trade_opens_belongs_to(policy, owner):
    scene = a_scene(policy)

    foreign(scene)

    assert scene.position.strategy_id == owner


@pytest.mark.parametrize(("policy", "owner"), [(ADOPT, "sma"), (COUNT, "external")])
def test_a_foreign_trade_that_adds_to_a_strategys_position_has_a_lot_of(policy, owner):
    scene = a_scene(policy)
    scene.hold()

    foreign(scene)

    assert [lot.strategy_id for lot in scene.position.lots] == ["sma", owner]
    assert scene.position.strategy_id == "sma"


@pytest.mark.parametrize(("policy", "after"), [(ADOPT, "ACTIVE"), (COUNT, "ACTIVE"), (HALT, "HALTED")])
@pytest.mark.parametrize("by_stream", [True, False])
def test_only_the_strictest_policy_halts(policy, after, by_stream):
    scene = a_scene(policy)

    if by_stream:
        foreign(scene)
    else:
        scene.decide(a_read(fills=[a_fill(None, 7, exchange_order_id=777)], confirmed=[("BTCUSDT", 7)]))

    assert scene.ledger.account.trading_state.value == after
    assert scene.position.quantity == 1


def test_a_foreign_order_that_rests_halts_by_the_strictest_policy_alone():
    for policy, after in ((COUNT, TradingState.ACTIVE), (HALT, TradingState.HALTED)):
        scene = a_scene(policy)
        order = Scene().place(limit_price=90)
        scene.stream(OrderNews(replace(a_report(order), client_order_id="web_1")))
        assert scene.ledger.account.trading_state is after


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("autoclose-1789478300000", "a liquidation"),
        ("adl_autoclose", "an auto-deleveraging"),
        ("settlement_autoclose-1789478300000", "a settlement"),
        ("delivery_autoclose-1789478300000", "a delivery"),
    ],
)
@pytest.mark.parametrize("policy", ExternalPolicy)
def test_a_forced_trade_is_external_halts_and_leaves_nothing_behind(policy, name, kind):
    scene = a_scene(policy)
    scene.hold()

    step = foreign(scene, name, side=SELL, realized_pnl=Decimal(-40), commission=Decimal("1.25"))

    (booked,) = [event for event in step.events if isinstance(event, e.FillBooked)]
    assert booked.strategy_id == "external"
    assert kind in alarms(step)[0] and kind in scene.ledger.account.trading_reason
    assert scene.ledger.account.trading_state is TradingState.HALTED
    assert scene.position.is_flat and scene.ledger.wallet_balance == Decimal("99958.75")
    assert all(o.cancel_state is CancelState.REQUESTED for o in scene.ledger.orders.values() if o.is_open)


@pytest.mark.parametrize(("policy", "name"), [(COUNT, "autoclose-1"), (HALT, "web_1")])
def test_what_halts_for_somebody_elses_trade_ends_the_entries_that_rest(policy, name):
    scene = a_scene(policy)
    scene.hold()
    entry = scene.place(limit_price=90, symbol=ETH)
    scene.accept(entry)

    step = foreign(scene, name, quantity="0.5", side=SELL)
    again = foreign(scene, name, quantity="0.5", side=SELL, trade_id=8)

    assert cancels(step) == [entry.client_order_id]
    assert entry.client_order_id not in cancels(again)


@pytest.mark.parametrize("by_stream", [True, False])
def test_what_a_foreign_trade_earned_in_another_asset_enters_that_assets_wallet_alone(by_stream):
    scene = a_scene(COUNT)
    before = scene.ledger.wallet_balance
    money: dict[str, Any] = {"realized_pnl": Decimal(5), "commission": Decimal("0.1")}
    money |= {"commission_asset": "USDC", "margin_asset": "USDC"}
    scene.hold()

    if by_stream:
        foreign(scene, side=SELL, **money)
    else:
        fill = a_fill(None, 7, exchange_order_id=777, side=SELL, **money)
        scene.decide(a_read(fills=[fill], confirmed=[("BTCUSDT", 7)]))

    account, session = scene.ledger.account, scene.ledger.session
    assert session is not None
    assert scene.position.is_flat and scene.position.realized_pnl == 5
    assert scene.ledger.wallet_balance == before
    assert account.wallet["USDC"] == Decimal("4.9")
    assert account.realized_pnl == session.total_pnl == session.total_trades == 0
    assert not scene.ledger.changes.round_trips


def test_a_trade_is_booked_alike_whether_its_margin_asset_is_named_or_goes_without_saying():
    for named in ("", "USDT"):
        scene = a_scene(COUNT)
        step = foreign(scene, margin_asset=named, realized_pnl=Decimal(5))
        (booked,) = [event for event in step.events if isinstance(event, e.FillBooked)]
        assert booked.margin_asset == ""
        assert scene.ledger.account.realized_pnl == 5


def test_a_foreign_trade_is_booked_once_however_often_it_is_told():
    scene = a_scene(COUNT)
    foreign(scene)
    before = scene.ledger.wallet_balance, scene.position.quantity

    foreign(scene)
    scene.decide(a_read(fills=[a_fill(None, 7, exchange_order_id=777)], confirmed=[("BTCUSDT", 7)]))
    scene.decide(Tick())

    assert (scene.ledger.wallet_balance, scene.position.quantity) == before


@pytest.mark.parametrize("name", ["web_abc", "sh1-0001-0000001", "", "x-autoclose-1"])
def test_other_names_are_not_forced(name):
    assert forced(name) is None
