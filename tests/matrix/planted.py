"""Bugs that are planted by tests alone, and what finds each: the simulated worlds, or cells of the matrix.

A checker that finds nothing proves nothing. Each bug replaces a function of the product by a wrong one, of the kind
that people write; ``python -m tests.matrix.planted`` prints by what each is found, and after how many tries.
"""

import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from src.application.ports.store import StoreError
from src.infrastructure.persistence.schema import create_sqlite
from tests.matrix import wrong_network, wrong_session
from tests.matrix.cell import run_cell
from tests.matrix.table import cells
from tests.simulation.seeds import run_seed

SEEDS: Final = 300
Plant = Callable[[pytest.MonkeyPatch], None]


@dataclass(frozen=True, slots=True)
class Bug:
    """``cells`` of the matrix in the order they are tried; without any, simulated worlds are."""

    plant: Plant
    cells: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What the bug does."""
        return self.plant.__name__

    @property
    def suite(self) -> str:
        """What is to find it."""
        return "fault matrix" if self.cells else "simulated worlds"


BUGS: Final = (
    Bug(wrong_session.sends_before_it_commits),
    Bug(wrong_session.answers_a_commit_before_it_is_written),
    Bug(wrong_session.places_no_stop),
    Bug(wrong_session.reads_no_trades_when_it_recovers),
    Bug(wrong_session.makes_ids_again_after_a_restart),
    Bug(wrong_session.books_a_fill_as_often_as_it_is_told),
    Bug(wrong_session.remembers_the_last_trade_only),
    Bug(wrong_session.forgets_the_commission),
    Bug(wrong_session.reserves_twice),
    Bug(wrong_session.ignores_fills_of_strangers, ("manual_entry/told/flat",)),
    Bug(wrong_session.takes_a_refused_cancel_for_the_end),
    Bug(
        wrong_session.books_income_as_often_as_it_is_told,
        ("funding/told_twice/position", "funding/told/position"),
    ),
    Bug(wrong_session.forgets_funding, ("funding/told/position",)),
    Bug(wrong_session.drops_the_reservation_while_unknown, ("submit.limit/drop_answer_untold/flat",)),
    Bug(
        wrong_session.takes_not_found_for_proof,
        ("submit.limit/slow_request/flat", "submit.market/slow_request/flat"),
    ),
    Bug(wrong_session.cancels_the_old_stop_first, ("submit.stop/limit_429/position",)),
    Bug(wrong_session.takes_an_unknown_amendment_for_refused, ("modify/drop_answer_untold/entry",)),
    Bug(wrong_network.sends_again_after_a_timeout, ("submit.market/drop_answer/flat",)),
    Bug(wrong_network.takes_every_failure_for_a_refusal, ("submit.market/unknown_503_untold/flat",)),
    Bug(wrong_network.takes_every_failure_for_a_success, ("submit.market/unknown_503/flat",)),
    Bug(wrong_network.judges_by_the_local_clock, ("clock/ahead_10s/start",)),
    Bug(wrong_network.believes_answers_about_other_symbols, ("trades.user/wrong_symbol/position",)),
)


def find(bug: Bug, folder: Path) -> int | None:
    """After how many seeds or cells the planted bug is found; None when it is not."""
    patch = pytest.MonkeyPatch()
    bug.plant(patch)
    try:
        return _in_cells(bug, folder) if bug.cells else _in_worlds(folder)
    finally:
        patch.undo()


def _in_worlds(folder: Path) -> int | None:
    for seed in range(SEEDS):
        try:
            if run_seed(seed, folder).violations:
                return seed + 1
        except (StoreError, AssertionError, ArithmeticError, LookupError):
            # The store, or an assertion that stays on in production, stopped it.
            return seed + 1
    return None


def _in_cells(bug: Bug, folder: Path) -> int | None:
    folder.mkdir(parents=True, exist_ok=True)
    template = folder / "template.db"
    create_sqlite(template)
    by_name: dict[str, Any] = {cell.name: cell for cell in cells()}
    for number, name in enumerate(bug.cells, start=1):
        if run_cell(by_name[name], folder / "cell", template).trouble:
            return number
    return None


def main() -> int:
    """Print the table; the exit code says whether every bug was found."""
    missed = 0
    for bug in BUGS:
        with tempfile.TemporaryDirectory() as folder:
            tries = find(bug, Path(folder) / "run")
        missed += tries is None
        found = "NOT FOUND" if tries is None else f"{bug.suite}, try {tries}"
        print(f"| {bug.name.replace('_', ' ')} | {found} |", flush=True)
    print(f"found: {len(BUGS) - missed} of {len(BUGS)}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
