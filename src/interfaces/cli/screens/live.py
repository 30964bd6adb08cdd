"""The live view: a full-screen picture a few times a second, the summary on the ordinary screen afterwards."""

import time
from collections.abc import Sequence
from decimal import Decimal
from textwrap import fill
from typing import Final

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.segment import Segment
from rich.style import Style

from src.application.trading.snapshot import SessionSnapshot
from src.domain.ledger.events import Event, RecoveryFinished
from src.interfaces.cli.composition import SessionResult
from src.interfaces.cli.screens.frame import Run, frame, tone
from src.interfaces.cli.screens.notices import of_recovery
from src.interfaces.cli.screens.summary import summary_lines

VIEW_INTERVAL_MS: Final = 250

_HANGING: Final = " " * 13
"""What a line of the summary goes on with: the width of its labels."""

_STYLES: Final = {
    "plain": Style(),
    "dim": Style(dim=True),
    "extra": Style(dim=True),
    "title": Style(bold=True, color="cyan"),
    "good": Style(color="green"),
    "bad": Style(bold=True, color="red"),
    "warning": Style(color="yellow"),
    "badge": Style(bold=True, color="black", bgcolor="yellow"),
}


class _Picture:
    """A frame for rich, which only has to colour it."""

    def __init__(self, snapshot: SessionSnapshot, run: Run) -> None:
        self._snapshot = snapshot
        self._run = run

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for line in frame(self._snapshot, self._run, options.max_width, options.height or console.height):
            for text, style in line:
                yield Segment(text, _STYLES[style])
            yield Segment.line()


class LiveConsole(Console):
    """A console that falls silent when its reader goes away; rich's own would end the process, session and all."""

    def on_broken_pipe(self) -> None:
        """Write nothing any more."""
        self.quiet = True


class LiveScreen:
    """Draws the session as long as the terminal is there."""

    def __init__(self, speed: Decimal | None, console: LiveConsole | None = None) -> None:
        self._speed = speed
        self._console = console if console is not None else LiveConsole(highlight=False)
        self._live = Live(
            console=self._console,
            screen=True,
            auto_refresh=False,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._started_s = 0.0
        self._differences = ""
        self._gone = False

    @property
    def view_interval_ms(self) -> int | None:
        """Four pictures a second at most."""
        return VIEW_INTERVAL_MS

    def on_started(self, snapshot: SessionSnapshot) -> None:
        """Take the screen."""
        self._started_s = time.monotonic()
        try:
            self._live.start()
        except OSError:
            self._gone = True
        self.on_view(snapshot)

    def on_restart(self, reason: str) -> None:
        """Give the screen back and say why, where it stays; the next start takes it again."""
        self.close()
        try:
            self._console.print(
                f"the session FAILED and starts itself again: {reason}", markup=False, soft_wrap=True
            )
        except OSError:
            self._gone = True

    def on_events(self, at_ms: int, events: Sequence[Event]) -> None:
        """Keep what the last comparison has found; the next picture shows that, and all else by itself."""
        for event in events:
            if isinstance(event, RecoveryFinished):
                self._differences = "" if event.agrees else of_recovery(at_ms, event).text

    def on_view(self, snapshot: SessionSnapshot) -> None:
        """Draw."""
        if self._gone:
            return
        elapsed_ms = round((time.monotonic() - self._started_s) * 1_000)
        try:
            run = Run(elapsed_ms, self._speed, self._differences)
            self._live.update(_Picture(snapshot, run), refresh=True)
        except OSError:
            self._gone = True

    def on_minute(self, at_ms: int, why_not: str) -> None:
        """Nothing: at full speed minutes are over faster than anybody reads."""

    def close(self) -> None:
        """Give the screen back; harmless to repeat."""
        try:
            self._live.stop()
        except OSError:
            self._gone = True

    def show_result(self, result: SessionResult) -> None:
        """The summary, where it stays."""
        gain = tone(result.snapshot.equity - result.snapshot.capital)
        try:
            for number, line in enumerate(summary_lines(result)):
                style = "title" if number == 0 else gain if line.startswith("  equity") else "plain"
                text = fill(
                    line,
                    self._console.width,
                    subsequent_indent=_HANGING,
                    break_long_words=False,
                    break_on_hyphens=False,
                )
                self._console.print(text, style=_STYLES[style], markup=False, soft_wrap=True)
        except OSError:
            self._gone = True
