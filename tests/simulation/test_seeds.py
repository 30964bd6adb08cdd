"""Some seeds of the simulation in every test run, and its own honesty: equal seeds, equal histories."""

import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from src.domain.decisions.watch import UNPROTECTED
from src.domain.ledger.events import (
    DifferenceFound,
    OrderIntended,
    ParentOpened,
    SymbolMoved,
    TermsChanged,
    TradingMoved,
)
from src.domain.money import use_money_context
from src.domain.orders.parents import ParentKind
from src.domain.sessions.trading_states import SymbolState, TradingTrigger
from tests.simulation.deeds import TRADER
from tests.simulation.disk import Files
from tests.simulation.market import SYMBOL
from tests.simulation.seeds import ORDERS_IN_A_SECOND_MAX, run_seed, storms, unprovoked
from tests.simulation.world import World
from tests.support.invariants import Books, violations

SEEDS = 24
ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_history_with_crashes_keeps_every_invariant(seed: int, tmp_path: Path):
    verdict = run_seed(seed, tmp_path)

    assert not verdict.violations
    assert verdict.orders >= 10


def test_only_what_the_trader_did_not_do_himself_is_held_against_a_history(tmp_path: Path):
    use_money_context()
    world = World(3, tmp_path / "world", Files(tmp_path / "template.db"))
    world.process(None, end=True)
    books = Books(world.config.database, world.account_id, world.exchange_file)
    books.events += [
        (0, TradingMoved(TradingTrigger.HALT, "at random", TRADER)),
        (0, TradingMoved(TradingTrigger.HALT, "they differ", "system")),
        (0, SymbolMoved(SYMBOL, SymbolState.REDUCE_ONLY, "nobody knows")),
        (0, SymbolMoved(SYMBOL, SymbolState.CLOSED, "a contradiction")),
        (0, SymbolMoved(SYMBOL, SymbolState.CLOSED, f"{UNPROTECTED}, 3 in a row")),
        (0, DifferenceFound("position", "1", "2", "open")),
        (0, TermsChanged("abc", Decimal(1), Decimal(2), 0)),
    ]

    assert list(unprovoked(books)) == [
        "unprovoked: HALT by system: they differ",
        f"unprovoked: {SYMBOL} is closed: a contradiction",
        "unprovoked: position differs: ours 1, the exchange's 2",
        "unprovoked: somebody else amended abc",
    ]


def test_in_some_histories_an_exit_races_an_order_that_turns_its_position(tmp_path: Path):
    """And what the two opened between them is taken back; that the books agree is asked of every history."""
    use_money_context()
    world = World(7, tmp_path / "world", Files(tmp_path / "template.db"))
    world.process(None, end=True)
    books = Books(world.config.database, world.account_id, world.exchange_file)
    events = [event for _, event in books.events]

    (trim,) = (e for e in events if isinstance(e, ParentOpened) and e.ticket.kind is ParentKind.TRIM)
    (sent,) = (e for e in events if isinstance(e, OrderIntended) and e.ticket.parent_id == trim.parent_id)
    order = books.orders[sent.attempt.client_order_id]

    assert order.filled_quantity == sent.ticket.quantity == trim.ticket.quantity
    assert not violations(books)


def test_more_orders_in_a_second_than_any_trader_asks_for_are_a_storm(tmp_path: Path):
    use_money_context()
    world = World(3, tmp_path / "world", Files(tmp_path / "template.db"))
    world.process(None, end=True)
    books = Books(world.config.database, world.account_id, world.exchange_file)
    before = list(storms(books))
    (intent, *_) = [event for _, event in books.events if isinstance(event, OrderIntended)]

    books.events = [(5_000 + number, intent) for number in range(ORDERS_IN_A_SECOND_MAX)]
    many = list(storms(books))
    books.events.append((5_999, intent))

    assert (before, many) == ([], [])
    assert list(storms(books)) == [f"storm: {ORDERS_IN_A_SECOND_MAX + 1} orders in the second 5"]


def test_a_seed_is_one_history(tmp_path: Path):
    first, second = run_seed(7, tmp_path / "first"), run_seed(7, tmp_path / "second")

    assert first == second
    assert first.head


def test_different_seeds_are_different_histories(tmp_path: Path):
    assert run_seed(7, tmp_path).head != run_seed(8, tmp_path).head


def test_a_history_does_not_depend_on_the_order_of_hashes(tmp_path: Path):
    here = run_seed(9, tmp_path / "here").head
    program = (
        "import sys; from pathlib import Path; from tests.simulation.seeds import run_seed; "
        "print(run_seed(9, Path(sys.argv[1])).head)"
    )

    for hash_seed in ("0", "1"):
        told = subprocess.run(
            [sys.executable, "-c", program, str(tmp_path / hash_seed)],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        )
        assert told.stdout.strip() == here
