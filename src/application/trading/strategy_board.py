"""Strategies of a session while it runs: listed, enabled, disabled, given other parameters.

A change is decided and committed like anything else, so a restart keeps it. A strategy that leaves takes nothing with
it: the position it opened keeps stop and target and stays its own until it is flat.
"""

from collections.abc import Callable
from dataclasses import dataclass

from src.application.strategies import (
    STRATEGIES,
    LoadStrategy,
    Strategy,
    StrategySpec,
    UserStrategySpec,
    parse_strategy,
)
from src.application.trading.live_strategy_runner import LiveStrategyRunner
from src.application.trading.session_loop import SessionLoop
from src.application.trading.session_parts import History
from src.domain.decisions.news import ChooseStrategies
from src.domain.sessions.session import SessionOptions


class StrategyNotFound(LookupError, ValueError):
    """No strategy of that id or name runs."""


@dataclass(frozen=True, slots=True)
class StrategyLine:
    """One strategy of the session: its id, and by symbol where it stands."""

    strategy_id: str
    state: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StrategiesView:
    """The strategies that run, those that could, and what a change left behind ("" for nothing)."""

    running: tuple[StrategyLine, ...]
    available: tuple[str, ...]
    note: str = ""


class StrategyBoard:
    """Makes and changes the strategies of one session; the only one that adds to its runner."""

    def __init__(
        self,
        loop: SessionLoop,
        runner: LiveStrategyRunner,
        options: SessionOptions,
        history: History,
        load: LoadStrategy,
    ) -> None:
        self._loop = loop
        self._runner = runner
        self._options = options
        self._history = history
        self._load = load
        runner.on_disabled = self._dropped

    def open(self) -> None:
        """Make the strategies that the session starts with; raises ValueError for one that cannot be made."""
        for text in self._options.strategies:
            self._add(text)

    def view(self, note: str = "") -> StrategiesView:
        """What runs and what could."""
        lines = {symbol: self._runner.states(symbol) for symbol in self._options.symbols}
        running = tuple(
            StrategyLine(name, tuple(f"{symbol} {of[name]}" for symbol, of in lines.items() if name in of))
            for name in self._ids()
        )
        return StrategiesView(running, tuple(kind.name for kind in STRATEGIES), note)

    def enable(self, text: str) -> StrategiesView:
        """Add a strategy, warmed from history as far as there is any; raises ValueError."""
        name = parse_strategy(text).strategy_id
        if name in self._ids():
            raise ValueError(f"{name} is enabled already")
        self._take_in(name)
        self._choose((*self._ids(), name), f"{name} was enabled")
        return self.view()

    def disable(self, text: str) -> StrategiesView:
        """Take a strategy out; raises ValueError for one that does not run."""
        name = self._known(text)
        self._runner.remove_strategy(name)
        self._choose(tuple(each for each in self._ids() if each != name), f"{name} was disabled")
        return self.view(self._left_behind(name))

    def change(self, text: str, parameters: str) -> StrategiesView:
        """Give a strategy other parameters (``fast=5,slow=20``); it then has another id. Raises ValueError."""
        name = self._known(text)
        before = parse_strategy(name)
        after = parse_strategy(before.with_text(parameters)).strategy_id
        if after == name:
            return self.view()
        if after in self._ids():
            raise ValueError(f"{after} is enabled already: disable {name} instead")
        self._take_in(after)
        self._runner.remove_strategy(name)
        changed = tuple(after if each == name else each for each in self._ids())
        self._choose(changed, f"{name} became {after}")
        return self.view(self._left_behind(name))

    # --- inside -------------------------------------------------------------------------------------------

    def _ids(self) -> tuple[str, ...]:
        session = self._loop.ledger.session
        return self._options.strategies if session is None else session.options.strategies

    def _known(self, text: str) -> str:
        """The strategy meant: its id, or its name when only one has it."""
        names = [name for name in self._ids() if name == text or name.partition(":")[0] == text]
        if text in names:
            return text
        if len(names) != 1:
            running = ", ".join(self._ids()) or "none"
            if not names:
                raise StrategyNotFound(f"no strategy is {text}: running are {running}")
            raise ValueError(f"several strategies are {text}: running are {running}")
        return names[0]

    def _add(self, text: str) -> None:
        spec = parse_strategy(text)
        self._runner.add_strategy(
            spec.strategy_id, make(spec, self._load), is_guest=isinstance(spec, UserStrategySpec)
        )

    def _take_in(self, name: str) -> None:
        """Add a strategy and warm it; one that fails at that is not added, and raises ValueError."""
        self._add(name)
        self._warm()
        why = self._runner.failure(name)
        if why:
            self._runner.remove_strategy(name)
            raise ValueError(why)

    def _warm(self) -> None:
        """Give strategies that have seen nothing yet what the market remembers."""
        for symbol in self._options.symbols:
            wanted = self._runner.history_bars(symbol)
            self._runner.warm_new(symbol, self._history(symbol, self._options.timeframe, wanted))

    def _choose(self, names: tuple[str, ...], reason: str, alarm: str = "") -> None:
        self._loop.decide(ChooseStrategies(names, reason, alarm))

    def _dropped(self, name: str, why: str) -> None:
        """A guest was disabled by the runner: make it durable, and tell somebody."""
        self._choose(tuple(each for each in self._ids() if each != name), why, alarm=why)

    def _left_behind(self, name: str) -> str:
        held = [
            p.symbol for p in self._loop.ledger.positions.values() if not p.is_flat and p.strategy_id == name
        ]
        return (
            f"its position in {', '.join(held)} keeps its stops and stays its own until it is flat"
            if held
            else ""
        )


def make(spec: StrategySpec | UserStrategySpec, load: Callable[[UserStrategySpec], Strategy]) -> Strategy:
    """The strategy of a specification; raises ValueError for a user's own that cannot be made."""
    return load(spec) if isinstance(spec, UserStrategySpec) else spec.make()
