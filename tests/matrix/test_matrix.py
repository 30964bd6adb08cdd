"""The matrix covers what it says, and the cells that once found a bug stay green."""

from collections import Counter
from pathlib import Path

import pytest

from src.infrastructure.persistence.schema import create_sqlite
from tests.matrix.cell import run_cell
from tests.matrix.table import cells

NOT_APPLICABLE_MAX = 0.35
EXECUTED_MIN = 1_200
EVERY = {cell.name: cell for cell in cells()}


def test_most_cells_are_executed_and_the_others_say_why_not():
    left_out = [cell for cell in EVERY.values() if cell.reason]

    assert len(left_out) / len(EVERY) <= NOT_APPLICABLE_MAX
    assert len(EVERY) - len(left_out) >= EXECUTED_MIN


def test_no_operation_and_no_fault_is_without_an_executed_cell():
    executed = Counter(
        name for cell in EVERY.values() if not cell.reason for name in (cell.operation.name, cell.fault.name)
    )

    assert not [n for c in EVERY.values() for n in (c.operation.name, c.fault.name) if not executed[n]]


@pytest.mark.parametrize(
    "name",
    [
        # An answer about another symbol was booked, and an empty one ended the process.
        "trades.user/wrong_symbol/position",
        "symbol.config/stale/recovery",
        # One read that came too late, or met an error of the moment, ended the session.
        "positions/too_late_request/position",
        "balance/error_200/flat",
        # A machine whose clock is off could not start a session.
        "clock/ahead_10s/start",
        # Nobody asked about a stop whose trigger the market had passed and of which nothing was heard.
        "hanging_stop/untold/position",
        # One of each family that has not found anything yet.
        "submit.market/unknown_503_executed/flat",
        "submit.stop/drop_request/recovery",
        "cancel.stop/reset_inside/stopping",
        "modify/late_in_engine/entry",
        "event.any/dropped/position",
        "streams/cut_events_lost/position",
        "liquidation/untold/position",
    ],
)
def test_a_session_survives_the_cell(name: str, tmp_path: Path):
    template = tmp_path / "template.db"
    create_sqlite(template)

    verdict = run_cell(EVERY[name], tmp_path / "cell", template)

    assert not verdict.trouble


def test_a_cell_says_the_same_twice(tmp_path: Path):
    template = tmp_path / "template.db"
    create_sqlite(template)

    first = run_cell(EVERY["event.any/reordered/flat"], tmp_path / "cell", template)
    second = run_cell(EVERY["event.any/reordered/flat"], tmp_path / "cell", template)

    assert first == second
