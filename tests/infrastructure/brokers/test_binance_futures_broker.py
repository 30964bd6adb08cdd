"""The Binance broker keeps the port's contract over sockets, and what a bad network does to it is told truly."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from src.application.ports.broker import BrokerUnavailable
from src.domain.market.sides import OrderSide
from src.domain.orders.news import (
    Accepted,
    CancelRefused,
    CancelUnknown,
    ModifyRefused,
    NotSent,
    OrderNews,
    OutcomeUnknown,
    Refused,
    SubmitOutcome,
)
from src.domain.orders.ticket import Attempt
from src.domain.orders.types import OrderStatus, OrderType
from src.infrastructure.brokers import binance_history, binance_reads
from src.infrastructure.brokers.binance_client import BinanceClient, EndpointNotAllowed
from src.infrastructure.brokers.binance_endpoints import ALLOWED, Api, Endpoint
from src.infrastructure.brokers.binance_futures_broker import BinanceFuturesBroker
from src.infrastructure.brokers.binance_reads import DAY_MS
from src.infrastructure.brokers.binance_transport import BinanceTransport
from src.infrastructure.simulated_exchange.server.fault_rules import FaultSchedule, read_schedule
from tests.support.broker_contract import BrokerContract
from tests.support.broker_venue import SYMBOL, Heard, a_ticket, a_wish, news_of, submit
from tests.support.venue_on_sockets import SocketVenue, a_socket_venue

ANSWER_S = 3.0
STOP, SELL, LOW = OrderType.STOP_MARKET, OrderSide.SELL, Decimal("70000.00")


@pytest.fixture
async def venue(tmp_path: Path) -> AsyncIterator[SocketVenue]:
    async with a_socket_venue(tmp_path) as venue:
        yield venue


class TestBinanceFuturesBroker(BrokerContract):
    """The contract over sockets."""

    @pytest.fixture
    async def venue(self, tmp_path: Path) -> AsyncIterator[SocketVenue]:
        async with a_socket_venue(tmp_path) as venue:
            yield venue


def spoil(venue: SocketVenue, operation: str, fault: str, **options: Any) -> None:
    """Let the next call of an operation go wrong."""
    rule = {"operation": operation, "fault": fault, **options}
    schedule: FaultSchedule = read_schedule(json.dumps({"rules": [rule]}).encode())
    venue.server.faults.replace(schedule)


async def outcome_of(venue: SocketVenue, name: str, recv_window_ms: int = 5_000) -> SubmitOutcome:
    """Send a market order and wait for its answer, however long it takes."""
    now = await venue.broker.server_time()
    venue.broker.submit(a_ticket(), Attempt(name, now.now_ms, recv_window_ms))
    async with asyncio.timeout(ANSWER_S):
        while not venue.heard.submits:
            await asyncio.sleep(0.005)
    return venue.heard.submits.pop()


async def test_a_machine_whose_clock_is_wrong_may_ask_before_a_stream_is_open(
    venue: SocketVenue, tmp_path: Path
):
    venue.server.services.venue.clock.skew_ms += 20_000
    fresh = SocketVenue(venue.server, tmp_path).broker

    try:
        assert await fresh.hedge_mode() is False
        assert fresh.venue_time().error_ms < 1_000
    finally:
        await fresh.close()


# --- did it happen? ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "options", "happened"),
    [
        ("drop_request", {}, False),
        ("drop_answer", {}, True),
        ("reset_before", {}, False),
        ("reset_inside", {}, True),
        ("truncate", {"bytes": 20}, True),
        ("respond", {"body": "unknown_503", "executed": True}, True),
        ("respond", {"body": "unknown_503", "executed": False}, False),
        ("respond", {"body": "html_502", "executed": True}, True),
        ("respond", {"body": "timeout_408", "executed": True}, True),
        ("respond", {"body": "bus_500", "executed": False}, False),
    ],
)
async def test_an_answer_that_proves_nothing_leaves_the_outcome_unknown(
    venue: SocketVenue, fault: str, options: dict[str, Any], happened: bool
):
    spoil(venue, "order.place", fault, **options)

    outcome = await outcome_of(venue, "c-1")

    found = await venue.broker.find(SYMBOL, "c-1")
    assert isinstance(outcome, OutcomeUnknown)
    assert (found is not None) is happened


async def test_an_order_is_transmitted_once_whatever_becomes_of_it(venue: SocketVenue):
    spoil(venue, "order.place", "drop_answer", count=None)

    await outcome_of(venue, "c-1")
    await venue.settle()

    assert len(await venue.broker.trades(SYMBOL, 1)) == 1
    assert venue.server.faults.injected.total() == 1


async def test_a_resting_order_that_the_network_doubles_is_one_order(venue: SocketVenue):
    spoil(venue, "order.place", "duplicate")

    await submit(venue, "c-1", order_type=OrderType.LIMIT, limit_price=LOW)

    assert [order.client_order_id for order in await venue.broker.open_orders()] == ["c-1"]


async def test_throttled_by_the_system_means_that_nothing_happened(venue: SocketVenue):
    spoil(venue, "order.place", "respond", body="throttled_503", executed=False)

    outcome = await outcome_of(venue, "c-1")

    assert isinstance(outcome, Refused) and outcome.code == -1008
    assert await venue.broker.find(SYMBOL, "c-1") is None


async def test_after_a_ban_nothing_is_sent_at_all(venue: SocketVenue):
    spoil(venue, "order.place", "respond", body="banned_418", executed=False)

    first = await outcome_of(venue, "c-1")
    sent_before = venue.server.services.venue.engine.now_ms
    venue.broker.submit(a_ticket(), Attempt("c-2", venue.broker.venue_time().now_ms, 5_000))
    await venue.settle()

    assert isinstance(first, Refused) and first.code == -1003
    assert isinstance(venue.heard.submits[-1], NotSent)
    assert sent_before <= venue.server.services.venue.engine.now_ms


async def test_a_cancel_without_an_answer_may_be_repeated(venue: SocketVenue):
    await submit(venue, "stop-1", order_type=STOP, stop_price=LOW, side=SELL, reduce_only=True)
    spoil(venue, "algo.cancel", "drop_answer")

    venue.broker.cancel(SYMBOL, "stop-1", True)
    async with asyncio.timeout(ANSWER_S):
        while not venue.heard.cancels:
            await asyncio.sleep(0.005)

    assert isinstance(venue.heard.cancels[0], CancelUnknown)
    venue.broker.cancel(SYMBOL, "stop-1", True)
    await venue.settle()
    assert await venue.broker.open_algo_orders() == []


async def test_an_order_that_hangs_in_its_trigger_is_open_has_triggered_and_cannot_be_canceled(
    venue: SocketVenue,
):
    await submit(venue, "stop-1", order_type=STOP, stop_price=LOW, side=SELL, reduce_only=True)
    exchange = venue.server.services.venue
    exchange.writing().hang_triggers(SYMBOL, True)

    venue.trade(str(LOW), "0.1")
    venue.broker.cancel(SYMBOL, "stop-1", True)
    await venue.settle()

    (listed,) = await venue.broker.open_algo_orders()
    (told,) = [one.order for one in news_of(venue)[-1:] if isinstance(one, OrderNews)]
    assert listed == await venue.broker.find(SYMBOL, "stop-1")
    assert (listed.status, listed.exchange_order_id) == (OrderStatus.TRIGGERED, None)
    assert (told.status, told.updated_ms) == (OrderStatus.TRIGGERED, listed.updated_ms)
    assert isinstance(venue.heard.cancels[-1], CancelRefused)
    assert await venue.broker.open_orders() == []


# --- too late ---------------------------------------------------------------------------------------------------


async def test_an_amendment_past_its_deadline_is_not_sent(venue: SocketVenue):
    await submit(venue, "c-1", limit_price=LOW)
    late = replace(a_wish(venue, "c-1", "70001.00"), timestamp_ms=venue.broker.venue_time().now_ms - 5_001)

    venue.broker.modify(late)
    await venue.settle()

    (told,) = venue.heard.modifications
    assert isinstance(told, ModifyRefused) and "not sent" in told.message
    (order,) = await venue.broker.open_orders()
    assert order.limit_price == LOW


@pytest.mark.parametrize(
    "body", ["error_200", "empty_200", "html_200", "redirect_302", "html_403", "timeout_408", "bus_500"]
)
async def test_a_read_without_a_good_answer_is_worth_asking_again(venue: SocketVenue, body: str):
    spoil(venue, "balance", "respond", body=body, executed=False)

    with pytest.raises(BrokerUnavailable):
        await venue.broker.balances()

    assert await venue.broker.balances()


async def test_a_request_that_fails_as_nobody_foresaw_is_not_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    async def fail(*_: object) -> None:
        raise ZeroDivisionError

    posted: list[Callable[[], None]] = []
    async with a_socket_venue(tmp_path, broker={"post": posted.append}) as venue:
        monkeypatch.setattr(venue.binance._client, "transmit", fail)
        venue.broker.submit(a_ticket(), Attempt("c-1", venue.broker.venue_time().now_ms, 5_000))
        await venue.settle()

    with pytest.raises(ZeroDivisionError):
        posted[-1]()


async def test_what_a_frozen_process_sends_late_is_refused_by_the_exchanges_own_clock(
    venue: SocketVenue, monkeypatch: pytest.MonkeyPatch
):
    send = BinanceTransport.send

    async def frozen(*arguments: Any, **options: Any) -> Any:
        # Between the look at the clock and the first byte the process stands still.
        await asyncio.sleep(0.3)
        return await send(*arguments, **options)

    now_ms = (await venue.broker.server_time()).now_ms
    with monkeypatch.context() as patch:
        patch.setattr(BinanceTransport, "send", frozen)
        venue.broker.submit(a_ticket(), Attempt("late-1", now_ms, 200))
        async with asyncio.timeout(ANSWER_S):
            while not venue.heard.submits:
                await asyncio.sleep(0.005)

    outcome = venue.heard.submits[-1]
    assert isinstance(outcome, Refused) and outcome.code == -1021
    assert await venue.broker.find(SYMBOL, "late-1") is None


async def test_what_reaches_the_matching_engine_late_is_refused_there(venue: SocketVenue):
    spoil(venue, "order.place", "delay_engine", ms=400)

    outcome = await outcome_of(venue, "late-1", recv_window_ms=200)

    assert isinstance(outcome, Refused) and outcome.code == -5028
    assert await venue.broker.find(SYMBOL, "late-1") is None


# --- how far back the exchange remembers --------------------------------------------------------------------------


async def test_what_is_asked_for_from_before_the_exchange_remembers_is_read_from_where_it_does(
    venue: SocketVenue,
):
    await submit(venue, "c-1")
    now_ms = (await venue.broker.server_time()).now_ms
    for days in (88, 100, 400):
        since_ms = now_ms - days * DAY_MS

        (trade,) = await venue.broker.first_trades(SYMBOL, since_ms)

        assert trade.quantity == a_ticket().quantity
        assert "COMMISSION" in {row.income_type for row in await venue.broker.income(since_ms)}
        assert await venue.broker.orders(SYMBOL, since_ms)


@pytest.mark.parametrize("page", [2, 3, 4])
async def test_what_fills_many_pages_is_read_whole(
    venue: SocketVenue, monkeypatch: pytest.MonkeyPatch, page: int
):
    for number in range(4):
        # What closes has two rows of the same millisecond, which a page may cut apart.
        await submit(venue, f"c-{number}", side=(OrderSide.BUY, SELL)[number % 2])
        await submit(venue, f"stop-{number}", stop_price=LOW)
    since_ms = (await venue.broker.server_time()).now_ms - DAY_MS
    rows, orders = await venue.broker.income(since_ms), await venue.broker.orders(SYMBOL, since_ms)

    monkeypatch.setattr(binance_reads, "PAGE", page)
    monkeypatch.setattr(binance_history, "PAGE", page)

    assert len(rows) > 5 and await venue.broker.income(since_ms) == rows
    assert len(orders) == 8 and await venue.broker.orders(SYMBOL, since_ms) == orders


# --- the user stream --------------------------------------------------------------------------------------------


async def test_the_end_of_a_stream_is_told_and_what_was_missed_is_found_by_asking(venue: SocketVenue):
    venue.server.sockets.cut_all()
    await venue.settle()
    assert venue.heard.order_of_arrival == ["lost"]

    outcome = await outcome_of(venue, "c-1")

    assert isinstance(outcome, Accepted) and venue.heard.events == []
    epoch = await venue.broker.open(venue.heard)
    await submit(venue, "c-2")
    assert len(await venue.broker.trades(SYMBOL, 1)) == 2
    assert {event.stream_epoch for event in venue.heard.events} == {epoch}


async def test_an_expired_listen_key_is_the_end_of_the_stream(venue: SocketVenue):
    users = venue.server.services.users
    users.expire_key(1, venue.server.services.venue.clock.now_ms())
    async with asyncio.timeout(ANSWER_S):
        while "lost" not in venue.heard.order_of_arrival:
            await asyncio.sleep(0.01)

    assert any("listenKeyExpired" in event.raw for event in venue.heard.events)


async def test_a_new_stream_is_open_before_the_old_one_is_let_go(venue: SocketVenue):
    before, later = venue.heard, Heard()

    await venue.broker.open(later)
    venue.heard = later
    await submit(venue, "c-1")

    assert sum('"x":"TRADE"' in event.raw for event in later.events) == 1
    assert "lost" not in before.order_of_arrival + later.order_of_arrival


async def test_closing_a_broker_waits_for_nothing_but_its_own_connections(venue: SocketVenue):
    await venue.broker.server_time()

    async with asyncio.timeout(0.2):
        await venue.broker.close()


# --- what may be called -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["withdraw/apply", "positionMargin", "batchOrders", "allOpenOrders"])
async def test_an_endpoint_that_is_not_listed_is_never_called(venue: SocketVenue, path: str):
    client: BinanceClient = venue.binance._client

    with pytest.raises(EndpointNotAllowed):
        await client.transmit(Endpoint("POST", Api.PRIVATE, path, 1), {"timestamp": 1})
    with pytest.raises(EndpointNotAllowed):
        await client.read(Endpoint("GET", Api.PRIVATE, path, 1))


def test_no_endpoint_that_is_listed_moves_money():
    assert not [
        e for e in ALLOWED if any(word in e.path.lower() for word in ("withdraw", "transfer", "loan"))
    ]


async def test_neither_key_nor_secret_is_in_any_representation(tmp_path: Path):
    broker = BinanceFuturesBroker("the-key-of-it", "the-secret-of-it", weight_file=tmp_path / "weight")

    assert "the-key" not in repr(broker) and "the-secret" not in repr(broker)
    await broker.close()


async def test_the_two_sides_of_a_trade_are_never_both_ours(venue: SocketVenue):
    venue.quote("75990.00", "76010.00")
    await submit(venue, "resting", limit_price=Decimal("76000.00"))

    taking = await submit(venue, "taking", side=SELL, limit_price=Decimal("76000.00"))
    stop = await submit(venue, "stop", stop_price=LOW)

    assert isinstance(taking, Accepted) and isinstance(stop, Accepted)
    assert not [news.fill for news in news_of(venue) if isinstance(news, OrderNews) and news.fill]
    assert [o.client_order_id for o in await venue.broker.open_orders()] == ["taking"]
    found = await venue.broker.find(SYMBOL, "resting")
    assert found is not None and found.status is OrderStatus.EXPIRED
