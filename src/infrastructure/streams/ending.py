"""How tasks are ended for sure."""

import asyncio
from collections.abc import Iterable
from typing import Any, Final

AGAIN_S: Final = 0.1


async def end_tasks(tasks: Iterable[asyncio.Task[Any]]) -> list[Exception]:
    """Cancel tasks until each of them is over; the errors that any of them ended with.

    One cancel may be lost: an HTTP client whose time for an answer is over just then makes a failed request of both,
    and whoever made the request tries again.
    """
    all_of_them = list(tasks)
    pending = set(all_of_them)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=AGAIN_S)
    errors = [None if task.cancelled() else task.exception() for task in all_of_them]
    return [error for error in errors if isinstance(error, Exception)]
