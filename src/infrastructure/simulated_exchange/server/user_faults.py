"""User events on their way to the sockets, and what goes wrong with them on demand.

Without a rule, events leave in the turn of their commit, before the answer to the request that caused them: clients
must bear that, and it is the harder order. A delay turns it round.
"""

import asyncio
from collections.abc import Callable, Sequence

from src.infrastructure.simulated_exchange.records import UserEvent
from src.infrastructure.simulated_exchange.server.fault_rules import Faults
from src.infrastructure.simulated_exchange.server.users import UserStreams


class UserFaults:
    """Stands between the venue and the user streams."""

    def __init__(self, users: UserStreams, faults: Faults, now_ms: Callable[[], int]) -> None:
        self._users = users
        self._faults = faults
        self._now_ms = now_ms
        self._held: list[UserEvent] = []
        self._mute_until_ms: dict[int, int] = {}

    def deliver(self, events: Sequence[UserEvent]) -> None:
        """Deliver events, or what the rules make of them."""
        if not self._faults.is_active and not self._held and not self._mute_until_ms:
            self._users.deliver(events)
            return
        for event in events:
            self._deliver(event)

    def _deliver(self, event: UserEvent) -> None:
        if self._now_ms() < self._mute_until_ms.get(event.account, 0):
            return
        rule = self._faults.draw(f"stream.{event.kind}")
        fault = "" if rule is None else rule.fault
        ms = 0 if rule is None else rule.ms
        if fault == "drop":
            return
        if fault == "mute":
            self._mute_until_ms[event.account] = self._now_ms() + ms
        elif fault == "expire_key":
            self._users.expire_key(event.account, self._now_ms())
        elif fault == "delay":
            asyncio.get_running_loop().call_later(ms / 1_000, self._users.deliver, [event])
        elif fault == "reorder":
            # The order within one type is promised, that across types is not.
            self._held.append(event)
        else:
            self._send(event, copies=rule.copies if rule is not None and fault == "duplicate" else 0)

    def _send(self, event: UserEvent, *, copies: int) -> None:
        overtaken = [held for held in self._held if held.kind != event.kind]
        first = [held for held in self._held if held.kind == event.kind]
        self._held = []
        self._users.deliver([*first, event, *[event] * copies, *overtaken])
