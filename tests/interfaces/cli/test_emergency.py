"""The command that gets flat around a session: who is meant, the question, what is said, and the code it ends with."""

from typing import Any

import pytest

from src.application.ports.broker import BrokerUnavailable
from src.application.trading.services.emergency_close import EmergencyReport
from src.interfaces.cli.composition import EmergencyAccount
from src.interfaces.cli.emergency import confirm, verdict
from tests.interfaces.cli.conftest import Run
from tests.support.fake_composition import FakeApplication
from tests.support.session_builders import a_snapshot

LIVE = EmergencyAccount("1ive0001-x", "live")
PAPER = EmergencyAccount("acc00001-x", "paper")


@pytest.fixture
def app(app: FakeApplication) -> FakeApplication:
    """A live account and one on paper, and a database that nobody may ask for."""
    app.side_accounts = [PAPER, LIVE]
    app.fails["open_reads"] = AssertionError("the database was opened")
    return app


def sent(app: FakeApplication) -> list[Any]:
    return [asked for asked in app.asked if asked[0] in ("engage", "emergency")]


def test_everything_is_halted_first_and_real_accounts_are_closed_before_paper(app: FakeApplication, run: Run):
    ran = run("emergency-close", "--yes", "--reason", "3 a.m.")

    assert (ran.code, ran.err) == (0, "")
    assert sent(app) == [
        ("engage", "3 a.m.", "hard", None),
        ("emergency", LIVE.account_id, "3 a.m."),
        ("emergency", PAPER.account_id, "3 a.m."),
    ]
    assert ran.out.splitlines() == [
        "HALT is in the data folder: no session opens a position until rearm",
        "LIVE account 1ive0001",
        "line about 1ive0001-x",
        "flat: no position and no opening order is left",
        "PAPER account acc00001",
        "line about acc00001-x",
        "flat: no position and no opening order is left",
    ]


def test_what_only_reduces_is_canceled_where_that_is_asked_for(app: FakeApplication, run: Run):
    assert run("emergency-close", "--yes", "--account", "1ive", "--stops").code == 0

    assert sent(app)[-1] == ("emergency", LIVE.account_id, "emergency", "stops")


def test_one_account_is_halted_and_closed_alone(app: FakeApplication, run: Run):
    assert run("emergency-close", "--yes", "--account", "1ive").code == 0

    assert sent(app) == [
        ("engage", "emergency", "hard", LIVE.account_id),
        ("emergency", LIVE.account_id, "emergency"),
    ]


def test_where_nobody_can_type_it_takes_a_flag(app: FakeApplication, run: Run):
    ran = run("emergency-close")

    assert (ran.code, ran.out) == (4, "")
    assert "add --yes" in ran.err
    assert sent(app) == []


@pytest.mark.parametrize(
    ("accounts", "sentence"), [([LIVE], "close 1ive0001"), ([LIVE, PAPER], "close everything")]
)
def test_a_person_types_what_is_to_happen(accounts: list[EmergencyAccount], sentence: str):
    confirm(accounts, True, lambda question: sentence if sentence in question else "")

    with pytest.raises(Exception, match="nothing was sent, nothing was halted"):
        confirm(accounts, True, lambda question: "yes")


def test_a_session_that_answers_closes_by_itself(app: FakeApplication, run: Run):
    app.running = a_snapshot()

    ran = run("emergency-close", "--yes")

    assert ran.code == 1
    assert "halt --hard closes everything through it, or add --anyway" in ran.err
    assert sent(app) == []
    assert run("emergency-close", "--yes", "--anyway").code == 0
    assert len(sent(app)) == 3


@pytest.mark.parametrize("accounts", [[], [PAPER]])
def test_an_account_that_is_not_there_is_not_found(
    accounts: list[EmergencyAccount], app: FakeApplication, run: Run
):
    app.side_accounts = accounts

    assert run("emergency-close", "--yes", "--account", "nobody").code == 2
    assert sent(app) == []


@pytest.mark.parametrize("wanted", ["", "acc0"])
def test_a_beginning_that_fits_several_accounts_closes_none_of_them(
    wanted: str, app: FakeApplication, run: Run
):
    app.side_accounts = [PAPER, EmergencyAccount("acc00002-x", "live")]

    ran = run("emergency-close", "--yes", "--anyway", "--account", wanted)

    assert (ran.code, ran.out) == (1, "")
    assert (
        f"several accounts begin with {wanted!r}: give more of the id, known are acc00001, acc00002"
        in ran.err
    )
    assert sent(app) == []


def test_what_fails_for_one_account_does_not_keep_the_next_from_its_turn(app: FakeApplication, run: Run):
    app.fails[f"emergency {LIVE.account_id}"] = BrokerUnavailable("no answer")

    ran = run("emergency-close", "--yes")

    assert ran.code == 1
    assert "NOT done: no answer; close by hand at the exchange" in ran.out
    assert "not everything is closed: 1ive0001" in ran.err
    assert ("emergency", PAPER.account_id, "emergency") in sent(app)


def test_a_halt_file_that_cannot_be_made_does_not_keep_positions_open(app: FakeApplication, run: Run):
    app.fails["engage"] = OSError(30, "Read-only file system")

    ran = run("emergency-close", "--yes")

    assert ran.code == 1
    assert "HALT cannot be made (Read-only file system)" in ran.out
    assert "end the sessions' processes" in ran.err
    assert len(sent(app)) == 3


def test_a_halt_file_without_its_text_halts_as_well(app: FakeApplication, run: Run):
    app.fails["engage"] = OSError(28, "No space left on device")
    app.still_engaged = True

    ran = run("emergency-close", "--yes")

    assert ran.code == 0
    assert "HALT is in the data folder, without its reason (No space left on device)" in ran.out


@pytest.mark.parametrize(
    ("report", "code", "said"),
    [
        (EmergencyReport(protective=2), 0, "left; 2 orders that only reduce were left, --stops cancels them"),
        (EmergencyReport(unknown=("x.1",)), 5, "flat, but the outcome of x.1 is unknown"),
        (EmergencyReport(positions=("0.02 BTCUSDT",)), 1, "NOT flat: holds 0.02 BTCUSDT"),
        (EmergencyReport(opening=("a",)), 1, "NOT flat: a is still open"),
        (EmergencyReport(troubles=("it is full",)), 1, "NOT flat: it is full"),
    ],
)
def test_what_is_left_is_said_and_decides_the_code(
    report: EmergencyReport, code: int, said: str, app: FakeApplication, run: Run
):
    app.reports[LIVE.account_id] = report

    ran = run("emergency-close", "--yes")

    assert ran.code == code
    assert said in ran.out
    assert said in verdict(report)


@pytest.mark.parametrize("stops", [False, True])
def test_nobody_is_told_to_end_the_stops_of_what_is_held(stops: bool):
    report = EmergencyReport(positions=("0.02 BTCUSDT",), protective=1)

    assert verdict(report, stops=stops).endswith("were left")


def test_what_only_reduces_and_could_not_be_canceled_is_told_without_the_advice_that_was_taken(
    app: FakeApplication, run: Run
):
    app.reports[LIVE.account_id] = EmergencyReport(protective=2)

    ran = run("emergency-close", "--yes", "--account", "1ive", "--stops")

    assert ran.out.splitlines()[-1] == (
        "flat: no position and no opening order is left; 2 orders that only reduce could not be canceled "
        "and are still open: run it again, or cancel them at the exchange"
    )


def test_a_side_journal_that_cannot_be_read_is_said_and_is_a_failure(app: FakeApplication, run: Run):
    app.side_accounts = [EmergencyAccount("deadbeef", "", "it is damaged"), PAPER]

    ran = run("emergency-close", "--yes")

    assert ran.code == 1
    assert "NOT done: it is damaged" in ran.out
    assert ("emergency", PAPER.account_id, "emergency") in sent(app)


def test_programs_read_one_document(app: FakeApplication, run: Run):
    app.reports[LIVE.account_id] = EmergencyReport(positions=("0.02 BTCUSDT",))

    ran = run("emergency-close", "--yes", "--json")

    assert ran.code == 1
    first, second = ran.document["accounts"]
    assert ran.document["halt_file"] is True
    assert first["report"]["positions"] == ["0.02 BTCUSDT"]
    assert (second["account_id"], second["error"]) == (PAPER.account_id, "")
