"""The command ``audit``: what it asks for, prints and ends with; and the last audit in ``status``."""

import json

import pytest

from src.interfaces.cli.audits import AuditDifference, AuditOutcome, since_of
from src.interfaces.cli.composition import ConfigurationError
from tests.interfaces.cli.conftest import Run
from tests.support.fake_composition import FakeApplication
from tests.support.session_builders import a_snapshot, an_account

EQUAL = AuditOutcome("acc00001-x", "paper", 1, trades=1_234, income=2_345, in_flight=2, checks=9_999)
APART = AuditOutcome(
    "acc00001-x",
    "paper",
    1,
    trades=3,
    differences=(AuditDifference("wallet USDT", "10.00000001", "10", "trade 7 of BTCUSDT"),),
)


@pytest.fixture
def account(app: FakeApplication) -> str:
    row = an_account()
    app.reads.rows = [row]
    return row.account_id


def test_equal_books_end_with_0_and_say_what_was_compared(run: Run, app: FakeApplication, account: str):
    app.audited = EQUAL

    ran = run("audit")

    assert ran.code == 0
    assert "equal: 1,234 trades, 2,345 entries of income, 9,999 figures, 2 in flight" in ran.out
    assert app.asked == [("audit", account, 0)]


def test_differences_end_with_1_and_show_both_figures_and_the_row(
    run: Run, app: FakeApplication, account: str
):
    app.audited = APART

    ran = run("audit")

    assert ran.code == 1
    assert ran.err == ""
    for text in ("1 DIFFERENCE", "wallet USDT", "10.00000001", "trade 7 of BTCUSDT"):
        assert text in ran.out


def test_programs_get_one_document(run: Run, app: FakeApplication, account: str):
    app.audited = APART

    ran = run("audit", "--json")

    document = json.loads(ran.out)
    assert ran.code == 1
    assert document["agrees"] is False
    assert document["audit"]["differences"][0]["where"] == "trade 7 of BTCUSDT"


def test_books_that_cannot_be_read_are_no_difference(run: Run, app: FakeApplication, account: str):
    app.fails["audit"] = ConfigurationError("the exchange did not answer: try again")

    ran = run("audit")

    assert (ran.code, ran.err) == (4, "error: the exchange did not answer: try again\n")


@pytest.mark.parametrize(
    ("text", "since_ms"),
    [
        (None, 0),
        ("60s", 40_000),
        ("1d", 0),
        ("1970-01-01T00:01", 60_000),
        ("1970-01-02", 86_400_000),
        ("1970-01-01T00:01+00:01", 0),
    ],
)
def test_an_audit_begins_at_a_moment_or_so_long_before_the_last_event(text: str | None, since_ms: int):
    assert since_of(text, 100_000) == since_ms


@pytest.mark.parametrize("text", ["yesterday", "1970-13-01", "-5m", ""])
def test_a_beginning_that_means_nothing_is_refused_in_one_line(run: Run, account: str, text: str):
    ran = run("audit", "--since", text)

    assert ran.code == 4
    assert ran.err.count("\n") == 1


@pytest.mark.parametrize("text", ["0001-01-01T00:00+14:00", "9999-12-31T23:59-14:00"])
def test_a_beginning_outside_the_calendar_of_utc_is_refused_with_the_way_to_write_one(
    run: Run, account: str, text: str
):
    ran = run("audit", "--since", text)

    assert (ran.code, ran.err) == (
        4,
        f"error: {text!r} is no day and no moment of the years 1 to 9999 (UTC): "
        "write it like 2026-01-31 or 2026-01-31T12:00\n",
    )


@pytest.mark.parametrize(("outcome", "words"), [(EQUAL, "equal"), (APART, "1 DIFFERENCE"), (None, "")])
def test_the_status_tells_the_last_audit_of_the_session(
    run: Run, app: FakeApplication, account: str, outcome: AuditOutcome | None, words: str
):
    app.running, app.self_audited = a_snapshot(), outcome

    told, short = run("status", "--detailed").out, run("status").out
    document = json.loads(run("status", "--json").out)

    assert words in told
    assert ("Last audit" in told) is (outcome is not None)
    assert "Last audit" not in short
    assert (document["audit"] is None) is (outcome is None)
