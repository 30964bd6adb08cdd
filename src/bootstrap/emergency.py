"""Getting flat without session and database: whose account it is says its side journal, the rest the settings.

At an exchange the orders go out beside whatever else runs. A paper exchange lives in its session's process, so there
it takes a session that is gone; its file is opened where it stopped, and its market stands still meanwhile.
"""

import asyncio
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Final

from src.application.ports.failpoints import failpoint
from src.application.ports.side_journal import SideJournalError
from src.application.ports.store import StoreError
from src.application.trading.services.emergency_close import EmergencyClose, EmergencyReport
from src.application.trading.services.emergency_orders import Tell
from src.bootstrap.markets import open_market
from src.bootstrap.paper import rules_of
from src.bootstrap.paper_account import exchange_file
from src.bootstrap.paper_config import PAPER
from src.bootstrap.paper_lock import take_exchange
from src.bootstrap.selection import read_note
from src.bootstrap.settings import Settings
from src.domain.money import use_money_context
from src.infrastructure.brokers.paper_broker import PAPER_ACCOUNT, PaperBroker
from src.infrastructure.market_data.source import SourceError
from src.infrastructure.persistence.side_journal import FileSideJournal, side_journal_path, side_journals
from src.infrastructure.simulated_exchange.engine import Engine
from src.infrastructure.simulated_exchange.errors import ExchangeFailure
from src.infrastructure.simulated_exchange.store import ExchangeStore
from src.infrastructure.time.timeline import NS_PER_MS, Timeline
from src.interfaces.cli.outcomes import EmergencyAccount

NOTHING_THERE: Final = EmergencyReport()


def emergency_accounts(data_dir: Path) -> list[EmergencyAccount]:
    """Every account of the data folder, without its database; one whose side journal cannot be read says why."""
    found = []
    for path in side_journals(data_dir):
        try:
            with closing(FileSideJournal(path)) as journal:
                found.append(EmergencyAccount(journal.header.account_id, journal.header.exchange))
        except SideJournalError as error:
            found.append(EmergencyAccount(path.stem, "", str(error)))
    return found


def close_in_emergency(
    settings: Settings, account_id: str, reason: str, tell: Tell, *, stops: bool
) -> EmergencyReport:
    """Cancel entries and close every position of an account, straight at its exchange; ``stops`` go as well.

    Raises StoreError where the side journal or the paper exchange cannot be used, ConfigurationError without the
    account's key, BrokerError when the exchange does not answer.
    """
    use_money_context()
    data_dir = settings.data_folder
    with closing(FileSideJournal(side_journal_path(data_dir, account_id))) as journal:
        if journal.header.exchange != PAPER:
            return asyncio.run(_at_venue(settings, journal, reason, tell, stops))
        try:
            return asyncio.run(_on_paper(data_dir, journal, reason, tell, stops))
        except (ExchangeFailure, SourceError) as error:
            raise StoreError(str(error)) from error


async def _at_venue(
    settings: Settings, journal: FileSideJournal, reason: str, tell: Tell, stops: bool
) -> EmergencyReport:
    # Paper has no use for what these load.
    from src.bootstrap.venue import broker_at, venue_of_account
    from src.infrastructure.brokers.guarded_reads import guarded

    header = journal.header
    venue = venue_of_account(settings, header.exchange, header.account_id)
    earlier = journal.claim()
    broker = broker_at(settings.data_folder, venue)
    reads = guarded(broker, settings.retry_attempts)
    close = EmergencyClose(reads, journal, header.namespace, earlier, _sleep, tell, reason, stops=stops)
    broker.answer_to(close)
    try:
        await broker.set_clock()
        return await close.run()
    finally:
        await broker.close()


async def _sleep(delay_ms: int) -> None:
    await asyncio.sleep(delay_ms / 1_000)


async def _on_paper(
    data_dir: Path, journal: FileSideJournal, reason: str, tell: Tell, stops: bool
) -> EmergencyReport:
    account_id, namespace = journal.header.account_id, journal.header.namespace
    note = read_note(data_dir, account_id)
    path = exchange_file(data_dir, account_id)
    if note is None or not note.symbols or not path.exists():
        raise StoreError(
            f"what the market of paper account {account_id[:8]} was is not known here: start-session closes its "
            "positions, as the file HALT asks for"
        )
    earlier = journal.claim()
    with ExitStack() as opened:
        opened.callback(take_exchange(path).release)
        source = opened.enter_context(closing(open_market(note.replay, note.symbols, note.seed)))
        file = opened.enter_context(closing(ExchangeStore(path, failpoint=failpoint)))
        rules = rules_of(note.funding_interval_ms, note.funding_rate)
        engine = Engine(file, source.instruments.values(), rules=rules, cursor=source.cursor)
        if engine.account_id(PAPER_ACCOUNT) is None or not engine.income(PAPER_ACCOUNT):
            return NOTHING_THERE
        latest_ns = source.catch_up(engine.committed_cursor, engine.warm)
        timeline = Timeline(max(latest_ns, engine.now_ms * NS_PER_MS))
        broker = PaperBroker(engine, timeline)

        async def pass_time(delay_ms: int) -> None:
            until_ns = timeline.now_ns + delay_ms * NS_PER_MS
            while timeline.next_ns is not None and timeline.next_ns <= until_ns:
                timeline.run_next()
                broker.on_time(timeline.now_ms)
            timeline.advance_to(until_ns)
            broker.on_time(timeline.now_ms)

        close = EmergencyClose(broker, journal, namespace, earlier, pass_time, tell, reason, stops=stops)
        await broker.open(close)
        return await close.run()
