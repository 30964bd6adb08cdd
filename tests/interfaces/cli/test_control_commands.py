"""Commands that steer a session or its account, backups, and what they answer when no session runs."""

from pathlib import Path

import pytest

from src.application.ports.store import AccountBusy, StoreError
from src.domain.orders.order import Order
from src.domain.orders.ticket import Attempt
from src.domain.orders.types import OrderStatus
from tests.interfaces.cli.conftest import Run
from tests.support.domain_builders import a_ticket
from tests.support.fake_composition import FakeApplication
from tests.support.session_builders import a_snapshot


@pytest.fixture
def order(app: FakeApplication) -> Order:
    """An order of the account that can still be filled."""
    order = Order(a_ticket(), Attempt("x-1", 0, 5_000), "session", 1, 0, OrderStatus.NEW)
    app.reads.the_orders = [order]
    return order


@pytest.mark.parametrize(("command", "sent"), [("pause-session", "pause"), ("resume-session", "resume")])
def test_a_running_session_is_steered(app: FakeApplication, run: Run, command: str, sent: str):
    app.running = a_snapshot()

    told, document = run(command), run(command, "--json").document

    assert told.code == 0 and told.out.startswith("PAPER session ")
    assert set(document) == {"account_id", "session_id", "status"}
    assert app.asked == [(sent, {}), (sent, {})]


@pytest.mark.parametrize("command", ["pause-session", "resume-session"])
def test_without_a_session_there_is_nothing_to_steer(run: Run, command: str):
    ran = run(command)

    assert (ran.code, ran.out) == (3, "")
    assert ran.err == "error: no session is running: start one with start-session\n"


def test_an_order_is_canceled_by_the_running_session(app: FakeApplication, run: Run, order: Order):
    app.running = a_snapshot()

    ran = run("cancel-order", order.id)

    assert ran.out == f"{order.id} of {order.symbol} is to be canceled; the exchange is asked\n"
    assert app.asked == [("cancel", {"client_order_id": order.id})]


def test_without_a_session_the_wish_is_recorded_for_the_next_start(
    app: FakeApplication, run: Run, order: Order
):
    ran = run("cancel-order", order.id, "--json")

    assert ran.document == {"client_order_id": order.id, "symbol": "BTCUSDT", "running": False}
    assert app.asked[0][0] == "offline cancel"


@pytest.mark.parametrize(("status", "code"), [(OrderStatus.FILLED, 4), (OrderStatus.CANCELED, 4), (None, 2)])
def test_an_order_that_is_over_or_unknown_is_not_canceled(
    app: FakeApplication, run: Run, order: Order, status: OrderStatus | None, code: int
):
    if status is not None:
        order.status = status

    ran = run("cancel-order", order.id if status is not None else "nobody")

    assert (ran.code, ran.err.count("\n")) == (code, 1)
    assert app.asked == []


def test_an_account_that_somebody_holds_is_left_alone(app: FakeApplication, run: Run, order: Order):
    app.fails["offline cancel"] = AccountBusy("account a is held by pid 1: stop that session first")

    assert run("cancel-order", order.id).code == 1


def test_a_backup_says_what_is_in_it(run: Run):
    told = run("backup", "mine.tar.gz")

    assert told.out == "mine.tar.gz: 1 account, 56 records, chain intact, 1,234 bytes\n"
    assert run("backup", "--json").document["file"] == "data/backups/b.tar.gz"
    assert run("restore", "mine.tar.gz").out.endswith("56 records, chain intact; start-session goes on\n")
    assert run("restore", "mine.tar.gz", "--json").document["records"] == 56


def test_a_backup_that_is_without_a_paper_exchange_is_a_failure(run: Run, app: FakeApplication):
    app.missing = ("acc00001-x",)

    told = run("backup", "--json")

    assert (told.code, told.document["missing"]) == (1, ["acc00001-x"])
    assert "exchange's file of acc00001 is gone" in told.err and told.err.count("\n") == 1


@pytest.mark.parametrize(("command", "call"), [(("backup",), "back_up"), (("restore", "b"), "restore")])
def test_what_cannot_be_kept_is_one_line(app: FakeApplication, run: Run, command: tuple[str, ...], call: str):
    app.fails[call] = StoreError("b exists, and nothing is overwritten: name another file")

    ran = run(*command)

    assert (ran.code, ran.err) == (1, "error: b exists, and nothing is overwritten: name another file\n")


def test_a_replay_is_a_session_on_recorded_frames_as_quick_as_it_goes(
    app: FakeApplication, run: Run, tmp_path: Path
):
    files = [tmp_path / "a.ws", tmp_path / "b.ws"]
    for file in files:
        file.touch()

    ran = run("replay", *map(str, files), "--strategies", "rsi", "--json")

    ((_, request),) = app.asked
    assert ran.code == 0
    assert (request.replay, request.speed, request.given) == (tuple(files), None, {"strategies"})
