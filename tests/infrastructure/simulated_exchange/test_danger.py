"""Maintenance margin and liquidation prices are those of Binance's formulas, to the last digit."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from src.infrastructure.simulated_exchange.danger import ease_of, pools
from src.infrastructure.simulated_exchange.engine import Engine
from src.infrastructure.simulated_exchange.errors import ExchangeError
from src.infrastructure.simulated_exchange.rules import ExchangeRules
from tests.support.engine_builders import ACCOUNT, BTC, Frames, a_request, an_engine, an_instrument

ETH = "ETHUSDT"
FREE: dict[str, Any] = {"maker_rate": Decimal(0), "taker_rate": Decimal(0)}


def an_account(wallet: str = "1000", hedged: bool = False, isolated: bool = False) -> Engine:
    """No commissions, so that a wallet stays what it was; a price of exactly 76000."""
    instruments = (
        an_instrument(**FREE),
        an_instrument(ETH, tick_size=Decimal("0.01"), price_min=Decimal("18.67"), **FREE),
    )
    engine = an_engine(":memory:", *instruments, wallet=wallet)
    if hedged:
        engine.set_hedge_mode(ACCOUNT, True)
    if isolated:
        engine.set_margin_type(ACCOUNT, BTC, "ISOLATED")
    engine.on_frame(Frames().ticker("76000.00", "76000.10", "500", "500"))
    return engine


def hold(
    engine: Engine,
    side: str,
    quantity: str,
    price: str = "76000.00",
    position_side: str = "BOTH",
    symbol: str = BTC,
) -> None:
    """Get a position at exactly this price, whatever the book shows: a resting order that a print fills."""
    engine.new_order(
        ACCOUNT,
        a_request(
            engine, symbol=symbol, side=side, quantity=quantity, price=price, position_side=position_side
        ),
    )
    frames = Frames(symbol, engine.now_ms)
    through = Decimal(price) + (-1 if side == "BUY" else 1)
    engine.on_frame(frames.trade(f"{through:f}", "100000", buyer_is_maker=side == "BUY"))


def risk(engine: Engine, position_side: str = "BOTH", symbol: str = BTC) -> dict:
    return next(row for row in engine.position_risk(ACCOUNT, symbol) if row["positionSide"] == position_side)


def quote(engine: Engine, bid: str, ask: str) -> None:
    engine.on_frame(Frames(start_ms=engine.now_ms).ticker(bid, ask, "500", "500"))


def at_exactly_76000(engine: Engine, side: str, **changes) -> None:
    """Bids for a buy, asks for a sell stand at 76000."""
    if side == "SELL":
        quote(engine, "75999.90", "76000.00")
    hold(engine, side, "0.1", **changes)


@pytest.mark.parametrize(
    ("side", "isolated", "rounded", "exact"),
    [
        ("BUY", False, "66265.06", "66265.06024096"),
        ("SELL", False, "85657.37", "85657.37051793"),
        ("BUY", True, "72489.96", "72489.95983936"),
        ("SELL", True, "79482.07", "79482.07171315"),
    ],
    ids=["cross long", "cross short", "isolated long", "isolated short"],
)
def test_the_published_examples(side: str, isolated: bool, rounded: str, exact: str):
    engine = an_account(isolated=isolated)

    at_exactly_76000(engine, side)

    row = risk(engine)
    assert row["liquidationPrice"] == exact
    assert f"{Decimal(exact):.2f}" == rounded
    assert row["isolatedWallet"] == ("380" if isolated else "0")


def test_at_its_liquidation_price_a_position_has_exactly_its_maintenance_margin_left():
    engine = an_account()
    at_exactly_76000(engine, "BUY")

    at = Decimal(risk(engine)["liquidationPrice"])
    balance = 1000 + (at - 76000) * Decimal("0.1")
    assert abs(balance - at * Decimal("0.1") * Decimal("0.004")) < Decimal("0.00000001")


def test_the_bracket_is_the_one_of_the_notional_at_the_liquidation_price():
    engine = an_account(wallet="500000")
    hold(engine, "BUY", "40")

    at = Decimal(risk(engine)["liquidationPrice"])
    # 40 BTC are 3.04 millions now (1 %, less 12 000), and below 3 millions there (0.65 %, less 1500).
    expected = (500_000 + 1500 - 40 * Decimal(76000)) / (40 * Decimal("0.0065") - 40)
    assert abs(at - expected) < Decimal("0.00000001")


def test_maintenance_margin_is_continuous_over_the_brackets():
    engine = an_account(wallet="500000")
    hold(engine, "BUY", "20")

    # 1.52 millions: 0.65 %, less 1500.
    row = risk(engine)
    expected = Decimal(row["notional"]) * Decimal("0.0065") - 1500
    assert Decimal(row["maintMargin"]) == expected


def test_other_cross_positions_move_the_liquidation_price():
    engine = an_account(wallet="2000")
    engine.on_frame(Frames(ETH).ticker("3999.99", "4000.01", "500", "500"))
    at_exactly_76000(engine, "BUY")
    alone = Decimal(risk(engine)["liquidationPrice"])
    hold(engine, "BUY", "1", price="3999.99", symbol=ETH)

    # ETH keeps 4000 × 0.4 % = 16, and has won 0.01.
    beside = Decimal(risk(engine)["liquidationPrice"])
    assert abs(beside - alone - (16 - Decimal("0.01")) / Decimal("0.0996")) < Decimal("0.00000002")


def test_long_and_short_of_hedge_mode_end_together():
    engine = an_account(hedged=True)
    hold(engine, "BUY", "0.1", position_side="LONG")
    quote(engine, "75999.90", "76000.00")
    hold(engine, "SELL", "0.04", position_side="SHORT")

    long, short = risk(engine, "LONG"), risk(engine, "SHORT")
    rate = Decimal("0.004")
    entry = Decimal(76000)
    numerator = 1000 - Decimal("0.1") * entry + Decimal("0.04") * entry
    denominator = Decimal("0.1") * rate + Decimal("0.04") * rate - Decimal("0.1") + Decimal("0.04")
    assert long["liquidationPrice"] == short["liquidationPrice"]
    assert abs(Decimal(long["liquidationPrice"]) - numerator / denominator) < Decimal("0.00000001")


def test_a_position_that_no_price_ends_has_no_liquidation_price():
    engine = an_account(wallet="100000")
    at_exactly_76000(engine, "BUY")

    assert risk(engine)["liquidationPrice"] == "0"


def test_leverage_bounds_the_notional_of_a_position():
    engine = an_engine(
        ":memory:", an_instrument(**FREE), rules=ExchangeRules(leverage=100), wallet="10000000"
    )
    engine.on_frame(Frames().ticker("76000.00", "76000.10", "500", "500"))

    with pytest.raises(ExchangeError, match="-2027"):
        engine.new_order(ACCOUNT, a_request(engine, quantity="10.6"))
    assert engine.new_order(ACCOUNT, a_request(engine, quantity="10.5"))["status"] == "FILLED"


@given(
    wallet=st.integers(100, 200_000),
    held=st.lists(
        st.tuples(st.sampled_from([BTC, ETH]), st.sampled_from(["BUY", "SELL"]), st.integers(1, 400)),
        min_size=1,
        max_size=3,
    ),
    hedged=st.booleans(),
    looked_at=st.tuples(st.integers(20_000, 140_000), st.integers(500, 6_000)),
    later=st.tuples(st.integers(20_000, 280_000), st.integers(500, 12_000)),
)
def test_while_an_ease_holds_less_than_half_of_a_margin_is_used(
    wallet: int,
    held: list[tuple[str, str, int]],
    hedged: bool,
    looked_at: tuple[int, int],
    later: tuple[int, int],
):
    engine = an_account(str(wallet), hedged=hedged)
    engine.on_frame(Frames(ETH, engine.now_ms).ticker("3000.00", "3000.01", "5000", "5000"))
    for symbol, side, quantity in held:
        position_side = ("LONG" if side == "BUY" else "SHORT") if hedged else "BOTH"
        price = "76000.00" if symbol == BTC else "3000.00"
        try:
            hold(engine, side, f"{quantity / 1000:.3f}", price, position_side, symbol)
        except ExchangeError:
            assume(False)
    state = engine._state
    account = state.accounts[ACCOUNT]

    show_marks(engine, looked_at)
    ease = ease_of(state, account)
    assume(ease is not None)
    assert ease is not None and ease.holds()

    show_marks(engine, later)
    if ease.holds():
        assert all(2 * pool.maintenance <= pool.balance for pool in pools(state, account))


def show_marks(engine: Engine, prices: tuple[int, int]) -> None:
    """Let the books alone know: what a margin leads to would come with the next second."""
    for symbol, price in zip((BTC, ETH), prices, strict=True):
        engine.warm(Frames(symbol, engine.now_ms).ticker(f"{price}.00", f"{price}.10", "500", "500"))


def test_an_account_at_ease_is_looked_at_again_when_something_of_it_changes():
    engine = an_account("200000")
    a_second_later(engine, "76000")
    assert engine._state.eases[ACCOUNT].bounds == ()

    engine.new_order(ACCOUNT, a_request(engine, quantity="1"))
    assert not engine._state.eases

    a_second_later(engine, "76000")
    a_second_later(engine, "50000")
    assert len(engine._state.eases[ACCOUNT].bounds) == 1
    assert Decimal(risk(engine)["positionAmt"]) == 1

    engine.deposit(ACCOUNT, "USDT", Decimal(-173_900))
    a_second_later(engine, "50000")
    assert engine.position_risk(ACCOUNT, BTC) == []


def a_second_later(engine: Engine, price: str) -> None:
    """Quote a price at the time of the next look at margins."""
    quote(engine, f"{price}.00", f"{price}.10")
    engine.advance_time(engine.now_ms + 1_000)
