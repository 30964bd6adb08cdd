"""What the gateway in front of the engine refuses, with Binance's codes, texts and HTTP statuses.

The engine has its own list (errors.py one folder up). Texts: error-code page of USDⓈ-M futures and general info.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from src.infrastructure.simulated_exchange.errors import MESSAGES, ExchangeError, ExchangeFailure

_LOG: Final = logging.getLogger("steadyhand.testnet")

_TEXTS: Final = {
    -1000: "An unknown error occured while processing the request.",
    -1001: "Internal error; unable to process your request. Please try again.",
    -1006: "An unexpected response was received from the message bus. Execution status unknown.",
    -1007: "Timeout waiting for response from backend server. Send status unknown; execution status unknown.",
    -1008: "Request throttled by system-level protection. Reduce-only/close-position orders are exempt. "
    "Please try again.",
    -1015: "Too many new orders; current limit is {} orders per {}.",
    -1022: "Signature for this request is not valid.",
    -1100: "Illegal characters found in parameter '{}'; legal range is '{}'.",
    -1101: "Duplicate values for parameter '{}' detected.",
    -1105: "Parameter '{}' was empty.",
    -1115: "Invalid timeInForce.",
    -1120: "Invalid interval.",
    -1127: "More than {} hours between startTime and endTime.",
    -1128: "Combination of optional parameters invalid.",
    -1125: "This listenKey does not exist.",
    -2014: "API-key format invalid.",
    -2015: "Invalid API-key, IP, or permissions for action.",
    -4021: "{} is not valid depth limit",
    -4166: "Search window is restricted to recent {} days only.",
    -4171: "No need to change the joint margin type.",
    -5039: "Invalid self trade prevention mode.",
    -5000: "Path {}, Method {} is invalid",
    -5028: "Timestamp for this request is outside of the ME recvWindow.",
}

_STATUS: Final = {
    -1003: 429,
    -1006: 500,
    -1007: 408,
    -1008: 503,
    -1015: 429,
    -2014: 401,
    -2015: 401,
    -5000: 404,
}


def refuse(code: int, *details: object) -> ExchangeError:
    """The refusal with this code, from the gateway's list or else from the engine's."""
    text = _TEXTS.get(code) or MESSAGES[code]
    return ExchangeError(code, text.format(*details))


def status_of(code: int) -> int:
    """The HTTP status that goes with a code: 400 for all that is the client's fault."""
    return _STATUS.get(code, 400)


@contextmanager
def last_resort(*foreseen: type[Exception]) -> Iterator[None]:
    """Turn what nobody foresaw into an ExchangeFailure, which clients hear of as -1000; the log tells what it was."""
    try:
        yield
    except Exception as error:  # whatever it is, clients get an answer, and who serves finds it in the log
        if isinstance(error, (ExchangeError, ExchangeFailure, *foreseen)):
            raise
        _LOG.exception("request.failed")
        raise ExchangeFailure(f"a request failed: {type(error).__name__}") from error


class OverLimit(ExchangeError):
    """A limit was broken: 429, or 418 once the client was banned; ``retry_after_s`` goes into the header."""

    def __init__(self, message: str, retry_after_s: int, *, is_ban: bool = False, code: int = -1003) -> None:
        super().__init__(code, message)
        self.retry_after_s = retry_after_s
        self.status = 418 if is_ban else 429
