"""Virtual time: one heap of (time, rank, sequence) that everything of a paper session hangs on.

Market frames, the exchange's answers and events after their latencies, and the session's timers are all entries
of one order; ties are broken by rank (a market frame comes before all of them), then by who asked first. Wall
time never enters, so the same inputs give the same history at any speed.
"""

import heapq
from collections.abc import Callable

NS_PER_MS = 1_000_000

RANK_EXCHANGE = 1
RANK_ANSWER = 2
RANK_TIMER = 3
RANK_COMMAND = 4


class Timeline:
    """The heap and the present moment, in ns since the epoch; the moment never goes back."""

    __slots__ = ("_heap", "_sequence", "next_ns", "now_ns", "on_their_way")

    def __init__(self, start_ns: int = 0) -> None:
        self.now_ns = start_ns
        self.next_ns: int | None = None
        """When the earliest entry is due, or None when there is none."""
        self._heap: list[tuple[int, int, int, Callable[[], None]]] = []
        self._sequence = 0
        self.on_their_way = 0
        """Entries other than timers: requests, answers, events and commands that will still arrive."""

    @property
    def now_ms(self) -> int:
        """The present moment in ms since the epoch."""
        return self.now_ns // NS_PER_MS

    def schedule(self, at_ns: int, rank: int, action: Callable[[], None]) -> None:
        """Call ``action`` when time has come to ``at_ns``; a moment already past means now."""
        self._sequence += 1
        self.on_their_way += rank != RANK_TIMER
        due_ns = at_ns if at_ns > self.now_ns else self.now_ns
        heapq.heappush(self._heap, (due_ns, rank, self._sequence, action))
        self.next_ns = self._heap[0][0]

    def advance_to(self, at_ns: int) -> None:
        """Move the present forward; an earlier moment leaves it where it is."""
        if at_ns > self.now_ns:
            self.now_ns = at_ns

    def run_next(self) -> None:
        """Take the earliest entry, move to its time and call it."""
        heap = self._heap
        at_ns, rank, _, action = heapq.heappop(heap)
        self.next_ns = heap[0][0] if heap else None
        self.on_their_way -= rank != RANK_TIMER
        self.advance_to(at_ns)
        action()
