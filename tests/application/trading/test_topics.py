"""Every kind of record has a topic, and no two share one."""

from typing import get_args

from src.application.trading.topics import topic_of
from src.domain.ledger import events as e


def test_every_kind_of_event_has_a_topic_of_its_own():
    kinds = get_args(e.Event)
    topics = {topic_of(object.__new__(kind)) for kind in kinds}

    assert len(topics) == len(kinds)
    assert all(topic == topic.lower() and "." in topic for topic in topics)


def test_the_documented_names_hold():
    named = {
        e.OrderIntended: "order.intended",
        e.FillBooked: "order.filled",
        e.OrderDenied: "order.denied",
        e.AttemptMoved: "attempt.moved",
        e.SessionMoved: "session.moved",
        e.AlarmRaised: "alarm.raised",
        e.RawReceived: "raw.received",
    }

    assert {kind: topic_of(object.__new__(kind)) for kind in named} == named
