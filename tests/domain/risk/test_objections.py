"""The figures that rules judge by, and tell of: what they saw, beside the limit."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.domain.market.sides import PositionSide
from src.domain.orders.types import OrderType
from tests.domain.risk.changes import hedged, limits, sent, ticket, wallet
from tests.domain.risk.test_rules import OBJECTS, a_bench
from tests.support.domain_builders import BTC, BUY, MARK, SELL

LONG, SHORT = PositionSide.LONG, PositionSide.SHORT
OPENS = {LONG: BUY, SHORT: SELL}

FIGURES = {
    ("order_value", "above"): ("200.100", "200"),
    ("price_collar", "too low"): ("0.051", "0.05"),
    ("slippage", "selling"): ("0.0011", "0.001"),
    ("position_size", "with what is held"): ("0.101", "0.1"),
    ("leverage", "with others"): ("1.001", "1"),
    ("margin", "below"): ("0.9900", "0.99"),
    ("daily_loss", "at the limit"): ("0.02", "0.02"),
    ("drawdown", "at the limit"): ("0.2", "0.2"),
    ("positions", "entering another"): ("2", "1"),
    ("duplicate", "just inside the window"): ("999 ms", "1000 ms"),
    ("confidence", "below"): ("0.49", "0.5"),
    ("symbol_exposure", "above"): ("200.100", "200"),
    ("leverage_bracket", "above"): ("200.100", "200"),
    ("gross_exposure", "above"): ("300.100", "300"),
    ("net_exposure", "selling beside a short"): ("1.001", "1"),
    ("concentration", "above"): ("0.600080", "0.6"),
    ("volatility", "unusual"): ("1.51", "1.5"),
    ("correlation", "both short"): ("0.71", "0.7"),
    ("open_orders", "at the limit"): ("2", "1"),
}


@pytest.mark.parametrize(
    ("case", "figures"), FIGURES.items(), ids=[f"{name}: {what}" for name, what in FIGURES]
)
def test_an_objection_names_the_figure_that_it_saw_and_the_limit(
    case: tuple[str, str], figures: tuple[str, str]
):
    (changes,) = [changes for name, what, changes in OBJECTS if (name, what) == case]

    objection = a_bench(changes).objection(case[0])

    assert objection is not None
    assert (objection.value, objection.limit) == figures


@pytest.mark.parametrize(("trigger", "is_another"), [(98, False), (97, True)])
def test_a_conditional_order_with_another_trigger_is_another_order(trigger: int, is_another: bool):
    stop: Any = {"side": SELL, "order_type": OrderType.STOP_MARKET}
    before, now = sent(1, stop_price=Decimal(98)), ticket(**stop, stop_price=Decimal(trigger))
    bench = a_bench([ticket(**stop), before, now, limits(duplicate_window_ms=1_000)])

    assert (bench.objection("duplicate") is None) is is_another


QUANTITIES = st.integers(0, 9)


@given(st.sampled_from([LONG, SHORT]), QUANTITIES, QUANTITIES, QUANTITIES, QUANTITIES, st.integers(1, 9))
def test_in_hedge_mode_all_that_is_held_and_may_still_open_counts_on_either_side(
    way: PositionSide, held_long: int, held_short: int, to_long: int, to_short: int, quantity: int
):
    bench = a_bench([hedged, ticket(quantity=quantity, side=OPENS[way], position_side=way)])
    ledger = bench.scene.ledger
    for side, held, more in ((LONG, held_long, to_long), (SHORT, held_short, to_short)):
        position = ledger.position(BTC, side)
        position.quantity = held * OPENS[side].sign * Decimal(1)
        position.cost = position.quantity * MARK
        if more:
            bench.scene.place(quantity=more, side=OPENS[side], position_side=side)

    review = bench.review()

    own = held_long + to_long if way is LONG else held_short + to_short
    assert review.worst_quantity == own + quantity
    assert review.worst_notional == (held_long + to_long + held_short + to_short + quantity) * MARK


@pytest.mark.parametrize("name", ["position_size", "leverage", "margin", "net_exposure"])
@pytest.mark.parametrize("equity", ["0", "-12.5"])
def test_a_share_of_an_equity_that_is_gone_is_no_figure(name: str, equity: str):
    objection = a_bench([wallet(equity)]).objection(name)

    assert objection is not None
    assert (objection.value, objection.text) == ("no equity", f"no equity is left, it is {equity}")
