"""Decisions about the session, the trading state, the stream, recovery's end, and the passing of time."""

from src.domain.decisions import news as n
from src.domain.decisions.alarms import halt
from src.domain.decisions.effects import Reconcile
from src.domain.decisions.orders import UNKNOWN_OUTCOME
from src.domain.decisions.protection import close_now, protect
from src.domain.decisions.protective_terms import hanging_ms, is_bare
from src.domain.decisions.sending import cancel_effect, cancel_entries, is_due_again
from src.domain.decisions.step import Step
from src.domain.decisions.watch import day_is_over, outlasts_the_day, watch_losses, watch_margin
from src.domain.ledger import events as e
from src.domain.orders.order import Order
from src.domain.orders.transitions import UNRESOLVED, AttemptState, CancelState
from src.domain.portfolio.exposure import equity, gross_exposure, unrealized_pnl
from src.domain.positions.position import Position
from src.domain.sessions.session import SESSION_TRANSITIONS, SessionTrigger, TradingSessionStatus
from src.domain.sessions.trading_states import TRADING_TRANSITIONS, SymbolState, TradingTrigger
from src.domain.shared.transitions import next_state

DAY_MS = 86_400_000

# Bound once: a member of an enum is looked up through its class at several times the price of a name.
_REQUESTED = CancelState.REQUESTED


def take_over(step: Step, news: n.TakeOver) -> None:
    """A process begins its epoch; what it finds unfinished goes back to STARTING, which includes recovery.

    A session that was being stopped goes on stopping, for the reason that it had.
    """
    step.emit(e.EpochStarted(news.epoch))
    session = step.ledger.session
    if session is not None and session.is_unfinished:
        stopping = session.status is TradingSessionStatus.STOPPING
        reason = session.reason if stopping else "taken over by a new process"
        step.emit(e.SessionMoved(session.id, SessionTrigger.RECOVER, reason))


def open_session(step: Step, news: n.OpenSession) -> None:
    """Create a session and begin to start it; raises ValueError while another is unfinished, with nothing changed."""
    session = step.ledger.session
    if session is not None and session.is_unfinished:
        raise ValueError(f"session {session.id} is unfinished: it is resumed, not replaced")
    step.emit(e.SessionOpened(news.session_id, news.options))
    step.emit(e.SessionMoved(news.session_id, SessionTrigger.START, "wanted"))


def move_session(step: Step, news: n.MoveSession) -> None:
    """Move the session; pausing cancels entries, stopping resting exits too; both leave positions with their stops.

    Raises IllegalTransition, with nothing changed, when the session cannot take this step.
    """
    session = step.ledger.session
    assert session is not None, "there is a session before it moves"
    next_state(SESSION_TRANSITIONS, session.status, news.trigger)
    if news.trigger is SessionTrigger.CLEANED_UP:
        # The curve of a session ends where the session does, not at the last full interval before it.
        mark_equity(step)
        _tell_of_the_bare(step)
    step.emit(e.SessionMoved(session.id, news.trigger, news.reason))
    if news.trigger is SessionTrigger.STOP:
        cancel_entries(step, "the session stops", exits=True)
    elif news.trigger is SessionTrigger.PAUSE:
        cancel_entries(step, "the session pauses")


def _tell_of_the_bare(step: Step) -> None:
    """Say of every position that is left without the stop it is to have."""
    for position in step.ledger.positions.values():
        if is_bare(step, position):
            held = f"{abs(position.quantity):f} {position.symbol} is held without a stop"
            step.emit(e.AlarmRaised(position.symbol, f"the session stops, and {held}: nobody protects it"))


def choose_strategies(step: Step, news: n.ChooseStrategies) -> None:
    """Trade with other strategies; what the ones left out hold keeps its stops, and stays theirs."""
    session = step.ledger.session
    assert session is not None, "strategies are those of a session"
    if news.alarm:
        step.emit(e.AlarmRaised("strategies", news.alarm))
    if news.strategies != session.options.strategies:
        step.emit(e.StrategiesChosen(session.id, news.strategies, news.reason))


def move_trading(step: Step, news: n.MoveTrading) -> None:
    """Restrict, halt or re-arm trading; a restriction also cancels entries, and closes positions if asked to.

    A repeated wish changes nothing, except that what a person restricts stays restricted when the day is over.
    """
    account = step.ledger.account
    after = next_state(TRADING_TRANSITIONS, account.trading_state, news.trigger)
    if after is not account.trading_state or outlasts_the_day(account, after):
        step.emit(e.TradingMoved(news.trigger, news.reason, news.author))
    if news.trigger in (TradingTrigger.HALT, TradingTrigger.REDUCE):
        cancel_entries(
            step, "trading is halted" if news.trigger is TradingTrigger.HALT else "trading is restricted"
        )
    if news.flatten:
        for position in list(step.ledger.positions.values()):
            if not position.is_flat:
                close_now(step, position, news.reason)


def reopen_symbol(step: Step, news: n.ReopenSymbol) -> None:
    """Free a symbol that was closed; while an outcome in it is unknown it stays restricted for that alone."""
    book = step.ledger.symbol(news.symbol)
    if book.state is not SymbolState.CLOSED:
        return
    unknown = any(
        order.symbol == news.symbol and order.is_open and order.attempt_state is AttemptState.UNKNOWN
        for order in step.ledger.orders.values()
    )
    state = SymbolState.REDUCE_ONLY if unknown else SymbolState.TRADING
    step.emit(
        e.SymbolMoved(news.symbol, state, UNKNOWN_OUTCOME if unknown else f"re-opened by {news.author}")
    )


def stream_ended(step: Step, news: n.StreamEnded) -> None:
    """Remember that events may be missing from here on."""
    step.emit(e.StreamLost(news.stream_epoch, news.reason))


def stream_restarted(step: Step, news: n.StreamRestarted) -> None:
    """A new stream epoch begins."""
    step.emit(e.StreamOpened(news.stream_epoch))


def recovery_concluded(step: Step, news: n.RecoveryConcluded) -> None:
    """Record the run; what still differs is never papered over: it is published, and trading halts."""
    orders = step.ledger.orders.values()
    unresolved = sum(1 for o in orders if o.is_open and o.attempt_state in UNRESOLVED)
    for difference in news.differences:
        step.emit(difference)
    if news.differences:
        subjects = ", ".join(d.subject for d in news.differences)
        halt(step, f"store and exchange differ in {subjects}")
    for doubt in news.doubts:
        step.emit(doubt)
    step.emit(
        e.RecoveryFinished(
            cause=news.cause,
            orders_checked=news.orders_checked,
            fills_added=news.fills_added,
            income_added=news.income_added,
            unresolved=unresolved,
            differences=len(news.differences),
            agrees=not news.differences,
        )
    )
    session = step.ledger.session
    if session is not None and session.status is TradingSessionStatus.STARTING:
        paused = session.resume_paused
        trigger = SessionTrigger.INITIALIZED_PAUSED if paused else SessionTrigger.INITIALIZED
        step.emit(
            e.SessionMoved(
                session.id, trigger, "store and exchange agree" if not news.differences else "halted"
            )
        )


def tick(step: Step, news: n.Tick) -> None:
    """Watch over protection, repeat cancels that had no effect yet, begin the day, mark the equity."""
    ledger = step.ledger
    # Before protection is looked after: a cancel of this very step is no cancel without effect.
    for order in ledger.orders.values():
        if order.cancel_state is _REQUESTED and order.is_live and is_due_again(step, order):
            step.do(cancel_effect(order))
        if order.is_open and order.attempt_state in UNRESOLVED and _ask_again(step, order):
            step.do(Reconcile(f"the outcome of {order.client_order_id} is overdue"))
        elif _is_worth_asking(hanging_ms(step, order) // 1_000):
            step.do(Reconcile(f"{order.client_order_id} has triggered, and nothing is heard of it"))
        elif _is_worth_asking(_silent_s(step, order)):
            step.do(Reconcile(f"a trade, or the end, of {order.client_order_id} has not been heard of"))
    for position in list(ledger.positions.values()):
        if not position.is_flat:
            _look_after(step, position)
    day = step.now.venue_ms // DAY_MS
    if day > ledger.account.day and ledger.wallet_balance:
        step.emit(e.DayStarted(day, equity(ledger, step.view)))
        day_is_over(step)
    watch_losses(step)
    watch_margin(step)
    # After a re-arming there is no peak: a drawdown is measured from the next look on, not from the next point.
    if news.mark_equity or ledger.account.peak_equity <= 0 < equity(ledger, step.view):
        mark_equity(step)


def _look_after(step: Step, position: Position) -> None:
    """Protect what is held; of what cannot be held a trade is missing, and that is asked for."""
    symbol, side = position.symbol, position.position_side
    protect(step, symbol, side)
    waited_ms = step.now.venue_ms - position.updated_ms
    if position.misses_a_trade and _is_worth_asking(waited_ms // 1_000):
        step.do(Reconcile(f"a trade of {symbol} {side.value} has not been heard of"))


def mark_equity(step: Step) -> None:
    """Put a point on the equity curve."""
    ledger, view = step.ledger, step.view
    step.emit(
        e.EquityMarked(ledger.wallet_balance, unrealized_pnl(ledger, view), gross_exposure(ledger, view))
    )


def _ask_again(step: Step, order: Order) -> bool:
    """Whether an attempt past its deadline is worth asking about now."""
    return _is_worth_asking((step.now.venue_ms - order.attempt.deadline_ms) // 1_000)


def _silent_s(step: Step, order: Order) -> int:
    """How much longer than a second nothing is heard of trades that an order claims, or of one that does not rest.

    Streams have lost single events: what such an order has opened would stay naked until the next comparison.
    """
    rests = not order.ticket.trades_at_once
    waits = order.is_settled or (rests and order.claimed_quantity <= order.filled_quantity)
    if waits or order.attempt_state in UNRESOLVED:
        return 0
    heard_ms = max(order.attempt.timestamp_ms, order.updated_ms)
    return (step.now.venue_ms - heard_ms) // 1_000 - 1


def _is_worth_asking(late_s: int) -> bool:
    """After 1, 2, 4, 8 … seconds."""
    return late_s > 0 and late_s & (late_s - 1) == 0
