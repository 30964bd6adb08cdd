"""Sessions as their user meets them: started, watched, halted, stopped, killed and resumed, by real processes."""

import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from fcntl import ioctl
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import ROOT, Steadyhand, ended

QUICK = ("--speed", "max", "--timeframe", "1s")


def test_a_short_session_and_what_every_command_says_of_it_afterwards(steadyhand: Steadyhand):
    run = steadyhand("start-session", "--duration", "30s", "--seed", "7", "--json", *QUICK)

    started, *_, summary = run.documents
    asked = (("positions",), ("status",), ("trades",), ("journal", "--verify"))
    answers = steadyhand.at_once(*((*command, "--json") for command in asked))
    positions, status, trades, journal = (answer.document for answer in answers)
    assert (run.code, run.err) == (0, "")
    assert (started["event"], started["exchange"], started["resumed"]) == ("session_started", "paper", False)
    assert (summary["event"], summary["ended"], summary["status"]) == ("summary", "duration", "STOPPED")
    assert guards(positions) == guards(summary)
    assert (status["running"], status["session"]["session_id"]) == (False, started["session_id"])
    assert status["age_ms"] < 60_000
    assert status["session"]["wallet"] == summary["wallet"]
    assert len(trades["trades"]) == summary["total_trades"] > 0
    assert journal["records"] > 0


@pytest.mark.parametrize("flags", [(), ("--flatten",)], ids=["kept", "flattened"])
def test_a_session_that_was_to_be_flat_at_its_end_holds_nothing(
    steadyhand: Steadyhand, flags: tuple[str, ...]
):
    run = steadyhand("start-session", "--duration", "30s", "--seed", "7", "--json", *QUICK, *flags)

    *_, summary = run.documents
    assert (run.code, summary["status"]) == (0, "STOPPED")
    assert bool(summary["positions"]) is not bool(flags)


def test_a_session_leaves_a_log_and_its_trades_beside_it(steadyhand: Steadyhand):
    secrets = {"BINANCE_API_KEY": "key-1234567", "BINANCE_API_SECRET": "hush-1234567"}
    run = steadyhand("start-session", "--duration", "30s", "--seed", "7", "--json", *QUICK, **secrets)

    log = (steadyhand.data_dir / "logs" / "steadyhand.log").read_text()
    trades = (steadyhand.data_dir / "logs" / "trading" / "trades.log").read_text()
    filled = {each["client_order_id"] for each in run.documents if each["event"] == "order_filled"}
    logged = [json.loads(line) for line in trades.splitlines()]
    by_event = {
        event: {each["client_order_id"] for each in logged if each["event"] == event}
        for event in ("order.intended", "order.filled")
    }
    assert '"event":"session.moved"' in log
    assert by_event["order.filled"] == filled != set()
    assert by_event["order.intended"] >= filled
    assert {each["event"] for each in logged} == set(by_event)
    assert "1234567" not in log + trades + run.out + run.err


def guards(document: Any) -> dict[str, tuple[str, str]]:
    """Stop and target by symbol."""
    return {each["symbol"]: (each["stop_price"], each["target_price"]) for each in document["positions"]}


def test_equal_seeds_print_equal_sessions(steadyhand: Steadyhand, tmp_path: Path):
    arguments = ("start-session", "--duration", "20s", "--seed", "5", "--json", *QUICK)

    first = steadyhand(*arguments)
    second = steadyhand(*arguments, STEADYHAND_DATA_DIR=str(tmp_path / "other"))

    def without_wall_time(text: str) -> str:
        return re.sub(r'"elapsed_ms":\d+', "", text)

    assert without_wall_time(first.out) == without_wall_time(second.out)


def test_a_running_session_is_reached_by_every_command_and_by_no_second_session(steadyhand: Steadyhand):
    running = steadyhand.start_session("--duration", "none")

    shown, second, doctor, journal = steadyhand.at_once(
        ("status", "--json"), ("start-session", "--duration", "1s"), ("doctor",), ("journal", "--verify")
    )
    status = shown.document
    halted, rearmed = steadyhand("halt", "--reason", "test", "--json"), steadyhand("rearm", "--json")
    stopped = steadyhand("stop-session")
    end = ended(running)

    assert status["running"] and status["session"]["status"] == "RUNNING"
    assert (doctor.code, journal.code) == (0, 0) and "RUNNING, answers" in doctor.out
    assert second.code == 1 and second.err.count("\n") == 1 and second.out == ""
    assert [(each["running"], each["trading_state"]) for each in halted.document["accounts"]] == [
        (True, "HALTED")
    ]
    assert (
        rearmed.document["accounts"][0]["trading_state"] == "ACTIVE"
        and not (steadyhand.data_dir / "HALT").exists()
    )
    assert stopped.code == 0 and "stopped: entries are canceled" in stopped.out
    assert (end.code, end.documents[-1]["ended"], end.documents[-1]["status"]) == (0, "stop", "STOPPED")
    assert [each["trigger"] for each in end.documents if each["event"] == "trading_moved"] == [
        "HALT",
        "REARM",
    ]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_the_session_within_five_seconds_even_when_it_comes_twice(
    steadyhand: Steadyhand, number: signal.Signals
):
    running = steadyhand.start_session("--duration", "none")

    running.send_signal(number)
    running.send_signal(number)
    end = ended(running, timeout_s=5)

    assert (end.code, end.err) == (0, "")
    assert (end.documents[-1]["ended"], end.documents[-1]["status"]) == ("signal", "STOPPED")


def test_of_two_sessions_the_one_at_work_last_is_meant_and_neither_is_stopped_by_chance(
    steadyhand: Steadyhand,
):
    older = steadyhand.start_session("--duration", "none", "--seed", "7", "--speed", "100")
    first = steadyhand("status", "--json").document["account_id"]
    newer = steadyhand.start_session("--duration", "none", "--seed", "8")
    stop, seen = steadyhand.at_once(("stop-session",), ("status", "--json"))
    for process in (older, newer):
        process.kill()
        process.wait()
    resumed = steadyhand("start-session", "--duration", "1s", "--speed", "max", "--json")
    again = steadyhand("start-session", "--duration", "1s", "--speed", "max", "--json", "--seed", "7")

    assert stop.code == 1 and "several sessions run: name the one that is meant with --account" in stop.err
    assert seen.document["account_id"] != first and "seed 8" in seen.document["session"]["market"]
    assert resumed.documents[0]["session_id"] == seen.document["session"]["session_id"]
    assert again.code == 0 and steadyhand("status", "--json").document["account_id"] == first


def test_a_killed_session_is_seen_as_it_was_and_resumed_by_the_next_start(steadyhand: Steadyhand):
    running = steadyhand.start_session("--duration", "none", "--seed", "7", "--speed", "10")
    session_id = steadyhand("status", "--json").document["session"]["session_id"]
    running.kill()
    running.wait()

    seen, stop, doctor = steadyhand.at_once(("status", "--json"), ("stop-session",), ("doctor",))
    contradiction = steadyhand("start-session", "--stop-loss", "0.5")
    resumed = steadyhand("start-session", "--duration", "5s", "--speed", "max", "--json")

    assert (seen.code, seen.document["running"], seen.document["session"]["status"]) == (0, False, "RUNNING")
    assert stop.code == 3
    assert contradiction.code == 4 and "stop_loss_pct 0.02 (asked for: 0.5)" in contradiction.err
    assert doctor.code == 0 and "start-session resumes it" in doctor.out
    assert (resumed.documents[0]["resumed"], resumed.documents[0]["session_id"]) == (True, session_id)
    assert resumed.documents[-1]["status"] == "STOPPED"


def test_a_halt_without_a_session_holds_for_the_next_one(steadyhand: Steadyhand):
    steadyhand("init-db")
    halted = steadyhand("halt", "--reason", "weekend")
    halt_file = (steadyhand.data_dir / "HALT").read_text()

    run = steadyhand("start-session", "--duration", "30s", "--json", *QUICK)
    rearmed = steadyhand("rearm")
    again = steadyhand("start-session", "--duration", "2m", "--json", *QUICK)

    assert (halted.code, halt_file) == (0, "halt: weekend\n")
    assert run.documents[0]["trading_state"] == run.documents[-1]["trading_state"] == "HALTED"
    assert run.documents[-1]["orders_sent"] == 0
    assert rearmed.code == 0 and not (steadyhand.data_dir / "HALT").exists()
    assert again.documents[-1]["trading_state"] == "ACTIVE" and again.documents[-1]["orders_sent"] > 0


def test_lines_for_people_have_no_colours_in_a_pipe_and_say_paper(steadyhand: Steadyhand):
    run = steadyhand("start-session", "--duration", "70s", "--seed", "7", *QUICK)

    assert run.code == 0 and "\x1b" not in run.out
    assert re.match(r"00:00:0\d PAPER     session \w{8} started, RUNNING", run.out)
    assert re.search(r"^\S+ why       ", run.out, re.MULTILINE)
    assert re.search(
        r"^PAPER session \w{8}: its time is over, 1m 1\ds of session time", run.out, re.MULTILINE
    )


def test_a_reader_who_leaves_is_no_reason_to_complain(steadyhand: Steadyhand):
    process = steadyhand.start("start-session", "--duration", "60s", *QUICK)
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    process.stdout = None

    end = ended(process)

    assert (end.code, end.err) == (0, "")
    assert steadyhand("status", "--json").document["session"]["status"] == "STOPPED"


def test_a_terminal_shows_the_live_view_and_then_the_summary(steadyhand: Steadyhand):
    ours, theirs = pty.openpty()
    ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    steadyhand.environment["TERM"] = "xterm-256color"
    process = steadyhand.start(
        "start-session", "--duration", "3s", "--timeframe", "1s", stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    screen = read_all(ours, until=process)

    view, _, after = screen.partition("\x1b[?1049l")
    assert process.wait() == 0
    assert "\x1b[?1049h" in view and " PAPER " in view and "Ctrl-C" in view and "Positions" in view
    assert 4 <= view.count("Equity") <= 3 * 4 + 3
    assert "its time is over" in after and "\x1b[?1049h" not in after


def read_all(descriptor: int, until: subprocess.Popen[str]) -> str:
    """Everything that a terminal is sent."""
    received = b""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        ready, _, _ = select.select([descriptor], [], [], 0.1)
        if ready:
            try:
                received += os.read(descriptor, 65_536)
            except OSError:
                break
        elif until.poll() is not None:
            break
    os.close(descriptor)
    return received.decode()


def test_help_answers_without_loading_what_it_does_not_need(steadyhand: Steadyhand):
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "src.interfaces.cli", "--help"],
        cwd=ROOT, env=steadyhand.environment, capture_output=True, text=True, check=True,
    )  # fmt: skip

    loaded = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}
    assert "start-session" in done.stdout
    assert not loaded & {
        "pydantic",
        "rich",
        "asyncio",
        "sqlalchemy",
        "numpy",
        "msgspec",
        "sqlite3",
    }
    assert not any("src.bootstrap" in line or "src.domain" in line for line in done.stderr.splitlines())


def test_the_launcher_takes_file_arguments_from_the_callers_folder(steadyhand: Steadyhand, tmp_path: Path):
    (tmp_path / "nothing.ws").write_text("no frames\n", encoding="utf-8")

    done = subprocess.run(
        [ROOT / "steadyhand", "start-session", "--replay", "nothing.ws"],
        cwd=tmp_path, env=steadyhand.environment, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 4
    assert "nothing.ws: none of 1 lines is a market frame" in done.stderr


def test_the_version_is_the_projects(steadyhand: Steadyhand):
    done = steadyhand("version", "--json")

    assert f'version = "{done.document["steadyhand"]}"' in (ROOT / "pyproject.toml").read_text()
    assert json.loads(done.out)["python"]


def test_where_auto_restart_is_off_an_unfinished_session_waits_for_resume(steadyhand: Steadyhand):
    running = steadyhand.start_session("--duration", "none", "--seed", "7")
    running.kill()
    running.wait()

    refused = steadyhand("start-session", "--duration", "2s", *QUICK, AUTO_RESTART="false")
    resumed = steadyhand(
        "start-session", "--duration", "2s", *QUICK, "--resume", "--json", AUTO_RESTART="false"
    )
    again = steadyhand("start-session", "--duration", "2s", *QUICK, AUTO_RESTART="false")

    assert (refused.code, refused.err.count("\n")) == (4, 1)
    assert "is unfinished and AUTO_RESTART is false: add --resume" in refused.err
    assert resumed.code == 0 and resumed.documents[0]["resumed"]
    assert again.code == 0
