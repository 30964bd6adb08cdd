"""How far the comparisons of earlier processes have come, as the store knows it."""

from src.application.ports.store import Store
from src.domain.ledger.state import Ledger


async def compared_ms(ledger: Ledger, store: Store) -> int:
    """When the newest trade was made that a comparison has confirmed, ms UTC of the exchange's clock; 0 without one.

    The read that confirmed it read the income up to then as well, and both were committed in one step.
    """
    newest_ms = 0
    for symbol, book in ledger.symbols.items():
        if book.confirmed_trade_id:
            newest_ms = max(newest_ms, await store.traded_ms(symbol, book.confirmed_trade_id) or 0)
    return newest_ms
