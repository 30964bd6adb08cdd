"""Settings: which source wins, what is refused and how, what is shown; and nothing secret in any of it."""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.bootstrap.settings import ROOT, Loaded, Settings, load_settings
from src.bootstrap.settings.meanings import meanings
from src.bootstrap.settings.sources import FIELD_OF_NAME
from src.bootstrap.settings.values import Duration
from src.domain.market.quality import QualityLimits
from src.domain.risk.limits import RiskLimits
from src.interfaces.cli.composition import ConfigurationError
from src.interfaces.cli.units import parse_duration, written_duration

Load = Callable[..., Loaded]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Loads from files with these texts, this environment and these flags."""

    def loading(
        env_file: str = "", config: str = "", env: Mapping[str, str] | None = None, **flags: str
    ) -> Loaded:
        (tmp_path / ".env").write_text(env_file, encoding="utf-8")
        (tmp_path / "config.yaml").write_text(config, encoding="utf-8")
        return load_settings(flags, env or {}, tmp_path)

    return loading


@pytest.fixture
def refused(load: Load) -> Callable[..., tuple[str, ...]]:
    """The lines that a load is refused with."""

    def refusing(**given: object) -> tuple[str, ...]:
        with pytest.raises(ConfigurationError) as caught:
            load(**given)
        return tuple(map(str, caught.value.args))

    return refusing


def test_without_any_source_the_documents_defaults_hold(load: Load):
    settings = load().settings

    assert settings.risk_limits() == RiskLimits()
    assert settings.quality_limits() == QualityLimits()
    assert (settings.stop_loss_pct, settings.take_profit_pct) == (Decimal("0.02"), Decimal("0.05"))
    assert settings.sizing_spec == "percent:0.1"
    assert settings.data_folder == ROOT / "data"


def test_limits_of_quality_are_plain_milliseconds_in_what_is_said_of_them(load: Load):
    limits = load(env={"STEADYHAND_QUOTE_AGE_MAX": "7s"}).settings.quality_limits()

    assert f"{limits.stale_ms} ms, {limits.settle_ms} ms" == "7000 ms, 1000 ms"


def test_a_source_wins_over_those_below_it(load: Load):
    places = {
        "config": "stop_loss_pct: 0.01",
        "env_file": "STOP_LOSS_PCT=0.02",
        "env": {"STOP_LOSS_PCT": "0.03"},
        "stop_loss_pct": "0.04",
    }
    given: dict[str, object] = {}
    seen = []

    for name, value in places.items():
        given[name] = value
        loaded = load(**given)
        seen.append((str(loaded.settings.stop_loss_pct), loaded.sources["stop_loss_pct"]))

    assert seen == [
        ("0.01", "config.yaml"),
        ("0.02", ".env line 1"),
        ("0.03", "environment"),
        ("0.04", "--stop-loss"),
    ]


@pytest.mark.parametrize(
    ("given", "field", "value"),
    [
        ({"env": {"TESTNET": "false"}}, "testnet", False),
        ({"env": {"TESTNET": "false", "USE_TESTNET": "true"}}, "testnet", True),
        ({"config": "symbols: [btc/usdt, ETHUSDT, BTCUSDT]"}, "symbols", ("BTCUSDT", "ETHUSDT")),
        ({"env": {"STEADYHAND_SYMBOLS": "BTC/USD, eth/usdt:usdt"}}, "symbols", ("BTCUSDT", "ETHUSDT")),
        ({"strategies": "sma_cross:fast=5,slow=20,rsi"}, "strategies", ("sma_cross:fast=5,slow=20", "rsi")),
        ({"config": "strategies: ['rsi:period=7', rsi]"}, "strategies", ("rsi:period=7", "rsi")),
        ({"env": {"STOP_LOSS_PCT": "1.5 %"}}, "stop_loss_pct", Decimal("0.015")),
        ({"env": {"TRAILING_STOP_PCT": "20 %"}}, "trailing_stop_pct", Decimal("0.2")),
        ({"config": "capital: 0.1"}, "capital", Decimal("0.1")),
        ({"env_file": "export LOG_LEVEL='debug' # loud"}, "log_level", "DEBUG"),
        ({"funding_interval": "90s"}, "funding_interval", 90_000),
        ({"env_file": "BINANCE_API_KEY=\nSTOP_LOSS_PCT=\n"}, "stop_loss_pct", Decimal("0.02")),
    ],
)  # fmt: skip
def test_values_are_read_as_people_write_them(load: Load, given: dict[str, Any], field: str, value: object):
    assert getattr(load(**given).settings, field) == value


WRONG: dict[str, dict[str, Any]] = {
    "STOP_LOSS_PCT=2 (environment) must be at most 1: write it like 0.02": {"env": {"STOP_LOSS_PCT": "2"}},
    "TRAILING_STOP_PCT=0.201 (environment) must be at most": {"env": {"TRAILING_STOP_PCT": "0.201"}},
    "TAKE_PROFIT_PCT=abc (.env line 2) is not a number: write it like 0.05": {
        "env_file": "A=1\nTAKE_PROFIT_PCT=abc"
    },
    "leverage: 500 must be at most 125: write it like 10": {"config": "leverage: 500"},
    "max_positions: 1.5 is not a whole number: write it like 10": {"config": "max_positions: 1.5"},
    "DRY_RUN=maybe (environment) is neither true nor false: write it like true": {
        "env": {"DRY_RUN": "maybe"}
    },
    "LOG_LEVEL=loud (environment) is none of 'DEBUG', 'INFO', 'WARNING' or 'ERROR': write it like INFO": {
        "env": {"LOG_LEVEL": "loud"}
    },
    "--capital nan must be a finite number: write it like 10000": {"capital": "nan"},
    "--seed -1 must be at least 0: write it like 7": {"seed": "-1"},
    "--symbols B$: 'B$' is not a symbol; write it like BTCUSDT or BTC/USDT": {"symbols": "B$"},
    "--strategies smacross: no strategy 'smacross' (did you mean 'sma_cross'?):": {"strategies": "smacross"},
    "--timeframe 7x: '7x' is not a timeframe;": {"timeframe": "7x"},
    "--funding-interval soon: 'soon' is not a duration: write it like": {"funding_interval": "soon"},
    "--sizing percnt:0.1: no sizing 'percnt' (did you mean 'percent'?):": {"sizing": "percnt:0.1"},
    "STEADYHAND_SYMBOL in the environment is not a setting (did you mean STEADYHAND_SYMBOLS?): correct or": {
        "env": {"STEADYHAND_SYMBOL": "X"}
    },
    "MAX_POSITON in .env line 1 is not a setting (did you mean MAX_POSITIONS?): correct it": {
        "env_file": "MAX_POSITON=3"
    },
    "max_daily_loss_pct in .env line 1 is not a setting (did you mean MAX_DAILY_LOSS_PCT?): correct it": {
        "env_file": "max_daily_loss_pct=0.01"
    },
    "Steadyhand_Colour in .env line 1 is not a setting: correct it": {"env_file": "Steadyhand_Colour=red"},
    "steadyhand_leverage in the environment is not a setting (did you mean STEADYHAND_LEVERAGE?): correct": {
        "env": {"steadyhand_leverage": "3"}
    },
    ".env line 2 cannot be read: write it like NAME=value": {"env_file": "A=1\nMAX_DAILY_LOSS_PCT\n"},
    ".env line 1 cannot be read: write it like NAME=value": {"env_file": "what is this"},
    "symbls in config.yaml is not a setting (did you mean symbols?): write those": {"config": "symbls: [A]"},
    "STOP_LOSS_PCT in config.yaml is not a setting (did you mean stop_loss_pct?): write those": {
        "config": "STOP_LOSS_PCT: 0.01"
    },
    "STEADYHAND_SYMBOLS in config.yaml is not a setting (did you mean symbols?): write those": {
        "config": "STEADYHAND_SYMBOLS: BTCUSDT"
    },
    "config.yaml line 1 is not YAML: write one `name: value` a line": {"config": "a: ["},
    "config.yaml is not a list of settings: write one `name: value` a line": {"config": "- a"},
    "symbols: 7 has no meaning here: write it like BTCUSDT,ETHUSDT": {"config": "symbols: 7"},
    "STEADYHAND_CONFIG names nowhere.yaml, which is no file: correct or unset it": {
        "env": {"STEADYHAND_CONFIG": "nowhere.yaml"}
    },
    "BINANCE_API_SECRET is missing, but its partner is set (.env line 1): set both, or neither": {
        "env_file": "BINANCE_API_KEY=k"
    },
    "DATABASE_URL (environment): the database address is of an unknown kind 'oracle': use sqlite:///": {
        "env": {"DATABASE_URL": "oracle://scott:tiger@db"}
    },
}


@pytest.mark.parametrize("line", WRONG)
def test_a_wrong_value_is_answered_with_its_place_and_the_fix(
    refused: Callable[..., tuple[str, ...]], line: str
):
    (said,) = refused(**WRONG[line])

    assert said.startswith(line)
    assert ": " in said and "\n" not in said and "tiger" not in said


def test_all_that_is_wrong_is_said_at_once(refused: Callable):
    lines = refused(env_file="STOP_LOSS_PCT=x\nMAX_POSITIONS=y", config="symbls: 1", env={"DRY_RUN": "z"})

    assert len(lines) == 4
    assert all("\n" not in line for line in lines)


@given(
    name=st.sampled_from(sorted(FIELD_OF_NAME)),
    value=st.text(st.characters(codec="ascii", exclude_categories=["Cc"])),
)
def test_whatever_a_variable_holds_is_a_setting_or_a_line(name: str, value: str):
    try:
        load_settings({}, {name: value}, Path("/nowhere"))
    except ConfigurationError as error:
        assert error.args and all("\n" not in str(line) for line in error.args)


def test_what_is_wrong_with_settings_that_are_not_needed_is_kept_as_lines_and_their_defaults_hold(
    tmp_path: Path,
):
    (tmp_path / ".env").write_text("MAX_POSITIONS=many\nSTEADYHAND_SEED=7\n", encoding="utf-8")
    (tmp_path / "config.yaml").write_text("leverge: 3\nleverage: 0\n", encoding="utf-8")

    loaded = load_settings({}, {"STEADYHAND_NOTHING": "1"}, tmp_path, needs={"seed"})

    assert (loaded.settings.seed, loaded.settings.max_positions, loaded.settings.leverage) == (7, 10, 10)
    assert [line.split()[0] for line in loaded.problems] == [
        "leverge", "STEADYHAND_NOTHING", "leverage:", "MAX_POSITIONS=many",
    ]  # fmt: skip
    assert loaded.sources == {"seed": ".env line 2"}


@pytest.mark.parametrize(
    ("env_file", "config"),
    [
        ("STEADYHAND_SEDE=7", ""),
        ("STEADYHAND_SEED=x", ""),
        ("STEADYHAND_SEED", ""),
        ("", "sed: 7"),
        ("", "seed: [7"),
        ("", "- seed"),
        ("", "seed: x"),
    ],
)
def test_what_may_be_about_a_setting_that_is_needed_is_refused_alone(
    env_file: str, config: str, tmp_path: Path
):
    (tmp_path / ".env").write_text(f"MAX_POSITIONS=many\n{env_file}", encoding="utf-8")
    (tmp_path / "config.yaml").write_text(config, encoding="utf-8")

    with pytest.raises(ConfigurationError) as caught:
        load_settings({}, {}, tmp_path, needs={"seed"})

    (line,) = caught.value.args
    assert "MAX_POSITIONS" not in line


@pytest.mark.parametrize("damage", ["not text", "not there"])
def test_a_file_of_settings_that_cannot_be_read_may_be_about_any_of_them(damage: str, tmp_path: Path):
    environment = {"STEADYHAND_CONFIG": "none.yaml"} if damage == "not there" else {}
    (tmp_path / "config.yaml").write_bytes(b"\xff")

    with pytest.raises(ConfigurationError):
        load_settings({}, environment, tmp_path, needs={"seed"})


def test_what_is_not_ours_in_the_environment_is_none_of_our_business(load: Load):
    assert load(env={"PATH": "/bin", "MAX_CONNECTIONS": "3"}, env_file="POSTGRES_USER=x").sources == {}


def test_secrets_are_masked_wherever_they_are_shown(load: Load):
    secrets = {"BINANCE_API_KEY": "the-key", "BINANCE_API_SECRET": "the-secret"}

    loaded = load(env=secrets)

    shown = repr(loaded) + repr(loaded.lines())
    assert "the-secret" not in shown
    assert {line.value for line in loaded.lines() if line.name in secrets} == {"********"}


def test_a_secret_is_not_repeated_in_an_error(refused: Callable):
    (line,) = refused(env_file="BINANCE_API_SECRET abc-very-secret")

    assert "abc-very-secret" not in line


def test_every_setting_is_shown_so_that_it_can_be_written_back(load: Load):
    given = {"STEADYHAND_FUNDING_INTERVAL": "90m", "STEADYHAND_SYMBOLS": "ETHUSDT,BTCUSDT", "DRY_RUN": "true"}
    lines = load(env=given).lines()

    again = load(env={line.name: line.value for line in lines})

    assert [(line.name, line.value) for line in again.lines()] == [(line.name, line.value) for line in lines]
    assert {line.name: line.value for line in lines}.items() >= given.items()
    assert all(line.meaning for line in lines)


def test_the_example_file_names_only_settings_and_their_defaults(load: Load):
    text = (ROOT / ".env.example").read_text(encoding="utf-8")

    loaded = load(env_file=text)

    named = set(re.findall(r"^#? ?([A-Z_]+)=", text, re.MULTILINE))
    assert named <= FIELD_OF_NAME.keys()
    assert loaded.settings == load().settings


@given(st.integers(1, 10**12))
def test_a_duration_is_read_back_as_it_is_written(ms: int):
    assert parse_duration(written_duration(ms)) == parse_duration(str(Duration(ms))) == ms


@pytest.mark.parametrize("text", ["", "0", "0.0001s", "-5s", "5 minutes", "1e3", "5m30s", "nan", "99999999d"])
def test_what_is_no_duration_is_refused(text: str):
    with pytest.raises(ValueError, match="is not a duration"):
        parse_duration(text)


def test_every_setting_has_its_name_in_the_environment_and_a_meaning():
    assert set(FIELD_OF_NAME.values()) == set(Settings.model_fields)
    assert set(meanings()) == set(Settings.model_fields)
    assert meanings()["symbols"].startswith("What is traded")


def test_leverages_are_read_and_shown_as_people_write_them(tmp_path: Path):
    loaded = load_settings(environment={"STEADYHAND_LEVERAGES": "btc/usdt:20, ETHUSDT=5"}, root=tmp_path)

    assert loaded.settings.leverages == (("BTCUSDT", 20), ("ETHUSDT", 5))
    assert "BTCUSDT:20,ETHUSDT:5" in [line.value for line in loaded.lines()]


@pytest.mark.parametrize("text", ["BTCUSDT", "BTCUSDT:0", "BTCUSDT:2.5", "BTCUSDT:151"])
def test_a_leverage_that_no_symbol_has_is_refused_with_the_fix(tmp_path: Path, text: str):
    with pytest.raises(ConfigurationError, match="write symbols like BTCUSDT=20"):
        load_settings(environment={"STEADYHAND_LEVERAGES": text}, root=tmp_path)


def test_a_symbol_with_two_leverages_is_refused(tmp_path: Path):
    with pytest.raises(ConfigurationError, match="name each symbol once"):
        load_settings(environment={"STEADYHAND_LEVERAGES": "BTCUSDT:20,btcusdt=5"}, root=tmp_path)
