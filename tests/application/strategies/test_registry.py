"""Strategies by name, asked for in text."""

import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.application.strategies import (
    STRATEGIES,
    BollingerStrategy,
    Direction,
    EnsembleStrategy,
    MacdMomentumStrategy,
    MomentumStrategy,
    RSIStrategy,
    SmaCrossParameters,
    SmaCrossStrategy,
    parse_strategy_list,
    parse_strategy_spec,
    strategy_spec,
)

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("momentum", MomentumStrategy),
        ("bollinger", BollingerStrategy),
        ("bollinger_bands", BollingerStrategy),
        ("ensemble", EnsembleStrategy),
        ("sma_cross", SmaCrossStrategy),
        ("moving_average_crossover", SmaCrossStrategy),
        ("ma_crossover", SmaCrossStrategy),
        ("macd_momentum", MacdMomentumStrategy),
        ("rsi", RSIStrategy),
        (" RSI ", RSIStrategy),
    ],
)
def test_a_name_or_an_alias_makes_its_strategy(name, made):
    strategy = parse_strategy_spec(name).make("BTCUSDT")

    assert isinstance(strategy, made)
    assert strategy.symbol == "BTCUSDT"
    assert strategy.strategy_id in {kind.name for kind in STRATEGIES}


def test_parameters_in_text_take_their_types():
    spec = parse_strategy_spec(" sma_cross : fast = 5 , slow=20, direction=Long ")

    assert spec.parameters == SmaCrossParameters(fast=5, slow=20, direction=Direction.LONG)


def test_typed_parameters_are_taken_as_they_are():
    spec = strategy_spec("rsi", {"period": 7, "lower": 25, "upper": "75.5", "direction": Direction.SHORT})

    assert spec.strategy_id == "rsi:period=7,lower=25,upper=75.5,direction=short"


@given(st.integers(1, 99), st.integers(100, 5000), st.sampled_from(list(Direction)))
def test_the_id_of_a_specification_reads_back_as_the_same(fast, slow, direction):
    spec = strategy_spec("sma_cross", {"fast": fast, "slow": slow, "direction": direction})

    assert parse_strategy_spec(spec.strategy_id) == spec


def test_default_parameters_written_out_are_the_same_strategy():
    assert parse_strategy_spec("moving_average_crossover:fast=10,slow=30").strategy_id == "sma_cross"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (
            "sma_crss",
            "no strategy 'sma_crss' (did you mean 'sma_cross'?): known are "
            "sma_cross, macd_momentum, rsi, momentum, bollinger, ensemble",
        ),
        ("", "no strategy '': known are sma_cross, macd_momentum, rsi, momentum, bollinger, ensemble"),
        (
            "sma_cross:fsat=5",
            "sma_cross has no parameter 'fsat' (did you mean 'fast'?): it has fast, slow, direction",
        ),
        ("sma_cross:fast=five", "sma_cross: fast=five is not a whole number"),
        ("sma_cross:fast=5.5", "sma_cross: fast=5.5 is not a whole number"),
        ("sma_cross:direction=up", "sma_cross: direction=up is not one of both, long, short"),
        ("rsi:lower=low", "rsi: lower=low is not a number"),
        ("rsi:lower=nan", "rsi: lower=nan is out of range: choose 1.0 to 99.0 (oversold below this)"),
        (
            "sma_cross:fast=40",
            "sma_cross: fast=40 is not below slow=30: choose a shorter fast window",
        ),
        ("sma_cross:", "cannot read '' in 'sma_cross:': write it like sma_cross:fast=5,slow=20"),
        ("sma_cross:5", "cannot read '5' in 'sma_cross:5': write it like sma_cross:fast=5,slow=20"),
        ("sma_cross:fast=5,fast=6", "fast is given twice in 'sma_cross:fast=5,fast=6': keep one of them"),
    ],
)
def test_a_wrong_specification_is_refused_in_one_line_with_the_fix(text, complaint):
    with pytest.raises(ValueError) as refused:
        parse_strategy_spec(text)

    assert str(refused.value) == complaint


@pytest.mark.parametrize("value", [True, 5.5, None, [5]], ids=str)
def test_a_typed_value_of_the_wrong_kind_is_refused(value):
    with pytest.raises(ValueError, match="is not a whole number"):
        strategy_spec("sma_cross", {"fast": value})


def test_a_list_keeps_parameters_with_the_name_before_them():
    specs = parse_strategy_list("sma_cross:fast=5,slow=20,macd_momentum,rsi:period=7")

    assert [spec.strategy_id for spec in specs] == [
        "sma_cross:fast=5,slow=20",
        "macd_momentum",
        "rsi:period=7",
    ]


def test_the_same_strategy_twice_is_refused():
    with pytest.raises(ValueError, match="sma_cross is asked for twice"):
        parse_strategy_list("sma_cross,moving_average_crossover")


def test_every_parameter_of_every_strategy_is_explained():
    meanings = [each.metadata.get("meaning") for kind in STRATEGIES for each in fields(kind.parameters)]

    assert meanings and all(meanings)


def test_naming_a_strategy_does_not_load_the_indicator_library():
    program = (
        "import sys; from src.application.strategies import parse_strategy_spec as parse;"
        "parse('sma_cross:fast=5'); print(sorted({'talib', 'numpy', 'difflib'} & set(sys.modules)))"
    )

    run = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True, timeout=30
    )

    assert run.stdout.strip() == "[]"
