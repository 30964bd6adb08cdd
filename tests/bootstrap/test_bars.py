"""Whole sessions on files of bars: no look at what is still to come, the same again, and on after a kill."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from src.application.trading.session_runner import SessionRunner
from src.bootstrap.markets import market_id, open_market
from src.bootstrap.paper import paper_parts
from src.bootstrap.paper_config import PaperConfig
from src.domain.ledger.events import FillBooked
from src.domain.money import use_money_context
from src.infrastructure.persistence.read_models import SqliteReadModels
from src.infrastructure.persistence.schema import create_sqlite
from tests.application.trading.sessions import die, events_of, pass_time
from tests.infrastructure.market_data.bar_files import MINUTE_MS, Row, lines, rows, write
from tests.simulation.world import a_config, read_accounts

NAME = "BTCUSDT-1m.csv"


def a_session(folder: Path, bars: list[Row], **changes: object) -> PaperConfig:
    """The configuration of a session on bars in a folder of its own."""
    folder.mkdir(exist_ok=True)
    path = write(folder / NAME, lines(bars))
    config = replace(
        a_config(folder, 3),
        replay=(path,),
        symbols=("BTCUSDT",),
        strategies=("sma_cross:fast=2,slow=5", "bollinger:period=10,width=1.5"),
        timeframe="1m",
        stop_loss_pct=Decimal("0.01"),
        take_profit_pct=Decimal("0.01"),
    )
    return replace(config, **changes)  # type: ignore[arg-type]  # names of fields


async def begin(config: PaperConfig) -> SessionRunner:
    use_money_context()
    if not config.database.exists():
        create_sqlite(config.database)
    runner = SessionRunner(
        paper_parts(
            config,
            lambda c: open_market(c.replay, c.symbols, c.seed),
            "the same market",
            read_accounts(config.database),
        )
    )
    await runner.start()
    return runner


async def run_whole(config: PaperConfig) -> None:
    runner = await begin(config)
    await runner.run()
    await die(runner)


def journal(config: PaperConfig) -> list[tuple[int, str, str]]:
    reads = SqliteReadModels(config.database)
    try:
        (row,) = reads.accounts()
        return [(record.at_ms, record.kind, record.payload) for record in reads.journal(row.account_id)]
    finally:
        reads.close()


async def test_rows_still_to_come_never_change_what_was_recorded_before(tmp_path: Path):
    bars = rows(11, 240)
    here = 160
    changed = [*bars[:here], *rows(12, 80, start_ms=bars[here][0], price=300_000)]
    one, other = a_session(tmp_path / "one", bars), a_session(tmp_path / "other", changed)

    await run_whole(one)
    await run_whole(other)

    early = [record for record in journal(one) if record[0] < bars[here][0]]
    assert len([kind for _, kind, _ in early if kind == "fill_booked"]) > 10
    assert early == journal(other)[: len(early)]
    assert journal(one) != journal(other)


async def test_the_same_bars_give_the_same_journal(tmp_path: Path):
    one, other = a_session(tmp_path / "one", rows(11, 200)), a_session(tmp_path / "other", rows(11, 200))

    await run_whole(one)
    await run_whole(other)

    assert journal(one) == journal(other)


@pytest.mark.parametrize("minutes", [37, 111])
async def test_a_killed_session_goes_on_at_its_place_to_the_same_fills(tmp_path: Path, minutes: int):
    whole, killed = (
        a_session(tmp_path / "whole", rows(11, 200)),
        a_session(tmp_path / "killed", rows(11, 200)),
    )
    await run_whole(whole)
    runner = await begin(killed)
    # In the middle of a bar nothing is on its way.
    await pass_time(runner.loop, minutes * MINUTE_MS + MINUTE_MS // 2)
    await die(runner)

    await run_whole(killed)

    fills = [[(e.trade_id, e.price, e.quantity) for e in _fills(config)] for config in (whole, killed)]
    assert len(fills[0]) > 10
    assert fills[0] == fills[1]


async def test_two_sessions_killed_at_the_same_place_go_on_alike(tmp_path: Path):
    configs = [a_session(tmp_path / name, rows(11, 200)) for name in ("one", "other")]
    for config in configs:
        runner = await begin(config)
        await pass_time(runner.loop, 90 * MINUTE_MS)
        await die(runner)
        await run_whole(config)

    assert journal(configs[0]) == journal(configs[1])


async def test_every_fill_lies_in_its_bar_or_half_a_spread_off_it(tmp_path: Path):
    bars = {row[0]: row for row in rows(11, 200)}
    config = a_session(tmp_path / "one", list(bars.values()))

    await run_whole(config)

    for fill in _fills(config):
        row = bars[fill.traded_ms - fill.traded_ms % MINUTE_MS]
        beyond = fill.price * Decimal("0.00012")
        assert Decimal(row[3]) - beyond <= fill.price <= Decimal(row[2]) + beyond


def test_a_market_of_bars_is_its_content(tmp_path: Path):
    one = a_session(tmp_path / "one", rows(1, 9)).replay
    same = a_session(tmp_path / "same", rows(1, 9)).replay
    other = a_session(tmp_path / "other", rows(2, 9)).replay

    assert market_id(one, (), 1) == market_id(same, (), 1) != market_id(other, (), 1)
    assert market_id(one, (), 1).startswith("bars ")


async def test_candles_that_bars_do_not_add_up_to_are_refused(tmp_path: Path):
    config = a_session(tmp_path / "one", rows(1, 9), timeframe="1s")

    with pytest.raises(ValueError, match="choose --timeframe 1m"):
        await begin(config)


def _fills(config: PaperConfig) -> list[FillBooked]:
    return [event for event in events_of(config) if isinstance(event, FillBooked)]
