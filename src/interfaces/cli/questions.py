"""What a question to the statistics is about: from when to when, told apart by what, over which returns."""

from datetime import UTC, date, datetime, time, timedelta

from src.domain.performance.attribution import By
from src.domain.performance.equity import BUCKETS, MINUTE_MS
from src.domain.performance.history import Period
from src.interfaces.cli.units import parse_duration, written_duration

_FORMS = "write a day like 2026-01-31, a moment like 2026-01-31T12:00, or how long ago like 7d or 12h"


def parse_period(since: str | None, until: str | None, now_ms: int) -> Period:
    """The period between two texts; a day in ``until`` is included, ``7d`` is seven days before ``now_ms``.

    Raises ValueError, in one line with the fix, for a text without a meaning and for an end before the beginning.
    """
    period = Period(
        None if since is None else _moment(since, now_ms, end=False),
        None if until is None else _moment(until, now_ms, end=True),
    )
    if period.since_ms is not None and period.until_ms is not None and period.until_ms <= period.since_ms:
        raise ValueError(f"--until {until} is not after --since {since}: exchange them")
    return period


def _moment(text: str, now_ms: int, *, end: bool) -> int:
    text = text.strip()
    # A bare number could be seconds, a year or a date without dashes.
    if not text.isdigit():
        for read in (_ago, _day, _time):
            try:
                return read(text, now_ms, end)
            except (ValueError, OverflowError):
                continue
    raise ValueError(f"{text!r} is no moment: {_FORMS}")


def _ago(text: str, now_ms: int, end: bool) -> int:
    return now_ms - parse_duration(text)


def _day(text: str, now_ms: int, end: bool) -> int:
    begin = datetime.combine(date.fromisoformat(text), time(), UTC)
    return _to_ms(begin + timedelta(days=1) if end else begin)


def _time(text: str, now_ms: int, end: bool) -> int:
    moment = datetime.fromisoformat(text)
    return _to_ms(moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC))


def _to_ms(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def parse_by(text: str | None) -> By | None:
    """What results are told apart by; raises ValueError for anything else."""
    if text is None:
        return None
    try:
        return By(text.lower())
    except ValueError:
        raise ValueError(f"--by {text} is not known: use {', '.join(by.value for by in By)}") from None


def parse_returns(text: str | None) -> int | None:
    """The bucket of returns in ms; raises ValueError for less than a minute or what does not divide a day."""
    if text is None:
        return None
    bucket_ms = parse_duration(text)
    if bucket_ms < MINUTE_MS or BUCKETS[0] % bucket_ms:
        usual = ", ".join(written_duration(each) for each in BUCKETS)
        raise ValueError(f"--returns {text} does not divide a day into minutes or more: use {usual}")
    return bucket_ms
