"""A session as lines: readable ones where nobody watches a terminal, JSON ones for programs."""

import sys
from collections.abc import Sequence
from typing import Any

from src.application.trading.snapshot import SessionSnapshot
from src.domain.ledger.events import Event
from src.interfaces.cli.composition import SessionResult
from src.interfaces.cli.documents import json_line
from src.interfaces.cli.screens.notices import Notice, NoticeKind, Notices
from src.interfaces.cli.screens.summary import summary_document, summary_lines
from src.interfaces.cli.texts import clock, money, short_id

_WORDS = {
    NoticeKind.ORDER_FILLED: "filled",
    NoticeKind.ORDER_REJECTED: "REJECTED",
    NoticeKind.ORDER_DENIED: "refused",
    NoticeKind.POSITION_OPENED: "opened",
    NoticeKind.POSITION_CLOSED: "closed",
    NoticeKind.FUNDING_PAID: "funding",
    NoticeKind.SESSION_MOVED: "session",
    NoticeKind.TRADING_MOVED: "trading",
    NoticeKind.RECOVERED: "RECOVERED",
    NoticeKind.ALARM: "ALARM",
    NoticeKind.WHY_NOT: "why",
}


class LineScreen:
    """Writes a line for whatever is worth one. Once nobody reads any more, it is silent: the session goes on."""

    def __init__(self) -> None:
        self._notices = Notices()
        self._last_minute = ""
        self._gone = False

    @property
    def view_interval_ms(self) -> int | None:
        """No pictures between events."""
        return None

    def on_started(self, snapshot: SessionSnapshot) -> None:
        """Say what was started, or resumed, and what was alarming meanwhile."""
        self._notices.start(snapshot)
        self._write(self._started(snapshot))
        for alarm in snapshot.alarms:
            subject, _, text = alarm.partition(": ")
            fields = {"subject": subject, "text": text}
            self._write(self._line(Notice(NoticeKind.ALARM, snapshot.now_ms, alarm, fields)))

    def on_restart(self, reason: str) -> None:
        """Say why, and that it goes on."""
        self._write(self._restart(reason))

    def on_events(self, at_ms: int, events: Sequence[Event]) -> None:
        """Say what happened."""
        for notice in self._notices.of(at_ms, events):
            self._write(self._line(notice))

    def on_view(self, snapshot: SessionSnapshot) -> None:
        """Nothing: lines tell what changed."""

    def on_minute(self, at_ms: int, why_not: str) -> None:
        """Say why the session did or did not trade; once, where it is so quick that minutes end before one is told."""
        line = self._line(Notice(NoticeKind.WHY_NOT, at_ms, why_not, {"why_not": why_not}))
        if line != self._last_minute:
            self._last_minute = line
            self._write(line)

    def close(self) -> None:
        """Nothing is held."""

    def show_result(self, result: SessionResult) -> None:
        """The end of it."""
        for line in summary_lines(result):
            self._write(line)

    def _restart(self, reason: str) -> str:
        return f"the session FAILED and starts itself again: {reason}"

    def _started(self, snapshot: SessionSnapshot) -> str:
        # What restricts trading was said to an earlier process, or while this one recovered.
        why = f" ({snapshot.trading_reason})" if snapshot.trading_reason else ""
        return (
            f"{clock(snapshot.now_ms)} {snapshot.exchange.upper():<9} session {short_id(snapshot.session_id)}"
            f" {'resumed' if snapshot.resumed else 'started'}, {snapshot.status},"
            f" trading {snapshot.trading_state}{why}, equity {money(snapshot.equity)}; {snapshot.market}"
        )

    def _line(self, notice: Notice) -> str:
        return f"{clock(notice.at_ms)} {_WORDS[notice.kind]:<9} {notice.text}"

    def _write(self, line: str) -> None:
        if self._gone:
            return
        try:
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()
        except OSError:
            self._gone = True


class JsonScreen(LineScreen):
    """The same as one JSON object a line; the last one is the summary."""

    def show_result(self, result: SessionResult) -> None:
        """The summary document."""
        self._write(json_line(summary_document(result)))

    def _restart(self, reason: str) -> str:
        return json_line({"event": "session_restarts", "reason": reason})

    def _started(self, snapshot: SessionSnapshot) -> str:
        started: dict[str, Any] = {
            "event": "session_started",
            "at_ms": snapshot.now_ms,
            "session_id": snapshot.session_id,
            "exchange": snapshot.exchange,
            "market": snapshot.market,
            "status": snapshot.status,
            "trading_state": snapshot.trading_state,
            "resumed": snapshot.resumed,
            "equity": snapshot.equity,
            "symbols": [line.symbol for line in snapshot.markets],
        }
        return json_line(started)

    def _line(self, notice: Notice) -> str:
        return json_line({"event": notice.kind, "at_ms": notice.at_ms, **notice.fields})
