"""Takes over what was sent around the session, before anything is compared with the exchange.

Read, commit, retire, in this order: a process that dies in between does it again, and an order that the journal knows
is not taken over twice. While an emergency command is still at work nothing is retired, and the next run reads on.
"""

from src.application.ports.failpoints import failpoint
from src.application.ports.side_journal import SideJournal, SideRecords
from src.application.ports.store import OrderArchive
from src.application.trading.session_loop import SessionLoop
from src.domain.decisions.news import ImportEmergency
from src.domain.decisions.opening import opened_ms
from src.domain.ledger.state import Ledger


async def import_emergency(loop: SessionLoop, journal: SideJournal) -> None:
    """Make the side journal's orders the session's own; raises SideJournalError and StoreError."""
    if not journal.has_records():
        return
    read = journal.read()
    failpoint("emergency.read")
    news = await news_of(read, loop.ledger, loop.store)
    if news.orders or news.damage:
        loop.decide(news)
        await loop.flush()
    failpoint("emergency.imported")
    journal.retire(read)


async def news_of(read: SideRecords, ledger: Ledger, archive: OrderArchive) -> ImportEmergency:
    """What of the records is not settled yet, and not of the time before the account's books."""
    begun_ms = opened_ms(ledger) or 0
    unsettled = [
        order
        for order in read.orders
        if order.attempt.timestamp_ms >= begun_ms
        and (
            order.client_order_id in ledger.orders or await archive.find_order(order.client_order_id) is None
        )
    ]
    return ImportEmergency(tuple(unsettled), read.damage)
