"""Some crash points in every test run: real processes, killed and resumed. ``make crash`` does them all."""

from contextlib import closing
from pathlib import Path

import pytest

from src.domain.money import use_money_context
from tests.crash.backups import back_up_under_load
from tests.crash.kills import kill_at_random, start, wait_until_running
from tests.crash.places import Place, Places, places
from tests.crash.points import Pair, check, crash_at, crash_twice, session_ids
from tests.crash.process import AFTER, reached_points
from tests.crash.scenarios import (
    BY_HAND,
    EMERGENCY,
    HALTS,
    MARKET,
    PARENTS,
    SCENARIOS,
    TWO_SYMBOLS,
    Scenario,
)
from tests.support.postgres_server import PostgresServer

POINTS = (
    (MARKET, "store.lease", 1),
    (MARKET, "session.opened", 1),
    (MARKET, "session.committed", 3),
    (MARKET, "broker.before_send", 2),
    (MARKET, "broker.after_send", 3),
    (MARKET, "exchange.before_commit", 4),
    (MARKET, "exchange.after_commit", 5),
    (MARKET, "store.before_commit", 6),
    (MARKET, "store.after_commit", 7),
    (MARKET, "store.checkpoint", 2),
    (MARKET, "broker.event", 4),
    (MARKET, "recovery.merged", 1),
    (MARKET, "store.after_commit | IncomeBooked", 1),
    (TWO_SYMBOLS, "broker.after_send | OrderIntended", 3),
    (BY_HAND, "session.before_modify | ModifyRequested", 1),
    (BY_HAND, "broker.after_send | ModifyRequested", 1),
    (PARENTS, "store.after_commit | ParentMoved", 2),
    (PARENTS, "broker.after_send | ParentMoved", 1),
    (HALTS, "store.after_commit | TradingMoved", 1),
    (HALTS, "broker.after_send | OrderIntended", 3),
    (EMERGENCY, "side_journal.made", 1),
    (EMERGENCY, "emergency.before_cancel", 1),
    (EMERGENCY, "side_journal.before_write", 1),
    (EMERGENCY, "emergency.before_submit", 1),
    (EMERGENCY, "emergency.after_submit", 1),
    (EMERGENCY, "side_journal.after_write", 2),
    (EMERGENCY, "emergency.read", 1),
    (EMERGENCY, "emergency.imported", 1),
    (EMERGENCY, "side_journal.before_retire", 1),
    (EMERGENCY, "side_journal.after_retire", 1),
)

POSTGRES = ("begin", "before_commit", "after_commit")
DECISIONS = {
    "OrderIntended", "CancelRequested", "ModifyRequested", "ParentOpened", "ParentMoved", "TradingMoved",
    "SessionMoved", "FillBooked", "IncomeBooked", "OrderMoved", "AttemptMoved", "RecoveryFinished",
}  # fmt: skip


@pytest.mark.parametrize(
    ("scenario", "name", "ordinal"), POINTS, ids=[f"{name}-{ordinal}" for _, name, ordinal in POINTS]
)
def test_a_session_killed_at_a_point_comes_back_with_equal_books(
    scenario: Scenario, name: str, ordinal: int, tmp_path: Path
):
    use_money_context()

    assert crash_at(scenario, (name, ordinal), Place(tmp_path / "data")) == []


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_a_session_that_is_not_killed_comes_by_its_points_and_ends_with_equal_books(
    scenario: Scenario, tmp_path: Path
):
    use_money_context()
    place = Place(tmp_path / "data")

    points = reached_points(scenario, place, ordinal_max=3)

    assert len(set(points)) == len(points) >= 150
    assert check(place) == []


def test_the_scenarios_together_commit_every_kind_of_decision(tmp_path: Path):
    use_money_context()
    kinds: set[str] = set()

    for number, scenario in enumerate(SCENARIOS):
        place = Place(tmp_path / str(number))
        reached_points(scenario, place, ordinal_max=1)
        with closing(place.database.reads()) as reads:
            for row in reads.accounts():
                kinds |= {record.kind.replace("_", "") for record in reads.journal(row.account_id)}

    assert {kind.lower() for kind in DECISIONS} <= kinds


@pytest.mark.parametrize(
    ("scenario", "first", "second"),
    [
        (MARKET, ("broker.after_send | OrderIntended", 2), ("recovery.merged | TradesConfirmed", 1)),
        (PARENTS, ("broker.after_send | ParentMoved", 2), ("store.after_commit | SessionMoved", 1)),
        (HALTS, ("store.after_commit | TradingMoved", 2), ("recovery.read | StreamOpened", 1)),
    ],
    ids=lambda value: value.name if isinstance(value, Scenario) else value[0].split(AFTER)[0],
)
def test_a_session_killed_again_while_it_recovers_comes_back_with_equal_books(
    scenario: Scenario, first: tuple[str, int], second: tuple[str, int], tmp_path: Path
):
    use_money_context()

    (tested,) = crash_twice(Pair(scenario, first, seconds=1, only=second), Places(tmp_path))

    assert tested.verdict.found == []
    assert tested.verdict.fills > 0


@pytest.mark.parametrize(
    "point", [*(("store." + name, 5) for name in POSTGRES), ("broker.after_send", 3), ("recovery.merged", 1)]
)
def test_a_session_on_a_server_killed_at_a_point_comes_back_with_equal_books(
    point: tuple[str, int], tmp_path: Path, postgres_server: PostgresServer
):
    use_money_context()
    place = Places(tmp_path, postgres_server).new("data")

    assert crash_at(MARKET, point, place) == []


def test_a_session_on_a_server_killed_again_while_it_recovers_comes_back_with_equal_books(
    tmp_path: Path, postgres_server: PostgresServer
):
    use_money_context()
    pair = Pair(PARENTS, ("broker.after_send | ParentMoved", 1), seconds=2)

    tested = list(crash_twice(pair, Places(tmp_path, postgres_server)))

    assert len(tested) == 2
    assert [sentence for each in tested for sentence in each.verdict.found] == []


def test_a_backup_of_a_running_session_is_restored_and_resumed_with_equal_books(tmp_path: Path):
    use_money_context()

    assert back_up_under_load(tmp_path, count=4, seed=2) == []


@pytest.mark.slow
def test_a_session_whose_process_and_server_are_killed_in_turn_loses_nothing(tmp_path: Path):
    use_money_context()

    with places("postgres", tmp_path) as made:
        assert kill_at_random(made.new("data"), kills=4, seed=3) == []


def test_a_session_whose_server_is_gone_ends_with_an_error_and_is_resumed_when_it_is_back(tmp_path: Path):
    use_money_context()
    with places("postgres", tmp_path) as made:
        place = made.new("data")
        assert place.server is not None
        process = start(place, "10", duration="1d", auto_restart=False)
        wait_until_running(process)

        place.server.kill()
        said, _ = process.communicate(timeout=20)

        before = (process.returncode, said.count("Traceback"), "the connection was lost" in said)
        place.server.start()
        (session,) = session_ids(place)
        last = start(place, "max", duration="20s")
        last.communicate(timeout=60)
        assert before == (1, 0, True), said
        assert (last.returncode, session_ids(place)) == (0, [session])
        assert check(place) == []
