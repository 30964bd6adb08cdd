"""The paper broker keeps the port's contract, and is as unkind as a network in every way that is allowed."""

from decimal import Decimal

import pytest

from src.application.ports.broker import Broker
from src.application.ports.failpoints import install_hook
from src.domain.market.sides import OrderSide
from src.domain.orders.news import Accepted, IncomeReport, Refused
from src.domain.orders.ticket import Attempt
from src.infrastructure.brokers.paper_broker import PaperBroker
from src.infrastructure.simulated_exchange.engine import Engine
from src.infrastructure.simulated_exchange.latency import LatencyModel
from src.infrastructure.simulated_exchange.rules import HOUR_MS, ExchangeRules
from src.infrastructure.time.timeline import Timeline
from tests.support.broker_contract import BrokerContract
from tests.support.broker_venue import SYMBOL, Heard, a_ticket, fills_of, news_of, submit
from tests.support.engine_builders import Frames, an_engine

INTERVAL_MS = HOUR_MS


class PaperVenue:
    """A paper broker with its engine, and a market made by hand."""

    def __init__(self, latency: LatencyModel, engine: Engine | None = None) -> None:
        self.engine = engine or an_engine(rules=ExchangeRules(funding_interval_ms=INTERVAL_MS))
        self.frames = Frames(start_ms=self.engine.now_ms)
        self.timeline = Timeline(self.engine.now_ms * 1_000_000)
        self.paper = PaperBroker(self.engine, self.timeline, latency=latency)
        self.broker: Broker = self.paper
        self.heard = Heard()

    async def settle(self) -> None:
        while self.timeline.next_ns is not None:
            self.timeline.run_next()

    def quote(self, bid: str, ask: str) -> None:
        self.paper.on_market(self.frames.ticker(bid, ask))

    def trade(self, price: str, quantity: str) -> None:
        self.paper.on_market(self.frames.trade(price, quantity))

    def pay_funding(self) -> None:
        self.paper.on_time((self.engine.now_ms // INTERVAL_MS + 1) * INTERVAL_MS)


async def a_venue(latency: LatencyModel) -> PaperVenue:
    venue = PaperVenue(latency)
    venue.quote("76000.00", "76000.10")
    await venue.broker.open(venue.heard)
    return venue


class TestPaperBroker(BrokerContract):
    """The contract with quiet latencies."""

    @pytest.fixture
    async def venue(self) -> PaperVenue:
        return await a_venue(LatencyModel(seed=1))


class TestPaperBrokerOnABadNetwork(BrokerContract):
    """The contract when every event comes twice and half of all messages are late."""

    @pytest.fixture
    async def venue(self) -> PaperVenue:
        return await a_venue(LatencyModel(seed=2, duplicate=1.0, late=0.5))


async def test_leverage_that_is_so_already_is_not_set_again():
    venue = await a_venue(LatencyModel(seed=1))
    await venue.broker.set_leverage(SYMBOL, 7)
    before = venue.engine.memory()

    await venue.broker.set_leverage(SYMBOL, 7)
    unchanged = venue.engine.memory()
    await venue.broker.set_leverage(SYMBOL, 8)

    assert unchanged == before
    assert venue.engine.memory() != before


async def test_an_event_may_come_before_the_answer_or_after_it():
    orders = set()
    for seed in range(30):
        venue = await a_venue(LatencyModel(seed=seed))
        await submit(venue, "c-1")
        orders.add(venue.heard.order_of_arrival[0])

    assert orders == {"answer", "event"}


async def test_events_of_one_kind_keep_their_order():
    venue = await a_venue(LatencyModel(seed=3, late=0.5, duplicate=0.0))
    for number in range(20):
        await submit(venue, f"c-{number}")

    assert [fill.trade_id for fill in fills_of(venue)] == list(range(1, 21))


async def test_the_same_seed_gives_the_same_history():
    histories = []
    for _ in range(2):
        venue = await a_venue(LatencyModel(seed=5, duplicate=0.3, late=0.3))
        for number in range(10):
            side = OrderSide.SELL if number % 2 else OrderSide.BUY
            await submit(venue, f"c-{number}", side=side)
        histories.append((venue.heard.submits, venue.heard.events, venue.timeline.now_ns))

    assert histories[0] == histories[1]


async def test_a_request_that_arrives_too_late_is_refused_by_the_exchanges_clock():
    venue = await a_venue(LatencyModel(seed=1))
    now = venue.engine.now_ms
    venue.broker.submit(a_ticket(), Attempt("c-1", now - 5000, 5000))
    venue.quote("76000.00", "76000.10")
    await venue.settle()

    outcome = venue.heard.submits[0]
    assert isinstance(outcome, Refused)
    assert outcome.code == -1021


async def test_nothing_happens_before_its_latency_has_passed():
    venue = await a_venue(LatencyModel(seed=1))
    venue.broker.submit(a_ticket(), Attempt("c-1", venue.engine.now_ms, 5000))

    assert await venue.broker.find(SYMBOL, "c-1") is None
    assert venue.heard.order_of_arrival == []


async def test_events_on_their_way_to_an_old_stream_are_lost():
    venue = await a_venue(LatencyModel(seed=1))
    venue.broker.submit(a_ticket(), Attempt("c-1", venue.engine.now_ms, 5000))
    while await venue.broker.find(SYMBOL, "c-1") is None:
        venue.timeline.run_next()
    again = Heard()
    await venue.broker.open(again)
    await venue.settle()

    assert again.events == []
    assert [fill.quantity for fill in await venue.broker.trades(SYMBOL, 0)] == [Decimal("0.01")]


async def test_after_a_restart_reads_tell_what_events_no_longer_will(tmp_path):
    engine = an_engine(tmp_path / "exchange.sqlite")
    venue = PaperVenue(LatencyModel(seed=1), engine)
    venue.quote("76000.00", "76000.10")
    first = await venue.broker.open(venue.heard)
    venue.broker.submit(a_ticket(), Attempt("c-1", venue.engine.now_ms, 5000))
    while await venue.broker.find(SYMBOL, "c-1") is None:
        venue.timeline.run_next()

    restarted = PaperVenue(LatencyModel(seed=1), an_engine(tmp_path / "exchange.sqlite"))
    second = await restarted.broker.open(restarted.heard)
    await restarted.settle()

    assert second == first + 1
    assert restarted.heard.order_of_arrival == []
    assert len(await restarted.broker.trades(SYMBOL, 0)) == 1
    assert (await restarted.broker.positions())[0].quantity == Decimal("0.01")


async def test_a_maker_fill_comes_by_the_stream_alone():
    venue = await a_venue(LatencyModel(seed=1, duplicate=0.0))
    outcome = await submit(venue, "c-1", limit_price=Decimal("75990"))
    answers = len(venue.heard.submits)

    venue.trade("75980.00", "1")
    await venue.settle()

    assert isinstance(outcome, Accepted)
    assert len(venue.heard.submits) == answers
    assert [(fill.is_maker, fill.price) for fill in fills_of(venue)] == [(True, Decimal("75990"))]


async def test_a_deposit_is_told_with_its_transaction():
    venue = await a_venue(LatencyModel(seed=1, duplicate=0.0))
    venue.engine.deposit(1, "USDT", Decimal(5))
    venue.paper.on_time(venue.engine.now_ms + 1)
    venue.trade("76000.00", "1")
    await submit(venue, "c-1")

    told = [one for one in news_of(venue) if isinstance(one, IncomeReport)]
    assert [(one.income_type, one.amount) for one in told] == [("TRANSFER", Decimal(5))]


async def test_every_boundary_is_a_failpoint():
    passed: list[str] = []
    install_hook(passed.append)
    try:
        venue = await a_venue(LatencyModel(seed=1))
        await submit(venue, "c-1")
        await venue.broker.positions()
    finally:
        install_hook(None)

    assert {
        "broker.open",
        "broker.before_send",
        "broker.after_send",
        "broker.answer",
        "broker.event",
        "broker.read.positions",
        "broker.read.server_time",
    } <= set(passed)


async def test_a_liquidation_is_told_as_fills_of_an_order_that_nobody_sent():
    venue = await a_venue(LatencyModel(seed=1, duplicate=0.0))
    await submit(venue, "c-1")
    venue.engine.force_liquidation(1, SYMBOL)
    await submit(venue, "c-2", reduce_only=True)

    forced = [fill for fill in fills_of(venue) if str(fill.client_order_id).startswith("autoclose-")]
    cleared = [one for one in news_of(venue) if isinstance(one, IncomeReport)]
    assert [(fill.side, fill.quantity) for fill in forced] == [(OrderSide.SELL, Decimal("0.01"))]
    assert [one.income_type for one in cleared] == ["INSURANCE_CLEAR"]
    assert {one.transaction_id for one in cleared} <= {
        one.transaction_id for one in await venue.broker.income(0)
    }
    assert await venue.broker.positions() == []


async def test_what_the_owner_and_the_exchange_do_by_hand_reaches_the_stream():
    venue = await a_venue(LatencyModel(seed=1, duplicate=0.0))
    venue.engine.trade_by_owner(1, SYMBOL, "BUY", Decimal("0.02"))
    venue.engine.force_funding(SYMBOL, Decimal("0.001"))
    venue.engine.force_adl(1, SYMBOL)
    venue.engine.set_margin_type(1, SYMBOL, "ISOLATED")
    await submit(venue, "c-1")
    venue.engine.change_position_margin(1, SYMBOL, Decimal(5), 1)
    await submit(venue, "c-2")

    names = [str(fill.client_order_id) for fill in fills_of(venue)]
    assert names[0].startswith("web_")
    assert names[1:] == ["adl_autoclose", "c-1", "c-2"]
    # Told again with the margin that was moved in the same millisecond; a transaction is booked once.
    assert {one.income_type for one in news_of(venue) if isinstance(one, IncomeReport)} == {"FUNDING_FEE"}
    asked = await venue.broker.trades(SYMBOL, 0)
    assert [fill.trade_id for fill in asked] == [fill.trade_id for fill in fills_of(venue)]


async def test_a_margin_call_says_nothing_that_is_kept():
    venue = await a_venue(LatencyModel(seed=1, duplicate=0.0))
    poor = PaperVenue(LatencyModel(seed=1), an_engine(wallet="1000"))
    poor.quote("75999.90", "76000.00")
    await poor.broker.open(poor.heard)
    await submit(poor, "c-1", quantity=Decimal("0.1"))
    poor.quote("66320.00", "66320.10")
    poor.paper.on_time(poor.engine.now_ms + 1_000)
    await poor.settle()

    assert '"MARGIN_CALL"' in poor.heard.events[-1].raw
    assert venue.broker.interpret(poor.heard.events[-1]) == ()
