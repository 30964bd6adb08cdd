"""What the session does: the interpreter of a policy.

Every move is optional in every tick, so a session may stall anywhere: between
writing down and sending, between a query and what it concludes from it.
"""

from collections.abc import Iterator

from tests.model_check.policies import Proof, Reaction, Write
from tests.model_check.world import (
    ABSENT,
    ACCEPTED,
    DEAD,
    IDLE,
    LIVE,
    OPEN,
    REFUSED,
    SIGNED,
    TIMED_OUT,
    WAITING,
    Action,
    Attempt,
    Model,
    Move,
    Request,
    State,
    Successor,
    closed,
    with_attempt,
)


def session_moves(model: Model, state: State) -> Iterator[Successor]:
    """Yield every step the session may take now."""
    if not state.attempts:
        yield from _sign(model, state)
        return
    number = len(state.attempts) - 1
    attempt = state.attempts[number]
    if attempt.journal == DEAD:
        if model.policy.replaces_dead_attempts:
            yield from _sign(model, state)
    elif attempt.call == SIGNED:
        yield _send(state, number, attempt)
        yield _settle(state, number, DEAD, Action.NEVER_SENT)
    elif attempt.call in (WAITING, ACCEPTED, REFUSED):
        yield from _wait_for_the_answer(state, number, attempt)
    elif attempt.journal != LIVE:
        yield from _resolve(model, state, number, attempt)
    if state.stream:
        yield _read_the_stream(model, state)


def _sign(model: Model, state: State) -> Iterator[Successor]:
    """A new attempt under a new id, with the time it is signed for, is made."""
    if not state.signatures_left:
        return
    written = model.policy.write is Write.BEFORE_SEND
    attempt = Attempt(
        journal=OPEN if written else ABSENT,
        call=SIGNED,
        signed_at=model.now(state),
        not_found=False,
        stream_unbroken=False,
        executions=0,
        age=0,
    )
    yield (
        Move(Action.SIGN if written else Action.SIGN_UNWRITTEN, len(state.attempts)),
        state._replace(
            signatures_left=state.signatures_left - 1,
            attempts=(*state.attempts, attempt),
        ),
    )


def _send(state: State, number: int, attempt: Attempt) -> Successor:
    sent = attempt._replace(call=WAITING, stream_unbroken=True)
    return Move(Action.SEND, number), _in_flight(state, number, sent)


def _resend(model: Model, state: State, number: int, attempt: Attempt) -> Successor:
    sent = attempt._replace(call=WAITING, signed_at=model.now(state), not_found=False)
    budget = state._replace(signatures_left=state.signatures_left - 1)
    return Move(Action.RESEND, number), _in_flight(budget, number, sent)


def _in_flight(state: State, number: int, attempt: Attempt) -> State:
    request = Request(number, attempt.signed_at, awaited=True)
    return state._replace(
        attempts=with_attempt(state, number, attempt),
        requests=tuple(sorted((*state.requests, request))),
    )


def _wait_for_the_answer(state: State, number: int, attempt: Attempt) -> Iterator[Successor]:
    if attempt.call == ACCEPTED:
        yield _settle(state, number, LIVE, Action.READ_ACCEPTED)
    if attempt.call == REFUSED:
        yield _settle(state, number, DEAD, Action.READ_REFUSED)
    timed_out = with_attempt(state, number, attempt._replace(call=TIMED_OUT))
    unheard = (r._replace(awaited=False) for r in state.requests)
    yield (
        Move(Action.TIME_OUT, number),
        state._replace(attempts=timed_out, requests=tuple(sorted(unheard))),
    )


def _resolve(model: Model, state: State, number: int, attempt: Attempt) -> Iterator[Successor]:
    """The outcome is unknown: react as the policy says, and ask the exchange."""
    policy = model.policy
    forgotten = attempt.call == IDLE
    reaction = policy.on_restart if forgotten else policy.on_timeout
    if reaction is Reaction.SEND_NEW_ID:
        yield from _sign(model, state)
    if reaction is Reaction.SEND_SAME_ID_AGAIN and state.signatures_left:
        yield _resend(model, state, number, attempt)
    if reaction is Reaction.DECLARE_DEAD:
        yield _settle(state, number, DEAD, Action.DECLARE)
    if attempt.journal == OPEN:  # without a written id there is nothing to ask for
        yield from _ask(model, state, number, attempt)


def _ask(model: Model, state: State, number: int, attempt: Attempt) -> Iterator[Successor]:
    if attempt.executions:
        yield _settle(state, number, LIVE, Action.FIND)
    if model.policy.proof is not Proof.NOT_FOUND:
        return
    if attempt.not_found:
        yield _settle(state, number, DEAD, Action.CONCLUDE)
    elif _may_miss(model, attempt) and _waited(model, attempt, model.now(state)):
        missed = attempt._replace(not_found=True)
        yield (
            Move(Action.NOT_FOUND, number),
            state._replace(attempts=with_attempt(state, number, missed)),
        )


def _may_miss(model: Model, attempt: Attempt) -> bool:
    """Whether a query may answer "not found".

    A tick is an interval, so a view that is ``read_lag`` old may still be from
    before the moment of execution in the tick that lies ``read_lag`` back.
    """
    lag = model.world.read_lag
    return not attempt.executions or 0 < lag >= attempt.age


def _waited(model: Model, attempt: Attempt, time: int) -> bool:
    """Whether negative evidence from this time satisfies the policy."""
    return time - attempt.signed_at > model.waits_for


def _read_the_stream(model: Model, state: State) -> Successor:
    event, rest = state.stream[0], state._replace(stream=state.stream[1:])
    if event < 0:
        number = -1 - event
        if state.attempts[number].journal == DEAD:  # too late to be any use
            return Move(Action.READ_EXECUTION, number), rest
        return _settle(rest, number, LIVE, Action.READ_EXECUTION)
    number = len(state.attempts) - 1
    if _is_a_fence(model, state.attempts[number], event):
        return _settle(rest, number, DEAD, Action.READ_FENCE)
    return Move(Action.READ_NO_FENCE, number), rest


def _is_a_fence(model: Model, attempt: Attempt, time: int) -> bool:
    """Whether another order's event of this time proves the attempt dead."""
    policy = model.policy
    return (
        policy.proof is Proof.FENCE
        and attempt.journal == OPEN
        and attempt.call in (TIMED_OUT, IDLE)
        and (attempt.stream_unbroken or policy.fence_survives_a_gap)
        and _waited(model, attempt, time)
    )


def _settle(state: State, number: int, journal: int, action: Action) -> Successor:
    """The outcome is journalled; then nothing unread on the stream matters any more.

    It can only repeat what is known, or be an event from before the next attempt.
    """
    attempts = with_attempt(state, number, closed(state.attempts[number], journal))
    return Move(action, number), state._replace(attempts=attempts)
