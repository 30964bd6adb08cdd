"""Several strategies as one: their wishes are votes, and the position belongs to the ensemble.

A member's last wish is its vote for ``memory`` bars, the one of the wish included; an EXIT takes its vote back.
With the members' weights w, the agreement on a direction is (Σ w of those for it - Σ w of those against it) / Σ w
of all. The bar at which it reaches ``agreement`` gives the signal; while it lasts there is no other, and when it
ends there is none either: stops, targets and the opposite agreement end a position.

**Confidence** is the weighted mean of the confidences of those who vote for the direction.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, NamedTuple, Self

from src.application.strategies.numbers import rounded_number
from src.application.strategies.parameters import DIRECTION, Direction, Parameters, bounded, check_bounds
from src.application.strategies.strategy import Progress, Strategy
from src.domain.market.candle import Candle
from src.domain.signals import Signal, SignalType, make_signal

DEFAULT_MEMBERS: Final = "sma_cross+macd_momentum+rsi"
_CONFIDENCE_STEP: Final = Decimal("0.0001")
_SIDE: Final = {SignalType.BUY: 1, SignalType.SELL: -1, SignalType.EXIT: 0}


@dataclass(frozen=True, slots=True)
class EnsembleParameters(Parameters):
    """Members as text, and when they agree; raises ValueError for a number out of bounds.

    ``members`` are separated by ``+``; one may carry parameters, separated by ``;``, and a weight:
    ``sma_cross(fast=5;slow=20)*2+rsi``.
    """

    members: str = field(
        default=DEFAULT_MEMBERS, metadata={"meaning": "who votes: sma_cross*2+rsi(period=7)"}
    )
    agreement: float = bounded(0.5, 0.01, 1.0, "share of all weight, less that against it, that must agree")
    memory: int = bounded(10, 1, 1000, "bars for which a wish counts as a vote")
    direction: Direction = field(default=Direction.BOTH, metadata=DIRECTION)

    def __post_init__(self) -> None:
        check_bounds(self)


class Member(NamedTuple):
    """One voter and its weight, above zero."""

    strategy: Strategy
    weight: float


class _Vote:
    """What a member last wished for, and for how many bars that still counts."""

    __slots__ = ("bars", "confidence", "side")

    def __init__(self) -> None:
        self.side = 0
        self.confidence = Decimal(0)
        self.bars = 0


class EnsembleStrategy:
    """Implements Strategy over its members, which must watch the same symbol or none yet."""

    __slots__ = ("_agreed", "_last_open_ms", "_members", "_net", "_parameters", "_strategy_id", "_symbol",
                 "_total", "_votes", "_wished")  # fmt: skip

    def __init__(
        self,
        members: Sequence[Member],
        parameters: EnsembleParameters | None = None,
        symbol: str | None = None,
        strategy_id: str = "ensemble",
    ) -> None:
        if len(members) < 2:
            raise ValueError("an ensemble needs two members at least: write it like members=sma_cross+rsi")
        self._members = tuple(members)
        self._parameters = parameters or EnsembleParameters()
        self._symbol = symbol
        self._strategy_id = strategy_id
        self._total = sum(member.weight for member in members)
        self._last_open_ms = -1
        self._votes = tuple(_Vote() for _ in members)
        self._agreed = 0
        self._net = 0.0
        self._wished = False

    @property
    def strategy_id(self) -> str:
        """The name that its signals carry; those of members are not seen outside."""
        return self._strategy_id

    @property
    def symbol(self) -> str | None:
        """The symbol watched; the first candle decides when none was given."""
        return self._symbol

    @property
    def history_bars(self) -> int:
        """What the slowest member wants, and the bars for which its oldest vote counts."""
        return max(member.strategy.history_bars for member in self._members) + self._parameters.memory + 1

    @property
    def is_warm(self) -> bool:
        """Whether every member is."""
        return all(member.strategy.is_warm for member in self._members)

    @property
    def progress(self) -> Progress:
        """That of the member that needs the most bars more."""
        return max(
            (member.strategy.progress for member in self._members), key=lambda each: each.needed - each.seen
        )

    @property
    def why_not(self) -> str:
        """How far the members are from agreeing; empty after a signal."""
        if not self.is_warm:
            return f"warming up, {self.progress.seen} of {self.progress.needed} bars"
        if self._wished:
            return ""
        up = sum(vote.side > 0 for vote in self._votes)
        down = sum(vote.side < 0 for vote in self._votes)
        still = ", as before" if self._agreed else ""
        return f"{up} for up and {down} for down of {len(self._votes)}, agreement {self._net:+.2f}{still}"

    def for_symbol(self, symbol: str) -> Self:
        """A new instance with new members for another symbol."""
        members = [Member(each.strategy.for_symbol(symbol), each.weight) for each in self._members]
        return type(self)(members, self._parameters, symbol, self._strategy_id)

    def warm(self, candles: Iterable[Candle]) -> None:
        """Forget everything and rebuild members and votes from closed candles; their signals are dropped."""
        self._forget()
        for member in self._members:
            member.strategy.warm(())
        for candle in candles:
            self.on_candle(candle)
        self._wished = False

    def on_candle(self, candle: Candle) -> Signal | None:
        """Let the members see one closed candle and count; raises ValueError for one of another symbol."""
        if candle.open_ms <= self._last_open_ms:
            return None
        self._last_open_ms = candle.open_ms
        for (strategy, _), vote in zip(self._members, self._votes, strict=True):
            self._take(vote, strategy.on_candle(candle))
        self._symbol = candle.symbol
        net = sum(member.weight * vote.side for member, vote in zip(self._members, self._votes, strict=True))
        self._net = net / self._total
        before = self._agreed
        needed = self._parameters.agreement - 1e-9  # weights like 0.1 and 0.2 do not add up exactly
        self._agreed = 1 if self._net >= needed else -1 if self._net <= -needed else 0
        self._wished = self._agreed not in (0, before) and self.is_warm
        return self._signal(candle) if self._wished else None

    def _take(self, vote: _Vote, signal: Signal | None) -> None:
        """Replace a member's vote by its new wish, or let the old one age."""
        if signal is not None:
            vote.side = _SIDE[signal.signal_type]
            vote.confidence = signal.confidence
            vote.bars = self._parameters.memory
        elif vote.bars > 1:
            vote.bars -= 1
        else:
            vote.side = 0

    def _forget(self) -> None:
        self._last_open_ms = -1
        self._votes = tuple(_Vote() for _ in self._members)
        self._agreed = 0
        self._net = 0.0
        self._wished = False

    def _signal(self, candle: Candle) -> Signal:
        side = self._agreed
        voters = [
            (member, vote)
            for member, vote in zip(self._members, self._votes, strict=True)
            if vote.side == side
        ]
        weights = [Decimal(f"{member.weight:.12g}") for member, _ in voters]
        votes = [w * vote.confidence for w, (_, vote) in zip(weights, voters, strict=True)]
        confidence = sum(votes, Decimal(0)) / sum(weights, Decimal(0))
        allowed = Direction.LONG if side > 0 else Direction.SHORT
        wanted = SignalType.BUY if side > 0 else SignalType.SELL
        if self._parameters.direction not in (Direction.BOTH, allowed):
            wanted = SignalType.EXIT
        names = ", ".join(member.strategy.strategy_id for member, _ in voters)
        return make_signal(
            symbol=candle.symbol,
            signal_type=wanted,
            strategy_id=self._strategy_id,
            confidence=confidence.quantize(_CONFIDENCE_STEP),
            reason=f"{len(voters)} of {len(self._members)} agree on {'up' if side > 0 else 'down'}: {names}.",
            numbers=(("agreement", rounded_number(self._net)),),
            reference_price=candle.close,
            at_ms=candle.close_ms,
        )
