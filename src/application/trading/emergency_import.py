"""Takes over what was sent around the session, before anything is compared with the exchange.

Read, commit, retire, in this order: a process that dies in between does it again, and an order that the journal knows
is not taken over twice. While an emergency command is still at work nothing is retired, and the next run reads on.
"""

from src.application.ports.failpoints import failpoint
from src.application.ports.side_journal import SideJournal
from src.application.trading.session_loop import SessionLoop
from src.domain.decisions.news import ImportEmergency
from src.domain.decisions.opening import opened_ms
from src.domain.orders.emergency import EmergencyOrder


async def import_emergency(loop: SessionLoop, journal: SideJournal) -> None:
    """Make the side journal's orders the session's own; raises SideJournalError and StoreError."""
    if not journal.has_records():
        return
    read = journal.read()
    failpoint("emergency.read")
    news = ImportEmergency(
        tuple([order for order in read.orders if await _is_news(loop, order)]), read.damage
    )
    if news.orders or news.damage:
        loop.decide(news)
        await loop.flush()
    failpoint("emergency.imported")
    journal.retire(read)


async def _is_news(loop: SessionLoop, order: EmergencyOrder) -> bool:
    """Whether the order is not settled yet, and not of the time before the account's books."""
    begun_ms = opened_ms(loop.ledger)
    if begun_ms is not None and order.attempt.timestamp_ms < begun_ms:
        return False
    name = order.client_order_id
    return name in loop.ledger.orders or await loop.store.find_order(name) is None
