"""JSON for programs: one document a command, amounts as strings, keys that stay."""

import dataclasses
import json
import sys
from collections.abc import Mapping
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import Any, Final

from src.domain.money import MONEY_CONTEXT, canonical

_DECIMALS: Final = 18
_LAST_PLACE: Final = Decimal(1).scaleb(-_DECIMALS)


def as_document(value: Any) -> Any:
    """Dataclasses as objects, Decimals in their one spelling, enums by value; anything else as JSON has it."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Decimal):
        return canonical(_meant(value))
    if isinstance(value, Enum):
        return as_document(value.value)
    if isinstance(value, str | PurePath):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): as_document(inner) for key, inner in value.items()}
    if dataclasses.is_dataclass(value):
        return {field.name: as_document(getattr(value, field.name)) for field in dataclasses.fields(value)}
    return [as_document(inner) for inner in value]


def _meant(value: Decimal) -> Decimal:
    """Stored amounts have at most 18 decimals; more come from a division and mean nothing."""
    exponent = value.as_tuple().exponent
    # An amount without so many decimals may have no room for them: it stays as it is.
    is_longer = isinstance(exponent, int) and exponent < -_DECIMALS
    return value.quantize(_LAST_PLACE, context=MONEY_CONTEXT) if is_longer else value


# The encoder asks only for what JSON has no words for.
_LINE: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=as_document)


def json_line(value: Any) -> str:
    """The document in one line."""
    return _LINE.encode(value)


def print_document(value: Any) -> None:
    """The document, indented, on stdout."""
    json.dump(as_document(value), sys.stdout, ensure_ascii=False, indent=2)
    sys.stdout.write("\n")
