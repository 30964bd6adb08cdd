"""Recorded market data are found where they are named or lie, and are missed by nobody where there are none."""

from pathlib import Path

import pytest

from tests.support.recordings import BARS, VARIABLE, recorded_files, recordings_folder


@pytest.fixture(autouse=True)
def _unnamed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)


@pytest.mark.parametrize("place", ["market-data", "neighbour/market-data"])
def test_recordings_beside_the_checkout_are_found(tmp_path: Path, place: str):
    (tmp_path / place).mkdir(parents=True)

    assert recordings_folder(tmp_path / "checkout") == tmp_path / place


def test_the_folder_that_is_named_wins_even_where_it_does_not_exist(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "market-data").mkdir()
    monkeypatch.setenv(VARIABLE, str(tmp_path / "elsewhere"))

    assert recordings_folder(tmp_path / "checkout") == tmp_path / "elsewhere"
    assert recorded_files(recordings_folder(tmp_path / "checkout")) == []


def test_without_recordings_there_is_no_folder_and_no_file(tmp_path: Path):
    (tmp_path / "market-data").write_text("a file of that name is no folder")

    assert recordings_folder(tmp_path / "checkout") is None
    assert recorded_files(None) == []


def test_frames_and_bars_are_told_apart_by_their_names(tmp_path: Path):
    names = ["b.ws.gz", "a.ws.gz", "btc-1m-202201.csv.gz", "README.md"]
    for name in names:
        (tmp_path / name).touch()

    assert [path.name for path in recorded_files(tmp_path)] == ["a.ws.gz", "b.ws.gz"]
    assert [path.name for path in recorded_files(tmp_path, BARS)] == ["btc-1m-202201.csv.gz"]
