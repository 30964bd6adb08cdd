"""What is used of each limit: the figures that the rules themselves hold orders to."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from src.domain.market.view import BlindView, Volatility
from src.domain.risk.limits import RiskLimits
from src.domain.risk.rules import ENTRY_RULES
from src.domain.risk.usage import RuleUse, risk_usage
from tests.support.domain_builders import BTC, BUY, ETH, SELL, WALLET
from tests.support.domain_scene import Scene


def a_scene() -> Scene:
    """Long 300 BTC and short 100 ETH at 100, and 50 more BTC being bought; equity 100 000."""
    scene = Scene()
    scene.hold(300)
    scene.fill(scene.place(symbol=ETH, side=SELL, quantity=100), 9)
    scene.place(quantity=50)
    return scene


def used(scene: Scene, **limits) -> dict[str, RuleUse]:
    uses = risk_usage(scene.ledger, scene.view, replace(RiskLimits(), **limits), scene.now_ms)
    return {use.rule: use for use in uses}


@pytest.mark.parametrize(
    ("rule", "subject", "value", "share"),
    [
        ("position_size", BTC, "0.35", "3.5"),
        ("symbol_exposure", BTC, "35000", "0.0175"),
        ("gross_exposure", "", "45000", "0.0045"),
        ("net_exposure", "", "0.25", "0.025"),
        ("leverage", "", "0.45", "0.045"),
        ("margin", "", "0.045", "0.0562"),
        ("positions", "", "2", "0.2"),
        ("orders_per_minute", "", "7", "0.0233"),
    ],
)
def test_a_limits_use_is_the_worst_case_of_what_is_held_and_being_entered(rule, subject, value, share):
    use = used(a_scene())[rule]

    assert (use.subject, use.value, use.used) == (subject, Decimal(value), Decimal(share))


@pytest.mark.parametrize(
    ("leverages", "margin"), [(((BTC, 5),), "0.08"), (((BTC, 5), (ETH, 20)), "0.075"), (((ETH, 1),), "0.135")]
)
def test_margin_is_bound_at_the_leverage_of_each_symbol(leverages: tuple[tuple[str, int], ...], margin: str):
    scene = a_scene()
    session = scene.ledger.session
    assert session is not None
    session.options = replace(session.options, leverages=leverages)

    assert used(scene)["margin"].value == Decimal(margin)


def test_losses_are_measured_from_the_days_start_and_from_the_peak():
    scene = a_scene()
    scene.ledger.account.day_start_equity = WALLET + 1_000
    scene.ledger.account.peak_equity = WALLET + 10_000

    uses = used(scene)

    assert uses["daily_loss"].value == Decimal("0.0099")
    assert uses["drawdown"].value == Decimal("0.0909")


def test_the_most_volatile_symbol_and_the_most_alike_pair_stand_for_all():
    scene = a_scene()
    scene.view.volatilities = {BTC: Volatility(Decimal("0.5"), None), ETH: Volatility(Decimal(1), None)}
    scene.view.correlations = {frozenset((BTC, ETH)): Decimal("-0.6")}

    uses = used(scene)

    assert (uses["volatility"].subject, uses["volatility"].used) == (ETH, Decimal("0.5"))
    assert (uses["correlation"].value, uses["correlation"].subject) == (Decimal("0.6"), f"{BTC} {ETH}")


@pytest.mark.parametrize(
    ("value", "entering", "counted"),
    [
        ("-0.6", {}, "0.6"),
        ("0.6", {}, "-0.6"),
        # Open orders may turn the one or the other around: it may be long and short.
        ("0.6", {"symbol": BTC, "side": SELL, "quantity": 400}, "0.6"),
        ("-0.6", {"symbol": BTC, "side": SELL, "quantity": 400}, "0.6"),
        ("0.6", {"symbol": ETH, "side": BUY, "quantity": 150}, "0.6"),
        ("-0.6", {"symbol": ETH, "side": BUY, "quantity": 150}, "0.6"),
    ],
)
def test_symbols_are_as_alike_as_the_rule_would_find_them(value: str, entering: dict[str, Any], counted: str):
    scene = a_scene()
    if entering:
        scene.place(**entering)
    scene.view.correlations = {frozenset((BTC, ETH)): Decimal(value)}

    assert used(scene)["correlation"].value == Decimal(counted)


def test_one_symbol_among_enough_is_concentrated():
    assert used(a_scene())["concentration"].used is None
    assert used(a_scene(), concentration_symbols_min=2)["concentration"].value == Decimal("0.7778")


def test_without_a_market_everything_is_valued_at_cost():
    scene = a_scene()

    uses = {u.rule: u for u in risk_usage(scene.ledger, BlindView(), RiskLimits(), scene.now_ms)}

    assert uses["gross_exposure"].value == 45_000
    assert uses["volatility"].value is uses["correlation"].used is None


def test_an_empty_account_uses_nothing():
    uses = risk_usage(Scene().ledger, BlindView(), RiskLimits(), 0)

    assert not any(use.used for use in uses)


def test_the_entries_of_the_last_minute_are_counted():
    scene = Scene()
    scene.place()
    scene.now_ms += 60_000
    scene.place(symbol=ETH)
    scene.place(symbol=ETH)

    uses = used(scene)

    assert uses["repeated_execution"].subject == f"sma {ETH}"
    for rule in ("repeated_execution", "orders_per_minute", "orders_per_second"):
        assert uses[rule].value == 2


def test_every_rule_with_a_limit_is_shown():
    shown = set(used(Scene()))

    without_a_figure = {
        "session_state", "trading_state", "symbol_state", "data_quality", "position_owner", "filters",
        "duplicate", "order_rate", "position_side", "leverage_bracket",
    }  # fmt: skip
    assert {rule.name for rule in ENTRY_RULES} - shown == without_a_figure
