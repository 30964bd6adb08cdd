"""What is staged between two commits: records already chained, and rows of the events that have their own table."""

from collections.abc import Sequence
from typing import Any

from src.domain.ledger.events import (
    AlarmRaised,
    EquityMarked,
    Event,
    OrderIntended,
    RecoveryFinished,
    SessionOpened,
)
from src.domain.market.candle import Candle
from src.infrastructure.persistence import statements as sql
from src.infrastructure.persistence.journal import Chain


class Batch:
    """Rows in the making. ``chain`` runs ahead of the database until the batch is committed.

    ``records`` are rows of the journal, ``notes`` statements with their rows, ``intended`` the client order ids that
    are new in this batch. ``candles`` are rows that come with it, but would not make a commit of their own.
    """

    __slots__ = ("_session_id", "candles", "chain", "intended", "notes", "records")

    def __init__(self, chain: Chain, session_id: str | None) -> None:
        self.chain = chain
        self.records: list[tuple[int | str | bytes, ...]] = []
        self.notes: list[tuple[str, tuple[Any, ...]]] = []
        self.intended: set[str] = set()
        self.candles: list[tuple[Any, ...]] = []
        # Equity belongs to the session that was last opened, as the journal tells it.
        self._session_id = session_id

    def add(self, at_ms: int, epoch: int, events: Sequence[Event]) -> None:
        """Encode and chain events that happened at ``at_ms`` under the lease's ``epoch``."""
        link, append = self.chain.link, self.records.append
        for event in events:
            append(link(at_ms, epoch, event))
            if isinstance(event, OrderIntended):
                self.intended.add(event.attempt.client_order_id)
            elif isinstance(event, _NOTED):
                self._note(at_ms, event)

    def rehearse(self, at_ms: int, events: Sequence[Event]) -> None:
        """Encode and chain events in a batch that belongs to nothing."""
        Batch(Chain(self.chain.account_no), self._session_id).add(at_ms, 0, events)

    def _note(self, at_ms: int, event: SessionOpened | EquityMarked | RecoveryFinished | AlarmRaised) -> None:
        place = (self.chain.account_no, self.chain.seq, at_ms)
        match event:
            case SessionOpened():
                self._session_id = event.session_id
                portfolio = event.options.portfolio_id
                self.notes.append((sql.INSERT_PORTFOLIO, (portfolio, portfolio)))
            case EquityMarked():
                self.notes.append((sql.INSERT_EQUITY, (*place, self._session_id, *sql.EQUITY.row(event))))
            case RecoveryFinished():
                self.notes.append((sql.INSERT_RECOVERY, (*place, *sql.RECOVERY.row(event))))
            case AlarmRaised():
                self.notes.append((sql.INSERT_ALARM, (*place, *sql.ALARM.row(event))))

    def keep(self, candle: Candle) -> None:
        """Let a closed candle come with the next commit."""
        self.candles.append((self.chain.account_no, *sql.CANDLE.row(candle)))

    def clear(self) -> None:
        """Forget what is committed."""
        self.records.clear()
        self.notes.clear()
        self.intended.clear()
        self.candles.clear()


_NOTED = (SessionOpened, EquityMarked, RecoveryFinished, AlarmRaised)
