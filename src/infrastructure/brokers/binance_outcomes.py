"""What an answer to an order, a cancel or an amendment proves: it happened, it did not, or nobody knows.

One table for all. An order happened when the exchange names it by our id. It did not happen when no byte left, or
when a client error (4xx) carries a code of the refusals, or a 503 the code -1008; whatever else comes back (every other
5xx, a body that cannot be read, an unlisted code, no answer at all) leaves it unknown. A duplicate client id (-4116)
is no refusal either: an order of that id exists. Sources: USDⓈ-M general information on HTTP 503, error codes.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import msgspec

from src.infrastructure.brokers.binance_codes import DUPLICATE_CLIENT_ORDER_ID, REFUSALS
from src.infrastructure.brokers.binance_transport import Reply

THROTTLED: Final = -1008
_STATUS_UNKNOWN: Final = frozenset({-1000, -1001, -1006, -1007})
_REQUEST_TIMEOUT: Final = 408


UNDECODABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What a body raises that is no JSON, is in another encoding, or is nested without end."""


class Fate(StrEnum):
    """What became of a request."""

    DONE = "done"
    REFUSED = "refused"
    EXISTS = "exists"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The fate, and the exchange's own code and words; ``answer`` is the object of a request that was done."""

    fate: Fate
    code: int = 0
    message: str = ""
    answer: dict[str, Any] | None = None


def judge(reply: Reply) -> Verdict:
    """What a reply to an order, cancel or amendment proves."""
    body = _object(reply.body)
    if body is None:
        return Verdict(Fate.UNKNOWN, message=f"HTTP {reply.status} without a readable answer")
    code, message = error_of(body)
    if 200 <= reply.status < 300:
        # An error inside a success is neither.
        return (
            Verdict(Fate.DONE, answer=body)
            if code >= 0
            else Verdict(Fate.UNKNOWN, code, f"HTTP {reply.status} with an error inside: {message}")
        )
    return Verdict(_fate(reply.status, code), code, message)


def _fate(status: int, code: int) -> Fate:
    if code == DUPLICATE_CLIENT_ORDER_ID:
        return Fate.EXISTS
    if code in _STATUS_UNKNOWN or status == _REQUEST_TIMEOUT:
        return Fate.UNKNOWN
    if code == THROTTLED or (400 <= status < 500 and code in REFUSALS):
        return Fate.REFUSED
    return Fate.UNKNOWN


def error_of(body: dict[str, Any]) -> tuple[int, str]:
    """The error code (negative; 0 for none) and its text. Some answers carry a positive code, even as a string."""
    code = body.get("code", 0)
    try:
        number = int(code)
    except (TypeError, ValueError):
        return 0, ""
    return (number, str(body.get("msg", ""))) if number < 0 else (0, "")


def _object(body: bytes) -> dict[str, Any] | None:
    """The JSON object of a body; None when it is none. msgspec refuses what is cut off or followed by more."""
    try:
        value = msgspec.json.decode(body)
    except UNDECODABLE:
        return None
    return value if isinstance(value, dict) else None
