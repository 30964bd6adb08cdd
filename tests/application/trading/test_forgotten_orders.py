"""Orders that ended while nobody listened and that the exchange has forgotten since: they protect nothing any more."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from src.application.ports.broker import Consistency
from src.application.trading.services.unknown_outcomes import UnknownOutcomes
from src.application.trading.session_runner import SessionRunner
from src.bootstrap import paper
from src.bootstrap.paper_config import PaperConfig
from src.domain.ledger import events as e
from src.domain.orders.news import OrderReport
from src.domain.orders.order import Order
from src.domain.orders.types import OrderStatus, OrderType, Purpose
from src.domain.sessions.trading_states import SymbolState
from src.infrastructure.brokers.paper_broker import PAPER_ACCOUNT
from tests.application.trading.faults import WEAK, StrongBroker, WeakBroker
from tests.application.trading.sessions import calm, die, events_of, order, parts_of, pass_time, resting
from tests.simulation.market import SYMBOL
from tests.support.domain_builders import BTC, a_fill
from tests.support.domain_scene import Scene

FORGETS = replace(WEAK, forgets_ms=5_000)
OF_THREE_DAYS = replace(WEAK, forgets_ms=3 * 86_400_000)


class Forgetful(WeakBroker):
    """Forgets what is hidden, of both books, and says after how long it does."""

    promises = FORGETS

    async def open_algo_orders(self, symbol: str | None = None) -> list[OrderReport]:
        return [o for o in await super().open_algo_orders(symbol) if o.client_order_id not in self.hidden]


class PromptlyForgetful(Forgetful):
    """Its reads show everything at once."""

    promises = replace(StrongBroker.promises, forgets_ms=5_000)


def at(monkeypatch: pytest.MonkeyPatch, broker: type[Forgetful], promises: Consistency | None = None) -> None:
    monkeypatch.setattr(paper, "PaperBroker", broker)
    if promises is not None:
        monkeypatch.setattr(broker, "promises", promises)


async def begun(config: PaperConfig) -> SessionRunner:
    runner = SessionRunner(parts_of(config, 300))
    await runner.start()
    await pass_time(runner.loop, 2_000)
    return runner


async def live(runner: SessionRunner, ms: int) -> None:
    """Let time pass as a running session does: what is to be compared is compared."""
    for _ in range(ms // 200):
        await pass_time(runner.loop, 200)
        if runner.loop.reconcile_wanted:
            await runner.reconcile()


async def holding(config: PaperConfig) -> tuple[SessionRunner, Order]:
    """A session that has held a position for a while, and its stop."""
    runner = await begun(config)
    order(runner)
    await live(runner, 12_000)
    (stop,) = stops(runner)
    return runner, stop


async def forget(runner: SessionRunner, gone: Order) -> None:
    """Somebody cancels the order in the exchange's own app, nobody hears of it, and the exchange forgets it."""
    broker: Any = runner.parts.broker
    engine, name = broker._engine, gone.client_order_id
    if gone.ticket.order_type.is_conditional:
        engine.cancel_algo_order(PAPER_ACCOUNT, client_algo_id=name)
    else:
        engine.cancel_order(PAPER_ACCOUNT, SYMBOL, client_order_id=name)
    engine.take_events()
    broker.hidden = frozenset({name})
    await runner.recovery.recover("a test", new_stream=False)


def stops(runner: SessionRunner) -> list[Order]:
    orders = runner.loop.ledger.orders.values()
    return [o for o in orders if o.is_open and o.ticket.purpose is Purpose.PROTECTIVE_STOP]


async def standing(runner: SessionRunner) -> list[OrderType]:
    """What waits for its trigger at the exchange."""
    return sorted(o.order_type for o in await runner.parts.broker.open_algo_orders())


def alarms(config: PaperConfig) -> list[str]:
    return [event.text for event in events_of(config, e.AlarmRaised) if isinstance(event, e.AlarmRaised)]


GUARDED = [OrderType.STOP_MARKET, OrderType.TAKE_PROFIT_MARKET]


@pytest.mark.parametrize("broker", [Forgetful, PromptlyForgetful])
async def test_a_stop_that_the_exchange_has_forgotten_is_replaced_within_seconds(
    broker: type[Forgetful], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    at(monkeypatch, broker)
    runner, stop = await holding(config := calm(tmp_path))

    await forget(runner, stop)
    await live(runner, 4_000)

    (new,) = stops(runner)
    found = await standing(runner)
    state, suspension = runner.loop.ledger.symbol(SYMBOL).state, runner.loop.desk.suspension
    await die(runner)
    assert (found, new.client_order_id != stop.client_order_id) == (GUARDED, True)
    assert (stop.status, state, suspension) == (OrderStatus.EXPIRED, SymbolState.TRADING, "")
    assert [text for text in alarms(config) if stop.client_order_id in text]


async def test_nothing_is_opened_before_it_is_clear_what_became_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    at(monkeypatch, Forgetful)
    runner, stop = await holding(calm(tmp_path))

    await forget(runner, stop)

    suspension, status = runner.loop.desk.suspension, stop.status
    await die(runner)
    assert stop.client_order_id in suspension
    assert status is OrderStatus.NEW


async def test_a_stop_that_the_exchange_should_remember_is_replaced_and_its_symbol_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    at(monkeypatch, Forgetful, OF_THREE_DAYS)
    runner, stop = await holding(calm(tmp_path))

    await forget(runner, stop)
    await live(runner, 4_000)

    found, state = await standing(runner), runner.loop.ledger.symbol(SYMBOL).state
    await die(runner)
    assert (found, state) == (GUARDED, SymbolState.CLOSED)


async def test_an_entry_that_the_exchange_has_forgotten_reserves_nothing_any_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    at(monkeypatch, Forgetful)
    runner = await begun(calm(tmp_path))
    entry = resting(runner)
    await live(runner, 12_000)

    await forget(runner, entry)
    before = runner.loop.ledger.symbol(SYMBOL).pending_buy
    await live(runner, 4_000)

    after = runner.loop.ledger.symbol(SYMBOL).pending_buy
    await die(runner)
    assert before == entry.quantity
    assert after == 0


async def test_one_that_was_missing_from_a_read_or_two_is_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    at(monkeypatch, Forgetful)
    runner = await begun(calm(tmp_path))
    entry = resting(runner)
    await live(runner, 12_000)
    broker: Any = runner.parts.broker

    broker.hidden = frozenset({entry.client_order_id})
    await runner.recovery.recover("a test", new_stream=False)
    await live(runner, 2_000)
    broker.hidden = frozenset()
    await live(runner, 4_000)

    status, suspension = entry.status, runner.loop.desk.suspension
    await die(runner)
    assert (status, suspension) == (OrderStatus.NEW, "")


async def test_one_that_was_accepted_a_moment_ago_may_not_be_shown_yet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    at(monkeypatch, Forgetful)
    runner = await begun(calm(tmp_path))
    entry = resting(runner)
    await live(runner, 1_000)

    runner.parts.broker.hidden = frozenset({entry.client_order_id})  # type: ignore[attr-defined]  # this test's broker
    for _ in range(6):
        await runner.recovery.recover("a test", new_stream=False)
        await live(runner, 1_000)

    status, suspension = entry.status, runner.loop.desk.suspension
    await die(runner)
    assert (status, suspension) == (OrderStatus.NEW, "")


# --- what one read makes of it ------------------------------------------------------------------------------

DAY_MS = 86_400_000
LAGGING = Consistency(False, 5_000, 45 * 60_000, forgets_ms=3 * DAY_MS)


class Unseen:
    """A resting entry that reads do not show."""

    def __init__(self, promises: Consistency = LAGGING) -> None:
        scene = Scene()
        self.order = scene.place(limit_price=99)
        scene.accept(self.order)
        self.unknown = UnknownOutcomes(promises)

    def read(self, age_ms: int, **news: Any) -> str:
        """What a read at this age of the order makes of it."""
        name, now_ms = self.order.client_order_id, self.order.attempt.timestamp_ms + age_ms
        judgement = self.unknown.judge([self.order], news.get("strange", []), now_ms, at_start=False)
        self.unknown.agreed(judgement, news.get("disputed", ()))
        fates = {"forgotten": judgement.forgotten, "vanished": judgement.vanished}
        return next((fate for fate, names in fates.items() if name in names), "open")


@pytest.mark.parametrize(("age_ms", "fate"), [(3 * DAY_MS, "vanished"), (3 * DAY_MS + 4_000, "forgotten")])
def test_four_reads_that_agree_say_that_it_has_ended_and_its_age_whether_that_was_to_be_expected(
    age_ms: int, fate: str
):
    unseen = Unseen()

    assert [unseen.read(age_ms - 3_000 + n * 1_000) for n in range(4)] == ["open"] * 3 + [fate]


def test_one_that_has_vanished_is_told_of_by_each_read_and_asked_about_no_more():
    unseen = Unseen()
    for n in range(4):
        unseen.read(DAY_MS + n * 1_000)

    again = unseen.read(DAY_MS + 60_000)

    assert (again, unseen.unknown.asks_again) == ("vanished", False)


def test_reads_that_follow_each_other_at_once_count_once():
    unseen = Unseen()

    assert {unseen.read(4 * DAY_MS + n) for n in range(20)} == {"open"}


def test_it_is_not_missed_while_the_longest_lag_of_a_read_has_not_passed():
    unseen = Unseen()
    until_ms = unseen.unknown.arrives_until_ms(unseen.order) - unseen.order.attempt.timestamp_ms

    young = {unseen.read(until_ms + 45 * 60_000 - n * 1_000) for n in range(9, -1, -1)}

    assert (young, unseen.unknown.asks_again) == ({"open"}, False)
    unseen.read(until_ms + 45 * 60_000 + 1)
    assert unseen.unknown.asks_again


def test_a_read_in_which_its_position_differs_or_a_trade_may_be_its_own_does_not_count():
    unseen = Unseen()
    trade = a_fill(None, 9, traded_ms=unseen.order.attempt.timestamp_ms + 1)

    disputed = {unseen.read(4 * DAY_MS + n * 1_000, disputed={BTC}) for n in range(9)}
    strange = {unseen.read(5 * DAY_MS + n * 1_000, strange=[trade]) for n in range(9)}

    assert (disputed, strange) == ({"open"}, {"open"})


def test_an_exchange_that_shows_every_write_needs_one_read():
    unseen = Unseen(Consistency(True, 0, 0, forgets_ms=3 * DAY_MS))

    assert (unseen.read(1_000), unseen.read(4 * DAY_MS)) == ("vanished", "forgotten")


def test_an_exchange_that_forgets_nothing_has_lost_it():
    unseen = Unseen(Consistency(True, 0, 0))

    assert unseen.read(400 * DAY_MS) == "vanished"
