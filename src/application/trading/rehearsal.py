"""Walks the way of an order that nobody sends, so that the processor knows it when a real one comes.

After a commit, or a few milliseconds of sleep, the code and data of a decision have left the processor's caches and
its branch predictor has forgotten them: the same instructions then take three times as long. What trading systems do
about it is called cache warming. In idle moments a quote is taken into a market of the rehearsal's own, and an order is
sized, reviewed against the session's own ledger, decided and encoded like any other, but in a ledger of the rehearsal's
own that is emptied each time; nothing of it is staged, committed, sent, published or counted.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import cycle

from src.application.ports.broker import Broker
from src.application.ports.inputs import Inputs
from src.application.ports.kill_switch import KillSwitch
from src.application.ports.market_data import Levels
from src.application.ports.store import Store
from src.application.strategies import Strategy
from src.application.strategies.numbers import rounded_numbers
from src.application.strategies.streaming import StreamStrategy
from src.application.trading.adapters.live_broker_adapter import LiveBrokerAdapter
from src.application.trading.live_strategy_runner import LiveStrategyRunner
from src.application.trading.market_desk import MarketDesk
from src.application.trading.order_execution_bridge import NothingToDo, OrderExecutionBridge
from src.application.trading.services.pretrade_risk_validator import PretradeRiskValidator
from src.application.trading.session_parts import SessionParts
from src.domain.decisions.decide import decide
from src.domain.decisions.effects import SubmitOrder
from src.domain.decisions.news import News, PlaceOrder, RaiseAlarm
from src.domain.decisions.step import Now
from src.domain.ledger.state import AccountState, Ledger
from src.domain.market.candle import make_candle
from src.domain.market.quality import QualityLimits
from src.domain.market.sides import PositionSide
from src.domain.risk.review import Approved, Denied
from src.domain.signals import Signal, SignalType, make_signal

_HALF = Decimal("0.5")
_REASON = "The order of a rehearsal: nobody sends it."
# Closes go to and fro by a thousandth, half a wave of so many bars at a time: averages cross.
_SWING = Decimal("0.001")
_HALF_WAVE = 5

# A poll takes some 15 µs, a walk 70: one in a millisecond keeps the way warm, and an input waits 4 µs on average.
POLLS_A_WALK = 64


@dataclass(slots=True)
class _Snapshot:
    """A book of two levels, around a quote."""

    symbol: str
    last_update_id: int
    bids: Levels
    asks: Levels


class Rehearsal:
    """How a session spends idle moments that stays awake: it polls its inbox, and now and then walks.

    The symbols take turns. ``runner`` lends the shipped strategies to be copied; users' own are never shown a candle
    that was made up. A rehearsal that fails is the last one, with an alarm through ``tell``; the session goes on.
    """

    def __init__(
        self,
        ledger: Ledger,
        parts: SessionParts,
        adapter: LiveBrokerAdapter,
        runner: LiveStrategyRunner,
        tell: Callable[[News], object],
    ) -> None:
        self._ledger = ledger
        self._parts = parts
        self._desk = parts.desk
        self._inputs: Inputs = parts.inputs
        self._broker: Broker = parts.broker
        self._store: Store = parts.store
        self._kill_switch: KillSwitch = parts.kill_switch
        self._runner = runner
        options = parts.options
        # Their counts and notes are the rehearsal's own.
        self._bridge = OrderExecutionBridge(
            ledger, parts.desk, adapter, parts.sizer, options.stop_loss_pct, options.take_profit_pct
        )
        self._validator = PretradeRiskValidator(ledger, parts.desk, parts.limits)
        account = ledger.account
        self._mirror = Ledger(
            AccountState(account.account_id, account.namespace, account.exchange, account.settle_asset)
        )
        self._symbols = cycle(options.symbols)
        self._timeframe = options.timeframe
        self._market: MarketDesk | None = None
        self._copies: dict[str, LiveStrategyRunner] = {}
        self._bars = 0
        self._tell = tell
        self._polls = 0
        self._has_failed = False
        self.walks = 0
        """How many led to an order, which was then forgotten."""

    async def spend(self) -> bool:
        """Spend a moment without input, not asleep; False when no input will ever come again."""
        self._polls += 1
        if self._polls % POLLS_A_WALK == 0 and not self._has_failed:
            try:
                self.walk()
            except Exception as error:  # noqa: BLE001 - whatever it is, no order of the session depends on it
                self._has_failed = True
                self._tell(RaiseAlarm("rehearsal", f"no more rehearsals: {type(error).__name__}: {error}"))
        return await self._inputs.poll()

    def walk(self) -> None:
        """Go once from a quote to an order, as far as the state of market and account lets it come."""
        symbol = next(self._symbols)
        self._show_a_quote(symbol)
        prices = self._desk.best_prices(symbol)
        if prices is None:
            return
        self._show_a_bar(symbol, prices[0])
        signal = self._signal(symbol, prices[0])
        try:
            ticket = self._bridge.ticket_for(signal)
        except (NothingToDo, LookupError):
            return
        verdict = self._validator.review(ticket, signal.at_ms, signal.confidence)
        if not isinstance(verdict, Denied):
            self._decide(verdict, signal)

    def _show_a_quote(self, symbol: str) -> None:
        """Take a quote that was made up into a market that nobody else looks at."""
        quote = self._inputs.rehearse()
        market = self._market
        if market is None:
            instrument = self._desk.instrument(symbol)
            if instrument is None:
                return
            market = self._market = MarketDesk({quote.symbol: instrument}, self._timeframe, QualityLimits())
            bids, asks = [(str(quote.bid_price), "1")], [(str(quote.ask_price), "1")]
            market.on_snapshot(_Snapshot(quote.symbol, quote.update_id - 1, bids, asks), quote.event_ms)
        market.on_ticker(quote, quote.event_ms)

    def _show_a_bar(self, symbol: str, price: Decimal) -> None:
        """Give a bar that was made up to copies of the symbol's strategies; they warm up on the first ones."""
        self._bars += 1
        swing = _SWING if self._bars // _HALF_WAVE % 2 else -_SWING
        close = price * (1 + swing)
        high, low = (close, price) if close > price else (price, close)
        candle = make_candle(symbol, self._timeframe, self._bars, price, high, low, close, _HALF)
        shipped = self._runner.shipped(symbol)
        self._copies_for(symbol, shipped).on_candle(candle)
        for strategy in shipped.values():
            if isinstance(strategy, StreamStrategy):
                strategy.rehearse(float(close))

    def _copies_for(self, symbol: str, shipped: Mapping[str, Strategy]) -> LiveStrategyRunner:
        """A runner of its own, which publishes to nobody."""
        copies = self._copies.get(symbol)
        if copies is None or copies.shipped(symbol).keys() != shipped.keys():
            copies = self._copies[symbol] = LiveStrategyRunner()
            for name, strategy in shipped.items():
                copies.add_strategy(name, strategy.for_symbol(symbol))
        return copies

    def _signal(self, symbol: str, price: Decimal) -> Signal:
        """A wish against what is held, of whoever holds it."""
        kept = (self._ledger.positions.get((symbol, side)) for side in PositionSide)
        position = next((held for held in kept if held is not None and not held.is_flat), None)
        is_long = position is not None and position.quantity > 0
        number = float(price)
        return make_signal(
            symbol=symbol,
            signal_type=SignalType.SELL if is_long else SignalType.BUY,
            strategy_id=(position is not None and position.strategy_id) or "rehearsal",
            confidence=_HALF,
            reason=_REASON,
            numbers=rounded_numbers((("fast", number), ("slow", number))),
            reference_price=price,
            at_ms=self._inputs.now_ms(),
        )

    def _decide(self, verdict: Approved, signal: Signal) -> None:
        mirror = self._mirror
        mirror.session = self._ledger.session
        account = self._ledger.account
        # The next order's own name is made here and remembered.
        mirror.account.epoch, mirror.account.next_sequence = account.epoch, account.next_sequence
        now = Now(signal.at_ms, self._broker.venue_time().now_ms)
        news = PlaceOrder(verdict, self._bridge.note(signal))
        step = decide(mirror, self._desk, self._parts.policy, news, now)
        self._store.rehearse(now.session_ms, step.events)
        # Whatever the answer is: it is asked again behind the commit, when the order is real.
        self._kill_switch.is_engaged()
        for effect in step.effects:
            if isinstance(effect, SubmitOrder):
                self._broker.rehearse(effect.ticket, effect.attempt)
        mirror.orders.clear()
        mirror.symbols.clear()
        mirror.recent_orders.clear()
        mirror.changes.clear()
        self.walks += 1
