"""``evolve``: how each event changes the ledger. Nothing else does, and recovery runs nothing else.

An event that reaches the ledger has happened; evolve never refuses one. What is illegal or surprising was noticed
in ``decide``, which then emitted an alarm beside it.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from src.domain.ledger import events as e
from src.domain.ledger.evolve_amendments import modify_moved, modify_requested, terms_changed
from src.domain.ledger.evolve_cancels import begin_anew, cancel_requested
from src.domain.ledger.evolve_money import equity_marked, fill_booked, income_booked
from src.domain.ledger.evolve_orders import (
    attempt_moved,
    order_intended,
    order_moved,
)
from src.domain.ledger.evolve_parents import child_held_back, leg_replaced, parent_moved, parent_opened
from src.domain.ledger.evolve_protection import protection_restored, protection_waived
from src.domain.ledger.state import AccountState, Ledger
from src.domain.market.sides import OrderSide, PositionSide, trade_half
from src.domain.money import ZERO
from src.domain.sessions.session import (
    SESSION_TRANSITIONS,
    SessionTrigger,
    TradingSession,
    TradingSessionStatus,
)
from src.domain.sessions.trading_states import TRADING_TRANSITIONS, TradingTrigger
from src.domain.shared.transitions import next_state


def open_ledger(event: e.AccountOpened) -> Ledger:
    """The ledger of a new account."""
    ledger = Ledger(AccountState(event.account_id, event.namespace, event.exchange, event.settle_asset))
    ledger.changes.account = True
    return ledger


def evolve(ledger: Ledger, event: e.Event, at_ms: int) -> None:
    """Apply one event that happened at session time ``at_ms``."""
    account = ledger.account
    if at_ms > account.last_ms:
        account.last_ms = at_ms
    ledger.changes.account = True
    _HANDLERS[type(event)](ledger, event, at_ms)


def _epoch_started(ledger: Ledger, event: e.EpochStarted, at_ms: int) -> None:
    ledger.account.epoch = event.epoch
    begin_anew(ledger, at_ms)


def _session_opened(ledger: Ledger, event: e.SessionOpened, at_ms: int) -> None:
    ledger.session = TradingSession(event.session_id, event.options, TradingSessionStatus.STOPPED, at_ms)
    ledger.changes.session = ledger.session


def _strategies_chosen(ledger: Ledger, event: e.StrategiesChosen, at_ms: int) -> None:
    session = ledger.session
    assert session is not None, "strategies are those of a session"
    session.options = replace(session.options, strategies=event.strategies)
    ledger.changes.session = session


def _session_moved(ledger: Ledger, event: e.SessionMoved, at_ms: int) -> None:
    session = ledger.session
    assert session is not None, "a session moves only after it was opened"
    if session.status is TradingSessionStatus.PAUSED:
        # Remembered through takeovers and failures, until the session is at rest in a state that says it.
        session.resume_paused = event.trigger in (SessionTrigger.RECOVER, SessionTrigger.FAIL)
    session.status = next_state(SESSION_TRANSITIONS, session.status, event.trigger)
    session.reason = event.reason
    session.stopped_ms = at_ms if session.status is TradingSessionStatus.STOPPED else None
    if session.status in _SETTLED:
        session.resume_paused = False
    ledger.changes.session = session


_SETTLED = frozenset(
    {TradingSessionStatus.RUNNING, TradingSessionStatus.PAUSED, TradingSessionStatus.STOPPED}
)


def _trading_moved(ledger: Ledger, event: e.TradingMoved, at_ms: int) -> None:
    account = ledger.account
    account.trading_state = next_state(TRADING_TRANSITIONS, account.trading_state, event.trigger)
    account.trading_reason = event.reason
    if event.trigger is TradingTrigger.REARM:
        # A person accepts what was lost: drawdown is measured from here on.
        account.peak_equity = ZERO


def _symbol_moved(ledger: Ledger, event: e.SymbolMoved, at_ms: int) -> None:
    book = ledger.symbol(event.symbol)
    book.state = event.state
    book.reason = event.reason
    ledger.changes.symbols[event.symbol] = book


def _day_started(ledger: Ledger, event: e.DayStarted, at_ms: int) -> None:
    ledger.account.day = event.day
    ledger.account.day_start_equity = event.equity


def _stream_opened(ledger: Ledger, event: e.StreamOpened, at_ms: int) -> None:
    ledger.account.stream_epoch = event.stream_epoch


def _trades_confirmed(ledger: Ledger, event: e.TradesConfirmed, at_ms: int) -> None:
    book = ledger.symbol(event.symbol)
    book.confirmed_trade_id = max(book.confirmed_trade_id, event.trade_id)
    last = trade_half(book.confirmed_trade_id, OrderSide.SELL)
    book.trade_halves = {half for half in book.trade_halves if half > last}
    for side in PositionSide:
        unconfirmed = ledger.unconfirmed.get((event.symbol, side))
        if unconfirmed is not None and unconfirmed.confirm(book.confirmed_trade_id):
            del ledger.unconfirmed[event.symbol, side]
    ledger.changes.symbols[event.symbol] = book


def _order_denied(ledger: Ledger, event: e.OrderDenied, at_ms: int) -> None:
    ledger.denied[event.rule] += 1


def _breach_found(ledger: Ledger, event: e.BreachFound, at_ms: int) -> None:
    ledger.account.breaches += 1


def _recorded(ledger: Ledger, event: e.Event, at_ms: int) -> None:
    """An event that is worth keeping and changes nothing by itself."""


Handler = Callable[[Ledger, Any, int], None]

_HANDLERS: dict[type, Handler] = {
    e.AccountOpened: _recorded,
    e.EpochStarted: _epoch_started,
    e.SessionOpened: _session_opened,
    e.SessionMoved: _session_moved,
    e.StrategiesChosen: _strategies_chosen,
    e.TradingMoved: _trading_moved,
    e.SymbolMoved: _symbol_moved,
    e.DayStarted: _day_started,
    e.EquityMarked: equity_marked,
    e.OrderIntended: order_intended,
    e.OrderDenied: _order_denied,
    e.AttemptMoved: attempt_moved,
    e.OutcomeDoubted: _recorded,
    e.OutcomeReleased: _recorded,
    e.OrderMoved: order_moved,
    e.CancelRequested: cancel_requested,
    e.ModifyRequested: modify_requested,
    e.ModifyMoved: modify_moved,
    e.TermsChanged: terms_changed,
    e.ProtectionWaived: protection_waived,
    e.ProtectionRestored: protection_restored,
    e.ParentOpened: parent_opened,
    e.ParentMoved: parent_moved,
    e.ChildHeldBack: child_held_back,
    e.LegReplaced: leg_replaced,
    e.RawReceived: _recorded,
    e.FillBooked: fill_booked,
    e.IncomeBooked: income_booked,
    e.StreamOpened: _stream_opened,
    e.StreamLost: _recorded,
    e.TradesConfirmed: _trades_confirmed,
    e.DifferenceFound: _recorded,
    e.RecoveryFinished: _recorded,
    e.AlarmRaised: _recorded,
    e.BreachFound: _breach_found,
}

EVENT_TYPES: tuple[type, ...] = tuple(_HANDLERS)


def fold(records: list[tuple[int, e.Event]]) -> Ledger:
    """The ledger that a whole journal leads to; its first record must be :class:`AccountOpened` (ValueError)."""
    _, opened = records[0]
    if not isinstance(opened, e.AccountOpened):
        raise ValueError(f"a journal begins with the account, not with {type(opened).__name__}")
    ledger = open_ledger(opened)
    for at_ms, event in records[1:]:
        evolve(ledger, event, at_ms)
    return ledger
