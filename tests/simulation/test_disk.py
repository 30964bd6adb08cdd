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
