"""What others do: time, crashes, the network and the exchange.

The exchange is as weak as the real one is documented to be. A client order id is
unique only among open orders, so that of an executed order may be used again. The
signed time is checked on arrival, against the exchange's own clock. A request may
arrive in any later tick or never, whether or not its sender is still alive.
"""

from collections.abc import Iterator

from tests.model_check.world import (
    ACCEPTED,
    IDLE,
    LIVE,
    REFUSED,
    WAITING,
    Action,
    Attempt,
    Model,
    Move,
    Request,
    State,
    Successor,
    with_attempt,
)

_NOBODY = -1


def environment_moves(model: Model, state: State) -> Iterator[Successor]:
    """Yield everything that may happen without the session doing anything."""
    yield from _time(model, state)
    yield from _crash(state)
    for index, request in enumerate(state.requests):
        if request not in state.requests[:index]:
            yield from _arrival(model, state, index)
    yield from _stream(model, state)


def _time(model: Model, state: State) -> Iterator[Successor]:
    world = model.world
    if state.tick < world.horizon:
        yield (
            Move(Action.TICK, _NOBODY),
            state._replace(
                tick=state.tick + 1,
                attempts=tuple(_older(a, world.read_lag + 1) for a in state.attempts),
            ),
        )
    if world.clock_step and not state.clock_stepped:
        yield Move(Action.CLOCK_STEP, _NOBODY), state._replace(clock_stepped=True)


def _older(attempt: Attempt, cap: int) -> Attempt:
    if not attempt.executions or attempt.journal >= LIVE or attempt.age == cap:
        return attempt
    return attempt._replace(age=attempt.age + 1)


def _crash(state: State) -> Iterator[Successor]:
    """The process dies and is back: it knows the journal and nothing else.

    Being down for a while is not a case of its own: a session that is up and does
    nothing is as silent, and the stream is cut in any case.
    """
    if not state.crashes_left:
        return
    attempts = tuple(a._replace(call=IDLE, not_found=False, stream_unbroken=False) for a in state.attempts)
    if attempts == state.attempts and not state.stream:
        return  # there is nothing to forget
    yield (
        Move(Action.CRASH, _NOBODY),
        state._replace(
            crashes_left=state.crashes_left - 1,
            attempts=attempts,
            requests=tuple(sorted(r._replace(awaited=False) for r in state.requests)),
            stream=(),
        ),
    )


def _arrival(model: Model, state: State, index: int) -> Iterator[Successor]:
    """A request reaches the exchange, which may also refuse for reasons of its own."""
    request = state.requests[index]
    arrived = state._replace(requests=state.requests[:index] + state.requests[index + 1 :])
    attempt = state.attempts[request.attempt]
    if 0 <= state.tick - request.signed_at <= model.accepted_for:
        if model.world.orders_rest and attempt.executions:
            yield _answered(arrived, request, Action.DUPLICATE, attempt, ACCEPTED)
        else:
            yield from _executed(model, arrived, request)
    if request.awaited:
        yield _answered(arrived, request, Action.REFUSE, attempt, REFUSED)
    yield Move(Action.LOSE, request.attempt), arrived  # or refused, with nobody listening


def _executed(model: Model, state: State, request: Request) -> Iterator[Successor]:
    attempt = state.attempts[request.attempt]
    executed = attempt._replace(executions=min(2, attempt.executions + 1))
    told = state._replace(stream=(*state.stream, -1 - request.attempt))
    yield _answered(told, request, Action.EXECUTE, executed, ACCEPTED)
    if model.world.stream_omits:
        yield _answered(state, request, Action.EXECUTE, executed, ACCEPTED)


def _answered(state: State, request: Request, action: Action, attempt: Attempt, answer: int) -> Successor:
    """The exchange has decided; an answer leaves if somebody waits for it."""
    if request.awaited and attempt.call == WAITING:
        attempt = attempt._replace(call=answer)
    attempts = with_attempt(state, request.attempt, attempt)
    return Move(action, request.attempt), state._replace(attempts=attempts)


def _stream(model: Model, state: State) -> Iterator[Successor]:
    """Another own order's event occurs, or the connection breaks and is renewed.

    One unread event of another order at a time: a second one proves no more.
    """
    if state.attempts and not any(event >= 0 for event in state.stream):
        other = Move(Action.OTHER_EVENT, _NOBODY)
        yield other, state._replace(stream=(*state.stream, state.tick))
        if model.world.stream_reorders:
            yield other, state._replace(stream=(state.tick, *state.stream))
    broken = tuple(a._replace(stream_unbroken=False) for a in state.attempts)
    if model.world.stream_gaps and (broken != state.attempts or state.stream):
        yield Move(Action.STREAM_GAP, _NOBODY), state._replace(attempts=broken, stream=())
