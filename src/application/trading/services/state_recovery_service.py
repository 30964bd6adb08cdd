"""The one procedure that makes store and exchange agree: at every start, every reconnect, on a timer.

The exchange is the truth about fills, the store is the truth about intents. The procedure reads everything that
can tell about the difference (open orders of both books, every attempt without an end by its id, all trades since
the last confirmed one, income, positions, balances), merges it through ``decide`` like any other news, acts on
what follows (a naked position gets its stop), and compares. What still differs after several reads is never
papered over: trading halts and a person decides. Running it twice changes nothing the second time.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from src.application.ports.broker import BrokerUnavailable, RateLimitError
from src.application.ports.failpoints import failpoint
from src.application.ports.side_journal import SideJournal
from src.application.trading.account_setup import note_isolated_wallets
from src.application.trading.emergency_import import import_emergency
from src.application.trading.opening import open_books
from src.application.trading.services.compared import compared_ms
from src.application.trading.services.exchange_reading import (
    Reading,
    differences,
    disputed,
    read_exchange,
    symbols_of,
)
from src.application.trading.services.unheard_trades import UnheardTrades
from src.application.trading.services.unknown_amendments import UnknownAmendments
from src.application.trading.services.unknown_outcomes import READS_APART_MS, UnknownOutcomes
from src.application.trading.session_loop import SessionLoop
from src.application.trading.waiting import idle_during, work_during, work_for
from src.domain.decisions.effects import CancelOrder
from src.domain.decisions.news import (
    ExchangeRead,
    PlaceFence,
    RaiseAlarm,
    RecoveryConcluded,
    ReleaseAttempt,
    StreamRestarted,
)
from src.domain.decisions.opening import opened_ms
from src.domain.decisions.step import Step
from src.domain.ledger.events import DifferenceFound, FillBooked, IncomeBooked

AT_ONCE: Final = (0, 0)
"""Pauses before each further read of an exchange whose reads show everything that happened."""
PAUSES_MS: Final = (1_000, 2_000, 4_000)
"""The same (session time) where reads may lag: what differs now may agree in a moment."""
MOVING_READS: Final = 5
"""How many further reads there are as long as what differs is something else each time: then the market was faster."""
INCOME_OVERLAP_MS = 60_000
"""How far behind the newest row that was read the next read of income begins: rows may show up late."""
DAY_MS: Final = 86_400_000


@dataclass(slots=True)
class RecoveryReport:
    """What a run of the procedure looked at, changed and left open.

    ``risen`` are orders that may open a position, were over in the books, and are open at the exchange: their end was
    asked for, and is not waited for.
    """

    cause: str
    orders_checked: int = 0
    fills_added: int = 0
    income_added: int = 0
    unresolved: int = 0
    differences: tuple[DifferenceFound, ...] = ()
    risen: tuple[CancelOrder, ...] = ()

    @property
    def agrees(self) -> bool:
        """Whether store and exchange say the same."""
        return not self.differences


class StateRecoveryService:
    """Reads, merges, compares. ``symbols`` are those ever traded or configured.

    ``unknown`` keeps the evidence about attempts of unknown outcome from run to run. With ``has_a_past`` the books of
    a new account begin with what it holds, before its stream is opened: it then tells of nothing that was counted.
    """

    def __init__(
        self,
        loop: SessionLoop,
        symbols: Sequence[str],
        side_journal: SideJournal,
        *,
        has_a_past: bool = False,
    ) -> None:
        self._loop = loop
        self._side_journal = side_journal
        self._symbols = tuple(symbols)
        self._has_a_past = has_a_past
        # Symbols that a position or income names: others trade them on the account, their trades are read as well.
        self._strange: set[str] = set()
        self.unknown = UnknownOutcomes(loop.broker.consistency, loop.witness)
        self._unheard = UnheardTrades(loop)
        self._amendments = UnknownAmendments(loop.broker.consistency, loop.witness)
        # Rows of trades are income too, and are not booked as such: what was read once is not read for ever.
        self._income_read_ms = self._full_until_ms = 0
        self._opened_ms: int | None = None
        # Why nothing is opened yet; and what asked for a comparison during this one, which may not have seen it.
        self._hold = self._wanted = ""

    async def recover(
        self, cause: str, *, new_stream: bool, at_start: bool = False, full: bool = False
    ) -> RecoveryReport:
        """Run the procedure; raises BrokerError when the exchange cannot be read, with nothing concluded.

        A ``full`` run compares the orders that have ended since the last full run as well, of the last day at first. A
        start goes on where no stream opens: nobody else protects what is held.
        """
        self._wanted = ""
        if at_start and self._has_a_past:
            await open_books(self._loop, self._symbols)
        await import_emergency(self._loop, self._side_journal)
        if new_stream:
            await self._open_stream(is_needed=not at_start)
        report = RecoveryReport(cause)
        past_since = self._past_since(full)
        wide = at_start or full
        if at_start:
            self._income_read_ms = await compared_ms(self._loop.ledger, self._loop.store)
        reading = await self._read(report, at_start, past_since, wide)
        pauses = AT_ONCE if self._loop.broker.consistency.read_your_writes else PAUSES_MS
        before = report.differences
        for number, pause_ms in enumerate((*pauses, *pauses[-1:] * MOVING_READS)):
            if report.agrees or (number >= len(pauses) and report.differences == before):
                break
            before = report.differences
            if at_start:
                # A row may have shown up later than that: all since the last booked one are read.
                self._income_read_ms = 0
            await self._pause(pause_ms)
            reading = await self._read(report, at_start, past_since, wide)
        if full:
            self._full_until_ms = reading.judgement.now_ms
        await self._conclude(report, reading)
        return report

    def _traded(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self._symbols, *self._strange)))

    def _past_since(self, full: bool) -> dict[str, int]:
        """Of which symbols ended orders are read, since when: where an outcome is unknown, and of all in a full run."""
        ledger = self._loop.ledger
        since = self.unknown.sent_since(ledger)
        if full:
            day_ago_ms = self._loop.broker.venue_time().now_ms - DAY_MS
            full_ms = max(self._full_until_ms - INCOME_OVERLAP_MS, day_ago_ms)
            for symbol in dict.fromkeys((*self._symbols, *ledger.symbols)):
                since[symbol] = min(since.get(symbol, full_ms), full_ms)
        return since

    def ease(self) -> None:
        """Let other symbols trade again as soon as the outcome that held them back allows it."""
        loop = self._loop
        if self._hold and loop.desk.suspension == self._hold:
            venue = loop.broker.venue_time()
            loop.desk.suspension = self._hold = self.unknown.hold(loop.ledger, venue.now_ms - venue.error_ms)

    def release(self, client_order_id: str, author: str, reason: str) -> None:
        """Take an attempt of unknown outcome for dead because a person says so; ValueError where that may not be."""
        loop = self._loop
        order = loop.ledger.orders.get(client_order_id)
        until_ms = 0 if order is None else self.unknown.arrives_until_ms(order)
        error_ms = loop.broker.venue_time().error_ms
        loop.decide(ReleaseAttempt(client_order_id, author, reason, until_ms + error_ms))

    async def _open_stream(self, *, is_needed: bool) -> None:
        """The stream is opened first: what happens while we read is then delivered after it.

        One that is not needed, and does not open, is lost from the beginning: it is tried again as any that is.
        """
        loop = self._loop
        try:
            opening = self._unheard.until_open(self._traded()) if is_needed else loop.broker.open(loop)
            stream_epoch = await opening
        except (BrokerUnavailable, RateLimitError) as error:
            if is_needed:
                raise
            loop.on_stream_lost(loop.ledger.account.stream_epoch, str(error))
            text = f"started without a user stream, opens nothing before: {error}"
            loop.decide(RaiseAlarm("account", text))
            return
        failpoint("recovery.stream_opened")
        if not loop.stream_lost:
            loop.witness.opened(stream_epoch, loop.ledger.account.next_intent)
        loop.decide(StreamRestarted(stream_epoch))
        await loop.flush()

    async def _read(
        self, report: RecoveryReport, at_start: bool, past_since: Mapping[str, int], all_symbols: bool
    ) -> Reading:
        """Read once, merge, and compare."""
        loop = self._loop
        if not loop.stream_lost:
            loop.reconcile_wanted = self._wanted
        async with self._unheard.while_lost(self._traded(), works_on=not at_start):
            reading = await read_exchange(
                loop.broker,
                loop.ledger,
                loop.store,
                self._traded(),
                at_start=at_start,
                income_since_ms=self._income_since_ms(),
                unknown=self.unknown,
                past_since=past_since,
                all_symbols=all_symbols,
                during=idle_during if at_start else partial(work_during, loop),
                trades=partial(self._unheard.read, tells=not at_start),
            )
        self._wanted = loop.reconcile_wanted
        # What was sent around the session meanwhile may have been read, and was recorded before it was sent.
        await import_emergency(loop, self._side_journal)
        failpoint("recovery.read")
        self._strange |= symbols_of(reading)
        found = reading.merge.orders
        unamended = self._amendments.judge(loop.ledger.orders.values(), found, reading.judgement.now_ms)
        merge = replace(reading.merge, unamended=unamended)
        for position in reading.positions:
            loop.desk.set_told_price(position.symbol, position.mark_price)
        report.orders_checked = len(merge.orders) + len(merge.dead) + len(merge.lost)
        step = loop.decide(merge)
        report.risen = tuple(self._risen(step, merge))
        fills_added = sum(1 for event in step.events if type(event) is FillBooked)
        report.fills_added += fills_added + self._unheard.counted()
        report.income_added += sum(1 for event in step.events if type(event) is IncomeBooked)
        await loop.flush()
        failpoint("recovery.merged")
        report.differences = differences(loop.ledger, reading)
        if report.agrees:
            self._income_read_ms = max((i.at_ms for i in merge.income), default=self._income_read_ms)
            note_isolated_wallets(loop.desk, loop.ledger, reading.positions)
        return reading

    def _risen(self, step: Step, merge: ExchangeRead) -> Iterator[CancelOrder]:
        """Of the cancels that a read led to, those of entries that the books do not wait for any more."""
        known = {order.client_order_id: order for order in merge.known} | self._loop.ledger.orders
        for effect in step.effects:
            if type(effect) is CancelOrder:
                order = known[effect.client_order_id]
                if not (order.is_open or order.ticket.reduce_only):
                    yield effect

    def _income_since_ms(self) -> int:
        """From when on income is read: a row may show up behind a later one, but none from before the books began."""
        ledger = self._loop.ledger
        if self._opened_ms is None:
            # Every row is looked at for it, once.
            self._opened_ms = opened_ms(ledger) or 0
        newest_ms = max(ledger.account.income_ms, self._income_read_ms)
        return max(self._opened_ms, newest_ms - INCOME_OVERLAP_MS)

    async def _pause(self, pause_ms: int) -> None:
        """Let session time pass without being deaf: news is worked in, exits go out, nothing is opened."""
        self._loop.desk.suspension = "store and exchange differ: they are compared again"
        if pause_ms:
            await work_for(self._loop, pause_ms)

    async def _conclude(self, report: RecoveryReport, reading: Reading) -> None:
        """Record the run; look after attempts of unknown outcome that it has not settled."""
        loop = self._loop
        doubts = self.unknown.agreed(reading.judgement, disputed(report.differences))
        if not loop.stream_lost:
            loop.reconcile_wanted = self._wanted
        loop.decide(
            RecoveryConcluded(
                report.cause,
                report.orders_checked,
                report.fills_added,
                report.income_added,
                report.differences,
                doubts,
            )
        )
        venue = loop.broker.venue_time()
        now_ms = venue.now_ms - venue.error_ms
        for symbol in self.unknown.fences_wanted(loop.ledger, now_ms):
            if loop.decide(PlaceFence(symbol)).effects:
                self.unknown.fence_placed(loop.ledger, symbol)
        if self.unknown.asks_again:
            loop.inputs.after(READS_APART_MS, self._ask_again)
        if not loop.stream_lost:
            loop.desk.suspension = self._hold = self.unknown.hold(loop.ledger, now_ms)
        await loop.flush()
        failpoint("recovery.concluded")

    def _ask_again(self) -> None:
        loop = self._loop
        loop.reconcile_wanted = loop.reconcile_wanted or "an accepted order is not shown"
