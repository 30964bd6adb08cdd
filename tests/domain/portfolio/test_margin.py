"""Liquidation price and margin ratio: the exchange's worked values, and that the price is where margin runs out."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.domain.decisions.news import Tick
from src.domain.market.sides import PositionSide
from src.domain.market.view import MarginBracket
from src.domain.orders.news import Refused
from src.domain.orders.types import Purpose
from src.domain.portfolio.margin import (
    Leg,
    bracket_of,
    liquidation_price,
    maintenance_margin,
    position_margins,
)
from src.domain.risk.limits import RiskLimits
from tests.support.domain_builders import BTC, ETH, SELL
from tests.support.domain_scene import Scene, alarms, submits

# BTCUSDT, 2026: cap, rate, deduction, highest leverage.
BTC_BRACKETS = tuple(
    MarginBracket(Decimal(cap), Decimal(rate), Decimal(cum), leverage)
    for cap, rate, cum, leverage in [
        ("300000", "0.004", "0", 150),
        ("800000", "0.005", "300", 100),
        ("3000000", "0.0065", "1500", 75),
        ("12000000", "0.01", "12000", 50),
        ("70000000", "0.02", "132000", 25),
        ("100000000", "0.025", "482000", 20),
    ]
)


def leg(quantity: str, entry: str) -> Leg:
    return Leg(Decimal(quantity), Decimal(entry))


@pytest.mark.parametrize(
    ("wallet", "quantity", "price"),
    [
        ("1000", "0.1", "66265.06"),
        ("1000", "-0.1", "85657.37"),
        ("380", "0.1", "72489.96"),
        ("380", "-0.1", "79482.07"),
    ],
    ids=["cross long", "cross short", "isolated 20x long", "isolated 20x short"],
)
def test_the_worked_values_of_the_exchange(wallet: str, quantity: str, price: str):
    found = liquidation_price(Decimal(wallet), [leg(quantity, "76000")], BTC_BRACKETS)

    assert found is not None and round(found, 2) == Decimal(price)


@pytest.mark.parametrize(("wallet", "quantity"), [("7600", "0.1"), ("100000", "0.1")])
def test_a_long_that_its_wallet_covers_to_nothing_has_no_liquidation_price(wallet: str, quantity: str):
    assert liquidation_price(Decimal(wallet), [leg(quantity, "76000")], BTC_BRACKETS) is None


def test_equal_long_and_short_of_a_symbol_share_a_price_far_away():
    legs = [leg("0.1", "76000"), leg("-0.1", "76000")]

    found = liquidation_price(Decimal(1_000), legs, BTC_BRACKETS)

    # Only maintenance grows with the price: 0.2 × price × rate = 1000.
    assert found == bracketed(found, legs, Decimal(1_000))


def bracketed(price: Decimal | None, legs: list[Leg], wallet: Decimal) -> Decimal | None:
    """The price, if margin balance meets maintenance margin there to a millionth."""
    assert price is not None
    balance = wallet + sum(each.quantity * (price - each.entry_price) for each in legs)
    needed = sum(maintenance_margin(abs(each.quantity) * price, BTC_BRACKETS) for each in legs)
    return price if abs(balance - needed) < Decimal("0.000001") * max(1, needed) else None


@pytest.mark.parametrize(
    ("wallet", "legs", "mark", "price"),
    [
        ("10891429", [leg("1635.674", "63708"), leg("-1298.725156", "71222")], "52297", "2575.66525717"),
        ("111403571", [leg("297.778", "31933"), leg("-290.035772", "40842")], "30642", None),
    ],
    ids=["far below, where the brackets are lower", "none, as what would do it lies 500 times above"],
)
def test_long_and_short_with_two_prices_that_would_end_them_have_that_which_the_mark_price_leads_to(
    wallet: str, legs: list[Leg], mark: str, price: str | None
):
    found = liquidation_price(Decimal(wallet), legs, BTC_BRACKETS, mark=Decimal(mark))

    assert (None if found is None else f"{found:.8f}") == price
    assert price is None or bracketed(found, legs, Decimal(wallet)) == found


QUANTITY = st.integers(1, 500_000).map(lambda n: Decimal(n).scaleb(-3))
PRICE = st.integers(10_000, 2_000_000).map(lambda n: Decimal(n).scaleb(-1))


@given(quantity=QUANTITY, entry=PRICE, short=st.booleans(), share=st.integers(2, 90))
def test_at_the_price_found_margin_balance_meets_maintenance_margin(quantity, entry, short, share):
    wallet = quantity * entry * share / 100
    legs = [Leg(-quantity if short else quantity, entry)]

    found = liquidation_price(wallet, legs, BTC_BRACKETS)

    if found is not None:
        assert bracketed(found, legs, wallet) == found
        assert found > entry * Decimal("0.9") if short else found < entry * Decimal("1.1")


def test_a_notional_beyond_every_cap_falls_into_the_last_bracket():
    assert bracket_of(BTC_BRACKETS, Decimal(10**12)) is BTC_BRACKETS[-1]
    assert bracket_of(BTC_BRACKETS, Decimal(300_000)) is BTC_BRACKETS[0]


@given(st.integers(0, 100_000_000))
def test_maintenance_margin_is_continuous_over_the_caps(notional):
    step = maintenance_margin(Decimal(notional + 1), BTC_BRACKETS) - maintenance_margin(
        Decimal(notional), BTC_BRACKETS
    )

    assert 0 <= step <= Decimal("0.025")


# --- in a session -------------------------------------------------------------------------------------------


def a_scene(wallet: str, **limits) -> Scene:
    """Long 100 BTC and short 50 ETH at 100, watched."""
    scene = Scene(limits=RiskLimits(daily_loss_pct_max=Decimal(1), **limits), watches_losses=True)
    scene.view.margin_brackets = BTC_BRACKETS
    scene.hold(100)
    scene.fill(scene.place(symbol=ETH, side=SELL, quantity=50), 9)
    scene.ledger.account.wallet["USDT"] = Decimal(wallet)
    return scene


def test_the_ratio_of_crossed_positions_is_that_of_the_account():
    scene = a_scene("600")

    first, second = position_margins(scene.ledger, scene.view)

    assert first.ratio == second.ratio == Decimal("0.1")
    assert first.maintenance == 40 and second.maintenance == 20


@pytest.mark.parametrize(("mark", "closed"), [("95", []), ("94.7", [BTC])])
def test_beyond_the_limit_what_loses_most_is_closed_in_an_emergency(mark, closed):
    scene = a_scene("600")
    scene.view.marks[BTC] = Decimal(mark)

    step = scene.decide(Tick())

    sent = [each.ticket for each in submits(step) if each.ticket.purpose is Purpose.EMERGENCY]
    assert [ticket.symbol for ticket in sent] == closed
    assert len(alarms(step)) == len(closed)


def test_a_close_under_way_is_not_sent_again():
    scene = a_scene("600")
    scene.view.marks[BTC] = Decimal("94.7")
    scene.decide(Tick())

    assert not submits(scene.decide(Tick()))


def test_while_the_exchange_refuses_to_close_what_loses_most_the_next_one_makes_room():
    scene = a_scene("600")
    scene.view.marks[BTC] = Decimal("94.7")

    closed = []
    for _ in range(3):
        closed += [each.ticket.symbol for each in submits(scene.decide(Tick()))]
        scene.now_ms += 100
        for order in scene.open(Purpose.EMERGENCY):
            if order.symbol == BTC:
                scene.decide(Refused(order.client_order_id, -4140, "halted"))

    assert closed == [BTC, BTC, ETH]


def test_without_brackets_or_a_price_nothing_is_said():
    scene = a_scene("600")
    scene.view.margin_brackets = ()

    assert position_margins(scene.ledger, scene.view) == []


def test_an_account_with_nothing_left_is_beyond_any_ratio():
    scene = a_scene("0")

    assert all(m.ratio is not None and m.ratio > 1 for m in position_margins(scene.ledger, scene.view))
    assert scene.ledger.position(BTC, PositionSide.BOTH).quantity == 100
