"""How events are published: under the record's kind, with orders told apart by what moved them; and by moment."""

import re
from collections.abc import Iterable, Iterator
from functools import cache

from src.domain.ledger.events import Event, FillBooked, OrderDenied

TRADE_CLOSED_TOPIC = "trade.closed"
"""Carries each RoundTrip, after the commit of the fill that closed it; no record of the journal, which has the fill."""

_SPECIAL = {FillBooked: "order.filled", OrderDenied: "order.denied"}


@cache
def _topic(name: str) -> str:
    words = re.findall(r"[A-Z][a-z]+", name)
    return ".".join((words[0].lower(), "_".join(words[1:]).lower())) if len(words) > 1 else words[0].lower()


def topic_of(event: Event) -> str:
    """E.g. ``order.intended``, ``order.filled``, ``session.moved``, ``alarm.raised``."""
    kind = type(event)
    return _SPECIAL.get(kind) or _topic(kind.__name__)


def by_moment(decided: Iterable[tuple[int, list[Event]]]) -> Iterator[tuple[int, tuple[Event, ...]]]:
    """The events of one commit by the session time (ms) of their decision, in order: there may be many moments."""
    moment_ms, together = 0, list[Event]()
    for at_ms, events in decided:
        if together and at_ms != moment_ms:
            yield moment_ms, tuple(together)
            together.clear()
        moment_ms = at_ms
        together += events
    if together:
        yield moment_ms, tuple(together)
