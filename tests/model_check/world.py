"""The world a policy is tried in: its bounds, its faults, and one state of it.

A state holds only what can still matter, in small integers, so that hundreds of
thousands of states fit into seconds. Ticks are intervals, not instants: all that
happens within one tick may happen in any order.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final, NamedTuple

from tests.model_check.policies import Clock, Policy, Wait

# What the journal says about an attempt; this survives a crash.
ABSENT: Final = 0  # its id was never written down
OPEN: Final = 1  # written down, outcome unknown, exposure reserved
LIVE: Final = 2  # adopted: the order exists at the exchange
DEAD: Final = 3  # refused or believed dead: the reservation is released

# Where the call of the present process stands; a crash forgets this.
IDLE: Final = 0  # no call of this process
SIGNED: Final = 1  # may be sent
WAITING: Final = 2  # sent, no answer on the way yet
ACCEPTED: Final = 3  # the answer "accepted" is on the way
REFUSED: Final = 4  # the answer "refused" is on the way
TIMED_OUT: Final = 5  # the session gave up waiting

NEVER: Final = -1


@dataclass(frozen=True, slots=True)
class World:
    """Bounds of the search and the faults that may happen. Times are in ticks."""

    horizon: int
    signatures: int  # requests a session may sign in all
    crashes: int = 2
    recv_window: int = 1
    read_lag: int = 2
    clock_step: int = 2  # the local clock may step ahead once by this much
    stream_gaps: bool = True

    # What the policy believes; wrong when an exchange breaks its promises.
    read_lag_bound: int = 2
    deadline_margin: int = 0

    # Promises of the exchange that may be broken.
    late_acceptance: int = 0  # ticks after the deadline in which it still accepts
    stream_omits: bool = False  # an execution may be missing on an unbroken stream
    stream_reorders: bool = False  # another order's event may overtake

    # Variants that check the model itself.
    orders_rest: bool = False  # limit orders that stay open, never filled
    merge_equivalent: bool = True  # False: search without any reduction


class Attempt(NamedTuple):
    """One client order id: our journal and memory of it, and the exchange's truth."""

    journal: int
    call: int
    signed_at: int  # by the policy's clock
    not_found: bool  # memory: a query that counted did not find it
    stream_unbroken: bool  # memory: the stream has no gap since before the send
    executions: int  # at the exchange, 2 meaning two or more
    age: int  # ticks since the first execution, capped where it stops to matter


class Request(NamedTuple):
    """A submission on its way to the exchange."""

    attempt: int
    signed_at: int
    awaited: bool  # the caller still waits for the answer


class State(NamedTuple):
    """Everything at one instant.

    The stream holds the events that the exchange has sent and the session has not
    read, in order: the time of another own order's event (a possible fence), or
    ``-1 - n`` for the execution of attempt ``n``.
    """

    tick: int
    crashes_left: int
    signatures_left: int
    clock_stepped: bool
    attempts: tuple[Attempt, ...]
    requests: tuple[Request, ...]
    stream: tuple[int, ...]


class Action(Enum):
    """What may happen: who does it, and the words for a trace."""

    TICK = "time", "one tick passes"
    CLOCK_STEP = "time", "the local clock steps ahead"
    CRASH = "process", "dies and restarts: memory, answers and stream are lost"
    SIGN = "session", "signs {order} and writes it down"
    SIGN_UNWRITTEN = "session", "signs {order} without writing it down"
    SEND = "session", "sends {order}"
    RESEND = "session", "signs the same id again and sends {order} once more"
    TIME_OUT = "session", "gives up waiting for the answer about {order}"
    READ_ACCEPTED = "session", "reads the answer: {order} accepted"
    READ_REFUSED = "session", "reads the answer: {order} refused, hence dead"
    NEVER_SENT = "session", "knows it never sent {order}, hence dead"
    FIND = "session", "asks for {order} and finds it"
    NOT_FOUND = "session", "asks for {order}: not found"
    CONCLUDE = "session", "concludes from 'not found' that {order} is dead"
    DECLARE = "session", "declares {order} dead without evidence"
    EXECUTE = "exchange", "accepts {order}, which executes at once"
    DUPLICATE = "exchange", "answers that {order} is open already"
    REFUSE = "exchange", "refuses {order}"
    LOSE = "network", "loses a request of {order}"
    OTHER_EVENT = "exchange", "reports an event of another own order"
    STREAM_GAP = "network", "breaks the stream: unread events are lost"
    READ_EXECUTION = "session", "reads on the stream that {order} executed"
    READ_NO_FENCE = "session", "reads another order's event, which proves nothing"
    READ_FENCE = "session", "reads another order's event: {order} is dead"


class Move(NamedTuple):
    """One step of a trace: what happens, to which attempt."""

    action: Action
    attempt: int


@dataclass(frozen=True, slots=True)
class Model:
    """A policy in a world: the transition system that is searched."""

    policy: Policy
    world: World

    @property
    def accepted_for(self) -> int:
        """Ticks after signing in which the exchange really accepts a request."""
        return self.world.recv_window + self.world.late_acceptance

    @property
    def waits_for(self) -> int:
        """Ticks after signing that the policy lets pass before negative evidence."""
        world, wait = self.world, self.policy.wait
        if wait is Wait.NOTHING:
            return NEVER
        lag = world.read_lag_bound if wait is Wait.DEADLINE_AND_READ_LAG else 0
        return world.recv_window + world.deadline_margin + lag

    def initial(self) -> State:
        """Nothing has happened; the wish to trade exists."""
        world = self.world
        return State(0, world.crashes, world.signatures, False, (), (), ())

    def now(self, state: State) -> int:
        """The time by the clock of the policy."""
        if self.policy.clock is Clock.LOCAL and state.clock_stepped:
            return state.tick + self.world.clock_step
        return state.tick


Successor = tuple[Move, State]


def with_attempt(state: State, number: int, attempt: Attempt) -> tuple[Attempt, ...]:
    """All attempts of the state, with one of them exchanged."""
    return (*state.attempts[:number], attempt, *state.attempts[number + 1 :])


def closed(attempt: Attempt, journal: int) -> Attempt:
    """The attempt with its outcome settled; what no longer matters is cleared."""
    return Attempt(journal, IDLE, NEVER, False, False, attempt.executions, 0)
