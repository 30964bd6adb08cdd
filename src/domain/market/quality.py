"""Data-quality gates: no opening order on data that is stale, crossed, out of order, gapped or absurd.

One set per symbol, fed with every quote, trade and depth update together with session time (ms). What is wrong is
counted by kind and said in words; exits and stops never ask. In the good case a quote costs a few comparisons.

An absurd jump is a middle that moves further from the last believed one than a limit. It is not believed until
several quotes in a row agree with it: a single bad print must neither open a position nor move the mark.
"""

from collections import Counter
from dataclasses import dataclass
from decimal import Decimal

_TWO = Decimal(2)


@dataclass(frozen=True, slots=True)
class QualityLimits:
    """``stale_ms`` is session time without a quote; ``jump_pct`` is a fraction of the last believed middle.

    ``confirmations`` quotes in a row must agree before a jump is believed. After a gap or a crossed quote, opening
    waits for ``settle_ms`` of clean data.
    """

    stale_ms: int = 5_000
    jump_pct: Decimal = Decimal("0.02")
    confirmations: int = 5
    settle_ms: int = 1_000


class QualityGates:
    """The gates of one symbol."""

    __slots__ = (
        "_bad_until_ms",
        "_high",
        "_jump_votes",
        "_limits",
        "_low",
        "_quoted_ms",
        "_update_id",
        "_why",
        "counts",
        "symbol",
    )

    def __init__(self, symbol: str, limits: QualityLimits) -> None:
        self.symbol = symbol
        self.counts: Counter[str] = Counter()
        self._limits = limits
        self._update_id = 0
        self._quoted_ms = 0
        self._bad_until_ms = 0
        self._why = ""
        self._jump_votes = 0
        self._low = self._high = Decimal(0)

    def on_quote(self, bid: Decimal, ask: Decimal, update_id: int, event_ms: int, now_ms: int) -> bool:
        """Judge a quote; returns whether it may be believed."""
        if update_id < self._update_id:
            self.counts["out_of_order"] += 1
            return False
        if bid >= ask:
            self._trouble("crossed", f"{self.symbol} is quoted crossed: {bid} over {ask}", now_ms)
            return False
        self._update_id = update_id
        if not self._low <= bid <= self._high and not self._believed(bid, ask, now_ms):
            return False
        self._jump_votes = 0
        self._quoted_ms = now_ms
        return True

    def _believed(self, bid: Decimal, ask: Decimal, now_ms: int) -> bool:
        """Move the band of believable prices, unless the move is absurd and not confirmed yet."""
        middle = (bid + ask) / _TWO
        width = middle * self._limits.jump_pct
        if self._high:
            centre = (self._low + self._high) / _TWO
            if abs(middle - centre) > centre * self._limits.jump_pct:
                self._jump_votes += 1
                if self._jump_votes < self._limits.confirmations:
                    self._trouble("jump", f"{self.symbol} jumped from {centre:f} to {middle:f}", now_ms)
                    return False
        # Half the limit to either side: a slow drift recentres the band long before it could look like a jump.
        self._low, self._high = middle - width / _TWO, middle + width / _TWO
        return True

    def on_depth(self, intact: bool, event_ms: int, now_ms: int) -> None:
        """Judge a depth update: a broken chain of update ids is a gap."""
        if not intact:
            self._trouble("gap", f"{self.symbol}: updates of its book are missing", now_ms)

    def on_trade(self, event_ms: int, now_ms: int) -> None:
        """A trade; prices are judged by quotes, so there is nothing to judge yet."""

    def opening_objection(self, now_ms: int) -> str | None:
        """Why no position may be opened now, or None."""
        if not self._quoted_ms:
            return f"{self.symbol} has not been quoted yet"
        age_ms = now_ms - self._quoted_ms
        if age_ms > self._limits.stale_ms:
            self.counts["stale"] += 1
            return f"{self.symbol} was quoted {age_ms} ms ago, more than {self._limits.stale_ms} ms"
        if now_ms < self._bad_until_ms:
            return self._why
        return None

    def _trouble(self, kind: str, why: str, now_ms: int) -> None:
        self.counts[kind] += 1
        self._why = why
        self._bad_until_ms = now_ms + self._limits.settle_ms
