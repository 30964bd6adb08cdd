"""Under which topic an event is published: the record's kind, with orders told apart by what moved them."""

import re
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
