"""The local exchange as users start it: a process of its own, at a port that nobody else has."""

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]


@contextmanager
def exchange_process(
    folder: Path, *options: str, environment: Mapping[str, str] | None = None
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The running process with its files in ``folder``, and its address; killed at the end, if it still runs."""
    command = [sys.executable, "-u", "-m", "src.interfaces.cli", "testnet", "--port", "0", *options]
    running = subprocess.Popen(
        [*command, "--data-dir", str(folder)], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    )
    try:
        assert running.stdout is not None, "started with a pipe"
        found = next(filter(None, (re.search(r"http://[\d.]+:\d+", line) for line in running.stdout)), None)
        assert found is not None, "the exchange ended before it said where it is"
        yield running, found[0]
    finally:
        running.kill()
        running.communicate(timeout=20)
