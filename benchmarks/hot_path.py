"""From the bytes of a quote to the request on its way, in a paper session whose every quote leads to an order.

The objects are the product's; only the strategy's answer is forced. What the exchange does between two bursts
(accept, fill, report, and the protective orders that follow) happens off the clock, but in the same ledger and the
same files, so that the state is that of a session at work. Before each quote lie two milliseconds of real time without
input, which the session spends awake or asleep. Limits are wide enough that no rule refuses, and every
rule is asked.
"""

import asyncio
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from time import perf_counter_ns
from typing import Final

import psutil  # type: ignore[import-untyped]  # it has no types

from benchmarks.disk import PlainLog, WriteAheadLog
from benchmarks.meter import EveryBar, HotPath, Meter
from benchmarks.quotes import SYMBOLS, QuoteMarket, candle_at, quote_messages
from benchmarks.samples import Samples
from src.application.ports.failpoints import install_hook
from src.application.strategies.sma_cross import SmaCrossParameters
from src.application.trading.order_execution_bridge import NothingToDo
from src.application.trading.session_loop import BATCH_INPUTS, BATCHES_BEFORE_BREATHING
from src.application.trading.session_runner import SessionRunner
from src.bootstrap.memory import settle_memory
from src.bootstrap.paper import paper_parts
from src.bootstrap.paper_config import PaperConfig
from src.domain.decisions.effects import SubmitOrder
from src.domain.decisions.news import PlaceOrder
from src.domain.money import Money, use_money_context
from src.domain.risk.limits import RiskLimits
from src.domain.risk.review import Approved
from src.domain.signals import Signal
from src.infrastructure.market_data.decoding import decode_message
from src.infrastructure.market_data.frames import BookTicker
from src.infrastructure.persistence.schema import create_sqlite
from src.infrastructure.persistence.sqlite_store import SqliteStore

WARM_UP_QUOTES: Final = 300
WARM_UP_FRAMES: Final = len(SYMBOLS) + 2 * WARM_UP_QUOTES
"""A snapshot for each symbol, then a mark price for every quote."""
REPEATS: Final = 400
IDLE_NS: Final = 2_000_000
"""How long nothing happens before a quote."""
STRATEGY: Final = "sma_cross:fast=3,slow=10"

LIMITS: Final = RiskLimits(
    entries_per_minute_max=100,
    daily_loss_pct_max=Decimal(1),
    open_orders_max=20_000,
    concentration_pct_max=Decimal(1),
    # All symbols walk the same way here.
    correlation_max=Decimal(1),
    volatility_max=Decimal(1_000),
    volatility_ratio_max=Decimal(1_000),
)


def paper_config(folder: Path, stays_awake: bool = False) -> PaperConfig:
    """Stop and target protect every position, of one percent each, so that fees do not use up the account.

    The exchange works off the clock; what it writes is not synced, which halves the time of a run.
    """
    return PaperConfig(
        data_dir=folder,
        database=folder / "session.db",
        symbols=SYMBOLS,
        strategies=(),
        timeframe="1s",
        speed=None,
        capital=Money(Decimal(1_000_000), "USDT"),
        sizing="percent:0.01",
        limits=LIMITS,
        synchronous="OFF",
        stays_awake=stays_awake,
    )


def measure(folder: Path, quotes: int, seconds: float, *, stays_awake: bool) -> HotPath:
    """Run a session in ``folder`` over ``quotes`` measured quotes, fewer when ``seconds`` are over before.

    ``stays_awake`` as in the settings: what the session does in the idle moment before each quote.
    """
    use_money_context()
    result = HotPath()
    meter = Meter(result)
    install_hook(meter.on_failpoint)
    try:
        asyncio.run(_run(paper_config(folder, stays_awake), quotes, seconds, meter))
    finally:
        install_hook(None)
    return result


async def _run(config: PaperConfig, quotes: int, seconds: float, meter: Meter) -> None:
    create_sqlite(config.database)
    market = QuoteMarket(WARM_UP_QUOTES + quotes, meter.decode)
    parts = paper_parts(config, lambda _: market, "benchmark", [])
    await parts.store.close()
    parts.store = SqliteStore(config.database)
    runner = SessionRunner(parts)
    log: WriteAheadLog | None = None
    try:
        await runner.start()
        template = EveryBar(SmaCrossParameters(fast=3, slow=10), strategy_id=STRATEGY)
        runner.strategies.add_strategy(STRATEGY, template)
        for symbol in SYMBOLS:
            runner.strategies.warm(symbol, market.history(symbol, "1s", template.history_bars))
        meter.attach(runner)
        settle_memory()
        log, reference = WriteAheadLog(config.database), PlainLog(config.data_dir / "reference.log")
        asyncio.get_running_loop().call_later(seconds, market.end)
        await _work(runner, meter, market, log, reference)
        meter.result.resident_bytes = psutil.Process().memory_info().rss
        meter.result.orders_in_memory = len(runner.loop.ledger.orders)
        meter.result.in_a_row = in_a_row(runner, meter)
        reference.close()
    finally:
        await parts.store.close()
        parts.close()
        if log is not None:
            log.close()


async def _idle(runner: SessionRunner) -> None:
    """The moment before a quote, in real time, spent as the session spends it: awake, or asleep."""
    if not runner.parts.stays_awake:
        await asyncio.sleep(IDLE_NS / 1e9)
        return
    until = perf_counter_ns() + IDLE_NS
    while perf_counter_ns() < until:
        await runner.loop.idle()


async def _work(
    runner: SessionRunner, meter: Meter, market: QuoteMarket, log: WriteAheadLog, reference: PlainLog
) -> None:
    """The loop's own turn, with the meter in its place, until the market is over."""
    loop, result = runner.loop, meter.result
    turns = 0
    while loop.inputs.pump(meter, BATCH_INPUTS):
        log.grown_by()
        if await meter.flush():
            size = log.grown_by()
            result.commit_bytes.add(size)
            result.disk.add(reference.write(size))
        if loop.store.checkpoint_due:
            loop.store.checkpoint()
        if loop.reconcile_wanted:
            before = perf_counter_ns()
            await runner.reconcile()
            result.recoveries.add(perf_counter_ns() - before)
        turns += 1
        if turns % BATCHES_BEFORE_BREATHING == 0:
            await loop.inputs.breathe()
        meter.is_warm = meter.is_warm or loop.frames >= WARM_UP_FRAMES
        if meter.is_warm and market.is_quote_next:
            await _idle(runner)


def in_a_row(runner: SessionRunner, meter: Meter) -> dict[str, Samples]:
    """Every stage but the commit again and again, with nothing in between: what it costs in warm caches.

    The reference, json.loads of the same quote, is among them.

    Nothing of it is committed; the session is of no use afterwards.
    """
    loop, strategies, bridge = runner.loop, meter.strategies, meter.bridge
    message = next(quote_messages())
    frame = decode_message(message)
    assert isinstance(frame, BookTicker), "the message is a quote"
    now_ms = loop.inputs.now_ms()
    signals: list[Signal] = []

    def strategy(turn: int) -> None:
        candle = candle_at(frame.symbol, now_ms + turn * 1_000, frame.bid_price)
        signals.extend(strategies.on_candle(candle))

    samples = {
        "json.loads": _repeat("json.loads", lambda _: json.loads(message)),
        "decode": _repeat("decode", lambda _: decode_message(message)),
        "market": _repeat("market", lambda _: loop.on_ticker(frame, now_ms)),
        "strategy": _repeat("strategy", strategy),
    }
    signal = _executable(signals[:2], meter)
    ticket = bridge.ticket_for(signal)
    samples["sizing"] = _repeat("sizing", lambda _: bridge.ticket_for(signal))
    samples["risk"] = _repeat("risk", lambda _: meter.validator.review(ticket, now_ms))
    approved = meter.validator.review(ticket, now_ms)
    assert isinstance(approved, Approved), "what was approved a moment ago still is"
    effects: list[SubmitOrder] = []

    def decide(_: int) -> None:
        step = loop.decide(PlaceOrder(approved, bridge.note(signal)))
        effects.extend(effect for effect in step.effects if isinstance(effect, SubmitOrder))

    def submit(turn: int) -> None:
        if not runner.parts.kill_switch.is_engaged():
            loop.broker.submit(effects[turn].ticket, effects[turn].attempt)

    samples["decide"] = _repeat("decide", decide)
    samples["submit"] = _repeat("submit", submit)
    return samples


def _executable(signals: list[Signal], meter: Meter) -> Signal:
    """The one of an up and a down signal that leads to an order in the position held."""
    for signal in signals:
        try:
            meter.bridge.ticket_for(signal)
        except NothingToDo:
            continue
        return signal
    raise RuntimeError("neither direction leads to an order")


def _repeat(name: str, action: Callable[[int], object]) -> Samples:
    samples = Samples(name)
    for turn in range(REPEATS):
        before = perf_counter_ns()
        action(turn)
        samples.add(perf_counter_ns() - before)
    return samples
