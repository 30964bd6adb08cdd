"""Whole sessions for tests of the application layer: a real store, a real exchange file, virtual time at full speed."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, TypeVar

from src.application.trading.by_hand import adjusting_ticket, send_by_hand
from src.application.trading.session_parts import SessionParts
from src.application.trading.session_runner import SessionRunner
from src.application.trading.waiting import work_for
from src.bootstrap.paper import paper_parts
from src.bootstrap.paper_config import PaperConfig
from src.domain.decisions.news import PlaceOrder
from src.domain.ledger.events import Event
from src.domain.market.sides import OrderSide, PositionSide
from src.domain.money import use_money_context
from src.domain.orders.order import Order
from src.domain.orders.ticket import OrderTicket
from src.domain.orders.types import OrderType, Purpose, TimeInForce
from src.domain.risk.review import Approved
from src.infrastructure.persistence.codec import decode
from src.infrastructure.persistence.read_models import SqliteReadModels
from src.infrastructure.persistence.schema import create_sqlite
from src.infrastructure.simulated_exchange.latency import MILLISECOND_NS, LatencyModel
from tests.simulation.market import SYMBOL, SimulatedMarket
from tests.simulation.world import MARKET_ID, a_config, read_accounts

SEED = 3
SECONDS = 60
B = TypeVar("B")


def calm(folder: Path, **changes: Any) -> PaperConfig:
    """A session on the simulated market, every message in 20 ms, with stops too far away to be hit."""
    config = replace(
        a_config(folder, SEED),
        stop_loss_pct=Decimal("0.2"),
        take_profit_pct=Decimal("0.2"),
        latency=LatencyModel(
            seed=SEED,
            request_ns=20 * MILLISECOND_NS,
            answer_ns=20 * MILLISECOND_NS,
            event_ns=20 * MILLISECOND_NS,
        ),
    )
    return replace(config, **changes)


def parts_of(config: PaperConfig, seconds: int = SECONDS) -> SessionParts:
    """The parts of a session over the files of a folder, made where they are missing."""
    use_money_context()
    if not config.database.exists():
        create_sqlite(config.database)
    return paper_parts(
        config, lambda c: SimulatedMarket(c.seed, seconds), MARKET_ID, read_accounts(config.database)
    )


async def begin(config: PaperConfig) -> SessionRunner:
    """A started session, with two seconds of market behind it."""
    runner = SessionRunner(parts_of(config))
    await runner.start()
    await pass_time(runner.loop, 2_000)
    return runner


pass_time: Final = work_for
"""Work the session for so long in session time, to the millisecond."""


def broker_of(parts: SessionParts, kind: type[B]) -> B:
    """The broker that a test has given its sessions."""
    assert isinstance(parts.broker, kind), f"the session was made with {type(parts.broker).__name__}"
    return parts.broker


async def die(runner: SessionRunner) -> None:
    """End the process without a word: files are closed, what was not committed is lost."""
    await runner.parts.store.close()
    runner.parts.close()


def order(runner: SessionRunner, quantity: str = "0.010", **changes: Any) -> Order:
    """Decide a market entry, or what ``changes`` make of it; nothing is committed yet."""
    prices = runner.loop.desk.best_prices(SYMBOL)
    assert prices is not None, "the market has begun"
    values: dict[str, Any] = {
        "symbol": SYMBOL,
        "side": OrderSide.BUY,
        "order_type": OrderType.MARKET,
        "quantity": Decimal(quantity),
        "purpose": Purpose.ENTRY,
        "strategy_id": "trader",
        "reference_price": prices[0],
    }
    if "limit_price" in changes:
        values |= {"order_type": OrderType.LIMIT, "time_in_force": TimeInForce.GTC}
    verdict = runner.validator.review(OrderTicket(**(values | changes)), runner.loop.now_ms())
    assert isinstance(verdict, Approved), verdict
    runner.loop.decide(PlaceOrder(verdict))
    return next(reversed(runner.loop.ledger.orders.values()))


def resting(runner: SessionRunner, quantity: str = "0.010") -> Order:
    """Decide a limit entry far below the market."""
    prices = runner.loop.desk.best_prices(SYMBOL)
    assert prices is not None, "the market has begun"
    price = (prices[0] * Decimal("0.97")).quantize(Decimal("0.1"))
    return order(runner, quantity, limit_price=price)


def events_of(config: PaperConfig, kind: type[Event] | None = None) -> list[Event]:
    """The journal as events, all of them or those of a kind."""

    reads = SqliteReadModels(config.database)
    try:
        (row,) = reads.accounts()
        events = [decode(record.kind, record.payload) for record in reads.journal(row.account_id)]
    finally:
        reads.close()
    return [event for event in events if kind is None or isinstance(event, kind)]


async def adjusted(runner: SessionRunner, target: str, side: PositionSide) -> None:
    """Bring a position by hand to a signed quantity, and wait until it is so."""
    ticket = adjusting_ticket(runner, SYMBOL, Decimal(target), side)
    assert ticket is not None
    assert isinstance(send_by_hand(runner, ticket), str)
    await runner.loop.flush()
    await pass_time(runner.loop, 1_500)
