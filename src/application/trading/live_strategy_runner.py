"""Runs strategies on closed candles and publishes what they wish for.

In a session the loop feeds it and executes its signals; it can also stand alone, as document 002 shows, with a
market data service that calls :meth:`on_candle`, and handlers on the bus.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from src.application.ports.event_bus import EventBus, Handler
from src.application.strategies import Strategy
from src.application.trading.guests import Guest, GuestFailed
from src.domain.market.candle import Candle
from src.domain.signals import Signal

SIGNAL_TOPIC = "signal.generated"
CANDLE_TOPIC = "candle.closed"
BUDGET_NS = 5_000_000
OVERRUNS_MAX = 3

Stopwatch = Callable[[], int]
T = TypeVar("T")


class CandleFeed(Protocol):
    """A market data service: calls the handler with every candle that closes."""

    def subscribe(self, topic: str, handler: Handler) -> None:
        """Call ``handler`` with every candle published under ``topic``, which is ``candle.closed``."""
        ...


@dataclass(slots=True)
class _Running:
    """A strategy of one symbol; ``is_guest`` says whether it is a user's own."""

    strategy: Strategy
    overruns: int = 0
    disabled: str = ""
    is_guest: bool = field(init=False)

    def __post_init__(self) -> None:
        self.is_guest = isinstance(self.strategy, Guest)


class LiveStrategyRunner:
    """Strategies by id and symbol. ``symbols`` are those every added strategy watches.

    ``strategy_config`` is kept for the caller: strategies bring their own parameters.
    ``stopwatch`` (ns) holds strategies to 5 ms a candle, three overruns disable one; without it, as in virtual
    time, where the wall's clock may change nothing, there is no such budget. Users' own strategies, which are added
    as guests, are held to it by ``guest_stopwatch``, and one that raises, whatever it is asked, is disabled at once.
    """

    def __init__(
        self,
        strategy_config: object = None,
        market_data_service: CandleFeed | None = None,
        event_bus: EventBus | None = None,
        *,
        symbols: Iterable[str] = (),
        stopwatch: Stopwatch | None = None,
        guest_stopwatch: Stopwatch | None = None,
    ) -> None:
        self.strategy_config = strategy_config
        self.market_data_service = market_data_service
        self._bus = event_bus
        self._symbols = tuple(symbols)
        self._stopwatch = stopwatch
        self._guest_stopwatch = guest_stopwatch
        self._dropped: dict[str, str] = {}
        self.on_disabled: Callable[[str, str], None] = lambda name, why: None
        self._running: dict[str, dict[str, _Running]] = {}
        self._templates: dict[str, Strategy] = {}
        self._started = True
        self._is_fed = False

    def add_strategy(self, name: str, strategy: Strategy, *, is_guest: bool = False) -> None:
        """Add a strategy under a name; an instance without a symbol is a template for every symbol.

        Raises :class:`GuestFailed`, with nothing changed, for a guest that cannot be made for its symbols.
        """
        if is_guest:
            strategy = Guest(name, strategy)
        symbols = (strategy.symbol,) if strategy.symbol is not None else (*self._symbols, *self._running)
        # All are made before the first is taken in: one that cannot be made leaves nothing behind.
        made = {symbol: _Running(self._own(strategy, symbol)) for symbol in dict.fromkeys(symbols)}
        self._templates[name] = strategy
        for symbol, running in made.items():
            self._running_in(symbol)[name] = running

    def remove_strategy(self, name: str) -> None:
        """Ask a strategy no more; one that is not there is none already."""
        self._templates.pop(name, None)
        self._dropped.pop(name, None)
        for running in self._running.values():
            running.pop(name, None)

    @staticmethod
    def _own(strategy: Strategy, symbol: str) -> Strategy:
        return strategy if strategy.symbol == symbol else strategy.for_symbol(symbol)

    def _running_in(self, symbol: str) -> dict[str, _Running]:
        """The strategies of a symbol; a symbol seen for the first time gets one of every template."""
        running = self._running.get(symbol)
        if running is None:
            templates = {n: s for n, s in self._templates.items() if s.symbol in (None, symbol)}
            running = {name: _Running(self._own(strategy, symbol)) for name, strategy in templates.items()}
            self._running[symbol] = running
        return running

    async def start(self) -> None:
        """From now on candles give signals; those of the market data service, if there is one, come by themselves."""
        self._started = True
        if self.market_data_service is not None and not self._is_fed:
            self._is_fed = True
            self.market_data_service.subscribe(CANDLE_TOPIC, self._candle_closed)

    def _candle_closed(self, candle: object) -> None:
        if not isinstance(candle, Candle):
            raise TypeError(f"a market data service publishes candles, not {type(candle).__name__}")
        self.on_candle(candle)

    async def stop(self) -> None:
        """From now on candles only keep the indicators warm."""
        self._started = False

    def warm(self, symbol: str, candles: Iterable[Candle]) -> None:
        """Give a symbol's strategies their history, oldest first."""
        history = list(candles)
        for name, running in self._running_in(symbol).items():
            self._answer(name, running, lambda strategy: _warm(strategy, history), None)

    def warm_new(self, symbol: str, candles: Iterable[Candle]) -> None:
        """Give those strategies of a symbol their history that have seen nothing yet."""
        history = list(candles)
        for name, running in self._running_in(symbol).items():
            if not self._answer(name, running, lambda strategy: strategy.progress.seen, 1):
                self._answer(name, running, lambda strategy: _warm(strategy, history), None)

    def history_bars(self, symbol: str) -> int:
        """How many closed candles the strategies of a symbol want for warming up."""
        running = self._running_in(symbol).items()
        return max((self._answer(name, r, lambda s: s.history_bars, 0) for name, r in running), default=0)

    def _answer(self, name: str, running: _Running, question: Callable[[Strategy], T], otherwise: T) -> T:
        """What a strategy says; one that cannot say it is disabled."""
        if running.disabled:
            return otherwise
        try:
            return question(running.strategy)
        except GuestFailed as failure:
            self._disable(name, str(failure))
            return otherwise

    def on_candle(self, candle: Candle) -> list[Signal]:
        """Give a closed candle to its symbol's strategies; return and publish their signals."""
        signals: list[Signal] = []
        for name, running in self._running_in(candle.symbol).items():
            if running.disabled:
                continue
            signal = self._run(name, running, candle)
            if signal is not None and self._started:
                signals.append(signal)
                if self._bus is not None:
                    self._bus.publish(SIGNAL_TOPIC, signal)
        if self._dropped:
            dropped, self._dropped = self._dropped, {}
            for name, why in dropped.items():
                self.on_disabled(name, why)
        return signals

    def _run(self, name: str, running: _Running, candle: Candle) -> Signal | None:
        stopwatch = self._guest_stopwatch if running.is_guest else self._stopwatch
        before = 0 if stopwatch is None else stopwatch()
        try:
            signal = running.strategy.on_candle(candle)
        except GuestFailed as failure:
            self._disable(name, str(failure))
            return None
        if stopwatch is not None and stopwatch() - before > BUDGET_NS:
            running.overruns += 1
            if running.overruns >= OVERRUNS_MAX:
                self._disable(
                    name, f"{name} took more than {BUDGET_NS // 1_000_000} ms for {OVERRUNS_MAX} candles"
                )
        return signal

    def _disable(self, name: str, why: str) -> None:
        """Ask a strategy no more, of whatever symbol; who has to know is told after the candle."""
        for running in self._running.values():
            if name in running:
                running[name].disabled = why
        self._dropped[name] = why

    def active(self, symbol: str) -> set[str]:
        """The names of a symbol's strategies that are not disabled."""
        return {name for name, running in self._running_in(symbol).items() if not running.disabled}

    def shipped(self, symbol: str) -> dict[str, Strategy]:
        """The strategies of a symbol that are no guests and not disabled, by name."""
        return {
            name: running.strategy
            for name, running in self._running_in(symbol).items()
            if not (running.is_guest or running.disabled)
        }

    def lines(self, symbol: str) -> tuple[str, ...]:
        """One short text per strategy of a symbol: warming up, disabled, or why it said nothing."""
        return tuple(f"{name}: {state}" for name, state in self.states(symbol).items())

    def states(self, symbol: str) -> dict[str, str]:
        """Where each strategy of a symbol stands, in a few words."""
        running = self._running_in(symbol).items()
        states = {name: self._answer(name, each, _state, "") for name, each in running}
        return {
            name: f"disabled: {each.disabled}" if each.disabled else states[name] for name, each in running
        }

    def failure(self, name: str) -> str:
        """Why a strategy is disabled; empty while it is not."""
        running = (each[name] for each in self._running.values() if name in each)
        return next((each.disabled for each in running), "")


def _warm(strategy: Strategy, history: list[Candle]) -> None:
    strategy.warm(history[-strategy.history_bars :])


def _state(strategy: Strategy) -> str:
    if not strategy.is_warm:
        return f"warming up, {strategy.progress.seen} of {strategy.progress.needed} bars"
    return strategy.why_not or "signalled on the last bar"
