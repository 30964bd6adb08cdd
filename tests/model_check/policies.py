"""The rules under test, as data.

A policy says what a session does at the points where programs differ: when the
attempt is written down, what a missing answer or a restart leads to, and what is
accepted as proof that an attempt is dead. ``session.py`` is the only interpreter.
"""

from dataclasses import dataclass
from enum import Enum, auto
from types import MappingProxyType
from typing import Final


class Write(Enum):
    """When the client order id reaches the durable journal."""

    BEFORE_SEND = auto()
    AFTER_ANSWER = auto()


class Reaction(Enum):
    """What a session does about an attempt whose outcome it does not know."""

    KEEP_RESERVED = auto()
    SEND_SAME_ID_AGAIN = auto()
    SEND_NEW_ID = auto()
    DECLARE_DEAD = auto()


class Proof(Enum):
    """What is accepted as evidence that an attempt will never execute."""

    NONE = auto()
    NOT_FOUND = auto()
    FENCE = auto()


class Wait(Enum):
    """How long the session waits before it trusts negative evidence."""

    NOTHING = auto()
    DEADLINE = auto()
    DEADLINE_AND_READ_LAG = auto()


class Clock(Enum):
    """The clock that signs requests and measures the wait."""

    EXCHANGE = auto()
    LOCAL = auto()


@dataclass(frozen=True, slots=True)
class Policy:
    """One way to submit orders; the defaults are those of policy G."""

    name: str
    summary: str
    write: Write = Write.BEFORE_SEND
    on_timeout: Reaction = Reaction.KEEP_RESERVED
    on_restart: Reaction = Reaction.KEEP_RESERVED
    proof: Proof = Proof.NONE
    wait: Wait = Wait.NOTHING
    clock: Clock = Clock.EXCHANGE
    fence_survives_a_gap: bool = False

    @property
    def replaces_dead_attempts(self) -> bool:
        """Whether a dead attempt is followed by a new one, under a new id."""
        return self.proof is not Proof.NONE or Reaction.DECLARE_DEAD in (
            self.on_timeout,
            self.on_restart,
        )


_ALL: Final = (
    Policy(
        "A",
        "no durable id; after a timeout or a restart, send again",
        write=Write.AFTER_ANSWER,
        on_timeout=Reaction.SEND_NEW_ID,
        on_restart=Reaction.SEND_NEW_ID,
    ),
    Policy(
        "B",
        "after a timeout, send the same id again",
        on_timeout=Reaction.SEND_SAME_ID_AGAIN,
    ),
    Policy(
        "C",
        "ask once; not found means dead, send a new id",
        proof=Proof.NOT_FOUND,
    ),
    Policy(
        "D",
        "C, asking only after the deadline (signed time + recvWindow)",
        proof=Proof.NOT_FOUND,
        wait=Wait.DEADLINE,
    ),
    Policy(
        "E",
        "D, also waiting out a true bound of the read lag; the local clock is right",
        proof=Proof.NOT_FOUND,
        wait=Wait.DEADLINE_AND_READ_LAG,
        clock=Clock.LOCAL,
    ),
    Policy(
        "E2",
        "E, while the local clock may step ahead",
        proof=Proof.NOT_FOUND,
        wait=Wait.DEADLINE_AND_READ_LAG,
        clock=Clock.LOCAL,
    ),
    Policy(
        "E3",
        "E2, signing and waiting on the exchange's time instead",
        proof=Proof.NOT_FOUND,
        wait=Wait.DEADLINE_AND_READ_LAG,
    ),
    Policy(
        "F",
        "dead when the unbroken stream shows an own event later than the deadline",
        proof=Proof.FENCE,
        wait=Wait.DEADLINE,
    ),
    Policy(
        "F2",
        "F, accepting a fence from before the deadline",
        proof=Proof.FENCE,
    ),
    Policy(
        "F3",
        "F, accepting a fence although the stream had a gap",
        proof=Proof.FENCE,
        wait=Wait.DEADLINE,
        fence_survives_a_gap=True,
    ),
    Policy("G", "never send again; an unknown outcome stays reserved"),
    Policy(
        "H",
        "G, but written down only after the answer",
        write=Write.AFTER_ANSWER,
    ),
    Policy(
        "I",
        "after a restart, sign and send the same id again",
        on_restart=Reaction.SEND_SAME_ID_AGAIN,
    ),
    Policy(
        "J",
        "a missing answer counts as a refusal",
        on_timeout=Reaction.DECLARE_DEAD,
    ),
    Policy(
        "K",
        "after a restart, an open attempt counts as never sent",
        on_restart=Reaction.DECLARE_DEAD,
    ),
)

POLICIES: Final = MappingProxyType({policy.name: policy for policy in _ALL})
