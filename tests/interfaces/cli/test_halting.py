"""`halt` and `rearm`: the file first, then every journal, and what is said when not all of it worked."""

import errno

import pytest

from src.application.ports.kill_switch import KillLevel
from src.application.ports.store import AccountBusy, StoreNotInitialised, StoreUnavailable
from src.domain.sessions.trading_states import SymbolState
from src.interfaces.cli.composition import EmergencyAccount, Thrown
from tests.interfaces.cli.conftest import Run
from tests.interfaces.cli.test_unknown_orders import NAME, an_unknown_order
from tests.support.fake_composition import FakeApplication
from tests.support.session_builders import a_snapshot, an_account


def test_a_halt_is_a_file_first_and_then_the_running_sessions_own(run: Run, app: FakeApplication):
    app.running = a_snapshot()

    ran = run("halt", "--reason", "fat finger")

    assert app.asked == [
        ("engage", "fat finger", "halt", None),
        ("halt", {"reason": "fat finger", "level": "halt"}),
    ]
    assert ran.out == "HALTED acc00001 (running): no position is opened until rearm\n"


UNDECODED = "caf\udce9"
"""What Python makes of an argument whose bytes are no UTF-8: typed in a terminal of another encoding."""


@pytest.mark.parametrize(
    "command",
    [
        ("halt",),
        ("emergency-close", "--yes", "--anyway"),
        ("close-position", "BTCUSDT"),
        ("recover", "--release", NAME),
    ],
    ids=lambda command: command[0],
)
def test_a_reason_in_another_encoding_keeps_nobody_from_acting(
    run: Run, app: FakeApplication, command: tuple[str, ...]
):
    app.running = a_snapshot()
    app.side_accounts = [EmergencyAccount("acc00001-x", "paper")]
    app.reads.the_orders = [an_unknown_order()]

    run(*command, "--reason", UNDECODED)

    assert "caf?" in str(app.asked) and ascii("\udce9")[1:-1] not in str(app.asked), app.asked


def test_a_halt_reaches_every_account_unless_one_is_named(run: Run, app: FakeApplication):
    app.reads.rows.append(an_account("other-one", session_status="STOPPED"))

    everybody, one = run("halt", "--json").document, run("halt", "--json", "--account", "other").document

    assert [each["account_id"] for each in everybody["accounts"]] == ["acc00001-x", "other-one"]
    assert [each["account_id"] for each in one["accounts"]] == ["other-one"]
    assert app.asked == [
        ("engage", "asked for", "halt", None),
        ("offline halt", "acc00001-x", "asked for", "halt"),
        ("offline halt", "other-one", "asked for", "halt"),
        ("engage", "asked for", "halt", "other-one"),
        ("offline halt", "other-one", "asked for", "halt"),
    ]


@pytest.mark.parametrize(
    ("flag", "level", "out"),
    [
        ("--soft", "soft", "REDUCE_ONLY acc00001 (running): positions may only shrink until rearm"),
        (
            "--hard",
            "hard",
            "HALTED acc00001 (running): no position is opened until rearm, and every position is being closed",
        ),
    ],
)
def test_a_halt_may_be_softer_or_harder(run: Run, app: FakeApplication, flag: str, level: str, out: str):
    app.running = a_snapshot()

    ran = run("halt", flag)

    assert ran.out == f"{out}\n"
    assert app.asked == [
        ("engage", "asked for", level, None),
        ("halt", {"reason": "asked for", "level": level}),
    ]


def test_a_milder_halt_says_what_holds(run: Run, app: FakeApplication):
    app.running = a_snapshot(trading_state="HALTED")
    app.halted_already = True
    app.thrown = Thrown(KillLevel.HARD, "get out")

    soft = run("halt", "--soft", "--reason", "calmer now")

    assert (soft.code, soft.out) == (
        0,
        "HALTED acc00001 (running): no position is opened until rearm, and every position is being closed; "
        "thrown before and still in force: hard: get out\n",
    )


def test_a_soft_halt_of_an_account_that_the_session_itself_halted_does_not_claim_less(
    run: Run, app: FakeApplication
):
    app.running = a_snapshot(trading_state="HALTED")
    app.halted_already = True

    assert run("halt", "--soft").out == "HALTED acc00001 (running): no position is opened until rearm\n"


def test_a_stricter_halt_holds_over_a_milder_one_that_was_there(run: Run, app: FakeApplication):
    app.running, app.thrown = a_snapshot(), Thrown(KillLevel.SOFT, "careful")

    out = run("halt", "--reason", "stop").out

    assert out == "HALTED acc00001 (running): no position is opened until rearm\n"


def test_a_hard_halt_without_a_process_says_when_positions_are_closed(run: Run):
    assert "are closed by their next start, or now by emergency-close" in run("halt", "--hard").out


def a_folder_in_its_place(app: FakeApplication) -> None:
    app.fails["engage"] = IsADirectoryError(errno.EISDIR, "Is a directory", "data/HALT")


def test_a_session_is_told_to_halt_also_where_the_file_cannot_be_made(run: Run, app: FakeApplication):
    app.running = a_snapshot()
    a_folder_in_its_place(app)

    ran = run("halt", "--hard")

    assert app.asked[-1] == ("halt", {"reason": "asked for", "level": "hard"})
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == (
        "error: HALTED acc00001 (running): no position is opened until rearm, and every position is being closed; but "
        "the file that halts could not be written: data/HALT: Is a directory: move away what is in its place\n"
    )


@pytest.mark.parametrize("level", ["--soft", "--hard"])
def test_where_neither_file_nor_session_takes_a_halt_nothing_is_said_to_hold(
    run: Run, app: FakeApplication, level: str
):
    app.running = a_snapshot()
    a_folder_in_its_place(app)
    app.fails["halt"] = TimeoutError("late")

    ran = run("halt", level)

    assert ran.code == 1
    assert "could not be written: data/HALT" in ran.err and "not all journals know of it" in ran.err
    assert "in the data folder halts" not in ran.err


def test_a_halt_cannot_be_soft_and_hard(run: Run, app: FakeApplication):
    ran = run("halt", "--soft", "--hard")

    assert ran.code == 4 and "contradict" in ran.err and not app.asked


def test_an_account_that_cannot_be_looked_up_halts_everything(run: Run, app: FakeApplication):
    app.fails["open_reads"] = StoreUnavailable("database x.db cannot be opened: check its folder")

    ran = run("halt", "--account", "acc")

    assert ran.code == 1 and "halts every session" in ran.err
    assert app.asked == [("engage", "asked for", "halt", None)]


def test_a_rearmed_account_that_everybodys_file_still_halts_is_an_error(run: Run, app: FakeApplication):
    app.still_engaged = True

    ran = run("rearm", "--account", "acc")

    assert ran.code == 1 and "run rearm without --account" in ran.err
    assert app.asked == [("offline rearm", "acc00001-x"), ("release", "acc00001-x")]


def test_an_account_that_its_own_file_still_halts_after_all_were_released_is_an_error(
    run: Run, app: FakeApplication
):
    app.still_engaged = True

    ran = run("rearm")

    assert (ran.code, ran.out) == (1, "")
    assert (
        "something in the data folder still halts acc00001: move HALT and what begins with HALT- away"
        in ran.err
    )


def test_a_halt_before_there_is_any_database_is_the_file_alone(run: Run, app: FakeApplication):
    app.fails["open_reads"] = StoreNotInitialised("run init-db")

    ran = run("halt")

    assert (ran.code, ran.out) == (0, "HALTED: no position is opened until rearm\n")


@pytest.mark.parametrize(
    ("call", "error"),
    [
        ("open_reads", StoreUnavailable("database x.db cannot be opened: check its folder")),
        ("offline halt", AccountBusy("another process runs this account: stop it")),
    ],
)
def test_a_halt_that_not_all_journals_know_of_is_an_error_and_holds(
    run: Run, app: FakeApplication, call: str, error: Exception
):
    app.fails[call] = error

    ran = run("halt")

    assert ran.code == 1 and app.asked[0] == ("engage", "asked for", "halt", None)
    assert ran.err == (
        f"error: HALT in the data folder halts every session, but not all journals know of it: {error}\n"
    )


def test_a_rearm_that_fails_leaves_the_file_standing(run: Run, app: FakeApplication):
    app.fails["offline rearm"] = StoreUnavailable("the disk is full: free some space")

    ran = run("rearm")

    assert ran.code == 1
    assert ("release", None) not in app.asked


def test_a_rearm_removes_the_file_last(run: Run, app: FakeApplication):
    app.running = a_snapshot()

    assert run("rearm").out == "ACTIVE acc00001 (running): positions may be opened again\n"
    assert app.asked == [("rearm", {}), ("release", None)]


@pytest.mark.parametrize("running", [True, False])
def test_a_closed_symbol_is_opened_again_by_whoever_writes(run: Run, app: FakeApplication, running: bool):
    app.running = a_snapshot() if running else None
    assert app.reads.the_ledger is not None
    app.reads.the_ledger.symbol("ETHUSDT").state = SymbolState.CLOSED

    ran = run("rearm", "--symbol", "eth/usdt")

    assert ran.code == 0 and ran.out.startswith("ETHUSDT may be opened again")
    asked = ("reopen", {"symbol": "ETHUSDT"}) if running else ("offline reopen", "acc00001-x", "ETHUSDT")
    assert app.asked == [asked]


def test_a_symbol_that_is_not_closed_is_not_opened_again(run: Run, app: FakeApplication):
    assert app.reads.the_ledger is not None
    app.reads.the_ledger.symbol("BTCUSDT")

    unknown, open_one = run("rearm", "--symbol", "ZZZUSDT"), run("rearm", "--symbol", "BTCUSDT")

    assert (unknown.code, unknown.err) == (2, "error: account acc00001 never traded ZZZUSDT\n")
    assert open_one.code == 4
    assert open_one.err == "error: BTCUSDT is TRADING, not CLOSED: there is nothing to open again\n"
    assert app.asked == []


def test_a_hard_halt_that_a_hung_session_does_not_carry_out_names_the_way_out(app: FakeApplication, run: Run):
    app.fails["offline halt"] = AccountBusy("account acc00001 is held by pid 7: stop that session first")

    assert "emergency-close" not in run("halt").err
    assert run("halt", "--hard").err.endswith(
        "; emergency-close closes positions without session and database\n"
    )
