"""The commands about what trading came to, against an account that a test has made up."""

import csv
import json
import os
from dataclasses import replace
from decimal import Decimal as D
from pathlib import Path

import pytest

from src.application.ports.store import EquityPoint
from src.domain.ledger.events import IncomeBooked
from src.domain.market.sides import OrderSide
from src.domain.orders.order import Order
from src.domain.orders.ticket import Attempt
from src.domain.orders.types import OrderStatus
from tests.domain.performance.histories import START_MS, a_trip, an_execution
from tests.interfaces.cli.conftest import Run
from tests.support.domain_builders import a_ticket
from tests.support.fake_composition import FakeApplication
from tests.support.session_builders import a_position, a_snapshot

HOUR_MS = 3_600_000
EXPORTS = [("trades", 2), ("daily", 2), ("performance", 3)]


@pytest.fixture(autouse=True)
def history(app: FakeApplication) -> None:
    """Two trades of two strategies on two days, newest first; 10,000 paid in, one funding payment."""
    reads = app.reads
    reads.trips = [
        a_trip("-4", 2, strategy_id="sma_cross", symbol="ETHUSDT", closed_ms=START_MS + 30 * HOUR_MS),
        a_trip("10", 1, commission=D("0.5"), closed_ms=START_MS + 2 * HOUR_MS),
    ]
    reads.the_executions = [
        an_execution("101", at_ms=START_MS),
        an_execution("99", at_ms=START_MS + 30 * HOUR_MS, strategy_id="sma_cross", realized_pnl=D(-4)),
    ]
    reads.the_income = [
        IncomeBooked(1, "TRANSFER", "USDT", D(10_000), "", 0),
        IncomeBooked(2, "FUNDING_FEE", "USDT", D("-0.25"), "BTCUSDT", START_MS + HOUR_MS),
    ]
    reads.points = [
        EquityPoint(START_MS + hours * HOUR_MS, D(wallet), D(0), D(0))
        for hours, wallet in ((0, "10000"), (12, "10009"), (30, "10005"))
    ]
    reads.rows = [replace(row, last_ms=START_MS + 31 * HOUR_MS) for row in reads.rows]


def test_the_report_says_what_trading_came_to(run: Run):
    shown = run("performance", "--by", "strategy")

    assert shown.code == 0
    assert "PAPER performance of account acc00001, 2026-01-05 00:00 to 2026-01-06 06:00 UTC" in shown.out
    assert "equity     10,005.00 after 10,000.00: +5.00 (0.05 %)" in shown.out
    assert "trades     2: 1 won, 1 lost, win rate 50.00 %" in shown.out
    assert "result     +5.25 = +6.00 P&L -0.50 fees -0.25 funding" in shown.out
    assert "profit factor 2.31" in shown.out and "Sharpe -" in shown.out
    lines = {line.split()[0]: line.split() for line in shown.out.splitlines()[-2:]}
    assert (lines["rsi"][4], lines["sma_cross"][4]) == ("+9.25", "-4.00")


def test_slippage_has_one_sign_in_its_line_that_of_what_it_does_to_the_account(
    run: Run, app: FakeApplication
):
    app.reads.the_executions = [an_execution("100.1", at_ms=START_MS, reference_price=D(100))]
    cost = run("performance").out
    app.reads.the_executions = [an_execution("99.9", at_ms=START_MS, reference_price=D(100))]

    assert "slippage -0.10 (-9.99 bp)" in cost
    assert "slippage +0.10 (+10.01 bp)" in run("performance").out


def test_the_document_has_every_figure_exactly(run: Run):
    document = run("performance", "--by", "symbol", "--json").document

    report = document["report"]
    assert (document["account_id"], document["strategy"]) == ("acc00001-x", None)
    assert (report["trades"]["net_pnl"], report["trades"]["win_rate"]) == ("5.25", "0.5")
    assert report["curve"]["risk"]["sharpe"] is None
    assert [group["name"] for group in report["groups"]] == ["BTCUSDT", "ETHUSDT"]
    assert sum(D(group["trades"]["net_pnl"]) for group in report["groups"]) == D("5.25")


def test_one_strategy_has_no_curve_of_its_own(run: Run):
    document = run("performance", "--strategy", "rsi", "--json").document

    assert document["report"]["trades"]["net_pnl"] == "9.25"
    assert document["report"]["curve"] is document["report"]["funding"] is None


def test_a_list_of_trades_that_is_cut_says_so_and_sums_up_all(run: Run):
    shown, whole = run("trades", "--limit", "1"), run("trades")
    document = run("trades", "--limit", "1", "--json").document

    assert shown.out.splitlines()[0] == "PAPER trades, newest 1 of 2" and "BTCUSDT" not in shown.out
    assert shown.out.splitlines()[-1] == "all 2 trades, 1 won, net +5.25"
    assert whole.out.splitlines()[-1] == "2 trades, 1 won, net +5.25"
    assert whole.out.splitlines()[0] == "PAPER trades" and "2026-01-06 06:00:00" in whole.out
    assert (len(document["trades"]), document["total"]) == (1, 2)


def test_a_list_of_orders_that_is_cut_says_so_and_shows_days_where_there_are_several(
    run: Run, app: FakeApplication
):
    app.reads.the_orders = [
        Order(a_ticket(), Attempt(f"x-{day}", 0, 5_000), "session", 1, day * 24 * HOUR_MS, OrderStatus.NEW)
        for day in (2, 1, 0)
    ]

    cut, whole = run("orders", "--limit", "1"), run("orders")

    assert cut.out.splitlines()[0] == "PAPER orders, newest 1; --limit shows more"
    assert whole.out.splitlines()[0] == "PAPER orders" and "1970-01-02 00:00:00" in whole.out
    assert "1970" not in cut.out
    assert run("orders", "--limit", "1", "--json").document["has_more"] is True
    assert run("orders", "--limit", "3", "--json").document["has_more"] is False


def test_an_unknown_strategy_is_not_found(run: Run):
    ran = run("performance", "--strategy", "rsj")

    assert (ran.code, ran.out) == (2, "")
    assert ran.err == "error: strategy rsj has traded nothing: known are rsi, sma_cross\n"


@pytest.mark.parametrize(
    ("since", "until", "trades"),
    [
        ("2026-01-05", "2026-01-05", 1),
        ("2026-01-06", None, 1),
        ("2026-01-05T02:00", "2026-01-05T02:00:01+00:00", 1),
        ("2026-01-05T02:00+01:00", "2026-01-05T02:00", 0),
        ("40h", "12h", 1),
        (None, "2026-01-06T06:00", 1),
        (None, None, 2),
    ],
)
def test_a_period_is_days_moments_or_how_long_ago(
    run: Run, since: str | None, until: str | None, trades: int
):
    flags = [*(("--since", since) if since else ()), *(("--until", until) if until else ())]

    assert run("performance", "--json", *flags).document["report"]["trades"]["trades"] == trades
    assert len(run("trades", "--json", *flags).document["trades"]) == trades


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("performance", "--since", "yesterday"), "'yesterday' is no moment: write a day like 2026-01-31"),
        (("performance", "--since", "20260105"), "'20260105' is no moment"),
        (("performance", "--since", ""), "'' is no moment"),
        (("daily", "--until", "2026-13-01"), "'2026-13-01' is no moment"),
        (
            ("trades", "--since", "2026-01-06", "--until", "2026-01-05"),
            "--until 2026-01-05 is not after --since",
        ),
        (("performance", "--by", "hour"), "--by hour is not known: use strategy, symbol, day"),
        (("performance", "--returns", "7m"), "--returns 7m does not divide a day"),
        (("performance", "--returns", "1m"), "equity is marked every"),
        (("performance", "--export", "x", "--strategy", "rsi"), "the equity curve is the whole account's"),
        (("trades", "--csv", "x", "--export", "y"), "--csv and --export both name a file"),
        (("trades", "--export", "x", "--format", "xlsx"), "--format xlsx is not known: use csv or json"),
        (("trades", "--limit", "0"), "invalid value for '--limit'"),
    ],
)
def test_a_question_without_a_meaning_is_one_line_and_writes_nothing(
    run: Run, arguments: tuple[str, ...], line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)

    ran = run(*arguments)

    assert (ran.code, ran.out, ran.err.count("\n")) == (4, "", 1)
    assert line in ran.err
    assert not list(tmp_path.iterdir())


def test_days_are_listed_and_summed_up(run: Run):
    shown, document = run("daily"), run("daily", "--json").document

    first, second = document["days"]
    assert (first["day"], first["transfers"], first["net"]) == ("2026-01-05", "10000", "-0.35")
    assert (second["day"], second["net"], second["trades"], second["equity"]) == (
        "2026-01-06",
        "-4.1",
        1,
        "10005",
    )
    assert "2 days, 2 trades, net -4.45, paid in +10,000.00" in shown.out


def test_trades_are_net_of_commission_and_funding_and_filtered(run: Run):
    everything = run("trades", "--json").document["trades"]
    of_one = run("trades", "--json", "--strategy", "rsi", "--symbol", "BTC/USDT").document["trades"]
    newest = run("trades", "--json", "--limit", "1").document["trades"]

    assert [each["net_pnl"] for each in everything] == ["-4", "9.25"]
    assert of_one == [everything[1]] and newest == [everything[0]]
    assert everything[1]["funding"] == "-0.25"
    assert everything[1]["closed_at"] == "2026-01-05T02:00:00.000Z"


@pytest.mark.parametrize(("command", "rows"), EXPORTS)
def test_a_table_becomes_a_csv_or_a_json_file_with_the_same_rows(
    run: Run, command: str, rows: int, tmp_path: Path
):
    table, document = tmp_path / "out.csv", tmp_path / "out.json"

    written = run(command, "--export", str(table)), run(command, "--export", str(document))

    with table.open(newline="") as file:
        from_csv = list(csv.DictReader(file))
    from_json = json.loads(document.read_text())
    assert [ran.code for ran in written] == [0, 0] and not written[0].out
    assert f"{table}: {rows} " in written[0].err
    assert len(from_csv) == rows
    assert from_csv == [{k: "" if v is None else str(v) for k, v in row.items()} for row in from_json]
    assert sorted(tmp_path.iterdir()) == [table, document]


def test_orders_become_a_file_too(run: Run, tmp_path: Path):
    target = tmp_path / "orders.txt"

    ran = run("orders", "--export", str(target), "--format", "csv")

    assert ran.err == f"{target}: 0 orders\n"
    assert target.read_text().startswith("created_at,client_order_id,symbol,side,")


def test_an_existing_file_is_kept_unless_force_is_given(run: Run, tmp_path: Path):
    target = tmp_path / "trades.csv"
    target.write_text("mine")

    refused = run("trades", "--csv", str(target))
    kept = target.read_text()
    forced = run("trades", "--csv", str(target), "--force")

    assert (refused.code, kept) == (1, "mine")
    assert refused.err == f"error: {target} exists: give another name, or --force to replace it\n"
    assert forced.code == 0 and target.read_text().startswith("closed_at,")
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("folder", [".", "/", ".."])
def test_a_folder_without_a_name_of_its_own_is_no_file(run: Run, folder: str):
    ran = run("trades", "--export", folder)

    assert (ran.code, ran.err) == (4, f"error: {folder} is a folder: name a file in it\n")


def test_what_is_no_file_is_not_replaced_by_force_either(run: Run, tmp_path: Path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    ran = run("trades", "--export", str(pipe), "--force")

    assert (ran.code, ran.err) == (4, f"error: {pipe} is no file: name one, or - for stdout\n")
    assert pipe.is_fifo() and list(tmp_path.iterdir()) == [pipe]


@pytest.mark.parametrize("place", ["no/such/folder/x.csv", "file/x.csv", "", "n" * 300])
def test_a_file_that_cannot_be_written_is_one_line_and_leaves_nothing(run: Run, place: str, tmp_path: Path):
    (tmp_path / "file").touch()

    ran = run("trades", "--export", str(tmp_path / place))

    fix = "give another place" if place else "name a file in it"
    assert (ran.code, ran.out, ran.err.count("\n")) == (1 if place else 4, "", 1)
    assert ran.err.endswith(f"{fix}\n")
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_the_balance_of_a_running_session_is_its_own(run: Run, app: FakeApplication):
    app.running = a_snapshot()

    shown, document = run("balance"), run("balance", "--json").document

    assert "[live]" in shown.out and "wallet     10,010.00" in shown.out
    assert "exposure   977.60 in 1 position" in shown.out and "margin     97.76 at 10x, 0.98 %" in shown.out
    assert (document["equity"], document["available"]) == ("10011.5984", "9913.8384")
    assert document["assets"] == [{"asset": "USDT", "wallet": "10010"}]


def test_margin_is_bound_at_the_leverage_of_each_symbol(run: Run, app: FakeApplication):
    ledger = app.reads.the_ledger
    assert ledger is not None and ledger.session is not None
    ledger.session.options = replace(ledger.session.options, leverages=(("ETHUSDT", 4),))
    app.running = a_snapshot(
        positions=(a_position(), a_position(symbol="ETHUSDT", quantity="-0.1", mark_price=D(4_000)))
    )

    shown, document = run("balance"), run("balance", "--json").document

    # A tenth of 977.60, and a quarter of 400.
    assert document["initial_margin"] == "197.76"
    assert "margin     197.76 at 4x to 10x" in shown.out
    assert document["leverages"] == {"BTCUSDT": 10, "ETHUSDT": 4}


def test_without_a_process_only_what_needs_no_market_is_known(run: Run, app: FakeApplication):
    ledger = app.reads.the_ledger
    assert ledger is not None
    ledger.account.wallet["BNB"] = D("1.5")
    position = ledger.position("BTCUSDT")
    position.apply_fill(OrderSide.BUY, D(60_000), D("0.1"), D(0), "rsi", START_MS, 1)

    shown, document = run("balance"), run("balance", "--json").document

    assert "equity     not known without a process" in shown.out
    assert "6,000.00 in 1 position at their entry prices" in shown.out and "BNB" in shown.out
    assert document["equity"] is document["unrealized_pnl"] is document["available"] is None
    assert document["initial_margin"] == "600"


def test_a_position_without_a_mark_price_leaves_the_equity_unknown(run: Run, app: FakeApplication):
    app.running = a_snapshot(positions=(a_position(mark_price=None, unrealized_pnl=None),))

    assert run("balance", "--json").document["equity"] is None


def test_strategies_are_listed_with_what_each_came_to(run: Run):
    shown, document = run("strategies"), run("strategies", "list", "--json").document

    lines = {each["strategy_id"]: each for each in document["strategies"]}
    assert list(lines) == ["sma_cross", "rsi"]
    assert (lines["sma_cross"]["in_session"], lines["rsi"]["in_session"]) == (True, False)
    assert lines["rsi"]["group"]["trades"]["net_pnl"] == "9.25"
    assert "2 strategies, net +5.25" in shown.out


def test_an_account_that_traded_nothing_has_no_figures(run: Run, app: FakeApplication):
    app.reads.trips, app.reads.the_executions, app.reads.points = [], [], []

    report, days, trades = (
        run("performance", "--by", "day"),
        run("daily", "--since", "2027-01-01"),
        run("trades"),
    )

    assert report.code == days.code == trades.code == 0
    assert "not marked in this period" in report.out and "none was closed" in report.out
    assert (days.out, trades.out) == ("PAPER days: none\n", "PAPER trades: none\n")


@pytest.mark.parametrize(("command", "rows"), EXPORTS)
def test_an_export_may_go_to_stdout_and_is_nothing_but_the_table(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, rows: int
):
    monkeypatch.chdir(tmp_path)

    table, document = run(command, "--export", "-"), run(command, "--export", "-", "--format", "json")

    assert (len(table.out.splitlines()), len(document.document)) == (rows + 1, rows)
    assert (table.err, list(tmp_path.iterdir())) == ("", [])


def test_an_equity_curve_in_a_file_leaves_the_report_to_stdout(run: Run, tmp_path: Path):
    ran = run("performance", "--export", str(tmp_path / "e.csv"), "--json")

    assert ran.document["report"]["trades"]["net_pnl"] == "5.25" and (tmp_path / "e.csv").exists()
