"""The pass that saves asking the rules: it changes no verdict, whatever the account, the market and the limits are."""

from collections import Counter
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from src.domain.market.sides import PositionSide
from src.domain.market.view import MarginBracket, Volatility
from src.domain.risk.clearance import Clearance
from src.domain.risk.limits import RiskLimits
from src.domain.risk.review import Approved, Denied, Verdict
from tests.domain.risk.bench import WIDE, Bench
from tests.domain.risk.changes import Change
from tests.domain.risk.test_rules import OBJECTS, PASSES, a_bench
from tests.support.domain_builders import BTC, BUY, ETH, SELL, WALLET, an_instrument

SOL = "SOLUSDT"
FACTORS = st.sampled_from(
    [Decimal(text) for text in ("0", "0.2", "0.9", "0.999999", "1", "1.000001", "1.5", "5")]
)
LEVERAGES = st.dictionaries(st.sampled_from([BTC, ETH, SOL]), st.sampled_from([1, 5, 20]), max_size=2)

AROUND: dict[str, Decimal] = {
    "position_size_pct": Decimal("0.002"),
    "leverage_max": Decimal("0.005"),
    "net_exposure_pct_max": Decimal("0.005"),
    "free_margin_pct_min": Decimal("0.999"),
    "daily_loss_pct_max": Decimal("0.1"),
    "drawdown_pct_max": Decimal("0.2"),
    "order_value_max": Decimal(100),
    "symbol_exposure_max": Decimal(200),
    "gross_exposure_max": Decimal(500),
    "concentration_pct_max": Decimal("0.4"),
    "price_collar_pct": Decimal("0.01"),
    "slippage_pct_max": Decimal("0.001"),
    "correlation_max": Decimal("0.7"),
    "volatility_max": Decimal(2),
    "volatility_ratio_max": Decimal(3),
}
COUNTS = {
    "positions_max": 3,
    "concentration_symbols_min": 4,
    "duplicate_window_ms": 2_000,
    "orders_per_second_max": 3,
    "orders_per_minute_max": 5,
    "entries_per_minute_max": 3,
    "open_orders_max": 4,
}
"""Where a limit bites in the accounts drawn here, or nearly does."""


def both_ways(bench: Bench) -> tuple[tuple[Verdict, Counter[str]], tuple[Verdict, Counter[str]]]:
    """Verdict and counts, asked rule by rule and with the pass."""
    found = []
    for cleared in (False, True):
        bench.unenforced = Counter()
        found.append((bench.verdict(cleared=cleared), bench.unenforced))
    return found[0], found[1]


@pytest.mark.parametrize("case", [*PASSES, *OBJECTS], ids=lambda case: f"{case[0]}: {case[1]}")
def test_at_every_boundary_of_every_rule_the_verdict_is_the_same(case: tuple[str, str, list[Change]]):
    by_rules, cleared = both_ways(a_bench(case[2]))

    assert cleared == by_rules


def an_account(draw: st.DrawFn, bench: Bench) -> None:
    """Positions, orders on their way, money and marks, as they may come about."""
    scene, ledger = bench.scene, bench.scene.ledger
    amounts = st.sampled_from([Decimal(text) for text in ("-3", "-1", "-0.5", "0", "0", "0.5", "1", "3")])
    pending = st.sampled_from([Decimal(0), Decimal(0), Decimal(1), Decimal(4)])
    scene.view.instruments[SOL] = an_instrument(SOL)
    for symbol in draw(st.permutations((BTC, ETH, SOL))):
        if not draw(st.booleans()):
            continue
        book = ledger.symbol(symbol)
        book.pending_buy, book.pending_sell = draw(pending), draw(pending)
        book.pending_price = Decimal(100)
        if draw(st.booleans()):
            position = ledger.position(
                symbol, draw(st.sampled_from([PositionSide.BOTH] * 5 + [PositionSide.LONG]))
            )
            position.quantity = draw(amounts)
            position.cost = position.quantity * draw(
                st.sampled_from([Decimal(90), Decimal(100), Decimal(120)])
            )
            position.strategy_id = draw(st.sampled_from(["sma", "sma", "rsi"]))
        if draw(st.integers(0, 9)):
            scene.view.marks[symbol] = Decimal(draw(st.integers(95, 105)))
        if draw(st.booleans()):
            usual = draw(st.sampled_from([None, Decimal("0.5"), Decimal("0.7")]))
            scene.view.volatilities[symbol] = Volatility(draw(FACTORS) * 2, usual)
    for other in (ETH, SOL):
        if draw(st.booleans()):
            scene.view.correlations[frozenset((BTC, other))] = (
                draw(st.sampled_from([-1, 1])) * draw(FACTORS) * Decimal("0.7")
            )
    account = ledger.account
    account.day_start_equity = draw(st.sampled_from([Decimal(0), Decimal(100_000), Decimal(111_111)]))
    account.peak_equity = draw(st.sampled_from([Decimal(0), Decimal(100_000), Decimal(125_000)]))
    account.wallet["USDT"] = draw(
        st.sampled_from([Decimal(100_000), Decimal(99_900), Decimal(400), Decimal(-5)])
    )


@st.composite
def benches(draw: st.DrawFn) -> Bench:
    bench = Bench()
    an_account(draw, bench)
    session = bench.scene.ledger.session
    assert session is not None
    session.options = replace(session.options, leverages=tuple(draw(LEVERAGES).items()))
    quantity = draw(st.sampled_from(["0.5", "1", "1", "2", "3", "121"]))
    side = draw(st.sampled_from([BUY, SELL]))
    ticket: dict[str, Any] = {"quantity": quantity, "side": side}
    if draw(st.booleans()):
        ticket["limit_price"] = draw(st.sampled_from(["99", "100", "101"]))
    bench.ticket = ticket
    bench.confidence = draw(st.sampled_from([None, Decimal("0.5")]))
    bench.scene.view.worst = draw(st.sampled_from([None, Decimal(100), Decimal("100.1"), Decimal("99.9")]))
    if draw(st.booleans()):
        caps = [(Decimal(150), 20), (Decimal(400), 10), (Decimal(800), 1)]
        bench.scene.view.margin_brackets = tuple(
            MarginBracket(cap, Decimal("0.01"), Decimal(0), leverage) for cap, leverage in caps
        )
    for age_ms in sorted(
        draw(st.lists(st.sampled_from([0, 1, 999, 1_000, 2_000, 59_999, 60_000]), max_size=6)), reverse=True
    ):
        bench.sent_before(
            age_ms, 1, **draw(st.sampled_from([{}, {"quantity": "0.7"}, {"strategy_id": "rsi"}]))
        )
    for name in draw(st.lists(st.sampled_from(sorted(AROUND)), max_size=3, unique=True)):
        bench.limits[name] = AROUND[name] * draw(FACTORS)
    for name in draw(st.lists(st.sampled_from(sorted(COUNTS)), max_size=2, unique=True)):
        bench.limits[name] = draw(st.integers(0, COUNTS[name]))
    return bench


@given(benches())
def test_whatever_the_account_and_the_limits_are_the_verdict_is_the_same(bench: Bench):
    by_rules, cleared = both_ways(bench)

    event(by_rules[0].objection.rule if isinstance(by_rules[0], Denied) else "approved")
    assert cleared == by_rules


def test_an_ordinary_order_is_cleared_without_asking_the_rules():
    bench = Bench()
    bench.scene.hold(1)
    scene, ticket = bench.scene, bench.a_ticket()
    instrument = an_instrument(BTC)

    holds = Clearance(RiskLimits(**WIDE)).holds(
        scene.ledger, scene.view, ticket, instrument, scene.now_ms, None, bench.unenforced
    )

    assert holds
    assert bench.unenforced == {"volatility": 1}
    assert isinstance(bench.verdict(cleared=True), Approved)


def test_what_the_pass_remembers_follows_the_account():
    bench = Bench()
    bench.scene.hold(1)
    scene, ticket, instrument = bench.scene, bench.a_ticket(), an_instrument(BTC)
    clearance = Clearance(RiskLimits(**WIDE | {"drawdown_pct_max": Decimal("0.1")}))

    def holds() -> bool:
        return clearance.holds(scene.ledger, scene.view, ticket, instrument, scene.now_ms, None, None)

    assert holds()
    scene.ledger.account.peak_equity = 2 * WALLET
    assert not holds()
    scene.ledger.account.peak_equity = WALLET
    assert holds()
    scene.view.margin_brackets = (MarginBracket(Decimal(1), Decimal("0.01"), Decimal(0), 125),)
    assert not holds()
