"""Trading by hand in a paper session that is being measured: enter at the market, let time pass, leave again."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Final

from benchmarks.hot_path import LIMITS, paper_config
from benchmarks.quotes import SYMBOLS
from src.application.trading.session_runner import SessionRunner
from src.bootstrap.paper import PaperConfig
from src.domain.decisions.news import PlaceOrder
from src.domain.market.sides import OrderSide
from src.domain.orders.ticket import OrderTicket
from src.domain.orders.types import OrderType, Purpose
from src.domain.risk.review import Approved, review_reducing
from tests.application.trading.sessions import pass_time

SYMBOL: Final = SYMBOLS[0]
"""The symbol traded."""
STRATEGY: Final = "by hand"
WAIT_MS: Final = 60
"""Session time after each order: answers, fills, protection and their ends have arrived."""
REST_MS: Final = 1_200
"""Session time after a round trip: more than fifty a minute are taken for a storm of protective orders."""
WITHOUT_END: Final = 10**9


def unthrottled(folder: Path) -> PaperConfig:
    """A session in ``folder`` that no rule slows down; nothing is synced."""
    limits = replace(
        LIMITS,
        orders_per_second_max=WITHOUT_END,
        orders_per_minute_max=WITHOUT_END,
        entries_per_minute_max=WITHOUT_END,
    )
    return replace(paper_config(folder), limits=limits)


def entry(runner: SessionRunner, number: int) -> OrderTicket:
    """An order at the market, each a little different from the one before."""
    prices = runner.loop.desk.best_prices(SYMBOL)
    assert prices is not None, "the market has begun"
    side = OrderSide.BUY if number % 2 else OrderSide.SELL
    quantity = Decimal(10 + number % 7).scaleb(-3)
    return OrderTicket(SYMBOL, side, OrderType.MARKET, quantity, Purpose.ENTRY, STRATEGY, prices[0])


def approved(runner: SessionRunner, ticket: OrderTicket) -> PlaceOrder:
    """What the session decides about next; RuntimeError when a rule refuses it."""
    verdict = runner.validator.review(ticket, runner.loop.inputs.now_ms())
    if not isinstance(verdict, Approved):
        raise RuntimeError(f"no rule may refuse here: {verdict.objection.text}")
    return PlaceOrder(verdict)


async def place(runner: SessionRunner, ticket: OrderTicket) -> None:
    """Decide, commit and send."""
    runner.loop.decide(approved(runner, ticket))
    await runner.loop.flush()


async def leave(runner: SessionRunner) -> None:
    """Close the position by an order at the market; RuntimeError when it is not flat a moment later."""
    loop = runner.loop
    position = loop.ledger.position(SYMBOL)
    ticket = runner.adapter.exit(position, abs(position.quantity), STRATEGY, "enough")
    verdict = review_reducing(loop.ledger, ticket)
    if not isinstance(verdict, Approved):
        raise RuntimeError(f"an exit is never refused: {verdict.objection.text}")
    loop.decide(PlaceOrder(verdict))
    await loop.flush()
    await pass_time(loop, WAIT_MS)
    if not loop.ledger.position(SYMBOL).is_flat:
        raise RuntimeError("the exit did not arrive in time")
