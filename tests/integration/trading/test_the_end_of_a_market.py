"""How a run comes to rest: its market ends, and whatever is held then has its stop, though one was on its way."""

import time
from pathlib import Path

from src.domain.money import use_money_context
from src.domain.orders.types import OrderStatus
from tests.support.invariants import naked, stops_in
from tests.venue.processes import Run, a_port, a_run

SESSION = ("--timeframe", "1s", "--symbols", "BTCUSDT", "--strategies", "sma_cross:fast=2,slow=3")
EXCHANGE = ("--speed", "10", "--no-limits", "--symbols", "BTCUSDT")
STOPS_ARE_SLOW = {"operation": "algo.place", "fault": "delay_request", "ms": 3_000, "count": 3}


def statuses(run: Run) -> set[str]:
    return {each["status"] for each in run.listed()}


def test_a_market_that_ends_while_a_stop_is_on_its_way_goes_on_until_it_stands(tmp_path: Path):
    use_money_context()
    with a_run(tmp_path, a_port(), EXCHANGE, SESSION) as run:
        run.start_exchange()
        run.admin("POST", "faults", rules=[STOPS_ARE_SLOW])
        run.start_session()
        give_up = time.monotonic() + 60
        while not (bare := naked(run.books())):
            assert time.monotonic() < give_up, "it opens a position"
            time.sleep(0.02)

        run.end_market(settle_s=0.5)

        books = run.books()
        assert naked(books) == []
        assert any(stops_in(books, key, OrderStatus.REJECTED) for key, _, _ in bare)
        assert statuses(run) == {"TRADING_HALT"}
