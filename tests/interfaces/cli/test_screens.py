"""What a running session looks like: notices out of events, pictures of any size, lines, and the end of it."""

import io
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.domain.ledger.events import AlarmRaised, RecoveryFinished
from src.domain.market.sides import OrderSide
from src.interfaces.cli.composition import Ended
from src.interfaces.cli.screens.choice import Screen
from src.interfaces.cli.screens.frame import Line, Run, frame
from src.interfaces.cli.screens.lines import JsonScreen, LineScreen
from src.interfaces.cli.screens.live import LiveConsole, LiveScreen
from src.interfaces.cli.screens.summary import summary_document, summary_lines
from tests.interfaces.cli.conftest import Run as RunCommand
from tests.interfaces.cli.test_notices import a_fill
from tests.support.fake_composition import FakeApplication
from tests.support.session_builders import a_market, a_position, a_result, a_snapshot, an_order

NOW_MS = 1_767_571_265_000
BUY, SELL = OrderSide.BUY, OrderSide.SELL


def text_of(lines: Sequence[Line]) -> str:
    return "\n".join("".join(text for text, _ in line) for line in lines)


CROWDED = a_snapshot(
    positions=tuple(a_position(f"COIN{n}USDT", "0.5") for n in range(9)),
    orders=tuple(an_order(n) for n in range(12)),
    markets=tuple(a_market(f"COIN{n}USDT") for n in range(9)),
    alarms=tuple(f"subject: alarm {n}" for n in range(5)),
    why_not="COIN0USDT sma_cross: no crossing for 12 bars; " * 4,
)


@given(
    st.integers(1, 250),
    st.integers(1, 80),
    st.sampled_from([a_snapshot(), CROWDED, a_snapshot(positions=(), orders=(), markets=())]),
)
def test_the_picture_fits_a_screen_of_any_size(width: int, height: int, snapshot: Any):
    lines = frame(snapshot, Run(1_000, None), width, height)

    assert len(lines) <= height
    assert all(sum(len(text) for text, _ in line) <= width for line in lines)


def test_the_usual_terminal_shows_all_that_matters():
    text = text_of(frame(CROWDED, Run(312_000, Decimal(10)), 80, 24))

    for shown in (
        "PAPER", "RUNNING", "ACTIVE", "2026-01-05 00:01:05 UTC", "5m 12s at 10x", "10,011.60", "+11.60 (+0.12 %)",
        "of 9", "COIN0USDT  long", "59,780", "64,050", "FILLED", "Why: COIN0USDT sma_cross", "alarm 4", "Ctrl-C",
    ):  # fmt: skip
        assert shown in text


def test_every_block_keeps_a_row_when_it_gets_tight():
    text = text_of(frame(CROWDED, Run(0, None), 80, 20))

    assert text.count("COIN0USDT") >= 2 and "FILLED" in text


@pytest.mark.parametrize(
    ("snapshot", "word", "style"),
    [
        (a_snapshot(positions=(a_position(stop_price=None),)), "NO STOP", "bad"),
        (a_snapshot(positions=(a_position(unrealized_pnl=Decimal(-3)),)), "-3.00", "bad"),
        (a_snapshot(trading_state="HALTED", trading_reason="fat finger"), "HALTED", "bad"),
        (a_snapshot(trading_state="HALTED", trading_reason="fat finger"), "fat finger", "plain"),
        (a_snapshot(status="PAUSED"), "PAUSED", "warning"),
        (a_snapshot(synced=False), "SYNCING", "warning"),
        (a_snapshot(markets=(a_market(age_ms=60_000),)), "stale", "warning"),
        (a_snapshot(markets=(a_market(trouble="quoted crossed"),)), "quoted crossed", "warning"),
        (a_snapshot(orders=(an_order(attempt_state="UNKNOWN"),)), "outcome unknown", "warning"),
        (a_snapshot(orders=(an_order(status="REJECTED"),)), "REJECTED", "bad"),
        (a_snapshot(alarms=("disk: full",)), "disk: full", "bad"),
        (a_snapshot(), "RUNNING", "good"),
        (a_snapshot(equity=Decimal("10000.001")), "0.00 (", "plain"),
    ],
)  # fmt: skip
def test_what_is_not_as_it_should_be_stands_out(snapshot: Any, word: str, style: str):
    lines = frame(snapshot, Run(0, Decimal(1)), 120, 40)

    assert {found for line in lines for text, found in line if word in text} == {style}


def test_lines_tell_a_session_from_its_start_to_its_end(run: RunCommand, app: FakeApplication):
    app.events = [(NOW_MS, [a_fill(BUY, "0.1", client_order_id="abc-7")])]

    out = run("start-session").out.splitlines()

    assert out[0].startswith(
        "00:01:05 PAPER     session 5e551017 started, RUNNING, trading ACTIVE, equity 10,011.60"
    )
    assert out[1] == "00:01:05 filled    BUY 0.1 BTCUSDT @ 61,000 (not ours, fee 0.50)"
    assert out[2] == "00:01:05 why       BTCUSDT sma_cross: no crossing for 12 bars"
    assert out[3] == "PAPER session 5e551017: its time is over, 1m of session time in 1m 1s"


def test_json_is_one_object_a_line_and_the_summary_at_the_end(run: RunCommand, app: FakeApplication):
    app.events = [(NOW_MS, [a_fill(SELL, "0.016", client_order_id="abc-7"), AlarmRaised("disk", "full")])]

    documents = [json.loads(line) for line in run("start-session", "--json").out.splitlines()]

    assert [each["event"] for each in documents] == [
        "session_started", "alarm", "order_filled", "position_closed", "why_not", "summary",
    ]  # fmt: skip
    assert documents[2]["quantity"] == "0.016" and documents[2]["at_ms"] == NOW_MS
    assert documents[-1]["win_rate"] == "0.75" and documents[-1]["positions"][0]["stop_price"] == "59780"


def test_the_summary_names_kept_positions_with_their_stops_and_what_that_means():
    text = "\n".join(summary_lines(a_result(notes=("3 bad lines",))))

    assert "kept       LONG 0.016 BTCUSDT @ 61,000.1, stop 59,780, target 64,050" in text
    assert "their stops sleep while no engine runs" in text
    assert "4, 3 won and 1 lost, win rate 75.00 %" in text and "note       3 bad lines" in text


def test_figures_of_the_session_and_of_its_account_are_told_apart(run: RunCommand, app: FakeApplication):
    app.running = a_snapshot()
    for lines in (list(summary_lines(a_result())), run("status").out.splitlines()):
        by_label = {line.split()[0]: line for line in lines[1:]}
        assert "P&L        account: realized +10.50" in by_label["P&L"]
        assert by_label["equity"].endswith("drawdown 0.41 % (this session)")
        assert by_label["trades"].endswith("win rate 75.00 % (this session)")


def test_the_fee_of_a_liquidation_is_a_loss_that_is_told_and_no_capital(
    run: RunCommand, app: FakeApplication
):
    told = a_snapshot(wallet=Decimal(10_007), equity=Decimal("10008.5984"))
    app.running = told
    picture = text_of(frame(told, Run(0, Decimal(1)), 120, 30)).splitlines()
    for line in (*summary_lines(a_result(snapshot=told)), *run("status").out.splitlines()):
        if line.startswith("  P&L"):
            assert ", funding 0.00, other -3.00" in line

    assert picture[3].rstrip().endswith("other -3.00")
    assert "other" not in "".join(summary_lines(a_result()))


def test_the_picture_says_with_the_sessions_name_what_is_its_own_and_not_the_accounts():
    picture = text_of(frame(a_snapshot(total_trades=41), Run(0, Decimal(1)), 120, 30)).splitlines()

    assert " session 5e551017  drawdown 0.41 %  trades 41 (3 won)  synthetic" in picture[1]
    assert "drawdown" not in picture[2] + picture[3] and "trades" not in picture[2] + picture[3]


@pytest.mark.parametrize(
    ("ended", "told"),
    [
        (
            Ended.DURATION,
            "`trades` lists what was done, `start-session` with the same options goes on with the account",
        ),
        (Ended.END_OF_DATA, "`trades` lists what was done"),
        (Ended.ERROR, "`start-session` resumes it, `doctor` looks for the cause"),
    ],
)
def test_what_comes_next_is_true_of_the_account_that_was_traded(ended: Ended, told: str):
    assert list(summary_lines(a_result(ended=ended)))[-1] == f"  next       {told}"


@pytest.mark.parametrize("market", ["recording 0ad7b3a0f5cf", "bars 0ad7b3a0f5cf"])
def test_a_recorded_session_that_was_stopped_promises_no_more_of_its_account(market: str):
    result = a_result(snapshot=a_snapshot(status="STOPPED", market=market))

    assert "goes on" not in (told := list(summary_lines(result))[-1])
    assert "begins the recording again, with a new account" in told


def test_at_an_exchange_kept_stops_go_on_standing():
    result = a_result()

    text = "\n".join(summary_lines(replace(result, snapshot=replace(result.snapshot, exchange="testnet"))))

    assert "their stops stand at the exchange" in text and "sleep" not in text


def test_the_summary_of_a_session_that_is_not_stopped_says_who_goes_on_stopping():
    result = a_result(ended=Ended.ERROR)

    lines = list(summary_lines(replace(result, snapshot=replace(result.snapshot, status="STOPPING"))))

    assert "`start-session` goes on stopping it" in lines[-1]


def test_a_summary_without_trades_claims_no_win_rate():
    result = a_result(snapshot=a_snapshot(winning_trades=0, losing_trades=0, total_trades=0, positions=()))

    assert summary_document(result)["win_rate"] is None
    assert "win rate" not in "\n".join(summary_lines(result))


@pytest.mark.parametrize(
    ("exchange", "how"), [("paper", "`start-session`"), ("live", "`start-session --exchange live`")]
)
def test_the_summary_of_a_failure_says_how_the_session_is_resumed_where_it_traded(exchange: str, how: str):
    result = a_result(ended=Ended.ERROR)

    lines = list(summary_lines(replace(result, snapshot=replace(result.snapshot, exchange=exchange))))

    assert f"{how} resumes it" in lines[-1]


@pytest.mark.parametrize("screen", [LineScreen(), JsonScreen(), LiveScreen(None, LiveConsole(width=200))])
def test_why_a_session_starts_itself_again_is_said_at_once(
    screen: Screen, capsys: pytest.CaptureFixture[str]
):
    screen.on_started(a_snapshot())

    screen.on_restart("the disk is full")
    said = capsys.readouterr().out
    screen.on_started(a_snapshot())
    screen.close()

    assert "the disk is full" in said


def test_what_was_alarming_while_the_session_started_is_said_after_the_first_line(
    capsys: pytest.CaptureFixture[str],
):
    snapshot = replace(a_snapshot(), alarms=("BTCUSDT: there is no stop: asked for",))

    LineScreen().on_started(snapshot)
    lines = capsys.readouterr().out.splitlines()
    JsonScreen().on_started(snapshot)
    documents = [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    assert lines[1].endswith(" ALARM     BTCUSDT: there is no stop: asked for")
    assert documents[1] == {
        "event": "alarm", "at_ms": snapshot.now_ms, "subject": "BTCUSDT", "text": "there is no stop: asked for"
    }  # fmt: skip


@pytest.mark.parametrize("ended", list(Ended))
def test_every_end_is_put_in_words(ended: Ended):
    lines = list(summary_lines(a_result(ended=ended, reason="the disk is full")))

    assert lines[0].startswith("PAPER session 5e551017: ")
    assert ("the disk is full" in lines[1]) is (ended is Ended.ERROR)


@pytest.mark.parametrize("screen", [LineScreen, JsonScreen])
def test_the_same_moment_of_a_quick_session_is_told_once(
    screen: type[LineScreen], capsys: pytest.CaptureFixture[str]
):
    watching = screen()

    for at_ms in (NOW_MS, NOW_MS, NOW_MS + 60_000):
        watching.on_minute(at_ms, "no strategies")

    assert len(capsys.readouterr().out.splitlines()) == 2


class _Closed(io.StringIO):
    def write(self, text: str) -> int:
        raise BrokenPipeError


@pytest.mark.parametrize("screen", [LineScreen, JsonScreen])
def test_a_reader_who_leaves_does_not_disturb_the_session(
    screen: type[LineScreen], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sys, "stdout", _Closed())
    watching = screen()

    watching.on_started(a_snapshot())
    watching.on_events(NOW_MS, [AlarmRaised("disk", "full")])
    watching.on_minute(NOW_MS, "no strategies")
    watching.close()
    watching.show_result(a_result())


def test_the_live_view_takes_the_screen_and_gives_it_back(monkeypatch: pytest.MonkeyPatch):
    terminal = io.StringIO()
    monkeypatch.setenv("TERM", "xterm-256color")
    screen = LiveScreen(
        None, LiveConsole(file=terminal, force_terminal=True, width=80, height=24, highlight=False)
    )

    screen.on_started(a_snapshot())
    screen.on_view(a_snapshot(why_not="second picture"))
    screen.close()
    screen.close()
    drawn = terminal.getvalue()
    screen.show_result(a_result())

    assert drawn.startswith("\x1b[?1049h") and "second picture" in drawn
    assert "\x1b[?1049l" in drawn and "\x1b[?25h" in drawn
    assert "its time is over" in terminal.getvalue()[len(drawn) :]


def test_the_live_view_shows_what_the_last_comparison_has_found_until_one_agrees(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("TERM", "xterm-256color")
    terminal = io.StringIO()
    screen = LiveScreen(None, LiveConsole(file=terminal, force_terminal=True, width=100, height=24))
    screen.on_started(a_snapshot())

    def drawn_after(*events: RecoveryFinished) -> str:
        screen.on_events(NOW_MS, events)
        before = len(terminal.getvalue())
        screen.on_view(a_snapshot())
        return terminal.getvalue()[before:]

    first = drawn_after(RecoveryFinished("start", 3, 0, 0, 0, 1, False))
    later, agreed = drawn_after(), drawn_after(RecoveryFinished("timer", 3, 0, 0, 0, 0, True))
    screen.close()

    text = "1 differences between store and exchange (start)"
    assert [text in drawn for drawn in (first, later, agreed)] == [True, True, False]


def test_a_terminal_that_goes_away_does_not_disturb_the_session(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    screen = LiveScreen(None, LiveConsole(file=_Closed(), force_terminal=True, width=80, height=24))

    screen.on_started(a_snapshot())
    screen.on_view(a_snapshot())
    screen.close()
    screen.show_result(a_result())
