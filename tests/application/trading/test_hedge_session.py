"""A whole paper session in hedge mode, killed and resumed with equal books; and margin, crossed and isolated."""

from decimal import Decimal
from pathlib import Path

import pytest

from src.application.ports.broker import BrokerRefused
from src.application.trading.by_hand import adjusting_ticket, closing_ticket, send_by_hand
from src.application.trading.position_tracker import PositionTracker
from src.application.trading.requests import ExecutionResult
from src.application.trading.session_runner import EndCause, SessionRunner
from src.bootstrap.paper_config import PaperConfig
from src.domain.decisions.news import MoveTrading
from src.domain.ledger import events as e
from src.domain.market.sides import OrderSide, PositionSide
from src.domain.orders.types import Purpose
from src.domain.sessions.session import TradingSessionStatus
from src.domain.sessions.trading_states import TradingTrigger
from src.infrastructure.brokers.paper_broker import PAPER_ACCOUNT, PaperBroker
from tests.application.trading.sessions import (
    adjusted,
    begin,
    broker_of,
    calm,
    die,
    events_of,
    parts_of,
    pass_time,
)
from tests.simulation.market import SYMBOL

LONG, SHORT = PositionSide.LONG, PositionSide.SHORT


def held(runner: SessionRunner) -> dict[PositionSide, Decimal]:
    return {side: runner.loop.ledger.position(SYMBOL, side).quantity for side in (LONG, SHORT)}


def stops(runner: SessionRunner) -> dict[PositionSide, Decimal]:
    orders = runner.loop.ledger.orders.values()
    live = [o for o in orders if o.is_live and o.ticket.purpose is Purpose.PROTECTIVE_STOP]
    return {order.ticket.position_side: order.quantity for order in live}


async def test_both_sides_are_held_guarded_resumed_and_closed_apart(tmp_path: Path):
    config = calm(tmp_path, hedge_mode=True)
    runner = await begin(config)
    await adjusted(runner, "0.004", LONG)
    await adjusted(runner, "-0.003", SHORT)
    before = held(runner), stops(runner)
    await die(runner)

    runner = await begin(config)
    report = await runner.recovery.recover("a test", new_stream=False)

    assert before == (
        {LONG: Decimal("0.004"), SHORT: Decimal("-0.003")},
        {LONG: Decimal("0.004"), SHORT: Decimal("0.003")},
    )
    assert (held(runner), stops(runner)) == before
    assert report.agrees

    while held(runner)[LONG]:
        # A thin book takes a close in parts.
        send_by_hand(runner, closing_ticket(runner, SYMBOL, "enough", LONG))
        await runner.loop.flush()
        await pass_time(runner.loop, 2_000)

    assert held(runner) == {LONG: 0, SHORT: Decimal("-0.003")}
    assert list(stops(runner)) == [SHORT]
    assert (await runner.recovery.recover("a test", new_stream=False)).agrees


@pytest.mark.parametrize("margin_type", ["CROSSED", "ISOLATED"])
async def test_every_position_shows_its_leverage_ratio_and_liquidation_price(
    tmp_path: Path, margin_type: str
):
    runner = await begin(calm(tmp_path, margin_type=margin_type, leverages=((SYMBOL, 20),)))
    await adjusted(runner, "0.004", PositionSide.BOTH)

    (line,) = PositionTracker(runner.loop.ledger, runner.loop.desk).open_positions()

    assert (await runner.parts.broker.margin_type(SYMBOL), line.leverage, line.side) == (
        margin_type,
        20,
        "LONG",
    )
    assert line.margin_ratio is not None and 0 < line.margin_ratio < 1
    if margin_type == "ISOLATED":
        # A twentieth of the price, less what maintenance takes.
        assert line.liquidation_price is not None
        assert Decimal("0.95") < line.liquidation_price / line.entry_price < Decimal("0.96")
    else:
        assert line.liquidation_price is None


async def test_a_session_in_a_mode_that_the_exchange_does_not_allow_is_never_opened(tmp_path: Path):
    runner = await begin(calm(tmp_path, hedge_mode=True, replay=()))
    await adjusted(runner, "0.004", LONG)
    runner.request_stop(EndCause.STOP)
    await runner.run()
    await die(runner)

    other = SessionRunner(parts_of(calm(tmp_path, replay=())))
    with pytest.raises(BrokerRefused, match="not in one-way mode, and the exchange does not change that now"):
        await other.start()
    await die(other)

    runner = await begin(calm(tmp_path, hedge_mode=True, replay=()))
    assert not runner.resumed
    assert held(runner)[LONG] == Decimal("0.004")
    await die(runner)


async def test_a_leverage_that_a_symbol_does_not_have_is_refused_with_its_name_and_what_to_do(tmp_path: Path):
    runner = SessionRunner(parts_of(calm(tmp_path, leverage=126, replay=())))

    with pytest.raises(BrokerRefused) as refused:
        await runner.start()
    await die(runner)

    assert str(refused.value).startswith("BTCUSDT cannot have leverage 126: give it another one")
    assert "Leverage 126 is not valid" in str(refused.value)


async def test_a_trailing_stop_is_shown_where_it_stands_at_the_latest(tmp_path: Path):
    runner = await begin(calm(tmp_path, trailing_stop_pct=Decimal("0.02")))
    await adjusted(runner, "0.004", PositionSide.BOTH)

    (line,) = PositionTracker(runner.loop.ledger, runner.loop.desk).open_positions()

    assert line.stop_price is not None
    assert abs(line.stop_price - line.entry_price * Decimal("0.98")) < Decimal("0.1")
    await die(runner)


async def test_margin_that_was_added_by_hand_counts_after_the_next_comparison(tmp_path: Path):
    runner = await begin(calm(tmp_path, margin_type="ISOLATED", leverages=((SYMBOL, 20),)))
    await adjusted(runner, "0.004", PositionSide.BOTH)
    tracker = PositionTracker(runner.loop.ledger, runner.loop.desk)
    (before,) = tracker.open_positions()

    broker_of(runner.parts, PaperBroker)._engine.change_position_margin(PAPER_ACCOUNT, SYMBOL, Decimal(10), 1)
    await runner.recovery.recover("a test", new_stream=False)

    (line,), (theirs,) = tracker.open_positions(), await runner.parts.broker.positions()
    assert before.liquidation_price is not None and line.liquidation_price is not None
    assert before.liquidation_price - line.liquidation_price > 2_000
    assert theirs.liquidation_price is not None
    assert abs(line.liquidation_price - theirs.liquidation_price) < 1
    await die(runner)


async def a_session_that_lost_a_fill(config: PaperConfig, monkeypatch: pytest.MonkeyPatch) -> SessionRunner:
    """LONG 0.004 in the books and 0.009 at the exchange, all of which a person has just closed in its app."""
    runner = await begin(config)
    loop, hear = runner.loop, runner.loop.on_user_event
    broker = broker_of(runner.parts, PaperBroker)
    await adjusted(runner, "0.004", LONG)
    monkeypatch.setattr(loop, "on_user_event", lambda event: None)
    await adjusted(runner, "0.009", LONG)
    monkeypatch.setattr(loop, "on_user_event", hear)
    while left := await broker.positions():
        # A thin book takes a close in parts.
        broker._engine.trade_by_owner(PAPER_ACCOUNT, SYMBOL, "SELL", left[0].quantity, position_side="LONG")
        broker._send_events()
        await pass_time(loop, 1_000)
    assert held(runner)[LONG] == Decimal("-0.005")
    return runner


def opened(config: PaperConfig) -> list[Purpose]:
    """What bought LONG, by purpose."""
    intended = events_of(config, e.OrderIntended)
    tickets = [each.ticket for each in intended if isinstance(each, e.OrderIntended)]
    return [t.purpose for t in tickets if (t.side, t.position_side) == (OrderSide.BUY, LONG)]


async def test_nothing_is_opened_by_what_is_to_close_a_side_of_which_a_fill_was_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    config = calm(tmp_path, hedge_mode=True)
    runner = await a_session_that_lost_a_fill(config, monkeypatch)
    loop = runner.loop

    asked = loop.reconcile_wanted
    refused = send_by_hand(runner, closing_ticket(runner, SYMBOL, "enough", LONG))
    with pytest.raises(ValueError, match=f"a trade of {SYMBOL} LONG has not been heard of yet"):
        adjusting_ticket(runner, SYMBOL, Decimal("0.009"), LONG)
    loop.decide(MoveTrading(TradingTrigger.HALT, "what is that?", "operator", flatten=True))
    await loop.flush()
    await pass_time(loop, 2_000)

    assert asked
    assert isinstance(refused, ExecutionResult) and "it cannot reduce one" in refused.error
    assert await runner.parts.broker.positions() == []
    assert opened(config) == [Purpose.ENTRY, Purpose.ENTRY]
    await runner.reconcile()
    await pass_time(loop, 1_000)
    assert held(runner)[LONG] == 0 and not stops(runner)
    await die(runner)


async def test_a_session_that_closes_its_positions_hears_of_a_lost_fill_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    config = calm(tmp_path, hedge_mode=True)
    runner = await a_session_that_lost_a_fill(config, monkeypatch)

    runner.request_stop(EndCause.STOP, flatten=True)
    await runner.run()

    assert runner.session.status is TradingSessionStatus.STOPPED
    assert held(runner)[LONG] == 0
    assert await runner.parts.broker.positions() == []
    assert opened(config) == [Purpose.ENTRY, Purpose.ENTRY]
    await die(runner)
