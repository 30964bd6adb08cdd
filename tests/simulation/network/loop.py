"""An event loop without a clock, sockets or threads: virtual time, and several simulated processes on it.

Every callback belongs to the process in whose context it was scheduled. Within a process callbacks run in the order
that asyncio promises; which process goes on next is drawn from the seed, as is what happens on the network between
them. When nobody has anything to do, time jumps to the next timer. A killed process never runs again: its callbacks
are dropped, its connections break.
"""

import asyncio
import contextvars
import heapq
import random
from collections import deque
from collections.abc import Callable
from typing import Any, Final

STEP_NS: Final = 2_000
"""What one callback takes, so that time passes even for a program that never waits."""
NS_PER_S: Final = 1_000_000_000
UNWINDING_S: Final = 1.0
UNWINDINGS_MAX: Final = 8

Hook = Callable[["Process"], None]


class Process:
    """One simulated process: its context, whether it lives, and how many callbacks it has run."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.is_alive = True
        self.steps = 0
        self.kill_at = 0
        """The number of the callback before which it is killed; 0 never."""
        self.asleep_until_ns = 0
        self.waiting: deque[asyncio.Handle] = deque()
        self.dropped: list[asyncio.Handle] = []
        """What it would have run had it not been killed."""
        self.on_death: list[Callable[[], None]] = []
        self.context = contextvars.copy_context()
        self.context.run(_OWNER.set, self)

    def kill(self) -> None:
        """It ends where it is; what it holds is let go as the operating system would."""
        if self.is_alive:
            self.is_alive = False
            self.dropped += self.waiting
            self.waiting.clear()
            for let_go in self.on_death:
                let_go()


_OWNER: contextvars.ContextVar[Process | None] = contextvars.ContextVar("process", default=None)


class Stuck(Exception):
    """Nobody has anything to do, and no timer is set: the program would wait for ever."""


class SimulatedLoop(asyncio.BaseEventLoop):
    """The loop. ``now_ns`` is true time since its beginning; a seed decides who goes next.

    What it needs of the network is set by :class:`~tests.simulation.network.wires.Network`.
    """

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.now_ns = 0
        self.callbacks = 0
        self.failures: list[str] = []
        self._world = Process("world")
        self.processes = [self._world]
        self._graves: list[Process] = []
        self._tasks: list[asyncio.Task[Any]] = []
        self.is_over = False
        self._rng = random.Random(f"schedule:{seed}")
        self._timers: list[Any] = self._scheduled  # type: ignore[attr-defined]  # the base class's heap
        self._new: deque[asyncio.Handle] = self._ready  # type: ignore[attr-defined]  # what call_soon fills
        self.set_exception_handler(self._note)

    def time(self) -> float:
        """Virtual seconds."""
        return self.now_ns / NS_PER_S

    def process(self, name: str) -> Process:
        """A new process."""
        one = Process(name)
        self.processes.append(one)
        return one

    def bury(self, process: Process) -> None:
        """Take a dead process out of the turns."""
        self.processes.remove(process)
        self._graves.append(process)

    def unwind(self) -> None:
        """After the last judgement: let every coroutine that was killed run out, so that its memory can be freed."""
        self.is_over = True
        self.processes += self._graves
        for process in self.processes:
            process.is_alive, process.kill_at, process.asleep_until_ns = True, 0, 0
            process.waiting.extend(process.dropped)
        # Whoever closes politely waits for an answer that does not come any more, and has to be told again.
        for _ in range(UNWINDINGS_MAX):
            tasks = asyncio.all_tasks(self)
            if not tasks:
                return
            for task in tasks:
                task.cancel()
            self.run_until_complete(asyncio.wait(tasks, timeout=UNWINDING_S))

    def create_task(self, coro: Any, **options: Any) -> "asyncio.Task[Any]":
        """As usual; the task is kept, for one that was killed would say a last word when it is freed."""
        task: asyncio.Task[Any] = super().create_task(coro, **options)
        self._tasks.append(task)
        return task

    def current(self) -> Process:
        """Whose callback runs."""
        return _OWNER.get() or self._world

    def _note(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Keep what nobody handled."""
        error = context.get("exception")
        if _is_of_the_server(error):
            return
        if self.current().is_alive and not self.is_over and isinstance(error, Exception | None):
            self.failures.append(f"{self.current().name}: {context['message']}: {error!r}")

    # --- one turn ---------------------------------------------------------------------------------------------

    def _run_once(self) -> None:
        """Let one process work off what it has; before that, let time pass if nobody has anything."""
        self._sort_out()
        awake = [one for one in self.processes if one.waiting and one.asleep_until_ns <= self.now_ns]
        if not awake:
            self._jump()
            return
        chosen = awake[0] if len(awake) == 1 else self._rng.choice(awake)
        waiting = chosen.waiting
        for _ in range(len(waiting)):
            if not waiting:
                break
            handle = waiting.popleft()
            if handle.cancelled():
                continue
            chosen.steps += 1
            if chosen.steps == chosen.kill_at:
                chosen.kill()
                break
            self.callbacks += 1
            self.now_ns += STEP_NS
            handle._run()

    def _sort_out(self) -> None:
        """Give every new callback and every timer that is due to the process whose it is."""
        timers, now = self._timers, self.time()
        while timers and timers[0]._when <= now:
            handle = heapq.heappop(timers)
            handle._scheduled = False
            self._new.append(handle)
        while self._new:
            handle = self._new.popleft()
            owner = handle._context.get(_OWNER) or self._world  # type: ignore[attr-defined]  # the base class's own
            (owner.waiting if owner.is_alive else owner.dropped).append(handle)

    def _jump(self) -> None:
        """Go to the next moment at which there is something to do."""
        timers = self._timers
        while timers and timers[0].cancelled():
            heapq.heappop(timers)._scheduled = False
        moments = [one.asleep_until_ns for one in self.processes if one.waiting]
        if timers:
            # A nanosecond later: a float of seconds is not exact.
            moments.append(int(timers[0]._when * NS_PER_S) + 1)
        if not moments:
            raise Stuck(f"nothing will ever happen again after {self.time():.3f} s")
        self.now_ns = max(self.now_ns, min(moments))

    # --- what a simulation does not have ------------------------------------------------------------------------

    def run_in_executor(self, executor: Any, func: Any, *arguments: Any) -> Any:  # type: ignore[override]  # of no type at all
        """There are no threads."""
        raise AssertionError(f"{func} wants a thread: a simulated program has none")

    def call_soon_threadsafe(  # type: ignore[override]  # of no type at all
        self, callback: Any, *arguments: Any, context: Any = None
    ) -> asyncio.Handle:
        """There is one thread."""
        return self.call_soon(callback, *arguments, context=context)

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Canceled timers are thrown away when their time comes."""


def _is_of_the_server(error: BaseException | None) -> bool:
    """Whether aiohttp's own code tripped over a connection that was lost while a request came in on it."""
    trace = error.__traceback__ if isinstance(error, TypeError) else None
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and trace.tb_frame.f_code.co_filename.endswith("aiohttp/web_protocol.py")
