"""The values in a body of the admin API: what cannot be is a ValueError that says what could.

The bounds are far beyond what anybody means, and so low that sums of such amounts fit into the exchange's file.
"""

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

ACCOUNT_MAX: Final = 2**31 - 1
AMOUNT_MAX: Final = Decimal(10**9)
"""Of money and of quantities, in whole assets."""
RATE_MAX: Final = Decimal(1)
_WHOLE: Final = re.compile(r"-?[0-9]{1,19}")


def whole_of(body: Mapping[str, Any], name: str, least: int, most: int, default: int | None = None) -> int:
    """A whole number from ``least`` to ``most``; KeyError when it was not sent and has no default."""
    value = default if default is not None and body.get(name) is None else body[name]
    if not isinstance(value, int):
        value = int(value) if isinstance(value, str) and _WHOLE.fullmatch(value) else None
    if value is None or isinstance(value, bool) or not least <= value <= most:
        raise ValueError(f"{name} has to be a whole number from {least} to {most}")
    return value


def account_of(body: Mapping[str, Any]) -> int:
    """An account's number."""
    return whole_of(body, "account", 1, ACCOUNT_MAX)


def flag_of(body: Mapping[str, Any], name: str, default: bool) -> bool:
    """True or false, as such or, from an address, as a text."""
    value = {"true": True, "false": False}.get(str(body.get(name, default)).lower())
    if value is None:
        raise ValueError(f"{name} has to be true or false")
    return value


def decimal_of(body: Mapping[str, Any], name: str, least: Decimal, most: Decimal) -> Decimal:
    """An amount from ``least`` to ``most``, spelled as a text or as a number; KeyError when it was not sent."""
    try:
        value = Decimal(str(body[name]))
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or not least <= value <= most:
        raise ValueError(f"{name} has to be a number from {least:f} to {most:f}")
    return value


def optional_decimal_of(body: Mapping[str, Any], name: str, least: Decimal, most: Decimal) -> Decimal | None:
    """The same, and None when it was not sent."""
    return None if body.get(name) is None else decimal_of(body, name, least, most)
