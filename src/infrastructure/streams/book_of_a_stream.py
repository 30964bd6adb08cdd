"""How a book is kept in step with its stream: what is held, what joins on, and when a snapshot may be asked for again.

Events are held until a snapshot is there, older ones dropped. The first event after the snapshot spans its id
(U ≤ lastUpdateId ≤ u), as a snapshot may show a part of what the stream has yet to tell; from then on each event names
the one before (pu = u). Where one does not, the book is lost.
Source: USDⓈ-M "How to manage a local order book correctly".
"""

import asyncio
from contextlib import suppress
from typing import Final

from src.infrastructure.market_data.frames import DepthSnapshot, DepthUpdate

HELD_MAX: Final = 10_000
RESYNC_S: Final = 0.5
"""The pause before a snapshot is asked for a second time; each is twice as long as the one before."""
RESYNC_LONGEST_S: Final = 8.0
STOOD_S: Final = 60.0
"""A book that has held for so long is not one that breaks again and again: its next snapshot is asked for at once."""


class StreamedBook:
    """Whether a symbol's book is complete, and the events held until it is. Times are seconds of any steady clock."""

    def __init__(self) -> None:
        self.last_update_id: int | None = None
        self.is_asking = False
        self._is_joined = False  # An event has followed the snapshot.
        self._begun_s = 0.0
        self._asked = 0
        self._held: list[DepthUpdate] = []
        self._hears = asyncio.Event()

    def forget(self) -> None:
        """Begin anew: what was held is of a connection that is gone."""
        self._held.clear()
        self._hears.clear()

    def lose(self, now_s: float) -> None:
        """The book is not known from now on."""
        if self.last_update_id is not None and now_s - self._begun_s >= STOOD_S:
            self._asked = 0
        self.last_update_id = None

    def next_pause_s(self) -> float:
        """How long to wait before a snapshot is asked for: not at all, then longer each time until a book has held."""
        asked, self._asked = self._asked, self._asked + 1
        return min(RESYNC_LONGEST_S, RESYNC_S * float(1 << min(asked - 1, 10))) if asked else 0.0

    async def heard(self, patience_s: float) -> None:
        """Wait for an event that a snapshot can be joined to; a symbol in which nothing happens has none."""
        with suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                await self._hears.wait()

    def hold(self, event: DepthUpdate) -> None:
        """Keep an event until a snapshot says whether it is needed."""
        if self._held and event.previous_final_update_id != self._held[-1].final_update_id:
            self._held.clear()
        if len(self._held) < HELD_MAX:
            self._held.append(event)
        self._hears.set()

    def begin(self, snapshot: DepthSnapshot, now_s: float) -> list[DepthUpdate] | None:
        """The held events that follow the snapshot; None when it is older than all that is held."""
        last = snapshot.last_update_id
        newer = [event for event in self._held if event.final_update_id >= last]
        if newer and not _follows_snapshot(newer[0], last):
            return None
        self._held = []
        self._is_joined = bool(newer)
        self._begun_s = now_s
        self.last_update_id = newer[-1].final_update_id if newer else last
        return newer

    def join(self, event: DepthUpdate) -> bool:
        """Put an event behind what is known, if it follows on that."""
        last = self.last_update_id
        if last is None or not (
            event.previous_final_update_id == last if self._is_joined else _follows_snapshot(event, last)
        ):
            return False
        self._is_joined = True
        self.last_update_id = event.final_update_id
        return True


def _follows_snapshot(event: DepthUpdate, last_update_id: int) -> bool:
    """Whether an event leads on from a snapshot: it spans its id, or begins behind it without a gap."""
    return (
        event.first_update_id <= last_update_id <= event.final_update_id
        or event.previous_final_update_id == last_update_id
    )
