"""The checker itself: it passes sessions in every mode of the account, and each wrong digit in a file is found."""

import sqlite3
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from src.domain.market.sides import PositionSide
from tests.application.trading.sessions import adjusted, begin, calm, die
from tests.simulation.market import SYMBOL
from tests.simulation.world import read_accounts
from tests.support.invariants import Books, violations

LONG, SHORT, BOTH = PositionSide.LONG, PositionSide.SHORT, PositionSide.BOTH


async def judged(folder: Path, sides: tuple[tuple[str, PositionSide], ...], **changes: Any) -> Books:
    """A session that traded, was paid funding, and died at rest."""
    config = calm(folder, **changes)
    runner = await begin(config)
    for target, side in sides:
        await adjusted(runner, target, side)
    runner.parts.broker._engine.force_funding(SYMBOL, Decimal("0.001"))  # type: ignore[attr-defined]  # the paper broker's own
    assert (await runner.recovery.recover("a test", new_stream=False)).agrees
    await die(runner)
    return read(folder)


def read(folder: Path) -> Books:
    config = calm(folder)
    (account,) = read_accounts(config.database)
    return Books(config.database, account.account_id, exchange_file(folder))


def exchange_file(folder: Path) -> Path:
    (path,) = (folder / "paper").glob("*.db")
    return path


HEDGED = (("0.004", LONG), ("-0.003", SHORT), ("0.002", LONG))
ONE_WAY = (("0.004", BOTH), ("-0.003", BOTH))


@pytest.mark.parametrize(("hedge_mode", "sides"), [(True, HEDGED), (False, ONE_WAY)])
@pytest.mark.parametrize("margin_type", ["CROSSED", "ISOLATED"])
async def test_a_session_at_rest_violates_nothing_in_any_mode(
    tmp_path: Path, hedge_mode: bool, sides: tuple[tuple[str, PositionSide], ...], margin_type: str
):
    books = await judged(tmp_path, sides, hedge_mode=hedge_mode, margin_type=margin_type)

    assert violations(books) == []
    assert len(books.exchange.holdings) == (2 if hedge_mode else 1)
    assert any(held.isolated_wallet for held in books.exchange.holdings.values()) is (
        margin_type == "ISOLATED"
    )


WRONG = {
    "a trade of the other side": ("UPDATE trades SET position_side = 'SHORT' WHERE trade_id = 1", "I7"),
    "another fee": ("UPDATE trades SET commission = commission + 1 WHERE trade_id = 1", "I5"),
    "a fee in another asset": ("UPDATE trades SET commission_asset = 'BNB' WHERE trade_id = 1", "I5"),
    "another funding": ("UPDATE postings SET amount = amount + 1 WHERE income_type = 'FUNDING_FEE'", "I8"),
    "more filled": ("UPDATE orders SET executed = executed + 1 WHERE order_id = 1", "I6"),
    "another average": ("UPDATE orders SET quote = quote + 1 WHERE order_id = 1", "I6"),
    "no stop for the short": (
        "UPDATE algos SET status = 'CANCELED' WHERE position_side = 'SHORT' AND type = 'STOP_MARKET'",
        "I13",
    ),
    "a stop for the short that does not trade": (
        "UPDATE algos SET status = 'TRIGGERING' WHERE position_side = 'SHORT' AND type = 'STOP_MARKET'",
        "I13",
    ),
    "another position in its memory": (
        "UPDATE state SET body = replace(CAST(body AS TEXT), '\"SHORT\",-300000', '\"SHORT\",-200000')",
        "I7",
    ),
}


@pytest.mark.parametrize("name", WRONG)
async def test_a_wrong_digit_in_the_exchanges_file_is_found(tmp_path: Path, name: str):
    statement, invariant = WRONG[name]
    await judged(tmp_path, HEDGED, hedge_mode=True)
    with closing(sqlite3.connect(exchange_file(tmp_path))) as file:
        assert file.execute(statement).rowcount > 0
        file.commit()

    found = violations(read(tmp_path))

    assert any(each.startswith(f"{invariant}:") for each in found), found
