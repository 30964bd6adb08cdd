"""Which account a command is about when nobody names one."""

import pytest

from tests.interfaces.cli.conftest import Run
from tests.support.fake_composition import FakeApplication
from tests.support.session_builders import a_snapshot, an_account


def test_of_several_accounts_the_unfinished_one_is_meant_unless_another_is_named(
    run: Run, app: FakeApplication
):
    app.reads.rows[:] = [
        an_account("aaa", session_status="STOPPED", last_ms=9),
        an_account("bbb", last_ms=1),
        an_account("abb", session_status="STOPPED"),
    ]

    default = run("orders", "--json").document
    named = run("orders", "--json", "--account", "ab").document
    ambiguous, unknown = run("orders", "--account", "a"), run("orders", "--account", "zz")

    assert (default["account_id"], named["account_id"]) == ("bbb", "abb")
    assert (ambiguous.code, unknown.code) == (1, 2)
    assert "known are aaa, bbb, abb" in unknown.err


@pytest.mark.parametrize("status", ["RUNNING", "STOPPED"])
def test_the_account_that_was_at_work_last_is_meant_whatever_time_its_market_shows(
    run: Run, app: FakeApplication, status: str
):
    app.reads.rows[:] = [
        an_account("aaa", session_status=status, last_ms=9),
        an_account("bbb", session_status=status, last_ms=1),
        an_account("ccc", session_status=status, last_ms=5),
    ]
    app.active = {"aaa": 1, "bbb": 3, "ccc": 2}

    assert run("orders", "--json").document["account_id"] == "bbb"


CHANGING = (
    ("stop-session",), ("pause-session",), ("resume-session",), ("cancel-order", "abc-1"), ("recover",), ("reconcile",),
    ("recover", "--release", "abc-1", "--reason", "x"), ("rearm", "--symbol", "BTCUSDT"), ("close-position", "BTCUSDT"),
    ("strategies", "enable", "rsi"), ("strategies", "disable", "rsi"), ("strategies", "set", "rsi", "a=1"),
)  # fmt: skip


@pytest.mark.parametrize("command", CHANGING, ids=" ".join)
def test_of_several_running_sessions_one_is_named_before_anything_is_changed(
    run: Run, app: FakeApplication, command: tuple[str, ...]
):
    app.reads.rows[:] = [an_account("aaa"), an_account("bbb"), an_account("ccc", session_status="STOPPED")]
    app.running, app.answers["strategies"] = a_snapshot(), {"running": [], "available": [], "note": ""}

    ran = run(*command)

    assert (ran.code, app.asked) == (1, [])
    assert ran.err == "error: several sessions run: name the one that is meant with --account, aaa, bbb\n"
    assert run("status").code == 0 and run("strategies", "running").code == 0
