"""``decide``: what follows from a piece of news.

It may read the market view, which is rebuilt at every start; it changes the ledger only by emitting events, each
applied at once by ``evolve``. The effects it names are to be run after the events are durable, never before.
"""

from collections.abc import Callable
from typing import Any

from src.domain.decisions import news as n
from src.domain.decisions.alarms import raise_alarm
from src.domain.decisions.amending import (
    modify_accepted,
    modify_refused,
    modify_unknown,
    request_modify,
    watch_amendments,
)
from src.domain.decisions.emergency import import_emergency
from src.domain.decisions.ending import (
    move_parent,
    remind_of_waived,
    request_cancel,
    request_cancel_all,
    request_protection,
)
from src.domain.decisions.exchange import exchange_read, stream_news
from src.domain.decisions.fence import place_fence
from src.domain.decisions.opening import open_books
from src.domain.decisions.orders import (
    cancel_accepted,
    cancel_refused,
    cancel_unknown,
    place_order,
    refuse_order,
    submit_accepted,
    submit_not_sent,
    submit_refused,
    submit_unknown,
)
from src.domain.decisions.parents import open_parent, work_parents
from src.domain.decisions.releasing import release_attempt
from src.domain.decisions.session import (
    choose_strategies,
    move_session,
    move_trading,
    open_session,
    recovery_concluded,
    reopen_symbol,
    stream_ended,
    stream_restarted,
    take_over,
    tick,
)
from src.domain.decisions.step import Now, Policy, Step
from src.domain.ledger.state import Ledger
from src.domain.market.view import MarketView
from src.domain.orders import news as o
from src.domain.sessions.session import TradingSessionStatus
from src.domain.shared.errors import BrokenDecision, DomainError


def _tick(step: Step, news: n.Tick) -> None:
    tick(step, news)
    watch_amendments(step)


def _recovery_concluded(step: Step, news: n.RecoveryConcluded) -> None:
    starts = step.ledger.session is not None and step.ledger.session.status is TradingSessionStatus.STARTING
    recovery_concluded(step, news)
    if starts:
        remind_of_waived(step)


_HANDLERS: dict[type, Callable[[Step, Any], None]] = {
    n.TakeOver: take_over,
    n.OpenBooks: open_books,
    n.OpenSession: open_session,
    n.PlaceOrder: place_order,
    n.RefuseOrder: refuse_order,
    n.RequestCancel: request_cancel,
    n.RequestCancelAll: request_cancel_all,
    n.RequestModify: request_modify,
    n.RequestProtection: request_protection,
    n.OpenParent: open_parent,
    n.MoveParent: move_parent,
    n.StreamNews: stream_news,
    n.StreamEnded: stream_ended,
    n.StreamRestarted: stream_restarted,
    n.ExchangeRead: exchange_read,
    n.ImportEmergency: import_emergency,
    n.RecoveryConcluded: _recovery_concluded,
    n.PlaceFence: place_fence,
    n.ReleaseAttempt: release_attempt,
    n.ChooseStrategies: choose_strategies,
    n.MoveSession: move_session,
    n.MoveTrading: move_trading,
    n.ReopenSymbol: reopen_symbol,
    n.RaiseAlarm: raise_alarm,
    n.Tick: _tick,
    o.Accepted: submit_accepted,
    o.Refused: submit_refused,
    o.OutcomeUnknown: submit_unknown,
    o.NotSent: submit_not_sent,
    o.CancelAccepted: cancel_accepted,
    o.CancelRefused: cancel_refused,
    o.CancelUnknown: cancel_unknown,
    o.ModifyAccepted: modify_accepted,
    o.ModifyRefused: modify_refused,
    o.ModifyUnknown: modify_unknown,
}


def decide(ledger: Ledger, view: MarketView, policy: Policy, news: n.News, now: Now) -> Step:
    """Work one piece of news into the ledger; the step returned holds its events and effects.

    Raises what the news makes impossible, with nothing changed; :class:`BrokenDecision` for anything that is raised
    after the ledger was changed, as then it is ahead of the journal and of no use any more, and for what nobody
    foresaw, as then nobody knows.
    """
    step = Step(ledger, view, policy, now)
    try:
        _HANDLERS[type(news)](step, news)
        if ledger.parents:
            work_parents(step)
    except (DomainError, ValueError, LookupError) as error:
        if step.events:
            raise BrokenDecision(news, error) from error
        raise
    except (ArithmeticError, AttributeError, TypeError) as error:
        raise BrokenDecision(news, error) from error
    return step
