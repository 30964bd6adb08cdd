"""Getting flat around a session on the local exchange: one that hangs, one that is dead, and one without a database.

Real processes over sockets. In the end both sides' files say the same to the last digit, and no emergency order stands
twice at the exchange.
"""

import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import pytest

from src.domain.money import use_money_context
from src.domain.orders.client_order_ids import is_emergency
from src.domain.orders.types import Purpose
from src.domain.sessions.trading_states import TradingState
from tests.crash.faults import small_disk
from tests.support.exchange_file import ExchangeFile
from tests.venue.processes import Run, a_port, a_run
from tests.venue.scenarios import LOOSE, SETTLE_S

# Wide stops: what is held stays until somebody closes it.
SESSION = (
    "--timeframe", "1s", "--symbols", "BTCUSDT", "--strategies", "sma_cross:fast=2,slow=3",
    "--stop-loss", "0.2", "--take-profit", "0.2",
)  # fmt: skip
EXCHANGE = ("--speed", "10", "--no-limits", "--symbols", "BTCUSDT,ETHUSDT")
EMERGENCY_ID = re.compile(r"^(...)\.[0-9a-z]{8}\.[0-9a-z]{5}-[0-9a-z]{4}$")


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """A session that holds something, on a local exchange; by its owner's hand something more is held."""
    use_money_context()
    with a_run(tmp_path, a_port(), EXCHANGE, SESSION, **LOOSE) as run:
        run.start_exchange()
        run.start_session()
        begin(run)
        yield run


def begin(run: Run) -> None:
    """Hold something in two symbols: one the session has opened, one its account's owner."""
    until(lambda: bool(held(run)), "the session opens a position")
    owner_trades(run)
    until(lambda: has_booked(run, "ETHUSDT", Decimal("0.05")), "the session books what its owner has bought")


def has_booked(run: Run, symbol: str, quantity: Decimal) -> bool:
    """Whether it holds so much by its own books, however it came to know."""
    positions = run.books().ledger.positions.values()
    return any((each.symbol, each.quantity) == (symbol, quantity) for each in positions)


def owner_trades(run: Run) -> None:
    run.admin("POST", "owner_trades", account=1, symbol="ETHUSDT", side="BUY", quantity="0.05")


def until(met: Callable[[], bool], what: str, seconds: float = 30.0) -> None:
    give_up = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < give_up, f"it never came about that {what}"
        time.sleep(0.05)


def exchange(run: Run) -> ExchangeFile:
    return ExchangeFile(run.folder / "testnet" / "exchange.db")


def held(run: Run) -> dict[str, Decimal]:
    holdings = exchange(run).holdings.items()
    return {symbol: each.quantity for (symbol, _), each in holdings if each.quantity}


def emergency_orders(run: Run) -> dict[str, int]:
    """How often each order of an emergency stands at the exchange."""
    return {name: count for name, count in exchange(run).sent.items() if EMERGENCY_ID.match(name)}


def rest_and_judge(run: Run) -> None:
    """Both processes at rest; equal books, every emergency order known, nothing opened since."""
    time.sleep(SETTLE_S)
    assert run.session.stop() == 0, run.session.tail()
    run.exchange.stop()
    assert run.violations() == []
    books = run.books()
    namespace = books.ledger.account.namespace
    sent = emergency_orders(run)
    assert sent and set(sent.values()) == {1}
    assert all(is_emergency(name, namespace) for name in sent)
    assert all(books.orders[name].ticket.purpose is Purpose.EMERGENCY for name in sent)
    assert books.ledger.account.trading_state is TradingState.HALTED
    assert [each for each in books.ledger.positions.values() if each.quantity] == []


def test_a_session_that_hangs_is_flat_and_takes_the_orders_for_its_own_when_it_wakes(run: Run):
    run.session.freeze()
    before = exchange(run).sent

    code, said = run.close_in_emergency()

    assert code == 0, said
    assert held(run) == {}
    assert set(emergency_orders(run).values()) == {1}
    assert "flat: no position and no opening order is left" in said
    run.session.thaw()
    rest_and_judge(run)
    opened = [
        order.client_order_id
        for order in run.books().orders.values()
        if order.ticket.purpose is Purpose.ENTRY
        and order.client_order_id not in before
        and order.filled_quantity
    ]
    assert opened == []


def test_a_dead_session_without_its_database_is_flat_and_its_next_start_books_everything(run: Run):
    run.session.kill()
    database, copy = run.folder / "steadyhand.db", run.folder / "kept"
    copy.mkdir()
    for path in run.folder.glob("steadyhand.db*"):
        shutil.move(path, copy / path.name)
    database.write_bytes(b"this was a database once " * 4_000)

    code, said = run.close_in_emergency()

    assert code == 0, said
    assert held(run) == {}
    for path in copy.iterdir():
        shutil.move(path, run.folder / path.name)
    run.start_session()
    rest_and_judge(run)


@pytest.mark.slow
def test_a_position_that_the_session_never_heard_of_is_closed_and_booked_too(tmp_path: Path):
    use_money_context()
    with a_run(tmp_path, a_port(), EXCHANGE, SESSION, **LOOSE) as run:
        run.start_exchange()
        run.start_session()
        until(lambda: bool(held(run)), "the session opens a position")
        run.session.kill()
        owner_trades(run)

        code, said = run.close_in_emergency()

        assert (code, held(run)) == (0, {}), said
        run.start_session()
        rest_and_judge(run)


@pytest.mark.slow
@pytest.mark.parametrize("executed", [True, False])
def test_an_order_without_an_answer_is_settled_by_evidence_and_never_sent_again(executed: bool, run: Run):
    run.session.kill()
    rule = {"operation": "order.place", "fault": "respond", "body": "unknown_503", "executed": executed}
    run.admin("POST", "faults", rules=[{**rule, "count": 1}])

    code, said = run.close_in_emergency()

    assert "outcome UNKNOWN" in said
    if executed:
        assert (code, held(run)) == (0, {}), said
        assert "found at the exchange" in said
    else:
        assert code == 1 and len(held(run)) == 1, said
        assert run.close_in_emergency()[0] == 5
        assert held(run) == {}
    run.start_session()
    rest_and_judge(run)


@pytest.mark.slow
def test_an_emergency_that_is_killed_goes_on_where_it_was(run: Run):
    run.session.kill()
    delay = {"operation": "order.place", "fault": "delay_answer", "ms": 3_000, "count": 5}
    run.admin("POST", "faults", rules=[delay])
    run.emergency.start()
    run.emergency.wait_for("at the market, reduce-only")
    until(lambda: bool(emergency_orders(run)), "an order arrives")
    run.emergency.kill()

    code, said = run.close_in_emergency()

    assert code == 0, said
    assert "sent by an earlier run" in said
    assert held(run) == {}
    run.start_session()
    rest_and_judge(run)


@pytest.mark.slow
def test_an_exchange_that_does_not_answer_leaves_a_halt_and_says_what_is_not_done(run: Run):
    run.session.kill()
    run.exchange.kill()

    code, said = run.close_in_emergency()

    assert code == 1
    assert "HALT is in the data folder" in said
    assert "NOT done" in said and "Traceback" not in said
    run.start_exchange()
    assert run.close_in_emergency()[0] == 0
    run.start_session()
    rest_and_judge(run)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("operation", "said_of_it", "flat"),
    [("positions", "positions cannot be read", False), ("orders.open", "open orders cannot be read", True)],
)
def test_what_cannot_be_read_is_said_and_does_not_stop_the_rest(
    operation: str, said_of_it: str, flat: bool, run: Run
):
    run.session.kill()
    rule = {"operation": operation, "fault": "respond", "body": "unknown_503", "executed": False}
    run.admin("POST", "faults", rules=[{**rule, "count": None}])

    code, said = run.close_in_emergency()

    assert (code, held(run) == {}) == (1, flat), said
    assert said_of_it in said and "Traceback" not in said
    run.admin("PUT", "faults", seed=0, rules=[])
    assert run.close_in_emergency()[0] == 0
    run.start_session()
    rest_and_judge(run)


@pytest.mark.slow
def test_a_session_that_answers_is_not_gone_around_unless_it_is_asked_for(run: Run):
    code, said = run.close_in_emergency()

    assert code == 1 and "halt --hard" in said
    assert emergency_orders(run) == {}
    assert not (run.folder / "HALT").exists()


def fill(path: Path) -> None:
    """Leave not one byte on the file system."""
    with path.open("wb", buffering=0) as filler:
        for size in (1 << 20, 4096, 1):
            with suppress(OSError):
                while True:
                    filler.write(b"x" * size)


@pytest.mark.slow
def test_a_full_disk_is_not_in_the_way(tmp_path: Path):
    use_money_context()
    folder = tmp_path / "disk"
    try:
        with small_disk(folder, "64m") as _:
            # The exchange is another machine's matter.
            (tmp_path / "exchange").mkdir()
            (folder / "testnet").symlink_to(tmp_path / "exchange")
            with a_run(folder, a_port(), EXCHANGE, SESSION, **LOOSE) as run:
                run.start_exchange()
                run.start_session()
                begin(run)
                run.session.kill()
                fill(folder / "filler")
                run.emergency.log = tmp_path / "emergency.log"

                code, said = run.close_in_emergency()

                assert held(run) == {}, said
                assert code == 0, said
                assert (folder / "HALT").exists()
                (folder / "filler").unlink()
                run.start_session()
                rest_and_judge(run)
    except PermissionError as error:
        pytest.skip(f"a small disk cannot be mounted here: {error}")
