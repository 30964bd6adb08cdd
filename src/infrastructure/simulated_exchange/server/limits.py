"""Rate limits: request weight by address, orders by account, each in windows aligned to the clock.

Source: general info, "Limits". Breaking the weight limit gives 429; going on nevertheless gives 418 and a ban that
doubles each time, from two minutes to three days.
"""

from dataclasses import dataclass, field
from typing import Final

from src.infrastructure.simulated_exchange.server.refusals import OverLimit, refuse

MINUTE_MS: Final = 60_000
TEN_SECONDS_MS: Final = 10_000
BAN_FIRST_MS: Final = 2 * MINUTE_MS
BAN_LONGEST_MS: Final = 3 * 24 * 60 * MINUTE_MS
POOL_MS: Final = 5 * MINUTE_MS
POOL_REQUESTS: Final = 500
FORGIVEN: Final = 10
"""Requests answered with 429 before the address is banned."""


@dataclass(slots=True)
class Window:
    """A count that starts anew with each window of ``length_ms``."""

    length_ms: int
    number: int = -1
    used: int = 0

    def count(self, now_ms: int, amount: int) -> int:
        """Add an amount; return what was used in this window."""
        number = now_ms // self.length_ms
        if number != self.number:
            self.number = number
            self.used = 0
        self.used += amount
        return self.used

    def left_s(self, now_ms: int) -> int:
        """Seconds to the next window, at least one."""
        return max(1, -(-(self.length_ms - now_ms % self.length_ms) // 1_000))


@dataclass(slots=True)
class _Address:
    weight: Window = field(default_factory=lambda: Window(MINUTE_MS))
    ignored: int = 0
    ban_ms: int = 0
    banned_until_ms: int = 0


@dataclass(slots=True)
class OrderCounts:
    """How many orders an account placed in this window of ten seconds and of a minute."""

    ten_seconds: Window = field(default_factory=lambda: Window(TEN_SECONDS_MS))
    minute: Window = field(default_factory=lambda: Window(MINUTE_MS))


class Limits:
    """What each address and account has used. ``None`` as a limit lifts it."""

    def __init__(
        self,
        weight: int | None = 2_400,
        orders_10s: int | None = 300,
        orders_1m: int | None = 1_200,
    ) -> None:
        self.weight = weight
        self.orders_10s = orders_10s
        self.orders_1m = orders_1m
        self._addresses: dict[str, _Address] = {}
        self._accounts: dict[int, OrderCounts] = {}
        self._pools: dict[str, Window] = {}

    def count_weight(self, address: str, now_ms: int, weight: int) -> int:
        """Count a request; return the minute's weight so far. Raises :class:`OverLimit`."""
        known = self._addresses.get(address)
        if known is None:
            known = self._addresses[address] = _Address()
        if now_ms < known.banned_until_ms:
            raise _ban(known.banned_until_ms, now_ms)
        used = known.weight.count(now_ms, weight)
        if self.weight is None or used <= self.weight:
            known.ignored = 0
            return used
        known.ignored += 1
        if known.ignored > FORGIVEN:
            known.ban_ms = min(max(BAN_FIRST_MS, 2 * known.ban_ms), BAN_LONGEST_MS)
            known.banned_until_ms = now_ms + known.ban_ms
            known.ignored = 0
            raise _ban(known.banned_until_ms, now_ms)
        raise OverLimit(
            f"Too many requests; current limit is {self.weight} requests per minute. Please use the websocket for "
            "live updates to avoid polling the API.",
            known.weight.left_s(now_ms),
        )

    def count_pool(self, address: str, now_ms: int) -> None:
        """Count a request to the funding endpoints, which share 500 in five minutes (429 beyond).

        Lifted together with the limit of the weight.
        """
        window = self._pools.setdefault(address, Window(POOL_MS))
        if window.count(now_ms, 1) > POOL_REQUESTS and self.weight is not None:
            text = f"Too many requests; current limit is {POOL_REQUESTS} requests per 5 minutes."
            raise OverLimit(text, window.left_s(now_ms))

    def ban(self, address: str, until_ms: int) -> None:
        """Ban an address until a time."""
        self._addresses.setdefault(address, _Address()).banned_until_ms = until_ms

    def forget(self) -> None:
        """Lift every ban and start every count anew."""
        self._addresses.clear()
        self._pools.clear()
        self._accounts.clear()

    def count_orders(self, account: int, now_ms: int, in_ten_seconds: int, in_minute: int) -> OrderCounts:
        """Count orders of an account; refused with -1015 beyond the limit."""
        counts = self._accounts.get(account)
        if counts is None:
            counts = self._accounts[account] = OrderCounts()
        for window, amount, limit, spelled in (
            (counts.ten_seconds, in_ten_seconds, self.orders_10s, "10 SECONDS"),
            (counts.minute, in_minute, self.orders_1m, "1 MINUTE"),
        ):
            if limit is not None and window.count(now_ms, 0) + amount > limit:
                text = refuse(-1015, limit, spelled).message
                raise OverLimit(text, window.left_s(now_ms), code=-1015)
        counts.ten_seconds.count(now_ms, in_ten_seconds)
        counts.minute.count(now_ms, in_minute)
        return counts


def _ban(until_ms: int, now_ms: int) -> OverLimit:
    return OverLimit(
        f"Way too many requests; IP banned until {until_ms}. Please use the websocket for live updates to avoid bans.",
        max(1, -(-(until_ms - now_ms) // 1_000)),
        is_ban=True,
    )
