"""Real processes of the command line, each on a data folder of its own and blind to this machine's settings."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT_S = 60


@dataclass(frozen=True)
class Ended:
    """What a process left behind."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)

    @property
    def documents(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]


class Steadyhand:
    """Runs the program; what still runs at the end of a test is killed."""

    def __init__(self, folder: Path) -> None:
        self.data_dir = folder / "data"
        for name in ("config.yaml", "env"):
            (folder / name).touch()
        self.environment = {
            **{
                name: value
                for name, value in os.environ.items()
                if name in ("PATH", "HOME", "LANG", "TMPDIR")
            },
            "STEADYHAND_DATA_DIR": str(self.data_dir),
            "STEADYHAND_CONFIG": str(folder / "config.yaml"),
            "STEADYHAND_ENV_FILE": str(folder / "env"),
        }
        self._started: list[subprocess.Popen[str]] = []

    def __call__(self, *arguments: str, **environment: str) -> Ended:
        """Run a command to its end."""
        done = subprocess.run(
            self.command(*arguments), cwd=ROOT, env={**self.environment, **environment}, capture_output=True,
            text=True, timeout=TIMEOUT_S, check=False,
        )  # fmt: skip
        return Ended(done.returncode, done.stdout, done.stderr)

    def at_once(self, *commands: Sequence[str]) -> list[Ended]:
        """Run commands that do not disturb each other side by side; what each left, in their order."""
        with ThreadPoolExecutor(len(commands)) as beside:
            return list(beside.map(lambda arguments: self(*arguments), commands))

    def start(self, *arguments: str, **other: Any) -> subprocess.Popen[str]:
        """Start a command and leave it running."""
        process = subprocess.Popen(
            self.command(*arguments), cwd=ROOT, env=self.environment, text=True,
            **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **other},
        )  # fmt: skip
        self._started.append(process)
        return process

    def start_session(self, *arguments: str) -> subprocess.Popen[str]:
        """A session that runs by the time this returns; its output is JSON lines."""
        process = self.start("start-session", "--timeframe", "1s", "--json", *arguments)
        assert json.loads(_stdout(process).readline())["event"] == "session_started"
        return process

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "src.interfaces.cli", *arguments]

    def kill_all(self) -> None:
        for process in self._started:
            process.kill()
            process.wait()
            for stream in (process.stdout, process.stderr):
                if stream is not None:
                    stream.close()


def _stdout(process: subprocess.Popen[str]) -> IO[str]:
    assert process.stdout is not None, "started with a pipe"
    return process.stdout


def ended(process: subprocess.Popen[str], timeout_s: float = TIMEOUT_S) -> Ended:
    """Wait for a process; what it printed since it was last read."""
    out, err = process.communicate(timeout=timeout_s)
    return Ended(process.returncode, out, err)


@pytest.fixture
def steadyhand(tmp_path: Path) -> Iterator[Steadyhand]:
    program = Steadyhand(tmp_path)
    yield program
    program.kill_all()
