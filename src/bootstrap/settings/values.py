"""Values of settings as people write them: lists, shares, durations; each reader raises ValueError with the fix."""

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, InstanceOf

from src.application.sizing import parse_sizer
from src.application.strategies import parse_strategy_list
from src.domain.market.candle import timeframe_ms
from src.domain.market.symbols import canonical_symbol
from src.interfaces.cli.units import parse_duration, written_duration


@dataclass(frozen=True, slots=True)
class Env:
    """A setting's names in the environment, the preferred one first, and what a good value looks like."""

    names: tuple[str, ...]
    example: str

    @staticmethod
    def of(names: str, example: str) -> "Env":
        """From names separated by spaces."""
        return Env(tuple(names.split()), example)


class Duration(int):
    """Milliseconds, shown as people write them."""

    def __str__(self) -> str:
        return written_duration(self)


class LogLevel(StrEnum):
    """How much is logged."""

    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"


def _as_list(value: Any) -> Any:
    """Items as written in one line, or the list that a YAML file has already made of them."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def read_symbols(value: Any) -> Any:
    """Canonical symbols, each once."""
    items = _as_list(value)
    return (
        tuple(dict.fromkeys(canonical_symbol(str(item)) for item in items))
        if isinstance(items, list)
        else items
    )


def read_strategies(value: Any) -> Any:
    """Canonical strategy specifications."""
    text = ",".join(map(str, value)) if isinstance(value, list) else value
    return tuple(spec.strategy_id for spec in parse_strategy_list(text)) if isinstance(text, str) else text


def read_timeframe(value: Any) -> Any:
    """The timeframe as written, if it is one."""
    timeframe_ms(str(value))
    return value


def read_sizing(value: Any) -> Any:
    """The sizing as written, if it is one or none."""
    if value != "":
        parse_sizer(str(value))
    return value


def _duration(value: Any) -> Duration:
    return Duration(parse_duration(str(value)))


def read_interval(value: Any) -> Duration:
    """A duration, or 0 for never."""
    return Duration(0) if str(value).strip().lower().rstrip("smhd") == "0" else _duration(value)


def read_url(value: Any) -> Any:
    """The address of a server, http or https, if it is one; None for an empty text."""
    if not value:
        return None
    parts = urlsplit(str(value))
    if parts.scheme not in ("http", "https") or not parts.hostname or " " in str(value):
        raise ValueError("it is no address of a server: write it like http://127.0.0.1:18080")
    return value


def upper(value: Any) -> Any:
    """Any spelling of a word in capitals."""
    return value.strip().upper() if isinstance(value, str) else value


def lower(value: Any) -> Any:
    """Any spelling of a word in small letters, with an underscore for a hyphen."""
    return value.strip().lower().replace("-", "_") if isinstance(value, str) else value


def text_or_none(value: Any) -> Any:
    """Nothing after the equals sign means that the setting is not set."""
    return None if value == "" else value


def _fraction(value: Any) -> Any:
    """A share as people write it: 0.0005 and 0.05% are the same."""
    if isinstance(value, str) and value.strip().endswith("%"):
        try:
            return Decimal(value.strip()[:-1].strip()) / 100
        except InvalidOperation:
            return value
    return value


Fraction = BeforeValidator(_fraction)
Share = Annotated[Decimal, Fraction, Field(gt=0, le=1, allow_inf_nan=False)]
Amount = Annotated[Decimal, Field(gt=0, allow_inf_nan=False)]
Milliseconds = Annotated[Duration, InstanceOf(), BeforeValidator(_duration)]
