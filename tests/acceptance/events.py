"""A liquidation, a deleveraging, a funding payment and a trade of the owner in the middle of one paper session.

They come in any order, to a session that trades on after each. At its end both sides' files have to be equal, to the
last digit.
"""

import random
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Final

from src.application.trading.session_runner import EndCause, SessionRunner
from src.domain.decisions.news import MoveTrading
from src.domain.ledger.events import FillBooked, IncomeBooked
from src.domain.sessions.trading_states import TradingState, TradingTrigger
from src.infrastructure.brokers.paper_broker import PAPER_ACCOUNT, PaperBroker
from src.infrastructure.simulated_exchange.engine import Engine
from tests.application.trading.sessions import calm, die, order, parts_of, pass_time
from tests.simulation.market import SYMBOL
from tests.support.invariants import Books, violations

QUANTITY: Final = "0.007"
SECONDS: Final = 120
BETWEEN_MS: Final = 3_000

ACTS: Final[dict[str, Callable[[Engine], object]]] = {
    "liquidation": lambda engine: engine.force_liquidation(PAPER_ACCOUNT, SYMBOL),
    "deleveraging": lambda engine: engine.force_adl(PAPER_ACCOUNT, SYMBOL),
    "funding": lambda engine: engine.force_funding(SYMBOL, Decimal("0.00037")),
    "manual trade": lambda engine: engine.trade_by_owner(PAPER_ACCOUNT, SYMBOL, "SELL", Decimal("0.003")),
}


async def everything_happens(folder: Path, seed: int) -> list[str]:
    """Run the session with the acts in an order drawn by ``seed``; what is wrong afterwards, nothing for a pass."""
    folder.mkdir(exist_ok=True)
    config = calm(folder, funding_interval_ms=3_600_000)
    runner = SessionRunner(parts_of(config, SECONDS))
    await runner.start()
    await pass_time(runner.loop, 2_000)
    names = list(ACTS)
    random.Random(seed).shuffle(names)
    found = []
    for name in names:
        await _hold(runner)
        found += await _befall(runner, name)
    await _hold(runner)
    runner.request_stop(EndCause.STOP)
    await runner.run()
    account_id = runner.parts.account.account_id
    await die(runner)
    books = Books(config.database, account_id, config.data_dir / "paper" / f"{account_id[:8]}.db")
    return found + _all_booked(books) + violations(books)


async def _hold(runner: SessionRunner) -> None:
    """Take up trading again, as a person would, and open or enlarge a position."""
    loop = runner.loop
    if loop.ledger.account.trading_state is TradingState.HALTED:
        loop.decide(MoveTrading(TradingTrigger.REARM, "goes on", "operator"))
    order(runner, QUANTITY)
    await loop.flush()
    await pass_time(loop, BETWEEN_MS)


async def _befall(runner: SessionRunner, name: str) -> list[str]:
    broker, loop = runner.parts.broker, runner.loop
    assert isinstance(broker, PaperBroker), "it is a paper session"
    ACTS[name](broker._engine)
    broker._send_events()
    await pass_time(loop, BETWEEN_MS)
    is_forced = name in ("liquidation", "deleveraging")
    is_halted = loop.ledger.account.trading_state is TradingState.HALTED
    return (
        [] if is_forced is is_halted else [f"after a {name} trading is {loop.ledger.account.trading_state}"]
    )


def _all_booked(books: Books) -> list[str]:
    """Whether each of them left its mark in the session's own books: nothing was tested otherwise."""
    foreign = [e for _, e in books.events if isinstance(e, FillBooked) and not e.client_order_id]
    funding = [e for _, e in books.events if isinstance(e, IncomeBooked) and e.income_type == "FUNDING_FEE"]
    found = [] if len(foreign) >= 3 else [f"only {len(foreign)} trades of others were booked"]
    return found + ([] if funding else ["no funding was booked"])
