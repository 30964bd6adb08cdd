"""Databases in memory: what was committed outlives its connection, nothing else does; histories are those of files."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from src.domain.money import use_money_context
from tests.simulation.disk import Files, Memory
from tests.simulation.seeds import play, run_seed
from tests.simulation.world import read_accounts


@pytest.mark.parametrize("seed", [3, 7, 16, 40])
def test_a_history_is_the_same_in_memory_and_on_files(seed: int, tmp_path: Path):
    use_money_context()

    on_files = play(seed, tmp_path / "files" / "world", Files(tmp_path / "template.db"))

    assert run_seed(seed, tmp_path / "memory") == on_files


def test_a_commit_outlives_its_connection_and_an_open_transaction_does_not(tmp_path: Path):
    path = tmp_path / "numbers.db"
    with Memory() as disk:
        disk.expect(path)
        with closing(sqlite3.connect(path, isolation_level=None)) as writer:
            writer.execute("CREATE TABLE numbers (n)")
            writer.execute("INSERT INTO numbers VALUES (1)")
            writer.execute("BEGIN IMMEDIATE")
            writer.execute("INSERT INTO numbers VALUES (2)")

        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as reader:
            assert reader.execute("SELECT n FROM numbers").fetchall() == [(1,)]

        assert not path.exists()


def test_what_is_saved_can_be_read_from_files_afterwards(tmp_path: Path):
    path = tmp_path / "session.db"
    with Memory() as disk:
        disk.lay(path)
        assert read_accounts(path) == []
        disk.save()

    assert read_accounts(path) == []


def test_nothing_stays_in_memory_for_the_next(tmp_path: Path):
    path = tmp_path / "numbers.db"
    for _ in range(2):
        with Memory() as disk:
            disk.expect(path)
            with closing(sqlite3.connect(path)) as file:
                file.execute("CREATE TABLE numbers (n)")

    with closing(sqlite3.connect(path)) as file:
        assert file.execute("SELECT name FROM sqlite_master").fetchall() == []
    assert path.exists()


def test_a_memory_entered_again_has_its_tables_and_no_rows(tmp_path: Path):
    memory = Memory()
    with memory as disk:
        disk.expect(tmp_path / "numbers.db")
        with closing(sqlite3.connect(tmp_path / "numbers.db", isolation_level=None)) as file:
            file.execute("CREATE TABLE numbers (n)")
            file.execute("INSERT INTO numbers VALUES (1)")

    with memory as disk:
        disk.expect(tmp_path / "others.db")
        with closing(sqlite3.connect(tmp_path / "others.db", isolation_level=None)) as file:
            assert file.execute("SELECT n FROM numbers").fetchall() == []


def test_a_connection_that_is_lent_again_has_lost_what_was_not_committed(tmp_path: Path):
    path = tmp_path / "numbers.db"
    with Memory() as disk:
        disk.expect(path)
        with closing(sqlite3.connect(path, isolation_level=None)) as first:
            first.execute("CREATE TABLE numbers (n)")
            first.execute("BEGIN IMMEDIATE")
            first.execute("INSERT INTO numbers VALUES (1)")

        with closing(sqlite3.connect(path, isolation_level=None)) as second:
            assert second is first
            assert second.execute("SELECT n FROM numbers").fetchall() == []


def test_what_is_turned_on_stays_on_for_whoever_turns_it_on_again(tmp_path: Path):
    path = tmp_path / "numbers.db"
    with Memory() as disk:
        disk.expect(path)
        for _ in range(3):
            with closing(sqlite3.connect(path, isolation_level=None)) as file:
                file.cursor().execute("PRAGMA foreign_keys=ON")

                assert file.execute("PRAGMA foreign_keys").fetchone() == (1,)


def test_one_connection_is_never_lent_to_two(tmp_path: Path):
    path = tmp_path / "numbers.db"
    with Memory() as disk:
        disk.expect(path)
        closed_twice = sqlite3.connect(path)
        closed_twice.close()
        closed_twice.close()

        with closing(sqlite3.connect(path)) as one, closing(sqlite3.connect(path)) as other:
            assert one is not other


def test_databases_that_somebody_left_open_are_not_used_again(tmp_path: Path):
    path = tmp_path / "numbers.db"
    memory = Memory()
    with memory as disk:
        disk.expect(path)
        forgotten = sqlite3.connect(path, isolation_level=None)
        forgotten.execute("CREATE TABLE numbers (n)")
        forgotten.execute("BEGIN IMMEDIATE")

    with memory as disk:
        disk.expect(path)
        with closing(sqlite3.connect(path, isolation_level=None)) as file:
            assert file.execute("SELECT name FROM sqlite_master").fetchall() == []
