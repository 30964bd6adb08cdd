"""Commission, profit, funding and margin, to the last unit, and books that balance."""

from decimal import Decimal

import pytest

from src.infrastructure.simulated_exchange.engine import Engine
from src.infrastructure.simulated_exchange.errors import ExchangeError
from src.infrastructure.simulated_exchange.rules import HOUR_MS, ExchangeRules
from tests.support.engine_builders import ACCOUNT, BTC, START_MS, Frames, a_request, an_engine, an_instrument


@pytest.fixture
def frames() -> Frames:
    return Frames()


@pytest.fixture
def engine(frames: Frames) -> Engine:
    engine = an_engine(wallet="1000")
    engine.on_frame(frames.ticker("76000.00", "76000.10", "9", "9"))
    return engine


def trade(engine: Engine, frames: Frames, side: str, quantity: str, price: str) -> None:
    """Take at exactly ``price``."""
    quote = Decimal(price)
    ticker = (
        frames.ticker(f"{quote - 100:f}", price, "9", "9")
        if side == "BUY"
        else frames.ticker(price, f"{quote + 100:f}", "9", "9")
    )
    engine.on_frame(ticker)
    engine.new_order(ACCOUNT, a_request(engine, side=side, quantity=quantity))


def wallet(engine: Engine) -> Decimal:
    return Decimal(engine.balance(ACCOUNT)[0]["balance"])


def test_commission_is_price_times_quantity_times_rate_half_even(engine: Engine, frames: Frames):
    trade(engine, frames, "BUY", "0.003", "76000.10")

    assert engine.user_trades(ACCOUNT, BTC)[0]["commission"] == "0.11400015"
    assert wallet(engine) == Decimal("1000") - Decimal("0.11400015")


def test_partial_closes_share_the_cost_so_that_nothing_is_lost(engine: Engine, frames: Frames):
    trade(engine, frames, "BUY", "0.001", "76000.10")
    trade(engine, frames, "BUY", "0.002", "76000.30")
    for _ in range(3):
        trade(engine, frames, "SELL", "0.001", "76100.00")

    profits = [Decimal(row["realizedPnl"]) for row in engine.user_trades(ACCOUNT, BTC)[2:]]
    assert sum(profits) == Decimal("0.003") * 76100 - Decimal("0.001") * Decimal("76000.10") - Decimal(
        "0.002"
    ) * Decimal("76000.30")
    assert profits[0] == Decimal("0.09976667")
    assert engine.position_risk(ACCOUNT) == []


def test_a_short_position_profits_from_falling_prices(engine: Engine, frames: Frames):
    trade(engine, frames, "SELL", "0.002", "76000.00")
    trade(engine, frames, "BUY", "0.002", "75000.00")

    assert engine.user_trades(ACCOUNT, BTC)[1]["realizedPnl"] == "2"


def test_income_rows_add_up_to_the_wallet(engine: Engine, frames: Frames):
    trade(engine, frames, "BUY", "0.003", "76000.10")
    trade(engine, frames, "SELL", "0.001", "76123.40")

    rows = engine.income(ACCOUNT)
    assert [row["incomeType"] for row in rows] == ["TRANSFER", "COMMISSION", "REALIZED_PNL", "COMMISSION"]
    assert sum(Decimal(row["income"]) for row in rows) == wallet(engine)
    assert [row["tradeId"] for row in rows] == ["", "1", "2", "2"]
    assert all(line.holds for line in engine.audit())


def test_income_can_be_read_by_time_by_type_and_by_page(engine: Engine, frames: Frames):
    trade(engine, frames, "BUY", "0.003", "76000.10")
    first = engine.now_ms
    trade(engine, frames, "SELL", "0.003", "76000.10")

    assert len(engine.income(ACCOUNT, since_ms=first + 1)) == 1
    assert len(engine.income(ACCOUNT, income_type="COMMISSION")) == 2
    page = engine.income(ACCOUNT, limit=2)
    assert [row["tranId"] for row in page + engine.income(ACCOUNT, after_id=page[-1]["tranId"])] == [1, 2, 3]


NEXT_FUNDING_MS = (START_MS // (8 * HOUR_MS) + 1) * 8 * HOUR_MS


def test_a_long_position_pays_a_positive_rate_at_the_funding_time(engine: Engine, frames: Frames):
    trade(engine, frames, "BUY", "0.003", "76000.00")
    before = wallet(engine)
    engine.on_frame(frames.mark("76200", rate="0.0002"))
    engine.take_events()

    assert engine.advance_time(NEXT_FUNDING_MS - 1) is False
    assert engine.advance_time(NEXT_FUNDING_MS) is True

    row = engine.income(ACCOUNT, income_type="FUNDING_FEE")[0]
    assert (row["income"], row["time"], row["symbol"]) == ("-0.04572", NEXT_FUNDING_MS, BTC)
    assert wallet(engine) == before - Decimal("0.04572")
    raw = engine.take_events()[0].raw
    assert '"m":"FUNDING_FEE"' in raw
    assert '"bc":"-0.04572"' in raw
    assert "tran" not in raw


def test_a_short_position_receives_it_and_a_market_without_rates_has_the_usual_one(frames: Frames):
    engine = an_engine(wallet="1000", rules=ExchangeRules(funding_interval_ms=HOUR_MS))
    engine.on_frame(frames.ticker("76000.00", "76000.10", "9", "9"))
    trade(engine, frames, "SELL", "0.01", "76000.00")

    engine.advance_time((START_MS // HOUR_MS + 3) * HOUR_MS)

    rows = engine.income(ACCOUNT, income_type="FUNDING_FEE")
    assert [row["income"] for row in rows] == ["0.07605"] * 3


def test_available_balance_is_what_positions_and_orders_leave(engine: Engine, frames: Frames):
    engine.set_leverage(ACCOUNT, BTC, 10)
    trade(engine, frames, "BUY", "0.01", "76000.00")
    engine.on_frame(frames.mark("76500"))
    engine.new_order(ACCOUNT, a_request(engine, price="75000", quantity="0.02"))

    position = engine.position_risk(ACCOUNT)[0]
    assert (position["notional"], position["unRealizedProfit"]) == ("765", "5")
    assert (position["positionInitialMargin"], position["openOrderInitialMargin"]) == ("76.5", "150")
    expected = wallet(engine) + 5 - Decimal("226.5")
    assert Decimal(engine.balance(ACCOUNT)[0]["availableBalance"]) == expected


def test_an_order_that_shrinks_the_position_needs_no_margin(engine: Engine, frames: Frames):
    trade(engine, frames, "BUY", "0.25", "76000.00")
    engine.on_frame(frames.ticker("72300.00", "72300.10", "9", "9"))
    assert engine.balance(ACCOUNT)[0]["availableBalance"] == "0"

    engine.new_order(ACCOUNT, a_request(engine, side="SELL", quantity="0.25"))

    assert engine.position_risk(ACCOUNT) == []


def test_an_order_costs_its_margin_and_what_it_would_lose_at_once(engine: Engine):
    engine.set_leverage(ACCOUNT, BTC, 125)

    with pytest.raises(ExchangeError, match="-2019"):
        engine.new_order(ACCOUNT, a_request(engine, price="79000", quantity="1", time_in_force="IOC"))
    answer = engine.new_order(ACCOUNT, a_request(engine, price="75900", quantity="1"))

    assert answer["status"] == "NEW"


@pytest.mark.parametrize(("side", "price"), [("BUY", "66265.06"), ("SELL", "85657.37")])
def test_the_liquidation_price_of_a_cross_position_is_the_published_formulas(side: str, price: str):
    engine = an_engine(
        ":memory:", an_instrument(taker_rate=Decimal(0), maintenance_rate=Decimal("0.004")), wallet="1000"
    )
    frames = Frames()
    trade(engine, frames, side, "0.1", "76000.00")

    found = Decimal(engine.position_risk(ACCOUNT)[0]["liquidationPrice"])
    assert found.quantize(Decimal("0.01")) == Decimal(price)


def test_leverage_is_set_by_symbol_and_bounded(engine: Engine):
    engine.take_events()

    assert engine.set_leverage(ACCOUNT, BTC, 50)["leverage"] == 50
    assert engine.leverage(ACCOUNT, BTC) == 50
    assert '"ac":{"s":"BTCUSDT","l":50}' in engine.take_events()[0].raw
    with pytest.raises(ExchangeError, match="-4028"):
        engine.set_leverage(ACCOUNT, BTC, 126)


def test_leverage_cannot_be_lowered_below_what_the_wallet_carries(engine: Engine, frames: Frames):
    trade(engine, frames, "BUY", "0.2", "76000.00")

    with pytest.raises(ExchangeError, match="-2028"):
        engine.set_leverage(ACCOUNT, BTC, 5)


def test_the_dead_mans_switch_cancels_ordinary_orders_and_spares_stops(engine: Engine):
    engine.new_order(ACCOUNT, a_request(engine, price="75000"))
    engine.new_algo_order(ACCOUNT, a_request(engine, trigger_price="77000"))
    engine.countdown_cancel_all(ACCOUNT, BTC, 1000)

    engine.advance_time(engine.now_ms + 999)
    assert len(engine.open_orders(ACCOUNT)) == 1
    engine.advance_time(engine.now_ms + 1)
    assert (len(engine.open_orders(ACCOUNT)), len(engine.open_algo_orders(ACCOUNT))) == (0, 1)


def test_a_switch_that_is_disarmed_cancels_nothing(engine: Engine):
    engine.new_order(ACCOUNT, a_request(engine, price="75000"))
    engine.countdown_cancel_all(ACCOUNT, BTC, 1000)
    engine.countdown_cancel_all(ACCOUNT, BTC, 0)

    engine.advance_time(engine.now_ms + 2000)

    assert len(engine.open_orders(ACCOUNT)) == 1


def test_accounts_do_not_see_each_other(engine: Engine):
    engine.create_account(2, "paper-2")
    engine.deposit(2, "USDT", Decimal(500))
    engine.new_order(2, a_request(engine, price="75000", client_order_id="c-1", quantity="0.001"))

    assert engine.open_orders(ACCOUNT) == []
    assert engine.new_order(ACCOUNT, a_request(engine, client_order_id="c-1"))["status"] == "FILLED"
    assert engine.position_risk(2)[0]["positionAmt"] == "0"
    assert [event.account for event in engine.take_events()][-1] == ACCOUNT
    with pytest.raises(ValueError, match="exists"):
        engine.create_account(2, "again")
