"""Leverage brackets are Binance's tables, continuous at their floors."""

from decimal import Decimal

import pytest

from src.infrastructure.simulated_exchange.brackets import bracket_of, brackets_of, cap_at
from src.infrastructure.simulated_exchange.errors import ExchangeError
from src.infrastructure.simulated_exchange.units import SCALE, to_units
from tests.support.engine_builders import ACCOUNT, BTC, Frames, a_request, an_engine, an_instrument

BTC_DEDUCTIONS = [
    0,
    300,
    1500,
    12000,
    132000,
    482000,
    2982000,
    14482000,
    26482000,
    41482000,
    121482000,
    421482000,
]
ETH_DEDUCTIONS = [
    0,
    300,
    1500,
    12000,
    132000,
    382000,
    2007000,
    9507000,
    17507000,
    27507000,
    80507000,
    280507000,
]
SOL_DEDUCTIONS = [0, 75, 1475, 11475, 31475, 231475, 2231475, 4231475, 16731475, 66731475]


@pytest.mark.parametrize(
    ("symbol", "rate", "deductions"),
    [
        ("BTCUSDT", "0.004", BTC_DEDUCTIONS),
        ("ETHUSDT", "0.004", ETH_DEDUCTIONS),
        ("SOLUSDT", "0.005", SOL_DEDUCTIONS),
    ],
)
def test_the_deductions_are_the_published_ones(symbol: str, rate: str, deductions: list[int]):
    brackets = brackets_of(an_instrument(symbol, maintenance_rate=Decimal(rate)))

    assert [bracket.deduction // SCALE for bracket in brackets] == deductions
    assert [bracket.deduction % SCALE for bracket in brackets] == [0] * len(deductions)


def test_a_symbol_without_a_table_has_one_bracket_of_its_instrument():
    brackets = brackets_of(an_instrument("XRPUSDT", maintenance_rate=Decimal("0.01"), leverage_max=50))

    assert [(bracket.leverage, bracket.rate, bracket.deduction) for bracket in brackets] == [
        (50, 1_000_000, 0)
    ]


def test_a_notional_belongs_to_the_bracket_whose_cap_it_does_not_exceed():
    brackets = brackets_of(an_instrument())
    cap = to_units(Decimal(300_000))

    assert bracket_of(brackets, cap) is brackets[0]
    assert bracket_of(brackets, cap + 1) is brackets[1]
    assert bracket_of(brackets, to_units(Decimal(2_000_000_000))) is brackets[-1]


@pytest.mark.parametrize(
    ("leverage", "cap"), [(125, 300_000), (100, 800_000), (21, 70_000_000), (20, 100_000_000)]
)
def test_more_leverage_allows_less_notional(leverage: int, cap: int):
    assert cap_at(brackets_of(an_instrument()), leverage) == cap * SCALE


def test_the_answer_carries_numbers():
    answer = an_engine().leverage_brackets("BTCUSDT")[0]

    assert answer["brackets"][2] == {
        "bracket": 3,
        "initialLeverage": 75,
        "notionalCap": 3_000_000,
        "notionalFloor": 800_000,
        "maintMarginRatio": 0.0065,
        "cum": 1500,
    }


def test_the_default_leverage_is_no_more_than_the_symbol_allows():
    engine = an_engine(":memory:", an_instrument(leverage_max=10))

    assert engine.leverage(ACCOUNT, BTC) == 10


def test_leverage_that_a_symbol_no_longer_allows_opens_nothing():
    engine = an_engine()
    engine.on_frame(Frames().ticker("76000.00", "76000.10"))
    engine.change_filters(BTC, leverage_max=10)
    engine.set_leverage(ACCOUNT, BTC, 5)
    engine.change_filters(BTC, leverage_max=3)

    with pytest.raises(ExchangeError, match="-2027"):
        engine.new_order(ACCOUNT, a_request(engine))
