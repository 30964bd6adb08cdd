"""What a decision does when it meets something that must not be: tell a person, and stop opening."""

from src.domain.decisions import news as n
from src.domain.decisions.sending import cancel_entries
from src.domain.decisions.step import Step
from src.domain.ledger import events as e
from src.domain.orders.order import Order
from src.domain.sessions.trading_states import SymbolState, TradingState, TradingTrigger

BREACH = "an order that was declared dead is alive"


def raise_alarm(step: Step, news: n.RaiseAlarm) -> None:
    """Keep what somebody who watches the session has found."""
    step.emit(e.AlarmRaised(news.subject, news.text))


def restrict(step: Step, symbol: str, reason: str) -> None:
    """Stop opening in a symbol that we no longer understand, entries that rest included, and tell somebody."""
    step.emit(e.AlarmRaised(symbol, reason))
    if step.ledger.symbol(symbol).state is not SymbolState.CLOSED:
        step.emit(e.SymbolMoved(symbol, SymbolState.CLOSED, reason))
        cancel_entries(step, f"{symbol} is closed", symbol=symbol)


def halt(step: Step, reason: str) -> None:
    """Stop opening altogether until a person re-arms, entries that rest included; a halt stands, whatever is found."""
    if step.ledger.account.trading_state is not TradingState.HALTED:
        step.emit(e.TradingMoved(TradingTrigger.HALT, reason, "recovery"))
        cancel_entries(step, "trading is halted")


def breach(step: Step, order: Order) -> None:
    """Invariant I9 is broken: what we proved dead lives. Halt everything and publish it."""
    name = order.client_order_id
    step.emit(e.AlarmRaised(name, f"I9: {BREACH}: {name}"))
    step.emit(e.BreachFound(name))
    halt(step, BREACH)
