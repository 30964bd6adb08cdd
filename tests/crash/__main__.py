"""``python -m tests.crash``: kill the program at every point, in pairs, with power failures; restart; compare.

Without a count every part is run in full; with ``--slice``, a bounded part of each; with counts, only the parts that
were named. Prints every violation and the figures; the exit code is the verdict.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from src.domain.money import use_money_context
from tests.crash import campaign
from tests.crash.backups import back_up_under_load
from tests.crash.campaign import Job, Reached
from tests.crash.figures import Tally, as_lines, as_markdown
from tests.crash.kills import kill_at_random
from tests.crash.places import KINDS, places
from tests.crash.scenarios import SCENARIOS

PARTS = ("singles", "power", "pairs", "kills", "backups")
FULL = {"singles": 1 << 20, "power": 600, "pairs": 1_000, "kills": 20, "backups": 20}
SLICE = {"singles": 60, "power": 30, "pairs": 24, "kills": 4, "backups": 3}


def main() -> int:
    """Run the suite."""
    arguments = _arguments()
    use_money_context()
    counts = {name: getattr(arguments, name) for name in PARTS}
    if all(count is None for count in counts.values()):
        counts = SLICE if arguments.slice else FULL
    tally = Tally()
    tally.note("commit, database, seed", f"{_commit()}, {arguments.database}, {arguments.seed}")
    with tempfile.TemporaryDirectory(prefix="steadyhand-crash-") as name:
        folder = Path(name)
        _crash(tally, arguments, {part: count or 0 for part, count in counts.items()}, folder)
    rows = tally.rows()
    print(as_markdown(rows) if arguments.markdown else as_lines(rows))
    print(f"{'FAILED' if tally.violations else 'ok'}: {tally.violations} violations")
    return 1 if tally.violations else 0


def _arguments() -> Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--slice", action="store_true", help="a bounded part of everything")
    parser.add_argument("--singles", type=int, help="kills at points, drawn from all")
    parser.add_argument("--power", type=int, help="power failures inside commits, drawn from all")
    parser.add_argument("--pairs", type=int, help="kills at a point and again in the recovery from it")
    parser.add_argument("--kills", type=int, help="kills of one session at random moments")
    parser.add_argument("--backups", type=int, help="backups of a running session, each restored (SQLite)")
    parser.add_argument("--ordinals", type=int, default=3, help="passages of each point (default 3)")
    parser.add_argument("--database", choices=KINDS, default=KINDS[0], help="where sessions are stored")
    parser.add_argument("--jobs", type=int, default=2, help="processes at work (default 2)")
    parser.add_argument(
        "--seconds", type=float, help="time for all points together; what is left over is said"
    )
    parser.add_argument("--seed", type=int, default=1, help="what draws points (default 1)")
    parser.add_argument("--markdown", action="store_true", help="print the figures as a table")
    return parser.parse_args()


def _commit() -> str:
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or "unknown commit"


def _crash(tally: Tally, arguments: Namespace, counts: dict[str, int], folder: Path) -> None:
    kind, seed = arguments.database, arguments.seed
    if counts["singles"] or counts["power"] or counts["pairs"]:
        with places(kind, folder / "count") as made:
            reached = Reached.by(SCENARIOS, made, arguments.ordinals)
        tally.note(
            "crash points reached",
            f"{len(reached.points)} in {len(SCENARIOS)} scenarios: {reached.distinct} different ones at "
            f"{reached.failpoints} failpoints",
        )
        parts: tuple[tuple[str, int, Sequence[Job]], ...] = (
            ("single", 1, campaign.singles(reached, counts["singles"], seed)),
            ("power failure", 1, campaign.power_failures(reached, kind, counts["power"], seed)),
            ("pair", campaign.SECONDS_PER_FIRST, campaign.pairs(reached, counts["pairs"], seed)),
        )
        wanted = [(name, each, jobs) for name, each, jobs in parts if jobs]
        for name, each, jobs in wanted:
            tally.plan(name, counts["pairs"] if each > 1 else len(jobs))
            _jobs(tally, name, jobs, arguments, folder / name, len(wanted))
    if counts["kills"]:
        with places(kind, folder) as made:
            found = kill_at_random(made.new("kills"), counts["kills"], seed)
        _many(tally, "kill at a random moment", counts["kills"], found)
    if counts["backups"] and kind == KINDS[0]:
        found = back_up_under_load(folder, counts["backups"], seed)
        _many(tally, "backup under load, restored and resumed", counts["backups"], found)


def _jobs(
    tally: Tally, name: str, jobs: Sequence[Job], arguments: Namespace, folder: Path, parts: int
) -> None:
    started = time.monotonic()
    # Each part has its share of the time.
    deadline = None if arguments.seconds is None else started + arguments.seconds / parts
    folder.mkdir()
    for tested in campaign.run(jobs, arguments.database, folder, arguments.jobs, deadline):
        tally.add(tested)
        for sentence in tested.verdict.found:
            where = " then ".join(f"{point} #{ordinal}" for point, ordinal in tested.where)
            print(f"{tested.kind} {tested.detail} in {tested.scenario} at {where}: {sentence}", flush=True)
    tally.took(name, time.monotonic() - started)


def _many(tally: Tally, name: str, count: int, found: list[str]) -> None:
    for sentence in found:
        print(f"{name}: {sentence}", flush=True)
    tally.add_many(name, count, found)


if __name__ == "__main__":
    sys.exit(main())
