"""The price path of the synthetic market, one step a second: regimes, clustered volatility, jumps, a common factor.

Every draw is keyed by (seed, symbol, second), so a step needs only the state before it, and the path from any
stored state on is always the same. Only additions, multiplications, divisions and square roots are used: these
are exact by IEEE 754, so a seed gives the same path on every machine.

Volatility follows GARCH(1,1) (Bollerslev 1986) around a mean of one; normal draws are sums of four uniform ones.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b
from math import sqrt
from struct import Struct
from typing import Final

from src.infrastructure.market_data.synthetic_symbols import SymbolProfile

MARKET: Final = "*"
"""The name under which the common factor is drawn; no symbol can have it."""

_WORDS: Final = Struct("<14IQ")
_UNIT: Final = 2.0**-32
_SQRT_3: Final = sqrt(3.0)

_GARCH_BASE: Final = 0.04
_GARCH_SHOCK: Final = 0.08
_GARCH_MEMORY: Final = 0.88
_VARIANCE_MAX: Final = 8.0

_CORRELATION: Final = 0.7
_OWN_SHARE: Final = sqrt(1.0 - _CORRELATION**2)
_HOMESICKNESS: Final = 1e-6


@dataclass(frozen=True, slots=True)
class Regime:
    """How prices behave for a while; ``drift`` is in standard deviations a second, ``pull`` per second."""

    name: str
    drift: float
    volatility: float
    pull: float
    jump_chance: float
    mean_seconds: float


REGIMES: Final = (
    Regime("range", drift=0.0, volatility=0.8, pull=0.02, jump_chance=0.0002, mean_seconds=150.0),
    Regime("trend up", drift=0.16, volatility=1.0, pull=0.0, jump_chance=0.0005, mean_seconds=120.0),
    Regime("trend down", drift=-0.16, volatility=1.0, pull=0.0, jump_chance=0.0005, mean_seconds=120.0),
    Regime("turbulent", drift=0.0, volatility=2.5, pull=0.0, jump_chance=0.004, mean_seconds=60.0),
)


class Draws:
    """What chance says for one name and one second. ``uniforms`` are in [0, 1), ``normal`` has variance one."""

    __slots__ = ("micro_seed", "normal", "uniforms")

    def __init__(self, seed: int, name: str, second: int) -> None:
        words = _WORDS.unpack(blake2b(f"{seed}:{name}:{second}".encode()).digest())
        self.uniforms = [word * _UNIT for word in words[:10]]
        self.normal = (words[10] + words[11] + words[12] + words[13] - 2.0 / _UNIT) * _UNIT * _SQRT_3
        self.micro_seed: int = words[14]


@dataclass(frozen=True, slots=True)
class PathState:
    """One path at the start of a second: price, variance (mean one), regime and the price that regime began at."""

    price: float
    variance: float = 1.0
    regime: int = 0
    anchor: float = 0.0

    def as_list(self) -> list[float]:
        """For a cursor; floats survive JSON exactly."""
        return [self.price, self.variance, self.regime, self.anchor]

    @classmethod
    def from_list(cls, numbers: list[float]) -> "PathState":
        """Back from a cursor. Raises ValueError when the numbers cannot be a state."""
        price, variance, regime, anchor = numbers
        if not (price > 0 and variance > 0 and int(regime) in range(len(REGIMES))):
            raise ValueError(f"{numbers} is no state of a price path")
        return cls(price, variance, int(regime), anchor)


def market_step(state: PathState, draws: Draws) -> PathState:
    """The common factor: its price is not used, its regime and variance are shared by all symbols."""
    return _moved(state, state.price, draws.normal, draws)


def symbol_step(
    state: PathState, draws: Draws, market: PathState, market_draws: Draws, volatility: float, home: float
) -> PathState:
    """The state of one symbol a second later.

    ``volatility`` is the standard deviation of a second's return in a calm market, ``home`` the price the path
    started at, which pulls so weakly that only a path of many days feels it.
    """
    regime = REGIMES[state.regime]
    common = REGIMES[market.regime]
    normal = _CORRELATION * market_draws.normal * sqrt(market.variance) + _OWN_SHARE * draws.normal
    deviation = volatility * regime.volatility * sqrt(state.variance)
    move = deviation * normal + volatility * (0.7 * regime.drift + 0.5 * common.drift)
    move += regime.pull * (state.anchor / state.price - 1.0) + _HOMESICKNESS * (home / state.price - 1.0)
    if draws.uniforms[2] < regime.jump_chance:
        size = 6.0 + 10.0 * draws.uniforms[3]
        move += volatility * (size if draws.uniforms[4] < 0.5 else -size)
    price = state.price * (1.0 + max(-0.05, min(0.05, move)))
    return _moved(state, price, normal, draws)


def _moved(state: PathState, price: float, normal: float, draws: Draws) -> PathState:
    variance = _GARCH_BASE + (_GARCH_SHOCK * normal * normal + _GARCH_MEMORY) * state.variance
    regime, anchor = state.regime, state.anchor
    if draws.uniforms[0] * REGIMES[regime].mean_seconds < 1.0:
        regime = (regime + 1 + int(draws.uniforms[1] * (len(REGIMES) - 1))) % len(REGIMES)
        anchor = price
    return PathState(price, min(variance, _VARIANCE_MAX), regime, anchor)


class SyntheticPaths:
    """The paths of some symbols under one common factor; ``second`` is the next one to be walked."""

    def __init__(self, profiles: Iterable[SymbolProfile], seed: int) -> None:
        self._seed = seed
        self._profiles = list(profiles)
        self.second = 0
        self.states = [
            PathState(profile.first_price, anchor=profile.first_price) for profile in self._profiles
        ]
        self._market = PathState(1.0, anchor=1.0)

    def advance(self) -> list[tuple[PathState, PathState, Draws]]:
        """Walk one second; return for each symbol the states before and after it, and its draws."""
        market, market_draws = self._market, Draws(self._seed, MARKET, self.second)
        steps = []
        for index, profile in enumerate(self._profiles):
            before = self.states[index]
            draws = Draws(self._seed, profile.instrument.symbol, self.second)
            after = symbol_step(before, draws, market, market_draws, profile.volatility, profile.first_price)
            self.states[index] = after
            steps.append((before, after, draws))
        self._market = market_step(market, market_draws)
        self.second += 1
        return steps

    def numbers(self) -> list[list[float]]:
        """The states for a cursor: the common factor's first, then the symbols'."""
        return [state.as_list() for state in (self._market, *self.states)]

    def restore(self, second: int, numbers: list[list[float]]) -> None:
        """Back from a cursor. Raises ValueError when the numbers do not fit."""
        market, *states = [PathState.from_list(row) for row in numbers]
        if len(states) != len(self._profiles) or second < 0:
            raise ValueError("the states of other symbols")
        self._market, self.states, self.second = market, states, int(second)
