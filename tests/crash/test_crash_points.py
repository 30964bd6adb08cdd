"""Some crash points in every test run: real processes, killed and resumed. ``make crash`` does them all."""

from pathlib import Path

import pytest

from src.domain.money import use_money_context
from tests.crash.kills import kill_at_random, start, wait_until_running
from tests.crash.places import Place, Places, places
from tests.crash.points import check, crash_at, session_ids
from tests.crash.process import run_child
from tests.crash.scenarios import SCENARIOS
from tests.support.postgres_server import PostgresServer

POINTS = (
    ("store.lease", 1),
    ("session.opened", 1),
    ("session.committed", 3),
    ("broker.before_send", 2),
    ("broker.after_send", 3),
    ("exchange.before_commit", 4),
    ("exchange.after_commit", 5),
    ("store.before_commit", 6),
    ("store.after_commit", 7),
    ("broker.event", 4),
    ("recovery.merged", 1),
)

POSTGRES = ("begin", "before_commit", "after_commit")


@pytest.mark.parametrize("point", POINTS, ids=lambda point: f"{point[0]}-{point[1]}")
def test_a_session_killed_at_a_point_comes_back_with_equal_books(point: tuple[str, int], tmp_path: Path):
    use_money_context()

    assert crash_at(SCENARIOS[0], point, Place(tmp_path / "data")) == []


def test_a_session_that_is_not_killed_ends_with_equal_books(tmp_path: Path):
    use_money_context()

    place = Place(tmp_path / "data")

    status = run_child(SCENARIOS[2], place, None)

    assert status == 0
    assert check(place) == []


@pytest.mark.parametrize(
    "point", [*(("store." + name, 5) for name in POSTGRES), ("broker.after_send", 3), ("recovery.merged", 1)]
)
def test_a_session_on_a_server_killed_at_a_point_comes_back_with_equal_books(
    point: tuple[str, int], tmp_path: Path, postgres_server: PostgresServer
):
    use_money_context()
    place = Places(tmp_path, postgres_server).new("data")

    assert crash_at(SCENARIOS[0], point, place) == []


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
