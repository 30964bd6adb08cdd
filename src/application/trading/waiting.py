"""Letting session time pass without being deaf: news is worked in, exits go out."""

from src.application.trading.session_loop import SessionLoop


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
