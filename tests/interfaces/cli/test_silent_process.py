"""A process that has the account and does not answer: it is named, and nobody acts in its place."""

import pytest

from src.domain.sessions.trading_states import SymbolState
from src.interfaces.cli import control
from tests.interfaces.cli.conftest import Run
from tests.support.fake_composition import FakeApplication
from tests.support.session_builders import a_snapshot, an_account

SAID = "pid 7 holds account acc00001 but does not answer"


@pytest.fixture(autouse=True)
def held(app: FakeApplication, monkeypatch: pytest.MonkeyPatch) -> None:
    """The account is held, and there is no answer, however often a command asks; between two it waits for nothing."""
    app.held_by = "pid 7"
    monkeypatch.setattr(control, "_POLL_S", 0)


def test_its_last_known_state_is_shown_as_that_and_not_as_of_one_that_does_not_run(run: Run):
    shown, risk = run("status").out, run("risk").out
    document = run("status", "--json").document

    assert "[pid 7 does not answer, last known state, 2m old]" in shown and SAID in shown
    assert "pid 7 does not answer: as last committed" in risk
    assert "not running" not in shown + risk
    assert (document["running"], document["holder"]) == (False, "pid 7")


@pytest.mark.parametrize(
    "command",
    ["stop-session", "reconcile", "recover --dry-run", "rearm", "rearm --symbol BTCUSDT", "pause-session"],
)
def test_what_only_it_may_do_is_refused_with_the_code_of_no_answer(
    run: Run, app: FakeApplication, command: str
):
    assert app.reads.the_ledger is not None
    app.reads.the_ledger.symbol("BTCUSDT").state = SymbolState.CLOSED

    ran = run(*command.split())

    assert (ran.code, ran.err.startswith(f"error: {SAID}")) == (5, True), ran.err
    assert app.asked == []


def test_a_halt_is_done_with_its_file_which_that_process_obeys(run: Run, app: FakeApplication):
    ran = run("halt")

    assert (ran.code, app.asked) == (0, [("engage", "asked for", "halt", None)])
    assert f"HALT in the data folder halts acc00001 too, by itself: {SAID}" in ran.out


def test_a_halt_that_is_to_close_everything_is_not_done_with_its_file(run: Run):
    ran = run("halt", "--hard")

    assert ran.code == 1
    assert SAID in ran.err and "emergency-close closes positions" in ran.err


@pytest.mark.parametrize(("setting_ms", "patience_ms", "said"), [(10_000, 3_000, "3 s"), (500, 500, "0.5 s")])
def test_a_halt_soon_says_of_a_busy_session_that_its_file_halts_it(
    run: Run, app: FakeApplication, setting_ms: int, patience_ms: int, said: str
):
    app.control_timeout_ms = setting_ms
    app.running, app.fails["halt"] = a_snapshot(), TimeoutError("timed out")

    ran, hard = run("halt"), run("halt", "--hard")

    assert (ran.code, app.patience_ms, hard.code) == (0, patience_ms, 1)
    assert (
        f"HALT in the data folder halts acc00001 too, by itself: no answer of its process in {said}"
        in ran.out
    )
    assert f"no answer of its process in {said}; emergency-close closes positions" in hard.err


def test_a_session_that_hangs_up_on_a_halt_keeps_no_other_from_being_halted(run: Run, app: FakeApplication):
    app.reads.rows.append(an_account("other-one", session_status="STOPPED"))
    app.running, app.fails["halt"] = a_snapshot(), BrokenPipeError("Broken pipe")

    ran = run("halt", "--json")

    assert (ran.code, ran.document["silent"]) == (0, ["acc00001-x", "other-one"])
    assert [each[0] for each in app.asked] == ["engage", "halt", "halt"]
