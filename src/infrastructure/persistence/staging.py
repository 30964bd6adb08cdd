"""What both stores do between and around their commits; the transaction itself is each store's own.

Here is decided whether a store may be written at all: not without the lease, and never again after a commit that did
not come to its end, as memory may then be ahead of the database.
"""

from collections.abc import Sequence

from src.application.ports.failpoints import failpoint
from src.application.ports.store import JournalHead, StoreError
from src.domain.ledger.events import Event
from src.domain.ledger.state import Ledger
from src.domain.market.candle import Candle
from src.infrastructure.persistence.batch import Batch
from src.infrastructure.persistence.journal import Chain
from src.infrastructure.persistence.loading import readable
from src.infrastructure.persistence.projection import Projection


class StagingStore:
    """Base of the stores of one account: what is staged for the next commit, and whether there may be one.

    ``_broken`` says why everything is refused, empty while nothing is; ``_lease_epoch`` is -1 without the lease.
    """

    def __init__(self) -> None:
        self._broken = ""
        self._lease_epoch = -1
        self._account_no = 0
        self._batch = Batch(Chain(0), None)
        self._head = self._batch.chain.head
        self._projection: Projection | None = None

    @property
    def head(self) -> JournalHead:
        """The last committed record."""
        return self._head

    def stage(self, at_ms: int, events: Sequence[Event]) -> None:
        """Encode and chain events for the next commit. Nothing is durable yet."""
        if self._broken or self._lease_epoch < 0:
            raise StoreError(
                self._broken or "nothing is written without the lease: acquire the account first"
            )
        self._batch.add(at_ms, self._lease_epoch, events)

    def rehearse(self, at_ms: int, events: Sequence[Event]) -> None:
        """Encode and chain events as :meth:`stage` does, and forget them: nothing of the store changes."""
        self._batch.rehearse(at_ms, events)

    def keep_candle(self, candle: Candle) -> None:
        """Let a closed candle come with the next commit; it makes none of its own."""
        self._batch.keep(candle)

    def _follow(
        self, account_id: str, account_no: int, seq: int, digest: bytes, session_id: str | None
    ) -> None:
        """Stage behind the account's last committed record; raises :class:`StoreCorrupt` for one that is none."""
        self._account_no = account_no
        with readable(f"the row of account {account_id}"):
            self._batch = Batch(Chain(account_no, seq, digest), session_id)
            self._head = self._batch.chain.head

    def _begin_commit(self) -> Projection | None:
        """What writes the tables, or None when there is nothing to commit; raises :class:`StoreError`.

        Until :meth:`_end_commit` the store counts as broken, whatever stops it: nothing is staged meanwhile either.
        """
        if not self._batch.records:
            return None
        if self._broken:
            raise StoreError(self._broken)
        if self._projection is None or self._lease_epoch < 0:
            raise StoreError("nothing is written before the account is acquired and loaded")
        self._broken = "a commit was interrupted: end the process and start again"
        return self._projection

    def _end_commit(self, ledger: Ledger) -> None:
        """Everything staged is durable."""
        self._broken = ""
        failpoint("store.after_commit")
        self._head = self._batch.chain.head
        ledger.release_settled()
        ledger.changes.clear()
        self._batch.clear()

    def _close_to_everything(self, failure: StoreError) -> StoreError:
        """Refuse everything from now on, because of this; returns it."""
        self._broken = f"{failure} — the store is closed to everything after that"
        return failure
