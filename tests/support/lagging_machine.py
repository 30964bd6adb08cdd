"""A machine that stood still without noticing: its steady clock is behind from then on."""

from src.infrastructure.brokers.venue_clock import NS_PER_MS, boot_ns
from src.infrastructure.time.machine import Machine


class LaggingMachine:
    """``machine`` is for an adapter; ``behind_ms`` is how far its steady clock is behind the true one."""

    def __init__(self) -> None:
        self.behind_ms = 0
        self.machine = Machine(steady_ns=lambda: boot_ns() - self.behind_ms * NS_PER_MS)
