"""What broken exchanges answer: the bodies that clients must tell apart, word for word.

Source: general info, "HTTP Return Codes", and answers seen from the test network (nginx pages).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from src.infrastructure.simulated_exchange.server.refusals import refuse


@dataclass(frozen=True, slots=True)
class CannedAnswer:
    """A status, a body, and headers beside the usual ones."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)


def _page(status: int, reason: str) -> CannedAnswer:
    title = f"{status} {reason}"
    page = (
        f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n"
        "<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
    )
    return CannedAnswer(status, page.encode(), "text/html")


def _coded(status: int, code: int, text: str | None = None, **headers: str) -> CannedAnswer:
    message = refuse(code).message if text is None else text
    body = f'{{"code":{code},"msg":"{message}"}}'.encode()
    return CannedAnswer(
        status, body, headers={name.replace("_", "-"): value for name, value in headers.items()}
    )


_TOO_MANY: Final = "Too many requests; current limit is 2400 requests per minute."


def _banned(now_ms: int) -> CannedAnswer:
    text = f"Way too many requests; IP banned until {now_ms + 120_000}."
    return _coded(418, -1003, text, Retry_After="120")


BODIES: Final[dict[str, Callable[[int], CannedAnswer]]] = {
    "unknown_503": lambda now_ms: _coded(
        503, -1000, "Unknown error, please check your request or try again later."
    ),
    "unknown_503_text": lambda now_ms: CannedAnswer(
        503, b"Unknown error, please check your request or try again later.", "text/plain"
    ),
    "unavailable_503": lambda now_ms: CannedAnswer(503, b"Service Unavailable.", "text/plain"),
    "internal_503": lambda now_ms: _coded(503, -1001),
    "throttled_503": lambda now_ms: _coded(503, -1008),
    "bus_500": lambda now_ms: _coded(500, -1006),
    "timeout_408": lambda now_ms: _coded(408, -1007),
    "html_502": lambda now_ms: _page(502, "Bad Gateway"),
    "html_504": lambda now_ms: _page(504, "Gateway Time-out"),
    "html_403": lambda now_ms: _page(403, "Forbidden"),
    "html_200": lambda now_ms: CannedAnswer(200, b"<html><body>maintenance</body></html>", "text/html"),
    "error_200": lambda now_ms: _coded(200, -1000),
    "empty_200": lambda now_ms: CannedAnswer(200, b""),
    "limit_429": lambda now_ms: _coded(429, -1003, _TOO_MANY, Retry_After="1"),
    "orders_429": lambda now_ms: _coded(
        429, -1015, refuse(-1015, 300, "10 SECONDS").message, Retry_After="1"
    ),
    "banned_418": _banned,
    "redirect_302": lambda now_ms: CannedAnswer(302, b"", "text/html", {"Location": "/elsewhere"}),
    "not_found_2013": lambda now_ms: _coded(400, -2013),
    "late_1021": lambda now_ms: _coded(
        400, -1021, "Timestamp for this request is outside of the recvWindow."
    ),
    "late_5028": lambda now_ms: _coded(400, -5028),
}
"""Answers by the name that a rule gives; each is made for the time at which it leaves (ms)."""
