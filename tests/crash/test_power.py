"""What a power failure leaves of a commit under way is recovered from, whatever sectors it is; and what would follow
if a commit were not synced before it is acted on is noticed by the same judges.
"""

from pathlib import Path

import pytest

from src.domain.money import use_money_context
from tests.crash.places import Place
from tests.crash.points import crash, lose_power, resume
from tests.crash.power import Loss, PowerFailure, TornCheckpoint
from tests.crash.process import die, run_child, was_killed
from tests.crash.scenarios import MARKET, PARENTS

COMMITS = (
    (MARKET, "store.after_commit | OrderIntended", 2),
    (MARKET, "exchange.after_commit | OrderIntended", 3),
    (PARENTS, "store.after_commit | ParentMoved", 1),
)


@pytest.mark.parametrize("loss", Loss, ids=lambda loss: loss.name.lower())
@pytest.mark.parametrize("commit", COMMITS, ids=lambda commit: commit[1])
def test_a_machine_that_stops_inside_a_commit_comes_back_with_equal_books(commit, loss: Loss, tmp_path: Path):
    use_money_context()
    scenario, name, ordinal = commit

    verdict = lose_power(scenario, (name, ordinal), loss, Place(tmp_path / "data"))

    assert verdict.found == []


@pytest.mark.parametrize("ordinal", [1, 2])
def test_a_machine_that_stops_inside_a_checkpoint_comes_back_with_equal_books(ordinal: int, tmp_path: Path):
    use_money_context()
    place = Place(tmp_path / "data")

    verdict = crash(MARKET, ("store.checkpoint", ordinal), place, TornCheckpoint(ordinal, place.data_dir))

    assert verdict.found == []


def test_a_commit_that_was_acted_on_before_its_sync_is_found_out(tmp_path: Path):
    use_money_context()
    place = Place(tmp_path / "data")
    power = PowerFailure(("store.after_commit", 1 << 20), place.data_dir, Loss.ALL)

    def acted_on(reached: str) -> None:
        """Lose a commit after its order has reached the exchange, as with ``synchronous=NORMAL``."""
        power(reached)
        if reached == "broker.answer":
            power.lose()
            die()

    status = run_child(MARKET, place, acted_on)

    assert was_killed(status)
    assert any(sentence.startswith("I1:") for sentence in resume(MARKET, place).found)
