"""Which states count as one, so that a complete search stays small.

Everything here only forgets what can no longer change a verdict. All of it can be switched off
(``World.merge_equivalent``), and a test compares the verdicts of the two searches.
"""

from typing import Final

from tests.model_check.policies import Clock, Proof
from tests.model_check.world import DEAD, LIVE, OPEN, Action, Attempt, Model, Request, State

# Losing a request is the same as its never arriving, which is always possible.
SUBSUMED: Final = Action.LOSE


def finished(model: Model, state: State) -> bool:
    """Whether nothing can follow except that time passes."""
    if state.requests or not state.attempts:
        return False
    journal = state.attempts[-1].journal
    return journal == LIVE or (journal == DEAD and not model.policy.replaces_dead_attempts)


def canonical(model: Model, state: State) -> State:
    """Return the state that stands for all those equivalent to this one."""
    tick, crashes_left, signatures_left, clock_stepped, attempts, requests, stream = state
    return State(
        tick,
        crashes_left,
        signatures_left,
        # A clock that nobody reads.
        clock_stepped and model.policy.clock is Clock.LOCAL,
        tuple([_attempt(model, attempt) for attempt in attempts]),
        tuple([request for request in requests if _matters(model, request, tick)]),
        _unread(model, attempts, stream) if stream else stream,
    )


def _attempt(model: Model, attempt: Attempt) -> Attempt:
    """Forget what only the evidence that the policy does not use depends on."""
    proof = model.policy.proof
    if attempt.age and proof is not Proof.NOT_FOUND:
        attempt = attempt._replace(age=0)
    if attempt.stream_unbroken and proof is not Proof.FENCE:
        attempt = attempt._replace(stream_unbroken=False)
    return attempt


def _matters(model: Model, request: Request, tick: int) -> bool:
    """Forget a request that is too late: it can only be refused, and nobody listens."""
    return request.awaited or tick <= request.signed_at + model.accepted_for


def _unread(model: Model, attempts: tuple[Attempt, ...], stream: tuple[int, ...]) -> tuple[int, ...]:
    """Forget events that tell nothing new.

    Without a fence the stream tells what a query tells as well. With one, only the open attempt
    matters, and another order's event from before it was signed proves nothing about it.
    """
    if model.policy.proof is not Proof.FENCE or attempts[-1].journal != OPEN:
        return ()
    current = -len(attempts)
    return tuple([event for event in stream if event >= 0 or event == current])
