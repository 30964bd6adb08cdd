"""What becomes of attempts without a trace: the evidence about each, and what it proves.

Only venue time counts, and of that the lowest that is possible. Before an attempt's deadline and the exchange's margin
have passed, absence proves nothing. After that an attempt is dead by a fence (a later event of an own order on a stream
that never broke since the attempt was sent), or by quiescence: where reads may lag, at least three of them have to
agree, no trade and no position of the symbol may be unexplained, and the longest lag must have passed. An exchange that
shows every write at once needs one read. Everything else stays unknown: reserved, and its symbol restricted.

An order that was accepted and is not shown has ended. An exchange forgets what ended without a fill three days after it
was made, so nobody may ever say how: as many reads have to agree, then it is forgotten, or, where the exchange should
still remember it, vanished.

Nothing here is stored. A new process counts its reads anew, which can only make it slower.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from src.application.ports.broker import Consistency
from src.application.trading.stream_witness import StreamWitness
from src.domain.decisions.exchange import may_be_of
from src.domain.ledger.events import OutcomeDoubted
from src.domain.ledger.state import Ledger
from src.domain.orders.news import FillReport
from src.domain.orders.order import Order
from src.domain.orders.ticket import SIGNED_AHEAD_MS
from src.domain.orders.transitions import AttemptState
from src.domain.orders.types import Purpose

READS_MIN: Final = 3
READS_APART_MS: Final = 1_000
"""Reads that follow each other sooner may have been answered from the same copy: they count once."""
FENCE_AFTER_MS: Final = 2_000
"""How long an event that serves as a fence may take to come by itself before one is caused."""
FENCES_MAX: Final = 3
"""How many fences are placed for one attempt: an exchange that tells of none of them has another problem."""


class Fate(Enum):
    """What a read that does not show an order makes of it; OPEN: nothing, it may still be on its way.

    UNSEEN: accepted once, and more reads have to agree that it has ended.
    """

    OPEN = auto()
    LOST = auto()
    SILENT = auto()
    DEAD = auto()
    UNSEEN = auto()
    FORGOTTEN = auto()
    VANISHED = auto()


@dataclass(slots=True)
class Trail:
    """What reads have shown of one attempt since it could no longer arrive; times are lower bounds of venue time."""

    reads: int = 0
    first_ms: int = 0
    last_ms: int = 0
    fences: int = 0

    def count(self, now_ms: int) -> bool:
        """Count one more read, unless it follows the last one too soon."""
        if self.reads and now_ms - self.last_ms < READS_APART_MS:
            return False
        self.reads += 1
        self.first_ms, self.last_ms = self.first_ms or now_ms, now_ms
        return True


@dataclass(frozen=True, slots=True)
class Judgement:
    """Orders without a trace, sorted by what one read proves.

    ``silent`` are the unknown ones that it agrees about, ``unseen`` the accepted ones.
    """

    dead: tuple[str, ...]
    lost: tuple[str, ...]
    vanished: tuple[str, ...]
    forgotten: tuple[str, ...] = ()
    proofs: tuple[tuple[str, str], ...] = ()
    silent: tuple[Order, ...] = ()
    unseen: tuple[Order, ...] = ()
    now_ms: int = 0


class UnknownOutcomes:
    """Judges the absence of orders for one session at one exchange."""

    def __init__(self, consistency: Consistency, witness: StreamWitness | None = None) -> None:
        self._promises = consistency
        self._witness = witness or StreamWitness()
        self._trails: dict[str, Trail] = {}
        self._unseen: dict[str, Trail] = {}
        # What has vanished and stays reserved is not asked about again and again.
        self._vanished: frozenset[str] = frozenset()

    def arrives_until_ms(self, order: Order) -> int:
        """The last venue millisecond at which the exchange may accept an order's attempt."""
        return order.attempt.deadline_ms + self._promises.arrival_margin_ms

    def judge(
        self, absent: Iterable[Order], strange: list[FillReport], now_ms: int, at_start: bool
    ) -> Judgement:
        """Sort orders that a read did not show.

        ``now_ms`` is the lowest venue time that is possible, taken before the orders were asked for; ``strange`` are
        trades that nobody can explain. One that may still be on its way is in none of the lists.
        """
        found: dict[Fate, list[Order]] = {fate: [] for fate in Fate}
        proofs = []
        for order in absent:
            fate, proof = self._fate(order, strange, now_ms, at_start)
            found[fate].append(order)
            if proof:
                proofs.append((order.client_order_id, proof))
        silent, unseen = tuple(found[Fate.SILENT]), tuple(found[Fate.UNSEEN])
        shown = self._unseen.keys() - set(_names(unseen))
        for name in shown:
            del self._unseen[name]
        vanished = _names(found[Fate.VANISHED])
        self._vanished = frozenset(vanished)
        return Judgement(
            _names(found[Fate.DEAD]),
            _names((*found[Fate.LOST], *silent)),
            vanished,
            _names(found[Fate.FORGOTTEN]),
            tuple(proofs),
            silent,
            unseen,
            now_ms,
        )

    def _fate(self, order: Order, strange: list[FillReport], now_ms: int, at_start: bool) -> tuple[Fate, str]:
        """What one read's silence makes of an order, and by what it is dead where that took more than the read."""
        promises = self._promises
        late = now_ms > self.arrives_until_ms(order)
        if order.attempt_state is AttemptState.ACKED:
            return (self._fate_of_accepted(order, strange, now_ms) if order.is_open else Fate.OPEN), ""
        if promises.read_your_writes:
            if late or (at_start and promises.requests_die_with_process):
                return Fate.DEAD, ""
            return (Fate.LOST if at_start else Fate.OPEN), ""
        if any(may_be_of(order, fill) for fill in strange):
            self._trails.pop(order.client_order_id, None)
            return (Fate.LOST if late or at_start else Fate.OPEN), ""
        if not late:
            return (Fate.LOST if at_start else Fate.OPEN), ""
        proof = self._proof(order, now_ms)
        return (Fate.DEAD if proof else Fate.SILENT), proof

    def _fate_of_accepted(self, order: Order, strange: list[FillReport], now_ms: int) -> Fate:
        """What silence about an order that was accepted makes of it: where reads lag, nothing while it is young."""
        promises, name = self._promises, order.client_order_id
        if not promises.read_your_writes:
            is_young = now_ms - self.arrives_until_ms(order) <= promises.quiescence_ms
            if is_young or any(may_be_of(order, fill) for fill in strange):
                return Fate.OPEN
            trail = self._unseen.get(name)
            is_clear = name in self._vanished or (trail is not None and trail.reads >= READS_MIN)
            if not is_clear:
                return Fate.UNSEEN
        age_ms = now_ms - order.attempt.timestamp_ms
        is_past = promises.forgets_ms is not None and age_ms > promises.forgets_ms
        return Fate.FORGOTTEN if is_past else Fate.VANISHED

    def _proof(self, order: Order, now_ms: int) -> str:
        """By what an attempt that can no longer arrive is dead, or nothing."""
        until_ms = self.arrives_until_ms(order)
        fence_ms = self._witness.fence_ms(order)
        if fence_ms is not None and fence_ms > until_ms:
            return f"a fence: an event of {fence_ms} came on an unbroken stream, it could arrive until {until_ms}"
        trail = self._trails.get(order.client_order_id)
        if trail is None or trail.reads < READS_MIN or now_ms - until_ms <= self._promises.quiescence_ms:
            return ""
        seconds = (now_ms - until_ms) // 1_000
        return f"no trace in {trail.reads + 1} reads, {seconds} s after it could arrive at the latest"

    def agreed(self, judgement: Judgement, disputed: Collection[str]) -> tuple[OutcomeDoubted, ...]:
        """Count a completed read for those it showed nothing of; one of a ``disputed`` symbol counts for nothing.

        A symbol is disputed when its position differs: what made the difference may be what is looked for.
        """
        doubts = []
        now_ms = judgement.now_ms
        for order in judgement.unseen:
            _count(self._unseen, order, now_ms, disputed)
        for order in judgement.silent:
            if order.attempt_state is not AttemptState.UNKNOWN:
                continue
            trail = _count(self._trails, order, now_ms, disputed)
            if trail is None:
                continue
            name = order.client_order_id
            fence_ms = self._witness.fence_ms(order)
            until_ms = self.arrives_until_ms(order)
            doubts.append(OutcomeDoubted(name, trail.reads, trail.first_ms, now_ms, until_ms, fence_ms))
        return tuple(doubts)

    def sent_since(self, ledger: Ledger) -> dict[str, int]:
        """By symbol, from which moment on (venue time) an order of unknown outcome could have been made."""
        since: dict[str, int] = {}
        if not self._promises.read_your_writes:
            for order in ledger.orders.values():
                if _is_unknown(order):
                    sent_ms = order.attempt.timestamp_ms - SIGNED_AHEAD_MS
                    since[order.symbol] = min(since.get(order.symbol, sent_ms), sent_ms)
        return since

    def hold(self, ledger: Ledger, now_ms: int) -> str:
        """Why nothing is opened in any symbol yet, or nothing: an outcome is unknown and its silence is too young."""
        if self._unseen:
            return f"{next(iter(self._unseen))} was accepted and is not shown: it is asked about again"
        pause_ms = self._promises.others_wait_ms
        unknown = {o.client_order_id: o for o in ledger.orders.values() if _is_unknown(o)}
        for name in self._trails.keys() - unknown.keys():
            del self._trails[name]
        if pause_ms:
            for name, order in unknown.items():
                trail = self._trails.get(name)
                young = now_ms - self.arrives_until_ms(order) <= pause_ms
                if young or trail is None or trail.reads < READS_MIN:
                    return f"the outcome of {name} is unknown: nothing is opened before it has been silent for long"
        return ""

    @property
    def asks_again(self) -> bool:
        """Whether an accepted order is not shown, and reads are to follow each other until it is clear why."""
        return bool(self._unseen)

    def fences_wanted(self, ledger: Ledger, now_ms: int) -> list[str]:
        """Symbols in which an event would prove an attempt dead, and none has come by itself.

        Conditional orders are told of by events of their own, which no fence causes: they wait for one, or for silence.
        """
        symbols: dict[str, None] = {}
        for order in ledger.orders.values():
            trail = self._trails.get(order.client_order_id)
            if (
                trail is not None
                and trail.fences < FENCES_MAX
                and self._awaits_fence(order)
                and now_ms - self.arrives_until_ms(order) >= FENCE_AFTER_MS
            ):
                symbols[order.symbol] = None
        return list(symbols)

    def fence_placed(self, ledger: Ledger, symbol: str) -> None:
        """Count a fence for every attempt that it may prove dead."""
        for order in ledger.orders.values():
            trail = self._trails.get(order.client_order_id)
            if trail is not None and order.symbol == symbol and self._awaits_fence(order):
                trail.fences += 1

    def _awaits_fence(self, order: Order) -> bool:
        ticket = order.ticket
        return (
            _is_unknown(order)
            and ticket.purpose is not Purpose.FENCE
            and not ticket.order_type.is_conditional
            and self._witness.listens_since(order)
        )


def _count(trails: dict[str, Trail], order: Order, now_ms: int, disputed: Collection[str]) -> Trail | None:
    """The trail of an order after one more read, or None where that counts for nothing."""
    name = order.client_order_id
    if order.symbol in disputed:
        trails.pop(name, None)
        return None
    trail = trails.setdefault(name, Trail())
    return trail if trail.count(now_ms) else None


def _names(orders: Iterable[Order]) -> tuple[str, ...]:
    return tuple(order.client_order_id for order in orders)


def _is_unknown(order: Order) -> bool:
    return order.is_open and order.attempt_state is AttemptState.UNKNOWN
