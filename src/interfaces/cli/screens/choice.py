"""Which screen a session gets: JSON lines when asked for, a live view in a terminal, readable lines elsewhere."""

import os
import sys
from decimal import Decimal
from typing import Protocol

from src.interfaces.cli.composition import SessionObserver, SessionResult


class Screen(SessionObserver, Protocol):
    """A session's observer that also says how it ended."""

    def close(self) -> None:
        """Give the terminal back, whatever happened; harmless to repeat."""
        ...

    def show_result(self, result: SessionResult) -> None:
        """The summary; called after :meth:`close`."""
        ...


def choose_screen(as_json: bool, speed: Decimal | None) -> Screen:
    """The screen for where stdout goes."""
    from src.interfaces.cli.screens.lines import JsonScreen, LineScreen

    if as_json:
        return JsonScreen()
    if sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb":
        from src.interfaces.cli.screens.live import LiveScreen

        return LiveScreen(speed)
    return LineScreen()
