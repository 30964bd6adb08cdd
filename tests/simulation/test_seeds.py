"""Some seeds of the simulation in every test run, and its own honesty: equal seeds, equal histories."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulation.seeds import run_seed

SEEDS = 24
ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_history_with_crashes_keeps_every_invariant(seed: int, tmp_path: Path):
    verdict = run_seed(seed, tmp_path)

    assert not verdict.violations
    assert verdict.orders >= 10


def test_a_seed_is_one_history(tmp_path: Path):
    first, second = run_seed(7, tmp_path / "first"), run_seed(7, tmp_path / "second")

    assert first == second
    assert first.head


def test_different_seeds_are_different_histories(tmp_path: Path):
    assert run_seed(7, tmp_path).head != run_seed(8, tmp_path).head


@pytest.mark.parametrize("hash_seed", ["0", "1"])
def test_a_history_does_not_depend_on_the_order_of_hashes(hash_seed: str, tmp_path: Path):
    told = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; from pathlib import Path; from tests.simulation.seeds import run_seed; "
            "print(run_seed(9, Path(sys.argv[1])).head)",
            str(tmp_path / "there"),
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )

    assert told.stdout.strip() == run_seed(9, tmp_path / "here").head
