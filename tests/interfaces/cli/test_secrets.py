"""Secrets fed through every way in reach no way out: not a screen, not a log, not a file of the data folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from src.bootstrap.application import PaperComposition
from src.interfaces.cli.app import main
from tests.interfaces.cli.test_bad_inputs import RUN, settle

KEY, SECRET, PASSWORD = "AKx7-key-5Vn2pQ", "zT9-hush-44Wd8L", "pw~93-Geheim"
SECRETS = (KEY, SECRET, PASSWORD)
SERVER = f"postgresql://trader:{PASSWORD}@127.0.0.1:1/steadyhand"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    settle(tmp_path, monkeypatch)
    (tmp_path / "env").write_text(f"BINANCE_API_KEY={KEY}\nBINANCE_API_SECRET={SECRET}\n")
    yield tmp_path


def everything_written(folder: Path) -> str:
    files = (path for path in (folder / "data").rglob("*") if path.is_file())
    return "".join(path.read_bytes().decode("utf-8", errors="replace") for path in files)


COMMANDS = (
    RUN,
    ("status",),
    ("status", "--json"),
    ("config", "show"),
    ("config", "show", "--json"),
    ("config", "check"),
    ("doctor",),
    ("doctor", "--json"),
    ("journal", "--export", "-"),
    ("logs", "--json"),
    ("logs", "--trades"),
    ("backup", "b.tar.gz"),
    ("-v", "restore", "b.tar.gz"),
    ("-v", "orders", "--symbol", "B$"),
)


def test_no_command_shows_or_stores_a_secret(folder: Path, capsys: pytest.CaptureFixture[str]):
    for command in COMMANDS:
        main(command, PaperComposition())
        said = capsys.readouterr()
        for secret in SECRETS:
            assert secret not in said.out + said.err, command

    kept = everything_written(folder)
    assert "session.moved" in kept
    assert not any(secret in kept for secret in SECRETS)


@pytest.mark.parametrize(
    "line",
    [
        f"BINANCE_API_KEY={KEY}",
        f"BINANCE_API_SECRET={SECRET}",
        f"DATABASE_URL={SERVER}",
        f"DATABASE_URL=mysql://trader:{PASSWORD}@host/db",
        f"DATABASE_URL={PASSWORD}",
        f"BINANCE_API_KEI={KEY}",
        f"BINANCE_API_SECRET {SECRET}",
        f"BINANCE_API_KEY={KEY}\nBINANCE_API_SECRET={SECRET}\nSTOP_LOSS_PCT=much",
    ],
)
@pytest.mark.parametrize("verbose", [(), ("-v",)])
def test_no_error_about_a_setting_repeats_a_secret(
    folder: Path, capsys: pytest.CaptureFixture[str], line: str, verbose: tuple[str, ...]
):
    (folder / "env").write_text(f"{line}\n")

    for command in (RUN, ("config", "show"), ("config", "check"), ("doctor",), ("init-db",)):
        main((*verbose, *command), PaperComposition())

    said = capsys.readouterr()
    for secret in SECRETS:
        assert secret not in said.out + said.err
