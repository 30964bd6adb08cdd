"""The strategies we ship, by name, and how to ask for one in text: ``sma_cross:fast=5,slow=20``.

The text of a specification is also the strategy's id: two settings of one strategy are two strategies, and
the same setting is the same one after a restart. Whoever asks for an unknown name or parameter gets one line
that says what there is.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from src.application.spelling import did_you_mean
from src.application.strategies.bollinger import BollingerParameters, BollingerStrategy
from src.application.strategies.ensemble import EnsembleParameters, EnsembleStrategy, Member
from src.application.strategies.macd_momentum import MacdMomentumParameters, MacdMomentumStrategy
from src.application.strategies.momentum import MomentumParameters, MomentumStrategy
from src.application.strategies.parameters import (
    Parameters,
    changed_parameters,
    read_parameters,
)
from src.application.strategies.rsi import RSIParameters, RSIStrategy
from src.application.strategies.sma_cross import SmaCrossParameters, SmaCrossStrategy
from src.application.strategies.strategy import Strategy
from src.application.strategies.user import UserStrategySpec, is_user_strategy, parse_user_strategy


def _anything_goes(parameters: Any) -> None:
    """The parameters say all there is to say about themselves."""


@dataclass(frozen=True, slots=True)
class StrategyKind:
    """A strategy that can be asked for; ``make`` takes parameters, symbol and strategy id.

    ``check`` raises ValueError for what the parameters cannot judge themselves.
    """

    name: str
    summary: str
    parameters: type[Parameters]
    make: Callable[[Any, str | None, str], Strategy]
    aliases: tuple[str, ...] = ()
    check: Callable[[Any], None] = _anything_goes


def _ensemble(parameters: EnsembleParameters, symbol: str | None, strategy_id: str) -> Strategy:
    """An ensemble with its members made."""
    members = [Member(spec.make(symbol), weight) for spec, weight in _members(parameters.members)]
    return EnsembleStrategy(members, parameters, symbol, strategy_id)


def _check_ensemble(parameters: EnsembleParameters) -> None:
    """Raise ValueError unless there are two members at least, all known and none twice."""
    ids = [spec.strategy_id for spec, _ in _members(parameters.members)]
    if len(ids) < 2 or len(set(ids)) < len(ids):
        raise ValueError(
            f"members={parameters.members} are not two or more different ones: write it like sma_cross+rsi"
        )


STRATEGIES: Final = (
    StrategyKind(
        "sma_cross",
        "crossings of a fast and a slow moving average",
        SmaCrossParameters,
        SmaCrossStrategy,
        ("moving_average_crossover", "ma_crossover"),
    ),
    StrategyKind(
        "macd_momentum",
        "zero crossings of the MACD histogram that momentum confirms",
        MacdMomentumParameters,
        MacdMomentumStrategy,
    ),
    StrategyKind(
        "rsi",
        "turns of the relative strength index out of an extreme",
        RSIParameters,
        RSIStrategy,
        ("rsi_strategy",),
    ),
    StrategyKind(
        "momentum",
        "moves over a window that stand out from chance",
        MomentumParameters,
        MomentumStrategy,
    ),
    StrategyKind(
        "bollinger",
        "closes that come back into the Bollinger bands",
        BollingerParameters,
        BollingerStrategy,
        ("bollinger_bands",),
    ),
    StrategyKind(
        "ensemble",
        "a weighted vote of other strategies, which then share one position",
        EnsembleParameters,
        _ensemble,
        check=_check_ensemble,
    ),
)

_BY_NAME: Final[Mapping[str, StrategyKind]] = {
    name: kind for kind in STRATEGIES for name in (kind.name, *kind.aliases)
}


@dataclass(frozen=True, slots=True)
class StrategySpec:
    """A strategy with its parameters, not yet made for a symbol."""

    kind: StrategyKind
    parameters: Parameters

    @property
    def strategy_id(self) -> str:
        """The canonical text: the name, and the parameters that differ from their defaults."""
        changed = changed_parameters(self.parameters)
        pairs = ",".join(f"{name}={value}" for name, value in changed.items())
        return f"{self.kind.name}:{pairs}" if pairs else self.kind.name

    def make(self, symbol: str | None = None) -> Strategy:
        """A new instance; loads TA-Lib if it is the first."""
        return self.kind.make(self.parameters, symbol, self.strategy_id)

    def with_text(self, parameters: str) -> str:
        """The text of the same strategy with some parameters changed (``fast=5,…``); raises ValueError."""
        given = dict(pair.split("=", 1) for pair in _pairs_of(self.strategy_id))
        for pair in parameters.split(","):
            name, equals, value = (part.strip() for part in pair.partition("="))
            if not (name and equals and value):
                raise ValueError(f"cannot read {pair.strip()!r}: write parameters like fast=5,slow=20")
            given[name] = value
        return f"{self.kind.name}:" + ",".join(f"{name}={value}" for name, value in given.items())


def _pairs_of(strategy_id: str) -> list[str]:
    rest = strategy_id.partition(":")[2]
    return rest.split(",") if rest else []


def strategy_spec(name: str, parameters: Mapping[str, object] | None = None) -> StrategySpec:
    """The specification of a named strategy; raises ValueError, in one line with the fix, for an unknown one."""
    wanted = name.strip().lower()
    kind = _BY_NAME.get(wanted)
    if kind is None:
        known = ", ".join(each.name for each in STRATEGIES)
        raise ValueError(f"no strategy {name.strip()!r}{did_you_mean(wanted, _BY_NAME)}: known are {known}")
    spec = StrategySpec(kind, read_parameters(kind.parameters, kind.name, parameters or {}))
    try:
        kind.check(spec.parameters)
    except ValueError as error:
        raise ValueError(f"{kind.name}: {error}") from None
    return spec


def parse_strategy(text: str) -> StrategySpec | UserStrategySpec:
    """Read ``name`` or ``name:parameter=value,…``, or where a user's own is; raises ValueError with the fix."""
    return parse_user_strategy(text) if is_user_strategy(text) else parse_strategy_spec(text)


def parse_strategy_spec(text: str) -> StrategySpec:
    """Read ``name`` or ``name:parameter=value,…`` of a shipped one; raises ValueError, in one line with the fix."""
    name, colon, rest = text.partition(":")
    given: dict[str, object] = {}
    for pair in rest.split(",") if colon else ():
        key, equals, value = (part.strip() for part in pair.partition("="))
        if not (key and equals and value):
            raise ValueError(
                f"cannot read {pair.strip()!r} in {text!r}: write it like sma_cross:fast=5,slow=20"
            )
        if key in given:
            raise ValueError(f"{key} is given twice in {text!r}: keep one of them")
        given[key] = value
    return strategy_spec(name, given)


def parse_strategy_list(text: str) -> tuple[StrategySpec | UserStrategySpec, ...]:
    """Read specifications separated by commas; a ``parameter=value`` belongs to the name before it.

    Raises ValueError when one cannot be read, and when two are the same.
    """
    texts: list[str] = []
    for part in text.split(","):
        if texts and "=" in part and ":" not in part:
            texts[-1] += "," + part
        else:
            texts.append(part)
    specs = tuple(parse_strategy(each) for each in texts)
    ids = [spec.strategy_id for spec in specs]
    for each in ids:
        if ids.count(each) > 1:
            raise ValueError(f"{each} is asked for twice: keep one of them")
    return specs


_MEMBER: Final = re.compile(r"\s*(\w+)\s*(?:\(([^()]*)\))?\s*(?:\*\s*([0-9.]+))?\s*", re.ASCII)


def _members(text: str) -> list[tuple[StrategySpec, float]]:
    """Read ``sma_cross(fast=5;slow=20)*2+rsi``; raises ValueError, in one line with the fix."""
    members = []
    for part in text.split("+"):
        match = _MEMBER.fullmatch(part)
        weight = _weight(match[3] or "1") if match else 0.0
        if match is None or weight <= 0:
            raise ValueError(
                f"cannot read the member {part.strip()!r}: write it like sma_cross(fast=5;slow=20)*2"
            )
        if match[1].lower() == "ensemble":
            raise ValueError("an ensemble cannot be a member of another: name its members instead")
        name, given = match[1], (match[2] or "").replace(";", ",")
        members.append((parse_strategy_spec(f"{name}:{given}" if given else name), weight))
    return members


def _weight(text: str) -> float:
    """The weight, or 0 when it is no number."""
    try:
        return float(text)
    except ValueError:
        return 0.0
