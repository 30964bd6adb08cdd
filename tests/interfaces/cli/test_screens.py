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

from src.domain.ledger.events import (
    AlarmRaised,
    Event,
    FillBooked,
    IncomeBooked,
    OrderDenied,
    OrderMoved,
    RecoveryFinished,
    SessionMoved,
    TradingMoved,
)
from src.domain.market.sides import OrderSide, PositionSide
from src.domain.orders.transitions import OrderTrigger
from src.domain.sessions.session import SessionTrigger
from src.domain.sessions.trading_states import TradingTrigger
from src.interfaces.cli.composition import Ended
from src.interfaces.cli.screens.choice import Screen
from src.interfaces.cli.screens.frame import Line, Run, frame
from src.interfaces.cli.screens.lines import JsonScreen, LineScreen
from src.interfaces.cli.screens.live import LiveConsole, LiveScreen
from src.interfaces.cli.screens.notices import Notice, Notices
from src.interfaces.cli.screens.summary import summary_document, summary_lines
from tests.interfaces.cli.conftest import Run as RunCommand
from tests.support.fake_composition import FakeApplication
from tests.support.session_builders import a_market, a_position, a_result, a_snapshot, an_order

NOW_MS = 1_767_571_265_000
BUY, SELL = OrderSide.BUY, OrderSide.SELL


def a_fill(side: OrderSide, quantity: str, price: str = "61000", **changed: Any) -> FillBooked:
    values: dict[str, Any] = {
        "client_order_id": "abc-1",
        "symbol": "BTCUSDT",
        "trade_id": 1,
        "exchange_order_id": 1,
        "side": side,
        "position_side": PositionSide.BOTH,
        "price": Decimal(price),
        "quantity": Decimal(quantity),
        "realized_pnl": Decimal(0),
        "commission": Decimal("0.5"),
        "commission_asset": "USDT",
        "is_maker": False,
        "traded_ms": NOW_MS,
        "strategy_id": "rsi",
    }
    return FillBooked(**{**values, **changed})


def told(*batches: Sequence[Event], held: tuple[Any, ...] = ()) -> list[Notice]:
    notices = Notices()
    notices.start(a_snapshot(positions=held, orders=()))
    return [notice for events in batches for notice in notices.of(NOW_MS, events)]


def test_the_fills_of_one_order_are_one_notice_and_open_a_position():
    notices = told([a_fill(BUY, "0.1", "61000"), a_fill(BUY, "0.3", "61004", trade_id=2)])

    assert [(notice.kind, notice.text) for notice in notices] == [
        ("order_filled", "BUY 0.4 BTCUSDT @ 61,003 (not ours, fee 1.00)"),
        ("position_opened", "LONG 0.4 BTCUSDT @ 61,003"),
    ]


def test_a_closed_position_is_told_with_all_that_it_earned():
    notices = told(
        [a_fill(SELL, "0.4")],
        [a_fill(BUY, "0.1", "60970", trade_id=2)],
        [a_fill(BUY, "0.3", "60970", trade_id=3)],
    )

    assert [notice.text for notice in notices if notice.kind.startswith("position")] == [
        "SHORT 0.4 BTCUSDT @ 61,000",
        "SHORT 0.3 BTCUSDT, net +10.50",
    ]


def test_a_fill_through_zero_closes_one_position_and_opens_the_other():
    notices = told([a_fill(SELL, "0.02")], held=(a_position(quantity="0.016"),))

    assert [notice.kind for notice in notices] == ["order_filled", "position_closed", "position_opened"]
    assert notices[-1].fields["quantity"] == Decimal("-0.004")


def nets(notices: Sequence[Notice]) -> list[str]:
    return [f"{each.fields['net_pnl']:.2f}" for each in notices if each.kind == "position_closed"]


def test_a_position_that_turns_is_charged_with_its_own_part_of_the_commission():
    notices = told([a_fill(BUY, "0.1")], [a_fill(SELL, "0.4", commission=Decimal(2))], [a_fill(BUY, "0.3")])

    assert nets(notices) == ["-1.00", "-2.00"]


def test_in_hedge_mode_long_and_short_of_a_symbol_are_two_positions():
    long, short = PositionSide.LONG, PositionSide.SHORT
    notices = told(
        [a_fill(BUY, "0.4", position_side=long)],
        [a_fill(SELL, "0.4", position_side=short, exchange_order_id=2)],
        [
            a_fill(SELL, "0.4", "61010", position_side=long, exchange_order_id=3),
            a_fill(BUY, "0.4", "61020", position_side=short, exchange_order_id=4),
        ],
    )

    assert [each.text for each in notices if each.kind.startswith("position")] == [
        "LONG 0.4 BTCUSDT @ 61,000",
        "SHORT 0.4 BTCUSDT @ 61,000",
        "LONG 0.4 BTCUSDT, net +3.00",
        "SHORT 0.4 BTCUSDT, net -9.00",
    ]


def test_trades_of_strangers_are_told_order_by_order():
    strange = {"client_order_id": "", "strategy_id": ""}
    notices = told(
        [a_fill(BUY, "0.4", **strange), a_fill(BUY, "3", symbol="ETHUSDT", exchange_order_id=2, **strange)]
    )

    assert [each.fields["symbol"] for each in notices] == ["BTCUSDT", "BTCUSDT", "ETHUSDT", "ETHUSDT"]


def test_a_position_that_a_session_began_with_keeps_what_its_entry_cost():
    held = a_position(
        "BTCUSDT", "-0.4", position_side="SHORT", entry_commission=Decimal("1.5"), lot_price=Decimal(61_005)
    )

    notices = told([a_fill(BUY, "0.4", position_side=PositionSide.SHORT)], held=(held,))

    assert nets(notices) == ["0.00"]


def test_a_commission_in_another_asset_is_no_part_of_a_net_figure():
    notices = told([a_fill(BUY, "0.4", commission_asset="BNB")], [a_fill(SELL, "0.4", "61010")])

    assert nets(notices) == ["3.50"]


@given(st.lists(st.tuples(st.sampled_from([BUY, SELL]), st.integers(1, 5)), max_size=12))
def test_positions_are_opened_and_closed_in_turns(fills: list[tuple[OrderSide, int]]):
    notices = told(
        *([a_fill(side, str(size), client_order_id=f"abc-{n}")] for n, (side, size) in enumerate(fills))
    )

    kinds = [notice.kind for notice in notices if notice.kind.startswith("position")]
    assert kinds == ["position_opened" if n % 2 == 0 else "position_closed" for n in range(len(kinds))]
    assert (len(kinds) % 2 == 1) == bool(sum(size if side is BUY else -size for side, size in fills))


def a_denial(rule: str = "position_size") -> OrderDenied:
    return OrderDenied("BTCUSDT", BUY, Decimal("0.4"), "rsi", rule, "0.2", "0.1", "too large")


def test_what_a_person_must_hear_of_is_told_in_one_line():
    notices = told(
        [
            OrderMoved("abc-9", OrderTrigger.REJECT, Decimal(0), NOW_MS, reason="Margin is insufficient."),
            a_denial(),
            IncomeBooked(1, "FUNDING_FEE", "USDT", Decimal("-0.30"), "BTCUSDT", NOW_MS),
            IncomeBooked(1, "SPECIAL_FUNDING_FEE", "USDT", Decimal("-0.10"), "BTCUSDT", NOW_MS),
            IncomeBooked(2, "COMMISSION", "USDT", Decimal("-0.30"), "BTCUSDT", NOW_MS),
            SessionMoved("s", SessionTrigger.PAUSE, "asked for"),
            SessionMoved("s", SessionTrigger.INITIALIZED, ""),
            TradingMoved(TradingTrigger.HALT, "fat finger", "operator"),
            RecoveryFinished("start", 3, 0, 0, 0, 0, True),
            RecoveryFinished("timer", 3, 1, 0, 2, 2, False),
            AlarmRaised("disk", "nearly full"),
        ]
    )

    assert [f"{notice.kind}: {notice.text}" for notice in notices] == [
        "order_rejected: abc-9 was rejected: Margin is insufficient.",
        "order_denied: BUY 0.4 BTCUSDT refused by position_size: too large",
        "funding_paid: BTCUSDT funding -0.30 USDT",
        "funding_paid: BTCUSDT funding -0.10 USDT",
        "session_moved: pause: asked for",
        "trading_moved: halt: fat finger",
        "recovered: 2 differences between store and exchange (timer): 2 orders are still unresolved",
        "alarm: disk: nearly full",
    ]


def test_the_same_refusal_is_told_once_a_minute():
    notices = Notices()

    told_at = [at_ms for at_ms in (0, 1_000, 59_999, 60_000, 61_000) if notices.of(at_ms, [a_denial()])]

    assert told_at == [0, 60_000]
    assert notices.of(61_000, [a_denial("daily_loss")])


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


@pytest.mark.parametrize("ended", list(Ended))
def test_every_end_is_put_in_words(ended: Ended):
    lines = list(summary_lines(a_result(ended=ended, reason="the disk is full")))

    assert lines[0].startswith("PAPER session 5e551017: ")
    assert ("the disk is full" in lines[1]) is (ended is Ended.ERROR)


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
    watching.on_minute(a_snapshot())
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


def test_a_terminal_that_goes_away_does_not_disturb_the_session(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    screen = LiveScreen(None, LiveConsole(file=_Closed(), force_terminal=True, width=80, height=24))

    screen.on_started(a_snapshot())
    screen.on_view(a_snapshot())
    screen.close()
    screen.show_result(a_result())
