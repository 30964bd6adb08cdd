"""Sessions and the trading state: taking over, pausing, stopping, halting, and the end of a recovery."""

import pytest

from src.domain.decisions import news as n
from src.domain.decisions.alarms import restrict
from src.domain.ledger import events as e
from src.domain.orders.news import OutcomeUnknown, Refused
from src.domain.orders.types import OrderStatus, Purpose
from src.domain.sessions.session import SessionTrigger, TradingSessionStatus
from src.domain.sessions.trading_states import SymbolState, TradingState, TradingTrigger
from src.domain.shared.errors import IllegalTransition
from tests.support.domain_builders import ETH, SELL, an_exit, some_options
from tests.support.domain_scene import Scene, alarms, cancels, kinds


def move(scene, trigger):
    return scene.decide(n.MoveSession(SessionTrigger[trigger], "wanted"))


def trading(scene, trigger, reason="wanted"):
    return scene.decide(n.MoveTrading(TradingTrigger[trigger], reason, "operator"))


def concluded(*differences):
    return n.RecoveryConcluded("start", 0, 0, 0, differences)


def status(scene):
    assert scene.ledger.session is not None
    return scene.ledger.session.status


# --- sessions -----------------------------------------------------------------------------------------------


def test_a_new_session_runs_after_its_first_recovery():
    scene = Scene()
    move(scene, "STOP")
    move(scene, "CLEANED_UP")

    scene.decide(n.OpenSession("second", some_options()))
    before = status(scene)
    scene.decide(concluded())

    assert before is TradingSessionStatus.STARTING
    assert status(scene) is TradingSessionStatus.RUNNING
    assert scene.ledger.session is not None and scene.ledger.session.id == "second"


def test_an_unfinished_session_is_not_replaced_by_another():
    scene = Scene()
    first = scene.ledger.session

    with pytest.raises(ValueError, match="is unfinished: it is resumed, not replaced"):
        scene.decide(n.OpenSession("second", some_options()))

    assert scene.ledger.session is first


def test_the_equity_curve_of_a_session_ends_where_the_session_does():
    scene = Scene()
    move(scene, "STOP")

    marked, moved = move(scene, "CLEANED_UP").events

    assert isinstance(marked, e.EquityMarked) and marked.wallet == scene.ledger.wallet_balance
    assert isinstance(moved, e.SessionMoved)


def test_a_new_process_takes_its_epoch_and_starts_an_unfinished_session_again():
    scene = Scene()

    scene.decide(n.TakeOver(2))

    assert scene.ledger.account.epoch == 2
    assert status(scene) is TradingSessionStatus.STARTING
    assert scene.place().client_order_id.startswith("sh1-0002-")


def test_a_new_process_leaves_a_finished_session_finished():
    scene = Scene()
    move(scene, "STOP")
    move(scene, "CLEANED_UP")

    step = scene.decide(n.TakeOver(2))

    assert kinds(step) == [e.EpochStarted]


@pytest.mark.parametrize(
    "story",
    [
        ["take over"],
        ["take over", "take over"],
        ["FAIL", "take over"],
        ["take over", "FAIL", "take over"],
        ["take over", "FAIL", "take over", "FAIL", "take over"],
    ],
    ids=" then ".join,
)
def test_a_session_that_was_paused_comes_back_paused_whatever_happens_in_between(story):
    scene = Scene()
    move(scene, "PAUSE")
    for epoch, what in enumerate(story, 2):
        if what == "take over":
            scene.decide(n.TakeOver(epoch))
        else:
            move(scene, what)

    scene.decide(concluded())

    assert status(scene) is TradingSessionStatus.PAUSED


def test_a_session_that_was_resumed_before_the_crash_comes_back_running():
    scene = Scene()
    move(scene, "PAUSE")
    move(scene, "RESUME")

    scene.decide(n.TakeOver(2))
    scene.decide(concluded())

    assert status(scene) is TradingSessionStatus.RUNNING


def test_a_session_that_fails_while_running_comes_back_running():
    scene = Scene()
    move(scene, "FAIL")

    scene.decide(n.TakeOver(2))
    scene.decide(concluded())

    assert status(scene) is TradingSessionStatus.RUNNING


def test_a_later_recovery_of_a_running_session_does_not_move_it():
    scene = Scene()

    step = scene.decide(concluded())

    assert kinds(step) == [e.RecoveryFinished]


def test_an_illegal_step_of_a_session_is_refused_with_nothing_changed():
    scene = Scene()
    before = len(scene.journal)

    with pytest.raises(IllegalTransition):
        move(scene, "RESUME")

    assert status(scene) is TradingSessionStatus.RUNNING
    assert len(scene.journal) == before


def test_stopping_cancels_entries_and_resting_exits_and_leaves_the_stops():
    scene = Scene()
    scene.hold(2)
    entry = scene.place(limit_price=90)
    exit_ = scene.place(an_exit(limit_price=110))

    step = move(scene, "STOP")

    assert sorted(cancels(step)) == sorted([entry.client_order_id, exit_.client_order_id])


def test_a_session_that_ends_names_the_position_whose_own_stop_is_not_known_to_stand():
    scene = Scene()
    scene.hold()
    other = scene.place(symbol=ETH)
    scene.accept(other)
    scene.fill(other, 5)
    move(scene, "STOP")

    step = move(scene, "CLEANED_UP")

    assert alarms(step) == ["the session stops, and 1 ETHUSDT is held without a stop: nobody protects it"]


def test_a_pause_cancels_entries_and_leaves_exits_and_stops():
    scene = Scene()
    scene.hold(2)
    entry = scene.place(limit_price=90)
    scene.place(an_exit(limit_price=110))

    assert cancels(move(scene, "PAUSE")) == [entry.client_order_id]
    assert cancels(move(scene, "RESUME")) == []


def test_neither_a_stop_nor_a_halt_cancels_an_emergency_close():
    scene = Scene()
    scene.hold(protected=False)
    scene.decide(Refused(scene.stop.client_order_id, -2021, "no"))

    steps = [trading(scene, "HALT"), move(scene, "STOP")]

    assert [cancels(step) for step in steps] == [[], []]
    assert len(scene.open(Purpose.EMERGENCY)) == 1


# --- trading state ------------------------------------------------------------------------------------------


def test_a_halt_cancels_entries_and_leaves_exits_and_stops():
    scene = Scene()
    scene.hold(2)
    entry = scene.place(side=SELL, symbol=ETH, limit_price=110)
    scene.place(an_exit(limit_price=110))

    step = trading(scene, "HALT", "enough")

    assert scene.ledger.account.trading_state is TradingState.HALTED
    assert scene.ledger.account.trading_reason == "enough"
    assert cancels(step) == [entry.client_order_id]


@pytest.mark.parametrize("trigger", ["HALT", "REDUCE"])
def test_a_repeated_halt_is_no_new_record_but_cancels_what_came_since(trigger):
    scene = Scene()
    trading(scene, trigger)
    entry = scene.place(limit_price=90)

    step = trading(scene, trigger)

    assert kinds(step) == [e.CancelRequested]
    assert cancels(step) == [entry.client_order_id]


@pytest.mark.parametrize("trigger", ["RESTORE", "REDUCE"])
def test_nothing_but_rearming_ends_a_halt(trigger):
    scene = Scene()
    trading(scene, "HALT")

    step = trading(scene, trigger)

    assert step.events == []
    assert scene.ledger.account.trading_state is TradingState.HALTED


def test_rearming_allows_trading_again():
    scene = Scene()
    trading(scene, "HALT")

    trading(scene, "REARM")

    assert scene.ledger.account.trading_state is TradingState.ACTIVE


def test_a_difference_after_the_last_read_halts_trading_and_is_published():
    scene = Scene()
    scene.decide(n.TakeOver(2))
    difference = e.DifferenceFound("position BTCUSDT BOTH", "1", "2", "halts")

    step = scene.decide(concluded(difference))

    assert kinds(step) == [e.DifferenceFound, e.TradingMoved, e.RecoveryFinished, e.SessionMoved]
    assert scene.ledger.account.trading_state is TradingState.HALTED
    assert status(scene) is TradingSessionStatus.RUNNING


def test_a_difference_ends_the_entries_that_rest():
    scene = Scene()
    scene.hold(2)
    entry = scene.place(side=SELL, symbol=ETH, limit_price=110)

    step = scene.decide(concluded(e.DifferenceFound("position BTCUSDT BOTH", "1", "2", "halts")))

    assert cancels(step) == [entry.client_order_id]


def test_a_stop_alone_asks_for_the_end_of_an_entry_that_is_filled_and_whose_trades_are_missing():
    scene = Scene()
    entry = scene.place(quantity=2)
    scene.accept(entry)
    scene.hear(entry, OrderStatus.PARTIALLY_FILLED, 2)

    halted, stopped = trading(scene, "HALT"), move(scene, "STOP")

    assert entry.is_open
    assert cancels(halted) == []
    assert cancels(stopped) == [entry.client_order_id]


def test_a_recovery_counts_the_attempts_that_stay_unresolved():
    scene = Scene()
    order = scene.place()
    scene.decide(OutcomeUnknown(order.client_order_id, "timeout"))
    scene.place()
    scene.accept(scene.place())

    step = scene.decide(concluded())

    (finished,) = step.events
    assert isinstance(finished, e.RecoveryFinished)
    assert finished.unresolved == 2
    assert finished.agrees


def test_the_end_and_the_new_start_of_the_stream_are_recorded():
    scene = Scene()

    steps = [scene.decide(n.StreamEnded(1, "gone")), scene.decide(n.StreamRestarted(2))]

    assert [kinds(step) for step in steps] == [[e.StreamLost], [e.StreamOpened]]
    assert scene.ledger.account.stream_epoch == 2


def test_a_failed_session_that_was_reset_starts_anew_and_does_not_remember_its_pause():
    scene = Scene()
    for trigger in ("PAUSE", "FAIL", "RESET", "START"):
        move(scene, trigger)

    scene.decide(concluded())

    assert status(scene) is TradingSessionStatus.RUNNING


# --- closed symbols -----------------------------------------------------------------------------------------


def close_the_symbol(scene, symbol=ETH):
    step = scene.decide(n.Tick())
    restrict(step, symbol, "something does not add up")


def test_a_closed_symbol_is_opened_again_by_a_person():
    scene = Scene()
    close_the_symbol(scene)

    scene.decide(n.ReopenSymbol(ETH, "operator"))

    assert scene.ledger.symbol(ETH).state is SymbolState.TRADING


def test_an_unknown_outcome_keeps_a_reopened_symbol_restricted_until_it_is_settled():
    scene = Scene()
    order = scene.place(symbol=ETH)
    scene.decide(OutcomeUnknown(order.client_order_id, "timeout"))
    close_the_symbol(scene)

    scene.decide(n.ReopenSymbol(ETH, "operator"))
    restricted = scene.ledger.symbol(ETH).state
    scene.accept(order)

    assert restricted is SymbolState.REDUCE_ONLY
    assert scene.ledger.symbol(ETH).state is SymbolState.TRADING


def test_a_symbol_that_is_open_needs_no_reopening():
    assert Scene().decide(n.ReopenSymbol(ETH, "operator")).events == []


# --- a stop that a crash interrupts -------------------------------------------------------------------------


def test_a_session_killed_while_stopping_goes_on_stopping_for_its_reason():
    scene = Scene()
    scene.decide(n.MoveSession(SessionTrigger.STOP, "its time is over"))

    scene.decide(n.TakeOver(2))
    scene.decide(concluded())

    assert status(scene) is TradingSessionStatus.STOPPING
    assert scene.ledger.session is not None and scene.ledger.session.reason == "its time is over"
