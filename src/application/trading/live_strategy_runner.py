"""Runs strategies on closed candles and publishes what they wish for.

In a session the loop feeds it and executes its signals; it can also stand alone, as document 002 shows, with a
market data service that calls :meth:`on_candle`, and handlers on the bus.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from src.application.ports.event_bus import EventBus, Handler
from src.application.strategies import Strategy
from src.domain.market.candle import Candle
from src.domain.signals import Signal

SIGNAL_TOPIC = "signal.generated"
CANDLE_TOPIC = "candle.closed"
BUDGET_NS = 5_000_000
OVERRUNS_MAX = 3

Stopwatch = Callable[[], int]


class CandleFeed(Protocol):
    """A market data service: calls the handler with every candle that closes."""

    def subscribe(self, topic: str, handler: Handler) -> None:
        """Call ``handler`` with every candle published under ``topic``, which is ``candle.closed``."""
        ...


@dataclass(slots=True)
class _Running:
    strategy: Strategy
    overruns: int = 0
    disabled: str = ""


class LiveStrategyRunner:
    """Strategies by id and symbol. ``symbols`` are those every added strategy watches.

    ``stopwatch`` (ns) holds strategies to 5 ms a candle, three overruns disable one; without it, as in virtual
    time, where the wall's clock may change nothing, there is no such budget.
    """

    def __init__(
        self,
        strategy_config: Mapping[str, object] | None = None,
        market_data_service: CandleFeed | None = None,
        event_bus: EventBus | None = None,
        *,
        symbols: Iterable[str] = (),
        stopwatch: Stopwatch | None = None,
    ) -> None:
        self.strategy_config = dict(strategy_config or {})
        self.market_data_service = market_data_service
        self._bus = event_bus
        self._symbols = tuple(symbols)
        self._stopwatch = stopwatch
        self._running: dict[str, dict[str, _Running]] = {}
        self._templates: dict[str, Strategy] = {}
        self._started = True
        self._is_fed = False

    def add_strategy(self, name: str, strategy: Strategy) -> None:
        """Add a strategy under a name; an instance without a symbol is a template for every symbol."""
        self._templates[name] = strategy
        symbols = (strategy.symbol,) if strategy.symbol is not None else (*self._symbols, *self._running)
        for symbol in dict.fromkeys(symbols):
            self._running_in(symbol)[name] = _Running(self._own(strategy, symbol))

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
        for running in self._running_in(symbol).values():
            running.strategy.warm(history[-running.strategy.history_bars :])

    def history_bars(self, symbol: str) -> int:
        """How many closed candles the strategies of a symbol want for warming up."""
        return max((r.strategy.history_bars for r in self._running_in(symbol).values()), default=0)

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
        return signals

    def _run(self, name: str, running: _Running, candle: Candle) -> Signal | None:
        if self._stopwatch is None:
            return running.strategy.on_candle(candle)
        before = self._stopwatch()
        signal = running.strategy.on_candle(candle)
        if self._stopwatch() - before > BUDGET_NS:
            running.overruns += 1
            if running.overruns >= OVERRUNS_MAX:
                running.disabled = (
                    f"{name} took more than {BUDGET_NS // 1_000_000} ms for {OVERRUNS_MAX} candles"
                )
        return signal

    def lines(self, symbol: str) -> tuple[str, ...]:
        """One short text per strategy of a symbol: warming up, disabled, or why it said nothing."""
        texts = []
        for name, running in self._running_in(symbol).items():
            strategy = running.strategy
            if running.disabled:
                texts.append(f"{name}: disabled: {running.disabled}")
            elif not strategy.is_warm:
                texts.append(
                    f"{name}: warming up, {strategy.progress.seen} of {strategy.progress.needed} bars"
                )
            else:
                texts.append(f"{name}: {strategy.why_not or 'signalled on the last bar'}")
        return tuple(texts)
