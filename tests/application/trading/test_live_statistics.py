from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from src.application.reporting.history import history_of
from src.application.sizing import FractionalKelly
from src.application.trading.figures import UNDEFINED
from src.application.trading.live_statistics import LiveStatistics
from src.application.trading.services.live_trading_service import LiveTradingService
from src.application.trading.session_loop import COMMITTED_TOPIC
from src.application.trading.session_runner import EndCause, SessionRunner
from src.bootstrap.paper_config import PaperConfig
from src.domain.decisions.news import PlaceOrder
from src.domain.ledger.events import EquityMarked, IncomeBooked
from src.domain.market.sides import OrderSide, PositionSide
from src.domain.money import ZERO
from src.domain.orders.ticket import OrderTicket
from src.domain.orders.types import OrderType, Purpose
from src.domain.performance.report import PerformanceReport, report
from src.domain.performance.trades import TradeTally
from src.domain.risk.review import Approved
from src.infrastructure.messaging.event_bus import InProcessEventBus
from src.infrastructure.persistence.read_models import SqliteReadModels
from tests.application.trading.callers import bought, data_folder, service
from tests.application.trading.sessions import adjusted, begin, calm, die, parts_of, pass_time
from tests.simulation.market import SYMBOL

__all__ = ["data_folder", "service"]

SECONDS = 120


def trading(folder: Path) -> PaperConfig:
    """A session that trades often."""
    return calm(folder, save_state_interval_ms=1_000)


def enter(runner: SessionRunner, number: int) -> None:
    """A market order in changing directions, where the book is deep enough for it."""
    prices = runner.loop.desk.best_prices(SYMBOL)
    assert prices is not None, "the market has begun"
    ticket = OrderTicket(
        SYMBOL,
        OrderSide.SELL if number % 2 else OrderSide.BUY,
        OrderType.MARKET,
        Decimal("0.001") * (1 + number % 3),
        Purpose.ENTRY,
        "trader",
        prices[0],
    )
    verdict = runner.validator.review(ticket, runner.loop.now_ms())
    if isinstance(verdict, Approved):
        runner.loop.decide(PlaceOrder(verdict))


async def followed(config: PaperConfig, ms: int, *, killed: bool = False) -> LiveStatistics:
    """Run a session for so long, to its end or until its process dies; what was followed of it."""
    service = LiveTradingService(lambda _: parts_of(config, SECONDS))
    runner = await service.begin(parts_of(config, SECONDS))
    await pass_time(runner.loop, 2_000)
    for number in range(ms // 1_500):
        enter(runner, number)
        await pass_time(runner.loop, 1_500)
    if killed:
        await runner.parts.inputs.breathe()
        await die(runner)
    else:
        runner.request_stop(EndCause.STOP)
        await runner.run()
        await runner.parts.inputs.breathe()
        await service.close()
    return service.statistics


def reported(config: PaperConfig) -> PerformanceReport:
    with closing(SqliteReadModels(config.database)) as reads:
        (row,) = reads.accounts()
        return report(history_of(reads, row.account_id))


def assert_same(live: LiveStatistics, config: PaperConfig) -> None:
    with closing(SqliteReadModels(config.database)) as reads:
        (row,) = reads.accounts()
        trips = reads.round_trips(row.account_id)
    before_funding = TradeTally()
    for trip in trips:
        before_funding.add(trip)
    curve = reported(config).curve
    assert curve is not None
    assert len(trips) > 3
    assert live.trades == before_funding.figures()
    assert live.curve.total_return == curve.total_return
    ours, theirs = live.curve.drawdown, curve.drawdown
    assert ours is not None and theirs is not None
    assert (ours.amount, ours.share) == (theirs.amount, theirs.share)
    # A mark is told with the time of its commit, which may be a few ms after it.
    assert abs(ours.duration_ms - theirs.duration_ms) < 500
    assert (live.curve.returns, live.curve.sharpe) == (curve.risk.returns, curve.risk.sharpe)


async def test_what_was_followed_of_a_session_is_what_the_report_says_of_it(tmp_path: Path):
    config = trading(tmp_path)

    live = await followed(config, 70_000)

    assert_same(live, config)


async def test_a_resumed_session_counts_what_it_did_in_the_process_that_died(tmp_path: Path):
    config = trading(tmp_path)
    before = await followed(config, 40_000, killed=True)

    live = await followed(config, 30_000)

    assert live.trades.trades > before.trades.trades > 0
    assert_same(live, config)


@pytest.mark.parametrize("kind", ["SPECIAL_FUNDING_FEE", "INSURANCE_CLEAR"])
async def test_what_the_exchange_takes_is_a_loss_of_the_curve_and_no_withdrawal(kind: str):
    bus = InProcessEventBus()
    statistics = LiveStatistics("USDT", 1_000)
    statistics.follow(bus)

    bus.publish(COMMITTED_TOPIC, (1_000, (EquityMarked(Decimal(100), ZERO, ZERO),)))
    paid = IncomeBooked(1, kind, "USDT", Decimal(-10), SYMBOL, 2_000)
    bus.publish(COMMITTED_TOPIC, (2_000, (paid, EquityMarked(Decimal(90), ZERO, ZERO))))
    await bus.drain()

    assert statistics.curve.total_return == Decimal("-0.1")


async def test_the_figures_of_a_session_that_did_nothing_are_printed_as_dashes(service: LiveTradingService):
    stats = await service.get_session_stats()

    printed = (
        f"{stats.win_rate:.2%} {stats.profit_factor:.2f} {stats.sharpe_ratio:.2f} ${stats.total_pnl:.2f}"
    )

    assert printed == "- - - $0.00"
    assert stats.profit_factor is UNDEFINED and not stats.profit_factor


async def test_a_closed_trade_is_in_the_figures_once_it_is_published(service: LiveTradingService):
    bus = service._active().parts.bus
    closed: list[object] = []
    bus.subscribe("trade.closed", closed.append)

    await bought(service)
    await service.close_position("BTCUSDT")
    session = await service.stop_session(flatten=True)
    stats = await service.get_session_stats()

    assert stats.total_trades == session.total_trades == len(closed) > 0
    assert stats.expectancy == Decimal(str(stats.expectancy)) and stats.win_rate in (0, 1)


async def test_a_size_that_learns_knows_the_trades_of_its_session_as_they_close_and_after_a_restart(
    tmp_path: Path,
):
    runner = await begin(config := calm(tmp_path, sizing="kelly"))
    known = []
    for target in ("0.010", "0.004", "0"):
        await adjusted(runner, target, PositionSide.BOTH)
        known.append(trades_known(runner))
    await die(runner)

    again = await begin(config)
    known.append(trades_known(again))
    await die(again)

    assert known == [0, 1, 2, 2]


def trades_known(runner: SessionRunner) -> int:
    sizer = runner.parts.sizer
    assert isinstance(sizer, FractionalKelly)
    return sizer.record.trades
