"""What an audit answers, and how people see it: one line a difference, with both figures and where the sides part."""

import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from src.interfaces.cli.tables import print_table
from src.interfaces.cli.texts import age, moment, short_id
from src.interfaces.cli.units import parse_duration

SHOWN: Final = 50
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d")


@dataclass(frozen=True, slots=True)
class AuditDifference:
    """Two figures that should be one; ``where`` names the first trade or row in which the two sides part."""

    subject: str
    ours: str
    theirs: str
    where: str


@dataclass(frozen=True, slots=True)
class AuditOutcome:
    """One audit, made at ``at_ms`` (wall time) of the journal up to record ``head_seq``.

    ``since_ms`` is 0 for an audit of everything, ``until_ms`` the exchange's time. ``in_flight`` counts rows of the
    exchange that the session may still hear of, ``checks`` the figures compared, ``took_ms`` wall time. ``failure`` is
    empty unless the audit could not be made; then nothing else has a meaning.
    """

    account_id: str
    exchange: str
    at_ms: int
    since_ms: int = 0
    until_ms: int = 0
    head_seq: int = 0
    trades: int = 0
    income: int = 0
    in_flight: int = 0
    checks: int = 0
    took_ms: int = 0
    differences: tuple[AuditDifference, ...] = ()
    failure: str = ""

    @property
    def agrees(self) -> bool:
        """Whether an audit was made and found nothing."""
        return not self.failure and not self.differences


def since_of(text: str | None, last_ms: int) -> int:
    """Where an audit begins, ms: a day, a moment in UTC, or a time back from the account's last event.

    0 without a wish; raises ValueError, in one line with the fix.
    """
    if text is None:
        return 0
    if not _DATE.match(text):
        return max(0, last_ms - parse_duration(text))
    try:
        at = datetime.fromisoformat(text)
        at = at.astimezone(UTC) if at.tzinfo is not None else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise ValueError(
            f"{text!r} is no day and no moment of the years 1 to 9999 (UTC): "
            "write it like 2026-01-31 or 2026-01-31T12:00"
        ) from None
    return int(at.timestamp() * 1_000)


def audit_line(outcome: AuditOutcome) -> str:
    """The outcome in one line."""
    if outcome.failure:
        return f"not made: {outcome.failure}"
    counted = f"{outcome.trades:,} trades, {outcome.income:,} entries of income, {outcome.checks:,} figures"
    flying = f", {outcome.in_flight} in flight" if outcome.in_flight else ""
    since = f" since {moment(outcome.since_ms)}" if outcome.since_ms else ""
    if outcome.agrees:
        return f"equal{since}: {counted}{flying}"
    count = len(outcome.differences)
    return f"{count} DIFFERENCE{'S' if count > 1 else ''}{since}: {counted}{flying}"


def print_audit_line(outcome: AuditOutcome) -> None:
    """The last audit that a session made of itself, below its status."""
    old_ms = max(0, time.time_ns() // 1_000_000 - outcome.at_ms)
    print(f"Last audit, {age(old_ms)} ago: {audit_line(outcome)}")


def print_audit(outcome: AuditOutcome) -> None:
    """The outcome for people."""
    print(f"{outcome.exchange.upper()} account {short_id(outcome.account_id)}: {audit_line(outcome)}")
    if outcome.differences:
        rows = [(each.subject, each.ours, each.theirs, each.where) for each in outcome.differences[:SHOWN]]
        print_table("Differences", ("what", "session>", "exchange>", "first apart at"), rows)
    if len(outcome.differences) > SHOWN:
        print(f"and {len(outcome.differences) - SHOWN} more: --json has all")
