"""The order's three small machines, as tables.

REST answers and the user stream race, so every piece of old news has a row and changes nothing. A fill is real
money: it is booked whatever the status, which is why the terminal rows accept late fills. A missing row means that
we no longer understand the order: its symbol is halted, an alarm is raised, the session goes on.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from src.domain.orders.types import OrderStatus as S


class OrderTrigger(StrEnum):
    """What can happen to an order."""

    DENY = "DENY"
    ACCEPT = "ACCEPT"
    REJECT = "REJECT"
    TRIGGER = "TRIGGER"
    PARTIAL_FILL = "PARTIAL_FILL"
    FINAL_FILL = "FINAL_FILL"
    CANCEL = "CANCEL"
    EXPIRE = "EXPIRE"


_T = OrderTrigger

ORDER_TRANSITIONS: Final[Mapping[S, Mapping[OrderTrigger, S]]] = {
    S.PENDING_NEW: {
        _T.DENY: S.DENIED,
        _T.ACCEPT: S.NEW,
        _T.REJECT: S.REJECTED,
        # The stream may beat the answer; a market order may be over before it is acknowledged.
        _T.TRIGGER: S.TRIGGERED,
        _T.PARTIAL_FILL: S.PARTIALLY_FILLED,
        _T.FINAL_FILL: S.FILLED,
        _T.CANCEL: S.CANCELED,
        _T.EXPIRE: S.EXPIRED,
    },
    S.NEW: {
        _T.ACCEPT: S.NEW,  # old news
        _T.TRIGGER: S.TRIGGERED,
        _T.PARTIAL_FILL: S.PARTIALLY_FILLED,
        _T.FINAL_FILL: S.FILLED,
        _T.CANCEL: S.CANCELED,
        _T.EXPIRE: S.EXPIRED,
        # A conditional order is checked for margin only when it triggers.
        _T.REJECT: S.REJECTED,
    },
    S.TRIGGERED: {
        _T.ACCEPT: S.TRIGGERED,  # the child order's own NEW, or old news
        _T.TRIGGER: S.TRIGGERED,
        _T.PARTIAL_FILL: S.PARTIALLY_FILLED,
        _T.FINAL_FILL: S.FILLED,
        _T.CANCEL: S.CANCELED,
        _T.EXPIRE: S.EXPIRED,
        _T.REJECT: S.REJECTED,
    },
    S.PARTIALLY_FILLED: {
        _T.ACCEPT: S.PARTIALLY_FILLED,  # old news
        _T.TRIGGER: S.PARTIALLY_FILLED,  # old news
        _T.PARTIAL_FILL: S.PARTIALLY_FILLED,
        _T.FINAL_FILL: S.FILLED,
        _T.CANCEL: S.CANCELED,
        _T.EXPIRE: S.EXPIRED,
    },
    S.FILLED: {
        _T.ACCEPT: S.FILLED,  # old news
        _T.TRIGGER: S.FILLED,  # old news
        # More than was ordered: booked, because it is money; the caller raises the alarm.
        _T.FINAL_FILL: S.FILLED,
    },
    S.CANCELED: {
        _T.ACCEPT: S.CANCELED,  # old news
        _T.TRIGGER: S.CANCELED,  # old news
        _T.CANCEL: S.CANCELED,  # old news
        _T.EXPIRE: S.CANCELED,  # the other channel's word for the same end
        # The answer to the cancel overtook a trade on the stream.
        _T.PARTIAL_FILL: S.CANCELED,
        _T.FINAL_FILL: S.FILLED,
    },
    S.EXPIRED: {
        _T.ACCEPT: S.EXPIRED,  # old news
        _T.TRIGGER: S.EXPIRED,  # old news
        _T.CANCEL: S.EXPIRED,  # the other channel's word for the same end
        _T.EXPIRE: S.EXPIRED,  # old news
        _T.PARTIAL_FILL: S.EXPIRED,
        _T.FINAL_FILL: S.FILLED,
    },
    S.REJECTED: {
        _T.REJECT: S.REJECTED,  # old news
        # A conditional order rested before it was refused; that a refused attempt lives is noticed by the attempt.
        _T.ACCEPT: S.REJECTED,
        _T.TRIGGER: S.REJECTED,
        # An order declared dead came alive: invariant I9 is broken, but the money is booked.
        _T.PARTIAL_FILL: S.REJECTED,
        _T.FINAL_FILL: S.FILLED,
    },
    S.DENIED: {},
}


class AttemptState(StrEnum):
    """What we know about the one transmission of an order."""

    OPEN = "OPEN"
    ACKED = "ACKED"
    REFUSED = "REFUSED"
    UNKNOWN = "UNKNOWN"
    DEAD = "DEAD"


UNRESOLVED: Final = frozenset({AttemptState.OPEN, AttemptState.UNKNOWN})
"""Whether it happened is not settled; the order is PENDING_NEW exactly as long."""


BURIED: Final = frozenset({AttemptState.REFUSED, AttemptState.DEAD})
"""It did not happen, and never will: a sighting of such an attempt is a breach."""


class AttemptTrigger(StrEnum):
    """Evidence about a transmission. FOUND is any sighting; NOT_SENT only the sending process can say.

    RELEASED is no evidence: a person took the responsibility for an attempt that nothing proves dead.
    """

    ACCEPTED = "ACCEPTED"
    REFUSED = "REFUSED"
    LOST = "LOST"
    NOT_SENT = "NOT_SENT"
    FOUND = "FOUND"
    PROVEN_DEAD = "PROVEN_DEAD"
    RELEASED = "RELEASED"


_A = AttemptState
_E = AttemptTrigger

ATTEMPT_TRANSITIONS: Final[Mapping[AttemptState, Mapping[AttemptTrigger, AttemptState]]] = {
    _A.OPEN: {
        _E.ACCEPTED: _A.ACKED,
        _E.FOUND: _A.ACKED,
        _E.REFUSED: _A.REFUSED,
        _E.LOST: _A.UNKNOWN,
        _E.NOT_SENT: _A.DEAD,
        _E.PROVEN_DEAD: _A.DEAD,
    },
    _A.UNKNOWN: {
        _E.ACCEPTED: _A.ACKED,
        _E.FOUND: _A.ACKED,
        _E.REFUSED: _A.REFUSED,
        _E.LOST: _A.UNKNOWN,
        # Recovery looked for the attempt while it still waited to be sent, and then it was not.
        _E.NOT_SENT: _A.DEAD,
        _E.PROVEN_DEAD: _A.DEAD,
        _E.RELEASED: _A.DEAD,
    },
    _A.ACKED: {
        _E.ACCEPTED: _A.ACKED,  # the answer, after the stream
        _E.FOUND: _A.ACKED,
        _E.LOST: _A.ACKED,  # the answer was lost, the stream was not
    },
    _A.REFUSED: {
        _E.REFUSED: _A.REFUSED,
        _E.LOST: _A.REFUSED,
    },
    # A tombstone is kept for ever; a sighting of one is a breach and has no row.
    _A.DEAD: {
        _E.REFUSED: _A.DEAD,  # the answer, after the proof
        _E.LOST: _A.DEAD,
        _E.NOT_SENT: _A.DEAD,
        _E.PROVEN_DEAD: _A.DEAD,
    },
}


class CancelState(StrEnum):
    """Whether an end was asked for; a cancel on its way is no status of the order."""

    NONE = "NONE"
    REQUESTED = "REQUESTED"


class CancelTrigger(StrEnum):
    """What moves the request to cancel."""

    REQUEST = "REQUEST"


CANCEL_TRANSITIONS: Final[Mapping[CancelState, Mapping[CancelTrigger, CancelState]]] = {
    CancelState.NONE: {CancelTrigger.REQUEST: CancelState.REQUESTED},
    CancelState.REQUESTED: {
        CancelTrigger.REQUEST: CancelState.REQUESTED,  # cancels are idempotent and may be repeated
    },
}


class ModifyState(StrEnum):
    """Whether an amendment was sent whose outcome is not settled; there is never more than one."""

    NONE = "NONE"
    REQUESTED = "REQUESTED"
    UNKNOWN = "UNKNOWN"


class ModifyTrigger(StrEnum):
    """What moves an amendment. NOT_DONE is a refusal, or the order as it was after the amendment's deadline."""

    REQUEST = "REQUEST"
    DONE = "DONE"
    NOT_DONE = "NOT_DONE"
    LOST = "LOST"


MODIFY_TRANSITIONS: Final[Mapping[ModifyState, Mapping[ModifyTrigger, ModifyState]]] = {
    ModifyState.NONE: {ModifyTrigger.REQUEST: ModifyState.REQUESTED},
    ModifyState.REQUESTED: {
        ModifyTrigger.DONE: ModifyState.NONE,
        ModifyTrigger.NOT_DONE: ModifyState.NONE,
        ModifyTrigger.LOST: ModifyState.UNKNOWN,
    },
    ModifyState.UNKNOWN: {
        ModifyTrigger.DONE: ModifyState.NONE,
        ModifyTrigger.NOT_DONE: ModifyState.NONE,
        ModifyTrigger.LOST: ModifyState.UNKNOWN,  # asked, and still nobody knows
    },
}
