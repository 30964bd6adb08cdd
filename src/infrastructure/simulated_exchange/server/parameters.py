"""The parameters of a request, wherever they stood, and their values with Binance's refusals.

Query and form body may both carry parameters; the query wins (general info, "Parameters may be sent in any
order"). Names that nobody asks for are ignored, as clients of many ages send some.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final
from urllib.parse import unquote_plus

from src.infrastructure.simulated_exchange.server.refusals import refuse

_DECIMAL: Final = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,20})?")
_DECIMAL_RANGE: Final = r"^([0-9]{1,20})(\.[0-9]{1,20})?$"
_INTEGER: Final = re.compile(r"-?[0-9]{1,19}")
_INT64_MAX: Final = 2**63 - 1
MOMENT_MAX: Final = 253_402_300_799_000
"""The end of the year 9999."""


def split_pairs(encoded: str) -> dict[str, str]:
    """A form-encoded text as names and values; -1101 for a name that stands there twice."""
    pairs: dict[str, str] = {}
    for part in encoded.split("&"):
        if not part:
            continue
        name, _, value = part.partition("=")
        if "%" in name or "+" in name:
            name = unquote_plus(name)
        if "%" in value or "+" in value:
            value = unquote_plus(value)
        if name in pairs:
            raise refuse(-1101, name)
        pairs[name] = value
    return pairs


class Parameters:
    """Named values as they came; each reading method refuses what it cannot use.

    REST values are texts. Over the WebSocket API and inside ``batchOrders`` they may be JSON numbers, but a flag
    has to be the text "true" or "false" there, too (-1102 otherwise).
    """

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def text(self, name: str) -> str | None:
        """A text, or None when it was not sent; -1105 for an empty one."""
        value = self._values.get(name)
        if value is None:
            return None
        if isinstance(value, str):
            if not value:
                raise refuse(-1105, name)
            return value
        if isinstance(value, bool | list | dict):
            raise refuse(-1102, name)
        return str(value)

    def need(self, name: str) -> str:
        """A text that has to be there (-1102)."""
        value = self._values.get(name)
        if value is None or value == "":
            raise refuse(-1102, name)
        text = self.text(name)
        assert text is not None, "it was looked at above"
        return text

    def integer(self, name: str) -> int | None:
        """A whole number, or None when it was not sent; -1102 for anything else."""
        text = self.text(name)
        if text is None:
            return None
        if not _INTEGER.fullmatch(text) or abs(int(text)) > _INT64_MAX:
            raise refuse(-1102, name)
        return int(text)

    def moment(self, name: str) -> int | None:
        """A time in ms since the epoch, or None when it was not sent; one beyond the calendar is its first or last."""
        value = self.integer(name)
        return None if value is None else min(max(value, 0), MOMENT_MAX)

    def need_integer(self, name: str) -> int:
        """A whole number that has to be there (-1102)."""
        self.need(name)
        value = self.integer(name)
        assert value is not None, "it was looked at above"
        return value

    def count(self, name: str, default: int, most: int) -> int:
        """How many rows are wanted; -1130 outside 1…``most``."""
        value = self.integer(name)
        if value is None:
            return default
        if not 1 <= value <= most:
            raise refuse(-1130, name)
        return value

    def decimal(self, name: str) -> Decimal | None:
        """An exact number, or None when it was not sent; -1100 for what spells none."""
        text = self.text(name)
        if text is None:
            return None
        if not _DECIMAL.fullmatch(text):
            raise refuse(-1100, name, _DECIMAL_RANGE)
        return Decimal(text)

    def need_decimal(self, name: str) -> Decimal:
        """An exact number that has to be there (-1102)."""
        self.need(name)
        value = self.decimal(name)
        assert value is not None, "it was looked at above"
        return value

    def flag(self, name: str) -> bool:
        """A text "true" or "false", in any case; False when it was not sent (-1102 for anything else)."""
        found = self.optional_flag(name)
        return bool(found)

    def optional_flag(self, name: str) -> bool | None:
        """The same, and None when it was not sent."""
        value = self._values.get(name)
        if value is None:
            return None
        if not isinstance(value, str) or value.lower() not in ("true", "false"):
            raise refuse(-1102, name)
        return value.lower() == "true"

    def first_of(self, *names: str) -> str:
        """The first of several names under which something was sent; the first name when nothing was."""
        return next((name for name in names if name in self._values), names[0])
