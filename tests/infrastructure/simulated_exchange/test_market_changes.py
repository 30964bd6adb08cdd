"""A symbol may halt, close, or get other filters while people trade on it; several orders may share one commit."""

from decimal import Decimal
from pathlib import Path

import pytest

from src.infrastructure.simulated_exchange.engine import Engine
from src.infrastructure.simulated_exchange.errors import ExchangeError
from tests.support.engine_builders import ACCOUNT, BTC, Frames, a_request, an_engine


@pytest.fixture
def frames() -> Frames:
    return Frames()


def begun(frames: Frames, path: Path | str = ":memory:") -> Engine:
    engine = an_engine(path)
    engine.on_frame(frames.ticker("76000.00", "76000.10", "2", "2"))
    engine.on_frame(frames.trade("76000.00", "0.1"))
    return engine


def refused(engine: Engine, **changes) -> int:
    with pytest.raises(ExchangeError) as no:
        engine.new_order(ACCOUNT, a_request(engine, **changes))
    return no.value.code


def test_in_a_halt_nothing_is_taken_and_nothing_trades_but_orders_can_be_canceled(frames: Frames):
    engine = begun(frames)
    engine.new_order(ACCOUNT, a_request(engine, price="75990.00", client_order_id="c-1"))
    stop = a_request(engine, side="SELL", trigger_price="75500", client_order_id="s-1")
    engine.new_algo_order(ACCOUNT, stop)
    engine.set_symbol_status(BTC, "TRADING_HALT")

    engine.on_frame(frames.trade("75000.00", "5"))
    with pytest.raises(ExchangeError, match="-5024"):
        engine.modify_order(
            ACCOUNT, BTC, Decimal("0.02"), Decimal("75980"), engine.now_ms, client_order_id="c-1"
        )

    assert refused(engine) == -4140
    assert engine.user_trades(ACCOUNT, BTC) == []
    assert engine.cancel_order(ACCOUNT, BTC, client_order_id="c-1")["status"] == "CANCELED"
    engine.set_symbol_status(BTC, "TRADING")
    engine.on_frame(frames.trade("75000.00", "5"))
    assert engine.query_algo_order(ACCOUNT, client_algo_id="s-1")["algoStatus"] == "FINISHED"


def test_while_its_market_is_not_known_a_symbol_is_halted_and_a_stop_waits_for_the_news(frames: Frames):
    engine = begun(frames)
    engine.new_order(ACCOUNT, a_request(engine))
    engine.new_algo_order(ACCOUNT, a_request(engine, side="SELL", trigger_price="75500", client_order_id="s"))

    assert engine.mark_unknown([BTC]) == [BTC]
    assert engine.mark_unknown([BTC]) == []
    engine.on_frame(frames.mark("75000.00"))
    engine.on_frame(frames.trade("75000.00", "5"))

    assert engine.symbol_status(BTC) == "TRADING_HALT"
    assert (refused(engine), refused(engine, price="75000.00")) == (-4140, -4140)
    assert len(engine.user_trades(ACCOUNT, BTC)) == 1
    assert engine.mark_unknown([]) == [BTC]
    engine.on_frame(frames.ticker("74999.90", "75000.00"))
    engine.on_frame(frames.trade("75000.00", "5"))
    assert engine.symbol_status(BTC) == "TRADING"
    assert engine.user_trades(ACCOUNT, BTC)[-1]["price"] == "74999.9"


def test_a_position_is_not_liquidated_while_its_market_is_not_known(frames: Frames):
    engine = begun(frames)
    engine.new_order(ACCOUNT, a_request(engine, quantity="10"))
    engine.mark_unknown([BTC])

    engine.on_frame(frames.mark("20000.00", after_ms=2_000))

    assert len(engine.position_risk(ACCOUNT, BTC)) == 1
    engine.mark_unknown([])
    engine.on_frame(frames.mark("20000.00", after_ms=2_000))
    assert engine.position_risk(ACCOUNT, BTC) == []


def test_a_halt_by_hand_outlasts_a_market_that_is_known_again(frames: Frames):
    engine = begun(frames)
    engine.set_symbol_status(BTC, "SETTLING")

    engine.mark_unknown([BTC])
    assert engine.symbol_status(BTC) == "SETTLING"
    engine.mark_unknown([])

    assert refused(engine) == -4141
    assert engine.symbol_status(BTC) == "SETTLING"


def test_a_closed_symbol_says_so_after_a_restart_too(frames: Frames, tmp_path: Path):
    engine = begun(frames, tmp_path / "exchange.sqlite")

    engine.set_symbol_status(BTC, "CLOSE")

    again = an_engine(tmp_path / "exchange.sqlite")
    assert refused(again) == -4141
    assert again.symbol_status(BTC) == "CLOSE"


def test_filters_change_for_new_orders_and_for_good(frames: Frames, tmp_path: Path):
    engine = begun(frames, tmp_path / "exchange.sqlite")
    engine.new_order(ACCOUNT, a_request(engine, price="75990.10", client_order_id="c-1"))

    changed = engine.change_filters(BTC, tick_size=Decimal("0.50"), notional_min=Decimal(1000), orders_max=2)

    again = an_engine(tmp_path / "exchange.sqlite")
    for exchange in (engine, again):
        assert exchange.instruments == (changed,)
        assert refused(exchange, price="75990.10") == -4014
        assert refused(exchange, price="75990.30", quantity="0.01") == -4164
        assert len(exchange.open_orders(ACCOUNT)) == 1
    assert again.memory() == engine.memory()


@pytest.mark.parametrize("values", [{"tick": Decimal(1)}, {"tick_size": "0.5"}, {"base_asset": "ETH"}])
def test_what_is_no_filter_cannot_be_changed(frames: Frames, values: dict):
    engine = begun(frames)
    before = engine.instruments

    with pytest.raises(ValueError, match="cannot be changed"):
        engine.change_filters(BTC, **values)

    assert engine.instruments == before


def test_held_requests_share_a_commit_and_tell_nothing_before_it(frames: Frames, tmp_path: Path):
    engine = begun(frames, tmp_path / "exchange.sqlite")
    engine.take_events()

    engine.hold()
    engine.new_order(ACCOUNT, a_request(engine))
    engine.new_order(ACCOUNT, a_request(engine))
    before = engine.take_events(), an_engine(tmp_path / "exchange.sqlite").user_trades(ACCOUNT, BTC)
    engine.release()

    assert before == ([], [])
    assert len(engine.take_events()) == 6
    assert len(an_engine(tmp_path / "exchange.sqlite").user_trades(ACCOUNT, BTC)) == 2


def test_what_a_hold_covers_can_be_taken_ahead_and_settled_while_the_hold_goes_on(
    frames: Frames, tmp_path: Path
):
    engine = begun(frames, tmp_path / "exchange.sqlite")
    engine.take_events()

    def on_file() -> int:
        return len(an_engine(tmp_path / "exchange.sqlite").user_trades(ACCOUNT, BTC))

    engine.hold()
    engine.new_order(ACCOUNT, a_request(engine))
    ahead = engine.take_events(ahead=True), on_file()
    engine.settle()
    settled = engine.take_events(ahead=True), on_file()
    engine.new_order(ACCOUNT, a_request(engine))
    held = on_file()
    engine.release()

    assert (len(ahead[0]), ahead[1]) == (3, 0)
    assert settled == ([], 1), "each event is told once"
    assert (held, on_file(), len(engine.take_events())) == (1, 2, 3)


def test_a_modification_has_its_callers_id(frames: Frames):
    engine = begun(frames)
    engine.new_order(ACCOUNT, a_request(engine, price="75990.00", client_order_id="c-1"))
    engine.take_events()

    answer = engine.modify_order(
        ACCOUNT, BTC, Decimal("0.02"), Decimal("75980"), engine.now_ms, client_order_id="c-1", modify_id=77
    )

    assert answer["modifyId"] == 77
    assert '"M":"77"' in engine.take_events()[0].raw
    with pytest.raises(ExchangeError, match="-5047"):
        engine.modify_order(
            ACCOUNT,
            BTC,
            Decimal("0.03"),
            Decimal("75980"),
            engine.now_ms,
            client_order_id="c-1",
            reduce_only=True,
        )


def test_a_request_can_be_tried_without_an_order(frames: Frames):
    engine = begun(frames)

    assert engine.test_order(a_request(engine)) == {}
    with pytest.raises(ExchangeError, match="-4120"):
        engine.test_order(a_request(engine, type="STOP_MARKET"))
    assert engine.user_trades(ACCOUNT, BTC) == []
