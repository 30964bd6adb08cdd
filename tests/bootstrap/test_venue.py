"""Which venue a name and the settings mean, and which keys are refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from src.application.ports.broker import KeyPermissions
from src.bootstrap.going_live import WRITTEN, live_plan
from src.bootstrap.settings import Loaded, load_settings
from src.bootstrap.venue import LOCAL_URL, Venue, check_key, venue_of
from src.infrastructure.brokers.binance_places import DEMO, MAINNET, local_place
from src.interfaces.cli.composition import ConfigurationError

KEY = {"BINANCE_API_KEY": "k" * 32, "BINANCE_API_SECRET": "s" * 32}


def loaded(folder: Path, **environment: str) -> Loaded:
    return load_settings(environment=environment, root=folder)


def a_venue(folder: Path, name: str, **environment: str) -> Venue:
    return venue_of(loaded(folder, **environment).settings, name, folder)


def test_testnet_without_a_key_is_the_local_exchange_with_its_own_key(tmp_path: Path):
    (tmp_path / "testnet").mkdir()
    (tmp_path / "testnet" / "keys.json").write_text(json.dumps([{"key": "a" * 32, "secret": "b" * 32}]))

    venue = a_venue(tmp_path, "testnet")

    assert (venue.place, venue.api_key, venue.secret) == (local_place(LOCAL_URL), "a" * 32, "b" * 32)
    assert venue.place.ws_url == LOCAL_URL.replace("http", "ws")
    assert venue.consistency.read_your_writes


def test_testnet_without_key_and_without_local_exchange_says_what_to_do(tmp_path: Path):
    with pytest.raises(ConfigurationError, match="steadyhand testnet"):
        a_venue(tmp_path, "testnet")


@pytest.mark.parametrize("text", ["", "[]", "{}", '[{"key": "a"}]'])
def test_a_spoiled_file_of_keys_is_named(tmp_path: Path, text: str):
    (tmp_path / "testnet").mkdir()
    (tmp_path / "testnet" / "keys.json").write_text(text)

    with pytest.raises(ConfigurationError, match=r"keys\.json"):
        a_venue(tmp_path, "testnet")


def test_testnet_with_a_key_is_the_demo_venue(tmp_path: Path):
    venue = a_venue(tmp_path, "testnet", **KEY)

    assert venue.place == DEMO
    assert not venue.consistency.read_your_writes


def test_live_is_binance_and_needs_a_key(tmp_path: Path):
    venue = a_venue(tmp_path, "live", **KEY)

    assert venue.place == MAINNET
    with pytest.raises(ConfigurationError, match="needs a key"):
        a_venue(tmp_path, "live")


def test_a_key_without_its_secret_is_no_key(tmp_path: Path):
    with pytest.raises(ConfigurationError, match="BINANCE_API_SECRET is missing"):
        a_venue(tmp_path, "testnet", BINANCE_API_KEY="k" * 32)


def test_the_secret_is_in_no_representation(tmp_path: Path):
    assert "s" * 32 not in repr(a_venue(tmp_path, "live", **KEY))
    assert "k" * 32 not in repr(a_venue(tmp_path, "live", **KEY))


def test_an_account_belongs_to_its_key_and_its_place(tmp_path: Path):
    other = KEY | {"BINANCE_API_KEY": "j" * 32}

    ids = {a_venue(tmp_path, name, **key).account_id for name in ("live", "testnet") for key in (KEY, other)}

    assert len(ids) == 4
    assert a_venue(tmp_path, "live", **KEY).account_id in ids


@pytest.mark.parametrize(
    ("permissions", "may_withdraw", "trouble"),
    [
        (KeyPermissions(can_trade=False, can_withdraw=False, ip_restricted=True), False, "may not trade"),
        (KeyPermissions(can_trade=True, can_withdraw=True, ip_restricted=True), False, "move money"),
    ],
)
def test_a_key_that_may_too_little_or_too_much_is_refused(
    permissions: KeyPermissions, may_withdraw: bool, trouble: str
):
    with pytest.raises(ConfigurationError, match=trouble):
        check_key(permissions, may_withdraw=may_withdraw)


def test_a_key_that_may_withdraw_is_taken_on_explicit_wish_and_a_free_one_is_noted():
    permissions = KeyPermissions(can_trade=True, can_withdraw=True, ip_restricted=False)

    assert check_key(permissions, may_withdraw=True) == ["the key works from any address: bind it to yours"]


def test_live_trading_wants_every_limit_in_writing(tmp_path: Path):
    defaults = loaded(tmp_path).settings
    named: dict[str, Any] = dict.fromkeys(WRITTEN, "flag")
    whole = Loaded(loaded(tmp_path, STEADYHAND_SYMBOLS="BTCUSDT", **KEY).settings, named)

    with pytest.raises(ConfigurationError, match="in writing"):
        live_plan(Loaded(defaults, dict.fromkeys(WRITTEN[1:], "flag")), tmp_path)
    plan = live_plan(whole, tmp_path)
    assert (plan.symbols, plan.leverage) == (("BTCUSDT",), defaults.leverage)
