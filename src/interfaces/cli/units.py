"""Durations as people write them: 250ms, 60s, 5m, 8h, 1d."""

import re
from typing import Final

_DURATION: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*(ms|s|m|h|d)?", re.ASCII)
_MS: Final = {"ms": 1, "s": 1_000, None: 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


def parse_duration(text: str) -> int:
    """The duration in ms; a bare number counts seconds.

    Raises ValueError, in one line with the fix, for anything else and for less than one ms.
    """
    match = _DURATION.fullmatch(text.strip().lower())
    whole = round(float(match[1]) * _MS[match[2]]) if match else 0
    if whole < 1 or whole > 10**12:
        raise ValueError(f"{text!r} is not a duration: write it like 60s, 5m or 8h")
    return whole


def spelled_duration(ms: int) -> str:
    """The duration in its two largest units: 950ms, 59s, 5m 45s, 3h 2m, 2d 4h."""
    if ms < 1_000:
        return f"{ms}ms"
    seconds = ms // 1_000
    parts = [
        (seconds // 86_400, "d"),
        (seconds // 3_600 % 24, "h"),
        (seconds // 60 % 60, "m"),
        (seconds % 60, "s"),
    ]
    while parts[0][0] == 0:
        parts.pop(0)
    return " ".join(f"{number}{unit}" for number, unit in parts[:2] if number)


def written_duration(ms: int) -> str:
    """The duration exactly, in the one unit that needs the fewest digits: 8h, 90s, 1500ms."""
    for unit in ("d", "h", "m", "s"):
        if ms % _MS[unit] == 0:
            return f"{ms // _MS[unit]}{unit}"
    # A setting's duration is shown by this very function: its number is wanted here.
    return f"{int(ms)}ms"
