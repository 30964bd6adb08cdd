"""Opens the books of an account that existed before us: reads what it holds at a moment at which nothing moved."""

from collections.abc import Sequence
from typing import Final

from src.application.ports.broker import Broker, BrokerUnavailable
from src.application.ports.failpoints import failpoint
from src.application.trading.session_loop import SessionLoop
from src.domain.decisions.news import OpenBooks
from src.domain.decisions.opening import is_unopened

READS_MAX: Final = 5


async def open_books(loop: SessionLoop, symbols: Sequence[str]) -> None:
    """Begin the books with the present, if nothing was ever booked; in one commit, before anything is sent.

    Raises BrokerUnavailable when somebody trades on the account so often that no two reads agree.
    """
    if not is_unopened(loop.ledger):
        return
    broker = loop.broker
    for _ in range(READS_MAX):
        at_ms = (await broker.server_time()).now_ms
        positions, balances = await broker.positions(), await broker.balances()
        failpoint("opening.read")
        held = [report.symbol for report in positions]
        if not await _has_moved(broker, at_ms, dict.fromkeys((*symbols, *held))):
            loop.decide(OpenBooks(at_ms, tuple(positions), tuple(balances)))
            await loop.flush()
            failpoint("opening.booked")
            return
    raise BrokerUnavailable(
        "somebody trades on this account all the time: let it rest for a moment when it is used for the first time"
    )


async def _has_moved(broker: Broker, since_ms: int, symbols: dict[str, None]) -> bool:
    """Whether anything was traded or paid since."""
    if await broker.income(since_ms):
        return True
    for symbol in symbols:
        if await broker.first_trades(symbol, since_ms):
            return True
    return False
