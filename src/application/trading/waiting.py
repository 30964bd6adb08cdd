"""Letting time pass without being deaf: news is worked in, exits go out."""

import asyncio
from collections.abc import Coroutine
from typing import Any, Protocol, TypeVar

from src.application.trading.session_loop import SessionLoop

T = TypeVar("T")


async def work_for(loop: SessionLoop, duration_ms: int) -> None:
    """Work in what comes for so much session time, or until the inputs end."""
    over = False

    def end() -> None:
        nonlocal over
        # The inbox hands over nothing more before a commit.
        over = loop.pending = True

    loop.inputs.after(duration_ms, end)
    while not over and await loop.turn():
        pass


class During(Protocol):
    """Awaits a question to an exchange."""

    async def __call__(self, question: Coroutine[Any, Any, T], /) -> T:
        """The answer; raises what the question raises."""
        ...


async def idle_during(question: Coroutine[Any, Any, T], /) -> T:
    """Do nothing else until a question to an exchange is answered; raises what the question raises."""
    return await question


async def work_during(loop: SessionLoop, question: Coroutine[Any, Any, T], /) -> T:
    """Work in what comes until a question to an exchange is answered; raises what the question raises.

    An exchange in this process answers at once: there is nothing to wait for.
    """
    if loop.broker.consistency.requests_die_with_process:
        return await question
    asked = asyncio.get_running_loop().create_task(question)
    # The inbox sleeps until something comes.
    asked.add_done_callback(lambda _: loop.inputs.post(_nothing))
    try:
        # What needs no waiting is answered already.
        await loop.inputs.breathe()
        while not asked.done() and await loop.turn():
            pass
        return await asked
    finally:
        asked.cancel()


def _nothing() -> None:
    """An input that only wakes the session."""
