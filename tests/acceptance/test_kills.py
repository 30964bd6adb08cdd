from pathlib import Path

import pytest

from src.domain.money import use_money_context
from tests.acceptance.kills import kill_and_judge
from tests.crash.places import Place

pytestmark = [pytest.mark.slow, pytest.mark.crash]


def test_a_session_with_everything_switched_on_survives_two_kills(tmp_path: Path):
    use_money_context()

    result = kill_and_judge(Place(tmp_path / "data"), (), kills=2, seed=1)

    assert result.found == []
    assert result.fills > 0
