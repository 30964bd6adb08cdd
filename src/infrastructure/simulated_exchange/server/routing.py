"""Where a WebSocket connection came in, and which streams it may be told of there.

`/public`, `/market` and `/private` carry their own streams only; a stream asked for in the wrong place is
acknowledged and then silent. Paths without a category are what clients use on hosts of their own; the real exchange
has let them carry public streams only since 2026-04-23, which ``strict`` copies.
"""

import re
from dataclasses import dataclass
from typing import Final

_PATH: Final = re.compile(r"(?:/(public|market|private))?/(ws|stream)(?:/(.*))?")
_PUBLIC: Final = re.compile(
    r"(!bookTicker|[^@!]+@(bookTicker|trade|depth(5|10|20)?(@(0|100|250|500)ms)?|rpiDepth@500ms))"
)

PUBLIC: Final = "public"
MARKET: Final = "market"
PRIVATE: Final = "private"


@dataclass(frozen=True, slots=True)
class Entrance:
    """A path: its category (empty: none), whether payloads are wrapped, and the streams named in it."""

    category: str
    is_combined: bool
    streams: tuple[str, ...]


def entrance_of(path: str) -> Entrance | None:
    """The entrance at a path, or None when no stream is served there."""
    match = _PATH.fullmatch(path)
    if match is None:
        return None
    category, kind, rest = match.groups()
    return Entrance(category or "", kind == "stream", tuple(filter(None, (rest or "").split("/"))))


def carries(entrance: Entrance, stream: str, is_user_stream: bool, *, strict: bool) -> bool:
    """Whether a stream is pushed at this entrance."""
    if is_user_stream:
        own = PRIVATE
    else:
        own = PUBLIC if _PUBLIC.fullmatch(stream) else MARKET
    if entrance.category:
        return entrance.category == own
    return own == PUBLIC or not strict


def canonical(stream: str) -> str:
    """A stream's usual name: 250 ms is what depth has without a speed."""
    return stream.removesuffix("@250ms")
