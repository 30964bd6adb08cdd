"""What a run of the matrix covered and found, for people."""

from collections import Counter
from collections.abc import Sequence
from statistics import median

from tests.matrix.cell import Verdict
from tests.matrix.table import Cell


def coverage(every: Sequence[Cell]) -> str:
    """How many cells there are by family, and why the others are not applicable."""
    total: Counter[str] = Counter(cell.operation.family.value for cell in every)
    run: Counter[str] = Counter(cell.operation.family.value for cell in every if not cell.reason)
    lines = [f"{len(every)} cells, {run.total()} applicable ({1 - run.total() / len(every):.0%} are not)"]
    lines += [f"  {family:<8} {run[family]:>5} of {count}" for family, count in total.items()]
    reasons = Counter(cell.reason for cell in every if cell.reason)
    lines.append("not applicable:")
    lines += [f"  {count:>5}  {reason}" for reason, count in reasons.most_common()]
    return "\n".join(lines)


def figures(
    every: Sequence[Cell], verdicts: Sequence[Verdict], seconds: float, *, markdown: bool = False
) -> str:
    """What a run found. Times until rest are virtual."""
    failed = sum(1 for verdict in verdicts if verdict.trouble)
    restarted = sum(1 for verdict in verdicts if verdict.ends)
    quiet = sorted(verdict.quiet_s for verdict in verdicts) or [0.0]
    applicable = sum(1 for cell in every if not cell.reason)
    rows = [
        ("cells of the table, applicable", f"{len(every)}, {applicable}"),
        ("cells executed, failed", f"{len(verdicts)}, {failed}"),
        ("orders, fills in them", f"{sum(v.orders for v in verdicts)}, {sum(v.fills for v in verdicts)}"),
        ("sessions that ended by themselves and were started again", str(restarted)),
        ("until rest, median and longest (virtual)", f"{median(quiet):.0f} s, {quiet[-1]:.0f} s"),
        ("cells a second", f"{len(verdicts) / max(seconds, 0.001):.1f}"),
    ]
    if markdown:
        return "\n".join(f"| {name} | {value} |" for name, value in rows)
    return "\n".join(f"{name}: {value}" for name, value in rows)
