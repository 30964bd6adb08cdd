"""Durations in ns, kept compactly, and the percentiles of them."""

from array import array
from collections.abc import Iterable


class Samples:
    """Durations of one stage, in the order in which they were measured."""

    __slots__ = ("name", "values")

    def __init__(self, name: str, values: Iterable[int] = ()) -> None:
        self.name = name
        self.values = array("q", values)

    def add(self, duration_ns: int) -> None:
        """Take one measurement."""
        self.values.append(duration_ns)

    def percentile(self, percent: float) -> int:
        """The smallest duration that at least ``percent`` of the measurements do not exceed; ns."""
        ordered = sorted(self.values)
        if not ordered:
            raise ValueError(f"nothing was measured for {self.name}")
        # Ceiling of percent · n / 100, in tenths of a percent so that it stays exact.
        rank = -(-round(percent * 10) * len(ordered) // 1000)
        return ordered[max(rank, 1) - 1]

    @property
    def p50(self) -> int:
        """The median, ns."""
        return self.percentile(50)

    @property
    def p99(self) -> int:
        """The 99th percentile, ns."""
        return self.percentile(99)

    def part(self, start: int, stop: int) -> "Samples":
        """The measurements from the ``start``-th up to the ``stop``-th."""
        return Samples(self.name, self.values[start:stop])
