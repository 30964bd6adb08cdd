"""Losses that go too far: what they restrict, until when, and that transfers are none."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.domain.decisions import news as n
from src.domain.decisions.session import DAY_MS
from src.domain.ledger import events as e
from src.domain.orders.types import Purpose
from src.domain.risk.limits import RiskLimits
from src.domain.risk.review import Denied
from src.domain.risk.rules import Objection
from src.domain.sessions.trading_states import SymbolState, TradingState, TradingTrigger
from tests.support.domain_builders import BTC, ETH, WALLET, a_ticket, some_income
from tests.support.domain_scene import Scene, alarms, cancels, kinds, purposes


def a_scene(**limits) -> Scene:
    """A long position of 100 at 100, equity 100 000, on a day that has begun and been marked."""
    scene = Scene(limits=RiskLimits(**limits), watches_losses=True)
    scene.hold(100)
    scene.decide(n.Tick(mark_equity=True))
    return scene


def lose(scene: Scene, amount: int):
    scene.view.marks[BTC] = Decimal(100) - Decimal(amount) / 100
    return scene.decide(n.Tick())


def state(scene: Scene) -> TradingState:
    return scene.ledger.account.trading_state


def tomorrow(scene: Scene):
    scene.now_ms += DAY_MS
    return scene.decide(n.Tick())


@pytest.mark.parametrize(("lost", "after"), [(1_999, "ACTIVE"), (2_000, "REDUCE_ONLY")])
def test_a_days_loss_at_its_limit_restricts_trading_and_tells_somebody(lost, after):
    scene = a_scene()
    entry = scene.place(symbol=ETH)

    step = lose(scene, lost)

    assert state(scene).value == after
    restricted = after != "ACTIVE"
    assert bool(alarms(step)) is restricted
    assert cancels(step) == ([entry.client_order_id] if restricted else [])


def test_what_the_day_restricted_is_free_with_the_next_one():
    scene = a_scene()
    lose(scene, 2_000)

    tomorrow(scene)

    assert state(scene) is TradingState.ACTIVE


def test_a_halt_for_the_days_loss_outlasts_the_day():
    scene = a_scene(daily_loss_trigger=TradingTrigger.HALT)
    lose(scene, 2_000)

    tomorrow(scene)

    assert state(scene) is TradingState.HALTED


@pytest.mark.parametrize("before_the_loss", [True, False])
def test_what_a_person_restricted_outlasts_the_day(before_the_loss):
    scene = a_scene()
    wish = n.MoveTrading(TradingTrigger.REDUCE, "holidays", "operator")
    steps = [lambda: scene.decide(wish), lambda: lose(scene, 2_000)]
    for act in steps if before_the_loss else reversed(steps):
        act()

    tomorrow(scene)

    assert (state(scene), scene.ledger.account.trading_reason) == (TradingState.REDUCE_ONLY, "holidays")


def test_a_drawdown_that_only_restricts_outlasts_the_day_whose_loss_restricted_before_it():
    scene = a_scene(drawdown_trigger=TradingTrigger.REDUCE, drawdown_pct_max=Decimal("0.05"))
    lose(scene, 2_000)

    told, *again = [alarms(lose(scene, amount)) for amount in (5_000, 5_000, 4_900)]
    tomorrow(scene)

    assert state(scene) is TradingState.REDUCE_ONLY
    assert scene.ledger.account.trading_reason in told
    assert "drawdown" in scene.ledger.account.trading_reason and again == [[], []]


def test_a_breach_is_told_once():
    scene = a_scene()
    lose(scene, 2_000)

    step = lose(scene, 2_500)

    assert e.TradingMoved not in kinds(step) and not alarms(step)


def test_a_drawdown_halts_until_somebody_rearms_and_is_measured_anew_from_there():
    scene = a_scene(daily_loss_pct_max=Decimal(1), drawdown_pct_max=Decimal("0.05"))
    scene.view.marks[BTC] = Decimal(150)
    scene.decide(n.Tick(mark_equity=True))

    lose(scene, 250)
    halted = state(scene), scene.ledger.account.trading_reason
    tomorrow(scene)
    still = state(scene)
    scene.decide(n.MoveTrading(TradingTrigger.REARM, "re-armed", "operator"))
    scene.decide(n.Tick(mark_equity=True))
    lose(scene, 5_000)

    assert halted[0] is still is TradingState.HALTED and "drawdown" in halted[1]
    assert scene.ledger.account.peak_equity == WALLET - 250
    assert state(scene) is TradingState.ACTIVE


def test_after_a_rearming_a_drawdown_is_watched_from_the_next_look_on():
    scene = a_scene(daily_loss_pct_max=Decimal(1), drawdown_pct_max=Decimal("0.05"))
    lose(scene, 5_000)
    scene.decide(n.MoveTrading(TradingTrigger.REARM, "re-armed", "operator"))
    scene.decide(n.Tick())

    lose(scene, 9_900)

    assert state(scene) is TradingState.HALTED
    assert e.EquityMarked not in kinds(scene.decide(n.Tick()))


def test_a_policy_without_limits_watches_nothing():
    scene = Scene()
    scene.hold(100)
    scene.decide(n.Tick(mark_equity=True))

    lose(scene, 9_000)

    assert state(scene) is TradingState.ACTIVE


@given(st.lists(st.integers(-40_000, 40_000), max_size=5))
def test_transfers_are_neither_loss_nor_gain(amounts):
    scene = a_scene()
    for number, amount in enumerate(amounts, 100):
        scene.stream(some_income(number, "TRANSFER", amount, symbol=""))
        scene.decide(n.Tick())

    assert state(scene) is TradingState.ACTIVE
    account = scene.ledger.account
    if account.day_start_equity > 0:
        assert account.day_start_equity == account.peak_equity == scene.ledger.wallet_balance


def test_a_deposit_does_not_hide_a_loss():
    scene = a_scene()
    scene.stream(some_income(100, "TRANSFER", 50_000, symbol=""))

    lose(scene, 3_000)

    assert state(scene) is TradingState.REDUCE_ONLY


def test_what_is_taken_by_an_insurance_fund_is_a_loss():
    scene = a_scene()
    scene.stream(some_income(100, "INSURANCE_CLEAR", -2_000))

    scene.decide(n.Tick())

    assert state(scene) is TradingState.REDUCE_ONLY


def test_a_hard_halt_closes_every_position_once():
    scene = Scene()
    scene.hold()
    wish = n.MoveTrading(TradingTrigger.HALT, "run", "operator", flatten=True)

    first, second = scene.decide(wish), scene.decide(wish)

    assert purposes(first) == [Purpose.EMERGENCY]
    assert purposes(second) == []
    assert state(scene) is TradingState.HALTED


# --- a strategy in a loop -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("rule", "closes"), [("repeated_execution", True), ("order_value", False)])
@pytest.mark.parametrize("wanted", [True, False])
def test_a_strategy_in_a_loop_closes_its_symbol_where_that_is_wanted(rule, closes, wanted):
    scene = Scene(limits=RiskLimits(repeated_execution_closes=wanted))
    denied = Denied(a_ticket(), Objection(rule, "30", "30", "30 orders a minute are the limit"))

    first, second = scene.decide(n.RefuseOrder(denied)), scene.decide(n.RefuseOrder(denied))

    closed = scene.ledger.symbol(BTC).state is SymbolState.CLOSED
    assert closed is (wanted and closes)
    assert (len(alarms(first)), len(alarms(second))) == (int(closed), 0)
