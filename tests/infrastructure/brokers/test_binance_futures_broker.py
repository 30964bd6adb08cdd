"""The Binance broker keeps the port's contract over sockets, and what a bad network does to it is told truly."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.broker_contract import BrokerContract
from tests.support.venue_on_sockets import SocketVenue, a_socket_venue


class TestBinanceFuturesBroker(BrokerContract):
    """The contract over sockets."""

    @pytest.fixture
    async def venue(self, tmp_path: Path) -> AsyncIterator[SocketVenue]:
        async with a_socket_venue(tmp_path) as venue:
            yield venue
