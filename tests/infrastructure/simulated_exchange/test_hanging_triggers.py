"""While triggers hang, an order whose price has come is TRIGGERING: it does not trade, and nobody can cancel it."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from src.infrastructure.simulated_exchange.engine import Engine
from src.infrastructure.simulated_exchange.errors import ExchangeError
from src.infrastructure.simulated_exchange.rules import ExchangeRules
from tests.support.engine_builders import ACCOUNT, BTC, Frames, a_request, an_engine, an_instrument

ETH = "ETHUSDT"


@pytest.fixture
def frames() -> Frames:
    return Frames()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "exchange.sqlite"


@pytest.fixture
def engine(frames: Frames, path: Path) -> Engine:
    """It holds 0.02 BTC, bought at 76000.1, and the triggers of BTC hang."""
    engine = an_engine(path)
    engine.on_frame(frames.ticker("76000.00", "76000.10"))
    engine.on_frame(frames.trade("76000.00", "0.1"))
    engine.new_order(ACCOUNT, a_request(engine, quantity="0.02"))
    engine.hang_triggers(BTC, True)
    engine.take_events()
    return engine


def a_stop(engine: Engine, name: str, trigger: str = "75500", **changes: Any) -> None:
    given = {"side": "SELL", "reduce_only": True, "trigger_price": trigger, "client_order_id": name}
    engine.new_algo_order(ACCOUNT, a_request(engine, **(given | changes)))


def fall(engine: Engine, frames: Frames, price: str = "75000.00") -> None:
    engine.on_frame(frames.trade(price, "0.1"))


def status(engine: Engine, name: str) -> str:
    return engine.query_algo_order(ACCOUNT, client_algo_id=name)["algoStatus"]


def waiting(engine: Engine) -> list[tuple[str, str]]:
    return [(one["clientAlgoId"], one["algoStatus"]) for one in engine.open_algo_orders(ACCOUNT)]


def told(engine: Engine) -> list[tuple[str, str]]:
    events = [json.loads(event.raw)["o"] for event in engine.take_events() if event.kind == "ALGO_UPDATE"]
    return [(event["caid"], event["X"]) for event in events]


def sold(engine: Engine) -> list[str]:
    return [one.client_order_id for one in engine.trade_records(ACCOUNT, BTC) if one.side == "SELL"]


def refused(engine: Engine, **which) -> int:
    with pytest.raises(ExchangeError) as no:
        engine.cancel_algo_order(ACCOUNT, **which)
    return no.value.code


def test_an_order_whose_price_comes_hangs_and_trades_at_no_price(engine: Engine, frames: Frames):
    a_stop(engine, "s-1")
    engine.take_events()

    fall(engine, frames)
    at_ms, events = engine.now_ms, [json.loads(event.raw)["o"] for event in engine.take_events()]
    fall(engine, frames, "74000.00")
    fall(engine, frames, "76000.00")

    assert [(event["X"], event["tt"], event["ai"]) for event in events] == [("TRIGGERING", at_ms, "")]
    assert (engine.take_events(), sold(engine)) == ([], [])


def test_what_hangs_is_listed_and_found_as_an_open_order_that_is_triggering(engine: Engine, frames: Frames):
    a_stop(engine, "s-1")
    fall(engine, frames)

    (listed,) = engine.open_algo_orders(ACCOUNT, BTC)

    assert (listed["algoStatus"], listed["triggerTime"]) == ("TRIGGERING", engine.now_ms)
    assert listed == engine.query_algo_order(ACCOUNT, client_algo_id="s-1")
    assert [listed] == engine.all_algo_orders(ACCOUNT, BTC, 0)
    assert engine.open_orders(ACCOUNT) == []


def test_what_hangs_keeps_its_client_id_and_its_place_in_the_limit(frames: Frames):
    engine = an_engine(rules=ExchangeRules(algo_orders_max=2))
    engine.on_frame(frames.trade("76000.00", "0.1"))
    engine.hang_triggers(BTC, True)
    a_stop(engine, "s-1")
    fall(engine, frames)

    with pytest.raises(ExchangeError, match="-4116"):
        a_stop(engine, "s-1", "74000")
    a_stop(engine, "s-2", "74000")
    with pytest.raises(ExchangeError, match="-4045"):
        a_stop(engine, "s-3", "74000")


def test_what_hangs_cannot_be_canceled_and_what_still_waits_can(engine: Engine, frames: Frames):
    for name, trigger in (("hangs", "75500"), ("near", "74500"), ("far", "74000")):
        a_stop(engine, name, trigger)
    fall(engine, frames)
    number = engine.query_algo_order(ACCOUNT, client_algo_id="hangs")["algoId"]
    engine.take_events()

    assert [refused(engine, client_algo_id="hangs"), refused(engine, algo_id=number)] == [-2011, -2011]
    engine.cancel_algo_order(ACCOUNT, client_algo_id="near")
    engine.cancel_all_algo_orders(ACCOUNT, BTC)

    assert told(engine) == [("near", "CANCELED"), ("far", "CANCELED")]
    assert waiting(engine) == [("hangs", "TRIGGERING")]


def test_let_go_they_trade_in_the_order_in_which_they_were_placed(engine: Engine, frames: Frames):
    for name, trigger in (("far", "75300"), ("near", "75500"), ("middle", "75400")):
        a_stop(engine, name, trigger, quantity="0.005")
    fall(engine, frames)
    triggered_ms = engine.now_ms
    fall(engine, frames, "76000.00")
    engine.take_events()

    engine.hang_triggers(BTC, False)

    assert sold(engine) == ["far", "near", "middle"]
    assert told(engine)[:2] == [("far", "TRIGGERED"), ("far", "FINISHED")]
    assert waiting(engine) == []
    assert engine.query_algo_order(ACCOUNT, client_algo_id="far")["triggerTime"] == triggered_ms


def test_let_go_it_is_rejected_when_nothing_is_left_to_reduce(engine: Engine, frames: Frames):
    a_stop(engine, "s-1")
    fall(engine, frames)
    engine.new_order(ACCOUNT, a_request(engine, side="SELL", quantity="0.02"))
    still = status(engine, "s-1")
    engine.take_events()

    engine.hang_triggers(BTC, False)

    (event,) = [json.loads(event.raw)["o"] for event in engine.take_events()]
    assert still == "TRIGGERING"
    assert (event["X"], event["rm"]) == ("REJECTED", "ReduceOnly Order is rejected.")
    assert waiting(engine) == []
    a_stop(engine, "s-1", "74000")


def test_once_they_are_let_go_triggers_work_as_before(engine: Engine, frames: Frames):
    engine.hang_triggers(BTC, False)
    a_stop(engine, "s-1")

    fall(engine, frames)

    assert (sold(engine), status(engine, "s-1")) == (["s-1"], "FINISHED")


def test_triggers_of_one_symbol_hang_whatever_becomes_of_another(frames: Frames):
    engine = an_engine(":memory:", an_instrument(), an_instrument(ETH))
    engine.on_frame(frames.ticker("76000.00", "76000.10"))
    engine.on_frame(frames.trade("76000.00", "0.1"))
    engine.hang_triggers(ETH, True)
    a_stop(engine, "s-1", reduce_only=False)
    a_stop(engine, "s-2", "74500", reduce_only=False)
    fall(engine, frames)
    engine.hang_triggers(BTC, True)
    fall(engine, frames, "74000.00")

    engine.hang_triggers(ETH, False)

    assert (status(engine, "s-1"), status(engine, "s-2")) == ("FINISHED", "TRIGGERING")


def test_triggers_go_on_hanging_after_a_restart(engine: Engine, frames: Frames, path: Path):
    a_stop(engine, "hangs")
    a_stop(engine, "later", "74500")
    fall(engine, frames)

    again = an_engine(path)
    again.on_frame(frames.ticker("74000.00", "74000.10"))
    fall(again, frames, "74000.00")

    assert told(again) == [("later", "TRIGGERING")]
    assert waiting(again) == [("hangs", "TRIGGERING"), ("later", "TRIGGERING")]
    assert refused(again, client_algo_id="hangs") == -2011
    again.hang_triggers(BTC, False)
    assert sold(again) == ["hangs", "later"]
    assert an_engine(path).memory() == again.memory()


def test_a_trailing_stop_hangs_where_it_was_triggered_and_no_price_moves_it(
    engine: Engine, frames: Frames, path: Path
):
    rate = Decimal("0.5")
    a_stop(engine, "t-1", type="TRAILING_STOP_MARKET", callback_rate=rate, trigger_price=None)
    fall(engine, frames)
    before, memory = engine.open_algo_orders(ACCOUNT), engine.memory()

    fall(engine, frames, "80000.00")
    again = an_engine(path)

    assert waiting(engine) == [("t-1", "TRIGGERING")]
    assert engine.open_algo_orders(ACCOUNT) == before == again.open_algo_orders(ACCOUNT)
    assert again.memory() == memory


@pytest.mark.parametrize("restarts", [False, True])
def test_what_is_let_go_in_a_halt_trades_at_the_first_price_after_it(
    engine: Engine, frames: Frames, path: Path, restarts: bool
):
    a_stop(engine, "s-1")
    fall(engine, frames)
    engine.set_symbol_status(BTC, "TRADING_HALT")

    engine.hang_triggers(BTC, False)
    fall(engine, frames)
    in_the_halt = waiting(engine), refused(engine, client_algo_id="s-1")
    later = an_engine(path) if restarts else engine
    later.set_symbol_status(BTC, "TRADING")
    later.on_frame(frames.ticker("76000.00", "76000.10"))
    fall(later, frames, "78000.00")

    assert in_the_halt == ([("s-1", "TRIGGERING")], -2011)
    assert (sold(later), waiting(later)) == (["s-1"], [])


def test_what_is_let_go_in_a_halt_can_be_made_to_hang_again(engine: Engine, frames: Frames):
    a_stop(engine, "s-1")
    fall(engine, frames)
    engine.set_symbol_status(BTC, "TRADING_HALT")
    engine.hang_triggers(BTC, False)
    engine.take_events()

    engine.hang_triggers(BTC, True)
    engine.set_symbol_status(BTC, "TRADING")
    fall(engine, frames)

    assert (told(engine), waiting(engine)) == ([], [("s-1", "TRIGGERING")])


def test_a_settlement_ends_what_hangs(engine: Engine, frames: Frames):
    a_stop(engine, "s-1")
    fall(engine, frames)
    engine.take_events()

    engine.force_settlement(BTC)
    engine.hang_triggers(BTC, False)

    assert told(engine) == [("s-1", "EXPIRED")]
    assert (waiting(engine), sold(engine)) == ([], ["settlement_autoclose-2"])


def test_an_order_that_closes_the_position_expires_with_it_even_where_it_hangs(
    engine: Engine, frames: Frames
):
    a_stop(engine, "s-1", quantity=None, reduce_only=False, close_position=True)
    a_stop(engine, "s-2")
    fall(engine, frames)

    engine.force_liquidation(ACCOUNT, BTC)

    assert (status(engine, "s-1"), status(engine, "s-2")) == ("EXPIRED", "TRIGGERING")


def test_a_run_without_the_accident_stores_nothing_of_it(frames: Frames, path: Path):
    engine = an_engine(path)
    before = engine.memory().keys()

    engine.hang_triggers(BTC, True)
    during = engine.memory().keys()
    engine.hang_triggers(BTC, False)

    assert during - before == {"hanging_symbols"}
    assert engine.memory().keys() == before
