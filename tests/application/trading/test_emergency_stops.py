"""``emergency-close --stops``: what only reduces ends where nothing is held, and stays where something is."""

from pathlib import Path

import pytest

from src.application.trading.services.emergency_close import EmergencyReport
from src.domain.orders.news import OrderReport, PositionReport
from src.infrastructure.brokers.paper_broker import PAPER_ACCOUNT, PaperBroker
from tests.application.trading.emergency_place import Place
from tests.support.engine_builders import a_request


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


async def test_what_only_reduces_goes_with_its_position_where_that_is_asked_for(place: Place):
    place.order(quantity="0.02")
    place.order(side="SELL", trigger_price="70000.00", reduce_only=True, client_order_id="stop")
    place.order(side="SELL", price="80000.00", quantity="0.01", reduce_only=True, client_order_id="target")

    report = await place.close(stops=True)

    assert report == EmergencyReport()
    assert any(line.startswith("stop: cancel SELL") for line in place.lines)
    place.engine.set_hedge_mode(PAPER_ACCOUNT, True)


class Refilled(PaperBroker):
    """Somebody opens a position right after the last look at what only reduces it."""

    looks = 0

    async def open_algo_orders(self, symbol: str | None = None) -> list[OrderReport]:
        found = await super().open_algo_orders(symbol)
        self.looks += 1
        if self.looks == 2:
            self._engine.new_order(PAPER_ACCOUNT, a_request(self._engine, quantity="0.02"))
        return found


async def test_what_reduces_a_position_that_is_opened_meanwhile_stays_as_well(place: Place):
    place.order(side="SELL", trigger_price="70000.00", reduce_only=True, client_order_id="stop")
    broker = place.broker = Refilled(place.engine, place.timeline, latency=place.latency)

    report = await place.close(stops=True)

    assert (broker.looks, len(report.positions), report.protective) == (3, 1, 1)


class Behind(PaperBroker):
    """Shows a position that is opened after the last close, and then answers from before it."""

    looks = 0

    async def positions(self) -> list[PositionReport]:
        self.looks += 1
        if self.looks == 2:
            self._engine.new_order(PAPER_ACCOUNT, a_request(self._engine, quantity="0.02"))
        return [] if self.looks == 3 else await super().positions()


async def test_what_reduces_a_position_stays_though_a_later_answer_does_not_show_it(place: Place):
    place.order(side="SELL", trigger_price="70000.00", reduce_only=True, client_order_id="stop")
    broker = place.broker = Behind(place.engine, place.timeline, latency=place.latency)

    report = await place.close(stops=True)

    assert (broker.looks, len(report.positions), report.protective) == (4, 1, 1)


async def test_what_reduces_a_position_that_is_still_held_stays_in_any_case(place: Place):
    place.order(quantity="0.02")
    place.order(side="SELL", trigger_price="70000.00", reduce_only=True, client_order_id="stop")
    place.quote("0.001")

    report = await place.close(stops=True)

    assert (len(report.positions), report.protective) == (1, 1)
