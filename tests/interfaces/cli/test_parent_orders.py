"""The command ``orders`` shows parent orders above their children, and names each child's parent."""

import sys
from dataclasses import replace
from decimal import Decimal

import pytest

from src.domain.orders.order import Order
from src.domain.orders.parents import ParentOrder, ParentStatus
from tests.interfaces.cli.conftest import Run
from tests.support.fake_composition import FakeApplication
from tests.support.ledger_builders import START_MS, a_parent_ticket, an_intent
from tests.support.ledger_builders import a_ticket as a_stored_ticket


@pytest.fixture(autouse=True)
def history(app: FakeApplication) -> None:
    """A TWAP at work with one child, and one of another symbol that is over."""
    parent = ParentOrder("abc-twap", a_parent_ticket(), "session-1", 1, START_MS, slices_done=1)
    over = ParentOrder(
        "abc-over",
        replace(a_parent_ticket(), symbol="ETHUSDT"),
        "session-1",
        2,
        START_MS,
        status=ParentStatus.FILLED,
        filled_quantity=Decimal(1),
    )
    intent = an_intent(3, a_stored_ticket(parent_id="abc-twap"))
    app.reads.the_parents = [over, parent]
    app.reads.the_orders = [Order(intent.ticket, intent.attempt, "session-1", 3, START_MS)]


def test_parents_stand_above_their_children(run: Run):
    shown = run("orders")

    assert shown.code == 0
    assert "PAPER parent orders" in shown.out
    assert shown.out.index("TWAP") < shown.out.index("PAPER orders")
    assert "WORKING" in shown.out and "FILLED" in shown.out


def test_the_document_names_parents_and_each_childs_parent(run: Run):
    document = run("orders", "--json").document

    assert [parent["parent_id"] for parent in document["parents"]] == ["abc-over", "abc-twap"]
    assert [order["parent_id"] for order in document["orders"]] == ["abc-twap"]


def test_the_ids_that_a_cancel_needs_are_whole_on_a_narrow_terminal(
    app: FakeApplication, run: Run, monkeypatch: pytest.MonkeyPatch
):
    ids = ("a3j-0001-00000bf-1-dou4", "a3j-0001-00000be-1-ltb9")
    parent, order = app.reads.the_parents[1], app.reads.the_orders[0]
    app.reads.the_parents = [replace(parent, parent_id=ids[0], status=ParentStatus.CANCELING)]
    order.attempt = replace(order.attempt, client_order_id=ids[1])
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "dumb")

    shown = run("orders", "--open").out

    assert all(each in shown for each in ids)
    assert max(map(len, shown.splitlines())) <= 80


def test_a_list_that_holds_nothing_does_not_say_that_nothing_was_ever_sent(run: Run):
    assert run("orders", "--open", "--symbol", "SOLUSDT").out == "PAPER open orders: none\n"


def test_parents_are_filtered_like_orders(run: Run):
    opened = run("orders", "--open", "--json").document
    of_symbol = run("orders", "--symbol", "ETH/USDT", "--json").document

    assert [parent["parent_id"] for parent in opened["parents"]] == ["abc-twap"]
    assert [parent["parent_id"] for parent in of_symbol["parents"]] == ["abc-over"]


def test_a_parent_is_canceled_like_an_order(app: FakeApplication, run: Run):
    ran = run("cancel-order", "abc-twap")

    assert ran.code == 0
    assert any("abc-twap" in str(asked) for asked in app.asked)


def test_a_parent_that_is_over_is_not_canceled(run: Run):
    ran = run("cancel-order", "abc-over")

    assert ran.code == 4
    assert ran.err == "error: order abc-over is FILLED already: there is nothing to cancel\n"
