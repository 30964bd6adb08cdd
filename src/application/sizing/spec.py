"""Sizers asked for in text: ``percent:0.1``, ``risk:0.005``, ``risk:0.005,share_max=0.2``, ``fixed:0.01``, …

The first value is the sizer's main setting and may be left out where it has a default. ``steps=3`` after any of
them builds positions in so many parts.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Final

from src.application.sizing.gradual import Gradual
from src.application.sizing.kelly import FractionalKelly
from src.application.sizing.sizers import (
    FixedNotional,
    FixedQuantity,
    PercentOfEquity,
    PositionSizer,
    RiskPerTrade,
)
from src.application.sizing.volatility import VolatilityTarget
from src.application.spelling import did_you_mean


@dataclass(frozen=True, slots=True)
class SizerKind:
    """A sizer that can be asked for: its settings' names in text and in the class, the main one first."""

    name: str
    summary: str
    example: str
    make: Callable[..., PositionSizer]
    settings: tuple[tuple[str, str], ...]
    has_default: bool = True


STEPS: Final = "steps"

SIZERS: Final = (
    SizerKind(
        "percent",
        "a notional of a share of equity",
        "percent:0.1",
        PercentOfEquity,
        (("share", "position_size_pct"),),
    ),
    SizerKind(
        "risk",
        "a loss of at most a share of equity at the stop",
        "risk:0.005",
        RiskPerTrade,
        (("share", "risk_fraction"), ("share_max", "equity_share_max")),
    ),
    SizerKind(
        "kelly",
        "a share of Kelly's fraction of equity, from the session's own trades",
        "kelly:0.5",
        FractionalKelly,
        (("share", "share"), ("cap", "cap"), ("fallback", "fallback")),
    ),
    SizerKind(
        "volatility",
        "a notional that moves as much a year as a share of equity",
        "volatility:0.2",
        VolatilityTarget,
        (("target", "target"), ("share_max", "equity_share_max")),
    ),
    SizerKind(
        "fixed",
        "a quantity in base asset",
        "fixed:0.01",
        FixedQuantity,
        (("quantity", "base_quantity"),),
        has_default=False,
    ),
    SizerKind(
        "notional",
        "a notional in quote asset",
        "notional:500",
        FixedNotional,
        (("notional", "notional"),),
        has_default=False,
    ),
)


def parse_sizer(text: str) -> PositionSizer:
    """Read a specification; raises ValueError, in one line with cause and fix."""
    name, _, rest = text.partition(":")
    kind = _kind(name.strip().lower())
    settings = {**dict(kind.settings), STEPS: STEPS}
    values: dict[str, Decimal] = {}
    for position, part in enumerate(rest.split(",") if rest.strip() else ()):
        key, equals, value = (each.strip() for each in part.rpartition("="))
        if not equals and position == 0:
            key = kind.settings[0][0]
        if key not in settings:
            known = ", ".join(dict(kind.settings))
            raise ValueError(
                f"cannot read {part.strip()!r} in {text!r}{did_you_mean(key, settings)}: "
                f"{kind.name} has {known}, write it like {kind.example}"
            )
        if settings[key] in values:
            raise ValueError(f"{key} is given twice in {text!r}: keep one of them")
        values[settings[key]] = _number(value, kind)
    steps = values.pop(STEPS, None)
    if not values and not kind.has_default:
        raise ValueError(f"{kind.name} needs {kind.summary}: write it like {kind.example}")
    try:
        sizer = kind.make(**values)
        return sizer if steps is None else Gradual(sizer, steps)
    except ValueError as error:
        raise ValueError(f"{text.strip()!r}: {error}; write it like {kind.example}") from None


def _kind(name: str) -> SizerKind:
    """The sizer of that name, or ValueError with those there are."""
    for kind in SIZERS:
        if kind.name == name:
            return kind
    known = [kind.name for kind in SIZERS]
    raise ValueError(
        f"no sizing {name!r}{did_you_mean(name, known)}: known are {', '.join(known)}, e.g. percent:0.1"
    )


def _number(text: str, kind: SizerKind) -> Decimal:
    """The text as a decimal, or ValueError."""
    try:
        return Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{text!r} is not a number: write it like {kind.example}") from None
