"""Answers that never come, reads that lag and streams that fall silent, over sockets, where reads promise nothing.

The local exchange makes each of these happen on demand; the broker is told to trust its reads no more than Binance's.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any
from urllib.request import Request, urlopen

import msgspec
import pytest

from src.application.ports.broker import Consistency
from src.application.trading.services.live_trading_service import LiveTradingService
from src.application.trading.vocabulary import OrderSide
from src.domain.ledger.state import Ledger
from src.domain.orders.order import Order
from src.domain.orders.ticket import OrderTicket
from src.domain.orders.transitions import UNRESOLVED, AttemptState
from src.domain.orders.types import Purpose
from src.domain.sessions.trading_states import SymbolState, TradingState
from tests.integration.trading.places import SYMBOL, Start, TradingPlace, assert_equal_books, until

LAGGING = Consistency(
    read_your_writes=False, arrival_margin_ms=300, quiescence_ms=45 * 60_000, others_wait_ms=60_000
)
RECV_WINDOW_MS = 700
PLACE = "order.place"
STALE = ("order.query", "orders.all", "orders.open", "trades.user")
Faults = Callable[..., None]


async def a_session(place: TradingPlace, start: Start, promises: Consistency = LAGGING) -> LiveTradingService:
    """A session whose orders can arrive for less than a second, at an exchange whose reads promise little."""
    service = await start(place, place.broker(consistency=promises))
    loop = service._active().loop
    loop.policy = replace(loop.policy, recv_window_ms=RECV_WINDOW_MS)
    return service


@pytest.fixture
def faults(local: TradingPlace) -> "Iterator[Faults]":
    """Says what goes wrong from here on, and nothing else; when the test is over, nothing does."""

    def replace_rules(*rules: dict[str, Any]) -> None:
        body = msgspec.json.encode({"seed": 1, "rules": rules})
        with urlopen(Request(f"{local.admin_url}/admin/faults", body, method="PUT"), timeout=5) as answer:
            answer.read()

    yield replace_rules
    replace_rules()


async def an_entry(service: LiveTradingService) -> Order:
    """An entry at the market, as the session's ledger has it."""
    placed = await service.place_order(SYMBOL, OrderSide.BUY, "0.01")
    return ledger_of(service).orders[placed.id]


def ledger_of(service: LiveTradingService) -> Ledger:
    return service._active().loop.ledger


def restricted(service: LiveTradingService) -> bool:
    return ledger_of(service).symbol(SYMBOL).state is not SymbolState.TRADING


async def settled(service: LiveTradingService, order: Order) -> AttemptState:
    """Wait until the outcome is known; what the attempt is then."""
    await until(lambda: order.attempt_state not in UNRESOLVED, every_s=0.05)
    await until(lambda: not restricted(service), every_s=0.05)
    return order.attempt_state


async def test_an_order_that_never_arrived_is_dead_as_soon_as_a_fence_was_heard(
    local: TradingPlace, start: Start, faults: Faults
):
    service = await a_session(local, start)
    faults({"operation": PLACE, "fault": "respond", "body": "unknown_503", "executed": False})
    sent: list[OrderTicket] = []
    service._active().parts.bus.subscribe("order.intended", lambda event: sent.append(event.ticket))

    order = await an_entry(service)
    doubted = (order.attempt_state, restricted(service), ledger_of(service).symbol(SYMBOL).pending_buy)
    known = await settled(service, order)

    assert doubted == (AttemptState.UNKNOWN, True, Decimal("0.01"))
    assert known is AttemptState.DEAD
    assert order.reason.startswith("a fence")
    assert [ticket.purpose for ticket in sent if ticket.purpose is not Purpose.ENTRY] == [Purpose.FENCE]
    assert ledger_of(service).account.breaches == 0
    await until(lambda: not ledger_of(service).symbol(SYMBOL).pending_buy)
    await assert_equal_books(service)
    await service.stop_session(flatten=True)


async def test_an_order_whose_answer_was_lost_is_found(local: TradingPlace, start: Start, faults: Faults):
    service = await a_session(local, start)
    faults(
        {"operation": PLACE, "fault": "drop_answer"},
        {"operation": "stream.*", "fault": "mute", "ms": 3_000},
    )

    order = await an_entry(service)
    known = await settled(service, order)

    assert known is AttemptState.ACKED
    await until(lambda: ledger_of(service).position(SYMBOL).quantity == Decimal("0.01"))
    await assert_equal_books(service)
    await service.stop_session(flatten=True)


@pytest.mark.parametrize("fault", ["delay_request", "delay_engine"])
async def test_an_order_that_arrives_too_late_is_refused_by_the_exchanges_clock(
    fault: str, local: TradingPlace, start: Start, faults: Faults
):
    service = await a_session(local, start)
    faults({"operation": PLACE, "fault": fault, "ms": RECV_WINDOW_MS + 500})

    order = await service.place_order(SYMBOL, OrderSide.BUY, "0.01")

    assert order.attempt_state is AttemptState.REFUSED
    assert ("-1021" if fault == "delay_request" else "-5028") in order.reason
    assert ledger_of(service).position(SYMBOL).is_flat
    await assert_equal_books(service)
    await service.stop_session(flatten=True)


async def test_reads_that_lag_prove_nothing_and_the_order_is_adopted_when_it_shows(
    local: TradingPlace, start: Start, faults: Faults
):
    service = await a_session(local, start)
    faults(
        {"operation": PLACE, "fault": "drop_answer"},
        {"operation": "stream.*", "fault": "delay", "ms": 4_000, "count": 6},
        *({"operation": name, "fault": "stale", "count": 4} for name in STALE),
    )

    order = await an_entry(service)
    known = await settled(service, order)

    assert known is AttemptState.ACKED
    await until(lambda: ledger_of(service).position(SYMBOL).quantity == Decimal("0.01"))
    assert ledger_of(service).account.breaches == 0
    assert ledger_of(service).account.trading_state is TradingState.ACTIVE
    await assert_equal_books(service)
    await service.stop_session(flatten=True)


async def test_positions_and_wallets_that_lag_are_read_again_before_anything_is_concluded(
    local: TradingPlace, start: Start, faults: Faults
):
    service = await a_session(local, start)
    runner = service._active()
    await until(lambda: not runner.loop.reconcile_wanted)
    faults({"operation": "positions", "fault": "stale"}, {"operation": "balance", "fault": "stale"})

    await service.place_order(SYMBOL, OrderSide.BUY, "0.01")
    await until(lambda: ledger_of(service).position(SYMBOL).quantity == Decimal("0.01"))
    runner.loop.inputs.post(lambda: runner.synchrony._want("a test"))
    await until(lambda: "compared again" in runner.loop.desk.suspension)
    await until(lambda: not runner.loop.desk.suspension)

    assert ledger_of(service).account.trading_state is TradingState.ACTIVE
    await assert_equal_books(service)
    await service.stop_session(flatten=True)


@pytest.mark.slow  # the reads that have to agree are seconds apart; in virtual time the rule is tested in every run
async def test_silence_for_long_enough_proves_death_where_no_stream_can(
    local: TradingPlace, start: Start, faults: Faults
):
    service = await a_session(local, start, replace(LAGGING, quiescence_ms=3_000))
    faults({"operation": PLACE, "fault": "respond", "body": "unknown_503", "executed": False})

    order = await an_entry(service)
    local.admin("POST streams/cut")
    known = await settled(service, order)

    assert known is AttemptState.DEAD
    assert order.reason.startswith("no trace in")
    await assert_equal_books(service)
    await service.stop_session(flatten=True)


async def test_a_person_may_release_what_nothing_proves_but_not_before_it_cannot_arrive_any_more(
    local: TradingPlace, start: Start, faults: Faults
):
    service = await a_session(local, start)
    runner = service._active()
    faults({"operation": PLACE, "fault": "respond", "body": "unknown_503", "executed": False})

    order = await an_entry(service)
    local.admin("POST streams/cut")
    with pytest.raises(ValueError, match="may still accept"):
        runner.recovery.release(order.id, "operator", "too early")
    until_ms = runner.recovery.unknown.arrives_until_ms(order) + 100
    await until(lambda: runner.loop.broker.venue_time().now_ms > until_ms)
    await runner.loop.ask(lambda: runner.recovery.release(order.id, "operator", "a test"))

    assert order.attempt_state is AttemptState.DEAD
    assert order.reason == "released by operator: a test"
    assert not restricted(service)
    await service.stop_session()
