"""From a closed candle to an order: strategies, sizing, risk, decision, and the words for why nothing was traded."""

from collections import Counter

from src.application.trading.live_strategy_runner import LiveStrategyRunner
from src.application.trading.order_execution_bridge import NothingToDo, OrderExecutionBridge
from src.application.trading.services.pretrade_risk_validator import PretradeRiskValidator
from src.application.trading.session_loop import SessionLoop
from src.domain.decisions.news import PlaceOrder, RefuseOrder
from src.domain.market.candle import Candle
from src.domain.orders.ticket import OrderTicket
from src.domain.risk.review import Denied
from src.domain.signals import Signal


class SignalDesk:
    """Executes the signals of a session's strategies, and counts what came of them since the last minute's line."""

    def __init__(
        self,
        loop: SessionLoop,
        runner: LiveStrategyRunner,
        bridge: OrderExecutionBridge,
        validator: PretradeRiskValidator,
        symbols: tuple[str, ...],
        *,
        auto_execute: bool = True,
    ) -> None:
        self._loop = loop
        self._runner = runner
        self._bridge = bridge
        self._validator = validator
        self._symbols = symbols
        self._auto_execute = auto_execute
        self._placed = 0
        self._held_back: Counter[str] = Counter()
        self._last_line = ""

    def on_candle(self, candle: Candle) -> None:
        """Give a closed candle to the strategies and execute what they wish for."""
        for signal in self._runner.on_candle(candle):
            if self._auto_execute:
                self.execute(signal)
        if self._auto_execute and self._bridge.builds_gradually:
            self._build(candle.symbol)

    def execute(self, signal: Signal) -> None:
        """Turn one signal into an order, an exit, or a reason why not."""
        try:
            ticket = self._bridge.ticket_for(signal)
        except (NothingToDo, LookupError) as reason:
            self._held_back[str(reason)] += 1
            return
        denied = self._try(ticket, signal)
        if denied is not None:
            fallback = self._bridge.fallback_for(signal)
            if fallback is not None and not ticket.reduce_only:
                self._try(fallback, signal)

    def _build(self, symbol: str) -> None:
        """Add the next part to a position that a strategy of the session builds in steps."""
        ticket = self._bridge.next_step(symbol, self._runner.active(symbol))
        if ticket is not None:
            self._try(ticket, None)

    def _try(self, ticket: OrderTicket, signal: Signal | None) -> Denied | None:
        """Review and place a ticket; one that no signal stands behind has a reason of its own."""
        confidence = None if signal is None else signal.confidence
        verdict = self._validator.review(ticket, self._loop.now_ms(), confidence)
        if isinstance(verdict, Denied):
            self._held_back[f"{verdict.objection.rule}: {verdict.objection.text}"] += 1
            self._loop.decide(RefuseOrder(verdict))
            return verdict
        self._placed += 1
        note = None if signal is None else self._bridge.note(signal)
        self._loop.decide(PlaceOrder(verdict, note))
        return None

    def minute(self) -> str:
        """One line on the last minute: what was traded, and why not more; the counts begin anew."""
        self._last_line = self._line()
        self._placed = 0
        self._held_back.clear()
        return self._last_line

    @property
    def why_not(self) -> str:
        """The line of the last minute; before the first one is over, of the time since the start."""
        return self._last_line or self._line()

    def _line(self) -> str:
        parts = []
        if self._placed:
            size = f", sized by {self._bridge.size_note}" if self._bridge.size_note else ""
            parts.append(f"{self._placed} order{'s' if self._placed > 1 else ''} placed{size}")
        parts += [f"{text} ({count}x)" for text, count in self._held_back.most_common(2)]
        if not parts:
            parts = [f"{symbol} {line}" for symbol in self._symbols for line in self._runner.lines(symbol)][
                :3
            ]
        return "; ".join(parts) or "no strategies"
