"""Which account and session a start is about."""

import json
from decimal import Decimal
from pathlib import Path

import pytest

from src.bootstrap.selection import Selection, keep_note, read_note, select
from src.interfaces.cli.composition import ConfigurationError, SessionRequest
from tests.bootstrap.sessions import SENT_UNHEARD, copied, plain_application, run_session, the_account

GIVEN_SEED = frozenset({"seed"})


@pytest.fixture(scope="module")
def unfinished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unfinished") / "data"
    run_session(folder, SENT_UNHEARD)
    return folder


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("finished") / "data"
    run_session(folder)
    return folder


@pytest.fixture
def data_dir(unfinished: Path, tmp_path: Path) -> Path:
    return copied(unfinished, tmp_path)


def selected(
    data_dir: Path, given: frozenset[str] = frozenset(), account_id: str | None = None, **flags: str
) -> Selection:
    application = plain_application(data_dir, **flags)
    reads = application.open_reads()
    try:
        request = SessionRequest(given=given)
        return select(application.settings, request, reads, application.database, account_id=account_id)
    finally:
        reads.close()


def test_a_start_that_names_no_market_resumes_the_unfinished_session_with_its_own_options(data_dir: Path):
    selection = selected(data_dir, seed="99", stop_loss_pct="0.5", timeframe="5m")

    assert selection.account_id is not None
    assert selection.config.seed == 11
    assert selection.config.symbols == ("BTCUSDT",)
    assert selection.config.strategies == ("sma_cross:fast=2,slow=4",)
    assert selection.config.timeframe == "1s"
    assert selection.config.stop_loss_pct == Decimal("0.02")
    assert selection.market == "synthetic BTCUSDT seed 11"


def test_a_start_that_names_another_market_is_about_another_account(data_dir: Path):
    selection = selected(data_dir, GIVEN_SEED, seed="12", symbols="BTCUSDT")

    assert selection.account_id is None
    assert selection.market == "synthetic BTCUSDT seed 12"
    assert selection.config.timeframe == "1m"


def test_a_start_that_names_the_sessions_market_resumes_it(data_dir: Path):
    selection = selected(data_dir, frozenset({"seed", "symbols"}), seed="11", symbols="BTCUSDT")

    assert selection.account_id is not None
    assert selection.config.timeframe == "1s"


@pytest.mark.parametrize(
    ("setting", "value", "told"),
    [
        ("timeframe", "5m", "timeframe 1s (asked for: 5m)"),
        ("stop_loss_pct", "0.03", "stop_loss_pct 0.02 (asked for: 0.03)"),
        ("leverage", "5", "leverage 10 (asked for: 5)"),
        ("strategies", "macd_momentum", "strategies sma_cross:fast=2,slow=4 (asked for: macd_momentum)"),
        ("portfolio", "other", "portfolio default (asked for: other)"),
        ("use_market_orders", "false", "use_market_orders True (asked for: False)"),
        ("hedge_mode", "true", "hedge_mode False (asked for: True)"),
        ("margin_type", "isolated", "margin_type CROSSED (asked for: ISOLATED)"),
        ("leverages", "BTCUSDT=5", "leverages none (asked for: BTCUSDT=5)"),
        ("trailing_stop_pct", "0.01", "trailing_stop_pct 0 (asked for: 0.01)"),
    ],
)
def test_an_option_on_the_command_line_that_contradicts_is_refused(
    setting: str, value: str, told: str, data_dir: Path
):
    with pytest.raises(ConfigurationError) as refused:
        selected(data_dir, frozenset({setting}), **{setting: value})

    assert told in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_leverage_of_a_symbol_that_is_not_traded_is_refused_as_a_flag_only(data_dir: Path):
    market = {"seed": "12", "symbols": "BTCUSDT", "leverages": "ETHUSDT=3,BTCUSDT=5"}

    with pytest.raises(ConfigurationError, match="--leverages names ETHUSDT, which this session does not"):
        selected(data_dir, frozenset(market), **market)
    assert selected(data_dir, GIVEN_SEED, **market).config.leverages == (("ETHUSDT", 3), ("BTCUSDT", 5))


def test_an_option_that_repeats_the_sessions_own_is_none(data_dir: Path):
    assert selected(data_dir, frozenset({"timeframe"}), timeframe="1s").account_id is not None


def test_the_newest_unfinished_session_comes_first(data_dir: Path):
    run_session(data_dir, SENT_UNHEARD, seed="12")

    assert selected(data_dir).config.seed in (11, 12)
    rows = selected(data_dir).accounts
    newest = max(rows, key=lambda row: row.last_ms)
    assert selected(data_dir).account_id == newest.account_id


def test_after_a_session_that_ended_the_same_market_goes_on_with_its_account(finished: Path):
    market = {"seed": "11", "symbols": "BTCUSDT"}
    selection = selected(finished, frozenset({*market, "timeframe"}), **market, timeframe="5m")

    assert selection.account_id is None
    assert selection.config.timeframe == "5m"
    assert selection.market == "synthetic BTCUSDT seed 11"


def test_an_account_asked_for_is_found_whatever_its_session_came_to(finished: Path):
    account = the_account(plain_application(finished))

    selection = selected(finished, account_id=account)

    assert selection.account_id == account
    assert selection.config.seed == 11


def test_an_account_nobody_knows_is_refused_in_one_line(data_dir: Path):
    with pytest.raises(ConfigurationError, match="account 00000000 has had no session yet"):
        selected(data_dir, account_id="00000000-none")


def test_a_resumed_exchange_pays_the_funding_it_was_opened_with(data_dir: Path):
    account = the_account(plain_application(data_dir))
    note = read_note(data_dir, account)

    selection = selected(data_dir, funding_interval="1h", funding_rate="0.01")

    assert note is not None
    assert selection.config.funding_interval_ms == note.funding_interval_ms == 8 * 3_600_000
    assert selection.config.funding_rate == note.funding_rate


def test_a_note_stays_as_it_was_first_written(data_dir: Path):
    account = the_account(plain_application(data_dir))
    before = read_note(data_dir, account)

    keep_note(selected(data_dir, GIVEN_SEED, seed="12", funding_rate="0.5").config, account)

    assert read_note(data_dir, account) == before
    kept = json.loads((data_dir / "paper" / f"{account[:8]}.json").read_text("utf-8"))
    assert kept["replay"] == []


def test_a_note_of_an_older_version_learns_its_market_and_keeps_the_rest(data_dir: Path):
    account = the_account(plain_application(data_dir))
    path = data_dir / "paper" / f"{account[:8]}.json"
    before = read_note(data_dir, account)
    assert before is not None
    kept = json.loads(path.read_text("utf-8"))
    del kept["symbols"], kept["seed"]
    path.write_text(json.dumps(kept), "utf-8")

    keep_note(selected(data_dir, account_id=account, funding_rate="0.5").config, account)

    assert read_note(data_dir, account) == before
    assert before.symbols
