"""Orders sent in an emergency: each recorded before its one transmission, and followed until its end or its doubt."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Final

from src.application.ports.broker import Broker, BrokerError
from src.application.ports.failpoints import failpoint
from src.application.ports.side_journal import SideJournal, SideJournalError
from src.domain.market.sides import PositionSide
from src.domain.orders.client_order_ids import emergency_order_id
from src.domain.orders.emergency import EmergencyOrder
from src.domain.orders.news import Accepted, NotSent, Refused, SubmitOutcome
from src.domain.orders.ticket import Attempt
from src.domain.orders.transitions import AttemptTrigger
from src.domain.risk.review import Approved

RECV_WINDOW_MS: Final = 5_000
ANSWER_WAIT_MS: Final = 15_000
"""More than a request may take: whoever has not answered by then will not."""
SETTLE_MS: Final = 5_000
LOOK_MS: Final = 250
TEXT_BYTES: Final = 100

PassTime = Callable[[int], Awaitable[None]]
"""Lets so many milliseconds of the exchange's time pass, in which answers arrive."""
Tell = Callable[[str], None]
"""Takes a line for people."""
Key = tuple[str, PositionSide]


@dataclass(slots=True)
class Sent:
    """An order of this or an earlier run; ``ended`` says that the exchange showed its end."""

    order: EmergencyOrder
    is_earlier: bool = False
    ended: bool = False

    @property
    def key(self) -> Key:
        """The position that it closes."""
        return self.order.ticket.symbol, self.order.ticket.position_side

    @property
    def is_over(self) -> bool:
        """Whether nothing more can come of it."""
        return self.ended or self.order.trigger in (AttemptTrigger.REFUSED, AttemptTrigger.NOT_SENT)

    @property
    def is_unanswered(self) -> bool:
        """Whether its answer may still come to this process."""
        return self.order.trigger is None and not self.is_earlier


class SentOrders:
    """The orders of one run for one account. ``namespace`` is the account's.

    ``troubles`` collects, in one line each, what a person has to know in the end.
    """

    def __init__(
        self, broker: Broker, journal: SideJournal, namespace: str, pass_time: PassTime, tell: Tell
    ) -> None:
        self._broker = broker
        self._journal = journal
        self._namespace = namespace
        self._pass_time = pass_time
        self._tell = tell
        self._sent: dict[str, Sent] = {}
        self.troubles: list[str] = []

    # --- sending ----------------------------------------------------------------------------------------------

    def recall(self, order: EmergencyOrder) -> None:
        """Follow an order that an earlier run has sent, or was about to."""
        self._sent[order.client_order_id] = Sent(order, is_earlier=True)
        self._tell(f"{order.client_order_id}: sent by an earlier run, outcome unknown")

    def send(self, approved: Approved) -> None:
        """Record it, then send it, once. Raises SideJournalError, and then nothing was sent."""
        ticket, venue_ms = approved.ticket, self._broker.venue_time().now_ms
        name = emergency_order_id(self._namespace, venue_ms, self._journal.next_number)
        order = EmergencyOrder(ticket, Attempt(name, venue_ms, RECV_WINDOW_MS))
        self._journal.append(order)
        self._sent[name] = Sent(order)
        self._tell(
            f"{name}: {ticket.side.value} {ticket.quantity:f} {ticket.symbol} at the market, reduce-only"
        )
        failpoint("emergency.before_submit")
        self._broker.submit(order.ticket, order.attempt)
        failpoint("emergency.after_submit")

    # --- what becomes of them ---------------------------------------------------------------------------------

    def is_doubtful(self, key: Key) -> bool:
        """Whether an order of this run may still close the position, and nobody knows."""
        return any(
            sent.key == key and sent.order.is_unknown and not sent.is_earlier for sent in self._sent.values()
        )

    def unknown(self) -> tuple[str, ...]:
        """The orders of which nobody knows whether they exist."""
        return tuple(name for name, sent in self._sent.items() if sent.order.is_unknown)

    def answer(self, outcome: SubmitOutcome) -> None:
        """The exchange's answer to one of them, or that there will be none."""
        sent = self._sent[outcome.client_order_id]
        if isinstance(outcome, Accepted):
            self._learn(sent, AttemptTrigger.ACCEPTED, exchange_order_id=outcome.exchange_order_id)
        elif isinstance(outcome, Refused):
            self._learn(
                sent, AttemptTrigger.REFUSED, f"{outcome.message} ({outcome.code})", code=outcome.code
            )
        elif isinstance(outcome, NotSent):
            self._learn(sent, AttemptTrigger.NOT_SENT, outcome.reason)
        else:
            self._learn(sent, AttemptTrigger.LOST, outcome.reason)

    async def settle(self) -> None:
        """Wait for answers, then for the ends of what was accepted and for traces of what is unknown."""
        waited_ms = 0
        while waited_ms < ANSWER_WAIT_MS and any(sent.is_unanswered for sent in self._sent.values()):
            await self._pass_time(LOOK_MS)
            waited_ms += LOOK_MS
        for sent in self._sent.values():
            if sent.is_unanswered:
                self._learn(sent, AttemptTrigger.LOST, "no answer")
        end_ms = self._broker.venue_time().now_ms + SETTLE_MS
        while pending := [sent for sent in self._sent.values() if not sent.is_over]:
            for sent in pending:
                await self._look_for(sent)
            if not any(self._is_worth_waiting(sent, end_ms) for sent in pending):
                return
            await self._pass_time(LOOK_MS)

    def _is_worth_waiting(self, sent: Sent, end_ms: int) -> bool:
        """Whether an unknown order may still arrive, or the end of an accepted one may still show."""
        if sent.is_over:
            return False
        now = self._broker.venue_time()
        arrives_until_ms = sent.order.attempt.deadline_ms + self._broker.consistency.arrival_margin_ms
        return now.now_ms - now.error_ms <= (arrives_until_ms if sent.order.is_unknown else end_ms)

    async def _look_for(self, sent: Sent) -> None:
        try:
            report = await self._broker.find(sent.order.ticket.symbol, sent.order.client_order_id)
        except BrokerError:
            # It is asked for again, or stays unknown: what else is to be done does not wait for it.
            return
        if report is None:
            return
        if sent.order.is_unknown:
            self._learn(sent, AttemptTrigger.FOUND, exchange_order_id=report.exchange_order_id)
        sent.ended = report.status.is_terminal

    def _learn(
        self,
        sent: Sent,
        trigger: AttemptTrigger,
        text: str = "",
        *,
        exchange_order_id: int | None = None,
        code: int = 0,
    ) -> None:
        """Record what has become known of an order, and say it."""
        name, reason = sent.order.client_order_id, short(text)
        sent.order = replace(
            sent.order, trigger=trigger, exchange_order_id=exchange_order_id, code=code, reason=reason
        )
        self._tell(f"{name}: {_WORDS[trigger]}{f': {reason}' if reason else ''}")
        try:
            self._journal.append(sent.order)
        except SideJournalError as error:
            # In the records it stays unknown, and the next start asks the exchange.
            self.trouble(f"the outcome of {name} is not recorded: {error}")

    def trouble(self, text: str) -> None:
        """Say it now, once, and again in the end."""
        if text not in self.troubles:
            self.troubles.append(text)
            self._tell(text)


_WORDS: Final = {
    AttemptTrigger.ACCEPTED: "accepted",
    AttemptTrigger.FOUND: "found at the exchange",
    AttemptTrigger.REFUSED: "REFUSED",
    AttemptTrigger.NOT_SENT: "NOT SENT",
    AttemptTrigger.LOST: "outcome UNKNOWN",
}


def short(text: str) -> str:
    """What of a text has room in a record, in one line."""
    line = "".join(char for char in text if char.isprintable())
    return line.encode("utf-8", "replace")[:TEXT_BYTES].decode("utf-8", "ignore")
