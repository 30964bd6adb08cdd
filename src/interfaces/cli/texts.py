"""Numbers and moments as people read them; money in the settle asset with two decimals."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from decimal import Decimal

from src.domain.money.rounding import canonical

NOTHING = "-"


def money(amount: Decimal | None) -> str:
    """1,234.50"""
    return NOTHING if amount is None else f"{amount:,.2f}"


def signed(amount: Decimal | None) -> str:
    """+1,234.50 or -0.25; plain 0.00 for what rounds to nothing."""
    if amount is None:
        return NOTHING
    text = f"{amount:+,.2f}"
    return "0.00" if text in ("+0.00", "-0.00") else text


def percent(share: Decimal | None) -> str:
    """0.0123 as 1.23 %"""
    return NOTHING if share is None else f"{share * 100:.2f} %"


def price(value: Decimal | None) -> str:
    """A price with the digits it has, at most eight significant ones."""
    if value is None:
        return NOTHING
    whole = len(str(abs(int(value)))) if abs(value) >= 1 else 0
    text = canonical(round(value, max(0, 8 - whole)))
    digits, point, decimals = text.partition(".")
    return f"{int(digits):,}{point}{decimals}"


def quantity(value: Decimal) -> str:
    """A quantity with the digits it has."""
    return canonical(value)


def clock(at_ms: int) -> str:
    """23:59:01, UTC"""
    return _moment(at_ms).strftime("%H:%M:%S")


def moment(at_ms: int) -> str:
    """2026-01-05 23:59:01 UTC"""
    return _moment(at_ms).strftime("%Y-%m-%d %H:%M:%S UTC")


def row_clock(times: Iterable[int]) -> Callable[[int], str]:
    """How the rows of a table tell their times: with the date where they are not all of one day."""
    days = {_moment(at_ms).date() for at_ms in times}
    return clock if len(days) < 2 else lambda at_ms: _moment(at_ms).strftime("%Y-%m-%d %H:%M:%S")


def _moment(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1_000, UTC)


def age(ms: int | None) -> str:
    """How old something is: 0.2s, 12s, 3m, 5h, 2d."""
    if ms is None:
        return NOTHING
    for length, unit in ((86_400_000, "d"), (3_600_000, "h"), (60_000, "m")):
        if ms >= 2 * length:
            return f"{ms // length}{unit}"
    return f"{ms / 1_000:.1f}s" if ms < 10_000 else f"{ms // 1_000}s"


def short_id(identifier: str) -> str:
    """The first eight characters of a UUID: enough for people."""
    return identifier[:8]
