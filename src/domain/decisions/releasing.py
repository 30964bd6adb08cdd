"""A person takes an attempt of unknown outcome for dead, before the evidence says so.

That frees its reservation and its symbol; who did it and why stands in the journal. It is no proof: a later sighting
is a breach (I9) like that of any tombstone, and halts trading.
"""

from src.domain.decisions import news as n
from src.domain.decisions.orders import settle_unknown
from src.domain.decisions.step import Step
from src.domain.ledger import events as e
from src.domain.orders.transitions import AttemptState, AttemptTrigger


def release_attempt(step: Step, news: n.ReleaseAttempt) -> None:
    """Declare the attempt dead; raises ValueError where there is nothing to release, or not yet."""
    name = news.client_order_id
    order = step.ledger.orders.get(name)
    if order is None or order.attempt_state is not AttemptState.UNKNOWN:
        raise ValueError(f"order {name} is not of unknown outcome: `orders --unknown` lists those that are")
    wait_ms = news.arrives_until_ms - step.now.venue_ms
    if wait_ms >= 0:
        raise ValueError(
            f"the exchange may still accept order {name}: release it in {wait_ms // 1_000 + 1} s at the earliest"
        )
    if not news.reason.strip():
        raise ValueError("a release needs a reason: it is kept in the journal (--reason TEXT)")
    step.emit(e.OutcomeReleased(name, news.author, news.reason))
    reason = f"released by {news.author}: {news.reason}"
    step.emit(e.AttemptMoved(name, AttemptTrigger.RELEASED, reason=reason))
    settle_unknown(step, order.symbol)
