"""One running exchange and a client of it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.exchange_server import Client, served


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    """A client whose server knows the prices of both symbols."""
    async with served(tmp_path) as client:
        await client.price("BTCUSDT")
        await client.price("ETHUSDT")
        yield client
