"""The library's configuration: the fields and defaults of the documents, checked at once."""

from dataclasses import fields, replace

import pytest

from src.application.trading.config import TradingConfig


def test_the_defaults_are_those_of_the_documents():
    defaults = {field.name: field.default for field in fields(TradingConfig)}

    assert defaults == {
        "api_key": "",
        "api_secret": "",
        "testnet": True,
        "dry_run": False,
        "max_positions": 10,
        "position_size_pct": 0.1,
        "stop_loss_pct": 0.02,
        "take_profit_pct": 0.05,
        "max_daily_loss_pct": 0.02,
        "use_market_orders": True,
        "slippage_tolerance": 0.001,
        "retry_attempts": 3,
        "auto_restart": True,
        "save_state_interval": 60,
        "log_trades": True,
    }


def test_the_example_of_the_documents_works():
    config = TradingConfig(dry_run=True, testnet=True, log_trades=True)

    assert config.exchange == "paper"


@pytest.mark.parametrize("wanted", [True, False])
def test_use_testnet_is_another_name_for_testnet(wanted: bool):
    config = TradingConfig("key", "secret", use_testnet=wanted)

    assert config.testnet is config.use_testnet is wanted
    assert replace(config, testnet=not wanted).use_testnet is not wanted


@pytest.mark.parametrize(
    ("given", "exchange"),
    [
        ({}, "paper"),
        ({"api_key": "k", "api_secret": "s"}, "testnet"),
        ({"api_key": "k", "api_secret": "s", "testnet": False}, "live"),
        ({"api_key": "k", "api_secret": "s", "testnet": False, "dry_run": True}, "paper"),
    ],
)
def test_orders_go_where_key_and_switches_say(given: dict, exchange: str):
    assert TradingConfig(**given).exchange == exchange


def test_the_secret_is_not_shown():
    assert "hush" not in repr(TradingConfig("key", "hush"))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"stop_loss_pct": 0}, "stop_loss_pct=0 is out of range"),
        ({"stop_loss_pct": 2}, "stop_loss_pct=2 is out of range"),
        ({"take_profit_pct": -0.1}, "take_profit_pct=-0.1 is out of range"),
        ({"take_profit_pct": float("nan")}, "take_profit_pct=nan is out of range"),
        ({"position_size_pct": "0.1"}, "position_size_pct='0.1' is not a number"),
        ({"max_positions": 0}, "max_positions=0 is not a whole number of at least 1"),
        ({"retry_attempts": 1.5}, "retry_attempts=1.5 is not a whole number of at least 0"),
        ({"dry_run": "yes"}, "dry_run='yes' is neither True nor False"),
        ({"api_key": "k"}, "api_secret is missing"),
    ],
)
def test_a_value_without_a_meaning_is_refused_in_one_line(given: dict, said: str):
    with pytest.raises(ValueError, match=said) as caught:
        TradingConfig(**given)

    assert "\n" not in str(caught.value)
