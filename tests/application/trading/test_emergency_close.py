"""Getting flat without a session: what is cancelled, closed, recorded and said, against the simulated exchange."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from src.application.ports.broker import BrokerUnavailable
from src.application.ports.failpoints import install_hook
from src.application.trading.services.emergency_close import ROUNDS_MAX, EmergencyReport
from src.domain.market.sides import PositionSide
from src.domain.orders.news import NotSent, OutcomeUnknown
from src.domain.orders.ticket import Attempt, OrderTicket
from src.domain.orders.transitions import AttemptTrigger
from src.domain.orders.types import Purpose
from src.infrastructure.brokers.paper_broker import PAPER_ACCOUNT
from src.infrastructure.persistence import side_journal
from src.infrastructure.simulated_exchange.latency import MILLISECOND_NS, LatencyModel
from tests.application.trading.emergency_place import Place
from tests.support.engine_builders import BTC, an_instrument


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.fixture(autouse=True)
def no_hook_stays() -> Iterator[None]:
    yield
    install_hook(None)


@pytest.mark.parametrize("side", ["BUY", "SELL"])
async def test_a_position_is_closed_by_one_recorded_reduce_only_order(place: Place, side: str):
    place.order(side=side, quantity="0.02")

    report = await place.close()

    assert report == EmergencyReport()
    assert place.held == []
    (order,) = place.recorded()
    assert [order.client_order_id] == place.sent
    assert (order.trigger, order.ticket.purpose) == (AttemptTrigger.ACCEPTED, Purpose.EMERGENCY)
    assert order.ticket.reduce_only and order.ticket.quantity == Decimal("0.02")
    assert order.exchange_order_id is not None
    assert order.ticket.reason == "3 a.m."


@pytest.mark.parametrize(
    "filters",
    [
        {"step_size": "0.004", "quantity_min": "0.004"},
        {"quantity_min": "0.020"},
        {"quantity_min": "0.004", "market_quantity_max": "0.005"},
    ],
)
async def test_a_position_that_no_order_of_its_size_takes_any_more_is_closed_whole(
    place: Place, filters: dict[str, str]
):
    place.order(side="BUY", quantity="0.007")
    place.engine.change_filters(BTC, **{name: Decimal(value) for name, value in filters.items()})

    report = await place.close()

    assert report.is_flat
    assert place.held == []


async def test_an_account_that_is_flat_is_left_alone(place: Place):
    assert await place.close() == EmergencyReport()
    assert place.recorded() == []
    assert place.lines == []


async def test_entries_of_both_books_are_canceled_first_and_what_only_reduces_stays(place: Place):
    place.order(quantity="0.02")
    place.order(price="70000.00", client_order_id="entry")
    place.order(trigger_price="80000.00", client_order_id="stop-entry")
    place.order(side="SELL", trigger_price="70000.00", reduce_only=True, client_order_id="stop")

    report = await place.close()

    assert report == EmergencyReport(protective=1)
    assert [row["clientAlgoId"] for row in place.engine.open_algo_orders(PAPER_ACCOUNT)] == ["stop"]
    assert place.engine.open_orders(PAPER_ACCOUNT) == []
    assert [line.partition(":")[0] for line in place.lines[:2]] == ["entry", "stop-entry"]


async def test_each_side_of_a_hedged_account_is_closed(place: Place):
    place.engine.set_hedge_mode(PAPER_ACCOUNT, True)
    place.order(quantity="0.02", position_side="LONG")
    place.order(side="SELL", quantity="0.03", position_side="SHORT")

    assert await place.close() == EmergencyReport()

    assert place.held == []
    assert {order.ticket.position_side for order in place.recorded()} == {
        PositionSide.LONG,
        PositionSide.SHORT,
    }


async def test_a_position_beyond_the_largest_order_is_closed_in_several(tmp_path: Path):
    place = Place(tmp_path, an_instrument(market_quantity_max=Decimal("0.02")))
    for _ in range(3):
        place.order(quantity="0.02")

    assert await place.close() == EmergencyReport()

    assert [order.ticket.quantity for order in place.recorded()] == [Decimal("0.02")] * 3


@pytest.mark.parametrize(("way_ms", "left"), [(20, "0.005"), (2_000, "0.004")])
async def test_what_a_thin_book_leaves_is_closed_by_a_new_order(tmp_path: Path, way_ms: int, left: str):
    way_ns = way_ms * MILLISECOND_NS
    place = Place(tmp_path, latency=LatencyModel(seed=1, request_ns=way_ns, answer_ns=way_ns))
    place.order(quantity="0.02")
    place.quote("0.015")

    async def refilled(delay_ms: int) -> None:
        await Place.pass_time(place, delay_ms)
        place.quote("0.030" if place.sent else "0.016")

    place.pass_time = refilled  # type: ignore[method-assign]  # the market goes on meanwhile
    assert await place.close() == EmergencyReport()

    assert [order.ticket.quantity for order in place.recorded()] == [Decimal("0.02"), Decimal(left)]


async def test_an_order_is_on_the_disk_before_it_is_sent(place: Place):
    place.order(quantity="0.02")
    seen: list[tuple[int, int]] = []

    def look(name: str) -> None:
        if name == "emergency.before_submit":
            seen.append((len(place.recorded()), len(place.sent)))

    install_hook(look)
    await place.close()

    assert seen == [(1, 0)]


async def test_nothing_is_sent_that_cannot_be_recorded(place: Place, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(side_journal, "BLOCKS", side_journal.HEADERS + 1)
    place.order(quantity="0.02")

    report = await place.close()

    assert report.positions == ("0.02 BTCUSDT",)
    assert report.troubles and "is full" in report.troubles[0]
    assert place.sent == [] and place.held == [Decimal("0.02")]


async def test_an_order_without_an_answer_is_unknown_and_no_other_is_sent(place: Place):
    place.order(quantity="0.02")

    report = await place.close(arrives=False)

    (order,) = place.recorded()
    assert report.unknown == (order.client_order_id,)
    assert report.positions == ("0.02 BTCUSDT",)
    assert order.trigger is AttemptTrigger.LOST
    assert not report.is_flat


async def test_whoever_asks_again_closes_what_an_unknown_order_did_not(place: Place):
    place.order(quantity="0.02")
    await place.close(arrives=False)

    report = await place.close()

    first, second = place.recorded()
    assert (first.trigger, second.trigger) == (AttemptTrigger.LOST, AttemptTrigger.ACCEPTED)
    assert place.sent == [second.client_order_id]
    assert place.held == []
    assert report.unknown == (first.client_order_id,)


async def test_an_order_of_a_run_that_died_after_sending_is_found_and_not_sent_again(place: Place):
    place.order(quantity="0.02")

    def die(name: str) -> None:
        if name == "emergency.after_submit":
            raise KeyboardInterrupt

    install_hook(die)
    with pytest.raises(KeyboardInterrupt):
        await place.close()
    install_hook(None)
    await place.pass_time(1_000)

    report = await place.close()

    (order,) = place.recorded()
    assert report == EmergencyReport()
    assert order.trigger is AttemptTrigger.FOUND
    assert place.sent == [order.client_order_id]


async def test_an_order_of_a_run_that_died_before_sending_is_waited_out_first(place: Place):
    place.order(quantity="0.02")

    def die(name: str) -> None:
        if name == "emergency.before_submit":
            raise KeyboardInterrupt

    install_hook(die)
    with pytest.raises(KeyboardInterrupt):
        await place.close()
    install_hook(None)

    await place.close()

    first, second = place.recorded()
    assert second.attempt.timestamp_ms > first.attempt.deadline_ms
    assert place.sent == [second.client_order_id]
    assert place.held == []


async def test_a_refusal_is_recorded_with_its_words_and_what_is_left_is_said(place: Place):
    place.order(quantity="0.02")
    place.engine.set_symbol_status(BTC, "TRADING_HALT")

    report = await place.close()

    assert report.positions == ("0.02 BTCUSDT",)
    assert {order.trigger for order in place.recorded()} == {AttemptTrigger.REFUSED}
    assert all(order.code and str(order.code) in order.reason for order in place.recorded())
    assert any("REFUSED" in line for line in place.lines)


@pytest.mark.parametrize(
    ("outcome", "trigger", "orders"),
    [(NotSent, AttemptTrigger.NOT_SENT, ROUNDS_MAX), (OutcomeUnknown, AttemptTrigger.LOST, 1)],
)
async def test_only_what_was_certainly_not_sent_is_followed_by_another_order(
    place: Place, monkeypatch: pytest.MonkeyPatch, outcome: Any, trigger: AttemptTrigger, orders: int
):
    place.order(quantity="0.02")

    def submit(ticket: OrderTicket, attempt: Attempt) -> None:
        assert place.broker._sink is not None, "the command is open"
        place.broker._sink.on_submit_outcome(outcome(attempt.client_order_id, "the line is down"))

    monkeypatch.setattr(place.broker, "submit", submit)

    report = await place.close()

    recorded = place.recorded()
    assert [order.trigger for order in recorded] == [trigger] * orders
    assert {order.reason for order in recorded} == {"the line is down"}
    assert report.positions == ("0.02 BTCUSDT",) and not report.is_flat
    assert len(report.unknown) == (trigger is AttemptTrigger.LOST)


@pytest.mark.parametrize(
    ("read", "held", "troubles"),
    [("open_orders", [], 2), ("positions", [Decimal("0.02")], 1), ("instruments", [], 0)],
)
async def test_what_cannot_be_read_is_said_and_the_rest_is_done(
    place: Place, monkeypatch: pytest.MonkeyPatch, read: str, held: list[Decimal], troubles: int
):
    place.order(quantity="0.02")
    place.order(price="70000.00", client_order_id="entry")

    async def fail(*_: object) -> None:
        raise BrokerUnavailable("no answer")

    monkeypatch.setattr(place.broker, read, fail)

    report = await place.close()

    assert place.held == held
    assert len(report.troubles) == troubles and all("cannot be read" in text for text in report.troubles)
    assert report.is_flat is not bool(troubles)
    assert len(place.engine.open_orders(PAPER_ACCOUNT)) == (read == "open_orders")


async def test_a_damaged_side_journal_is_said_and_the_position_is_closed(place: Place):
    place.order(quantity="0.02")
    place.damage = "record 3 cannot be read"

    report = await place.close()

    assert (place.held, report.is_flat) == ([], False)
    assert report.troubles == ("the side journal is damaged: record 3 cannot be read",)
