"""Commands of the program in forked children, with the exit code and what they say; a fault may be put in first."""

import os
import sys
import tempfile
import traceback
from collections.abc import Callable
from dataclasses import dataclass

from src.interfaces.cli.__main__ import _Program
from src.interfaces.cli.app import main
from tests.crash.places import Place

ON_A_SECOND = ("--timeframe", "1s", "--symbols", "BTCUSDT", "--strategies", "sma_cross:fast=2,slow=4")
PROTECTED = ("--stop-loss", "0.0005", "--take-profit", "0.001")


@dataclass(frozen=True, slots=True)
class Said:
    """How a command ended and what it printed, both streams."""

    code: int
    text: str

    @property
    def errors(self) -> list[str]:
        """Its lines that begin with ``error:``, without that."""
        return [line.removeprefix("error: ") for line in self.text.splitlines() if line.startswith("error: ")]


def run_command(place: Place, *arguments: str, fault: Callable[[], object] | None = None) -> Said:
    """Run a command of the program over a place, as from a shell."""
    sys.stdout.flush()
    sys.stderr.flush()
    with tempfile.TemporaryFile() as said:
        pid = os.fork()
        if pid == 0:
            code = 70
            try:
                os.dup2(said.fileno(), 1)
                os.dup2(said.fileno(), 2)
                sys.stdout = os.fdopen(1, "w", buffering=1)
                sys.stderr = os.fdopen(2, "w", buffering=1)
                os.environ |= _environment(place)
                if fault is not None:
                    fault()
                code = main(arguments, _Program())
            except BaseException:  # noqa: BLE001 - a child may only ever leave by _exit
                traceback.print_exc()
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code)
        status = os.waitpid(pid, 0)[1]
        said.seek(0)
        return Said(os.waitstatus_to_exitcode(status), said.read().decode())


def start(place: Place, *more: str, seconds: int = 30, fault: Callable[[], object] | None = None) -> Said:
    """A new session on bars of a second, at full speed."""
    options = (*ON_A_SECOND, *PROTECTED, "--speed", "max", "--duration", f"{seconds}s", *more)
    return run_command(place, "start-session", *options, fault=fault)


def resume(place: Place, *, seconds: int = 10, fault: Callable[[], object] | None = None) -> Said:
    """The unfinished session of a place with its own options."""
    return run_command(
        place, "start-session", "--resume", "--speed", "max", "--duration", f"{seconds}s", fault=fault
    )


def _environment(place: Place) -> dict[str, str]:
    return {
        "STEADYHAND_DATA_DIR": str(place.data_dir),
        **({"DATABASE_URL": place.url} if place.url else {}),
        "STEADYHAND_ENTRIES_PER_MINUTE_MAX": "1000",
        "STEADYHAND_ORDERS_PER_MINUTE_MAX": "10000",
        "AUTO_RESTART": "false",
        "NO_COLOR": "1",
    }
