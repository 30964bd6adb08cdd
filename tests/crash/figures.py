"""What a run of the crash suite comes to, in figures, as lines for a screen or as a table in Markdown."""

from collections import Counter
from statistics import median, quantiles

from tests.crash.points import Tested

Row = tuple[str, str]


class Tally:
    """Counts what was tested. ``violations`` is the verdict."""

    def __init__(self) -> None:
        self.violations = 0
        self._tested: Counter[str] = Counter()
        self._failed: Counter[str] = Counter()
        self._seconds: Counter[str] = Counter()
        self._planned: dict[str, int] = {}
        self._details: Counter[str] = Counter()
        self._recovery_ms: list[float] = []
        self._fills = 0
        self._alive = 0
        self._dead = 0
        self._notes: list[Row] = []

    def note(self, what: str, figure: str) -> None:
        """A figure that was measured elsewhere."""
        self._notes.append((what, figure))

    def plan(self, kind: str, count: int) -> None:
        """How many of a kind there are to do; a deadline may leave fewer done."""
        self._planned[kind] = count

    def took(self, kind: str, seconds: float) -> None:
        """How long all of a kind took, wall seconds."""
        self._seconds[kind] += round(seconds * 1000)

    def add(self, tested: Tested) -> None:
        """Count one crash, or pair."""
        verdict = tested.verdict
        self._tested[tested.kind] += 1
        self._failed[tested.kind] += bool(verdict.found)
        self.violations += len(verdict.found)
        self._details[tested.detail] += 1
        if verdict.recovery_ms is not None:
            self._recovery_ms.append(verdict.recovery_ms)
        self._fills += verdict.fills
        self._alive += verdict.alive
        self._dead += verdict.dead

    def add_many(self, kind: str, count: int, found: list[str]) -> None:
        """Count what was judged together, like the kills of one session."""
        self._tested[kind] += count
        self._failed[kind] += len(found)
        self.violations += len(found)

    def rows(self) -> list[Row]:
        """Every figure with its name."""
        rows = list(self._notes)
        for kind, count in self._tested.items():
            passed = f"{max(0, count - self._failed[kind])} of {count} passed"
            planned = self._planned.get(kind, count)
            left = f" ({planned} planned, time was up)" if count < planned else ""
            seconds = self._seconds[kind] / 1000
            pace = f", {seconds:.0f} s, {count / seconds * 60:.0f} a minute" if seconds else ""
            rows.append((kind, f"{passed}{left}{pace}"))
        for detail, count in sorted(self._details.items()):
            if detail:
                rows.append((f"power lost: {detail}", f"{count}"))
        if len(self._recovery_ms) > 1:
            p99 = quantiles(self._recovery_ms, n=100)[-1]
            middle = median(self._recovery_ms)
            rows.append(
                ("from the start of a process to recovered, p50 / p99", f"{middle:.0f} / {p99:.0f} ms")
            )
        rows.append(("fills compared with the exchange's trades", f"{self._fills:,}"))
        settled = f"{self._alive:,} seen alive, {self._dead:,} proven dead"
        rows.append(("attempts settled before, or without, their answer", settled))
        rows.append(("violations of I1 to I17", f"{self.violations}"))
        return rows


def as_lines(rows: list[Row]) -> str:
    """One figure a line."""
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:{width}}  {figure}" for name, figure in rows)


def as_markdown(rows: list[Row]) -> str:
    """A table."""
    return "\n".join(
        ("| What | Figure |", "| --- | --- |", *(f"| {name} | {figure} |" for name, figure in rows))
    )
