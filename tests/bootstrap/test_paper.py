"""How a paper session is put together: accounts belong to markets, and to their exchange's file."""

import fcntl
from dataclasses import replace
from pathlib import Path

import pytest

from src.application.ports.failpoints import install_hook
from src.application.ports.store import StoreError
from src.bootstrap.paper_account import PaperAccountMismatch, account_of
from src.bootstrap.paper_lock import opening_alone
from src.domain.sessions.session import TradingSessionStatus
from tests.application.trading.sessions import begin, calm, die, parts_of, pass_time, resting
from tests.simulation.world import MARKET_ID, read_accounts


async def test_an_account_whose_exchange_file_is_gone_is_refused_in_one_line(tmp_path: Path):
    runner = await begin(config := calm(tmp_path))
    await die(runner)
    (path,) = (tmp_path / "paper").glob("*.db")
    for file in (tmp_path / "paper").iterdir():
        file.unlink()

    with pytest.raises(PaperAccountMismatch) as refused:
        parts_of(config)

    assert path.name.removesuffix(".db") in str(refused.value)
    assert "\n" not in str(refused.value)
    assert not path.exists()


def test_a_new_exchange_is_made_by_one_process_while_others_wait(tmp_path: Path):
    waits: list[bool] = []

    def come_second(name: str) -> None:
        if name == "exchange.before_commit":
            (path,) = (tmp_path / "paper").glob("*.opening")
            with path.open() as second:
                try:
                    fcntl.flock(second, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    waits.append(False)
                except BlockingIOError:
                    waits.append(True)

    install_hook(come_second)
    try:
        first = parts_of(calm(tmp_path))
    finally:
        install_hook(None)
    second = parts_of(calm(tmp_path))
    first.close()
    second.close()

    assert waits and all(waits)


async def test_the_exchange_file_of_another_account_is_refused(tmp_path: Path):
    for seed, folder in ((3, "one"), (4, "two")):
        (tmp_path / folder).mkdir()
        await die(await begin(replace(calm(tmp_path / folder), seed=seed)))
    (mine,) = (tmp_path / "one" / "paper").glob("*.db")
    (theirs,) = (tmp_path / "two" / "paper").glob("*.db")
    theirs.replace(mine)

    with pytest.raises(StoreError) as refused:
        await begin(replace(calm(tmp_path / "one"), seed=3))

    assert "\n" not in str(refused.value)


async def test_a_database_without_its_account_does_not_take_over_the_exchanges_books(tmp_path: Path):
    runner = await begin(config := calm(tmp_path))
    await die(runner)
    for file in tmp_path.glob("session.db*"):
        file.unlink()

    second = await begin(config)

    report = await second.recovery.recover("a test", new_stream=False)
    assert report.agrees
    await die(second)


async def test_an_account_that_has_traded_is_not_begun_anew_in_a_database_that_does_not_know_it(
    tmp_path: Path,
):
    runner = await begin(config := calm(tmp_path))
    resting(runner)
    await pass_time(runner.loop, 1_000)
    await die(runner)
    (path,) = (tmp_path / "paper").glob("*.db")
    books = path.read_bytes()
    for file in tmp_path.glob("session.db*"):
        file.unlink()

    with pytest.raises(PaperAccountMismatch) as refused:
        parts_of(config)

    assert path.name.removesuffix(".db") in str(refused.value)
    assert "\n" not in str(refused.value)
    assert path.read_bytes() == books


async def test_a_symbol_that_is_not_in_the_market_is_refused_and_leaves_nothing_open(tmp_path: Path):
    config = replace(calm(tmp_path), symbols=("ETHUSDT",))

    with pytest.raises(ValueError, match="ETHUSDT is not in this market: it has BTCUSDT"):
        parts_of(config)

    await die(await begin(calm(tmp_path)))


async def test_a_recording_traded_to_its_end_begins_anew_with_another_account(tmp_path: Path):
    config = calm(tmp_path)
    first = await begin(config)
    await first.run()
    assert first.session.status is TradingSessionStatus.STOPPED
    await die(first)

    again = parts_of(config)

    (row,) = read_accounts(config.database)
    assert again.account.account_id != row.account_id
    assert account_of(config, MARKET_ID, [row]) is None
    await again.store.close()
    again.close()


async def test_a_synthetic_market_goes_on_with_its_account(tmp_path: Path):
    config = replace(calm(tmp_path), replay=())
    first = await begin(config)
    await first.run()
    await die(first)

    again = parts_of(config)

    assert again.account.account_id == first.parts.account.account_id
    assert again.ids.session_id() != first.session.id
    await again.store.close()
    again.close()


def test_a_folder_in_the_place_of_the_exchanges_lock_is_named(tmp_path: Path):
    (tmp_path / "x.opening").mkdir()

    with (
        pytest.raises(StoreError, match=r"x\.db \(Is a directory\): move away what is in its place"),
        opening_alone(tmp_path / "x.db"),
    ):
        pass
