"""The commands against a program that does as it is told: what they ask of it, print and end with."""

from decimal import Decimal
from pathlib import Path

import pytest

from src.application.ports.store import JournalRecord
from src.domain.market.sides import OrderSide
from src.domain.positions.position import RoundTrip
from src.domain.sessions.session import TradingSessionStatus
from src.interfaces.cli.composition import Check, Difference, Ended, Health, RecoveryOutcome, SessionRequest
from tests.interfaces.cli.conftest import Run
from tests.support.domain_builders import a_ledger
from tests.support.fake_composition import FakeApplication, FakeComposition
from tests.support.session_builders import SESSION_ID, a_position, a_result, a_snapshot


def hold(app: FakeApplication, symbol: str, held: str) -> None:
    assert app.reads.the_ledger is not None
    app.reads.the_ledger.position(symbol).quantity = Decimal(held)


def test_a_session_is_asked_for_with_what_stood_on_the_command_line(
    run: Run, app: FakeApplication, composition: FakeComposition, tmp_path: Path
):
    first, second = tmp_path / "a.ws", tmp_path / "b.ws"
    first.touch()
    second.touch()

    ran = run(
        "start-session", "--duration", "5m", "--symbols", "BTC/USDT", "ETHUSDT", "--strategies=rsi",
        "--replay", str(first), str(second), "--speed", "max", "--stop-loss", "0.01", "--flatten",
    )  # fmt: skip

    given = {"symbols": "BTC/USDT,ETHUSDT", "strategies": "rsi", "stop_loss_pct": "0.01"}
    assert ran.code == 0
    assert composition.flags == given
    assert app.asked == [("run", SessionRequest(300_000, (first, second), None, True, frozenset(given)))]


def test_several_recordings_may_stand_in_one_argument(run: Run, app: FakeApplication, tmp_path: Path):
    paths = (tmp_path / "a.ws", tmp_path / "b.ws")
    for path in paths:
        path.touch()

    run("start-session", "--replay", " ".join(map(str, paths)))

    assert app.asked[0][1].replay == paths


def test_a_session_that_failed_ends_with_its_cause_and_an_error_code(run: Run, app: FakeApplication):
    app.result = a_result(ended=Ended.ERROR, reason="the disk is full: free some space")

    ran = run("start-session")

    assert (ran.code, ran.err) == (1, "error: the disk is full: free some space\n")
    assert "`start-session` resumes it" in ran.out


@pytest.mark.parametrize("name", ["paper", "testnet"])
def test_the_exchange_that_is_asked_for_is_the_one_that_is_started(run: Run, app: FakeApplication, name: str):
    assert run("start-session", "--exchange", name).code == 0

    ((_, request),) = app.asked
    assert request.exchange == name


def test_live_trading_is_never_started_without_a_person(run: Run, app: FakeApplication):
    ran = run("start-session", "--exchange", "live")

    assert (ran.code, app.asked) == (4, [])
    assert "live trading is confirmed by a person" in ran.err


def test_a_running_session_is_stopped_and_waited_for(run: Run, app: FakeApplication):
    app.running = a_snapshot()

    ran = run("stop-session", "--flatten", "--json")

    assert app.asked == [("stop", {"flatten": True})]
    assert (ran.code, ran.document["session_id"], ran.document["flatten"]) == (0, SESSION_ID, True)


@pytest.mark.parametrize(
    ("flags", "text"),
    [((), "positions keep their stops"), (("--flatten",), "positions are closed")],
    ids=["stopped", "flattened"],
)
def test_a_stop_says_what_it_did(run: Run, app: FakeApplication, flags: tuple[str, ...], text: str):
    app.running = a_snapshot()
    if not flags:
        hold(app, "BTCUSDT", "0.5")

    ran = run("stop-session", *flags)

    assert (ran.code, ran.out) == (0, f"PAPER session 5e551017 stopped: entries are canceled, {text}\n")


def test_a_stop_that_was_to_close_positions_and_has_not_is_an_error(run: Run, app: FakeApplication):
    app.running = a_snapshot()
    hold(app, "BTCUSDT", "-0.5")

    ran = run("stop-session", "--flatten", "--json")

    assert (ran.code, ran.document["positions"], ran.document["done"]) == (1, 1, False)
    assert ran.err == (
        "error: PAPER session 5e551017 ended STOPPED, not flat: open is BTCUSDT -0.5; close it by emergency-close, or "
        "with a session by close-position\n"
    )


@pytest.mark.parametrize("flags", [(), ("--flatten",)])
def test_a_session_that_ended_without_being_stopped_is_an_error(
    run: Run, app: FakeApplication, flags: tuple[str, ...]
):
    app.running, app.ends_as = a_snapshot(), TradingSessionStatus.STOPPING

    ran = run("stop-session", *flags)

    assert (ran.code, ran.out) == (1, "")
    assert "ended STOPPING, not STOPPED: no position is open; start-session goes on with it" in ran.err


def test_stopping_needs_a_running_session(run: Run):
    ran = run("stop-session")

    assert (ran.code, ran.err) == (3, "error: no session is running: start one with start-session\n")


def test_a_session_that_does_not_answer_in_time_has_its_own_code(run: Run, app: FakeApplication):
    app.running, app.fails = a_snapshot(), {"stop": TimeoutError("no answer in time")}

    ran = run("stop-session")

    assert ran.code == 5 and "look at `status`" in ran.err


def test_a_session_that_will_not_end_is_waited_for_no_longer_than_asked(run: Run, app: FakeApplication):
    app.running, app.control_timeout_ms, app.stops = a_snapshot(), 60, False

    ran = run("stop-session")

    assert ran.code == 5 and "was told to stop and is still at it" in ran.err


def test_the_status_of_a_running_session_is_its_own(run: Run, app: FakeApplication):
    app.running = a_snapshot(alarms=("disk: nearly full",))

    shown = run("status", "--detailed")
    document = run("status", "--json").document

    assert "PAPER  RUNNING, trading ACTIVE  [live]" in shown.out
    assert "10,011.60, +11.60 (0.12 %)" in shown.out and "disk: nearly full" in shown.out
    assert document["running"] is True
    assert document["session"]["positions"][0]["stop_price"] == "59780"
    assert document["win_rate"] == "0.75"


def test_without_a_process_the_last_known_state_is_shown_with_its_age(run: Run, app: FakeApplication):
    hold(app, "BTCUSDT", "0.5")
    shown = run("status")
    document = run("status", "--json").document
    hold(app, "BTCUSDT", "0")
    flat = run("status", "--json").document["session"]

    assert shown.code == 0
    unknown = {document["session"][name] for name in ("equity", "unrealized_pnl", "day_pnl")}
    assert (unknown, document["session"]["wallet"]) == ({None}, "10010")
    assert (flat["equity"], flat["unrealized_pnl"]) == ("10010", "0")
    assert "[not running, last known state, 2m old]" in shown.out
    assert "wallet     10,010.00" in shown.out and "unrealized not known" in shown.out
    assert (document["running"], document["age_ms"]) == (False, 125_000)


def test_a_position_without_a_stop_is_shouted_about(run: Run, app: FakeApplication):
    app.running = a_snapshot(positions=(a_position(stop_price=None),))

    assert "1, 1 WITHOUT A STOP" in run("status").out
    assert "none" in run("positions").out


def test_reading_without_any_account_says_what_makes_one(run: Run, app: FakeApplication):
    app.reads.rows.clear()

    for command in ("status", "positions", "orders", "trades", "journal"):
        ran = run(command)
        assert ran.code == 2
        assert ran.err == "error: there is no account yet: start-session or init-db makes one\n"


def test_round_trips_are_listed_and_summed_up(run: Run, app: FakeApplication):
    trip = RoundTrip(
        "BTCUSDT", "rsi", OrderSide.SELL, Decimal("0.1"), Decimal(61_000), Decimal(60_000), Decimal(100),
        Decimal(6), 1_000, 61_000, 1, 2,
    )  # fmt: skip
    app.reads.trips = [trip]

    shown = run("trades", "--symbol", "btc/usdt")
    document = run("trades", "--json").document
    other = run("trades", "--symbol", "ETHUSDT")

    assert "1 trades, 1 won, net +94.00" in shown.out and "1m" in shown.out
    assert document["trades"][0]["exit_price"] == "60000"
    assert other.out == "PAPER trades: none\n"


def test_differences_are_listed_and_reconcile_fails_while_they_stay(run: Run, app: FakeApplication):
    difference = Difference("order abc-1", "NEW", "FILLED", "book the fill")
    app.outcome = RecoveryOutcome(True, 3, 1, 0, 1, False, (difference,))

    recovered, reconciled = run("recover", "--dry-run"), run("reconcile", "--json")

    assert recovered.code == 0
    assert "would add 1 fills" in recovered.out and "order abc-1" in recovered.out
    assert reconciled.code == 1 and reconciled.document["outcome"]["differences"][0]["theirs"] == "FILLED"


def test_a_running_session_is_told_to_compare_itself_but_not_in_a_dry_run(run: Run, app: FakeApplication):
    app.running = a_snapshot()

    asked, dry = run("recover"), run("recover", "--dry-run")

    assert (asked.code, app.asked) == (0, [("recover", {"dry_run": False})])
    assert dry.code == 1 and "leave out --dry-run" in dry.err


def records() -> list[JournalRecord]:
    return [
        JournalRecord(n, 1_000 * n, 1, "order_moved", f"abc-{n}", '{"a":[1]}', "00", f"{n:02}")
        for n in (1, 2, 3)
    ]


def test_the_journal_is_listed_exported_and_verified(run: Run, app: FakeApplication, tmp_path: Path):
    app.reads.records = records()
    target = tmp_path / "journal.jsonl"

    listed = run("journal", "--limit", "2", "--json").document
    exported = run("journal", "--export", str(target), "--after", "1")
    verified = run("journal", "--verify")

    assert [each["seq"] for each in listed["records"]] == [2, 3]
    assert (exported.out, exported.err) == ("", f"{target}: 2 records\n")
    assert len(target.read_text().splitlines()) == 2 and list(tmp_path.iterdir()) == [target]
    assert "3 records, the chain is intact, head 3 03" in verified.out
    assert '{"a":[1]}' in run("journal").out


def test_an_export_of_the_journal_overwrites_nothing(run: Run, app: FakeApplication, tmp_path: Path):
    app.reads.records = records()
    target = tmp_path / "steadyhand.db"
    target.write_text("mine")

    ran = run("journal", "--export", str(target))

    assert (ran.code, ran.out) == (1, "")
    assert ran.err == f"error: {target} exists, and nothing is overwritten: name another file\n"
    assert target.read_text() == "mine" and list(tmp_path.iterdir()) == [target]


def test_an_export_to_stdout_is_nothing_but_records(run: Run, app: FakeApplication):
    app.reads.records = records()

    ran = run("journal", "--export", "-")

    assert ran.out.splitlines()[0].startswith('{"seq":1,') and len(ran.out.splitlines()) == 3
    last = run("journal", "--export", "-", "--limit", "1").out
    assert last.startswith('{"seq":3,') and len(last.splitlines()) == 1


@pytest.mark.parametrize("command", ["doctor", "health-check"])
def test_a_failed_check_is_named_and_ends_with_an_error(run: Run, app: FakeApplication, command: str):
    app.health = (
        Check("disk", Health.OK, "plenty"),
        Check("database", Health.FAILED, "damaged", "restore a backup"),
    )

    ran = run(command)

    assert (ran.code, ran.err) == (1, "error: 1 checks failed (database): do what their lines say\n")
    assert "FAIL  database           damaged; restore a backup" in ran.out


def test_every_other_command_answers(run: Run, app: FakeApplication):
    assert "data/steadyhand.db: made; account acc00001, portfolio default" in run("init-db").out
    assert "applied 0002; the old one is data/old.db" in run("migrate").out
    assert run("version").out.startswith("steadyhand 0.")
    assert "STOP_LOSS_PCT" in run("config", "show").out
    assert run("config", "check").out == "the settings are valid\n"
    assert run("benchmark", "--", "--slice").code == 0 and app.asked == [("benchmark", ("--slice",))]


READING = (
    ("status",), ("positions",), ("orders",), ("trades",), ("journal",), ("doctor",), ("config", "show"),
    ("config", "check"), ("init-db",), ("migrate",), ("halt",), ("rearm",), ("recover",), ("version",),
)  # fmt: skip


@pytest.mark.parametrize("command", READING, ids=" ".join)
def test_with_json_stdout_is_one_document(run: Run, command: tuple[str, ...]):
    ran = run(*command, "--json")

    assert ran.code == 0 and isinstance(ran.document, dict) and ran.err == ""


# --- risk ---------------------------------------------------------------------------------------------------


def test_risk_is_told_by_the_running_session(run: Run, app: FakeApplication):
    app.running = a_snapshot()
    app.answers["risk"] = {
        "trading_state": "REDUCE_ONLY",
        "trading_reason": "the daily loss limit is reached",
        "rules": [
            {"rule": "daily_loss", "subject": "", "value": "0.021", "limit": "0.02", "used": "1.05"},
            {"rule": "gross_exposure", "subject": "", "value": "1500", "limit": "10000", "used": "0.15"},
            {"rule": "volatility", "subject": "", "value": None, "limit": "2", "used": None},
        ],
        "refusals": {"daily_loss": 3, "order_rate": 19},
        "unenforced": {"volatility": 7},
        "closed_symbols": {"ETHUSDT": "CLOSED: it was filled beyond its quantity"},
    }

    shown, document = run("risk").out, run("risk", "--json").document

    assert "risk, live; trading REDUCE_ONLY: the daily loss limit is reached" in shown
    assert "2.10 %" in shown and "105.00 %" in shown and "1,500.00" in shown
    assert "volatility was not enforced 7 times" in shown
    refused = {line.split()[0]: line.split()[-1] for line in shown.splitlines() if line.strip()}
    assert (refused["daily_loss"], refused["gross_exposure"], refused["order_rate"]) == ("3", "0", "19")
    assert "rearm --symbol ETHUSDT" in shown
    assert document["running"] is True and document["report"]["rules"][0]["used"] == "1.05"


def test_without_a_process_risk_is_that_of_the_last_commit(run: Run, app: FakeApplication):
    app.reads.the_ledger = a_ledger()

    shown, document = run("risk").out, run("risk", "--json").document

    assert "not running" in shown
    (line,) = (line for line in shown.splitlines() if line.split()[:1] == ["daily_loss"])
    assert line.split()[-1] == "-", "nobody counted refusals"
    assert document["running"] is False
    assert document["report"]["refusals"] is document["report"]["unenforced"] is None


def test_an_account_that_never_traded_has_no_risk_to_show(run: Run, app: FakeApplication):
    app.reads.the_ledger = None

    assert run("risk").code == 2


# --- closing a position -------------------------------------------------------------------------------------


def test_a_position_is_closed_by_the_running_session(run: Run, app: FakeApplication):
    app.running = a_snapshot()
    app.answers["close"] = {"order_id": "abc-1", "symbol": "BTCUSDT", "side": "SELL", "quantity": "0.5"}

    ran = run("close-position", "btc/usdt", "--position-side", "long", "--reason", "enough")

    assert ran.out == "BTCUSDT is being closed: order abc-1 sells 0.5\n"
    arguments = {"symbol": "BTCUSDT", "position_side": "LONG", "reason": "enough"}
    assert app.asked == [("close", arguments)]


def test_without_a_process_no_position_is_closed(run: Run, app: FakeApplication):
    ran = run("close-position", "BTCUSDT")

    assert ran.code == 3 and "no session is running" in ran.err
    assert not app.asked
