"""Parameters of strategies: frozen dataclasses that can be made from text and say what is wrong in one line.

A field's default gives its type, its metadata its bounds and its meaning, which an error tells.
"""

from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from enum import Enum, StrEnum
from typing import Any, Final, TypeVar

from src.application.spelling import did_you_mean

PERIOD_MAX: Final = 5000


@dataclass(frozen=True, slots=True)
class Parameters:
    """Base of every strategy's parameters; each subclass calls :func:`check_bounds` when it is made."""


P = TypeVar("P", bound=Parameters)


class Direction(StrEnum):
    """Which positions a strategy may wish for: with LONG a SELL becomes an EXIT, with SHORT a BUY does."""

    BOTH = "both"
    LONG = "long"
    SHORT = "short"


DIRECTION: Final = {"meaning": "both, long or short: the positions it may open"}
"""Metadata of the field that every strategy has."""


def bounded(default: Any, low: float, high: float, meaning: str) -> Any:
    """A number's field: its default, the smallest and largest value allowed, and what it means."""
    return field(default=default, metadata={"low": low, "high": high, "meaning": meaning})


def check_bounds(parameters: Parameters) -> None:
    """Raise ValueError for the first number outside its bounds."""
    for each in fields(parameters):
        if "low" not in each.metadata:
            continue
        value, low, high = getattr(parameters, each.name), each.metadata["low"], each.metadata["high"]
        if not low <= value <= high:
            meaning = each.metadata["meaning"]
            raise ValueError(f"{each.name}={value} is out of range: choose {low} to {high} ({meaning})")


def check_windows(fast: int, slow: int) -> None:
    """Raise ValueError unless the fast window is the shorter one; both in bars."""
    if fast >= slow:
        raise ValueError(f"fast={fast} is not below slow={slow}: choose a shorter fast window")


def read_parameters(kind: type[P], owner: str, given: Mapping[str, object]) -> P:
    """Build ``kind`` from text or typed values; what is not given keeps its default.

    Raises ValueError, in one line with cause and fix, for an unknown name, a value of the wrong type, and one
    that the class itself refuses. ``owner`` is the strategy's name in that line.
    """
    known = {each.name: each for each in fields(kind)}
    values: dict[str, object] = {}
    for name, value in given.items():
        if name not in known:
            raise ValueError(
                f"{owner} has no parameter {name!r}{did_you_mean(name, known)}: it has {', '.join(known)}"
            )
        values[name] = _converted(owner, known[name], value)
    try:
        return kind(**values)
    except ValueError as error:
        raise ValueError(f"{owner}: {error}") from None


def changed_parameters(parameters: Parameters) -> dict[str, str]:
    """The parameters that differ from their defaults, as text that :func:`read_parameters` reads back."""
    changed: dict[str, str] = {}
    for each in fields(parameters):
        value = getattr(parameters, each.name)
        if value != each.default:
            changed[each.name] = str(value) if isinstance(value, str) else f"{value:.15g}"
    return changed


def _converted(owner: str, parameter: "Field[Any]", value: object) -> object:
    """The value in the type of the parameter's default; raises ValueError when it has no such meaning."""
    assert parameter.default is not MISSING, "every parameter has a default"
    wanted = type(parameter.default)
    if isinstance(value, wanted) and not isinstance(value, bool):
        return value
    text = value.strip().lower() if isinstance(value, str) else value
    # True is an int to Python, and 10.5 would become 10: neither is what was meant.
    if isinstance(text, bool) or (wanted is int and isinstance(text, float) and not text.is_integer()):
        text = repr(value)
    try:
        return wanted(text)
    except (TypeError, ValueError):
        raise ValueError(f"{owner}: {parameter.name}={value} is not {_article(wanted)}") from None


def _article(wanted: type) -> str:
    """The type in words."""
    if issubclass(wanted, Enum):
        return "one of " + ", ".join(member.value for member in wanted)
    return "a whole number" if wanted is int else "a number"
