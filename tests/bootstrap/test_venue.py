"""Which venue a name and the settings mean, and which keys are refused."""

import json
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from src.application.ports.broker import KeyPermissions, UserEvent
from src.application.trading.session_parts import SessionParts
from src.bootstrap.application import PaperApplication
from src.bootstrap.going_live import WRITTEN, live_plan
from src.bootstrap.paper_config import PaperConfig
from src.bootstrap.settings import Loaded, load_settings
from src.bootstrap.venue import LOCAL_URL, READ_YOUR_WRITES, Venue, check_key, look, parts_after, venue_of
from src.domain.orders.news import OrderNews
from src.domain.orders.types import OrderType
from src.infrastructure.brokers.binance_places import DEMO, MAINNET, local_place
from src.infrastructure.market_data.frames import BookTicker
from src.infrastructure.time.machine import NS_PER_MS, Machine
from src.interfaces.cli.composition import ConfigurationError, SessionRequest
from tests.support.broker_venue import submit
from tests.support.engine_builders import BTC, an_instrument
from tests.support.exchange_server import KEY as LOCAL_KEY
from tests.support.lagging_machine import LaggingMachine
from tests.support.venue_on_sockets import SilentMarket, SocketVenue, a_socket_venue

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
    whole = Loaded(loaded(tmp_path, STEADYHAND_SYMBOLS="BTCUSDT", USE_TESTNET="false", **KEY).settings, named)

    with pytest.raises(ConfigurationError, match="in writing"):
        live_plan(Loaded(defaults, dict.fromkeys(WRITTEN[1:], "flag")), tmp_path)
    plan = live_plan(whole, tmp_path)
    assert (plan.symbols, plan.leverage) == (("BTCUSDT",), defaults.leverage)


DRY = {"DRY_RUN": "true"}
FOR_MONEY = {"USE_TESTNET": "false", **KEY}


@pytest.mark.parametrize("environment", [DRY, DRY | KEY, FOR_MONEY])
def test_a_test_exchange_that_the_settings_speak_against_is_refused(
    tmp_path: Path, environment: dict[str, str]
):
    places = {"STEADYHAND_DATA_DIR": str(tmp_path), "STEADYHAND_TESTNET_URL": "http://127.0.0.1:9"}
    application = PaperApplication(loaded(tmp_path, **places, **environment))

    with pytest.raises(
        ConfigurationError, match="DRY_RUN=true" if "DRY_RUN" in environment else "USE_TESTNET"
    ):
        application.open_session(SessionRequest(exchange="testnet"))


@pytest.mark.parametrize("environment", [DRY | FOR_MONEY, KEY])
def test_money_that_the_settings_speak_against_is_refused_before_a_sentence_is_asked_for(
    tmp_path: Path, environment: dict[str, str]
):
    settings = loaded(tmp_path, **environment).settings

    with pytest.raises(
        ConfigurationError, match="DRY_RUN=true" if "DRY_RUN" in environment else "USE_TESTNET"
    ):
        live_plan(Loaded(settings, dict.fromkeys(WRITTEN, "flag")), tmp_path)


def test_no_limit_of_risk_has_a_default_with_money(tmp_path: Path):
    settings = loaded(tmp_path).settings
    other: Any = object()

    by_default = [
        name
        for name in type(settings).model_fields
        if name not in WRITTEN
        and settings.model_copy(update={name: other}).risk_limits() != settings.risk_limits()
    ]

    assert by_default == []


class MarketOfTwoAssets(SilentMarket):
    """BTCUSDT, and a contract whose margin is in another asset than a session's."""

    symbols = (BTC, "BTCUSDC")

    def __init__(self) -> None:
        super().__init__()
        other = an_instrument("BTCUSDC", base_asset="BTC", quote_asset="USDC", margin_asset="USDC")
        self.instruments["BTCUSDC"] = other


def place_and_key(served: SocketVenue) -> Venue:
    place = local_place(served.server.url)
    return Venue("testnet", place, LOCAL_KEY.key, LOCAL_KEY.secret, READ_YOUR_WRITES)


async def test_a_symbol_with_another_margin_asset_is_refused_in_one_line(tmp_path: Path):
    config = PaperConfig(tmp_path, tmp_path / "s.db", symbols=(BTC, "BTCUSDC"))
    async with a_socket_venue(tmp_path, open_market=MarketOfTwoAssets) as served:
        venue = place_and_key(served)
        with pytest.raises(ConfigurationError) as no:
            await look(config, venue)
        order: dict[str, Any] = {"order_type": OrderType.STOP_MARKET, "stop_price": Decimal(70_000)}
        await submit(served, "c-1", symbol="BTCUSDC", **order)
        with pytest.raises(ConfigurationError) as alive:
            await look(config, venue, is_resumed=True)

    where = f"cannot be traded at {venue.place.host}: choose other symbols"
    assert str(no.value) == str(alive.value) == f"BTCUSDC (margin in USDC, not USDT) {where}"


async def test_a_resumed_session_goes_on_without_it_and_knows_what_trades_in_it_are_in(tmp_path: Path):
    config = PaperConfig(tmp_path, tmp_path / "s.db", symbols=(BTC, "BTCUSDC"))
    raw = (
        '{"e":"ORDER_TRADE_UPDATE","E":1789478303612,"T":1789478303610,"o":{"s":"BTCUSDC","c":"web_1","S":"BUY",'
        '"o":"MARKET","q":"1","p":"0","x":"TRADE","X":"FILLED","i":5,"l":"1","z":"1","L":"76000","n":"0.1",'
        '"N":"BNB","T":1789478303610,"t":7,"m":false,"R":false,"ps":"BOTH","rp":"5","er":"0"}}'
    )
    async with a_socket_venue(tmp_path, open_market=MarketOfTwoAssets) as served:
        venue = place_and_key(served)
        config.place.create()
        parts = parts_after(await look(config, venue, is_resumed=True), config, venue, [])
        (news,) = parts.broker.interpret(UserEvent(1, raw))
        await parts.broker.close()
        parts.close()

    assert parts.desk.instrument(BTC) is not None and parts.desk.instrument("BTCUSDC") is None
    assert isinstance(news, OrderNews) and news.fill is not None
    assert news.fill.margin_asset == "USDC"


async def parts_at(served: SocketVenue, folder: Path, machine: Machine) -> SessionParts:
    config, venue = PaperConfig(folder, folder / "s.db", symbols=(BTC,)), place_and_key(served)
    config.place.create()
    return parts_after(await look(config, venue, machine), config, venue, [], machine)


def be_quoted(parts: SessionParts, served: SocketVenue, update_id: int, later_ms: int = 0) -> None:
    event_ms = served.server.services.venue.clock.now_ms() + later_ms
    quote = BookTicker(BTC, Decimal(1), Decimal(1), Decimal(2), Decimal(1), update_id, event_ms, event_ms)
    parts.desk.on_ticker(quote, parts.inputs.now_ms() + later_ms)


def off_by_ms(parts: SessionParts, served: SocketVenue) -> int:
    return abs(parts.inputs.now_ms() - served.server.services.venue.clock.now_ms())


@pytest.mark.parametrize("wrong_by_ms", [-5_400_000, 5_400_000])
async def test_session_time_is_that_of_the_exchange_however_wrong_the_clock_of_the_machine(
    tmp_path: Path, wrong_by_ms: int
):
    machine = Machine(wall_ns=lambda: time.time_ns() + wrong_by_ms * NS_PER_MS)
    async with a_socket_venue(tmp_path) as served:
        parts = await parts_at(served, tmp_path, machine)
        off_ms = off_by_ms(parts, served)
        await parts.broker.close()
        parts.close()

    assert off_ms < 1_000


async def test_session_time_makes_up_for_a_time_in_which_the_machine_was_halted(tmp_path: Path):
    machine = LaggingMachine()
    async with a_socket_venue(tmp_path) as served:
        parts = await parts_at(served, tmp_path, machine.machine)
        machine.behind_ms = 1_800_000
        halted_ms = off_by_ms(parts, served)
        be_quoted(parts, served, 1)
        await parts.broker.server_time()
        off_ms = off_by_ms(parts, served)
        be_quoted(parts, served, 2)
        be_quoted(parts, served, 3, later_ms=2_000)
        objection = parts.desk.opening_objection(BTC, parts.inputs.now_ms() + 2_000)
        await parts.broker.close()
        parts.close()

    assert halted_ms > 1_799_000
    assert off_ms < 1_000
    assert objection is None
