"""What a session looks after by itself, once a second: losses and margin that go too far.

A breach moves the account's trading state, to REDUCE_ONLY or HALTED as the policy says, and cancels entries. A day's
loss restricts until the next venue day; a drawdown until a person re-arms, from when on the peak counts anew.
"""

from decimal import Decimal

from src.domain.decisions.alarms import restrict
from src.domain.decisions.protection import cannot_close, close_now
from src.domain.decisions.sending import cancel_entries
from src.domain.decisions.step import Step
from src.domain.ledger import events as e
from src.domain.ledger.state import AccountState
from src.domain.orders.order import Order
from src.domain.orders.types import Purpose
from src.domain.portfolio.exposure import equity
from src.domain.portfolio.margin import valued_positions
from src.domain.sessions.trading_states import (
    TRADING_TRANSITIONS,
    SymbolState,
    TradingState,
    TradingTrigger,
)
from src.domain.shared.transitions import next_state

DAILY_LOSS = "the daily loss limit is reached"
DRAWDOWN = "the drawdown limit is reached"
AUTHOR = "risk"


def watch_losses(step: Step) -> None:
    """Restrict trading when the day or the fall from the peak has cost too much."""
    account, limits = step.ledger.account, step.policy.limits
    if not step.policy.watches_losses or account.trading_state is TradingState.HALTED:
        return
    current = equity(step.ledger, step.view)
    day, peak = account.day_start_equity, account.peak_equity
    if _beyond(day, current, limits.daily_loss_pct_max):
        text = f"{DAILY_LOSS}: {current:f} of {day:f} is left of the day's start"
        restrict_trading(step, limits.daily_loss_trigger, text)
    if _beyond(peak, current, limits.drawdown_pct_max):
        text = f"{DRAWDOWN}: {current:f} of {peak:f} is left of the peak"
        restrict_trading(step, limits.drawdown_trigger, text)


def watch_margin(step: Step) -> None:
    """Close what loses most while the margin ratio is beyond its limit: better by us than by the exchange, with a fee.

    One position at a time, since each close makes room for the others; an isolated one answers for itself. One that
    the exchange does not let us close, because its market is halted, does not stand in the way of the others; nor does
    one of which a trade is missing.
    """
    if not step.policy.watches_losses:
        return
    limit = step.policy.limits.margin_ratio_max
    beyond = [
        each
        for each in valued_positions(step.ledger, step.view)
        if each.ratio > limit and not each.position.misses_a_trade and not cannot_close(step, each.position)
    ]
    if not beyond:
        return
    worst = min(beyond, key=lambda each: each.unrealized_pnl)
    position, before = worst.position, len(step.effects)
    text = f"margin ratio {worst.ratio:.4f} is above {limit:f}"
    close_now(step, position, text)
    if len(step.effects) > before:
        step.emit(e.AlarmRaised(position.symbol, f"emergency close: {text}"))


def _beyond(start: Decimal, current: Decimal, share: Decimal) -> bool:
    return start > 0 and start - current >= share * start


def restrict_trading(step: Step, trigger: TradingTrigger, reason: str) -> None:
    """Move the trading state unless it is at least as strict already; tell a person, and cancel entries."""
    account = step.ledger.account
    after = next_state(TRADING_TRANSITIONS, account.trading_state, trigger)
    outlasts = outlasts_the_day(account, after) and not reason.startswith(DAILY_LOSS)
    if after is account.trading_state and not outlasts:
        return
    step.emit(e.AlarmRaised("account", reason))
    step.emit(e.TradingMoved(trigger, reason, AUTHOR))
    cancel_entries(step, f"trading is {after.value}")


def outlasts_the_day(account: AccountState, after: TradingState) -> bool:
    """Whether another reason to restrict trading has to be kept, because the one that holds ends with the day."""
    return after is TradingState.REDUCE_ONLY and account.trading_reason.startswith(DAILY_LOSS)


def day_is_over(step: Step) -> None:
    """What a day's loss restricted is free again with the next day; nothing else is."""
    account = step.ledger.account
    if account.trading_state is TradingState.REDUCE_ONLY and account.trading_reason.startswith(DAILY_LOSS):
        step.emit(e.TradingMoved(TradingTrigger.RESTORE, "a new day has begun", AUTHOR))


UNPROTECTED_MAX = 3
UNPROTECTED = "stops are refused"


def forgo_openings(step: Step, order: Order) -> None:
    """Close a symbol for entries once the exchange has refused several stops in a row for what they are.

    Each position opened there would be closed again at a loss, as often as a strategy likes. A person who has looked
    into it re-opens the symbol; a stop that the exchange takes ends the row.
    """
    symbol = order.symbol
    row = step.ledger.unprotected.get(symbol, 0) if order.ticket.purpose is Purpose.PROTECTIVE_STOP else 0
    if row < UNPROTECTED_MAX or step.ledger.symbol(symbol).state is SymbolState.CLOSED:
        return
    restrict(step, symbol, f"{UNPROTECTED}, {row} in a row: nothing is opened without one ({order.reason})")
