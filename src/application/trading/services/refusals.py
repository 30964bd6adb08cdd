"""What a refused order raises to a caller of the library: the error names what the caller can do about it."""

from typing import Final

from src.application.ports.broker import InsufficientBalanceError, RateLimitError
from src.application.trading.requests import ExecutionResult

_RATES: Final = {"order_rate", "repeated_execution"}
_MARGIN: Final = "margin"
MARGIN_CODE: Final = "(-2019)"
"""The exchange's own "Margin is insufficient."."""


def refusal(result: ExecutionResult) -> ValueError:
    """The error of a result without success: too little balance, too many orders, or simply refused."""
    rule = result.error.partition(":")[0]
    if rule == _MARGIN or result.error.endswith(MARGIN_CODE):
        return InsufficientBalanceError(result.error)
    if rule in _RATES:
        # The rules count by the second and by the minute; a whole window later the count is below the limit.
        return RateLimitError(result.error, 1.0 if "a second" in result.error else 60.0)
    return ValueError(result.error)
