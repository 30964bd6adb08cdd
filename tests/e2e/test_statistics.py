"""The statistics of a session by real processes: while it runs, and after its end."""

import csv
from decimal import Decimal as D
from typing import Any

from tests.e2e.conftest import Steadyhand, ended

BUSY = ("--strategies", "sma_cross:fast=2,slow=4,rsi", "--symbols", "BTCUSDT,ETHUSDT", "--seed", "7")


def added(report: Any, *path: str) -> D:
    """One figure over all groups of a report."""
    total = D(0)
    for group in report["groups"]:
        value = group
        for name in path:
            value = value[name]
        total += D(value)
    return total


def assert_adds_up(document: Any) -> None:
    report = document["report"]
    for name in ("pnl", "commission", "funding", "net_pnl"):
        assert added(report, "trades", name) == D(report["trades"][name])
    commission = D(report["trades"]["commission"]) + D(report["open_commission"])
    assert commission == D(report["executions"]["commission"])


def test_a_running_session_can_be_asked_what_it_has_come_to(steadyhand: Steadyhand):
    process = steadyhand.start_session("--duration", "none", "--speed", "20", *BUSY)

    # The session commits all the time; every answer is of one commit.
    *reports, strategies, daily = steadyhand.at_once(
        ("performance", "--by", "strategy", "--json"),
        ("performance", "--by", "symbol", "--json"),
        ("strategies", "--json"),
        ("daily",),
    )
    # Asked alone: a session counts as running when it answers within 200 ms, and many commands start for longer.
    balance = steadyhand("balance", "--json")
    for report in reports:
        assert_adds_up(report.document)
    assert balance.document["running"] is True and D(balance.document["equity"]) > 0
    assert strategies.code == daily.code == 0

    assert steadyhand("stop-session", "--json").code == 0
    assert ended(process).code == 0


def test_the_files_of_a_session_hold_what_its_summary_says(steadyhand: Steadyhand):
    run = steadyhand(
        "start-session", "--duration", "2m", "--speed", "max", "--timeframe", "1s", "--json", *BUSY
    )
    summary = run.documents[-1]
    folder = steadyhand.data_dir.parent

    commands = ("trades", "orders", "daily", "performance")
    exported = steadyhand.at_once(*((name, "--export", str(folder / f"{name}.csv")) for name in commands))
    assert {each.code for each in exported} == {0}

    def rows(command: str) -> list[dict[str, str]]:
        with (folder / f"{command}.csv").open(newline="") as file:
            return list(csv.DictReader(file))

    (day,) = rows("daily")
    fees = sum(D(row["commission"]) for row in rows("daily"))
    assert len(rows("trades")) == summary["total_trades"] > 0
    assert len(rows("orders")) == summary["orders_sent"]
    assert (D(day["realized_pnl"]), fees) == (D(summary["realized_pnl"]), D(summary["commission"]))
    assert D(summary["wallet"]) == D(day["transfers"]) + D(day["net"])
    assert D(rows("performance")[0]["equity"]) == D(summary["capital"])


def test_what_a_session_says_of_each_closed_position_is_what_trades_adds_up(steadyhand: Steadyhand):
    begin = ("--hedge", *BUSY)
    first = steadyhand(
        "start-session", "--timeframe", "1s", "--json", "--duration", "1m", "--speed", "max", *begin
    )
    held = first.documents[-1]["positions"]
    # The second run begins with what the first one holds.
    second = steadyhand.start_session("--duration", "none", "--speed", "20", *begin)
    assert steadyhand("stop-session", "--flatten").code == 0
    lines = [*first.documents, *ended(second).documents]
    told = [D(line["net_pnl"]) for line in lines if line["event"] == "position_closed"]
    trips = steadyhand("trades", "--limit", "1000", "--json").document["trades"]

    assert held and {line["position_side"] for line in held} <= {"LONG", "SHORT"}
    assert all(D(line["entry_commission"]) > 0 for line in held)
    assert sum(told) == sum(D(trip["pnl"]) - D(trip["commission"]) for trip in trips) != 0
