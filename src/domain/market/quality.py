"""Data-quality gates: no opening order on data that is stale, crossed, out of order, gapped or absurd.

One set per symbol, fed with every quote, trade and depth update together with session time (ms). What is wrong is
counted by kind and said in words; exits and stops never ask. In the good case a quote costs a few comparisons.

* stale: no quote for too long, or quotes that arrive much later after their event time than they used to.
* crossed: a bid at or above the ask.
* out of order: an update id or an event time that went back.
* gap: the chain of depth updates broke, or no frame came at all for too long.
* jump: a middle further from the last believed one than a limit. It is not believed until several quotes in a row
  agree on it: a single bad print must neither open a position nor move the mark.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

_ZERO: Final = Decimal(0)
_TWO: Final = Decimal(2)
_UNKNOWN_LAG_MS: Final = 1 << 62
LAG_SPAN_MS: Final = 600_000
LAG_DRIFT_MS: Final = 120
"""By how much two clocks may drift apart in a span: 200 millionths, four times what an undisciplined one does."""


@dataclass(frozen=True, slots=True)
class QualityLimits:
    """``stale_ms`` is session time without a quote; ``jump_pct`` is a fraction of the last believed middle.

    ``confirmations`` quotes in a row must agree before a jump is believed. After trouble, opening waits for
    ``settle_ms`` of clean data. ``gap_ms`` is session time without any frame; ``lag_ms`` is how much later than
    the promptest quote so far, counted from the event time, a quote may arrive. (Only the difference counts: the
    two clocks need not agree, and may drift apart as slowly as clocks do.)
    """

    stale_ms: int = 5_000
    jump_pct: Decimal = Decimal("0.02")
    confirmations: int = 5
    settle_ms: int = 1_000
    gap_ms: int = 10_000
    lag_ms: int = 3_000


class QualityGates:
    """The gates of one symbol. ``counts`` has every kind of trouble, by name."""

    __slots__ = (
        "_bad_until_ms",
        "_depth_event_ms",
        "_frame_due_ms",
        "_gap_ms",
        "_high",
        "_lag_min_ms",
        "_lag_span_ends_ms",
        "_late_from_ms",
        "_limits",
        "_low",
        "_quote_event_ms",
        "_quoted_ms",
        "_span_lag_min_ms",
        "_stale_quote_ms",
        "_suspect",
        "_trade_event_ms",
        "_update_id",
        "_votes",
        "_why",
        "counts",
        "symbol",
    )

    def __init__(self, symbol: str, limits: QualityLimits) -> None:
        self.symbol = symbol
        self.counts = {"stale": 0, "crossed": 0, "out_of_order": 0, "gap": 0, "jump": 0}
        self._limits = limits
        self._gap_ms = limits.gap_ms
        self._update_id = 0
        self._quote_event_ms = self._depth_event_ms = self._trade_event_ms = 0
        self._quoted_ms = self._stale_quote_ms = 0
        self._frame_due_ms = 0
        self._lag_min_ms = self._late_from_ms = self._span_lag_min_ms = _UNKNOWN_LAG_MS
        self._lag_span_ends_ms = 0
        self._bad_until_ms = 0
        self._why = ""
        # The band of prices that are believed without further questions, and the jump that waits for belief.
        self._low = self._high = _ZERO
        self._suspect = _ZERO
        self._votes = 0

    def on_quote(self, bid: Decimal, ask: Decimal, update_id: int, event_ms: int, now_ms: int) -> bool:
        """Judge a quote; returns whether it may be believed."""
        if update_id < self._update_id:
            self.counts["out_of_order"] += 1
            return False
        self._update_id = update_id
        if event_ms < self._quote_event_ms:
            self.counts["out_of_order"] += 1
        else:
            self._quote_event_ms = event_ms
        if now_ms > self._frame_due_ms:
            self._note_silence(now_ms)
        self._frame_due_ms = now_ms + self._gap_ms
        lag_ms = now_ms - event_ms
        if lag_ms < self._span_lag_min_ms:
            self._span_lag_min_ms = lag_ms
        if now_ms >= self._lag_span_ends_ms:
            self._begin_lag_span(now_ms)
        if lag_ms < self._lag_min_ms:
            self._lag_min_ms = lag_ms
            self._late_from_ms = lag_ms + self._limits.lag_ms
        elif lag_ms > self._late_from_ms:
            late_ms = lag_ms - self._lag_min_ms
            self._note("stale", f"{self.symbol}: quotes arrive {late_ms} ms later than the promptest", now_ms)
        if bid >= ask:
            self._note("crossed", f"{self.symbol} is quoted crossed: {bid} over {ask}", now_ms)
            return False
        if not (self._low <= bid and ask <= self._high) and not self._is_believed(bid, ask, now_ms):
            return False
        self._votes = 0
        self._quoted_ms = now_ms
        return True

    def forget_lag(self) -> None:
        """The promptest quote is not known any more: the clock that told the time of its arrival was set."""
        self._lag_min_ms = self._late_from_ms = self._span_lag_min_ms = _UNKNOWN_LAG_MS
        self._lag_span_ends_ms = 0

    def _begin_lag_span(self, now_ms: int) -> None:
        """Let the promptest quote be as late as that of the span that ended, as far as clocks drift in one.

        Never forgotten, it would make every quote late once the clocks had drifted apart; forgotten at once, a feed
        that stays late would become the usual one.
        """
        if self._lag_span_ends_ms:
            self._lag_min_ms = min(self._span_lag_min_ms, self._lag_min_ms + LAG_DRIFT_MS)
            self._late_from_ms = self._lag_min_ms + self._limits.lag_ms
        self._span_lag_min_ms = _UNKNOWN_LAG_MS
        self._lag_span_ends_ms = now_ms + LAG_SPAN_MS

    def on_depth(self, intact: bool, event_ms: int, now_ms: int) -> None:
        """Judge a depth update; ``intact`` says whether the chain of update ids held."""
        if not intact:
            self.on_gap(now_ms)
        if event_ms < self._depth_event_ms:
            self.counts["out_of_order"] += 1
        else:
            self._depth_event_ms = event_ms
        if now_ms > self._frame_due_ms:
            self._note_silence(now_ms)
        self._frame_due_ms = now_ms + self._gap_ms

    def on_gap(self, now_ms: int) -> None:
        """Depth updates are missing."""
        self._note("gap", f"{self.symbol}: updates of its book are missing", now_ms)

    def on_trade(self, event_ms: int, now_ms: int) -> None:
        """Judge a trade by its times; prices are judged by quotes."""
        if event_ms < self._trade_event_ms:
            self.counts["out_of_order"] += 1
        else:
            self._trade_event_ms = event_ms
        if now_ms > self._frame_due_ms:
            self._note_silence(now_ms)
        self._frame_due_ms = now_ms + self._gap_ms

    def opening_objection(self, now_ms: int) -> str | None:
        """Why no position may be opened now, or None."""
        if not self._quoted_ms:
            return f"{self.symbol} has not been quoted yet"
        age_ms = now_ms - self._quoted_ms
        if age_ms > self._limits.stale_ms:
            if self._stale_quote_ms != self._quoted_ms:  # One stale spell counts once.
                self._stale_quote_ms = self._quoted_ms
                self.counts["stale"] += 1
            return f"{self.symbol} was quoted {age_ms} ms ago, more than {self._limits.stale_ms} ms"
        if now_ms < self._bad_until_ms:
            return self._why
        return None

    def _is_believed(self, bid: Decimal, ask: Decimal, now_ms: int) -> bool:
        """Move the band around a quote outside it, unless the move is absurd and not confirmed yet."""
        limit = self._limits.jump_pct
        middle = (bid + ask) / _TWO
        centre = (self._low + self._high) / _TWO
        if centre and abs(middle - centre) > centre * limit:
            if self._votes and abs(middle - self._suspect) <= self._suspect * limit:
                self._votes += 1
            else:
                self._votes = 1
                self._suspect = middle
            if self._votes < self._limits.confirmations:
                self._note("jump", f"{self.symbol} jumped from {centre:f} to {middle:f}, unconfirmed", now_ms)
                return False
        # Half the limit to either side: a slow drift recentres the band long before it could look like a jump.
        half_width = middle * limit / _TWO
        self._low, self._high = middle - half_width, middle + half_width
        return True

    def _note_silence(self, now_ms: int) -> None:
        if self._frame_due_ms:
            silent_ms = now_ms - self._frame_due_ms + self._limits.gap_ms
            self._note("gap", f"{self.symbol}: nothing was heard for {silent_ms} ms", now_ms)

    def _note(self, kind: str, why: str, now_ms: int) -> None:
        self.counts[kind] += 1
        self._why = why
        self._bad_until_ms = now_ms + self._limits.settle_ms
