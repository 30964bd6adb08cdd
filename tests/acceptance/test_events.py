from pathlib import Path

import pytest

from tests.acceptance.events import everything_happens


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_befalls_an_account_the_books_are_equal_at_the_end(tmp_path: Path, seed: int):
    found = await everything_happens(tmp_path, seed)

    assert found == []
