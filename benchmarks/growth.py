"""Whether a decision costs more in an account with many open orders than in one with few.

A ledger of its own is filled with resting orders of other symbols by the events that make orders; then one entry is
sized, reviewed and decided again and again. No store, no exchange: what is timed is the rules of trading alone.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from time import perf_counter_ns
from typing import Final

from benchmarks.hot_path import LIMITS
from benchmarks.quotes import START_MS, SYMBOLS, QuoteMarket, quote_messages
from benchmarks.samples import Samples
from src.application.sizing import parse_sizer
from src.application.trading.adapters.live_broker_adapter import LiveBrokerAdapter
from src.application.trading.market_desk import MarketDesk
from src.application.trading.order_execution_bridge import OrderExecutionBridge
from src.domain.decisions.decide import decide
from src.domain.decisions.news import PlaceOrder
from src.domain.decisions.step import Now, Policy
from src.domain.ledger import events as e
from src.domain.ledger.evolve import evolve, open_ledger
from src.domain.ledger.state import Ledger
from src.domain.market.quality import QualityLimits
from src.domain.market.sides import OrderSide
from src.domain.orders.ticket import Attempt, OrderTicket
from src.domain.orders.types import OrderType, Purpose
from src.domain.risk.review import Approved, review
from src.domain.sessions.session import SessionOptions, SessionTrigger
from src.domain.signals import Signal, SignalType
from src.infrastructure.market_data.decoding import decode_message
from src.infrastructure.market_data.frames import BookTicker

REPEATS: Final = 200
SYMBOL: Final = SYMBOLS[0]
"""The symbol traded; the open orders rest in others."""


@dataclass(frozen=True, slots=True)
class DecisionCost:
    """Durations of the three steps of one entry, ns, with ``open_orders`` in the ledger."""

    open_orders: int
    sizing: Samples
    risk: Samples
    decide: Samples

    @property
    def total(self) -> int:
        """The medians' sum, ns."""
        return self.sizing.p50 + self.risk.p50 + self.decide.p50


def decision_cost(open_orders: int) -> DecisionCost:
    """Time the decision about one entry beside ``open_orders`` others."""
    desk, ledger = _quoted_desk(), _ledger_with(open_orders)
    adapter = LiveBrokerAdapter(desk)
    sizer = parse_sizer("percent:0.01")
    bridge = OrderExecutionBridge(ledger, desk, adapter, sizer, Decimal("0.02"), Decimal("0.05"))
    signal = Signal(SYMBOL, SignalType.BUY, "growth", Decimal(1), "Measured.", (), Decimal(1), START_MS)
    ticket = bridge.ticket_for(signal)
    now = Now(START_MS + 120_000, START_MS + 120_000)
    verdict = review(ledger, desk, LIMITS, ticket, START_MS)
    if not isinstance(verdict, Approved):
        raise RuntimeError(f"no rule may refuse here: {verdict.objection.text}")
    return DecisionCost(
        open_orders,
        _timed("sizing", lambda: bridge.ticket_for(signal)),
        _timed("risk", lambda: review(ledger, desk, LIMITS, ticket, START_MS)),
        _timed("decide", lambda: decide(ledger, desk, Policy(), PlaceOrder(verdict), now)),
    )


def _timed(name: str, action: Callable[[], object]) -> Samples:
    samples = Samples(name)
    for _ in range(REPEATS):
        before = perf_counter_ns()
        action()
        samples.add(perf_counter_ns() - before)
    return samples


def _quoted_desk() -> MarketDesk:
    market = QuoteMarket(quotes=1)
    desk = MarketDesk(dict(market.instruments), "1s", QualityLimits())
    quote = decode_message(next(quote_messages()))
    assert isinstance(quote, BookTicker), "the message is a quote"
    desk.on_ticker(quote, START_MS)
    return desk


def _ledger_with(open_orders: int) -> Ledger:
    """A running session's ledger with money and resting orders, through the events that lead there."""
    ledger = open_ledger(e.AccountOpened("growth", "gro", "paper", "USDT"))
    options = SessionOptions(
        "default", SYMBOLS, (), "1s", "growth", "percent:0.01", Decimal("0.02"), Decimal("0.05"),
        True, Decimal("0.001"), 10, 1,
    )  # fmt: skip
    history: list[e.Event] = [
        e.EpochStarted(1),
        e.SessionOpened("session", options),
        e.SessionMoved("session", SessionTrigger.START, "wanted"),
        e.SessionMoved("session", SessionTrigger.INITIALIZED, "recovered"),
        e.IncomeBooked(1, "TRANSFER", "USDT", Decimal(1_000_000), "", START_MS),
    ]
    history += [_intended(number) for number in range(1, open_orders)]
    for event in history:
        evolve(ledger, event, START_MS - 120_000)
    # Two minutes later the throttles forget the others with the next order; the ledger does not.
    evolve(ledger, _intended(open_orders), START_MS)
    return ledger


def _intended(number: int) -> e.OrderIntended:
    """A limit order in one of eight other symbols."""
    ticket = OrderTicket(
        symbol=f"OTHER{number % 8}USDT",
        side=OrderSide.BUY,
        order_type=OrderType.LIMIT,
        quantity=Decimal("0.1"),
        purpose=Purpose.ENTRY,
        strategy_id="growth",
        reference_price=Decimal(100),
        limit_price=Decimal(100),
    )
    return e.OrderIntended(number, ticket, Attempt(f"gro-{number}", START_MS, 5_000), "session")
