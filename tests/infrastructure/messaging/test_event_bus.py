"""The bus: order kept, guests kept out of trading, and nobody waited for."""

import asyncio
import logging

import pytest

from src.infrastructure.messaging import event_bus
from src.infrastructure.messaging.event_bus import EVERYTHING, InProcessEventBus


async def test_events_reach_their_handlers_in_order():
    bus = InProcessEventBus()
    heard: list[object] = []
    bus.subscribe("a", heard.append)
    for number in range(5):
        bus.publish("a", number)
    assert heard == [], "publishing waits for nobody"

    await asyncio.sleep(0)

    assert heard == [0, 1, 2, 3, 4]


async def test_a_topic_is_heard_by_its_handlers_and_by_those_of_everything():
    bus = InProcessEventBus()
    heard: list[tuple[str, object]] = []
    bus.subscribe("a", lambda event: heard.append(("a", event)))
    bus.subscribe(EVERYTHING, lambda event: heard.append(("*", event)))
    bus.publish("a", 1)
    bus.publish("b", 2)

    await bus.drain()

    assert heard == [("a", 1), ("*", 1), ("*", 2)]


async def test_a_handler_that_raises_is_logged_and_stays(caplog: pytest.LogCaptureFixture):
    bus = InProcessEventBus()
    heard: list[object] = []

    def fragile(event: object) -> None:
        heard.append(event)
        raise RuntimeError("a guest's own trouble")

    bus.subscribe("a", fragile)
    bus.subscribe("a", heard.append)
    bus.publish("a", 1)
    bus.publish("a", 2)

    with caplog.at_level(logging.ERROR):
        await bus.drain()

    assert heard == [1, 1, 2, 2]
    assert "a handler of a failed" in caplog.text


async def test_an_asynchronous_handler_is_awaited_before_the_next_event():
    bus = InProcessEventBus()
    heard: list[str] = []

    async def slow(event: object) -> None:
        heard.append(f"{event} begins")
        await asyncio.sleep(0)
        heard.append(f"{event} ends")

    bus.subscribe("a", slow)
    bus.publish("a", 1)
    bus.publish("a", 2)

    await bus.drain()

    assert heard == ["1 begins", "1 ends", "2 begins", "2 ends"]


async def test_a_handler_that_waits_delays_nobody_but_itself():
    bus = InProcessEventBus()
    heard: list[object] = []
    news = asyncio.Event()

    async def waits_for_news(event: object) -> None:
        await news.wait()
        heard.append(event)

    bus.subscribe("a", waits_for_news)
    bus.subscribe("b", lambda event: news.set())
    bus.subscribe("a", lambda event: heard.append(f"at once {event}"))
    for topic, event in (("a", 1), ("a", 2), ("b", 3)):
        bus.publish(topic, event)

    await asyncio.wait_for(bus.drain(), 5)

    assert heard == ["at once 1", "at once 2", 1, 2]


async def test_a_handler_may_drain_the_bus_it_is_called_by():
    bus = InProcessEventBus()
    heard: list[object] = []

    async def drains(event: object) -> None:
        await bus.drain()
        heard.append(event)

    bus.subscribe("a", drains)
    bus.publish("a", 1)

    await asyncio.wait_for(bus.drain(), 5)

    assert heard == [1]


async def test_two_drains_at_once_keep_the_order():
    bus = InProcessEventBus()
    heard: list[object] = []

    async def slow(event: object) -> None:
        await asyncio.sleep(0.002 if event == 1 else 0)
        heard.append(event)

    bus.subscribe("a", slow)
    for number in (1, 2, 3):
        bus.publish("a", number)

    await asyncio.gather(bus.drain(), bus.drain())

    assert heard == [1, 2, 3]


async def test_what_a_handler_publishes_comes_after_what_was_published_before():
    bus = InProcessEventBus()
    heard: list[object] = []
    bus.subscribe("a", lambda event: bus.publish("b", f"after {event}"))
    bus.subscribe("b", heard.append)
    bus.publish("a", 1)
    bus.publish("b", "first")

    await bus.drain()

    assert heard == ["first", "after 1"]


async def test_events_nobody_listens_to_are_not_kept():
    bus = InProcessEventBus()
    bus.publish("a", 1)
    heard: list[object] = []
    bus.subscribe("a", heard.append)

    await bus.drain()

    assert heard == []


async def test_what_overflows_is_counted(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(event_bus, "QUEUE_MAX", 3)
    bus = InProcessEventBus()
    heard: list[object] = []
    bus.subscribe("a", heard.append)
    for number in range(5):
        bus.publish("a", number)

    await bus.drain()

    assert heard == [0, 1, 2]
    assert bus.dropped == 2


def test_without_a_running_loop_events_wait_to_be_drained():
    bus = InProcessEventBus()
    heard: list[object] = []
    bus.subscribe("a", heard.append)
    bus.publish("a", 1)
    assert heard == []

    asyncio.run(bus.drain())

    assert heard == [1]
