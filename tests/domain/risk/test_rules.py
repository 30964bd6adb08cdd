"""Each entry rule at its boundary: the last order that passes, and the first that does not."""

from decimal import Decimal

import pytest

from src.domain.market.sides import PositionSide
from src.domain.orders.types import Purpose
from src.domain.risk.rules import ENTRY_RULES, MANUAL
from src.domain.sessions.session import TradingSessionStatus
from src.domain.sessions.trading_states import SymbolState, TradingState
from tests.domain.risk.bench import Bench
from tests.domain.risk.changes import (
    Change,
    brackets,
    closed_again,
    confidence,
    correlated,
    day_started_with,
    entering,
    hedged,
    held,
    instrument,
    leverages,
    limits,
    moving,
    no_session,
    peak,
    sent,
    session,
    symbol,
    ticket,
    trading,
    view,
    wallet,
)
from tests.support.domain_builders import BTC, ETH, SELL, WALLET

SPREAD = limits(concentration_symbols_min=2, concentration_pct_max=Decimal("0.6"))
LIKE = limits(correlation_max=Decimal("0.7"))

PASSES: list[tuple[str, str, list[Change]]] = [
    ("session_state", "running", []),
    ("trading_state", "active", []),
    ("symbol_state", "trading", []),
    ("data_quality", "good", []),
    ("position_owner", "flat", []),
    ("position_owner", "its own", [held(strategy_id="sma")]),
    ("position_owner", "by hand", [held(strategy_id="rsi"), ticket(strategy_id=MANUAL)]),
    ("position_owner", "flat again", [held(strategy_id="rsi"), closed_again]),
    ("filters", "smallest quantity", [ticket(quantity="0.1"), instrument(quantity_min=Decimal("0.1"))]),
    ("filters", "largest quantity", [ticket(quantity=120)]),
    ("filters", "the largest position that one stop covers", [held(100), ticket(quantity=20)]),
    ("filters", "smallest notional", [ticket(quantity="0.05")]),
    ("filters", "on the tick", [ticket(limit_price="99.9")]),
    ("order_value", "at the limit", [ticket(quantity=2), limits(order_value_max=Decimal(200))]),
    (
        "price_collar",
        "at the upper edge",
        [ticket(limit_price=105), limits(price_collar_pct=Decimal("0.05"))],
    ),
    ("price_collar", "at the lower edge", [ticket(limit_price=95), limits(price_collar_pct=Decimal("0.05"))]),
    ("price_collar", "no mark price", [view(marks={}), ticket(reference_price=500)]),
    (
        "slippage",
        "buying at the limit",
        [view(worst=Decimal("100.1")), limits(slippage_pct_max=Decimal("0.001"))],
    ),
    (
        "slippage",
        "selling at the limit",
        [view(worst=Decimal("99.9")), ticket(side=SELL), limits(slippage_pct_max=Decimal("0.001"))],
    ),
    ("slippage", "better than expected", [view(worst=Decimal(90)), limits(slippage_pct_max=Decimal(0))]),
    ("slippage", "a limit order walks nowhere", [view(worst=None), ticket(limit_price=100)]),
    ("position_size", "at the limit", [ticket(quantity=100), limits(position_size_pct=Decimal("0.1"))]),
    (
        "position_size",
        "less than the entries of the other side",
        [ticket(quantity=50, side=SELL), entering(quantity=100), limits(position_size_pct=Decimal("0.1"))],
    ),
    (
        "position_size",
        "turning a position around that is above it",
        [held(101, side=SELL), ticket(quantity=201), limits(position_size_pct=Decimal("0.1"))],
    ),
    (
        "position_size",
        "shrinking a position that is above it",
        [held(120), ticket(quantity=1, side=SELL), limits(position_size_pct=Decimal("0.1"))],
    ),
    ("leverage", "at the limit", [ticket(quantity=1_000), limits(leverage_max=Decimal(1))]),
    (
        "leverage",
        "with others",
        [held(500, symbol=ETH), ticket(quantity=500), limits(leverage_max=Decimal(1))],
    ),
    # 10 000 of notional at leverage 10 takes 1 000 of 100 000.
    ("margin", "at the limit", [ticket(quantity=100), limits(free_margin_pct_min=Decimal("0.99"))]),
    (
        "margin",
        "beside a low leverage of a symbol that is not held",
        [
            leverages(("SOLUSDT", 1)),
            held(50, symbol=ETH),
            ticket(quantity=50),
            limits(free_margin_pct_min=Decimal("0.99")),
        ],
    ),
    (
        "margin",
        "others at their own leverages",
        [
            leverages((BTC, 5), (ETH, 20)),
            held(100, symbol=ETH),
            ticket(quantity=25),
            limits(free_margin_pct_min=Decimal("0.99")),
        ],
    ),
    (
        "daily_loss",
        "just less",
        [day_started_with(WALLET), wallet("98000.01"), limits(daily_loss_pct_max=Decimal("0.02"))],
    ),
    ("daily_loss", "no day yet", [wallet("1"), limits(daily_loss_pct_max=Decimal(0))]),
    ("positions", "one below", [held(symbol=ETH), limits(positions_max=2)]),
    ("positions", "already held", [held(), held(symbol=ETH), limits(positions_max=1)]),
    ("positions", "already entering", [entering(), limits(positions_max=1)]),
    ("duplicate", "just outside the window", [sent(1_000), limits(duplicate_window_ms=1_000)]),
    ("duplicate", "another quantity", [sent(1, quantity=2), limits(duplicate_window_ms=1_000)]),
    ("duplicate", "another side", [sent(1, side=SELL), limits(duplicate_window_ms=1_000)]),
    ("duplicate", "another symbol", [sent(1, symbol=ETH), limits(duplicate_window_ms=1_000)]),
    ("duplicate", "another price", [sent(1, limit_price=99), limits(duplicate_window_ms=1_000)]),
    ("duplicate", "another purpose", [sent(1, purpose=Purpose.EXIT), limits(duplicate_window_ms=1_000)]),
    ("order_rate", "one below a second", [sent(999, 2), limits(orders_per_second_max=3)]),
    ("order_rate", "a second ago", [sent(1_000), sent(1, 2), limits(orders_per_second_max=3)]),
    ("order_rate", "a minute ago", [sent(60_000), sent(1, 2), limits(orders_per_minute_max=3)]),
    ("repeated_execution", "one below", [sent(1, 2), limits(entries_per_minute_max=3)]),
    ("repeated_execution", "a minute ago", [sent(60_000), sent(1, 2), limits(entries_per_minute_max=3)]),
    (
        "repeated_execution",
        "another strategy",
        [sent(1, 3, strategy_id="rsi"), limits(entries_per_minute_max=3)],
    ),
    ("repeated_execution", "another symbol", [sent(1, 3, symbol=ETH), limits(entries_per_minute_max=3)]),
    ("position_side", "one way", []),
    ("position_side", "hedged long", [hedged, ticket(position_side=PositionSide.LONG)]),
    ("position_side", "hedged short", [hedged, ticket(side=SELL, position_side=PositionSide.SHORT)]),
    ("confidence", "at the least", [confidence("0.5"), limits(confidence_min=Decimal("0.5"))]),
    ("confidence", "by hand", [limits(confidence_min=Decimal(1))]),
    ("drawdown", "just less", [peak("100000"), wallet("80000.01"), limits(drawdown_pct_max=Decimal("0.2"))]),
    ("drawdown", "no peak yet", [wallet("1"), limits(drawdown_pct_max=Decimal(0))]),
    ("symbol_exposure", "at the limit", [held(), limits(symbol_exposure_max=Decimal(200))]),
    ("leverage_bracket", "at the cap", [held(), brackets((200, 10), (1_000, 5))]),
    ("leverage_bracket", "nothing is known", [held(1_000)]),
    ("gross_exposure", "at the limit", [held(2, symbol=ETH), limits(gross_exposure_max=Decimal(300))]),
    ("net_exposure", "at the limit", [ticket(quantity=1_000), limits(net_exposure_pct_max=Decimal(1))]),
    (
        "net_exposure",
        "against the others",
        [held(500, symbol=ETH, side=SELL), ticket(quantity=1_500), limits(net_exposure_pct_max=Decimal(1))],
    ),
    ("concentration", "at the limit", [held(2, symbol=ETH), ticket(quantity=3), SPREAD]),
    ("concentration", "too few symbols", [limits(concentration_symbols_min=2), ticket(quantity=3)]),
    ("volatility", "at the limit", [moving("2"), limits(volatility_max=Decimal(2))]),
    ("volatility", "three times the usual", [moving("1.5", "0.5"), limits(volatility_ratio_max=Decimal(3))]),
    ("volatility", "not known", [limits(volatility_max=Decimal(0))]),
    ("correlation", "at the limit", [held(symbol=ETH), correlated("0.7"), LIKE]),
    ("correlation", "in the other direction", [held(symbol=ETH), correlated("0.9"), ticket(side=SELL), LIKE]),
    ("correlation", "opposites, both long", [held(symbol=ETH), correlated("-0.9"), LIKE]),
    ("correlation", "its own position", [held(), LIKE]),
    ("correlation", "not known", [held(symbol=ETH), LIKE]),
    ("open_orders", "one below", [entering(), limits(open_orders_max=2)]),
    ("repeated_execution", "exits", [sent(1, 3, purpose=Purpose.EXIT), limits(entries_per_minute_max=3)]),
]

OBJECTS: list[tuple[str, str, list[Change]]] = [
    ("session_state", "no session", [no_session]),
    *(
        ("session_state", status.value.lower(), [session(status)])
        for status in TradingSessionStatus
        if status is not TradingSessionStatus.RUNNING
    ),
    ("trading_state", "reduce only", [trading(TradingState.REDUCE_ONLY)]),
    ("trading_state", "halted", [trading(TradingState.HALTED)]),
    ("symbol_state", "reduce only", [symbol(SymbolState.REDUCE_ONLY)]),
    ("symbol_state", "closed", [symbol(SymbolState.CLOSED)]),
    ("data_quality", "stale", [view(objection="no quote for 6 s")]),
    ("position_owner", "another strategy's", [held(strategy_id="rsi")]),
    ("position_owner", "held by hand", [held(strategy_id=MANUAL)]),
    (
        "filters",
        "below the smallest quantity",
        [ticket(quantity="0.099"), instrument(quantity_min=Decimal("0.1"))],
    ),
    ("filters", "above the largest quantity", [ticket(quantity="120.001")]),
    ("filters", "off the step", [ticket(quantity="1.0001")]),
    ("filters", "below the smallest notional", [ticket(quantity="0.049")]),
    ("filters", "a position that no stop covers", [held(100), ticket(quantity="20.001")]),
    ("filters", "a resting order that no stop covers", [ticket(quantity="120.001", limit_price=100)]),
    ("filters", "off the tick", [ticket(limit_price="99.95")]),
    ("order_value", "above", [ticket(quantity="2.001"), limits(order_value_max=Decimal(200))]),
    ("price_collar", "too high", [ticket(limit_price="105.1"), limits(price_collar_pct=Decimal("0.05"))]),
    ("price_collar", "too low", [ticket(limit_price="94.9"), limits(price_collar_pct=Decimal("0.05"))]),
    ("slippage", "buying", [view(worst=Decimal("100.11")), limits(slippage_pct_max=Decimal("0.001"))]),
    (
        "slippage",
        "selling",
        [view(worst=Decimal("99.89")), ticket(side=SELL), limits(slippage_pct_max=Decimal("0.001"))],
    ),
    ("slippage", "book too thin", [view(worst=None)]),
    ("slippage", "no whole book", [view(worst=None, whole=False)]),
    ("position_size", "above", [ticket(quantity="100.001"), limits(position_size_pct=Decimal("0.1"))]),
    (
        "position_size",
        "with what is held",
        [held(60), ticket(quantity=41), limits(position_size_pct=Decimal("0.1"))],
    ),
    (
        "position_size",
        "with what is entering",
        [entering(quantity=60), ticket(quantity=41), limits(position_size_pct=Decimal("0.1"))],
    ),
    (
        "position_size",
        "at its own price above the mark",
        [ticket(quantity=100, limit_price="100.1"), limits(position_size_pct=Decimal("0.1"))],
    ),
    (
        "position_size",
        "turning around too far",
        [held(101), ticket(quantity="201.001", side=SELL), limits(position_size_pct=Decimal("0.1"))],
    ),
    (
        "position_size",
        "turning around what an open order may make larger",
        [
            held(100, side=SELL),
            entering(side=SELL, quantity="0.001"),
            ticket(quantity=110),
            limits(position_size_pct=Decimal("0.1")),
        ],
    ),
    (
        "position_size",
        "the same, selling",
        [
            held(100),
            entering(quantity="0.001"),
            ticket(quantity=110, side=SELL),
            limits(position_size_pct=Decimal("0.1")),
        ],
    ),
    ("position_size", "without equity", [wallet("0")]),
    ("leverage", "above", [ticket(quantity="1000.001"), limits(leverage_max=Decimal(1))]),
    (
        "leverage",
        "with others",
        [held(501, symbol=ETH), ticket(quantity=500), limits(leverage_max=Decimal(1))],
    ),
    ("margin", "below", [ticket(quantity="100.001"), limits(free_margin_pct_min=Decimal("0.99"))]),
    ("margin", "without equity", [wallet("0")]),
    (
        "margin",
        "at the symbol's own leverage",
        [leverages((BTC, 5)), ticket(quantity="50.001"), limits(free_margin_pct_min=Decimal("0.99"))],
    ),
    (
        "margin",
        "others at their own lower leverage",
        [
            leverages((ETH, 5)),
            held(50, symbol=ETH),
            ticket(quantity="0.001"),
            limits(free_margin_pct_min=Decimal("0.99")),
        ],
    ),
    (
        "daily_loss",
        "at the limit",
        [day_started_with(WALLET), wallet("98000"), limits(daily_loss_pct_max=Decimal("0.02"))],
    ),
    ("positions", "at the limit", [held(symbol=ETH), limits(positions_max=1)]),
    ("positions", "entering another", [entering(symbol=ETH), limits(positions_max=1)]),
    ("positions", "none allowed", [limits(positions_max=0)]),
    ("duplicate", "just inside the window", [sent(999), limits(duplicate_window_ms=1_000)]),
    (
        "duplicate",
        "behind a different one",
        [sent(999), sent(1, quantity=2), limits(duplicate_window_ms=1_000)],
    ),
    ("order_rate", "within a second", [sent(999, 3), limits(orders_per_second_max=3)]),
    ("order_rate", "within a minute", [sent(59_999, 3), limits(orders_per_minute_max=3)]),
    ("order_rate", "exits count too", [sent(1, 3, purpose=Purpose.EXIT), limits(orders_per_second_max=3)]),
    ("order_rate", "none allowed a second", [limits(orders_per_second_max=0)]),
    ("order_rate", "none allowed a minute", [limits(orders_per_minute_max=0)]),
    ("position_side", "a side in one-way mode", [ticket(position_side=PositionSide.LONG)]),
    ("position_side", "no side in hedge mode", [hedged]),
    ("position_side", "the wrong side", [hedged, ticket(position_side=PositionSide.SHORT)]),
    ("confidence", "below", [confidence("0.49"), limits(confidence_min=Decimal("0.5"))]),
    ("drawdown", "at the limit", [peak("100000"), wallet("80000"), limits(drawdown_pct_max=Decimal("0.2"))]),
    (
        "symbol_exposure",
        "above",
        [held(), ticket(quantity="1.001"), limits(symbol_exposure_max=Decimal(200))],
    ),
    ("leverage_bracket", "above", [held(), ticket(quantity="1.001"), brackets((200, 10), (1_000, 5))]),
    ("leverage_bracket", "no bracket has the leverage", [brackets((200, 3), (1_000, 2))]),
    ("gross_exposure", "above", [held("2.001", symbol=ETH), limits(gross_exposure_max=Decimal(300))]),
    ("net_exposure", "buying", [ticket(quantity="1000.001"), limits(net_exposure_pct_max=Decimal(1))]),
    (
        "net_exposure",
        "selling beside a short",
        [
            held(600, symbol=ETH, side=SELL),
            ticket(quantity=401, side=SELL),
            limits(net_exposure_pct_max=Decimal(1)),
        ],
    ),
    ("concentration", "above", [held(2, symbol=ETH), ticket(quantity="3.001"), SPREAD]),
    ("volatility", "above", [moving("2.000001"), limits(volatility_max=Decimal(2))]),
    ("volatility", "unusual", [moving("1.51", "0.5"), limits(volatility_ratio_max=Decimal(3))]),
    ("correlation", "both long", [held(symbol=ETH), correlated("0.71"), LIKE]),
    ("correlation", "both short", [held(symbol=ETH, side=SELL), correlated("0.71"), ticket(side=SELL), LIKE]),
    ("correlation", "opposites, one long", [held(symbol=ETH), correlated("-0.71"), ticket(side=SELL), LIKE]),
    ("correlation", "entering the other", [entering(symbol=ETH), correlated("0.71"), LIKE]),
    (
        "correlation",
        "opposites, the other about to turn",
        [held(symbol=ETH), entering(symbol=ETH, side=SELL, quantity=3), correlated("-0.71"), LIKE],
    ),
    ("open_orders", "at the limit", [entering(), limits(open_orders_max=1)]),
    ("open_orders", "none allowed", [limits(open_orders_max=0)]),
    ("repeated_execution", "within a minute", [sent(59_999, 3), limits(entries_per_minute_max=3)]),
    ("repeated_execution", "none allowed", [limits(entries_per_minute_max=0)]),
]


def case_id(value):
    return value if isinstance(value, str) else ""


def a_bench(changes: list[Change]) -> Bench:
    bench = Bench()
    for change in changes:
        change(bench)
    return bench


@pytest.mark.parametrize(("name", "what", "changes"), PASSES, ids=case_id)
def test_the_last_order_that_a_rule_lets_pass(name, what, changes):
    assert a_bench(changes).objection(name) is None


@pytest.mark.parametrize(("name", "what", "changes"), OBJECTS, ids=case_id)
def test_the_first_order_that_a_rule_objects_to_with_value_limit_and_a_sentence(name, what, changes):
    objection = a_bench(changes).objection(name)

    assert objection is not None
    assert objection.rule == name
    assert objection.value and objection.limit and objection.text


def test_every_rule_is_tried_on_both_sides_of_its_boundary():
    names = {each.name for each in ENTRY_RULES}

    assert {name for name, _, _ in PASSES} == {name for name, _, _ in OBJECTS} == names


def test_a_book_of_which_the_best_prices_alone_are_known_is_told_from_a_thin_one():
    thin, bare = (a_bench([view(worst=None, whole=whole)]).objection("slippage") for whole in (True, False))

    assert thin is not None and bare is not None
    assert (thin.value, bare.value) == ("book too thin", "no whole book")
    assert bare.text.startswith("of the book of BTCUSDT the best prices alone are known: they are too thin")


def test_where_the_best_price_is_enough_nobody_asks_for_the_whole_book():
    assert a_bench([view(whole=False)]).objection("slippage") is None


@pytest.mark.parametrize("name", ["volatility", "correlation"])
def test_a_rule_without_the_bars_to_judge_by_lets_pass_and_is_counted(name):
    bench = a_bench([held(symbol=ETH), limits(volatility_max=Decimal(0), correlation_max=Decimal(-1))])

    assert bench.objection(name) is None
    assert bench.unenforced == {name: 1}


def test_an_ordinary_order_passes_every_rule_with_the_limits_of_the_documents():
    bench = Bench(limits={})

    assert bench.verdict().ticket == bench.a_ticket()
    assert type(bench.verdict()).__name__ == "Approved"
