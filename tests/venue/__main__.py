"""``python -m tests.venue [NAME…]``: the program against the local exchange, one plan after the other.

Plans: ``plain`` and ``looped`` (recorded market, nothing goes wrong), ``cuts`` (the user stream cut a hundred times,
events late and up to twice more), ``lost`` (answers lost), ``doubt`` (outcomes unknown, requests too late, streams
mute), ``kills`` (both processes killed thirty times), ``hedged`` (hedge mode with isolated margin, cut and killed),
``acceptance`` and ``acceptance-1x`` (funding, the owner's trades, a deleveraging and a liquidation), and the first of
them with the stream cut and late as well (``acceptance-cuts``). The recorded market is taken from ``--market-data``;
without it the synthetic one is traded.
"""

import argparse
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from src.domain.money import use_money_context
from tests.support.recordings import recorded_files, recordings_folder
from tests.venue.acceptance import run_acceptance
from tests.venue.scenarios import BAD_STREAM, IN_DOUBT, LIVELY, LOST_ANSWERS, SESSION, Plan, run_plan

PORT = 18_200
HEDGED = ("--hedge", "--margin-type", "isolated", "--leverage", "5")
PLANS = {
    "plain": Plan(345, session=SESSION),
    "looped": Plan(345),
    "cuts": Plan(345, rules=BAD_STREAM, cut_every_s=3.1),
    "lost": Plan(120, rules=LOST_ANSWERS),
    "doubt": Plan(240, rules=IN_DOUBT),
    "kills": Plan(300, kill_every_s=7.0),
    "hedged": Plan(120, session=(*LIVELY, *HEDGED), rules=BAD_STREAM, cut_every_s=5, kill_every_s=15),
}
LENGTH_S = 345.0
"""How long the recorded market is."""
ACCEPTANCE = {"acceptance": 10.0, "acceptance-1x": 1.0, "acceptance-cuts": 10.0}
CUTS = 110
"""Market time over wall time; at 10 the market is looped ten times, at 1 it is traded as it was."""


def main() -> int:
    """Run the plans asked for; the exit code is the verdict."""
    parser = argparse.ArgumentParser(prog="python -m tests.venue", description=__doc__)
    parser.add_argument("plans", nargs="*", metavar="NAME", help=f"of {', '.join((*PLANS, *ACCEPTANCE))}")
    parser.add_argument("--seconds", type=float, help="instead of each plan's own duration")
    parser.add_argument("--port", type=int, default=PORT, help="of the first plan's exchange")
    parser.add_argument("--market-data", type=Path, default=recordings_folder())
    options = parser.parse_args()
    use_money_context()
    failed = False
    for number, name in enumerate(options.plans or (*PLANS, *ACCEPTANCE)):
        if name in ACCEPTANCE:
            failed = _accept(name, options, options.port + number) or failed
            continue
        plan = _on_market(PLANS[name], name, options.market_data)
        if options.seconds:
            plan = replace(plan, seconds=options.seconds)
        with tempfile.TemporaryDirectory(prefix="steadyhand-venue-") as folder:
            figures = run_plan(plan, Path(folder), options.port + number)
        print(f"{name}: {figures.line()}", *figures.violations[:5], sep="\n  ", flush=True)
        failed = failed or bool(figures.violations)
    return 1 if failed else 0


def _accept(name: str, options: argparse.Namespace, port: int) -> bool:
    """Run the acceptance at its speed; whether it failed."""
    speed = ACCEPTANCE[name]
    seconds = options.seconds or LENGTH_S
    whole = seconds >= LENGTH_S and speed > 1
    market = _on_market(Plan(seconds), "plain" if speed == 1 else name, options.market_data).exchange
    with tempfile.TemporaryDirectory(prefix="steadyhand-venue-") as folder:
        figures, accidents = run_acceptance(
            market,
            speed,
            seconds,
            Path(folder),
            port,
            whole=whole,
            cuts=CUTS if name == "acceptance-cuts" else 0,
        )
    print(f"{name}: {figures.line()}", accidents.line(), *figures.violations[:5], sep="\n  ", flush=True)
    return bool(figures.violations)


def _on_market(plan: Plan, name: str, folder: Path | None) -> Plan:
    files = recorded_files(folder)
    if not files:
        return plan
    replay = [argument for path in files for argument in ("--replay", str(path))]
    pace = ("--speed", "1") if name == "plain" else ("--speed", "10", "--loop")
    return replace(plan, exchange=(*replay, *pace))


if __name__ == "__main__":
    sys.exit(main())
