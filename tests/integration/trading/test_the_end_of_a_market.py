"""How a run comes to rest: its market ends, and whatever is held then has its stop, though one was on its way."""

import time
from pathlib import Path

from src.domain.money import use_money_context
from tests.support.invariants import naked
from tests.venue.processes import Run, a_port, a_run

SESSION = ("--timeframe", "1s", "--symbols", "BTCUSDT", "--strategies", "sma_cross:fast=2,slow=3")
EXCHANGE = ("--speed", "10", "--no-limits", "--symbols", "BTCUSDT")
STOPS_ARE_SLOW = {"operation": "algo.place", "fault": "delay_request", "ms": 1_500, "count": None}


def statuses(run: Run) -> set[str]:
    return {each["status"] for each in run.listed()}


def test_a_market_that_ends_while_a_stop_is_on_its_way_goes_on_until_it_stands(tmp_path: Path):
    use_money_context()
    with a_run(tmp_path, a_port(), EXCHANGE, SESSION) as run:
        run.start_exchange()
        run.start_session()
        run.admin("POST", "faults", rules=[STOPS_ARE_SLOW])
        give_up = time.monotonic() + 30
        while not naked(run.books()):
            assert time.monotonic() < give_up, "it opens a position"
            time.sleep(0.02)

        run.end_market(settle_s=2.5)

        assert naked(run.books()) == []
        assert statuses(run) == {"TRADING_HALT"}
