"""Figures that were promised: what was measured, the limit, and whether it holds; as text and as JSON.

Limits are for the machine they were promised on. So a figure also carries its ratio to a reference of the same run,
json.loads of one quote: a slow machine is slow at both, and only a ratio far beyond the promised one says that the
program, not the machine, became slow.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

TOLERANCE: Final = 0.25
"""By how much a figure may miss its limit before ``--strict`` fails: runs differ by that much on shared machines."""

ABSURD: Final = 5.0
"""How many times its promised ratio a figure may come to before any run fails."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One promise. ``ratio`` and ``ratio_limit`` are multiples of the reference, None where there is none."""

    name: str
    measured: float
    limit: float
    unit: str
    ratio: float | None = None
    ratio_limit: float | None = None
    note: str = ""

    @property
    def holds(self) -> bool:
        """Whether the figure keeps its limit."""
        return self.measured <= self.limit

    @property
    def is_missed(self) -> bool:
        """Whether it misses the limit by more than the tolerance."""
        return self.measured > self.limit * (1 + TOLERANCE)

    @property
    def is_absurd(self) -> bool:
        """Whether not even a slow machine explains it."""
        return (
            self.ratio is not None and self.ratio_limit is not None and self.ratio > self.ratio_limit * ABSURD
        )

    @property
    def verdict(self) -> str:
        """One word."""
        if self.holds:
            return "holds"
        return "MISSED" if self.is_missed else "near"


def microseconds(duration_ns: float) -> float:
    """A duration in µs, to two decimals."""
    return round(duration_ns / 1_000, 2)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Aligned text: the first column to the left, the others to the right."""
    lines = [list(head), *map(list, rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def promises(figures: Sequence[Figure]) -> str:
    """The figures with their limits, as a table."""
    rows = [
        (
            figure.name,
            f"{figure.measured:,.6g} {figure.unit}",
            f"{figure.limit:,.6g} {figure.unit}",
            figure.verdict,
            figure.note,
        )
        for figure in figures
    ]
    return table(("promise", "measured", "limit", "", ""), rows)


def exit_code(figures: Sequence[Figure], strict: bool) -> int:
    """1 when a figure is absurd, or missed and ``strict`` is asked for."""
    return int(any(figure.is_absurd or (strict and figure.is_missed) for figure in figures))


def write_json(path: Path, figures: Sequence[Figure], details: dict[str, object]) -> None:
    """Everything that was measured, for machines."""
    body = {
        "figures": [{**asdict(figure), "holds": figure.holds} for figure in figures],
        "tolerance": TOLERANCE,
        **details,
    }
    path.write_text(json.dumps(body, indent=2) + "\n", encoding="utf-8")
